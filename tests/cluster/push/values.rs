//! What becomes of values on their way: certificates, and what is no text.

use anyhow::{Result, ensure};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use testbed::until;

use super::Desk;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_certificate_is_imported_with_its_key,
        what_is_no_text_is_encoded
    ]
}

/// A self-signed certificate and its key, in PEM.
fn pair() -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["web.test".to_owned()])?.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

async fn a_certificate_is_imported_with_its_key(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let consent = json!({"lakevault.dev/allow-push": "app"});
    let store = async |(certificate, key): (String, String)| {
        let data = json!({"tls.crt": certificate, "tls.key": key});
        desk.kit.make_secret("tls", data, consent.clone()).await
    };
    let first = pair()?;
    store(first.clone()).await?;
    let push =
        json!([{"from": {"secret": "tls"}, "to": {"certificate": "web", "tags": {"a": "b"}}}]);
    desk.kit.apply(desk.pushing(&push)).await?;
    let status = desk.is_pushed().await?;
    ensure!(status[0].object == "certificate/web", "{status:?}");
    let held = desk
        .vault
        .secret("web")
        .await?
        .expect("the certificate's secret");
    ensure!(
        held.content_type.as_deref() == Some("application/x-pem-file"),
        "{held:?}"
    );
    ensure!(held.value.contains(first.0.trim()), "another certificate");
    ensure!(held.value.contains("BEGIN PRIVATE KEY"), "no key");
    // The same again makes no version, another one does.
    store(first).await?;
    desk.kit.look("app").await?;
    let second = pair()?;
    store(second.clone()).await?;
    until(SOON, "the second certificate is imported", async || {
        let held = desk
            .vault
            .secret("web")
            .await
            .map_err(|error| format!("{error:#}"))?;
        match held {
            Some(held) if held.value.contains(second.0.trim()) => Ok(()),
            _ => Err("the first".to_owned()),
        }
    })
    .await?;
    ensure!(
        desk.count("ImportCertificate").await? == 2,
        "not two versions"
    );
    Ok(())
}

async fn what_is_no_text_is_encoded(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.kit
        .apply(json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"k": "/wA="},
            "metadata": {"name": "binary", "namespace": desk.kit.namespace, "annotations": {"lakevault.dev/allow-push": "app"}}
        }))
        .await?;
    let from = json!({"secret": "binary", "key": "k"});
    desk.apply(&json!({ "from": from })).await?;
    desk.fails(
        "ValueNotText",
        &["key \"k\" of Secret", "to.encode: Base64"],
    )
    .await?;
    desk.apply(&json!({"from": from, "to": {"secret": "db", "encode": "Base64"}}))
        .await?;
    desk.holds("db", "/wA=").await?;
    Ok(())
}
