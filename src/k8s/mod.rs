//! Kubernetes plumbing that knows none of our kinds.

pub mod api;
pub mod applied;
pub mod conditions;
pub mod controller;
pub mod crds;
pub mod fields;
pub mod kstatus;
pub mod line;
mod objects;
pub mod overlay;
pub mod packed;
pub mod ready;
pub mod scope;
pub mod watch;
pub mod workloads;
