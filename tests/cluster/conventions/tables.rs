//! What `kubectl get`, `wait`, `describe` and `explain` show of all kinds.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::poll::seen;
use testbed::until;

use super::kubectl;
use crate::data_lake_accounts::lakes::Lake;
use crate::data_lake_accounts::stores::Store;
use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

/// A terminal of usual width.
const WIDTH: usize = 120;

pub fn cases() -> Vec<Case> {
    cases![
        tables_of_syncs_and_identities_are_full_and_fit,
        tables_of_vaults_are_full_and_fit,
        tables_of_lakes_of_both_generations_are_full_and_fit,
        a_sync_whose_entries_name_the_vaults_shows_the_first,
        waiting_works_on_all_conditions_fields_and_deletion,
        describe_tells_conditions_and_events,
        explain_describes_all_kinds_and_their_statuses
    ]
}

/// The cells of a table, row by row, cut where its head says.
fn cells(table: &str) -> Vec<Vec<String>> {
    let head = table.lines().next().unwrap_or_default();
    let mut starts = vec![0];
    let bytes = head.as_bytes();
    for at in 1..bytes.len() {
        if bytes[at] != b' ' && bytes[at - 1] == b' ' {
            starts.push(at);
        }
    }
    let row = |line: &str| {
        let cell = |(n, start): (usize, &usize)| {
            let letters = line.chars().skip(*start);
            let end = starts.get(n + 1).map_or(usize::MAX, |end| end - start);
            let text: String = letters.take(end).collect();
            text.trim().to_owned()
        };
        starts.iter().enumerate().map(cell).collect()
    };
    table.lines().skip(1).map(row).collect()
}

/// The table of a kind fits, and no cell is empty. The name that a test gives counts as one that people give.
async fn is_full(kit: &Kit, words: &[&str], name: &str) -> Result<Vec<Vec<String>>> {
    let words = [["get"].as_slice(), words].concat();
    let table = kubectl(kit, &words).await?;
    let rows = cells(&table);
    ensure!(!rows.is_empty(), "{words:?} shows nothing");
    for row in &rows {
        ensure!(row.iter().all(|cell| !cell.is_empty()), "{row:?}\n{table}");
    }
    let usual = |line: &str| line.replace(name, "lakepayments").len();
    let widest = table.lines().skip(1).map(usual).max().unwrap_or_default();
    ensure!(widest <= WIDTH, "{widest} wide:\n{table}");
    // The message has no end that fits.
    let wide = kubectl(kit, &[words.as_slice(), &["-o", "wide"]].concat()).await?;
    for row in cells(&wide) {
        ensure!(row.iter().all(|cell| !cell.is_empty()), "{row:?}\n{wide}");
    }
    Ok(rows)
}

async fn tables_of_syncs_and_identities_are_full_and_fit(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    is_full(&kit, &["vss"], &kit.vault).await?;
    is_full(&kit, &["azid"], "main").await?;
    let lent = format!("lent-{}", kit.vault);
    let system = Kit {
        namespace: "lakevault-system".to_owned(),
        ..kit.clone()
    };
    system.make_credential(&lent, &kit.client_secret).await?;
    let credential = json!({"clientSecret": {"name": lent, "key": "secret"}});
    let mut identity = kit.identity("main", credential);
    identity["kind"] = json!("ClusterAzureIdentity");
    identity["metadata"] = json!({"name": lent});
    kit.apply(identity).await?;
    let named = format!("cazid/{lent}");
    kubectl(
        &kit,
        &["wait", &named, "--for=condition=Ready", "--timeout=30s"],
    )
    .await?;
    is_full(&kit, &[&named], &lent).await?;
    Ok(())
}

async fn tables_of_vaults_are_full_and_fit(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(|_| ()).await?;
    is_full(&estate.kit, &["kv"], &estate.name).await?;
    Ok(())
}

