//! What a test needs: the shared world, and a namespace, an application and a vault of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use lakevault::vault_secret_sync::api::{VaultSecretSync, VaultSecretSyncStatus};
use serde_json::{Value, json};
use testbed::{
    ControlPlane, ControlPlaneOptions, Endpoints, Operator, OperatorOptions, Scratch, Simulator,
    SimulatorOptions, binaries, until,
};

/// The tenant of all applications, unless a test makes another.
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// How long anything may take that should happen at once.
pub const SOON: Duration = Duration::from_secs(30);
/// Every planted secret value begins with this, so that leaks can be found.
pub const PLANTED: &str = "planted-value-";

/// ServiceAccounts of this name are used by workload identities.
pub const GRANTED: &str = "app";
/// The operator may create no tokens of ServiceAccounts with this name.
pub const NOT_GRANTED: &str = "not-granted";

/// The processes that all tests share.
pub struct World {
    pub control_plane: ControlPlane,
    pub simulator: Simulator,
    pub operator: Operator,
    pub client: Client,
    /// Last: the folder is removed when the processes have ended.
    #[allow(dead_code, reason = "it is there to be dropped")]
    pub scratch: Scratch,
}

impl World {
    pub async fn start() -> Result<Self> {
        Self::with("cluster", &[]).await
    }

    /// In folders under this name, with further arguments of the simulator.
    pub async fn with(name: &str, simulator: &[&str]) -> Result<Self> {
        let scratch = Scratch::new(name)?;
        let root = binaries::repository();
        let options = ControlPlaneOptions {
            crds: vec![root.join("crds")],
            ..Default::default()
        };
        let control_plane =
            ControlPlane::start(&scratch.path().join("control-plane"), options).await?;
        let issuer = json!({"issuer": control_plane.issuer(), "caFile": control_plane.ca_file()});
        let seed = json!({"tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": []}], "issuers": [issuer]});
        let options = SimulatorOptions {
            args: simulator.iter().map(|arg| (*arg).to_owned()).collect(),
            ..SimulatorOptions::from(seed)
        };
        let simulator = Simulator::start(&scratch.path().join("simulator"), options).await?;
        control_plane
            .kubectl()
            .run(["create", "namespace", "lakevault-system"])
            .await?;
        control_plane
            .kubectl()
            .apply_dir(&root.join("deploy/rbac.yaml"))
            .await?;
        grant_tokens_of(&control_plane, GRANTED).await?;
        let kubeconfig = operator_kubeconfig(&control_plane)?;
        let options = OperatorOptions::new(&kubeconfig, &scratch.path().join("operator"))
            .with_azure(simulator.endpoints())
            .arg("--log-level=info,lakevault=debug");
        let operator = Operator::start(options).await?;
        let client = control_plane.client().await?;
        Ok(Self {
            control_plane,
            simulator,
            operator,
            client,
            scratch,
        })
    }
}

/// Lets the operator create tokens of ServiceAccounts with this name, as the operator itself tells an administrator to.
pub async fn grant_tokens_of(control_plane: &ControlPlane, name: &str) -> Result<()> {
    let patch = json!([{"op": "add", "path": "/rules/0/resourceNames/-", "value": name}]);
    let line = [
        "patch",
        "clusterrole",
        "lakevault-token-requests",
        "--type",
        "json",
        "-p",
    ];
    let patch = patch.to_string();
    let arguments = line.into_iter().chain([patch.as_str()]);
    control_plane.kubectl().run(arguments).await.map(drop)
}

/// The operator runs with the rights of its ServiceAccount and no others.
pub fn operator_kubeconfig(control_plane: &ControlPlane) -> Result<std::path::PathBuf> {
    control_plane.user_kubeconfig(
        "system:serviceaccount:lakevault-system:lakevault",
        &[
            "system:serviceaccounts",
            "system:serviceaccounts:lakevault-system",
        ],
    )
}

static COUNT: AtomicU32 = AtomicU32::new(1);

/// One test's own corner of the world.
#[derive(Clone)]
pub struct Kit {
    pub world: Arc<World>,
    pub namespace: String,
    pub vault: String,
    pub client_id: String,
    pub object_id: String,
    pub client_secret: String,
}

