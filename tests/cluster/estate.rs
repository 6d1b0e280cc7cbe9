//! A subscription of a test's own, and an object in it that stands for a resource of Azure.

use std::marker::PhantomData;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::core::object::HasStatus;
use lakevault::azure_resource::api::ResourceStatus;
use lakevault::azure_resource::planner::Planner;
use lakevault::data_lake_account::api::DataLakeAccountStatus;
use lakevault::key_vault::api::KeyVaultStatus;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule, until};

use crate::kit::{Kit, SOON, TENANT};

/// The resource group that there is.
pub const GROUP: &str = "rg";

/// A kind of resource, as tests know it.
pub trait Declared: Planner + HasStatus<Status: Told + serde::Serialize> {
    /// Where the simulator's admin API has those of the kind.
    const PATH: &'static str;
    /// What it calls all of them there, and one.
    const NAMES: [&'static str; 2];
    /// Roles of this test's application, besides those that manage resources and give roles.
    const ROLES: &'static [&'static str];

    /// A name that no other test has.
    fn named(kit: &Kit, word: &str) -> String;
}

/// A status that every resource has.
pub trait Told {
    fn resource(&self) -> &ResourceStatus;
}

impl Told for KeyVaultStatus {
    fn resource(&self) -> &ResourceStatus {
        &self.resource
    }
}

impl Told for DataLakeAccountStatus {
    fn resource(&self) -> &ResourceStatus {
        &self.resource
    }
}

type Status<K> = <K as HasStatus>::Status;

/// A subscription, in which this test's application may manage resources and give roles, and an object of a kind.
pub struct Estate<K: Declared> {
    pub kit: Kit,
    pub subscription: String,
    /// The subscription as the simulator was told it.
    pub in_simulator: Value,
    /// The name of the object and of its resource.
    pub name: String,
    kind: PhantomData<K>,
}

impl<K: Declared> Estate<K> {
    pub async fn new(kit: Kit) -> Result<Self> {
        Self::with(kit, |_| ()).await
    }

    /// With changes of the subscription as the simulator knows it.
    pub async fn with(kit: Kit, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut estate = Self {
            subscription: uuid::Uuid::new_v4().to_string(),
            name: K::named(&kit, "own"),
            in_simulator: Value::Null,
            kind: PhantomData,
            kit,
        };
        let roles = ["Contributor", "Role Based Access Control Administrator"];
        let roles: Vec<Value> = roles
            .iter()
            .chain(K::ROLES)
            .map(|role| json!({"principalId": estate.kit.object_id, "role": role}))
            .collect();
        let mut subscription = json!({
            "tenantId": TENANT, "resourceGroups": [{"name": GROUP, "location": "westeurope"}],
            "roleAssignments": roles,
        });
        change(&mut subscription);
        estate.in_simulator = subscription;
        estate.change_subscription(|_| ()).await?;
        estate.make_identity("manager").await?;
        Ok(estate)
    }

    /// Another object of this namespace and identity, in a subscription of its own.
    pub async fn beside(&self, word: &str) -> Result<Self> {
        let beside = Self {
            kit: self.kit.clone(),
            subscription: uuid::Uuid::new_v4().to_string(),
            in_simulator: self.in_simulator.clone(),
            name: K::named(&self.kit, word),
            kind: PhantomData,
        };
        beside.change_subscription(|_| ()).await?;
        Ok(beside)
    }

    /// The same subscription, seen from another namespace.
    pub fn of_kit(&self, kit: &Kit) -> Self {
        Self {
            kit: kit.clone(),
            subscription: self.subscription.clone(),
            in_simulator: self.in_simulator.clone(),
            name: self.name.clone(),
            kind: PhantomData,
        }
    }

    /// The subscription as it was made, with changes.
    pub async fn change_subscription(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut subscription = self.in_simulator.clone();
        change(&mut subscription);
        let path = format!("/subscriptions/{}", self.subscription);
        let admin = self.kit.admin();
        let done: Result<Value> = admin.call(Method::PUT, &path, Some(&subscription)).await;
        done.map(drop)
    }

    /// An AzureIdentity whose cloud has a Resource Manager.
    pub async fn make_identity(&self, name: &str) -> Result<()> {
        let kit = &self.kit;
        kit.make_credential("sp", &kit.client_secret).await?;
        kit.apply(self.identity(name)).await
    }

    pub fn identity(&self, name: &str) -> Value {
        let kit = &self.kit;
        let credential = json!({"clientSecret": {"name": "sp", "key": "secret"}});
        let mut identity = kit.identity(name, credential);
        let custom = &mut identity["spec"]["cloud"]["custom"];
        custom["resourceManager"] = json!({"endpoint": kit.endpoints().resource_manager});
        custom["storage"] = json!({
            "suffix": kit.endpoints().storage_suffix(),
            "dataLakeStoreSuffix": kit.endpoints().lake_store_suffix(),
        });
        identity
    }

