//! Certificates, and users by name and password: each through the operator, up to a Secret, with what goes wrong and its mend.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use lakevault::azure_identity::api::{AzureIdentityStatus, ClusterAzureIdentity};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{binaries, until};

use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::lane::{Lane, OTHER};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        certificate_in_every_container,
        certificate_troubles_and_their_mends,
        certificate_by_subject_and_issuer,
        certificate_near_its_end,
        password_of_a_user,
        password_that_needs_a_second_factor,
    ]
}

/// What opens the encrypted fixtures.
const OPENS: &str = "correct horse";

fn fixture(name: &str) -> Vec<u8> {
    let folder = binaries::repository().join("tests/fixtures/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

/// The credential of `main`: key `c` of Secret `sp`, opened by its key `password`.
fn certificate() -> Value {
    json!({"clientCertificate": {"name": "sp", "key": "c", "passwordKey": "password"}})
}

/// Puts content and password into Secret `sp`.
async fn store(kit: &Kit, content: &[u8], password: &str) -> Result<()> {
    let data = json!({"c": STANDARD.encode(content), "password": STANDARD.encode(password)});
    kit.apply(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": kit.namespace}, "data": data
    }))
    .await
}

/// The application knows these certificates, and the other identity's secret.
async fn register(lane: &Lane, certificates: &[String]) -> Result<()> {
    let certificates: Vec<_> = certificates.iter().map(|pem| json!({"pem": pem})).collect();
    let secrets = json!([{"value": OTHER}]);
    lane.application(json!({"secrets": secrets, "certificates": certificates}))
        .await
}

async fn status(lane: &Lane) -> Result<AzureIdentityStatus> {
    let identity = lane.identities().get("main").await?;
    identity.status.context("no status")
}

/// A lane with a certificate that works.
async fn with_certificate(kit: Kit) -> Result<Lane> {
    let mut lane = Lane::make(kit).await?;
    register(&lane, &[text("certificate.pem")]).await?;
    store(&lane.kit, &fixture("pkcs8.pem"), OPENS).await?;
    lane.start(certificate()).await?;
    Ok(lane)
}

async fn certificate_in_every_container(kit: Kit) -> Result<()> {
    let mut lane = with_certificate(kit).await?;
    let first = status(&lane).await?;
    ensure!(
        first.credential.as_deref() == Some("clientCertificate"),
        "{first:?}"
    );
    let end = first.credential_expires_at.context("no end")?.0;
    ensure!(
        end.duration_since(Timestamp::now()) > SignedDuration::from_hours(10_000),
        "{end}"
    );
    for name in [
        "modern.p12",
        "legacy.p12",
        "encrypted-aes256.pem",
        "pkcs1.pem",
    ] {
        let before = lane.token_requests().await?.len();
        store(&lane.kit, &fixture(name), OPENS).await?;
        // A changed Secret is a changed credential: a token of it is asked for at once.
        until(SOON, &format!("a token by {name}"), async || {
            let requests = lane.token_requests().await.map_err(seen)?;
            match requests.get(before..).unwrap_or_default() {
                [] => Err("no request".to_owned()),
                new if new.iter().all(|entry| entry.status == 200) => Ok(()),
                new => Err(format!("{new:?}")),
            }
        })
        .await?;
        lane.rotate().await?;
        lane.works_after_a_look().await?;
        lane.identity_says("True", "TokenAcquired").await?;
    }
    Ok(())
}

