//! A stand-in for Azure on loopback: Entra ID, Resource Manager, Key Vault and Data Lake over real TLS, with real signed
//! tokens.
//!
//! The state is a `world` that changes by pure functions; `entra`, `key_vault`, `managed_identity`, `resource_manager`,
//! `stack`, `storage_lake` and `ml_server` speak the protocols over it, `wire` carries them (TLS, faults, journal) under the hosts of
//! `names`, `mint` and `pki` make keys and certificates, and `admin` is the door for tests: seed, change, watch, break.

mod admin;
mod app;
mod args;
mod endpoints;
mod entra;
mod key_vault;
mod managed_identity;
mod mint;
mod ml_server;
mod names;
mod pki;
mod resource_manager;
mod stack;
mod storage_lake;
mod wire;
mod world;

pub use app::Simulator;
pub use args::Options;
pub use endpoints::Endpoints;
pub use managed_identity::ManagedIdentityEndpoints;
pub use names::NameSet;
