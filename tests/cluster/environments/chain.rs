//! The operator's own workload identity, and the default chain with each of its links.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::poll::{expect, seen};
use testbed::{Fault, FaultRule, until};

use super::Stage;
use crate::identity_faults::token_of;
use crate::kit::{Kit, SOON, TENANT, condition, teaches};

/// A token of a ServiceAccount of the operator's namespace, as the kubelet would put it into the operator's pod.
async fn projected_token(stage: &Stage, account: &str) -> Result<String> {
    let kubectl = stage.kit.world.control_plane.kubectl();
    let line = format!(
        "-n lakevault-system create token {account} --audience api://AzureADTokenExchange --duration 600s"
    );
    let token = kubectl.run(line.split(' ')).await?;
    Ok(token.trim().to_owned())
}

/// The application trusts this ServiceAccount of the operator's namespace, and no other.
async fn trust(stage: &Stage, account: &str) -> Result<()> {
    let kit = &stage.kit;
    let federated = json!({
        "name": "own", "issuer": kit.world.control_plane.issuer(), "audience": "api://AzureADTokenExchange",
        "subject": format!("system:serviceaccount:lakevault-system:{account}")
    });
    let application = json!({"clientId": kit.client_id, "objectId": kit.object_id, "federatedCredentials": [federated]});
    kit.admin()
        .put_application(TENANT, &kit.client_id, &application)
        .await
}

pub async fn own_workload_identity(stage: &mut Stage) -> Result<()> {
    stage.environment(&[]).await?;
    stage.lend("own", json!({"workloadIdentity": {}})).await?;
    let (_, message) = stage.says("own", "EnvironmentUnusable").await?;
    teaches(
        &message,
        &[
            "AZURE_FEDERATED_TOKEN_FILE",
            "azure.workload.identity/use=true",
        ],
    )?;
    let folder = testbed::Scratch::new("federated")?;
    let file = folder.path().join("token");
    let (path, authority) = (file.display().to_string(), stage.endpoints().authority_host);
    let client = stage.kit.client_id.clone();
    let variables = [
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", &client),
        ("AZURE_AUTHORITY_HOST", &authority),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9"),
    ];
    stage.environment(&variables).await?;
    let word = "cannot be read";
    let (_, message) = stage.teaches("own", "EnvironmentUnusable", word).await?;
    teaches(&message, &[&path])?;
    // The kubelet writes the file: that is picked up without a restart.
    trust(stage, "lakevault").await?;
    std::fs::write(&file, projected_token(stage, "lakevault").await?)?;
    stage.says("own", "TokenAcquired").await?;
    stage.arrives(&["own"]).await?;
    // It writes another one; who asks now presents that.
    let kubectl = stage.kit.world.control_plane.kubectl();
    let line = "-n lakevault-system create serviceaccount rotated";
    kubectl.run(line.split(' ')).await?;
    std::fs::write(&file, projected_token(stage, "rotated").await?)?;
    stage.lend("chain", json!({"default": {}})).await?;
    let (_, message) = stage.says("chain", "FederationMismatch").await?;
    teaches(
        &message,
        &["system:serviceaccount:lakevault-system:rotated"],
    )?;
    let refused = stage.attempts("chain", "FederationMismatch").await?;
    let expected = [
        "EnvironmentCredential PassedOver",
        "WorkloadIdentityCredential Refused",
    ];
    ensure!(refused == expected, "{refused:?}");
    trust(stage, "rotated").await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    ensure!(
        won.last()
            .is_some_and(|last| last == "WorkloadIdentityCredential Won"),
        "{won:?}"
    );
    stage.arrives(&["chain"]).await
}

pub async fn machine_wins(stage: &mut Stage) -> Result<()> {
    let endpoints = stage.endpoints();
    let variables = [
        (
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            endpoints.managed_identity.imds.as_str(),
        ),
        ("AZURE_AUTHORITY_HOST", &endpoints.authority_host),
    ];
    stage.environment(&variables).await?;
    let [system, ..] = stage.assign(true).await?;
    // Nobody would be asked for 24 hours: the end of the token must come in the time of a test.
    let short = json!({"managedIdentityLifetimeSeconds": 33});
    stage.kit.admin().settings(&short).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    let expected = [
        "EnvironmentCredential PassedOver",
        "WorkloadIdentityCredential PassedOver",
        "ManagedIdentityCredential Won",
    ];
    ensure!(won == expected, "{won:?}");
    let (status, _) = stage.says("chain", "TokenAcquired").await?;
    ensure!(
        status.credential.as_deref() == Some("ManagedIdentityCredential"),
        "{status:?}"
    );
    stage.arrives(&["chain"]).await?;
    // It goes, as if there had never been one. Who has won is waited for: no other is tried in its place.
    let down = FaultRule::new("imds", Fault::ResetMidBody(true));
    let down = stage.kit.admin().add_fault(&down).await?;
    until(SOON, "the token ends and is asked for anew", async || {
        stage.kit.sync_now("chain").await.map_err(seen)?;
        let says = stage.kit.says_now("chain", "Synced").await.map_err(seen)?;
        expect(&says.as_str(), &"ManagedIdentityUnavailable")
    })
    .await?;
    stage.kit.admin().remove_fault(&down).await?;
    let day = json!({"managedIdentityLifetimeSeconds": 86_400});
    stage.kit.admin().settings(&day).await?;
    stage.arrives(&["chain"]).await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    ensure!(won == expected, "{won:?}");
    stage.withdraw(&system).await
}

