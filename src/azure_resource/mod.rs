//! What the kinds that stand for a resource of Azure share: fields, ownership, differences, notes of writes, and the engine that
//! carries a plan out.

pub mod api;
pub mod claims;
pub mod difference;
pub mod due;
pub mod engine;
pub mod ground;
pub mod import;
pub mod note;
pub mod order;
pub mod owner;
pub mod planner;
pub mod sight;
pub mod status;
pub mod tags;
pub mod told;
pub mod valid;
pub mod values;

/// Annotation that lets an object go without a word to Azure: its value must be `true`.
pub const DETACH: &str = "lakevault.dev/detach";
/// Annotation that lets a resource be deleted although others still name it: its value must be `true`.
pub const FORCE_DELETE: &str = "lakevault.dev/force-delete";
/// Finalizer of a resource that may be ours in Azure.
pub const FINALIZER: &str = "lakevault.dev/azure-resource";

#[cfg(test)]
pub(crate) mod fixtures;
