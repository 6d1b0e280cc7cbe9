//! Reads: the Secret's metadata, the vault's objects and tokens. A thing that is not there is a fact, not an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;

use super::ctx::Ctx;
use super::entry::ObjectId;
use super::lender::Lender;
use super::links::Named;
use super::target::SecretMeta;
use super::tokens;
use super::valid::Valid;
use super::wanted::Wanted;
use crate::azure::key_vault::SecretId;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::valid::Usable as Identity;
use crate::hub::Outcome;
use crate::k8s::overlay::{Overlay, Seen};
use crate::names::VaultUri;
use crate::problem::Problem;

/// Metadata of the Secrets that syncs have to do with, from the watch and from our own writes. No value is ever in it.
#[derive(Debug, Default)]
pub struct Secrets {
    watched: Mutex<BTreeMap<Named, Arc<SecretMeta>>>,
    written: Overlay<Arc<SecretMeta>>,
    /// Names seen since a new list began.
    listing: Mutex<Option<BTreeMap<Named, Arc<SecretMeta>>>>,
}

impl Secrets {
    /// Takes a watch event over. Gives back the Secrets that it tells about.
    pub fn saw(&self, event: &Event<PartialObjectMeta<Secret>>) -> Vec<Named> {
        match event {
            Event::Apply(secret) => {
                let (named, meta) = (named(secret), Arc::new(SecretMeta::read(secret)));
                if meta.concerns_us() {
                    lock(&self.watched).insert(named.clone(), meta);
                } else {
                    lock(&self.watched).remove(&named);
                    // What was written before somebody took our marks away is not how it is any more.
                    drop(self.written.newer(seen(&named, &meta)));
                }
                vec![named]
            }
            Event::Delete(secret) => {
                let named = named(secret);
                lock(&self.watched).remove(&named);
                self.written.forget(&named.0, &named.1);
                vec![named]
            }
            Event::Init => {
                *lock(&self.listing) = Some(BTreeMap::new());
                Vec::new()
            }
            Event::InitApply(secret) => {
                let (named, meta) = (named(secret), Arc::new(SecretMeta::read(secret)));
                if meta.concerns_us()
                    && let Some(listing) = lock(&self.listing).as_mut()
                {
                    listing.insert(named.clone(), meta);
                }
                vec![named]
            }
            Event::InitDone => self.listed(),
        }
    }

    /// A new list is complete. Gives back what went while nobody watched: no event tells of it.
    fn listed(&self) -> Vec<Named> {
        let Some(listed) = lock(&self.listing).take() else {
            return Vec::new();
        };
        let mut watched = lock(&self.watched);
        let gone: Vec<Named> = watched
            .keys()
            .filter(|named| !listed.contains_key(*named))
            .cloned()
            .collect();
        *watched = listed;
        for (namespace, name) in &gone {
            self.written.forget(namespace, name);
        }
        gone
    }

    /// Takes over what a write of ours returned.
    pub fn wrote(&self, secret: &PartialObjectMeta<Secret>) -> Arc<SecretMeta> {
        let (named, meta) = (named(secret), Arc::new(SecretMeta::read(secret)));
        self.written.put(seen(&named, &meta), Arc::clone(&meta));
        meta
    }

