//! Azure Stack Hub with a certificate, behind Entra and behind its own federation service: discovery, tokens, a secret.
//!
//! The document also registers the provider, makes a resource group and makes the vault. These are calls to the stack's Resource
//! Manager, which come with the kind that manages vaults; here the vault is there already.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::Stage;
use crate::kit::{TENANT, World};
use crate::page::{Terminal, commands, yaml};
use crate::place::Place;
use crate::python::{Clients, Document};
use crate::tokens::verified;

const JOB: &str = "Azure Stack Hub with a certificate";
const CLIENT: &str = "77777777-7777-7777-7777-777777777777";
const OBJECT: &str = "77777777-0000-0000-0000-000000000077";
/// The directory of the stack that has its own federation service.
const EDGE_TENANT: &str = "66666666-6666-6666-6666-666666666666";

/// A region of Azure Stack Hub.
struct Region {
    name: &'static str,
    provider: &'static str,
    /// Whose applications sign in there.
    tenant: &'static str,
    /// Host and path of the keys that its tokens are signed with.
    keys: String,
    namespace: &'static str,
    /// The page's commands and YAML, changed for this region.
    commands: String,
    yaml: String,
}

pub async fn behind_entra(stage: Arc<Stage>) -> Result<()> {
    let region = Region {
        name: "local",
        provider: "AAD",
        tenant: TENANT,
        keys: format!("login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"),
        namespace: "edge",
        commands: commands(JOB, "kubectl")?.join("\n"),
        yaml: yaml(JOB)?,
    };
    a_secret_is_set_and_synced(&stage, &region).await
}

/// The page says what differs: no tenant.
pub async fn behind_its_own_federation_service(stage: Arc<Stage>) -> Result<()> {
    let page = yaml(JOB)?;
    let lines = page
        .lines()
        .filter(|line| !line.contains("leave it out with ADFS"));
    let page = lines.collect::<Vec<_>>().join("\n");
    let region = Region {
        name: "edge",
        provider: "ADFS",
        tenant: EDGE_TENANT,
        keys: "adfs.edge.azurestack.external/adfs/discovery/keys".to_owned(),
        namespace: "edge-adfs",
        commands: commands(JOB, "kubectl")?
            .join("\n")
            .replace("-n edge ", "-n edge-adfs "),
        yaml: page
            .replace("local.azurestack", "edge.azurestack")
            .replace("kv-local", "kv-edge")
            .replace("namespace: edge", "namespace: edge-adfs"),
    };
    a_secret_is_set_and_synced(&stage, &region).await
}

async fn a_secret_is_set_and_synced(stage: &Stage, region: &Region) -> Result<()> {
    let world = stage.world().await?;
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let certificate = CertificateParams::new(Vec::new())?.self_signed(&key)?.pem();
    seed(&world, region, &certificate).await?;
    let terminal = Terminal::open(&world, region.namespace)?;
    let folder = terminal.scratch.path();
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    fs::write(folder.join("cert.pem"), &certificate)?;
    fs::write(folder.join("both.pem"), key.serialize_pem() + &certificate)?;
    fs::copy(&world.simulator.endpoints().ca_file, folder.join("ca.crt"))?;
    let told = the_documents_program(&world, region, &folder.join("both.pem")).await?;
    ensure!(told["secret"]["value"] == "some secret", "{told}");

    let place = Place::new(&world, region.namespace).await?;
    terminal.run(&region.commands, &[], "").await?;
    place.apply(&region.yaml).await?;
    let data = place.synced("stack-secret").await?;
    ensure!(data["AUTH_SAMPLE_SECRET"] == "some secret", "{data:?}");

    // Both found the same endpoints by the metadata alone.
    let status = place.identity("stack").await?;
    let cloud = status.cloud.context("no cloud in the status")?;
    ensure!(cloud.identity_provider == region.provider, "{cloud:?}");
    for (name, audience) in [
        ("management", &cloud.resource_manager_audience),
        ("vault", &cloud.key_vault_audience),
    ] {
        let token = told[name].as_str().unwrap_or_default();
        let claims = verified(&world, &region.keys, token, audience).await?;
        ensure!(
            claims["appid"] == CLIENT && claims["oid"] == OBJECT,
            "another's token: {claims}"
        );
    }
    Ok(())
}

async fn seed(world: &World, region: &Region, certificate: &str) -> Result<()> {
    let vault = format!("kv-{}", region.name);
    let seed = json!({
        "tenants": [{"id": region.tenant, "applications": [
            {"clientId": CLIENT, "objectId": OBJECT, "certificates": [{"pem": certificate}]},
        ]}],
        "stacks": [{
            "region": region.name, "fqdn": "azurestack.external",
            "identityProvider": region.provider, "tenantId": region.tenant,
        }],
        "vaults": [{
            "name": vault, "stack": region.name,
            "accessPolicies": [{"objectId": OBJECT, "secrets": ["all"]}],
        }],
    });
    world.simulator.admin().seed(&seed).await
}

async fn the_documents_program(world: &World, region: &Region, both: &Path) -> Result<Value> {
    let name = region.name;
    Document::new(world, Clients::Of2017, "azure_stack.py")
        .await?
        .variable("AZURE_RESOURCE_LOCATION", name)
        .variable("AZURE_TENANT_ID", region.tenant)
        .variable("AZURE_CLIENT_ID", CLIENT)
        .variable("AZURE_OBJECT_ID", OBJECT)
        .variable("AZURE_CERT_PATH", &both.to_string_lossy())
        .variable("AZURE_SUBSCRIPTION_ID", crate::place::SUBSCRIPTION)
        .variable(
            "ARM_ENDPOINT",
            &format!("https://management.{name}.azurestack.external"),
        )
        .filled_in(
            "VAULT_URI",
            &format!("https://kv-{name}.vault.{name}.azurestack.external"),
        )
        .tells()
        .await
}
