//! What the operator's own environment decides: managed identities, its own workload identity, the default chain, roots that it
//! does not have, and a clock that is wrong.
//!
//! These share a control plane, a simulator and an operator of their own, which is restarted with another environment for each
//! step. The simulator's names are those of Azure's public cloud, so that an identity without `spec.cloud` finds it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Api;
use lakevault::azure_identity::api::{AzureIdentityStatus, ClusterAzureIdentity};
use serde_json::{Value, json};
use testbed::poll::{expect, seen};
use testbed::{Fault, FaultRule, binaries, until};

use crate::kit::{Kit, SOON, TENANT, World, condition, teaches};
use crate::leaks::holds_no_value;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![each_environment_is_used_as_it_is]
}

async fn each_environment_is_used_as_it_is(_: Kit) -> Result<()> {
    let args = ["--suffix", "azure.net"];
    let mut world = Arc::new(World::with("environments", &args).await?);
    type Step = for<'a> fn(&'a mut Stage) -> futures::future::LocalBoxFuture<'a, Result<()>>;
    let steps: [(&str, Step); 11] = [
        ("imds", |stage| Box::pin(imds(stage))),
        ("app-service", |stage| Box::pin(app_service(stage))),
        ("own-workload-identity", |stage| {
            Box::pin(own_workload_identity(stage))
        }),
        ("machine-wins", |stage| Box::pin(machine_wins(stage))),
        ("variables-win", |stage| Box::pin(variables_win(stage))),
        ("refusal-ends-the-chain", |stage| {
            Box::pin(refusal_ends_the_chain(stage))
        }),
        ("command-line-wins", |stage| {
            Box::pin(command_line_wins(stage))
        }),
        ("nothing-is-there", |stage| {
            Box::pin(nothing_is_there(stage))
        }),
        ("authority-is-none", |stage| {
            Box::pin(authority_is_none(stage))
        }),
        ("clock", |stage| Box::pin(clock(stage))),
        ("roots", |stage| Box::pin(roots(stage))),
    ];
    for (name, step) in steps {
        let kit = Kit::new(world, name).await?;
        let mut stage = Stage { kit };
        step(&mut stage).await.with_context(|| name.to_owned())?;
        // Nobody of this step asks for anything in the next one.
        let line = ["delete", "clusterazureidentities", "--all"];
        stage.kit.world.control_plane.kubectl().run(line).await?;
        world = stage.kit.world;
    }
    let log = std::fs::read_to_string(world.operator.log())?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    holds_no_value("the log", &log)
}

/// A step: a namespace, a vault and an application of its own, and the operator to be restarted.
struct Stage {
    kit: Kit,
}

