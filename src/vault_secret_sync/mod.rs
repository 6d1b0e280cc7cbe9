//! `VaultSecretSync`: objects of a vault, and tokens, mirrored into one Kubernetes Secret.
//!
//! `api` the kind · `ctx` what reconciling needs · `valid`, `item`, `item_parse` a spec parsed (pure) · `origin` where a key's value
//! comes from (pure) · `target` what a Secret's metadata tells (pure) · `lender` the identity and what it lends · `due` whether
//! anything is to be done, and when next (pure) · `scene`, `wanted`, `rejected` which objects are asked for (pure) · `observe`
//! reads · `tokens`, `logins` ask for tokens · `token_times` when they are renewed (pure) · `look`, `plan`, `claims`, `dress`
//! decide (pure) · `render`, `render_secret`, `render_certificate` values (pure) · `reconcile` the list of steps · `steps` carries them out · `status`
//! what is said (pure) · `rollout` restarts those who read the Secret · `push` writes values to the vault · `links` who has to do with whom.

pub mod api;
pub mod api_certificates;
pub mod api_sources;
pub mod brake;
pub mod claims;
pub mod ctx;
pub mod dress;
pub mod due;
pub mod errands;
pub mod expand;
pub mod expand_dotenv;
pub mod figures;
pub mod find;
pub mod find_keys;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod found;
pub mod item;
pub mod item_parse;
pub mod lender;
pub mod links;
pub mod logins;
pub mod look;
pub mod observe;
pub mod origin;
pub mod plan;
pub mod push;
pub mod reconcile;
pub mod rejected;
pub mod render;
pub mod render_certificate;
pub mod render_secret;
pub mod rollout;
pub mod rows;
pub mod scene;
pub mod status;
pub mod steps;
pub mod target;
pub mod token_times;
pub mod tokens;
pub mod valid;
pub mod wanted;
pub mod windows;

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
