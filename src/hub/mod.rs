//! The vault hub: one session per identity and vault for the whole process.
//!
//! Syncs ask the hub, never a vault. A session bounds how much is asked at once, lets those who want the same object at the
//! same time share one request, and stays silent towards a vault that throttles or does not answer. A vault in trouble
//! costs nobody else anything. [`gate`] decides (pure), this module carries it out.

pub mod gate;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use self::gate::Gate;
use crate::azure::auth::{Profile, Resource, Token, Want};
use crate::azure::http::Http;
use crate::azure::key_vault::{self, Remedy, SecretBundle, SecretId};
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::{IdentityKey, Usable};
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};

/// What a vault gave for one object. The value lives as long as somebody holds it.
pub type Outcome = Result<Arc<SecretBundle>, Problem>;

type Flight = Shared<BoxFuture<'static, Outcome>>;

/// A session belongs to one identity, as it was made and specified, and one vault. Nothing passes between two of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SessionKey {
    identity: IdentityKey,
    uid: String,
    generation: i64,
    profile: Arc<Profile>,
    vault: VaultUri,
}

struct Session {
    identity: Usable,
    vault: VaultUri,
    /// What its tokens are asked for, where the vault said so itself.
    audience: Mutex<Option<Resource>>,
    permits: Semaphore,
    gate: Mutex<Gate>,
    flights: Mutex<BTreeMap<SecretId, Flight>>,
}

impl Session {
    /// The token that its requests carry.
    fn want(&self) -> Want {
        let learned = self.audience.lock().unwrap_or_else(PoisonError::into_inner);
        let derived = || self.identity.profile.cloud.vault_audience.clone();
        Want::ours(learned.clone().unwrap_or_else(derived))
    }

    /// The vault said what its tokens are for.
    fn learn(&self, audience: Resource) {
        *self.audience.lock().unwrap_or_else(PoisonError::into_inner) = Some(audience);
    }
}

/// The hub.
pub struct Hub {
    identities: Arc<Identities>,
    http: Http,
    /// Requests that one session has under way at once.
    concurrency: usize,
    sessions: Mutex<BTreeMap<SessionKey, Arc<Session>>>,
}

impl Hub {
    /// A hub whose sessions have at most `concurrency` requests under way each.
    pub fn new(identities: Arc<Identities>, http: Http, concurrency: usize) -> Self {
        Self {
            identities,
            http,
            concurrency: concurrency.max(1),
            sessions: Mutex::default(),
        }
    }

    /// Reads objects of a vault, each with an outcome of its own.
    pub async fn read(
        &self,
        identity: &Usable,
        vault: &VaultUri,
        wanted: &[SecretId],
    ) -> BTreeMap<SecretId, Outcome> {
        let session = self.session(identity, vault);
        let reads = wanted.iter().map(|id| {
            let flight = self.flight(&session, id);
            async move { (id.clone(), flight.await) }
        });
        join_all(reads).await.into_iter().collect()
    }

    /// Drops the sessions of an identity that is not (any more) of this uid and generation.
    pub fn identity_changed(&self, key: &IdentityKey, current: Option<(&str, i64)>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session, _| {
            session.identity != *key || Some((session.uid.as_str(), session.generation)) == current
        });
    }

    fn session(&self, identity: &Usable, vault: &VaultUri) -> Arc<Session> {
        let valid = &identity.valid;
        let key = SessionKey {
            identity: valid.key.clone(),
            uid: valid.uid.clone(),
            generation: valid.generation,
            profile: Arc::clone(&identity.profile),
            vault: vault.clone(),
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        // A cloud that has changed since (other endpoints, other roots) is reached by a session of its own.
        if !sessions.contains_key(&key) {
            sessions.retain(|old, _| {
                old.identity != key.identity || old.vault != key.vault || old.profile == key.profile
            });
        }
        let session = sessions.entry(key).or_insert_with(|| {
            Arc::new(Session {
                identity: identity.clone(),
                vault: vault.clone(),
                audience: Mutex::default(),
                permits: Semaphore::new(self.concurrency),
                gate: Mutex::default(),
                flights: Mutex::default(),
            })
        });
        Arc::clone(session)
    }

    /// The one request for an object that is under way, or a new one. It runs as a task of its own: it ends neither late nor
    /// early because of one of those who wait for it.
    fn flight(&self, session: &Arc<Session>, id: &SecretId) -> Flight {
        let mut flights = session
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(id) {
            return flight.clone();
        }
        let reader = Reader {
            identities: Arc::clone(&self.identities),
            http: self.http.clone(),
            session: Arc::clone(session),
            id: id.clone(),
        };
        let flight = async move { reader.land().await }.boxed().shared();
        flights.insert(id.clone(), flight.clone());
        tokio::spawn(flight.clone().map(|_| ()));
        flight
    }
}