impl Stage {
    /// Restarts the operator with these variables and no others.
    async fn environment(&mut self, variables: &[(&str, &str)]) -> Result<()> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: BTreeMap<String, String> = variables.iter().map(owned).collect();
        self.operator(|options| options.env = variables).await
    }

    async fn operator(&mut self, change: impl FnOnce(&mut testbed::OperatorOptions)) -> Result<()> {
        let world = Arc::get_mut(&mut self.kit.world).context("the world is shared")?;
        change(world.operator.options_mut());
        world.operator.restart().await
    }

    /// A managed identity of the machine that may read this step's vault. Gives back its client id, object id and resource id.
    async fn assign(&self, system: bool) -> Result<[String; 3]> {
        let [client, object] = [(); 2].map(|()| uuid::Uuid::new_v4().to_string());
        let resource = format!(
            "/subscriptions/44444444-4444-4444-8444-444444444444/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{client}"
        );
        let identity = json!({
            "tenantId": TENANT, "clientId": client, "objectId": object, "resourceId": resource, "system": system
        });
        let admin = self.kit.admin();
        admin
            .seed(&json!({"managedIdentities": [identity]}))
            .await?;
        let roles = [&object, &self.kit.object_id]
            .map(|id| json!({"principalId": id, "role": "Key Vault Secrets User"}));
        admin
            .patch_vault(&self.kit.vault, &json!({ "roleAssignments": roles }))
            .await?;
        Ok([client, object, resource])
    }

    /// The machine loses an identity.
    async fn withdraw(&self, client: &str) -> Result<()> {
        let path = format!("/managedidentities/{client}");
        let method = reqwest::Method::DELETE;
        self.kit.admin().call::<Value>(method, &path, None).await?;
        Ok(())
    }

    /// A ClusterAzureIdentity of this step, with a sync of the same name that reads secret `s` by it.
    async fn lend(&self, name: &str, spec: Value) -> Result<()> {
        let kit = &self.kit;
        let mut spec = spec;
        spec["allow"] = json!([{"namespaces": {"names": [kit.namespace]}}]);
        let lent = self.lent(name);
        kit.apply(json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": lent}, "spec": spec
        }))
        .await?;
        let sync = kit.sync(name, &[("K", "s")], |spec| {
            spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": lent});
        });
        kit.apply(sync).await
    }

    fn lent(&self, name: &str) -> String {
        format!("{}-{name}", self.kit.namespace)
    }

    /// Waits until a lent identity's Ready says this. Gives back its status.
    async fn says(&self, name: &str, reason: &str) -> Result<(AzureIdentityStatus, String)> {
        self.teaches(name, reason, "").await
    }

    /// The same, until its message has this word: what was said before a restart may have the same reason.
    async fn teaches(
        &self,
        name: &str,
        reason: &str,
        word: &str,
    ) -> Result<(AzureIdentityStatus, String)> {
        let all: Api<ClusterAzureIdentity> = Api::all(self.kit.client());
        until(SOON, &format!("{name}: Ready says {reason}"), async || {
            let identity = all.get(&self.lent(name)).await.map_err(seen)?;
            let status = identity.status.unwrap_or_default();
            let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
            match ready.filter(|c| c.reason == reason && c.message.contains(word)) {
                Some(ready) => Ok((status.clone(), ready.message.clone())),
                None => Err(serde_json::to_string(&status).unwrap_or_default()),
            }
        })
        .await
    }

    /// The credentials of the chain, as `name outcome`.
    async fn attempts(&self, name: &str, reason: &str) -> Result<Vec<String>> {
        let (status, _) = self.says(name, reason).await?;
        let attempts = status.attempts.iter();
        Ok(attempts
            .map(|attempt| format!("{} {}", attempt.credential, attempt.outcome))
            .collect())
    }

    /// A new value of `s` arrives in the Secrets of these syncs.
    async fn arrives(&self, names: &[&str]) -> Result<()> {
        let (value, _) = self
            .kit
            .plant("s", &jiff::Timestamp::now().to_string())
            .await?;
        for name in names {
            self.kit.sync_now(name).await?;
            self.kit.holds(name, &[("K", &value)]).await?;
            self.kit.is_synced(name).await?;
        }
        Ok(())
    }

    /// The endpoints of managed identities, and the authority.
    fn endpoints(&self) -> testbed::Endpoints {
        self.kit.endpoints().clone()
    }

    /// How often a host was asked for a token.
    async fn asked(&self, host: &str) -> Result<usize> {
        let journal = self.kit.admin().journal(0).await?;
        let asked = journal.entries.iter();
        Ok(asked.filter(|entry| entry.host == host).count())
    }
}

