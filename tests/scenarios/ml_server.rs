//! A Machine Learning Server, by its own login and by Entra.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;
use testbed::poll::{expect, seen};
use testbed::until;

use crate::Stage;
use crate::kit::{SOON, TENANT, World};
use crate::page::{Terminal, commands, yaml};
use crate::place::{NATIVE, PASSWORD, Place, USER};
use crate::python::{Clients, Document};
use crate::tokens::{http, of_entra};

const JOB: &str = "A Machine Learning Server";
const SERVER: &str = "mls.example.net";
/// The server's own application, whose tokens it takes.
const WEB: &str = "99999999-0000-0000-0000-000000000009";
/// The pod's application.
const SCORING: &str = "55555555-5555-5555-5555-555555555555";
const SCORING_SECRET: &str = "planted-value-of scoring";
const SERVER_PASSWORD: &str = "planted-value-of admin";

async fn server(world: &World) -> Result<()> {
    let seed = json!({
        "tenants": [{"id": TENANT, "applications": [
            {"clientId": WEB}, {"clientId": SCORING, "secrets": [{"value": SCORING_SECRET}]},
        ]}],
        "mlServers": [{
            "host": SERVER, "users": [{"username": "admin", "password": SERVER_PASSWORD}],
            "audience": WEB, "tenantId": TENANT,
        }],
    });
    world.simulator.admin().seed(&seed).await
}

pub async fn the_documents_program_connects(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    server(&world).await?;
    let told = Document::new(&world, Clients::Of2017, "ml_server.py")
        .await?
        .filled_in("HOST", &format!("https://{SERVER}"))
        .filled_in("SERVER_USER", "admin")
        .filled_in("SERVER_PASSWORD", SERVER_PASSWORD)
        .filled_in("AAD_DOMAIN", "contoso.onmicrosoft.com")
        .filled_in("NATIVE_APP_CLIENT_ID", NATIVE)
        .filled_in("WEB_APP_CLIENT_ID", WEB)
        .filled_in("USER", USER)
        .filled_in("PASSWORD", PASSWORD)
        .tells()
        .await?;
    ensure!(
        told == json!({"on_premises": [], "cloud": []}),
        "the server let it in, but {told}"
    );
    Ok(())
}

pub async fn a_pod_gets_tokens_of_both_kinds(stage: Arc<Stage>) -> Result<()> {
    let world = stage.world().await?;
    server(&world).await?;
    let place = Place::new(&world, "scoring").await?;
    let terminal = Terminal::open(&world, "scoring")?;
    let keep = commands(JOB, "create secret")?.join("\n");
    let variables = [("PASSWORD", SERVER_PASSWORD), ("SECRET", SCORING_SECRET)];
    terminal.run(&keep, &variables, "").await?;
    place.apply(&yaml(JOB)?).await?;

    let by_entra = place.synced("mls-entra").await?["token"].clone();
    let claims = of_entra(&world, &by_entra, WEB).await?;
    ensure!(claims["appid"] == SCORING, "another's token: {claims}");
    ensure!(services(&world, &by_entra).await? == 200, "not let in");

    let by_login = place.synced("mls-login").await?["token"].clone();
    ensure!(services(&world, &by_login).await? == 200, "not let in");
    let kubectl = world.control_plane.kubectl();
    kubectl
        .run(["-n", "scoring", "delete", "vss/mls-login"])
        .await?;
    until(SOON, "the user is logged out", async || {
        let status = services(&world, &by_login).await.map_err(seen)?;
        expect(&status, &401)
    })
    .await
}

/// The status of a protected call with this token.
async fn services(world: &World, token: &str) -> Result<u16> {
    let endpoints = world.simulator.endpoints();
    let url = format!("{}/_host/{SERVER}/services", endpoints.azure);
    let request = http(endpoints)?.get(url).bearer_auth(token);
    Ok(request.send().await?.status().as_u16())
}
