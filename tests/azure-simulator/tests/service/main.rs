//! The simulator seen from outside, by plain HTTP clients: Entra, a vault, faults, and the admin API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod admin;
#[path = "../common/mod.rs"]
mod common;
mod entra;
mod faults;
mod federation;
mod transport;
mod vault;
