//! The key that signs access tokens, the tokens, and their check.

use std::{collections::HashMap, fmt, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use parking_lot::RwLock;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    wire::{journal::Principal, tls::write_private},
    world::moment::Moment,
};

const KEY_FILE: &str = "token-key.pem";
/// Entra's tokens start to be valid a little before they are given.
const NOT_BEFORE_LEAD_SECONDS: i64 = 300;
/// Tokens remembered as verified.
const CACHE_SIZE: usize = 20_000;

/// How an application proved itself, as the claim `appidacr` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Secret,
    Assertion,
    /// Not at all: a public client.
    Public,
}

/// What an access token says.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) audience: &'a str,
    pub(crate) principal: &'a Principal,
    pub(crate) proof: Proof,
    pub(crate) lifetime_seconds: i64,
    /// Further claims, or others in place of the usual ones.
    pub(crate) more: Map<String, Value>,
}

/// The claims of a verified token that a service looks at.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    pub(crate) audience: String,
    pub(crate) issuer: String,
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
    /// The claims request that the token was made for.
    pub(crate) claims_request: Option<Value>,
    pub(crate) principal: Arc<Principal>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    nbf: i64,
    exp: i64,
    appid: String,
    oid: String,
    tid: String,
    #[serde(rename = "xms_sim_claims", default)]
    request: Option<Value>,
}

/// Signs and verifies access tokens.
pub(crate) struct Signer {
    private: EncodingKey,
    public: DecodingKey,
    kid: String,
    jwk: Value,
    verified: RwLock<HashMap<[u8; 32], Arc<Verified>>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({})", self.kid)
    }
}

/// Issuer of tokens in the v1 form, which is what vaults and the resource manager get.
pub(crate) fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

impl Signer {
    /// With the key kept in `dir`, made at first start: tokens stay valid over a restart.
    pub(crate) fn kept_in(dir: &Path) -> Result<Self> {
        let file = dir.join(KEY_FILE);
        let key = match std::fs::read_to_string(&file) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .with_context(|| format!("cannot read {}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
                write_private(&file, key.serialize_pem().as_bytes())?;
                key
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        Self::of_key(&key)
    }

    fn of_key(key: &KeyPair) -> Result<Self> {
        let certificate =
            CertificateParams::new(vec!["accounts.accesscontrol.windows.net".to_owned()])?
                .self_signed(key)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate.der())?;
        let public_der = parsed.public_key().subject_public_key.data.to_vec();
        let x509_parser::public_key::PublicKey::RSA(public) = parsed.public_key().parsed()? else {
            anyhow::bail!("the token key is not RSA");
        };
        let modulus: Vec<u8> = public
            .modulus
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        // From the key alone: the certificate around it is new at each start.
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            &public_der,
        ));
        let jwk = json!({
            "kty": "RSA",
            "use": "sig",
            "kid": kid,
            "x5t": kid,
            "n": URL_SAFE_NO_PAD.encode(&modulus),
            "e": URL_SAFE_NO_PAD.encode(public.exponent),
            "x5c": [STANDARD.encode(certificate.der())],
        });
        Ok(Self {
            private: EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes())?,
            public: DecodingKey::from_rsa_der(&public_der),
            kid,
            jwk,
            verified: RwLock::default(),
        })
    }

    /// The key set that the discovery documents point to.
    pub(crate) fn key_set(&self) -> Value {
        json!({"keys": [self.jwk]})
    }

    /// Signs an access token in the v1 form.
    pub(crate) fn issue(&self, grant: &Grant<'_>, now: Moment) -> Result<String> {
        let principal = grant.principal;
        let issuer = issuer(&principal.tenant_id);
        let unique = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
        let mut claims = json!({
            "aud": grant.audience,
            "iss": issuer,
            "iat": now.seconds() - NOT_BEFORE_LEAD_SECONDS,
            "nbf": now.seconds() - NOT_BEFORE_LEAD_SECONDS,
            "exp": now.seconds() + grant.lifetime_seconds,
            "aio": STANDARD.encode(rand::random::<[u8; 24]>()),
            "appid": principal.client_id,
            "appidacr": match grant.proof { Proof::Public => "0", Proof::Secret => "1", Proof::Assertion => "2" },
            "idp": issuer,
            "oid": principal.object_id,
            "rh": format!("1.A{}.", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>())),
            "sub": principal.object_id,
            "tid": principal.tenant_id,
            "uti": unique,
            "ver": "1.0",
        });
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(grant.more.clone());
        }
        self.sign(&claims)
    }

    /// Signs any token, as an id token.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.kid, "kid": self.kid});
        let message = format!("{}.{}", encoded(&header)?, encoded(claims)?);
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, Algorithm::RS256)?;
        Ok(format!("{message}.{signature}"))
    }

    /// Checks form and signature; time, audience and tenant are the caller's to judge.
    pub(crate) fn verify(&self, token: &str) -> Option<Arc<Verified>> {
        let print = print(token)?;
        if let Some(known) = self.verified.read().get(&print) {
            return Some(Arc::clone(known));
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (_, payload) = message.split_once('.')?;
        let valid = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &self.public,
            Algorithm::RS256,
        );
        if !valid.is_ok_and(|valid| valid) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let verified = Arc::new(Verified {
            audience: claims.aud,
            issuer: claims.iss,
            not_before: claims.nbf,
            expires: claims.exp,
            claims_request: claims.request,
            principal: Arc::new(Principal {
                tenant_id: claims.tid,
                client_id: claims.appid,
                object_id: claims.oid,
            }),
        });
        let mut cache = self.verified.write();
        if cache.len() >= CACHE_SIZE {
            cache.clear();
        }
        cache.insert(print, Arc::clone(&verified));
        Some(verified)
    }
}

fn encoded(value: &Value) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(value)?))
}

fn print(token: &str) -> Option<[u8; 32]> {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            tenant_id: "t".into(),
            client_id: "c".into(),
            object_id: "o".into(),
        }
    }

    fn token(signer: &Signer) -> String {
        let principal = principal();
        let grant = Grant {
            audience: "https://a",
            principal: &principal,
            proof: Proof::Secret,
            lifetime_seconds: 3600,
            more: Map::new(),
        };
        signer.issue(&grant, Moment(1_000_000_000_000)).unwrap()
    }

    #[test]
    fn a_token_is_verified_with_its_claims_and_again_from_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::kept_in(dir.path()).unwrap();
        let token = token(&signer);
        for _ in 0..2 {
            let verified = signer.verify(&token).unwrap();
            assert_eq!(verified.audience, "https://a");
            assert_eq!(verified.expires, 1_000_003_600);
            assert_eq!(*verified.principal, principal());
        }
    }

    #[test]
    fn a_changed_token_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::kept_in(dir.path()).unwrap();
        let token = token(&signer);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD
            .encode(r#"{"aud":"x","iss":"y","nbf":0,"exp":9,"appid":"a","oid":"b","tid":"c"}"#);
        assert!(
            signer
                .verify(&format!("{header}.{other}.{signature}"))
                .is_none()
        );
        assert!(signer.verify("nonsense").is_none());
    }

    #[test]
    fn the_key_outlives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let token = token(&Signer::kept_in(dir.path()).unwrap());
        assert!(
            Signer::kept_in(dir.path())
                .unwrap()
                .verify(&token)
                .is_some()
        );
    }
}
