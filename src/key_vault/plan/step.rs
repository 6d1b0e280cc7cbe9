//! What is done to Azure. Pure.

use std::fmt;

use crate::azure_resource::difference::Difference;
use crate::azure_resource::ground;
use crate::azure_resource::planner::{LETS_GO, Write};
use crate::key_vault::vault::{Policies, Principal};

/// The word of a purge in `status.operation`.
pub(super) const PURGE: &str = "PurgeVault";
/// The word of a deletion there.
pub(super) const DELETE: &str = "DeleteVault";

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What it stands on is written.
    Ground(ground::Step),
    /// The vault is created.
    Create,
    /// The deleted vault is brought back.
    Recover,
    /// The deleted vault is destroyed.
    Purge,
    /// The vault is changed where it differs.
    Update(Vec<Difference>),
    /// Access policies are set for principals that have none.
    AddPolicies(Policies),
    /// Access policies are set in place of others of the same principals.
    ReplacePolicies(Policies),
    /// Access policies are taken back.
    DropPolicies(Vec<Principal>),
    /// A secret is made up, by its place in the spec.
    MakeSecret(String),
    /// The vault is deleted softly.
    Delete,
    /// The vault stays, without the operator's tag.
    Release,
    /// Nothing is left to be done in Azure: the object may go.
    Forget,
}

impl Write for Step {
    fn noted(&self) -> Option<&'static str> {
        match self {
            Self::Create => Some("CreateVault"),
            Self::Recover => Some("RecoverVault"),
            Self::Purge => Some(PURGE),
            Self::Delete => Some(DELETE),
            Self::Ground(_)
            | Self::Update(_)
            | Self::AddPolicies(_)
            | Self::ReplacePolicies(_)
            | Self::DropPolicies(_)
            | Self::MakeSecret(_)
            | Self::Release
            | Self::Forget => None,
        }
    }

    fn destroys(&self) -> bool {
        matches!(self, Self::Purge | Self::Delete)
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
            Self::Create => f.write_str("create the vault"),
            Self::Recover => f.write_str("recover the deleted vault"),
            Self::Purge => f.write_str("purge the deleted vault"),
            Self::Update(differences) => {
                let paths: Vec<&str> = differences.iter().map(|one| one.path.as_str()).collect();
                write!(f, "update {}", paths.join(", "))
            }
            Self::AddPolicies(policies) => {
                write!(f, "add access policies of {}", all(policies.keys()))
            }
            Self::ReplacePolicies(policies) => {
                write!(f, "change access policies of {}", all(policies.keys()))
            }
            Self::DropPolicies(who) => {
                write!(f, "remove access policies of {}", all(who))
            }
            Self::MakeSecret(name) => write!(f, "make up secret {name:?}"),
            Self::Delete => f.write_str("delete the vault"),
            Self::Release => f.write_str("remove the operator's tag from the vault"),
            Self::Forget => f.write_str(LETS_GO),
        }
    }
}

fn all<'a>(who: impl IntoIterator<Item = &'a Principal>) -> String {
    let who: Vec<String> = who.into_iter().map(Principal::to_string).collect();
    who.join(", ")
}
