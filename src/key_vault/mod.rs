//! The kind `KeyVault`: one Key Vault in Azure, created, kept as declared, recovered and let go.

pub mod api;
pub mod ctx;
pub mod desired;
pub mod due;
pub mod import;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod recorded;
pub mod round;
pub mod seeds;
mod sight;
pub mod status;
pub mod steps;
pub mod valid;
pub mod vault;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "keyvaults";