impl Stage {
    /// Restarts the operator with the variables of an application with this secret, on a machine that has an identity as well.
    async fn application(&mut self, secret: &str) -> Result<()> {
        let (endpoints, client) = (self.endpoints(), self.kit.client_id.clone());
        let variables = [
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", &client),
            ("AZURE_CLIENT_SECRET", secret),
            ("AZURE_AUTHORITY_HOST", &endpoints.authority_host),
            (
                "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                &endpoints.managed_identity.imds,
            ),
        ];
        self.environment(&variables).await
    }
}

pub async fn variables_win(stage: &mut Stage) -> Result<()> {
    let secret = stage.kit.client_secret.clone();
    stage.application(&secret).await?;
    let [system, ..] = stage.assign(true).await?;
    let before = stage.asked("imds").await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    ensure!(won == ["EnvironmentCredential Won"], "{won:?}");
    stage.arrives(&["chain"]).await?;
    let asked = stage.asked("imds").await? - before;
    ensure!(asked == 0, "the machine was asked");
    stage.withdraw(&system).await
}

/// A credential that is configured and refused is not replaced by a stronger one.
pub async fn refusal_ends_the_chain(stage: &mut Stage) -> Result<()> {
    let wrong = crate::lane::unknown_to_entra();
    stage.application(&wrong).await?;
    // The identities of steps before this one may have asked: they have the chain, too.
    stage.assign(true).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    stage.kit.plant("s", "one").await?;
    let ended = stage.attempts("chain", "InvalidClientSecret").await?;
    ensure!(ended == ["EnvironmentCredential Refused"], "{ended:?}");
    let kit = &stage.kit;
    kit.says("chain", "Synced", "False", "InvalidClientSecret")
        .await?;
    ensure!(
        kit.secrets().get_opt("chain").await?.is_none(),
        "something stronger was used"
    );
    // An administrator may name one link; then that is the chain.
    let narrowed = ("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
    let imds = stage.endpoints().managed_identity.imds;
    let authority = stage.endpoints().authority_host;
    stage
        .environment(&[
            narrowed,
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &imds),
            ("AZURE_AUTHORITY_HOST", &authority),
            ("AZURE_CLIENT_SECRET", &wrong),
        ])
        .await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    ensure!(won == ["ManagedIdentityCredential Won"], "{won:?}");
    stage.arrives(&["chain"]).await
}

/// A stand-in for the program `az` that prints what the real one prints, with a token of the simulator.
pub async fn command_line_wins(stage: &mut Stage) -> Result<()> {
    let folder = testbed::Scratch::new("az")?;
    let az = folder.path().join("az");
    let answer = json!({
        "accessToken": token_of(&stage.kit, TENANT).await?, "expires_on": jiff::Timestamp::now().as_second() + 3600,
        "expiresOn": "2099-01-01 00:00:00.000000", "subscription": "s", "tenant": TENANT, "tokenType": "Bearer"
    });
    std::fs::write(&az, format!("#!/bin/sh\ncat <<'END'\n{answer}\nEND\n"))?;
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755))?;
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let authority = stage.endpoints().authority_host;
    let variables = [
        ("PATH", path.as_str()),
        ("AZURE_AUTHORITY_HOST", &authority),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9"),
    ];
    stage.environment(&variables).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let won = stage.attempts("chain", "TokenAcquired").await?;
    let expected = [
        "EnvironmentCredential PassedOver",
        "WorkloadIdentityCredential PassedOver",
        "ManagedIdentityCredential PassedOver",
        "AzureCLICredential Won",
    ];
    ensure!(won == expected, "{won:?}");
    stage.arrives(&["chain"]).await
}

pub async fn nothing_is_there(stage: &mut Stage) -> Result<()> {
    let empty = testbed::Scratch::new("path")?;
    let path = empty.path().display().to_string();
    let variables = [
        ("PATH", path.as_str()),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9"),
    ];
    stage.environment(&variables).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let (status, message) = stage.says("chain", "ChainExhausted").await?;
    teaches(
        &message,
        &[
            "AZURE_TENANT_ID is not set",
            "AZURE_FEDERATED_TOKEN_FILE",
            "az",
        ],
    )?;
    ensure!(
        status.attempts.len() == 4
            && status
                .attempts
                .iter()
                .all(|a| a.outcome == "PassedOver" && a.message.is_some()),
        "{status:?}"
    );
    ensure!(status.credential.is_none(), "{status:?}");
    stage
        .kit
        .says("chain", "Synced", "False", "ChainExhausted")
        .await
        .map(drop)
}

pub async fn authority_is_none(stage: &mut Stage) -> Result<()> {
    let variables = [
        ("AZURE_AUTHORITY_HOST", "http://login.azure.net"),
        ("AZURE_TOKEN_CREDENTIALS", "prod"),
    ];
    stage.environment(&variables).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let (_, message) = stage.says("chain", "EnvironmentUnusable").await?;
    teaches(&message, &["AZURE_AUTHORITY_HOST", "https"])
}

impl Kit {
    /// The reason of a sync's condition as it is now.
    async fn says_now(&self, name: &str, type_: &str) -> Result<String> {
        let status = self.syncs().get(name).await?.status.unwrap_or_default();
        let condition = condition(&status, type_).context("not there yet")?;
        Ok(condition.reason.clone())
    }
}
