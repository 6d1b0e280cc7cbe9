//! What can go wrong about a vault: each write of its life, from what it begins to what it leaves behind.

use anyhow::Result;
use lakevault::key_vault::api::KeyVault;
use serde_json::{Value, json};

use super::estate::Estate;
use crate::faults::{Life, each};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        faults_of_what_makes_and_changes,
        faults_of_what_deletes_and_purges
    ]
}

async fn faults_of_what_makes_and_changes(kit: Kit) -> Result<()> {
    each(
        kit,
        State::ALL.into_iter().filter(|state| !state.destroys()),
    )
    .await
}

async fn faults_of_what_deletes_and_purges(kit: Kit) -> Result<()> {
    each(kit, State::ALL.into_iter().filter(|state| state.destroys())).await
}

/// A write, and the life around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A vault is made.
    Create,
    /// A deleted one is brought back.
    Recover,
    /// Its settings and tags change.
    Settings,
    /// Its access policies change.
    Policies,
    /// It is deleted with its object.
    Delete,
    /// It is purged with its object.
    Purge,
    /// A deleted one is purged to make another.
    MakeRoom,
}

/// The reader that has an access policy from the beginning, and the one that gets one.
const READERS: [&str; 2] = [
    "aaaaaaaa-0000-4000-8000-000000000001",
    "aaaaaaaa-0000-4000-8000-000000000002",
];

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Recover,
        Self::Settings,
        Self::Policies,
        Self::Delete,
        Self::Purge,
        Self::MakeRoom,
    ];
}

impl Life for State {
    type Kind = KeyVault;

    fn write(self) -> &'static str {
        match self {
            Self::Create | Self::Recover => "CreateOrUpdateVault",
            Self::Settings => "UpdateVault",
            Self::Policies => "UpdateAccessPolicy",
            Self::Delete => "DeleteVault",
            Self::Purge | Self::MakeRoom => "PurgeDeletedVault",
        }
    }

    fn writes(self) -> Vec<&'static str> {
        match self {
            Self::Create => vec!["CreateOrUpdateVault"],
            // What comes back has the tags that it had.
            Self::Recover => vec!["CreateOrUpdateVault", "UpdateVault"],
            Self::Settings => vec!["UpdateVault"],
            Self::Policies => vec!["UpdateAccessPolicy"],
            Self::Delete => vec!["DeleteVault"],
            Self::Purge => vec!["DeleteVault", "PurgeDeletedVault"],
            Self::MakeRoom => vec!["PurgeDeletedVault", "CreateOrUpdateVault"],
        }
    }

    fn read(self) -> (&'static str, u16) {
        match self {
            Self::Create => ("GetVault", 404),
            Self::Settings | Self::Policies | Self::Delete => ("GetVault", 200),
            Self::Recover | Self::Purge | Self::MakeRoom => ("GetDeletedVault", 200),
        }
    }

    fn leaves(self) -> bool {
        matches!(self, Self::Delete | Self::Purge)
    }

    fn destroys(self) -> bool {
        matches!(self, Self::Delete | Self::Purge | Self::MakeRoom)
    }

    fn has_resource(self) -> bool {
        matches!(
            self,
            Self::Settings | Self::Policies | Self::Delete | Self::Purge
        )
    }

    fn first(self, spec: &mut Value) {
        spec["tags"] = json!({"team": "payments"});
        match self {
            Self::Create | Self::Settings => {}
            Self::Policies => {
                spec["authorization"] = json!("AccessPolicies");
                spec["accessPolicies"] = json!([{"objectId": READERS[0], "secrets": ["get"]}]);
            }
            Self::Delete => spec["deletionPolicy"] = json!("Delete"),
            Self::Purge => spec["deletionPolicy"] = json!("DeleteAndPurge"),
            Self::Recover | Self::MakeRoom => {
                spec["adopt"] = json!("Always");
                let word = if self == Self::Recover {
                    "Recover"
                } else {
                    "Purge"
                };
                spec["onSoftDeleted"] = json!(word);
            }
        }
    }

    async fn prepare(self, estate: &Estate) -> Result<()> {
        if matches!(self, Self::Recover | Self::MakeRoom) {
            let old = |vault: &mut Value| vault["tags"] = json!({"old": "x", "team": "others"});
            estate.make_deleted(old).await?;
        }
        Ok(())
    }

    async fn begin(self, estate: &Estate) -> Result<()> {
        match self {
            Self::Create | Self::Recover | Self::MakeRoom => {
                estate.apply(|spec| self.first(spec)).await
            }
            Self::Settings => {
                let change = |spec: &mut Value| {
                    self.first(spec);
                    spec["sku"] = json!("Premium");
                    spec["tags"] = json!({"team": "billing"});
                };
                estate.apply(change).await
            }
            Self::Policies => {
                let change = |spec: &mut Value| {
                    self.first(spec);
                    let more = json!({"objectId": READERS[1], "secrets": ["get", "list"]});
                    spec["accessPolicies"].as_array_mut().unwrap().push(more);
                };
                estate.apply(change).await
            }
            Self::Delete | Self::Purge => estate.delete().await,
        }
    }
    async fn end(self, estate: &Estate) -> Result<String> {
        let vault = estate.in_azure().await?;
        let is_soft_deleted = estate.is_soft_deleted().await?;
        Ok(format!("{vault:?}, soft-deleted: {is_soft_deleted}"))
    }
}
