//! Resolves references to identities and gives their tokens: one slot per identity and scope for the whole process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};

use super::api::{AzureIdentity, ClusterAzureIdentity};
use super::valid::{IdentityKey, Valid, parse};
use super::{DEFAULT, observe};
use crate::azure::auth::slots::Slots;
use crate::azure::auth::{Token, entra};
use crate::azure::http::Http;
use crate::azure_identity::api::{IdentityKind, IdentityRef};
use crate::k8s::api::Kube;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Everything that decides a token. A changed spec, a changed credential or an identity made anew has other slots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SlotKey {
    identity: IdentityKey,
    uid: String,
    generation: i64,
    revision: u64,
    scope: String,
}

/// How often each identity's credential has changed, and which Secret it was last read from.
#[derive(Debug, Default)]
struct Revisions(Mutex<BTreeMap<IdentityKey, Revision>>);

#[derive(Debug, Default)]
struct Revision {
    number: u64,
    read_from: Option<String>,
}

impl Revisions {
    fn number(&self, key: &IdentityKey) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .map_or(0, |revision| revision.number)
    }

    fn read(&self, key: &IdentityKey, version: Option<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key.clone())
            .or_default()
            .read_from = version;
    }

    /// Notes a state of the Secret (none: deleted). True where it is not the one that the credential was read from.
    fn seen(&self, key: &IdentityKey, version: Option<&str>) -> bool {
        let mut revisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = revisions.entry(key.clone()).or_default();
        if version.is_some() && revision.read_from.as_deref() == version {
            return false;
        }
        revision.number += 1;
        true
    }
}

/// What watches know of identities and namespaces.
#[derive(Clone)]
pub struct Stores {
    /// Identities of namespaces.
    pub identities: Store<AzureIdentity>,
    /// Identities lent by an administrator.
    pub cluster_identities: Store<ClusterAzureIdentity>,
    /// Namespaces, for their labels.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
}

/// The identities.
pub struct Identities {
    stores: Stores,
    kube: Kube,
    http: Http,
    operator_namespace: String,
    slots: Slots<SlotKey>,
    revisions: Arc<Revisions>,
}

impl Identities {
    /// Identities as `stores` know them.
    pub fn new(stores: Stores, kube: Kube, http: Http, operator_namespace: String) -> Self {
        Self {
            stores,
            kube,
            http,
            operator_namespace,
            slots: Slots::default(),
            revisions: Arc::default(),
        }
    }

    /// The namespace of `ClusterAzureIdentities`' credentials.
    pub fn operator_namespace(&self) -> &str {
        &self.operator_namespace
    }

    /// Labels of a namespace, as far as they are known.
    pub fn namespace_labels(&self, namespace: &str) -> BTreeMap<String, String> {
        let found = self.stores.namespaces.get(&ObjectRef::new(namespace));
        found
            .and_then(|namespace| namespace.metadata.labels.clone())
            .unwrap_or_default()
    }

    /// The identity that a resource of `namespace` names; none named means the ClusterAzureIdentity `default`. A named
    /// identity that does not exist is an error: nothing else is ever used in its place.
    pub fn resolve(
        &self,
        namespace: &str,
        reference: Option<&IdentityRef>,
    ) -> Result<Valid, Problem> {
        let key = key_of(namespace, reference);
        match key.kind {
            IdentityKind::AzureIdentity => {
                let found = self
                    .stores
                    .identities
                    .get(&ObjectRef::new(&key.name).within(namespace));
                parse(
                    found.ok_or_else(|| absent(&key, reference))?.as_ref(),
                    &self.operator_namespace,
                )
            }
            IdentityKind::ClusterAzureIdentity => {
                let found = self
                    .stores
                    .cluster_identities
                    .get(&ObjectRef::new(&key.name));
                parse(
                    found.ok_or_else(|| absent(&key, reference))?.as_ref(),
                    &self.operator_namespace,
                )
            }
        }
    }

    /// How often the credential of an identity has changed. What failed with one revision may work with the next.
    pub fn revision(&self, key: &IdentityKey) -> u64 {
        self.revisions.number(key)
    }

    /// The Secret of an identity's credential was seen at `version` (none: deleted). True where that is news; then the
    /// identity's tokens are dropped.
    pub fn credential_seen(&self, key: &IdentityKey, version: Option<&str>) -> bool {
        let news = self.revisions.seen(key, version);
        if news {
            self.slots.retain(|slot| slot.identity != *key);
        }
        news
    }

    /// The identity changed or went: tokens of other generations of it are dropped.
    pub fn changed(&self, key: &IdentityKey, current: Option<(&str, i64)>) {
        self.slots.retain(|slot| {
            slot.identity != *key || Some((slot.uid.as_str(), slot.generation)) == current
        });
    }

    /// A token of an identity for a scope: from its slot, or asked for once for everybody who waits.
    pub async fn token(&self, identity: &Valid, scope: &str) -> Result<Token, Problem> {
        let asker = || {
            let (kube, http, revisions) = (
                self.kube.clone(),
                self.http.clone(),
                Arc::clone(&self.revisions),
            );
            let (identity, scope) = (identity.clone(), scope.to_owned());
            async move { ask(&kube, &http, &revisions, &identity, &scope).await }
        };
        self.slots
            .get(&self.slot(identity, scope), Timestamp::now(), asker)
            .await
    }

    /// A service refused this token: it is asked for anew, once.
    pub fn refused(&self, identity: &Valid, scope: &str, token: &SecretValue) {
        self.slots
            .invalidate(&self.slot(identity, scope), token, Timestamp::now());
    }

    fn slot(&self, identity: &Valid, scope: &str) -> SlotKey {
        SlotKey {
            identity: identity.key.clone(),
            uid: identity.uid.clone(),
            generation: identity.generation,
            revision: self.revision(&identity.key),
            scope: scope.to_owned(),
        }
    }
}

/// Reads the credential and asks Entra for a token.
async fn ask(
    kube: &Kube,
    http: &Http,
    revisions: &Revisions,
    identity: &Valid,
    scope: &str,
) -> Result<Token, Problem> {
    let read = observe::credential(kube, identity).await?;
    revisions.read(&identity.key, read.version);
    let request = entra::request(&identity.profile, &read.credential, scope)?;
    let answer = http
        .send("GetToken", &identity.profile.cloud.authority, request)
        .await?;
    entra::read(&identity.profile, &answer, Timestamp::now())
        .map_err(|problem| observe::explain_federation(problem, identity, read.presented.as_ref()))
}

/// Which identity a resource of `namespace` means.
pub fn key_of(namespace: &str, reference: Option<&IdentityRef>) -> IdentityKey {
    let (kind, name) = reference.map_or((IdentityKind::ClusterAzureIdentity, DEFAULT), |r| {
        (r.kind, r.name.as_str())
    });
    let namespace = (kind == IdentityKind::AzureIdentity).then(|| namespace.to_owned());
    IdentityKey {
        kind,
        namespace,
        name: name.to_owned(),
    }
}

fn absent(key: &IdentityKey, reference: Option<&IdentityRef>) -> Problem {
    let message = match reference {
        Some(_) => format!("there is no {key}: create it, or name another one in spec.identityRef"),
        None => format!(
            "spec.identityRef is not set, and there is no {key} that would serve: set it, or ask an administrator to lend a default identity"
        ),
    };
    Problem::new(Reason::IdentityNotFound, Retry::OnChange, message)
}
