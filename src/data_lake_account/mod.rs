//! The kind `DataLakeAccount`: one Data Lake storage account in Azure, with its filesystems, directories and access lists.

pub mod account;
pub mod api;
pub mod lake;
pub mod store;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "datalakeaccounts";
