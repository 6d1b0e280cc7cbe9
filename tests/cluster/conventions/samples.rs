//! The samples, as they are: applied, all of them become ready.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::kubectl::FIELD_MANAGER;
use testbed::poll::seen;
use testbed::{binaries, until};

use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![samples_become_ready_and_stay_as_they_were_applied]
}

/// What the simulator of deploy/simulator has, in the one of these tests.
async fn seed(kit: &Kit) -> Result<()> {
    let file = binaries::repository().join("deploy/simulator/seed.yaml");
    let issuer = "https://kubernetes.default.svc.cluster.local";
    let text = std::fs::read_to_string(file)?;
    let text = text.replace(issuer, kit.world.control_plane.issuer());
    let seed: Value = serde_saphyr::from_str(&text)?;
    let list = |of: &Value, field: &str| of[field].as_array().cloned().unwrap_or_default();
    let word = |of: &Value, field: &str| of[field].as_str().map(str::to_owned).context("a word");
    let admin = kit.admin();
    for tenant in list(&seed, "tenants") {
        for application in list(&tenant, "applications") {
            let (tenant, client) = (word(&tenant, "id")?, word(&application, "clientId")?);
            admin
                .put_application(&tenant, &client, &application)
                .await?;
        }
    }
    for subscription in list(&seed, "subscriptions") {
        let path = format!("/subscriptions/{}", word(&subscription, "id")?);
        admin
            .call::<Value>(Method::PUT, &path, Some(&subscription))
            .await?;
    }
    for vault in list(&seed, "vaults") {
        admin.put_vault(&word(&vault, "name")?, &vault).await?;
    }
    Ok(())
}

async fn samples_become_ready_and_stay_as_they_were_applied(kit: Kit) -> Result<()> {
    seed(&kit).await?;
    let kubectl = kit.world.control_plane.kubectl();
    let folder = binaries::repository().join("deploy/samples");
    // In the order in which the folder's page tells to.
    let folders = [folder.clone(), folder.join("azure")];
    for folder in &folders {
        kubectl.apply_dir(folder).await?;
    }
    until(SOON, "all samples are ready", async || {
        let all = ["get", "lakevault", "-n", "demo", "-o", "json"];
        let all = kubectl.run(all).await.map_err(seen)?;
        let all: Value = serde_json::from_str(&all).map_err(seen)?;
        let bad = trouble(&all);
        bad.is_empty().then_some(()).ok_or_else(|| bad.join("\n"))
    })
    .await?;
    let demo = Kit {
        namespace: "demo".to_owned(),
        ..kit.clone()
    };
    let keys = demo.data("web-tls").await?;
    ensure!(keys.contains_key("tls.crt") && keys.contains_key("tls.key"));
    let config = demo.data("shop-config").await?;
    let url = config.get("url").context("url")?;
    ensure!(url == "postgres://shop:horse@db.example.com/shop", "{url}");
    let session = demo.data("session").await?;
    ensure!(session.values().all(|key| key.len() == 48));
    let token = demo.data("partner-token").await?;
    ensure!(token == [("TOKEN".to_owned(), "for-the-demo-only-as-well".to_owned())].into());
    demo.says("partner-token", "Pushed", "True", "UpToDate")
        .await?;
    demo.says("worker", "RolledOut", "True", "NothingToRollOut")
        .await?;
    let manager = format!("--field-manager={FIELD_MANAGER}");
    for folder in &folders {
        let folder = folder.display().to_string();
        let words = ["diff", "--server-side", &manager, "-f", &folder];
        let diff = kubectl.run(words).await?;
        ensure!(diff.is_empty(), "{diff}");
    }
    Ok(())
}

/// What is not ready, or not as declared, of what the samples make: other tests lend identities, too.
fn trouble(all: &Value) -> Vec<String> {
    let objects = all["items"].as_array().into_iter().flatten();
    let is_good = |object: &&Value| {
        let conditions = object["status"]["conditions"].as_array();
        let says = |type_: &str| {
            let mut all = conditions.into_iter().flatten();
            all.find(|one| one["type"] == type_)
                .is_none_or(|one| one["status"] == "True")
        };
        conditions.is_some() && says("Ready") && says("Synced")
    };
    let is_sample = |object: &&Value| {
        let meta = &object["metadata"];
        meta["namespace"] == "demo" || meta["name"] == "shared"
    };
    let bad = objects.filter(is_sample).filter(|object| !is_good(object));
    bad.map(|object| json!([object["metadata"]["name"], object["status"]]).to_string())
        .collect()
}
