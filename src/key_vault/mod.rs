//! The kind `KeyVault`: one Key Vault in Azure, created, kept as declared, recovered and let go.

pub mod api;
pub mod desired;
pub mod import;
pub mod kind;
pub mod observe;
pub mod plan;
pub mod planner;
pub mod recorded;
pub mod seeds;
mod sight;
pub mod status;
pub mod steps;
pub mod valid;
pub mod vault;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "keyvaults";
