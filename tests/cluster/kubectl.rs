//! What a person sees with kubectl.

use anyhow::{Context, Result, ensure};
use testbed::poll::seen;
use testbed::until;

use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        get_shows_the_columns_that_matter,
        every_name_of_a_kind_works,
        explain_tells_every_field,
        wait_ends_when_a_sync_is_ready,
        a_key_vault_has_its_columns_its_short_name_and_can_be_waited_for
    ]
}

async fn kubectl(kit: &Kit, line: &str) -> Result<String> {
    let arguments = ["-n", &kit.namespace].into_iter().chain(line.split(' '));
    kit.world.control_plane.kubectl().run(arguments).await
}

/// The words of a table's head. No column's name has a blank in it.
fn head(table: &str) -> Vec<&str> {
    table
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect()
}

async fn a_key_vault_has_its_columns_its_short_name_and_can_be_waited_for(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    estate.apply(|_| ()).await?;
    let ready = format!(
        "wait kv/{} --for=condition=Ready --timeout=30s",
        estate.name
    );
    kubectl(kit, &ready).await?;
    estate.is_ready().await?;
    let table = kubectl(kit, "get kv").await?;
    let columns = [
        "NAME", "VAULT", "STATE", "READY", "SYNCED", "REASON", "DRIFTED", "AGE",
    ];
    ensure!(head(&table) == columns, "{table}");
    let row: Vec<&str> = table
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    ensure!(
        row.get(2..7) == Some(&["Succeeded", "True", "True", "AsDeclared", "False"]),
        "{table}"
    );
    Ok(())
}

async fn get_shows_the_columns_that_matter(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let table = kubectl(&kit, "get vss").await?;
    let columns = [
        "NAME", "VAULT", "SECRET", "KEYS", "READY", "SYNCED", "REASON", "CHANGED", "AGE",
    ];
    ensure!(head(&table) == columns, "{table}");
    let row: Vec<&str> = table
        .lines()
        .nth(1)
        .context("no row")?
        .split_whitespace()
        .collect();
    let uri = kit.endpoints().vault_url(&kit.vault);
    let wanted = ["app", &uri, "app", "1/1", "True", "True", "UpToDate"];
    ensure!(row.get(..7) == Some(&wanted), "{table}");
    // A vault that is named by its KeyVault is shown by that name.
    let by_name = kit.sync("by-name", &[("K", "s")], |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["vaultRef"] = serde_json::json!({"name": "kv-payments"});
    });
    kit.apply(by_name).await?;
    let row = kubectl(&kit, "get vss by-name --no-headers").await?;
    ensure!(
        row.split_whitespace().nth(1) == Some("kv-payments"),
        "{row}"
    );
    let wide = kubectl(&kit, "get vss -o wide").await?;
    ensure!(
        head(&wide).ends_with(&["AGE", "IDENTITY", "MESSAGE"]),
        "{wide}"
    );
    ensure!(wide.contains("the Secret equals the vault"), "{wide}");
    let identities = kubectl(&kit, "get azid").await?;
    ensure!(
        head(&identities) == ["NAME", "CLIENT", "CREDENTIAL", "READY", "REASON", "AGE"],
        "{identities}"
    );
    let line = identities.lines().nth(1).unwrap_or_default();
    ensure!(
        line.contains(&kit.client_id) && line.contains("True"),
        "{identities}"
    );
    let wide = kubectl(&kit, "get azid -o wide").await?;
    ensure!(
        head(&wide).ends_with(&["AGE", "TENANT", "MESSAGE"]),
        "{wide}"
    );
    Ok(())
}

async fn every_name_of_a_kind_works(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    for name in [
        "vss",
        "vaultsecretsync",
        "vaultsecretsyncs",
        "vaultsecretsyncs.lakevault.dev",
    ] {
        let found = kubectl(&kit, &format!("get {name} -o name")).await?;
        ensure!(
            found.trim() == "vaultsecretsync.lakevault.dev/app",
            "{name}: {found}"
        );
    }
    for name in ["azid", "azureidentity", "azureidentities"] {
        let found = kubectl(&kit, &format!("get {name} -o name")).await?;
        ensure!(
            found.trim() == "azureidentity.lakevault.dev/main",
            "{name}: {found}"
        );
    }
    for name in ["cazid", "clusterazureidentity", "clusterazureidentities"] {
        kubectl(&kit, &format!("get {name} -o name")).await?;
    }
    let everything = kubectl(&kit, "get lakevault -o name").await?;
    for name in [
        "vaultsecretsync.lakevault.dev/app",
        "azureidentity.lakevault.dev/main",
    ] {
        ensure!(everything.contains(name), "{everything}");
    }
    let everywhere = kubectl(&kit, "get lakevault -A").await?;
    ensure!(everywhere.contains(&kit.namespace), "{everywhere}");
    Ok(())
}

/// The API server publishes what it can explain a moment after it serves a new kind.
async fn explain(kit: &Kit, what: &str) -> Result<String> {
    let line = format!("explain {what}");
    until(SOON, &line, async || {
        kubectl(kit, &line).await.map_err(seen)
    })
    .await
}

async fn explain_tells_every_field(kit: Kit) -> Result<()> {
    let told = explain(&kit, "vss.spec.data.secret.property").await?;
    for words in [
        "FIELD: property <string>",
        "JSON path (RFC 9535)",
        "Example: database.password",
    ] {
        ensure!(told.contains(words), "{told}");
    }
    for (kind, words) in [
        ("vss", "mirrored into one Kubernetes Secret"),
        ("azid", "VERSION:    v1alpha1"),
        ("cazid.spec.allow", "namespaces"),
    ] {
        let told = explain(&kit, kind).await?;
        ensure!(told.contains(words), "{told}");
    }
    for kind in [
        "vss.spec",
        "azid.spec",
        "cazid.spec",
        "vss.status",
        "azid.status",
    ] {
        let all = explain(&kit, kind).await?;
        ensure!(!all.contains("<no description>"), "{all}");
    }
    Ok(())
}

async fn wait_ends_when_a_sync_is_ready(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    kit.apply(kit.sync("x", &[("K", "s")], |_| ())).await?;
    for condition in ["Ready", "Synced"] {
        let waited = kubectl(
            &kit,
            &format!("wait --for=condition={condition} vss/x --timeout=30s"),
        )
        .await?;
        ensure!(waited.contains("condition met"), "{waited}");
    }
    ensure!(kit.data("x").await?.contains_key("K"));
    Ok(())
}
