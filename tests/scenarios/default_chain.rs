//! The first credential that the machine offers: the document's program and the operator, each on three machines.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::{Endpoints, Scratch, binaries};

use crate::kit::{TENANT, World};
use crate::page::{Terminal, commands, yaml};
use crate::place::{
    self, GROUP, LAKE, LAKE_OBJECT, LAKE_SECRET, PASSWORD, Place, SUBSCRIPTION, USER, USER_OBJECT,
    allowed, lent,
};
use crate::python::{Clients, Document, interpreter, surroundings};
use crate::tokens::of_entra;

const JOB: &str = "What the machine offers";
const MACHINE: &str = "88888888-0000-0000-0000-000000000088";
const MACHINE_OBJECT: &str = "88888888-0000-0000-0000-000000000099";
/// Where no metadata service is: nothing listens there.
const NO_METADATA: &str = "http://127.0.0.1:9";

/// A machine, by the variables of its programs, and what must win there.
struct Machine {
    variables: Vec<(&'static str, String)>,
    winner: &'static str,
    /// Whose token it is, by object id.
    object: &'static str,
}

/// As in the document: variables, a virtual machine with a managed identity, a desk where somebody uses the Azure CLI.
fn machines(endpoints: &Endpoints, tools: &Path) -> Vec<Machine> {
    let path = std::env::var("PATH").unwrap_or_default();
    let nowhere = ("AZURE_POD_IDENTITY_AUTHORITY_HOST", NO_METADATA.to_owned());
    vec![
        Machine {
            variables: vec![
                ("AZURE_TENANT_ID", TENANT.to_owned()),
                ("AZURE_CLIENT_ID", LAKE.to_owned()),
                ("AZURE_CLIENT_SECRET", LAKE_SECRET.to_owned()),
                nowhere.clone(),
            ],
            winner: "EnvironmentCredential",
            object: LAKE_OBJECT,
        },
        Machine {
            variables: vec![(
                "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                endpoints.managed_identity.imds.clone(),
            )],
            winner: "ManagedIdentityCredential",
            object: MACHINE_OBJECT,
        },
        Machine {
            variables: vec![("PATH", format!("{}:{path}", tools.display())), nowhere],
            winner: "AzureCliCredential",
            object: USER_OBJECT,
        },
    ]
}

pub async fn the_first_that_the_machine_offers_wins() -> Result<()> {
    // The chain is of the operator's environment, so it has a world of its own.
    let mut world = place::world("scenarios-chain").await?;
    let callers = [LAKE_OBJECT, MACHINE_OBJECT, USER_OBJECT];
    allowed(&world, &callers, &["Reader"]).await?;
    let machine = json!({"managedIdentities": [{
        "tenantId": TENANT, "clientId": MACHINE, "objectId": MACHINE_OBJECT, "system": true,
        "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
    }]});
    world.simulator.admin().seed(&machine).await?;
    let scratch = Scratch::new("scenario-tools")?;
    let tools = azure_cli(&world, scratch.path()).await?;
    let kubectl = world.control_plane.kubectl();
    kubectl.run(["create", "namespace", "machines"]).await?;
    for machine in machines(world.simulator.endpoints(), &tools) {
        let won = machine.winner;
        the_documents_program(&world, &machine)
            .await
            .with_context(|| format!("the document where {won} wins"))?;
        let options = world.operator.options_mut();
        options.env = machine
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        world.operator.restart().await?;
        the_operator(&world, &machine)
            .await
            .with_context(|| format!("the operator where {won} wins"))?;
    }
    Ok(())
}

async fn the_documents_program(world: &World, machine: &Machine) -> Result<()> {
    let mut document = Document::new(world, Clients::Of2021, "default_chain.py")
        .await?
        .filled_in("SUBSCRIPTION_ID", SUBSCRIPTION);
    for (name, value) in &machine.variables {
        document = document.variable(name, value);
    }
    let printed = document.prints().await?;
    let expected = format!(
        "Resource group: {GROUP}\nSuccessful credential: {}\n",
        machine.winner
    );
    ensure!(printed == expected, "it printed {printed}");
    Ok(())
}

async fn the_operator(world: &World, machine: &Machine) -> Result<()> {
    let place = Place::existing(world, "machines");
    place.apply(&yaml(JOB)?).await?;
    let won = |name: &str| name.eq_ignore_ascii_case(machine.winner);
    let status = lent(world, "machine", |status| {
        status.credential.as_deref().is_some_and(won)
    })
    .await?;
    let last = status.attempts.last().context("no attempts")?;
    ensure!(
        won(&last.credential) && last.outcome == "Won",
        "{:?}",
        status.attempts
    );
    let before = status.attempts.iter().rev().skip(1);
    for attempt in before {
        ensure!(
            attempt.outcome == "PassedOver" && attempt.message.is_some(),
            "{attempt:?}"
        );
    }
    let data = place.synced("machine-token").await?;
    let claims = of_entra(world, &data["management"], "https://management.azure.com").await?;
    ensure!(claims["oid"] == machine.object, "another's token: {claims}");
    // What the page shows of it.
    let terminal = Terminal::open(world, "machines")?;
    let shown = terminal
        .run(&commands(JOB, "kubectl get")?.join("\necho\n"), &[], "")
        .await?;
    let ends = format!("{} Won", last.credential);
    ensure!(
        shown.starts_with(&format!("{}\n", last.credential))
            && shown.trim_end().ends_with(ends.as_str()),
        "kubectl shows {shown}"
    );
    // The next machine's token is asked for anew.
    let kubectl = world.control_plane.kubectl();
    for object in ["vss/machine-token", "clusterazureidentity/machine"] {
        kubectl
            .run(["-n", "machines", "delete", object, "--cascade=foreground"])
            .await?;
    }
    Ok(())
}

/// A folder with the program `az`, where somebody is signed in.
async fn azure_cli(world: &World, folder: &Path) -> Result<PathBuf> {
    let mut variables = surroundings(world.simulator.endpoints());
    variables.extend([
        ("SCENARIO_TENANT", TENANT.to_owned()),
        ("SCENARIO_USER", USER.to_owned()),
        ("SCENARIO_PASSWORD", PASSWORD.to_owned()),
    ]);
    let exports: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("export {name}='{value}'\n"))
        .collect();
    let python = interpreter(Clients::Of2021).await?;
    let program = binaries::repository().join("tests/scenarios/python/az.py");
    let script = format!(
        "#!/bin/sh\n{}exec '{}' '{}' \"$@\"\n",
        exports.concat(),
        python.display(),
        program.display()
    );
    let az = folder.join("az");
    fs::write(&az, script)?;
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755))?;
    Ok(folder.to_owned())
}
