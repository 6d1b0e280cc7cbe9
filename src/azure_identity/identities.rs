//! Resolves references to identities and gives their tokens: one slot per identity and scope for the whole process.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tracing::Instrument;

use super::DEFAULT;
use super::api::{AzureIdentity, ClusterAzureIdentity, IdentityKind, IdentityRef};
use super::ask::{self, Doors, Report};
use super::clouds::Clouds;
use super::registry::Registry;
use super::valid::{IdentityKey, Usable, Valid, parse};
use crate::azure::auth::{Claims, Profile, Token, Want};
use crate::azure::slots::Slots;
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};
use crate::secret::SecretValue;
use crate::telemetry::spans;

/// A refused token that is younger than this stays, unless the refusal says what the next one needs: else a new one would be
/// refused as well, and each refusal would cost a token.
const TOO_YOUNG: SignedDuration = SignedDuration::from_secs(5);

/// Everything that decides a token. A changed spec or cloud, or an identity made anew has other slots. A changed credential
/// has them too: the old ones are dropped, and a request that is still under way with the old one ends where nobody looks.
#[derive(Debug, Clone)]
struct SlotKey {
    /// The identity; what counts is which object it is, and of which generation.
    identity: Arc<Valid>,
    profile: Arc<Profile>,
    want: Want,
}

impl SlotKey {
    fn object(&self) -> (&IdentityKey, &str, i64) {
        let Valid {
            key,
            uid,
            generation,
            ..
        } = self.identity.as_ref();
        (key, uid, *generation)
    }
}

impl PartialEq for SlotKey {
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.identity, &other.identity) || self.object() == other.object();
        same && self.want == other.want && self.profile == other.profile
    }
}

impl Eq for SlotKey {}

/// A uid tells identities apart, so the long texts of name and cloud, which are compared, need not be hashed at every look.
impl Hash for SlotKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (_, uid, generation) = self.object();
        (uid, generation, &self.want).hash(state);
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
    doors: Doors,
    operator_namespace: String,
    clouds: Clouds,
    slots: Slots<SlotKey, Token>,
    /// Claims that the next token of a slot must satisfy.
    claims: Mutex<HashMap<SlotKey, Claims>>,
    registry: Arc<Registry>,
    /// Whether `ClusterAzureIdentities` are known at all.
    cluster_wide: bool,
}

impl Identities {
    /// Identities as `stores` know them.
    pub fn new(stores: Stores, doors: Doors, operator_namespace: String) -> Self {
        Self {
            stores,
            doors,
            operator_namespace,
            clouds: Clouds::default(),
            slots: Slots::default(),
            claims: Mutex::default(),
            registry: Arc::default(),
            cluster_wide: true,
        }
    }

