//! The kind `KeyVault`: one Key Vault in Azure, created, kept as declared, recovered and let go.

pub mod api;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "keyvaults";
