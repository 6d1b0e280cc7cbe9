//! Restarts of the workloads that read a Secret, when what it holds has changed.
//!
//! Rollouts follow the record on the Secret and nothing else: `status.rollout` has the digest of the record that was acted
//! upon last, and where the record has another one now, the workloads are owed a restart. It does not matter whether a
//! look, a restart of the operator or an unfinished reconcile brought that to light, so a kill between any two writes loses
//! nothing, and the patch, which sets one annotation to the digest, does nothing when it is made again. The record is followed
//! before the Secret is written anew, so no change is overwritten before it was acted upon.
//!
//! `api` fields of spec and status · `valid` the spec parsed (pure) · `digest` what counts as a change (pure) · `workload`
//! what an object of the API server tells (pure) · `plan` decides (pure) · `observe` reads · `steps` one pass over the
//! workloads · `status` what is said (pure) · `pace` when to look again (pure).

pub mod api;
pub mod digest;
pub mod observe;
pub mod pace;
pub mod plan;
#[cfg(test)]
mod properties;
pub mod status;
pub mod steps;
pub mod valid;
pub mod workload;

/// On a pod template: prefix of the annotation, one for each sync, whose value is the digest of what the Secret holds.
pub const ANNOTATION: &str = "rollout.lakevault.dev/";
/// The condition.
pub const CONDITION: &str = "RolledOut";
/// Workloads of one sync that are restarted, at most: their outcome stands in the status.
pub const MOST_WORKLOADS: usize = 100;
