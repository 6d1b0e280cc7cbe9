//! The kind `KeyVault`: one Key Vault in Azure, created, kept as declared, recovered and let go.

pub mod api;
pub mod desired;
pub mod due;
pub mod plan;
pub mod status;
pub mod valid;
pub mod vault;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "keyvaults";
