//! Reads: the Secret's metadata and the vault's objects. A thing that is not there is a fact, not an error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;

use super::links::Named;
use super::reconcile::Ctx;
use super::target::SecretMeta;
use super::valid::Valid;
use crate::azure::key_vault::SecretId;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::valid::Valid as Identity;
use crate::hub::Outcome;
use crate::k8s::overlay::{Overlay, Seen};
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
    /// Takes a watch event over. Gives back whose it is.
    pub fn saw(&self, event: &Event<PartialObjectMeta<Secret>>) -> Option<Named> {
        let lock = |map: &Mutex<_>, named: &Named, meta: Arc<SecretMeta>| {
            let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
            let map: &mut BTreeMap<Named, Arc<SecretMeta>> = &mut map;
            if meta.concerns_us() {
                map.insert(named.clone(), meta)
            } else {
                map.remove(named)
            };
        };
        match event {
            Event::Apply(secret) => {
                let named = named(secret);
                lock(&self.watched, &named, Arc::new(SecretMeta::read(secret)));
                Some(named)
            }
            Event::Delete(secret) => {
                let named = named(secret);
                self.watched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&named);
                self.written.forget(&named.0, &named.1);
                Some(named)
            }
            Event::Init => {
                *self.listing.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(BTreeMap::new());
                None
            }
            Event::InitApply(secret) => {
                let named = named(secret);
                let meta = Arc::new(SecretMeta::read(secret));
                if meta.concerns_us()
                    && let Some(listing) = self
                        .listing
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .as_mut()
                {
                    listing.insert(named.clone(), meta);
                }
                Some(named)
            }
            Event::InitDone => {
                if let Some(listed) = self
                    .listing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take()
                {
                    *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = listed;
                }
                None
            }
        }
    }

    /// Takes over what a write of ours returned.
    pub fn wrote(&self, secret: &PartialObjectMeta<Secret>) -> Arc<SecretMeta> {
        let (named, meta) = (named(secret), Arc::new(SecretMeta::read(secret)));
        let seen = Seen {
            namespace: &named.0,
            name: &named.1,
            uid: &meta.uid,
            version: &meta.version,
        };
        self.written.put(seen, Arc::clone(&meta));
        meta
    }

    /// A Secret's metadata as far as it is known here.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<SecretMeta>> {
        let named = (namespace.to_owned(), name.to_owned());
        let watched = self
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&named)
            .cloned();
        let Some(watched) = watched else {
            return self.written.get(namespace, name);
        };
        let seen = Seen {
            namespace,
            name,
            uid: &watched.uid,
            version: &watched.version,
        };
        Some(self.written.newer(seen).unwrap_or(watched))
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

/// What the vault gives for the wanted objects. Those that the identity does not lend are refused before any call.
pub async fn objects(
    ctx: &Ctx,
    valid: &Valid,
    identity: &Identity,
    wanted: Vec<SecretId>,
) -> BTreeMap<SecretId, Outcome> {
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let mut outcomes = BTreeMap::new();
    let mut allowed = Vec::new();
    for id in wanted {
        match grant::allows_object(identity, borrower, &valid.vault, &id) {
            Ok(()) => allowed.push(id),
            Err(problem) => {
                outcomes.insert(id, Err(problem));
            }
        }
    }
    outcomes.extend(ctx.hub.read(identity, &valid.vault, &allowed).await);
    outcomes
}
