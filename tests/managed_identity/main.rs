//! Tokens of managed identities from the endpoints of a machine, and of workload identity through a token proxy of the
//! cluster: the product's own client against the simulator.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod hosts;
mod machine;
mod proxies;
mod trust;