    /// The object, with changes of its spec.
    pub fn manifest(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut spec = json!({
            "identityRef": {"name": "manager"}, "subscriptionId": self.subscription,
            "resourceGroup": {"name": GROUP}, "location": "westeurope",
        });
        change(&mut spec);
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": K::kind(&()),
            "metadata": {"name": self.name, "namespace": self.kit.namespace}, "spec": spec
        })
    }

    /// Applies on the server's side, as kubectl would.
    pub async fn apply(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let params = PatchParams::apply("kubectl").force();
        let patch = Patch::Apply(self.manifest(change));
        let api = self.api();
        api.patch(&self.name, &params, &patch).await?;
        Ok(())
    }

    /// Applies, and waits until all is as it says.
    pub async fn ready(&self, change: impl FnOnce(&mut Value)) -> Result<Status<K>> {
        self.apply(change).await?;
        self.is_ready().await
    }

    pub async fn is_ready(&self) -> Result<Status<K>> {
        self.says("Synced", "True", "AsDeclared").await?;
        self.status_when("it is ready", |status| {
            is(status, "Ready", "True", "Available")
        })
        .await
    }

    /// Waits until the status speaks of the newest spec and fits.
    pub async fn status_when(
        &self,
        what: &str,
        fits: impl Fn(&Status<K>) -> bool,
    ) -> Result<Status<K>> {
        let (api, name) = (self.api(), &self.name);
        let what = format!("{} {}/{name}: {what}", K::kind(&()), self.kit.namespace);
        until(SOON, &what, async || {
            let object = api.get(name).await.map_err(|error| error.to_string())?;
            let status = object.status().cloned().unwrap_or_default();
            let current = status.resource().observed_generation == object.meta().generation;
            if current && fits(&status) {
                Ok(status)
            } else {
                Err(serde_json::to_string(&status).unwrap_or_default())
            }
        })
        .await
    }

    /// Waits until a condition says this. Gives back its message.
    pub async fn says(&self, type_: &str, status: &str, reason: &str) -> Result<String> {
        let what = format!("{type_} is {status} for {reason}");
        let seen = self
            .status_when(&what, |seen| is(seen, type_, status, reason))
            .await?;
        Ok(condition(&seen, type_)
            .map(|condition| condition.message.clone())
            .unwrap_or_default())
    }

    /// Asks for a look now, and waits until it was made.
    pub async fn look(&self) -> Result<Status<K>> {
        let word = uuid::Uuid::new_v4().to_string();
        self.annotate("lakevault.dev/sync-at", &word).await?;
        self.status_when("the look was made", |status| {
            status.resource().handled_sync_at.as_deref() == Some(&word)
        })
        .await
    }

    pub async fn annotate(&self, annotation: &str, value: &str) -> Result<()> {
        let patch = json!({"metadata": {"annotations": {annotation: value}}});
        let params = PatchParams::default();
        let api = self.api();
        api.patch(&self.name, &params, &Patch::Merge(patch)).await?;
        Ok(())
    }

    pub async fn object(&self) -> Result<K> {
        Ok(self.api().get(&self.name).await?)
    }

    pub async fn delete(&self) -> Result<()> {
        let params = DeleteParams::default();
        self.api().delete(&self.name, &params).await?;
        Ok(())
    }

    pub fn api(&self) -> Api<K> {
        Api::namespaced(self.kit.client(), &self.kit.namespace)
    }

    pub async fn is_gone(&self) -> Result<()> {
        self.kit.is_gone(self.api(), &self.name).await
    }

    /// The resource as the simulator has it; none where it has none.
    pub async fn in_azure(&self) -> Result<Option<Value>> {
        let (admin, [all, one]) = (self.kit.admin(), K::NAMES);
        let found: Value = admin.call(Method::GET, K::PATH, None).await?;
        let names = found[all].as_array().context("names")?;
        if !names.iter().any(|name| name.as_str() == Some(&self.name)) {
            return Ok(None);
        }
        let path = format!("{}/{}", K::PATH, self.name);
        let found: Value = admin.call(Method::GET, &path, None).await?;
        Ok(Some(found[one].clone()))
    }

    /// Somebody else changes the resource.
    pub async fn spoil(&self, change: &Value) -> Result<()> {
        let path = format!("{}/{}", K::PATH, self.name);
        let admin = self.kit.admin();
        let done: Result<Value> = admin.call(Method::PATCH, &path, Some(change)).await;
        done.map(drop)
    }

    /// The owner tag of the object.
    pub async fn owner(&self) -> Result<String> {
        let uid = self.object().await?.uid().context("uid")?;
        let tags = self.in_azure().await?.context("no resource")?["tags"].clone();
        let tag = tags["lakevault-owner"].as_str().unwrap_or_default();
        ensure!(
            tag.ends_with(&format!("/{}/{}/{uid}", self.kit.namespace, self.name)),
            "tag {tag:?}"
        );
        Ok(tag.to_owned())
    }

    /// Requests in this subscription, by the journal's word; all of them where it is empty.
    pub async fn calls(&self, operation: &str) -> Result<Vec<JournalEntry>> {
        let mut all = asked(&self.kit).await?;
        all.retain(|entry| {
            let named = operation.is_empty() || entry.operation == operation;
            named && entry.path.contains(&self.subscription)
        });
        Ok(all)
    }

    /// Requests that change something.
    pub async fn writes(&self) -> Result<Vec<String>> {
        let all = self.calls("").await?;
        let writes = all.into_iter().filter(changes);
        Ok(writes.map(|entry| entry.operation).collect())
    }

    /// Waits until as many requests of this subscription are held. Gives back their ids, oldest first.
    pub async fn held(&self, number: usize) -> Result<Vec<u64>> {
        let what = format!("{number} requests of {} are held", self.name);
        until(SOON, &what, async || {
            let mut all = holds(&self.kit).await.map_err(seen)?;
            all.retain(|one| one.path.contains(&self.subscription));
            let ids: Vec<u64> = all.iter().map(|one| one.id).collect();
            (ids.len() == number)
                .then_some(ids.clone())
                .ok_or_else(|| format!("{ids:?}"))
        })
        .await
    }

    /// Lets a request go that is held: `goOn`, or `cut`.
    pub async fn release(&self, id: u64, how: &str) -> Result<()> {
        release(&self.kit, id, how).await
    }

    /// Plays the time until the request of a note can have no effect any more, and asks for a look.
    pub async fn lapse(&self, object: &K) -> Result<()> {
        let past = "2000-01-01T00:00:00Z";
        let patch = json!({
            "metadata": {"resourceVersion": object.resource_version()},
            "status": {"operation": {"deadline": past}},
        });
        let (api, params) = (self.api(), PatchParams::default());
        let patch = Patch::Merge(patch);
        let patched = api.patch_status(&self.name, &params, &patch);
        // Where the operator was quicker, whoever waits looks again.
        let quicker = |error: &kube::Error| {
            let kube::Error::Api(status) = error else {
                return false;
            };
            status.is_conflict() || status.is_not_found()
        };
        match patched.await {
            Err(error) if quicker(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let word = uuid::Uuid::new_v4().to_string();
        let looked = self.annotate("lakevault.dev/sync-at", &word).await;
        match looked {
            Err(error) if error.downcast_ref().is_some_and(quicker) => Ok(()),
            other => other,
        }
    }

    /// A fault of one operation in this subscription. Gives back its id.
    pub async fn fault(&self, operation: &str, fault: Fault, times: Option<u64>) -> Result<Value> {
        let mut rule = FaultRule::new("management.*", fault)
            .on_path(&self.subscription)
            .on(operation);
        rule.count = times;
        self.kit.admin().add_fault(&rule).await
    }
}

/// All requests of the resource manager, oldest first.
pub async fn asked(kit: &Kit) -> Result<Vec<JournalEntry>> {
    kit.admin().journal_of("management").await
}

/// Whether a request changes something.
pub fn changes(entry: &JournalEntry) -> bool {
    entry.method != "GET"
        && !entry.operation.starts_with("Check")
        && !entry.operation.starts_with("List")
}

/// A request that a fault holds.
#[derive(serde::Deserialize, Debug)]
pub struct Held {
    pub id: u64,
    pub path: String,
}

/// All that are held, oldest first.
pub async fn holds(kit: &Kit) -> Result<Vec<Held>> {
    kit.admin().call(Method::GET, "/holds", None).await
}

/// Lets one go.
pub async fn release(kit: &Kit, id: u64, how: &str) -> Result<()> {
    let body = json!({"id": id, "how": how});
    let admin = kit.admin();
    admin
        .call::<Value>(Method::POST, "/holds/release", Some(&body))
        .await
        .map(drop)
}

pub fn condition<'a>(status: &'a impl Told, type_: &str) -> Option<&'a Condition> {
    let mut all = status.resource().conditions.iter();
    all.find(|condition| condition.type_ == type_)
}

pub fn is(seen: &impl Told, type_: &str, status: &str, reason: &str) -> bool {
    condition(seen, type_).is_some_and(|one| one.status == status && one.reason == reason)
}
