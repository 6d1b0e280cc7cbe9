//! The command line as people use it: the built program against the simulator, with a home folder of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod chain;
mod completions;
mod diagnose;
mod login;
mod man;
mod migrate;
mod plan;
mod scene;
mod token;
