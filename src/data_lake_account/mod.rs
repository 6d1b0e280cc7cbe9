//! The kind `DataLakeAccount`: one Data Lake storage account in Azure, with its filesystems, directories and access lists.

pub mod account;
pub mod api;
pub mod calls;
pub mod contents;
pub mod desired;
pub mod generation;
pub mod import;
pub mod kind;
pub mod lake;
pub mod links;
pub mod observe;
pub mod outputs;
pub mod plan;
mod plane;
pub mod planner;
pub mod recorded;
mod rounds;
mod sight;
pub mod status;
pub mod steps;
pub mod store;
mod supply;
mod tend;
pub mod valid;

/// Plural name of the kind, for URLs and metrics.
pub const PLURAL: &str = "datalakeaccounts";
