//! What the sign-ins of the first two documents are for: an account, and files in it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::World;
use crate::page::Terminal;
use crate::place::{Place, USER_OBJECT};
use crate::python::{Clients, Document};
use crate::tokens::of_entra;

/// The resource of tokens for storage accounts, as the page has it.
pub const STORAGE: &str = "https://storage.azure.com/";

/// A document made an account with its sign-in, worked with files in it, and deleted it again.
pub async fn the_document_worked(world: &World, told: &Value, name: &str) -> Result<()> {
    let account = json!({
        "name": name, "endpoint": format!("{name}.azuredatalakestore.net"), "state": "Succeeded", "listed": true
    });
    ensure!(told["account"] == account, "{}", told["account"]);
    let files = json!({
        "listed": ["mysampledirectory/mysamplefile.txt"], "reads": true, "read": "a line\n", "empty": [], "gone": true
    });
    ensure!(told["files"] == files, "{}", told["files"]);
    ensure!(told["left"] == json!(false), "{}", told["left"]);
    let left = listed(world, "/datalakestores", "dataLakeStores").await?;
    ensure!(!left.contains(&name.to_owned()), "{left:?}");
    Ok(())
}

/// The page's accounts of both generations are there; a pod works in them with the tokens of its Secret; and the page's command
/// deletes them.
pub async fn a_pod_works(
    place: &Place<'_>,
    terminal: &Terminal<'_>,
    [account, store]: [&str; 2],
    (data, deletion): (&BTreeMap<String, String>, &str),
) -> Result<()> {
    let world = place.world;
    of_entra(world, &data["storage"], STORAGE).await?;
    let told = pod(
        place,
        terminal,
        account,
        ("pod_in_a_lake.py", Clients::Of2021, &data["storage"]),
    );
    let told = told.await?;
    let access = told["access"].as_array().cloned().unwrap_or_default();
    let entry = json!(format!("user:{USER_OBJECT}:r-x"));
    ensure!(access.contains(&entry), "{told}");
    ensure!(
        told["listed"] == json!(["mysampledirectory/mysamplefile.txt"]),
        "{told}"
    );
    ensure!(told["read"] == "a line\n", "{told}");
    ensure!(told["empty"] == json!([]), "{told}");
    let in_store = (
        "pod_in_a_store.py",
        Clients::Of2017,
        data["filesystem"].as_str(),
    );
    let told = pod(place, terminal, store, in_store).await?;
    for list in ["access", "inherited"] {
        let entries = told[list].as_array().cloned().unwrap_or_default();
        ensure!(entries.contains(&entry), "{list}: {told}");
    }
    ensure!(
        told["listed"] == json!(["mysampledirectory/mysamplefile.txt"]),
        "{told}"
    );
    ensure!(
        told["read"] == "a line\n" && told["kept"] == "hello",
        "{told}"
    );
    ensure!(told["empty"] == json!([]), "{told}");
    terminal.run(deletion, &[], "").await?;
    let left = listed(world, "/storageaccounts", "storageAccounts").await?;
    ensure!(!left.contains(&account.to_owned()), "{left:?}");
    let left = listed(world, "/datalakestores", "dataLakeStores").await?;
    ensure!(!left.contains(&store.to_owned()), "{left:?}");
    Ok(())
}

/// What a pod's program tells of an account that is as declared.
async fn pod(
    place: &Place<'_>,
    terminal: &Terminal<'_>,
    account: &str,
    (program, clients, token): (&str, Clients, &str),
) -> Result<Value> {
    place.lake(account).await?;
    let file = terminal.scratch.path().join(format!("{account}-token"));
    fs::write(&file, token)?;
    Document::new(place.world, clients, program)
        .await?
        .filled_in("ACCOUNT", account)
        .filled_in("TOKEN_FILE", &file.to_string_lossy())
        .tells()
        .await
}

/// Names that the simulator has.
async fn listed(world: &World, path: &str, field: &str) -> Result<Vec<String>> {
    let admin = world.simulator.admin();
    let all: Value = admin.call(Method::GET, path, None).await?;
    let names = all[field].as_array().cloned().unwrap_or_default();
    let name = |one: &Value| {
        one.as_str()
            .or_else(|| one["name"].as_str())
            .map(str::to_owned)
    };
    Ok(names.iter().filter_map(name).collect())
}