impl Kit {
    pub async fn new(world: Arc<World>, test: &str) -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let short: String = test
            .rsplit("::")
            .next()
            .unwrap_or(test)
            .replace('_', "-")
            .chars()
            .take(40)
            .collect();
        let kit = Self {
            namespace: format!("t{number}-{}", short.trim_end_matches('-')),
            vault: format!("kv-t{number}"),
            client_id: uuid::Uuid::new_v4().to_string(),
            object_id: uuid::Uuid::new_v4().to_string(),
            client_secret: format!("{PLANTED}client-secret-{number}"),
            world,
        };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kit.namespace}});
        let namespaces: Api<Namespace> = Api::all(kit.client());
        namespaces
            .create(&PostParams::default(), &serde_json::from_value(namespace)?)
            .await?;
        let application = json!({
            "clientId": kit.client_id, "objectId": kit.object_id, "name": kit.namespace,
            "secrets": [{"value": kit.client_secret}]
        });
        kit.admin()
            .put_application(TENANT, &kit.client_id, &application)
            .await?;
        kit.make_vault(&kit.vault.clone()).await?;
        Ok(kit)
    }

    pub fn client(&self) -> Client {
        self.world.client.clone()
    }

    pub fn admin(&self) -> &testbed::Admin {
        self.world.simulator.admin()
    }

    pub fn endpoints(&self) -> &Endpoints {
        self.world.simulator.endpoints()
    }

    /// A vault that this test's application may read.
    pub async fn make_vault(&self, name: &str) -> Result<()> {
        let vault = json!({
            "name": name, "tenantId": TENANT, "subscriptionId": "33333333-3333-3333-3333-333333333333",
            "resourceGroup": "rg", "location": "westeurope", "authorization": "RBAC",
            "roleAssignments": [{"principalId": self.object_id, "role": "Key Vault Secrets User"}]
        });
        self.admin().put_vault(name, &vault).await
    }

    /// A new version of a secret in this test's vault, with a value that can be searched for. Gives back value and version.
    pub async fn plant(&self, name: &str, what: &str) -> Result<(String, String)> {
        let value = format!("{PLANTED}{}-{name}-{what}", self.vault);
        let version = self
            .admin()
            .put_secret(&self.vault, name, value.as_str())
            .await?;
        Ok((value, version))
    }

    /// A new version with exactly this value.
    pub async fn put(&self, name: &str, value: &str) -> Result<String> {
        self.admin().put_secret(&self.vault, name, value).await
    }

    /// The cloud of the simulator, for `spec.cloud`.
    pub fn cloud(&self) -> Value {
        let endpoints = self.endpoints();
        json!({"custom": {
            "authorityHost": endpoints.authority_host,
            "keyVault": {"dnsSuffix": endpoints.key_vault_suffix, "audience": endpoints.key_vault_audience}
        }})
    }

    /// An AzureIdentity `main` with this test's client secret in Secret `sp`.
    pub async fn make_identity(&self) -> Result<()> {
        self.make_credential("sp", &self.client_secret).await?;
        self.apply(self.identity(
            "main",
            json!({"clientSecret": {"name": "sp", "key": "secret"}}),
        ))
        .await
    }

    pub async fn make_credential(&self, name: &str, value: &str) -> Result<()> {
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": self.namespace},
            "stringData": {"secret": value}
        }))
        .await
    }

    /// An AzureIdentity of this test's application with the given credential.
    pub fn identity(&self, name: &str, credential: Value) -> Value {
        let mut spec =
            json!({"tenantId": TENANT, "clientId": self.client_id, "cloud": self.cloud()});
        spec.as_object_mut()
            .unwrap()
            .extend(credential.as_object().unwrap().clone());
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec
        })
    }

    /// A VaultSecretSync of this test's vault with identity `main`: keys and secrets by pairs, then changes of the spec.
    pub fn sync(
        &self,
        name: &str,
        data: &[(&str, &str)],
        change: impl FnOnce(&mut Value),
    ) -> Value {
        let data: Vec<Value> = data
            .iter()
            .map(|(key, secret)| json!({"key": key, "secret": {"name": secret}}))
            .collect();
        let mut spec = json!({
            "vaultUri": self.endpoints().vault_url(&self.vault), "identityRef": {"name": "main"}, "data": data
        });
        change(&mut spec);
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec
        })
    }

    /// Server-side apply as a user would do it.
    pub async fn apply(&self, object: Value) -> Result<()> {
        self.world
            .control_plane
            .kubectl()
            .apply_yaml(&object.to_string())
            .await
            .map(|_| ())
    }

    pub fn syncs(&self) -> Api<VaultSecretSync> {
        Api::namespaced(self.client(), &self.namespace)
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Asks for a look at the vault now. Gives back the word that the status will show when it has been done.
    pub async fn sync_now(&self, name: &str) -> Result<String> {
        let word = uuid::Uuid::new_v4().to_string();
        let patch = json!({"metadata": {"annotations": {"lakevault.dev/sync-at": word}}});
        self.syncs()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(word)
    }

    /// Asks for a look now and waits until it has been done.
    pub async fn look(&self, name: &str) -> Result<VaultSecretSyncStatus> {
        let word = self.sync_now(name).await?;
        self.status_when(name, "the look was made", |status| {
            status.handled_sync_at.as_deref() == Some(&word)
        })
        .await
    }

    /// Waits until a sync's status fits, and gives it back.
    pub async fn status_when(
        &self,
        name: &str,
        what: &str,
        fits: impl Fn(&VaultSecretSyncStatus) -> bool,
    ) -> Result<VaultSecretSyncStatus> {
        let syncs = self.syncs();
        until(
            SOON,
            &format!("{}/{name}: {what}", self.namespace),
            async || {
                let sync = syncs.get(name).await.map_err(|error| error.to_string())?;
                let status = sync.status.unwrap_or_default();
                if status.observed_generation == sync.metadata.generation && fits(&status) {
                    Ok(status)
                } else {
                    Err(serde_json::to_string(&status).unwrap_or_default())
                }
            },
        )
        .await
    }

    /// Waits until a condition says this. Gives back its message.
    pub async fn says(
        &self,
        name: &str,
        type_: &str,
        status: &str,
        reason: &str,
    ) -> Result<String> {
        let says = |seen: &VaultSecretSyncStatus| condition(seen, type_).cloned();
        let what = format!("{type_} is {status} for {reason}");
        let seen = self
            .status_when(name, &what, |seen| {
                says(seen).is_some_and(|c| c.status == status && c.reason == reason)
            })
            .await?;
        Ok(says(&seen)
            .map(|condition| condition.message)
            .unwrap_or_default())
    }

    pub async fn is_synced(&self, name: &str) -> Result<()> {
        self.says(name, "Synced", "True", "UpToDate")
            .await
            .map(|_| ())
    }

    /// The data of a Secret as text.
    pub async fn data(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let secret = self
            .secrets()
            .get(name)
            .await
            .with_context(|| format!("Secret {name}"))?;
        let data = secret.data.unwrap_or_default();
        data.into_iter()
            .map(|(key, value)| Ok((key, String::from_utf8(value.0)?)))
            .collect()
    }

    /// Waits until a Secret holds exactly this.
    pub async fn holds(&self, name: &str, wanted: &[(&str, &str)]) -> Result<()> {
        let wanted: BTreeMap<String, String> = wanted
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        until(
            SOON,
            &format!("Secret {}/{name} holds {:?}", self.namespace, wanted.keys()),
            async || {
                let found = self
                    .data(name)
                    .await
                    .map_err(|error| format!("{error:#}"))?;
                if found == wanted {
                    Ok(())
                } else {
                    Err(format!("{found:?}"))
                }
            },
        )
        .await
    }

    /// Changes a Secret as a user with `kubectl edit` would.
    pub async fn damage(&self, name: &str, patch: Value) -> Result<()> {
        let params = PatchParams {
            field_manager: Some("kubectl-edit".to_owned()),
            ..PatchParams::default()
        };
        self.secrets()
            .patch(name, &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// A ready identity and a sync `app` with key `K` from secret `s`, synced. Gives back the value.
    pub async fn synced_app(&self) -> Result<String> {
        self.make_identity().await?;
        let (value, _) = self.plant("s", "first").await?;
        self.apply(self.sync("app", &[("K", "s")], |_| ())).await?;
        self.holds("app", &[("K", &value)]).await?;
        self.is_synced("app").await?;
        Ok(value)
    }
}

pub fn condition<'a>(status: &'a VaultSecretSyncStatus, type_: &str) -> Option<&'a Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == type_)
}

/// A message must teach: it holds each of these words.
pub fn teaches(message: &str, words: &[&str]) -> Result<()> {
    for word in words {
        ensure!(
            message.contains(word),
            "the message does not say {word:?}: {message}"
        );
    }
    Ok(())
}
