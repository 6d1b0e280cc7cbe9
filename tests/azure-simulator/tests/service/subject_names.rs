//! Certificates that are trusted by subject and issuer, with their chain in the assertion, and keys that are not RSA.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256,
    RsaKeySize,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        CLIENT, OBJECT, Sim, TENANT,
        assertions::{Identity, seconds, sign_with_key},
        token_url,
    },
    entra::{ask, assert_denied, assertion_form, claims_of},
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority() -> Authority {
    let mut params = named("root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn intermediate(root: &Authority) -> Authority {
    let mut params = named("intermediate");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), root).unwrap()
}

/// A leaf of that subject, and its assertion with the chain.
struct Leaf {
    key: KeyPair,
    chain: Vec<Vec<u8>>,
}

impl Leaf {
    fn new(params: &CertificateParams, issuer: &Authority) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        let chain = vec![certificate.der().to_vec(), issuer.der().to_vec()];
        Self { key, chain }
    }

    fn assertion(&self) -> String {
        use aws_lc_rs::digest::{SHA256, digest};
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let print = URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.chain[0]));
        let x5c: Vec<String> = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": print, "x5c": x5c});
        let key = EncodingKey::from_rsa_pem(self.key.serialize_pem().as_bytes()).unwrap();
        sign_with_key(&key, Algorithm::PS256, &header, &claims())
    }
}

fn claims() -> Value {
    json!({"aud": token_url(), "iss": CLIENT, "sub": CLIENT, "nbf": seconds(0), "exp": seconds(600)})
}

async fn with_application(spec: Value) -> Sim {
    let sim = Sim::start().await;
    let path = format!("/tenants/{TENANT}/applications/{CLIENT}");
    sim.admin(Method::PUT, &path, &spec).await;
    sim
}

async fn trusting(root: &Authority) -> Sim {
    let rule = json!({"subject": "CN=app.example", "rootPem": root.pem()});
    with_application(json!({"objectId": OBJECT, "subjectNameIssuer": [rule]})).await
}

#[tokio::test]
async fn a_chain_to_the_root_signs_in_and_so_does_its_successor() {
    let root = authority();
    let sim = trusting(&root).await;
    let between = intermediate(&root);
    // A renewed certificate is another one, of the same subject.
    for leaf in [
        Leaf::new(&named("app.example"), &root),
        Leaf::new(&named("app.example"), &between),
    ] {
        let form = assertion_form(&leaf.assertion());
        let (status, body) = ask(&sim, &token_url(), &form).await;
        assert_eq!(status, 200, "{body}");
        let claims = claims_of(body["access_token"].as_str().unwrap());
        assert_eq!(
            (&claims["oid"], &claims["appidacr"]),
            (&json!(OBJECT), &json!("2"))
        );
    }
}

#[tokio::test]
async fn a_chain_of_another_kind_does_not() {
    let root = authority();
    let sim = trusting(&root).await;
    let mut old = named("app.example");
    old.not_before = rcgen::date_time_ymd(2020, 1, 1);
    old.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let mut alone = Leaf::new(&named("app.example"), &intermediate(&root));
    alone.chain.truncate(1);
    for (leaf, code) in [
        (Leaf::new(&named("other.example"), &root), 700_027),
        (Leaf::new(&named("app.example"), &authority()), 700_027),
        (alone, 700_027),
        (Leaf::new(&old, &root), 1_000_502),
    ] {
        let form = assertion_form(&leaf.assertion());
        assert_denied(
            ask(&sim, &token_url(), &form).await,
            (code, 401, "invalid_client"),
        );
    }
}

#[tokio::test]
async fn a_registered_certificate_ends_with_its_time() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = named("app");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let spec = json!({"certificates": [{"pem": certificate.pem()}]});
    let sim = with_application(spec).await;
    let leaf = Leaf {
        key,
        chain: vec![certificate.der().to_vec()],
    };
    assert_denied(
        ask(&sim, &token_url(), &assertion_form(&leaf.assertion())).await,
        (1_000_502, 401, "invalid_client"),
    );
}

#[tokio::test]
async fn a_key_on_an_elliptic_curve_can_be_registered_but_signs_nobody_in() {
    let key = KeyPair::generate().unwrap();
    let certificate = named("app").self_signed(&key).unwrap();
    let spec = json!({"certificates": [{"pem": certificate.pem()}]});
    let sim = with_application(spec).await;
    let header = json!({"alg": "ES256", "typ": "JWT"});
    let signer = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
    let assertion = sign_with_key(&signer, Algorithm::ES256, &header, &claims());
    assert_denied(
        ask(&sim, &token_url(), &assertion_form(&assertion)).await,
        (5_000, 400, "server_error"),
    );
}

#[tokio::test]
async fn an_assertion_has_one_audience() {
    let identity = Identity::new();
    let spec = json!({"certificates": [{"pem": identity.certificate_pem}]});
    let sim = with_application(spec).await;
    let mut claims = claims();
    claims["aud"] = json!([token_url(), "https://login.sim.test/"]);
    let header = json!({"alg": "PS256", "x5t#S256": identity.x5t_s256()});
    let assertion = identity.sign(Algorithm::PS256, &header, &claims);
    assert_denied(
        ask(&sim, &token_url(), &assertion_form(&assertion)).await,
        (5_002_741, 401, "invalid_client"),
    );
}

#[tokio::test]
async fn an_assertions_times_are_borne_five_minutes_off() {
    let identity = Identity::new();
    let spec = json!({"certificates": [{"pem": identity.certificate_pem}]});
    let sim = with_application(spec).await;
    let header = json!({"alg": "PS256", "x5t#S256": identity.x5t_s256()});
    for (begin, end, status) in [
        (240, 900, 200),
        (-900, -240, 200),
        (360, 900, 401),
        (-900, -360, 401),
    ] {
        let mut claims = claims();
        claims["nbf"] = json!(seconds(begin));
        claims["exp"] = json!(seconds(end));
        let assertion = identity.sign(Algorithm::PS256, &header, &claims);
        let answer = ask(&sim, &token_url(), &assertion_form(&assertion)).await;
        assert_eq!(answer.0, status, "{begin} to {end}");
    }
}
