//! A storage account of a test's own, and what lies in it.

use std::ops::Deref;

use anyhow::{Context, Result, bail, ensure};
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountStatus, TreeStatus};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule};

use super::progress::requests;
use crate::estate::Estate;
pub use crate::estate::{condition, is};
use crate::kit::Kit;

/// Principals that nobody has to make: access lists take any id.
pub const ADA: &str = "33333333-3333-3333-3333-333333333333";
pub const BOB: &str = "55555555-5555-5555-5555-555555555555";
pub const EVE: &str = "66666666-6666-6666-6666-666666666666";

/// What every list has.
pub const PLAIN: [&str; 3] = ["user::rwx", "group::r-x", "other::---"];

/// The role that filesystems need.
pub const OWNER: &str = "Storage Blob Data Owner";

/// A DataLakeAccount in a subscription of its own.
pub struct Lake {
    /// The object and its account.
    pub estate: Estate<DataLakeAccount>,
}

impl Deref for Lake {
    type Target = Estate<DataLakeAccount>;

    fn deref(&self) -> &Self::Target {
        &self.estate
    }
}

impl Lake {
    /// The identity may do everything.
    pub async fn new(kit: Kit) -> Result<Self> {
        Self::with(kit, |_| ()).await
    }

    /// With changes of the subscription as the simulator knows it. Its last role assignment is that for filesystems.
    pub async fn with(kit: Kit, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let estate = Estate::with(kit, change).await?;
        Ok(Self { estate })
    }

    pub fn host(&self) -> String {
        let suffix = self.kit.endpoints().storage_suffix();
        format!("{}.dfs.{suffix}", self.name)
    }

    /// Asks for a look now. Gives back the word that the status will show when it was made.
    pub async fn ask(&self) -> Result<String> {
        let word = uuid::Uuid::new_v4().to_string();
        self.annotate("lakevault.dev/sync-at", &word).await?;
        Ok(word)
    }

    /// A call of the simulator's admin API.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let admin = self.kit.admin();
        admin.call(method, path, body.as_ref()).await
    }

    /// The filesystems as the simulator has them, by name.
    pub async fn filesystems(&self) -> Result<Vec<String>> {
        let path = format!("/filesystems/{}", self.name);
        let all = self.admin(Method::GET, &path, None).await?;
        let all = all["filesystems"].as_array().context("filesystems")?;
        let names = all.iter().filter_map(|one| one["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// A property of a filesystem, as text.
    pub async fn property(&self, filesystem: &str, name: &str) -> Result<Option<String>> {
        use base64::Engine as _;
        let path = format!("/filesystems/{}", self.name);
        let all = self.admin(Method::GET, &path, None).await?;
        let all = all["filesystems"].as_array().context("filesystems")?;
        let one = all.iter().find(|one| one["name"] == filesystem);
        let one = one.with_context(|| format!("no filesystem {filesystem}"))?;
        let Some(value) = one["properties"][name].as_str() else {
            return Ok(None);
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(value)?;
        Ok(Some(String::from_utf8(bytes)?))
    }

    fn path(&self, filesystem: &str, path: &str) -> String {
        format!("/filesystems/{}/{filesystem}/path?path={path}", self.name)
    }

    /// A path as the simulator has it.
    pub async fn stands(&self, filesystem: &str, path: &str) -> Result<Value> {
        let call = self.path(filesystem, path);
        self.admin(Method::GET, &call, None).await
    }

    /// Makes or changes a path as somebody who may do everything.
    pub async fn put(&self, filesystem: &str, path: &str, body: Value) -> Result<()> {
        let call = self.path(filesystem, path);
        self.admin(Method::PUT, &call, Some(body)).await?;
        Ok(())
    }

    /// The text of a file.
    pub async fn content(&self, filesystem: &str, path: &str) -> Result<String> {
        use base64::Engine as _;
        let stands = self.stands(filesystem, path).await?;
        let content = stands["content"].as_str().context("no file")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(content)?;
        Ok(String::from_utf8(bytes)?)
    }

    /// The access list of a path has exactly these entries, and the mask where there is one.
    pub async fn has_acl(&self, filesystem: &str, path: &str, entries: &[&str]) -> Result<()> {
        let stands = self.stands(filesystem, path).await?;
        let text = stands["acl"].as_str().context("acl")?;
        let mut is: Vec<&str> = text.split(',').collect();
        let mut wanted = entries.to_vec();
        is.sort_unstable();
        wanted.sort_unstable();
        ensure!(
            is == wanted,
            "{filesystem}/{path} has {is:?}, not {wanted:?}"
        );
        Ok(())
    }

    /// Requests to the account's own endpoint, oldest first, by the journal's word; all of them where it is empty.
    pub async fn calls(&self, operation: &str) -> Result<Vec<JournalEntry>> {
        requests(&self.estate, &self.host(), operation).await
    }

    /// Words of the requests to the account's own endpoint that change something.
    pub async fn writes(&self) -> Result<Vec<String>> {
        let all = self.calls("").await?;
        let writes = all
            .into_iter()
            .filter(|entry| !matches!(entry.method.as_str(), "GET" | "HEAD"));
        Ok(writes.map(|entry| entry.operation).collect())
    }

    /// A fault of one operation at the account's own endpoint. Gives back its id.
    pub async fn fault(&self, operation: &str, fault: Fault, times: Option<u64>) -> Result<Value> {
        let mut rule = FaultRule::new(&self.host(), fault).on(operation);
        rule.count = times;
        self.kit.admin().add_fault(&rule).await
    }
}

/// A list of entries after those that every list has.
pub fn acl(more: &[&str]) -> Value {
    json!([PLAIN.as_slice(), more].concat())
}

/// The only tree of a status.
pub fn tree(status: &DataLakeAccountStatus) -> Result<&TreeStatus> {
    match status.trees.as_slice() {
        [one] => Ok(one),
        other => bail!("not one tree: {other:?}"),
    }
}
