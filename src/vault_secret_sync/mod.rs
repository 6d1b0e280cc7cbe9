//! `VaultSecretSync`: objects of a vault, and tokens, mirrored into one Kubernetes Secret.
//!
//! `api` the kind · `vault_refs` vaults named by KeyVaults (pure) · `valid` a spec parsed (pure) · `items` what a spec names, and the values it gives (pure) · `wants` which objects
//! are asked for (pure) · `plan` what is to be done (pure) · `target` what a Secret's metadata tells (pure) · `due` whether anything
//! is to be done, and when next (pure) · `status`, `expiry` what is said (pure) · `ctx` what reconciling needs · `lender` the identity and what
//! it lends · `observe` reads · `asking` asks vaults and authorities · `tokens` asks for tokens · `errands` work that takes time · `reconcile` the list of steps · `steps`
//! carries them out · `rollout` restarts those who read the Secret · `push` writes values to the vault · `links` who has to do with whom.

pub mod api;
pub mod asking;
pub mod ctx;
pub mod due;
pub mod errands;
pub mod expiry;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod items;
pub mod lender;
pub mod links;
pub mod observe;
pub mod plan;
pub mod push;
pub mod reconcile;
pub mod rollout;
pub mod status;
pub mod steps;
pub mod target;
pub mod tokens;
pub mod valid;
pub mod vault_refs;
pub mod wants;

/// Plural name, for metrics and URLs.
pub const PLURAL: &str = "vaultsecretsyncs";
/// Undoes what ownership does not: keys that were merged into somebody else's Secret.
pub const FINALIZER: &str = "lakevault.dev/merged-keys";
/// A changed value of this annotation on a sync asks for a look at the vault now.
pub const SYNC_AT: &str = "lakevault.dev/sync-at";
/// On a Secret: the syncs that may take it over or merge into it, by name, separated by commas.
pub const ALLOW_SYNC: &str = "lakevault.dev/allow-sync";
/// Secrets of these types are not for syncs: of the first two the API server makes credentials of the cluster, so who may write a sync
/// would get one for whichever ServiceAccount he names. The watch leaves all three out.
pub const NEVER_WRITTEN: [&str; 3] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
];
/// On a Secret: it holds keys of ours.
pub const MANAGED: &str = "lakevault.dev/managed";
/// On a Secret: prefix of the annotation, one for each sync, that records which versions its keys came from.
pub const RECORD: &str = "sync.lakevault.dev/";

/// The field manager of a sync's server-side apply. One for each sync: two of them may merge into one Secret, and the fields
/// that one of them leaves out must not vanish from the other's.
pub fn field_manager(sync: &str) -> String {
    format!("lakevault/{sync}")
}

/// The sync that a field manager is one of.
pub fn sync_of(manager: &str) -> Option<&str> {
    manager.strip_prefix("lakevault/")
}
