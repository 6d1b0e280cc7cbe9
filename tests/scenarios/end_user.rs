//! A person signs in by name and password, and by device code, for management and for files of a Data Lake Store.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::Stage;
use crate::lake::{a_pod_works, the_document_worked};
use crate::page::{Terminal, commands, yaml};
use crate::place::{
    GROUP, NATIVE, PASSWORD, Place, SUBSCRIPTION, USER, USER_OBJECT, is_true, lent,
};
use crate::python::{Clients, Document};
use crate::service_to_service::{FILES, FILES_OF_THE_CLIENT, MANAGEMENT};
use crate::tokens::{of_entra, same_caller};

const JOB: &str = "A person";

/// The document's program by password and by code, and a pod's tokens by password.
pub async fn a_person_signs_in_for_a_pod(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    let told = Document::new(&world, Clients::Of2017, "end_user.py")
        .await?
        .filled_in("CLIENT_ID", NATIVE)
        .filled_in("SUBSCRIPTION_ID", SUBSCRIPTION)
        .filled_in("GROUP", GROUP)
        .typed(USER)
        .typed(PASSWORD)
        .typed(USER)
        .typed(PASSWORD)
        .tells()
        .await?;
    let read = async |name: &str, audience| {
        let token = told[name].as_str().unwrap_or_default();
        of_entra(&world, token, audience).await
    };
    is_the_person(&read("management", MANAGEMENT).await?)?;
    let files = read("filesystem", FILES_OF_THE_CLIENT).await?;
    is_the_person(&files)?;
    let by_code = read("filesystem_by_code", FILES_OF_THE_CLIENT).await?;
    same_caller(&by_code, &files)?;
    let management = read("management_by_code", MANAGEMENT).await?;
    is_the_person(&management)?;
    the_document_worked(&world, &told, "lakeofperson").await?;
    ensure!(told["top"] == json!([]), "{}", told["top"]);

    let place = Place::new(&world, "people").await?;
    let terminal = Terminal::open(&world, "people")?;
    let keep = commands(JOB, "create secret")?.join("\n");
    terminal.run(&keep, &[("PASSWORD", PASSWORD)], "").await?;
    place.apply(&yaml(JOB)?).await?;
    let data = place.synced("ada-tokens").await?;
    let ours = of_entra(&world, &data["management"], MANAGEMENT).await?;
    same_caller(&ours, &management)?;
    let ours = of_entra(&world, &data["filesystem"], FILES).await?;
    same_caller(&ours, &files)?;
    let deletion = commands(JOB, "delete")?.join("\n");
    let names = ["lakeofpeople", "storeofpeople"];
    a_pod_works(&place, &terminal, names, (&data, &deletion)).await?;
    lent(&world, "ada", |status| {
        is_true(&status.conditions, "Discouraged")
    })
    .await
    .map(drop)
}

fn is_the_person(claims: &serde_json::Value) -> Result<()> {
    ensure!(
        claims["oid"] == USER_OBJECT && claims["upn"] == USER,
        "another's token: {claims}"
    );
    Ok(())
}

/// The page's sign-ins, each with the page's tokens.
pub async fn a_person_signs_in_at_the_command_line(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    let terminal = Terminal::open(&world, "login")?;
    let tokens = commands(JOB, "lakevault token")?;
    for login in commands(JOB, "lakevault login")? {
        terminal.run(&login, &[], PASSWORD).await?;
        for token in &tokens {
            let printed = terminal.run(token, &[], "").await?;
            let mut words = token.split_whitespace();
            words.find(|word| *word == "--resource");
            let resource = words.next().unwrap_or_default();
            is_the_person(&of_entra(&world, printed.trim(), resource).await?)?;
        }
        terminal.run("lakevault logout", &[], "").await?;
        let after = terminal.run(&tokens.concat(), &[], "").await;
        ensure!(after.is_err(), "who logged out has tokens");
    }
    Ok(())
}