async fn certificate_troubles_and_their_mends(kit: Kit) -> Result<()> {
    let mut lane = with_certificate(kit).await?;
    let namespace = lane.kit.namespace.clone();
    let at = format!("Secret {namespace}/sp");
    let garbage = format!("{PLANTED}no-certificate").into_bytes();
    let troubles: [(&str, Vec<u8>, &str, &[&str]); 7] = [
        (
            "CertificatePasswordWrong",
            fixture("modern.p12"),
            "wrong",
            &[&at, "key c"],
        ),
        (
            "CertificateKeyMismatch",
            fixture("mismatch.pem"),
            OPENS,
            &[&at, "key c"],
        ),
        (
            "CredentialNotFound",
            Vec::new(),
            OPENS,
            &[&at, "spec.clientCertificate.key"],
        ),
        ("CertificateUnreadable", garbage, OPENS, &[&at, "key c"]),
        (
            "CertificateExpired",
            fixture("expired.pem"),
            OPENS,
            &["expired at", "az ad app credential reset"],
        ),
        (
            "CertificateExpired",
            fixture("future.pem"),
            OPENS,
            &["valid from"],
        ),
        (
            "CertificateNotRegistered",
            fixture("chain.pem"),
            OPENS,
            &["AADSTS700027", "--cert", "sendChain"],
        ),
    ];
    for (reason, content, password, words) in troubles {
        store(&lane.kit, &content, password).await?;
        let message = lane.identity_says("False", reason).await?;
        teaches(&message, words).with_context(|| reason.to_owned())?;
        lane.kit.look("app").await?;
        lane.fails(reason, words).await?;
        store(&lane.kit, &fixture("pkcs8.pem"), OPENS).await?;
        lane.works_at_once().await?;
        lane.identity_says("True", "TokenAcquired").await?;
    }
    Ok(())
}

/// The application trusts a subject below a root; the certificate itself is not registered.
async fn certificate_by_subject_and_issuer(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    let chain = text("chain.pem");
    let mark = "-----END CERTIFICATE-----\n";
    let root = chain.split_inclusive(mark).next().context("no root")?;
    let rule = json!({"subject": "CN=chained.example,O=Contoso", "rootPem": root});
    lane.application(json!({"secrets": [{"value": OTHER}], "subjectNameIssuer": [rule]}))
        .await?;
    store(&lane.kit, &fixture("chain.p12"), OPENS).await?;
    lane.kit.apply(lane.identity("main", certificate())).await?;
    lane.kit.apply(lane.app()).await?;
    lane.fails("CertificateNotRegistered", &["AADSTS700027", "sendChain"])
        .await?;
    lane.patch_identity(json!({"spec": {"clientCertificate": {"sendChain": true}}}))
        .await?;
    lane.works_at_once().await
}

/// A certificate of the fixtures' key that ends in some days: the certificate, and both together.
fn ending_in(days: i64) -> Result<(String, Vec<u8>)> {
    let key = text("key.pem");
    let mut params = CertificateParams::new(Vec::new())?;
    let end = Timestamp::now() + SignedDuration::from_hours(days * 24);
    let end = end.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (month, day) = (u8::try_from(end.month())?, u8::try_from(end.day())?);
    params.not_after = rcgen::date_time_ymd(end.year().into(), month, day);
    let certificate = params.self_signed(&KeyPair::from_pem(&key)?)?.pem();
    let both = format!("{certificate}{key}").into_bytes();
    Ok((certificate, both))
}

