//! Identities: who authenticates to Azure, for whom, and with which token.
//!
//! `api` the kinds · `valid` a spec parsed (pure) · `grant` what a ClusterAzureIdentity lends to whom (pure) · `observe` reads
//! credentials · `clouds` finds out endpoints and roots · `ask` asks for one token · `throttles` tenants that limit us ·
//! `identities` resolves references and gives tokens · `registry` what is remembered · `reconcile`, `status` the kinds' own state.

pub mod api;
pub mod ask;
pub mod clouds;
pub mod grant;
pub mod identities;
pub mod observe;
pub mod reconcile;
pub mod registry;
pub mod status;
pub mod throttles;
pub mod valid;

/// The ClusterAzureIdentity that serves resources which name none.
pub const DEFAULT: &str = "default";
