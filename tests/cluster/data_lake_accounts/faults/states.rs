//! What can go wrong about an account: each write of its life, from what it begins to what it leaves behind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp, Unit};
use kube::api::{Patch, PatchParams};
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::estate::Estate;
use crate::faults::Life;

/// A write, and the life around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// An account is made.
    Create,
    /// Its settings and tags change.
    Update,
    /// It is deleted with its object.
    Delete,
    /// The key that is not in use is made anew.
    Rotate,
}

/// How old keys are that are old enough, in seconds.
const LONG_AGO: u32 = 300 * 24 * 3600;

/// The Secret of a row: each has a subscription of its own.
fn secret(subscription: &str) -> String {
    format!("keys-{subscription}")
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Rotate];

    /// Plays that the keys were made and taken into use long ago.
    async fn age(estate: &Estate<DataLakeAccount>) -> Result<()> {
        let (admin, path) = (
            estate.kit.admin(),
            format!("/storageaccounts/{}/keys", estate.name),
        );
        let keys: Value = admin.call(Method::GET, &path, None).await?;
        for key in keys["keys"].as_array().context("keys")? {
            let name = key["name"].as_str().context("name")?;
            let body = json!({"createdSecondsAgo": LONG_AGO});
            let path = format!("{path}/{name}");
            let _: Value = admin.call(Method::PUT, &path, Some(&body)).await?;
        }
        estate.look().await?;
        let since = Timestamp::now() - SignedDuration::from_secs(i64::from(LONG_AGO) - 60);
        let patch = json!({"status": {"keys": {"since": since.round(Unit::Second)?}}});
        let (api, params) = (estate.api(), PatchParams::default());
        api.patch_status(&estate.name, &params, &Patch::Merge(patch))
            .await?;
        let word = uuid::Uuid::new_v4().to_string();
        estate.annotate("lakevault.dev/sync-at", &word).await
    }
}

impl Life for State {
    type Kind = DataLakeAccount;

    fn write(self) -> &'static str {
        match self {
            Self::Create => "CreateStorageAccount",
            Self::Update => "UpdateStorageAccount",
            Self::Delete => "DeleteStorageAccount",
            Self::Rotate => "RegenerateStorageAccountKey",
        }
    }

    fn writes(self) -> Vec<&'static str> {
        vec![self.write()]
    }

    fn read(self) -> (&'static str, u16) {
        match self {
            Self::Create => ("GetStorageAccount", 404),
            Self::Update | Self::Delete => ("GetStorageAccount", 200),
            Self::Rotate => ("ListStorageAccountKeys", 200),
        }
    }

    fn leaves(self) -> bool {
        self == Self::Delete
    }

    fn destroys(self) -> bool {
        self == Self::Delete
    }

    fn has_resource(self) -> bool {
        self != Self::Create
    }

    fn first(self, spec: &mut Value) {
        spec["tags"] = json!({"team": "payments"});
        match self {
            Self::Create | Self::Update => {}
            Self::Delete => spec["deletionPolicy"] = json!("Delete"),
            Self::Rotate => {
                let subscription = spec["subscriptionId"].as_str().unwrap_or_default();
                let keys = json!({"secret": secret(subscription), "rotateAfter": "1h"});
                spec["outputs"] = json!({ "keys": keys });
                spec["sharedKeyAccess"] = json!(true);
            }
        }
    }

    async fn prepare(self, _: &Estate<DataLakeAccount>) -> Result<()> {
        Ok(())
    }

    async fn begin(self, estate: &Estate<DataLakeAccount>) -> Result<()> {
        match self {
            Self::Create => estate.apply(|spec| self.first(spec)).await,
            Self::Update => {
                let change = |spec: &mut Value| {
                    self.first(spec);
                    spec["sku"] = json!("Standard_GRS");
                    spec["tags"] = json!({"team": "billing"});
                };
                estate.apply(change).await
            }
            Self::Delete => estate.delete().await,
            Self::Rotate => Self::age(estate).await,
        }
    }

    async fn end(self, estate: &Estate<DataLakeAccount>) -> Result<String> {
        let mut account = estate.in_azure().await?;
        if let Some(account) = account.as_mut().and_then(Value::as_object_mut) {
            account.remove("keys");
        }
        Ok(format!("{account:?}"))
    }

    /// The Secret has a key that is valid. It is read first: a key that was replaced in between stays valid for an hour.
    async fn holds(self, estate: &Estate<DataLakeAccount>) -> Result<()> {
        if self != Self::Rotate {
            return Ok(());
        }
        let name = secret(&estate.subscription);
        let Ok(data) = estate.kit.data(&name).await else {
            return Ok(());
        };
        let (admin, path) = (
            estate.kit.admin(),
            format!("/storageaccounts/{}/keys", estate.name),
        );
        let keys: Value = admin.call(Method::GET, &path, None).await?;
        let mut keys = keys["keys"].as_array().context("keys")?.iter();
        let held = data.get("accountKey").context("the Secret has no key")?;
        ensure!(
            keys.any(|key| key["value"].as_str() == Some(held)),
            "Secret {name} has an invalid key"
        );
        Ok(())
    }

    /// The key in use was taken into use just now, and nothing is under way with the other.
    fn is_done(self, status: &DataLakeAccountStatus) -> bool {
        if self != Self::Rotate {
            return true;
        }
        let since = |keys: &lakevault::data_lake_account::api::KeysStatus| {
            let since = keys.since.as_ref().map(|since| since.0);
            keys.renewing.is_none() && since.is_some_and(is_new)
        };
        status.keys.as_ref().is_some_and(since)
    }
}

fn is_new(time: Timestamp) -> bool {
    let age = Timestamp::now().duration_since(time);
    Duration::try_from(age).unwrap_or_default() < Duration::from_hours(24)
}