/// One request for one object.
struct Reader {
    identities: Arc<Identities>,
    http: Http,
    session: Arc<Session>,
    id: SecretId,
}

impl Reader {
    async fn land(self) -> Outcome {
        let outcome = self.ask().await;
        self.session
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
        outcome
    }

    async fn ask(&self) -> Outcome {
        // Asked before the permit too: nobody queues behind requests to a vault that is left alone.
        if let Some(problem) = self.gate().shut(Timestamp::now()) {
            return Err(problem);
        }
        let Ok(_permit) = self.session.permits.acquire().await else {
            return Err(gate::closed_for_good(&self.session.vault));
        };
        let Session { identity, .. } = self.session.as_ref();
        let want = self.session.want();
        let token = self.identities.token(identity, &want).await?;
        // On the heap: many wait for a permit, and only those who have one need room for a request.
        let (outcome, remedy) = Box::pin(self.exchange(&token)).await;
        let Err(problem) = outcome else {
            return outcome;
        };
        // A token may have been revoked, outlived its key, or be for another audience. Another one is asked for once.
        if problem.reason == Reason::Unauthorized {
            return self.once_more(&want, &token, remedy, problem).await;
        }
        // The roots of a private cloud may have been replaced: the next look uses what is there now.
        if problem.reason == Reason::CertificateNotTrusted {
            self.identities.distrusted(identity);
        }
        Err(problem)
    }

    async fn once_more(
        &self,
        want: &Want,
        token: &Token,
        remedy: Remedy,
        problem: Problem,
    ) -> Outcome {
        let identity = &self.session.identity;
        if let Some(audience) = remedy.audience {
            self.session.learn(audience);
        }
        if self.session.want() == *want {
            self.identities
                .refused(identity, want, &token.value, remedy.claims);
        }
        let renewed = self
            .identities
            .token(identity, &self.session.want())
            .await?;
        if renewed.value == token.value {
            return Err(problem);
        }
        Box::pin(self.exchange(&renewed)).await.0
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.session
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, token: &Token) -> (Outcome, Remedy) {
        match self.send(token).await {
            Ok(answered) => answered,
            Err(problem) => (Err(problem), Remedy::default()),
        }
    }

    async fn send(&self, token: &Token) -> Result<(Outcome, Remedy), Problem> {
        let Session {
            identity, vault, ..
        } = self.session.as_ref();
        let profile = &identity.profile;
        self.gate().admit(Timestamp::now())?;
        let request = key_vault::request(profile, vault, &self.id, &token.value)?;
        let answer = self.http.send("GetSecret", vault.origin(), request).await;
        let now = Timestamp::now();
        let remedy = answer.as_ref().map_or_else(
            |_| Remedy::default(),
            |answer| key_vault::remedy(profile, answer),
        );
        let outcome =
            answer.and_then(|answer| key_vault::read(profile, vault, &self.id, &answer, now));
        self.gate().saw(outcome.as_ref().err(), now);
        Ok((outcome.map(Arc::new), remedy))
    }
}
