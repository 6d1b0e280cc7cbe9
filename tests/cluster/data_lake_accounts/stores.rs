//! A Data Lake Store of a test's own, and what lies in it.

use std::ops::Deref;

use anyhow::{Context, Result, ensure};
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountStatus};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule};

use super::progress::requests;
use crate::estate::Estate;
use crate::kit::Kit;

/// A DataLakeAccount of the first generation in a subscription of its own.
pub struct Store {
    /// The object and its account.
    pub estate: Estate<DataLakeAccount>,
}

impl Deref for Store {
    type Target = Estate<DataLakeAccount>;

    fn deref(&self) -> &Self::Target {
        &self.estate
    }
}

impl Store {
    /// The identity owns the subscription, so it may do everything in its stores.
    pub async fn new(kit: Kit) -> Result<Self> {
        let owner = json!({"principalId": kit.object_id, "role": "Owner"});
        Self::with(kit, |subscription| {
            let roles = subscription["roleAssignments"].as_array_mut();
            if let Some(roles) = roles {
                roles.push(owner.clone());
            }
        })
        .await
    }

    /// With changes of the subscription as the simulator knows it.
    pub async fn with(kit: Kit, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let estate = Estate::with(kit, change).await?;
        let store = Self { estate };
        let mut identity = store.identity("stores");
        let storage = &mut identity["spec"]["cloud"]["custom"]["storage"];
        storage["dataLakeStoreSuffix"] = json!(store.suffix());
        store.kit.apply(identity).await?;
        Ok(store)
    }

    fn suffix(&self) -> String {
        let suffix = self.kit.endpoints().storage_suffix();
        suffix.replacen("storage.", "azuredatalakestore.", 1)
    }

    pub fn host(&self) -> String {
        format!("{}.{}", self.name, self.suffix())
    }

    /// Applies the object with what its one filesystem is to hold.
    pub async fn apply(&self, filesystem: Value) -> Result<()> {
        self.estate.apply(|spec| first(spec, filesystem)).await
    }

    /// Applies, and waits until all is as it says.
    pub async fn ready(&self, filesystem: Value) -> Result<DataLakeAccountStatus> {
        self.estate.ready(|spec| first(spec, filesystem)).await
    }

    /// Asks for a look now.
    pub async fn ask(&self) -> Result<()> {
        let word = uuid::Uuid::new_v4().to_string();
        self.annotate("lakevault.dev/sync-at", &word).await
    }

    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let admin = self.kit.admin();
        admin.call(method, path, body.as_ref()).await
    }

    fn path(&self, path: &str) -> String {
        format!("/storefiles/{}/path?path={path}", self.name)
    }

    /// A path as the simulator has it.
    pub async fn stands(&self, path: &str) -> Result<Value> {
        self.admin(Method::GET, &self.path(path), None).await
    }

    /// Makes or changes a path as somebody who may do everything.
    pub async fn put(&self, path: &str, body: Value) -> Result<()> {
        let call = self.path(path);
        self.admin(Method::PUT, &call, Some(body)).await.map(drop)
    }

    /// Makes a directory with so many paths in it.
    pub async fn grow(&self, path: &str, count: usize) -> Result<()> {
        let call = format!("/storefiles/{}/tree", self.name);
        let body = json!({"path": path, "count": count});
        self.admin(Method::POST, &call, Some(body)).await.map(drop)
    }

    /// The text of a file.
    pub async fn content(&self, path: &str) -> Result<String> {
        use base64::Engine as _;
        let stands = self.stands(path).await?;
        let content = stands["content"].as_str().context("no file")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(content)?;
        Ok(String::from_utf8(bytes)?)
    }

    /// The access list of a path has exactly these entries.
    pub async fn has_acl(&self, path: &str, entries: &[&str]) -> Result<()> {
        let stands = self.stands(path).await?;
        let text = stands["acl"].as_str().context("acl")?;
        let mut is: Vec<&str> = text.split(',').collect();
        let mut wanted = entries.to_vec();
        is.sort_unstable();
        wanted.sort_unstable();
        ensure!(is == wanted, "{path} has {is:?}, not {wanted:?}");
        Ok(())
    }

    /// Requests to the store's own endpoint, oldest first, by the journal's word; all of them where it is empty.
    pub async fn calls(&self, operation: &str) -> Result<Vec<JournalEntry>> {
        requests(&self.estate, &self.host(), operation).await
    }

    /// Words of the requests to the store's own endpoint that change something.
    pub async fn writes(&self) -> Result<Vec<String>> {
        let all = self.calls("").await?;
        let writes = all.into_iter().filter(|entry| entry.method != "GET");
        Ok(writes.map(|entry| entry.operation).collect())
    }

    /// A fault of one operation at the store's own endpoint, at paths that fit. Gives back its id.
    pub async fn fault(
        &self,
        operation: &str,
        path: Option<&str>,
        (fault, times): (Fault, Option<u64>),
    ) -> Result<Value> {
        let mut rule = FaultRule::new(&self.host(), fault).on(operation);
        rule.path = path.map(str::to_owned);
        rule.count = times;
        self.kit.admin().add_fault(&rule).await
    }
}

/// A spec of the first generation, which has one filesystem.
fn first(spec: &mut Value, mut filesystem: Value) {
    filesystem["name"] = json!("root");
    spec["generation"] = json!("Gen1");
    spec["identityRef"] = json!({"name": "stores"});
    spec["filesystems"] = json!([filesystem]);
}
