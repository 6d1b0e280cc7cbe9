//! What reads have shown so far in one round. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::azure::arm::storage_services::BlobService;
use crate::azure::lake::FilesystemName;
use crate::azure_resource::difference::Difference;
use crate::azure_resource::ground::{self, Ground};
use crate::azure_resource::note::Polled;
use crate::azure_resource::planner::Sees;
use crate::data_lake_account::account::{Lifecycle, SoftDelete};
use crate::data_lake_account::generation::Account;
use crate::data_lake_account::lake::{self, Contents, Outcome};
use crate::problem::Problem;

/// A read that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Look {
    /// The account.
    Account,
    /// What it stands on.
    Ground(ground::Look),
    /// Whether the name can be had.
    Name,
    /// What the `KeyVault` of this name tells of its vault.
    KeyVault(String),
    /// What is done with what is deleted.
    BlobService,
    /// What becomes of files with time.
    Lifecycle,
    /// Which filesystems there are.
    Filesystems,
    /// Whether a filesystem holds anything.
    Contents(FilesystemName),
}

/// All that was seen. What is `None` was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How the operation under way stands.
    pub operation: Option<Polled>,
    /// The account, if there is one.
    pub account: Option<Option<Account>>,
    /// Whether it was written in this round.
    pub updated: bool,
    /// What it stands on.
    pub ground: Ground,
    /// Whether the name can be had, and if not, why, in Azure's words.
    pub name: Option<Result<(), String>>,
    /// What the `KeyVault` of the key tells of its vault, or why that is not known: where it is, or for a Data Lake Store its id.
    pub vault: Option<Result<String, Problem>>,
    /// What is done with what is deleted.
    pub soft_delete: Option<SoftDelete>,
    /// The service that this was read of.
    pub blob_service: Option<BlobService>,
    /// What becomes of files with time.
    pub lifecycle: Option<Lifecycle>,
    /// Names of filesystems, or why they are not known.
    pub filesystems: Option<Result<Vec<FilesystemName>, Problem>>,
    /// What they hold.
    pub contents: BTreeMap<FilesystemName, Result<Contents, Problem>>,
    /// What was seen of the lake.
    pub lake: lake::Seen,
    /// What that came to; none where it was not looked at.
    pub came: Option<Outcome>,
    /// Where the lake differs from the spec.
    pub lake_differs: Vec<Difference>,
    /// When a look is due before its time: for what is to be tried again, or made anew.
    pub due: Option<Timestamp>,
}

impl Seen {
    /// What the `KeyVault` of the key tells of its vault.
    pub fn vault_told(&self) -> Option<&str> {
        self.vault.as_ref()?.as_deref().ok()
    }
}

impl Sees for Seen {
    fn operation(&mut self) -> &mut Option<Polled> {
        &mut self.operation
    }

    fn unregistered(&mut self) -> &mut bool {
        &mut self.ground.unregistered
    }
}