    /// A Secret's metadata as far as it is known here.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<SecretMeta>> {
        let named = (namespace.to_owned(), name.to_owned());
        let watched = lock(&self.watched).get(&named).cloned();
        let Some(watched) = watched else {
            return self.written.get(namespace, name);
        };
        let newer = self.written.newer(seen(&named, &watched));
        Some(newer.unwrap_or(watched))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seen<'a>(named: &'a Named, meta: &'a SecretMeta) -> Seen<'a> {
    Seen {
        namespace: &named.0,
        name: &named.1,
        uid: &meta.uid,
        version: &meta.version,
    }
}

fn named(secret: &PartialObjectMeta<Secret>) -> Named {
    (secret.namespace().unwrap_or_default(), secret.name_any())
}

/// The Secret's metadata: as it is known here, else by one live read, since what is unknown here may be somebody else's.
pub async fn secret(
    ctx: &Ctx,
    namespace: &str,
    name: &str,
) -> Result<Option<Arc<SecretMeta>>, Problem> {
    if let Some(known) = ctx.secrets.get(namespace, name) {
        return Ok(Some(known));
    }
    let read = ctx.kube.secret_metadata(namespace, name).await?;
    Ok(read.map(|secret| Arc::new(SecretMeta::read(&secret))))
}

/// What is given for the wanted objects. Those that the identity does not lend are refused before any call; without an
/// identity or a vault that may be asked, what needs them is left out.
pub async fn objects(
    ctx: &Ctx,
    valid: &Valid,
    lender: &Lender,
    wanted: Wanted,
    anew: bool,
) -> BTreeMap<ObjectId, Outcome> {
    let identity = lender.identity.as_ref();
    let secrets = async {
        match (identity, &lender.vault) {
            (Some(identity), Some(vault)) => {
                secrets(ctx, valid, identity, vault, wanted.secrets).await
            }
            _ => BTreeMap::new(),
        }
    };
    let tokens = tokens::tokens(ctx, valid, identity, wanted.tokens, anew);
    let (secrets, tokens) = futures::join!(secrets, tokens);
    let secrets = secrets
        .into_iter()
        .map(|(id, outcome)| (ObjectId::Secret(id), outcome));
    let tokens = tokens
        .into_iter()
        .map(|(token, outcome)| (ObjectId::Token(token), outcome));
    secrets.chain(tokens).collect()
}

/// What the vault gives for its secrets.
async fn secrets(
    ctx: &Ctx,
    valid: &Valid,
    identity: &Identity,
    vault: &VaultUri,
    wanted: BTreeSet<SecretId>,
) -> BTreeMap<SecretId, Outcome> {
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let mut outcomes = BTreeMap::new();
    let mut allowed = Vec::new();
    for id in wanted {
        match grant::allows_object(&identity.valid, borrower, vault, &id) {
            Ok(()) => allowed.push(id),
            Err(problem) => {
                outcomes.insert(id, Err(problem));
            }
        }
    }
    if !allowed.is_empty() {
        outcomes.extend(ctx.hub.read(identity, vault, &allowed).await);
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(version: &str, marks: bool) -> PartialObjectMeta<Secret> {
        let annotations = if marks {
            serde_json::json!({"sync.lakevault.dev/app": "{\"keys\":{}}"})
        } else {
            serde_json::json!({})
        };
        serde_json::from_value(serde_json::json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "app", "namespace": "team", "uid": "s", "resourceVersion": version, "annotations": annotations}
        }))
        .unwrap()
    }

    fn team(name: &str) -> Named {
        ("team".to_owned(), name.to_owned())
    }

    #[test]
    fn what_went_while_nobody_watched_is_told_by_the_next_list() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.wrote(&app("8", true));
        assert!(secrets.saw(&Event::Init).is_empty());
        assert_eq!(secrets.saw(&Event::InitDone), [team("app")]);
        assert_eq!(secrets.get("team", "app"), None);
    }

    #[test]
    fn a_list_that_holds_what_was_known_tells_nothing_more() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.saw(&Event::Init);
        assert_eq!(
            secrets.saw(&Event::InitApply(app("9", true))),
            [team("app")]
        );
        assert!(secrets.saw(&Event::InitDone).is_empty());
        assert_eq!(secrets.get("team", "app").unwrap().version, "9");
    }

    #[test]
    fn marks_that_were_taken_away_are_not_remembered_from_our_own_write() {
        let secrets = Secrets::default();
        secrets.wrote(&app("8", true));
        secrets.saw(&Event::Apply(app("7", false)));
        assert!(
            secrets.get("team", "app").is_some(),
            "an older event hid a newer write"
        );
        secrets.saw(&Event::Apply(app("9", false)));
        assert_eq!(secrets.get("team", "app"), None);
    }
}
