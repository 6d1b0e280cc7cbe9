//! Azure Stack Hub with a certificate, behind Entra and behind its own federation service: discovery, tokens, the provider, a
//! resource group, a vault with a secret, and the vault deleted again.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use reqwest::Method;
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

/// The page's subscription, and that of the other region.
const SUBSCRIPTION: &str = "88888888-8888-8888-8888-888888888888";
const EDGE_SUBSCRIPTION: &str = "88888888-8888-8888-8888-888888888866";
const GROUP: &str = "rg-edge";

/// A region of Azure Stack Hub.
struct Region {
    name: &'static str,
    provider: &'static str,
    /// Whose applications sign in there.
    tenant: &'static str,
    subscription: &'static str,
    /// Host and path of the keys that its tokens are signed with.
    keys: String,
    namespace: &'static str,
    /// The page's commands and YAML, changed for this region.
    credentials: String,
    yaml: String,
    deletion: String,
}

impl Region {
    fn vault(&self) -> String {
        format!("kv-{}", self.name)
    }

    fn uri(&self) -> String {
        let (vault, name) = (self.vault(), self.name);
        format!("https://{vault}.vault.{name}.azurestack.external")
    }
}

pub async fn behind_entra(stage: Arc<Stage>) -> Result<()> {
    let region = Region {
        name: "local",
        provider: "AAD",
        tenant: TENANT,
        subscription: SUBSCRIPTION,
        keys: format!("login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"),
        namespace: "edge",
        credentials: commands(JOB, " create ")?.join("\n"),
        yaml: yaml(JOB)?,
        deletion: commands(JOB, "delete")?.join("\n"),
    };
    a_vault_lives_its_life(&stage, &region).await
}

/// The page says what differs: the identity has no tenant.
pub async fn behind_its_own_federation_service(stage: Arc<Stage>) -> Result<()> {
    let here = |text: &str| {
        text.replace("local.azurestack", "edge.azurestack")
            .replace("kv-local", "kv-edge")
            .replace("location: local", "location: edge")
            .replace("namespace: edge", "namespace: edge-adfs")
            .replace("-n edge ", "-n edge-adfs ")
            .replace(SUBSCRIPTION, EDGE_SUBSCRIPTION)
            .replace(TENANT, EDGE_TENANT)
    };
    let page = yaml(JOB)?;
    let lines = page
        .lines()
        .filter(|line| !line.contains("leave it out with ADFS"));
    let region = Region {
        name: "edge",
        provider: "ADFS",
        tenant: EDGE_TENANT,
        subscription: EDGE_SUBSCRIPTION,
        keys: "adfs.edge.azurestack.external/adfs/discovery/keys".to_owned(),
        namespace: "edge-adfs",
        credentials: here(&commands(JOB, " create ")?.join("\n")),
        yaml: here(&lines.collect::<Vec<_>>().join("\n")),
        deletion: here(&commands(JOB, "delete")?.join("\n")),
    };
    a_vault_lives_its_life(&stage, &region).await
}

async fn a_vault_lives_its_life(stage: &Stage, region: &Region) -> Result<()> {
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
    let id = format!("{}/secrets/auth-sample-secret/", region.uri());
    let was_there = told["secret"]["id"].as_str().unwrap_or_default();
    ensure!(was_there.starts_with(&id), "{told}");
    ensure!(told["listed"] == json!([region.vault()]), "{told}");
    ensure!(told["left"] == json!([]), "{told}");

    // Lakevault finds the subscription as the document did: with nothing in it.
    subscription(&world, region).await?;
    let place = Place::new(&world, region.namespace).await?;
    terminal.run(&region.credentials, &[], "").await?;
    place.apply(&region.yaml).await?;
    let data = place.synced("stack-secret").await?;
    ensure!(data["AUTH_SAMPLE_SECRET"].len() == 32, "{:?}", data.keys());
    let made = in_azure(&world, region).await?.context("no vault")?;
    let policy = &made["vault"]["accessPolicies"][0];
    for kind in ["secrets", "keys", "certificates"] {
        ensure!(policy[kind] == json!(["all"]), "{made}");
    }
    ensure!(policy["tenantId"] == region.tenant, "{made}");
    let list = format!("kubectl -n {} get keyvaults", region.namespace);
    let listed = terminal.run(&list, &[], "").await?;
    ensure!(listed.contains(&region.uri()), "{listed}");
    both_found_the_same_endpoints(&place, region, &told).await?;

    terminal.run(&region.deletion, &[], "").await?;
    let left = in_azure(&world, region).await?;
    ensure!(left.is_none(), "{left:?}");
    let groups = groups(&world, region).await?;
    ensure!(groups == [GROUP], "{groups:?}");
    Ok(())
}

