//! The kind `DataLakeAccount`: one Data Lake storage account in Azure, with its filesystems, directories and access lists.

pub mod api;
pub mod lake;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "datalakeaccounts";
