//! A stand-in for Azure on loopback: Entra ID and the Key Vault data plane over real TLS, with real signed tokens.
//!
//! The state is a `world` that changes by pure functions; `entra`, `key_vault`, `managed_identity`, `stack` and
//! `ml_server` speak the protocols over it, `wire` carries them (TLS, names, faults, journal), and `admin` is the door for tests: seed, change, watch, break.

mod admin;
mod app;
mod args;
mod entra;
mod key_vault;
mod managed_identity;
mod ml_server;
mod stack;
mod wire;
mod world;

pub use app::{Endpoints, Simulator};
pub use args::Options;
pub use managed_identity::ManagedIdentityEndpoints;
