//! An application signs in with its secret, for management and for files of a Data Lake Store.
//!
//! The document's program uses both: it makes a store, works with files in it, and deletes it. Lakevault does the same with
//! accounts of both generations, whose files a pod works with.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::Stage;
use crate::lake::{a_pod_works, the_document_worked};
use crate::page::{Terminal, commands, yaml};
use crate::place::{GROUP, LAKE, LAKE_OBJECT, LAKE_SECRET, Place, SUBSCRIPTION};
use crate::python::{Clients, Document};
use crate::tokens::{of_entra, same_caller};

const JOB: &str = "An application with a secret";
pub const MANAGEMENT: &str = "https://management.core.windows.net/";
/// As Lakevault is told to ask for it.
pub const FILES: &str = "https://datalake.azure.net/";
/// As `lib.auth` asks for it.
pub const FILES_OF_THE_CLIENT: &str = "https://datalake.azure.net";

pub async fn an_application_signs_in_with_its_secret(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    let told = Document::new(&world, Clients::Of2017, "service_to_service.py")
        .await?
        .filled_in("CLIENT_ID", LAKE)
        .filled_in("CLIENT_SECRET", LAKE_SECRET)
        .filled_in("SUBSCRIPTION_ID", SUBSCRIPTION)
        .filled_in("GROUP", GROUP)
        .tells()
        .await?;
    ensure!(told["groups"] == json!([GROUP]), "{}", told["groups"]);
    the_document_worked(&world, &told, "lakeofapp").await?;
    let management = told["management"].as_str().unwrap_or_default();
    let management = of_entra(&world, management, MANAGEMENT).await?;
    let files = told["filesystem"].as_str().unwrap_or_default();
    let files = of_entra(&world, files, FILES_OF_THE_CLIENT).await?;
    ensure!(
        management["appid"] == LAKE && management["oid"] == LAKE_OBJECT,
        "{management}"
    );

    let place = Place::new(&world, "lake").await?;
    let terminal = Terminal::open(&world, "lake")?;
    let keep = commands(JOB, "create secret")?.join("\n");
    terminal.run(&keep, &[("SECRET", LAKE_SECRET)], "").await?;
    place.apply(&yaml(JOB)?).await?;
    let data = place.synced("lake-tokens").await?;
    let ours = of_entra(&world, &data["management"], MANAGEMENT).await?;
    same_caller(&ours, &management)?;
    let ours = of_entra(&world, &data["filesystem"], FILES).await?;
    same_caller(&ours, &files)?;
    let deletion = commands(JOB, "delete")?.join("\n");
    let names = ["lakeofteam", "storeofteam"];
    a_pod_works(&place, &terminal, names, (&data, &deletion)).await
}
