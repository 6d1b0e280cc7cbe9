//! Where a scenario plays: the world, and the objects of docs/scenarios.md in it.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use lakevault::azure_identity::api::{AzureIdentity, AzureIdentityStatus, ClusterAzureIdentity};
use lakevault::data_lake_account::api::DataLakeAccount;
use lakevault::vault_secret_sync::api::VaultSecretSync;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use crate::kit::{SOON, TENANT, World};

/// A "native" application, by which people sign in.
pub const NATIVE: &str = "44444444-4444-4444-4444-444444444444";
/// The Azure CLI's, which msrestazure and lakevault use where none is named.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The application of the first scenario.
pub const LAKE: &str = "22222222-2222-2222-2222-222222222222";
pub const LAKE_OBJECT: &str = "33333333-3333-3333-3333-333333333333";
pub const LAKE_SECRET: &str = "planted-value-of lake+1";
pub const USER: &str = "ada@contoso.onmicrosoft.com";
pub const USER_OBJECT: &str = "55555555-0000-0000-0000-000000000055";
pub const PASSWORD: &str = "planted-value-of ada+1";
pub const SUBSCRIPTION: &str = "99999999-9999-9999-9999-999999999999";
pub const GROUP: &str = "rg-lake";

/// A world whose Azure has the public cloud's names, with an application, a person, and a subscription that is these two's.
pub async fn world(name: &str) -> Result<World> {
    let world = World::with(name, &["--names", "public"]).await?;
    let public = |id| json!({"clientId": id, "publicClient": true});
    let seed = json!({
        "settings": {"deviceCodeIntervalSeconds": 1},
        "tenants": [{
            "id": TENANT,
            "applications": [
                public(NATIVE), public(AZURE_CLI),
                {"clientId": LAKE, "objectId": LAKE_OBJECT, "secrets": [{"value": LAKE_SECRET}]},
            ],
            "users": [{"username": USER, "password": PASSWORD, "objectId": USER_OBJECT}],
        }],
    });
    world.simulator.admin().seed(&seed).await?;
    let owners = ["Owner", "Storage Blob Data Owner"];
    allowed(&world, &[USER_OBJECT, LAKE_OBJECT], &owners).await?;
    Ok(world)
}

/// These principals, by object id, have these roles for the subscription, and there are no others.
pub async fn allowed(world: &World, objects: &[&str], roles: &[&str]) -> Result<()> {
    let each = |object: &&str| {
        let object = (*object).to_owned();
        let given = move |role| json!({"principalId": object.as_str(), "role": role});
        roles.iter().map(given).collect::<Vec<Value>>()
    };
    let roles: Vec<Value> = objects.iter().flat_map(each).collect();
    let seed = json!({"subscriptions": [{
        "id": SUBSCRIPTION, "tenantId": TENANT, "roleAssignments": roles,
        "resourceGroups": [{"name": GROUP, "location": "westeurope"}],
    }]});
    world.simulator.admin().seed(&seed).await
}

/// A namespace of the world.
pub struct Place<'a> {
    pub world: &'a World,
    namespace: &'a str,
}

impl<'a> Place<'a> {
    /// Makes the namespace.
    pub async fn new(world: &'a World, namespace: &'a str) -> Result<Self> {
        let kubectl = world.control_plane.kubectl();
        kubectl.run(["create", "namespace", namespace]).await?;
        Ok(Self { world, namespace })
    }

    /// A namespace that is there.
    pub fn existing(world: &'a World, namespace: &'a str) -> Self {
        Self { world, namespace }
    }

    pub async fn apply(&self, yaml: &str) -> Result<()> {
        let kubectl = self.world.control_plane.kubectl();
        kubectl.apply_yaml(yaml).await.map(drop)
    }

    /// Waits until a sync has all its keys, and gives back the Secret's data.
    pub async fn synced(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let client = self.world.client.clone();
        let syncs: Api<VaultSecretSync> = Api::namespaced(client.clone(), self.namespace);
        let what = format!("{}/{name} is synced", self.namespace);
        until(SOON, &what, async || {
            let sync = syncs.get(name).await.map_err(seen)?;
            let status = sync.status.unwrap_or_default();
            if is_true(&status.conditions, "Synced") {
                Ok(())
            } else {
                Err(serde_json::to_string(&status).unwrap_or_default())
            }
        })
        .await?;
        let secrets: Api<Secret> = Api::namespaced(client, self.namespace);
        let data = secrets.get(name).await?.data.unwrap_or_default();
        data.into_iter()
            .map(|(key, value)| Ok((key, String::from_utf8(value.0)?)))
            .collect()
    }

    /// Waits until an account and what lies in it are as declared.
    pub async fn lake(&self, name: &str) -> Result<()> {
        let accounts: Api<DataLakeAccount> =
            Api::namespaced(self.world.client.clone(), self.namespace);
        until(
            SOON,
            &format!("account {name} is as declared"),
            async || {
                let account = accounts.get(name).await.map_err(seen)?;
                let status = account.status.unwrap_or_default();
                let conditions = &status.resource.conditions;
                let done = is_true(conditions, "Ready") && is_true(conditions, "Synced");
                if done && status.lake_applied_generation == account.metadata.generation {
                    Ok(())
                } else {
                    Err(serde_json::to_string(&status).unwrap_or_default())
                }
            },
        )
        .await
    }

    /// Waits until an AzureIdentity is Ready, and gives back its status.
    pub async fn identity(&self, name: &str) -> Result<AzureIdentityStatus> {
        let client = self.world.client.clone();
        let identities: Api<AzureIdentity> = Api::namespaced(client, self.namespace);
        until(SOON, &format!("identity {name} is Ready"), async || {
            ready(identities.get(name).await.map_err(seen)?.status)
        })
        .await
    }
}

/// Waits until a ClusterAzureIdentity is Ready in the way that `fits`, and gives back its status.
pub async fn lent(
    world: &World,
    name: &str,
    fits: impl Fn(&AzureIdentityStatus) -> bool,
) -> Result<AzureIdentityStatus> {
    let identities: Api<ClusterAzureIdentity> = Api::all(world.client.clone());
    until(SOON, &format!("identity {name} is Ready"), async || {
        let status = ready(identities.get(name).await.map_err(seen)?.status)?;
        if fits(&status) {
            Ok(status)
        } else {
            Err(serde_json::to_string(&status).unwrap_or_default())
        }
    })
    .await
}

fn ready(status: Option<AzureIdentityStatus>) -> Result<AzureIdentityStatus, String> {
    let status = status.unwrap_or_default();
    if is_true(&status.conditions, "Ready") {
        Ok(status)
    } else {
        Err(serde_json::to_string(&status).unwrap_or_default())
    }
}

pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == type_ && condition.status == "True")
}