async fn certificate_near_its_end(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    let (old, old_with_key) = ending_in(10)?;
    let (new, new_with_key) = ending_in(90)?;
    register(&lane, &[old, new]).await?;
    store(&lane.kit, &old_with_key, OPENS).await?;
    lane.start(certificate()).await?;
    let message = lane
        .main_says("Expiring", "True", "CertificateEnds")
        .await?;
    teaches(&message, &["ends at", "register a new one"])?;
    let end = status(&lane)
        .await?
        .credential_expires_at
        .context("no end")?;
    ensure!(message.contains(&end.0.to_string()), "{message} {end:?}");
    until(SOON, "an Event tells it", async || {
        let events = lane.kit.events("main").await.map_err(seen)?;
        if events
            .iter()
            .any(|event| event == "CertificateEnds Warning")
        {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await?;
    store(&lane.kit, &new_with_key, OPENS).await?;
    lane.main_says("Expiring", "False", "CertificateValid")
        .await?;
    lane.rotate().await?;
    lane.works_after_a_look().await
}

/// A ClusterAzureIdentity that signs in as user `ada`, whose password is in a Secret of the operator's namespace.
struct User {
    lane: Lane,
    name: String,
    secret: String,
}

impl User {
    async fn make(kit: Kit, mfa: bool) -> Result<Self> {
        let lane = Lane::make(kit).await?;
        let (namespace, object) = (&lane.kit.namespace, uuid::Uuid::new_v4().to_string());
        let native = uuid::Uuid::new_v4().to_string();
        let seed = json!({"tenants": [{
            "id": lane.tenant,
            "applications": [{"clientId": native, "publicClient": true}],
            "users": [{"username": format!("ada@{namespace}.example"), "password": Self::PASSWORD, "objectId": object, "mfa": mfa}]
        }]});
        lane.kit.admin().seed(&seed).await?;
        let role = "Key Vault Secrets User";
        let roles = json!([
            {"principalId": object, "role": role}, {"principalId": lane.kit.object_id, "role": role}
        ]);
        let vault = json!({ "roleAssignments": roles });
        lane.kit
            .admin()
            .patch_vault(&lane.kit.vault, &vault)
            .await?;
        let user = Self {
            name: format!("user-{namespace}"),
            secret: format!("user-{namespace}"),
            lane,
        };
        user.store(Self::PASSWORD).await?;
        let kit = &user.lane.kit;
        let username = format!("ada@{}.example", kit.namespace);
        kit.apply(json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": user.name},
            "spec": {
                "tenantId": user.lane.tenant, "clientId": native, "cloud": kit.cloud(),
                "usernamePassword": {"username": username, "passwordFrom": {"name": user.secret, "key": "secret"}},
                "allow": [{"namespaces": {"names": [kit.namespace]}}]
            }
        }))
        .await?;
        let sync = kit.sync("app", &[("K", "s")], |spec| {
            spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": user.name});
        });
        kit.apply(sync).await?;
        Ok(user)
    }

    const PASSWORD: &str = "planted-value-of-ada";

    async fn store(&self, password: &str) -> Result<()> {
        let system = Kit {
            namespace: "lakevault-system".to_owned(),
            ..self.lane.kit.clone()
        };
        system.make_credential(&self.secret, password).await
    }

    async fn says(&self, type_: &str, status: &str, reason: &str) -> Result<String> {
        let all: Api<ClusterAzureIdentity> = Api::all(self.lane.kit.client());
        until(
            SOON,
            &format!("{type_} is {status} for {reason}"),
            async || {
                let identity = all.get(&self.name).await.map_err(seen)?;
                let conditions = identity.status.unwrap_or_default().conditions;
                let found = conditions.iter().find(|c| c.type_ == type_);
                match found {
                    Some(c) if c.status == status && c.reason == reason => Ok(c.message.clone()),
                    other => Err(format!("{other:?}")),
                }
            },
        )
        .await
    }
}

async fn password_of_a_user(kit: Kit) -> Result<()> {
    let mut user = User::make(kit, false).await?;
    user.lane.works_at_once().await?;
    user.says("Ready", "True", "TokenAcquired").await?;
    let message = user.says("Discouraged", "True", "PasswordGrant").await?;
    teaches(&message, &["Microsoft", "workloadIdentity"])?;
    user.store(&format!("{PLANTED}wrong-password")).await?;
    let message = user.says("Ready", "False", "InvalidUserPassword").await?;
    teaches(&message, &["AADSTS50126", "password"])?;
    user.lane.kit.look("app").await?;
    user.lane
        .fails("InvalidUserPassword", &["AADSTS50126"])
        .await?;
    user.store(User::PASSWORD).await?;
    user.lane.works_at_once().await
}

async fn password_that_needs_a_second_factor(kit: Kit) -> Result<()> {
    let mut user = User::make(kit, true).await?;
    let words = ["AADSTS50076", "second factor", "workloadIdentity"];
    let message = user.says("Ready", "False", "MultiFactorRequired").await?;
    teaches(&message, &words)?;
    user.says("Discouraged", "True", "PasswordGrant").await?;
    user.lane.fails("MultiFactorRequired", &words).await
}
