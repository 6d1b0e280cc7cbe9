//! Lakevault mirrors Azure Key Vault into Kubernetes Secrets.
//!
//! ```text
//!  watch event or timer ─► queue ─► reconcile:
//!    valid (pure) ─► due? (pure) ─► observe (reads) ─► plan (pure) ─► steps (writes) ─► status (pure, written if different)
//! ```
//!
//! [`azure_identity`] and [`vault_secret_sync`] are the kinds, with the same file names in each. [`hub`] stands between syncs
//! and vaults. [`azure`] speaks the wire and is the only one that knows it. [`k8s`] is plumbing that knows no kind of ours.
//! [`app`] builds everything. `ARCHITECTURE.md` has the map and the invariants.

pub mod app;
pub mod azure;
pub mod azure_identity;
pub mod azure_resource;
pub mod certificate;
pub mod cli;
pub mod data_lake_account;
pub mod events;
pub mod few;
pub mod figures;
pub mod hub;
pub mod k8s;
pub mod key_vault;
pub mod lease;
pub mod names;
pub mod problem;
pub mod retry;
pub mod secret;
pub mod telemetry;
pub mod template;
pub mod vault_secret_sync;
