//! Identities: who authenticates to Azure, for whom, and with which token.
//!
//! `api` the kinds · `valid` a spec parsed (pure) · `grant` what a ClusterAzureIdentity lends to whom (pure) · `observe` reads
//! credentials · `identities` resolves references and gives tokens · `reconcile`, `status` the kinds' own state.

pub mod api;
pub mod grant;
pub mod identities;
pub mod observe;
pub mod reconcile;
pub mod status;
pub mod valid;

/// The ClusterAzureIdentity that serves resources which name none.
pub const DEFAULT: &str = "default";
