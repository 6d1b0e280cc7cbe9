//! What the sign-ins of the first two documents are for: an account, and files in it.

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

/// The page's account is there; a pod works in it with the token of its Secret; and the page's command deletes it.
pub async fn a_pod_works(
    place: &Place<'_>,
    terminal: &Terminal<'_>,
    account: &str,
    (token, deletion): (&str, &str),
) -> Result<()> {
    let world = place.world;
    of_entra(world, token, STORAGE).await?;
    place.lake(account).await?;
    let file = terminal.scratch.path().join("storage-token");
    fs::write(&file, token)?;
    let told = Document::new(world, Clients::Of2021, "pod_in_a_lake.py")
        .await?
        .filled_in("ACCOUNT", account)
        .filled_in("TOKEN_FILE", &file.to_string_lossy())
        .tells()
        .await?;
    let access = told["access"].as_array().cloned().unwrap_or_default();
    let entry = json!(format!("user:{USER_OBJECT}:r-x"));
    ensure!(access.contains(&entry), "{told}");
    ensure!(
        told["listed"] == json!(["mysampledirectory/mysamplefile.txt"]),
        "{told}"
    );
    ensure!(told["read"] == "a line\n", "{told}");
    ensure!(told["empty"] == json!([]), "{told}");
    terminal.run(deletion, &[], "").await?;
    let left = listed(world, "/storageaccounts", "storageAccounts").await?;
    ensure!(!left.contains(&account.to_owned()), "{left:?}");
    Ok(())
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