async fn imds(stage: &mut Stage) -> Result<()> {
    let imds = stage.endpoints().managed_identity.imds;
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", imds.as_str())];
    stage.environment(&variables).await?;
    let cloud = stage.kit.cloud();
    let spec = |which: Value| json!({"cloud": cloud, "managedIdentity": which});
    let nobody = uuid::Uuid::new_v4().to_string();
    stage
        .lend("nobody", spec(json!({"clientId": nobody})))
        .await?;
    let (_, message) = stage.says("nobody", "ManagedIdentityNotAssigned").await?;
    teaches(&message, &[&nobody, "assign it"])?;
    let [system, ..] = stage.assign(true).await?;
    stage.lend("system", spec(json!({}))).await?;
    stage.arrives(&["system"]).await?;
    let (status, _) = stage.says("system", "TokenAcquired").await?;
    ensure!(
        status.credential.as_deref() == Some("managedIdentity"),
        "{status:?}"
    );
    stage.withdraw(&system).await?;
    let [client, object, resource] = stage.assign(false).await?;
    let ways = [
        ("clientId", client.clone()),
        ("objectId", object),
        ("resourceId", resource),
    ];
    for (field, id) in ways {
        let name = field.to_lowercase();
        stage.lend(&name, spec(json!({field: id}))).await?;
        stage.arrives(&[&name]).await?;
    }
    ensure!(stage.asked("login").await? == 0);
    stage.withdraw(&client).await
}

async fn app_service(stage: &mut Stage) -> Result<()> {
    let machine = stage.endpoints().managed_identity;
    let variables = [
        ("IDENTITY_ENDPOINT", machine.app_service.as_str()),
        ("IDENTITY_HEADER", &machine.header),
    ];
    stage.environment(&variables).await?;
    let [system, ..] = stage.assign(true).await?;
    let cloud = stage.kit.cloud();
    stage
        .lend("web", json!({"cloud": cloud, "managedIdentity": {}}))
        .await?;
    stage.arrives(&["web"]).await?;
    ensure!(
        stage.asked("appservice").await? > 0,
        "another endpoint was asked"
    );
    stage.withdraw(&system).await
}

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

