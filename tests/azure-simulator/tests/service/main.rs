//! The simulator seen from outside, by plain HTTP clients: Entra, a vault, faults, and the admin API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod adfs;
mod admin;
mod certificate_files;
mod certificates;
mod claims;
#[path = "../common/mod.rs"]
mod common;
mod device;
mod entra;
mod faults;
mod federation;
mod managed_identity;
mod ml_server;
mod public_names;
mod resource_manager;
mod secret_lists;
mod secrets;
mod stack;
mod storage;
mod subject_names;
mod transport;
mod users;
mod vault;
mod vault_certificates;
