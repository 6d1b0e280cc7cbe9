//! What is done to Azure. Pure.

use std::fmt;

use crate::azure_resource::difference::Difference;
use crate::azure_resource::ground;
use crate::azure_resource::planner::{LETS_GO, Write};
use crate::data_lake_account::account::SoftDelete;
use crate::data_lake_account::store::rules::Rule;

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What the account stands on is written.
    Ground(ground::Step),
    /// The account is created.
    Create,
    /// It is changed where it differs.
    Update(Vec<Difference>),
    /// A rule of a Data Lake Store's firewall is set or removed.
    SetRule(Rule),
    /// A Data Lake Store takes the customer's key into use.
    EnableKey,
    /// What is done with what is deleted is set.
    SetBlobService(SoftDelete),
    /// What becomes of files with time is set.
    SetPolicy,
    /// Nothing becomes of files with time any more.
    RemovePolicy,
    /// The account is deleted with all that is in it.
    Delete,
    /// It stays, without the operator's tag.
    Release,
    /// Nothing is left to be done in Azure: the object may go.
    Forget,
}

impl Write for Step {
    fn noted(&self) -> Option<&'static str> {
        match self {
            Self::Create => Some("CreateAccount"),
            Self::Delete => Some("DeleteAccount"),
            Self::Ground(_)
            | Self::Update(_)
            | Self::SetRule(_)
            | Self::EnableKey
            | Self::SetBlobService(_)
            | Self::SetPolicy
            | Self::RemovePolicy
            | Self::Release
            | Self::Forget => None,
        }
    }

    fn destroys(&self) -> bool {
        *self == Self::Delete
    }

    fn lets_go(&self) -> bool {
        *self == Self::Forget
    }

    fn creates(&self) -> bool {
        *self == Self::Create
    }
}

/// As `status.plan` says it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ground(step) => step.fmt(f),
            Self::Create => f.write_str("create the account"),
            Self::Update(differences) => {
                let paths: Vec<&str> = differences.iter().map(|one| one.path.as_str()).collect();
                write!(f, "update {}", paths.join(", "))
            }
            Self::SetRule(rule) => rule.fmt(f),
            Self::EnableKey => f.write_str("take the customer's key into use"),
            Self::SetBlobService(days) => {
                let said = |days: Option<u16>| {
                    days.map_or_else(|| "off".to_owned(), |one| one.to_string())
                };
                let (blobs, containers) = (said(days.blob_days), said(days.container_days));
                write!(
                    f,
                    "set soft deletion: files {blobs}, filesystems {containers}"
                )
            }
            Self::SetPolicy => f.write_str("set the lifecycle rules"),
            Self::RemovePolicy => f.write_str("remove the lifecycle rules"),
            Self::Delete => f.write_str("delete the account"),
            Self::Release => f.write_str("remove the operator's tag from the account"),
            Self::Forget => f.write_str(LETS_GO),
        }
    }
}