    /// The same, for an operator that serves some namespaces only and is not told of `ClusterAzureIdentities`.
    #[must_use]
    pub fn without_cluster(mut self) -> Self {
        self.cluster_wide = false;
        self
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

    /// What tells this cluster from others: the uid of its namespace kube-system, where it is known.
    pub fn cluster(&self) -> Option<String> {
        let found = self.stores.namespaces.get(&ObjectRef::new("kube-system"));
        found.and_then(|namespace| namespace.metadata.uid.clone())
    }

    /// The identity that a resource of `namespace` names; none named means the ClusterAzureIdentity `default`. A named
    /// identity that does not exist is an error: nothing else is ever used in its place.
    pub async fn resolve(
        &self,
        namespace: &str,
        reference: Option<&IdentityRef>,
    ) -> Result<Usable, Problem> {
        let key = key_of(namespace, reference);
        let stores = &self.stores;
        let valid = match key.kind {
            IdentityKind::AzureIdentity => {
                let named = ObjectRef::new(&key.name).within(namespace);
                let found = stores.identities.get(&named);
                let found = found.ok_or_else(|| absent(&key, reference))?;
                parse(found.as_ref(), &self.operator_namespace)
            }
            IdentityKind::ClusterAzureIdentity => {
                if !self.cluster_wide {
                    return Err(not_served(&key));
                }
                let found = stores.cluster_identities.get(&ObjectRef::new(&key.name));
                let found = found.ok_or_else(|| absent(&key, reference))?;
                parse(found.as_ref(), &self.operator_namespace)
            }
        }?;
        self.usable(valid).await
    }

    /// An identity with its cloud, which mostly is known.
    pub async fn usable(&self, valid: Valid) -> Result<Usable, Problem> {
        let (cloud, told_tenant) = self.clouds.of(&self.doors, &valid).await?;
        Ok(Usable {
            profile: Arc::new(Profile {
                tenant: valid.tenant.clone().or(told_tenant),
                client: valid.client.clone(),
                cloud,
            }),
            valid: Arc::new(valid),
        })
    }

    /// How often the credential of an identity has changed. What failed with one revision may work with the next.
    pub fn revision(&self, key: &IdentityKey) -> u64 {
        self.registry.revision(key)
    }

    /// What was last learned while a token of this identity was asked for.
    pub fn report(&self, valid: &Valid) -> Option<Report> {
        self.registry
            .report(&valid.key, &valid.uid, valid.generation)
    }

    /// The Secret of an identity's credential was seen at `version` (none: deleted). True where that is news; then the
    /// identity's tokens are dropped.
    pub fn credential_seen(&self, key: &IdentityKey, version: Option<&str>) -> bool {
        let news = self.registry.credential_seen(key, version);
        if news {
            self.keep(|slot| slot.identity.key != *key);
        }
        news
    }

    /// The identity changed or went: tokens of other generations of it are dropped.
    pub fn changed(&self, key: &IdentityKey, current: Option<(&str, i64)>) {
        self.keep(|slot| {
            let (identity, uid, generation) = slot.object();
            identity != key || Some((uid, generation)) == current
        });
        if current.is_none() {
            self.registry.forget(key);
        }
    }

    fn keep(&self, fits: impl Fn(&SlotKey) -> bool) {
        self.slots.retain(&fits);
        self.wanted_claims().retain(|slot, _| fits(slot));
    }

    fn wanted_claims(&self) -> MutexGuard<'_, HashMap<SlotKey, Claims>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token of an identity: from its slot, or asked for once for everybody who waits.
    pub async fn token(&self, identity: &Usable, want: &Want) -> Result<Arc<Token>, Problem> {
        self.token_that(identity, want, |_| true).await
    }

    /// As [`Self::token`], where only a token that `fits` will do: else one is asked for, once for everybody who waits.
    pub async fn token_that(
        &self,
        identity: &Usable,
        want: &Want,
        fits: impl FnOnce(&Token) -> bool,
    ) -> Result<Arc<Token>, Problem> {
        let ask = |claims: Option<Claims>| {
            let (doors, registry) = (self.doors.clone(), Arc::clone(&self.registry));
            let (identity, want) = (identity.clone(), want.clone());
            let span = spans::token(
                &identity.valid.key,
                want.resource.as_str(),
                identity.valid.method.word(),
            );
            let told = span.clone();
            let asked = async move {
                let token =
                    ask_and_report(&doors, &registry, &identity, &want, claims.as_ref()).await;
                spans::ended(&told, &token);
                token
            };
            asked.instrument(span)
        };
        let outcome = self.token_by(identity, want, fits, ask).await;
        if outcome
            .as_ref()
            .is_err_and(|problem| problem.reason == Reason::CertificateNotTrusted)
        {
            self.distrusted(identity);
        }
        outcome
    }

    /// A token out of the slot of this identity, asked for by `ask` with the claims that it must satisfy.
    async fn token_by<F>(
        &self,
        identity: &Usable,
        want: &Want,
        fits: impl FnOnce(&Token) -> bool,
        ask: impl FnOnce(Option<Claims>) -> F,
    ) -> Result<Arc<Token>, Problem>
    where
        F: Future<Output = Result<Token, Problem>> + Send + 'static,
    {
        let slot = Self::slot(identity, want);
        let asker = || ask(self.wanted_claims().remove(&slot));
        let now = Timestamp::now();
        self.slots.get_that(&slot, now, fits, asker).await
    }

    /// A service refused this token: it is asked for anew, once, with the claims that the service named.
    pub fn refused(
        &self,
        identity: &Usable,
        want: &Want,
        token: &SecretValue,
        claims: Option<Claims>,
    ) {
        let slot = Self::slot(identity, want);
        let now = Timestamp::now();
        let demanded = claims.is_some();
        if let Some(claims) = claims {
            self.wanted_claims().insert(slot.clone(), claims);
        }
        self.slots.drop_if(&slot, |held| {
            held.value == *token && (demanded || now.duration_since(held.issued_at) >= TOO_YOUNG)
        });
    }

    /// A certificate of the identity's cloud was not trusted: its roots may have been replaced.
    pub fn distrusted(&self, identity: &Usable) {
        self.clouds.distrusted(&identity.valid, Timestamp::now());
    }

    fn slot(identity: &Usable, want: &Want) -> SlotKey {
        SlotKey {
            identity: Arc::clone(&identity.valid),
            profile: Arc::clone(&identity.profile),
            want: want.clone(),
        }
    }
}

async fn ask_and_report(
    doors: &Doors,
    registry: &Registry,
    identity: &Usable,
    want: &Want,
    claims: Option<&Claims>,
) -> Result<Token, Problem> {
    let Valid {
        key,
        uid,
        generation,
        ..
    } = identity.valid.as_ref();
    let stay_with = registry.winner(key, uid, *generation);
    let (outcome, report) = ask::token(doors, identity, want, claims, stay_with).await;
    registry.reported(key, uid, *generation, report);
    let seed = retry::seed(uid, want.resource.as_str());
    outcome.map(|token| token.spread(seed))
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

fn not_served(key: &IdentityKey) -> Problem {
    let message = format!(
        "{key} is not served, since this operator serves some namespaces only (--watch-namespaces): name an AzureIdentity of this namespace in spec.identityRef"
    );
    Problem::new(Reason::IdentityNotFound, Retry::OnChange, message)
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

#[cfg(test)]
#[path = "identities_tests.rs"]
mod tests;