async fn own_workload_identity(stage: &mut Stage) -> Result<()> {
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

async fn machine_wins(stage: &mut Stage) -> Result<()> {
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

async fn variables_win(stage: &mut Stage) -> Result<()> {
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
async fn refusal_ends_the_chain(stage: &mut Stage) -> Result<()> {
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
async fn command_line_wins(stage: &mut Stage) -> Result<()> {
    let folder = testbed::Scratch::new("az")?;
    let az = folder.path().join("az");
    let answer = json!({
        "accessToken": entra_token(&stage.kit).await?, "expires_on": jiff::Timestamp::now().as_second() + 3600,
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

/// A token of this step's application.
async fn entra_token(kit: &Kit) -> Result<String> {
    crate::identity_faults::token_of(kit, TENANT).await
}

async fn nothing_is_there(stage: &mut Stage) -> Result<()> {
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

async fn authority_is_none(stage: &mut Stage) -> Result<()> {
    let variables = [
        ("AZURE_AUTHORITY_HOST", "http://login.azure.net"),
        ("AZURE_TOKEN_CREDENTIALS", "prod"),
    ];
    stage.environment(&variables).await?;
    stage.lend("chain", json!({"default": {}})).await?;
    let (_, message) = stage.says("chain", "EnvironmentUnusable").await?;
    teaches(&message, &["AZURE_AUTHORITY_HOST", "https"])
}

/// Four minutes are tolerated in both directions, twenty are named as what they are.
async fn clock(stage: &mut Stage) -> Result<()> {
    stage.environment(&[]).await?;
    let kit = &stage.kit;
    let folder = binaries::repository().join("tests/fixtures/certificates");
    let pem = std::fs::read_to_string(folder.join("certificate.pem"))?;
    let application = json!({
        "clientId": kit.client_id, "objectId": kit.object_id, "secrets": [{"value": kit.client_secret}], "certificates": [{"pem": pem}]
    });
    kit.admin()
        .put_application(TENANT, &kit.client_id, &application)
        .await?;
    let both = STANDARD.encode(std::fs::read(folder.join("pkcs8.pem"))?);
    kit.apply(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": kit.namespace}, "data": {"c": both}
    }))
    .await?;
    kit.admin().clock_skew(-1200).await?;
    by_certificate(kit, "behind").await?;
    let message = kit.says("behind", "Synced", "False", "ClockSkewed").await?;
    teaches(&message, &["AADSTS700024", "NTP"])?;
    kit.admin().clock_skew(-240).await?;
    // A version that was made in the simulator's future is not there yet, so it is planted at each time.
    let (value, _) = kit.plant("s", "behind").await?;
    until(SOON, "four minutes are tolerated", async || {
        kit.sync_now("behind").await.map_err(seen)?;
        let data = kit.data("behind").await.map_err(seen)?;
        expect(&data.get("K"), &Some(&value))
    })
    .await?;
    kit.admin().clock_skew(240).await?;
    let (value, _) = kit.plant("s", "ahead").await?;
    by_certificate(kit, "ahead").await?;
    kit.holds("ahead", &[("K", &value)]).await?;
    kit.admin().clock_skew(0).await
}

/// An identity by the certificate in Secret `sp`, and a sync of the same name.
async fn by_certificate(kit: &Kit, name: &str) -> Result<()> {
    kit.apply(kit.identity(
        name,
        json!({"clientCertificate": {"name": "sp", "key": "c"}}),
    ))
    .await?;
    let sync = kit.sync(name, &[("K", "s")], |spec| {
        spec["identityRef"]["name"] = json!(name);
    });
    kit.apply(sync).await
}

/// The operator itself does not trust the cloud; an identity brings the roots.
async fn roots(stage: &mut Stage) -> Result<()> {
    stage
        .operator(|options| {
            options.env.clear();
            options.ca_file = None;
        })
        .await?;
    let kit = &stage.kit;
    kit.synced_identity_without_roots().await?;
    let message = kit
        .says("bare", "Synced", "False", "CertificateNotTrusted")
        .await?;
    teaches(&message, &["--ca-file"])?;
    let bundle = async |text: &str| {
        kit.apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "roots", "namespace": kit.namespace},
            "data": {"ca.crt": text}
        }))
        .await
    };
    // Roots of somebody else.
    let folder = binaries::repository().join("tests/fixtures/certificates");
    bundle(&std::fs::read_to_string(folder.join("certificate.pem"))?).await?;
    let mut identity = kit.identity(
        "bundled",
        json!({"clientSecret": {"name": "sp", "key": "secret"}}),
    );
    identity["spec"]["cloud"]["caBundle"] =
        json!({"configMap": {"name": "roots", "key": "ca.crt"}});
    kit.apply(identity).await?;
    let sync = kit.sync("bundled", &[("K", "s")], |spec| {
        spec["identityRef"]["name"] = json!("bundled");
    });
    kit.apply(sync).await?;
    let message = kit
        .says("bundled", "Synced", "False", "CertificateNotTrusted")
        .await?;
    teaches(&message, &["ConfigMap"])?;
    let (value, _) = kit.plant("s", "by-roots").await?;
    bundle(&std::fs::read_to_string(&kit.endpoints().ca_file)?).await?;
    until(2 * SOON, "the mended roots are used", async || {
        kit.sync_now("bundled").await.map_err(seen)?;
        let data = kit.data("bundled").await.map_err(seen)?;
        expect(&data.get("K"), &Some(&value))
    })
    .await?;
    // They are this identity's roots and nobody else's.
    kit.look("bare").await?;
    kit.says("bare", "Synced", "False", "CertificateNotTrusted")
        .await
        .map(drop)
}

impl Kit {
    /// The reason of a sync's condition as it is now.
    async fn says_now(&self, name: &str, type_: &str) -> Result<String> {
        let status = self.syncs().get(name).await?.status.unwrap_or_default();
        let condition = condition(&status, type_).context("not there yet")?;
        Ok(condition.reason.clone())
    }

    /// Identity `bare` by client secret in the cloud that its spec gives, and its sync.
    async fn synced_identity_without_roots(&self) -> Result<()> {
        self.make_credential("sp", &self.client_secret).await?;
        let credential = json!({"clientSecret": {"name": "sp", "key": "secret"}});
        self.apply(self.identity("bare", credential)).await?;
        let sync = self.sync("bare", &[("K", "s")], |spec| {
            spec["identityRef"]["name"] = json!("bare");
        });
        self.apply(sync).await
    }
}
