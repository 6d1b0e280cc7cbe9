//! `VaultSecretSync`: objects of a vault, and tokens, mirrored into one Kubernetes Secret.
//!
//! `api` the kind · `ctx` what reconciling needs · `valid`, `entry` a spec parsed (pure) · `target` what a Secret's metadata
//! tells (pure) · `lender` the identity and what it lends · `due` whether anything is to be done, and when next (pure) ·
//! `wanted` which objects are asked for (pure) · `observe` reads · `tokens`, `logins` ask for tokens · `token_times` when they
//! are renewed (pure) · `plan` decides (pure) · `render` values (pure) · `reconcile` the list of steps · `steps` carries them
//! out · `status` what is said (pure) · `links` who has to do with whom.

pub mod api;
pub mod ctx;
pub mod due;
pub mod entry;
pub mod errands;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod lender;
pub mod links;
pub mod logins;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod rejected;
pub mod render;
pub mod status;
pub mod steps;
pub mod target;
pub mod token_times;
pub mod tokens;
pub mod valid;
pub mod wanted;

/// Plural name, for metrics and URLs.
pub const PLURAL: &str = "vaultsecretsyncs";
/// Undoes what ownership does not: keys that were merged into somebody else's Secret.
pub const FINALIZER: &str = "lakevault.dev/merged-keys";
/// A changed value of this annotation on a sync asks for a look at the vault now.
pub const SYNC_AT: &str = "lakevault.dev/sync-at";
/// On a Secret: the syncs that may take it over or merge into it, by name, separated by commas.
pub const ALLOW_SYNC: &str = "lakevault.dev/allow-sync";
/// On a Secret: it holds keys of ours.
pub const MANAGED: &str = "lakevault.dev/managed";
/// On a Secret: prefix of the annotation, one for each sync, that records which versions its keys came from.
pub const RECORD: &str = "sync.lakevault.dev/";

/// The field manager of a sync's server-side apply. One for each sync: two of them may merge into one Secret, and the fields
/// that one of them leaves out must not vanish from the other's.
pub fn field_manager(sync: &str) -> String {
    format!("lakevault/{sync}")
}