/// By the metadata alone.
async fn both_found_the_same_endpoints(
    place: &Place<'_>,
    region: &Region,
    told: &Value,
) -> Result<()> {
    let status = place.identity("stack").await?;
    let cloud = status.cloud.context("no cloud in the status")?;
    ensure!(cloud.identity_provider == region.provider, "{cloud:?}");
    for (name, audience) in [
        ("management", &cloud.resource_manager_audience),
        ("vault", &cloud.key_vault_audience),
    ] {
        let token = told[name].as_str().unwrap_or_default();
        let claims = verified(place.world, &region.keys, token, audience).await?;
        ensure!(
            claims["appid"] == CLIENT && claims["oid"] == OBJECT,
            "another's token: {claims}"
        );
    }
    Ok(())
}

async fn seed(world: &World, region: &Region, certificate: &str) -> Result<()> {
    let seed = json!({
        "tenants": [{"id": region.tenant, "applications": [
            {"clientId": CLIENT, "objectId": OBJECT, "certificates": [{"pem": certificate}]},
        ]}],
        "stacks": [{
            "region": region.name, "fqdn": "azurestack.external",
            "identityProvider": region.provider, "tenantId": region.tenant,
        }],
    });
    let admin = world.simulator.admin();
    admin.seed(&seed).await?;
    // A deletion that is over at once would not have to be waited for.
    let settings = json!({"groupDeletionMs": 1000, "vaultDeletionMs": 500});
    admin.settings(&settings).await?;
    subscription(world, region).await
}

/// A subscription that does not know vaults yet.
async fn subscription(world: &World, region: &Region) -> Result<()> {
    let seed = json!({"subscriptions": [{
        "id": region.subscription, "tenantId": region.tenant, "stack": region.name,
        "providers": {"Microsoft.KeyVault": "NotRegistered"},
        "roleAssignments": [{"principalId": OBJECT, "role": "Contributor"}],
    }]});
    world.simulator.admin().seed(&seed).await
}

/// The vault, as the simulator has it.
async fn in_azure(world: &World, region: &Region) -> Result<Option<Value>> {
    let admin = world.simulator.admin();
    let all: Value = admin.call(Method::GET, "/vaults", None).await?;
    let all = all["vaults"].as_array().context("no list of vaults")?;
    let name = region.vault();
    if !all.contains(&json!(name)) {
        return Ok(None);
    }
    let path = format!("/vaults/{name}");
    admin.call(Method::GET, &path, None).await.map(Some)
}

/// The names of the subscription's groups.
async fn groups(world: &World, region: &Region) -> Result<Vec<String>> {
    let admin = world.simulator.admin();
    let all: Value = admin.call(Method::GET, "/subscriptions", None).await?;
    let all = all["subscriptions"].as_array().context("no list")?;
    let ours = all.iter().find(|one| one["id"] == region.subscription);
    let groups = ours.and_then(|one| one["resourceGroups"].as_array());
    let names = groups.context("no groups")?.iter();
    Ok(names
        .filter_map(|group| group["name"].as_str().map(str::to_owned))
        .collect())
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
        .variable("AZURE_SUBSCRIPTION_ID", region.subscription)
        .variable(
            "ARM_ENDPOINT",
            &format!("https://management.{name}.azurestack.external"),
        )
        .filled_in("GROUP", GROUP)
        .filled_in("VAULT", &region.vault())
        .tells()
        .await
}
