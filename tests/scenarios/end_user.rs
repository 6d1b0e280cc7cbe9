//! A person signs in by name and password, and by device code, for management and for files of a Data Lake Store.

use std::sync::Arc;

use anyhow::{Result, ensure};
use testbed::{Scratch, binaries};
use tokio::process::Command;

use crate::Stage;
use crate::kit::World;
use crate::place::{NATIVE, PASSWORD, Place, USER, USER_OBJECT, is_true, keep, lent, yaml};
use crate::program;
use crate::python::{Clients, Document, approve};
use crate::service_to_service::{FILES, FILES_OF_THE_CLIENT, MANAGEMENT};
use crate::tokens::{of_entra, same_caller};

/// The document's program by password and by code, and a pod's tokens by password.
pub async fn a_person_signs_in_for_a_pod(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    let told = Document::new(&world, Clients::Of2017, "end_user.py")
        .await?
        .filled_in("CLIENT_ID", NATIVE)
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

    let place = Place::new(&world, "people").await?;
    keep(&world, "lakevault-system", "ada", "password", PASSWORD).await?;
    place.apply(&yaml("A person")?).await?;
    let data = place.synced("ada-tokens").await?;
    let ours = of_entra(&world, &data["management"], MANAGEMENT).await?;
    same_caller(&ours, &management)?;
    let ours = of_entra(&world, &data["filesystem"], FILES).await?;
    same_caller(&ours, &files)?;
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

/// `lakevault login` in both ways, and tokens for two resources by each.
pub async fn a_person_signs_in_at_the_command_line(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    let scratch = Scratch::new("scenario-login")?;
    let line = CommandLine {
        world: &world,
        scratch: &scratch,
    };
    let login = ["login", "--tenant", "contoso.onmicrosoft.com"];
    line.run(&login, "").await?;
    line.has_tokens().await?;
    line.run(&["logout"], "").await?;
    ensure!(
        line.run(&["token", "--resource", MANAGEMENT], "")
            .await
            .is_err(),
        "who logged out has tokens"
    );
    let by_password = [&login[..], &["--username", USER]].concat();
    line.run(&by_password, &format!("{PASSWORD}\n")).await?;
    line.has_tokens().await
}

/// A person's terminal.
struct CommandLine<'a> {
    world: &'a World,
    scratch: &'a Scratch,
}

impl CommandLine<'_> {
    async fn run(&self, arguments: &[&str], input: &str) -> Result<String> {
        let endpoints = self.world.simulator.endpoints();
        let mut command = Command::new(binaries::operator()?);
        command
            .args(arguments)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.scratch.path())
            .env("LAKEVAULT_CA_FILE", &endpoints.ca_file)
            .env("LAKEVAULT_HOSTS_FILE", &endpoints.hosts_file);
        program::run(command, input, async |line| {
            approve(&endpoints.admin, line).await
        })
        .await
    }

    async fn has_tokens(&self) -> Result<()> {
        for resource in [MANAGEMENT, FILES] {
            let arguments = ["token", "--resource", resource, "-o", "value"];
            let token = self.run(&arguments, "").await?;
            is_the_person(&of_entra(self.world, token.trim(), resource).await?)?;
        }
        Ok(())
    }
}