async fn tables_of_lakes_of_both_generations_are_full_and_fit(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit.clone()).await?;
    lake.ready(|_| ()).await?;
    let rows = is_full(&kit, &["dla"], &lake.name).await?;
    let endpoint = rows.first().context("no row")?.get(1).context("endpoint")?;
    ensure!(endpoint.starts_with("https://"), "{rows:?}");
    lake.delete().await?;
    lake.is_gone().await?;
    let store = Store::new(kit).await?;
    store.ready(json!({})).await?;
    let rows = is_full(&store.kit, &["dla"], &store.name).await?;
    let endpoint = rows.first().context("no row")?.get(1).context("endpoint")?;
    ensure!(endpoint.starts_with("adl://"), "{rows:?}");
    Ok(())
}

async fn a_sync_whose_entries_name_the_vaults_shows_the_first(kit: Kit) -> Result<()> {
    let by = |name: &str, field: &str, source: serde_json::Value| {
        kit.sync(name, &[], |spec| {
            *spec = json!({field: [source]});
        })
    };
    let entry =
        json!({"key": "K", "secret": {"name": "s"}, "vaultUri": "https://kv-a.vault.azure.net"});
    kit.apply(by("by-uri", "data", entry)).await?;
    let entry = json!({"key": "K", "secret": {"name": "s"}, "vaultRef": {"name": "kv-b"}});
    kit.apply(by("by-ref", "data", entry)).await?;
    let from = json!({"find": {"namePattern": "x"}, "vaultRef": {"name": "kv-c"}});
    kit.apply(by("from-ref", "dataFrom", from)).await?;
    for (name, vault) in [
        ("by-uri", "https://kv-a.vault.azure.net"),
        ("by-ref", "kv-b"),
        ("from-ref", "kv-c"),
    ] {
        let row = kubectl(&kit, &["get", "vss", name, "--no-headers"]).await?;
        ensure!(row.split_whitespace().nth(1) == Some(vault), "{row}");
    }
    Ok(())
}

async fn waiting_works_on_all_conditions_fields_and_deletion(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit.clone()).await?;
    lake.apply(|_| ()).await?;
    let estate = Estate::new(kit.clone()).await?;
    estate.apply(|_| ()).await?;
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    let wait = async |what: &str, what_for: &str| {
        let what_for = format!("--for={what_for}");
        let words = ["wait", what, &what_for, "--timeout=30s"];
        kubectl(&kit, &words).await
    };
    let (vault, lake) = (format!("kv/{}", estate.name), format!("dla/{}", lake.name));
    for what in ["vss/app", &vault, &lake] {
        wait(what, "condition=Synced").await?;
    }
    for what in ["vss/app", &vault, &lake, "azid/main"] {
        wait(what, "condition=Ready").await?;
    }
    wait("vss/app", "jsonpath={.status.summary}=1/1").await?;
    wait(&vault, "jsonpath={.status.provisioningState}=Succeeded").await?;
    for what in ["vss/app", &vault, &lake, "azid/main"] {
        kubectl(&kit, &["delete", what, "--wait=false"]).await?;
        wait(what, "delete").await?;
    }
    Ok(())
}

async fn describe_tells_conditions_and_events(kit: Kit) -> Result<()> {
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    kit.says("app", "Synced", "False", "IdentityNotFound")
        .await?;
    let text = until(SOON, "the Event is told", async || {
        let text = kubectl(&kit, &["describe", "vss", "app"])
            .await
            .map_err(seen)?;
        text.contains("Warning  IdentityNotFound")
            .then_some(text.clone())
            .ok_or(text)
    })
    .await?;
    for words in ["Type:                  Synced", "Reconciling", "Events:"] {
        ensure!(text.contains(words), "{words}: {text}");
    }
    Ok(())
}

async fn explain_describes_all_kinds_and_their_statuses(kit: Kit) -> Result<()> {
    for kind in ["azid", "cazid", "dla", "kv", "vss"] {
        let all = kubectl(&kit, &["explain", kind, "--recursive"]).await?;
        for field in ["spec", "status", "conditions", "observedGeneration"] {
            ensure!(all.contains(field), "{kind} has no {field}: {all}");
        }
        for part in ["", ".spec", ".status", ".status.conditions"] {
            let told = kubectl(&kit, &["explain", &format!("{kind}{part}")]).await?;
            ensure!(!told.contains("<no description>"), "{told}");
        }
    }
    Ok(())
}
