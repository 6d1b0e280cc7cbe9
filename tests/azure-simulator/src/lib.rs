//! A stand-in for Azure on loopback: Entra ID and the Key Vault data plane over real TLS, with real signed tokens.
//!
//! The state is a `world` that changes by pure functions; `entra` and `key_vault` speak the two protocols over it,
//! `wire` carries them (TLS, names, faults, journal), and `admin` is the door for tests: seed, change, watch, break.

mod admin;
mod app;
mod args;
mod entra;
mod key_vault;
mod wire;
mod world;

pub use app::{Endpoints, Simulator};
pub use args::Options;
