//! Values of Secrets that are written to a vault.
//!
//! A turn of a sync ([`steps`]) starts a round, or takes over what a round brought; a round (`round`) runs as a task of its own
//! and wakes the sync when it is over, so that no worker waits for Azure. A round looks, and changes only what its job permits:
//! what is to be changed is first told to the turn, which writes it into the status, and then a second round looks again and
//! changes it. After a crash in between there is an operation in the status and nobody who remembers it, and the next round
//! looks as any other. So a difference makes one version, and at most one more for each crash or lost answer.
//!
//! `api` spec and status · `valid` a spec parsed (pure) · `content` what is pushed (pure) · `plan` decides (pure) · `status` what
//! is recorded and said (pure) · `alone` what a sync says that does nothing else (pure) · `round` looks and writes · `door` the way to a vault · `source` reads the Secret · `steps` one turn.

pub mod alone;
pub mod api;
pub mod content;
mod door;
pub mod plan;
mod round;
mod source;
pub mod status;
pub mod steps;
pub mod valid;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::task::AbortHandle;

use self::door::Door;
use self::round::Party;
use self::status::{Job, Outcome};
use super::links::Named;
use crate::azure::auth::Profile;
use crate::azure::http::Http;
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::owner::Owner;
use crate::hub::Wake;
use crate::hub::reader::Reader;
use crate::hub::want::Ticket;
use crate::k8s::api::Kube;
use crate::names::VaultUri;

/// On a Secret: the syncs that may push it, by name, separated by commas.
pub const ALLOW_PUSH: &str = "lakevault.dev/allow-push";
/// Deletes from the vault what is to go with its sync.
pub const FINALIZER: &str = "lakevault.dev/pushed-objects";
/// The condition.
pub const PUSHED: &str = "Pushed";
/// Doors that are kept though nobody uses them.
const SPARE_DOORS: usize = 64;

/// What decides about a door: the identity's uid and generation, its cloud, and the vault.
type Place = (String, i64, Arc<Profile>, VaultUri);

/// Everything about pushes that outlives a reconcile. No value is in it.
#[derive(Clone)]
pub struct Pushes(Arc<Office>);

struct Office {
    identities: Arc<Identities>,
    kube: Kube,
    http: Http,
    wake: Wake,
    doors: Mutex<BTreeMap<Place, Arc<Door>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By uid of the sync.
    syncs: BTreeMap<String, Memory>,
    sources: BTreeMap<Named, Source>,
}

/// A Secret that is pushed.
#[derive(Default)]
struct Source {
    /// Its resourceVersion as an event told it; none before the first one, and after it was deleted.
    version: Option<String>,
    changes: u64,
    /// Who pushes it.
    users: BTreeMap<String, Ticket>,
}

/// What is remembered of a sync.
#[derive(Default)]
struct Memory {
    sources: BTreeSet<Named>,
    work: Work,
    /// The inputs of the last round.
    seen: Option<u64>,
    next: Option<Timestamp>,
    failures: u32,
    timer: Option<AbortHandle>,
}

#[derive(Default)]
enum Work {
    #[default]
    Idle,
    Running,
    Done(Round),
}

/// A round that is over.
struct Round {
    generation: i64,
    /// The inputs when it began.
    seen: u64,
    /// Whether it was made to change something.
    acts: bool,
    jobs: Vec<Job>,
    outcomes: Vec<Outcome>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Office {
    fn door(&self, identity: &Usable, vault: &VaultUri) -> Arc<Door> {
        let valid = &identity.valid;
        let place = (
            valid.uid.clone(),
            valid.generation,
            Arc::clone(&identity.profile),
            vault.clone(),
        );
        let mut doors = lock(&self.doors);
        if doors.len() > SPARE_DOORS {
            doors.retain(|_, door| Arc::strong_count(door) > 1);
        }
        let door = doors.entry(place).or_insert_with(|| {
            let (identities, http) = (Arc::clone(&self.identities), self.http.clone());
            let reader = Reader::new(identities, http, identity.clone(), vault.clone());
            Arc::new(Door::new(reader))
        });
        Arc::clone(door)
    }

    fn seen_version(&self, secret: &Named) -> Option<String> {
        let state = lock(&self.state);
        state.sources.get(secret)?.version.clone()
    }

    /// A Secret was read, which the watch has not told of since it is followed.
    fn learn(&self, secret: &Named, version: &str) {
        let mut state = lock(&self.state);
        if let Some(source) = state.sources.get_mut(secret)
            && source.version.is_none()
            && source.changes == 0
        {
            source.version = Some(version.to_owned());
        }
    }
}

impl State {
    fn drop_sources(&mut self, uid: &str, but: &BTreeSet<Named>) {
        let Some(memory) = self.syncs.get_mut(uid) else {
            return;
        };
        let left: Vec<Named> = memory.sources.difference(but).cloned().collect();
        memory.sources.clone_from(but);
        for named in left {
            if let Some(source) = self.sources.get_mut(&named) {
                source.users.remove(uid);
                if source.users.is_empty() {
                    self.sources.remove(&named);
                }
            }
        }
    }
}

impl Pushes {
    /// No pushes yet.
    pub fn new(identities: Arc<Identities>, kube: Kube, http: Http, wake: Wake) -> Self {
        Self(Arc::new(Office {
            identities,
            kube,
            http,
            wake,
            doors: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    /// A Secret came, changed or went. Gives back the syncs that push it, where that is news.
    pub fn source_seen(&self, secret: &Named, version: Option<&str>) -> Vec<Named> {
        let mut state = lock(&self.0.state);
        let Some(source) = state.sources.get_mut(secret) else {
            return Vec::new();
        };
        if version.is_some() && source.version.as_deref() == version {
            return Vec::new();
        }
        source.version = version.map(str::to_owned);
        source.changes += 1;
        let users = source.users.values();
        users
            .map(|ticket| (ticket.namespace.clone(), ticket.name.clone()))
            .collect()
    }

    /// What a sync would do to its vaults: each object is looked at, and none is changed, whatever its job permits.
    pub async fn look(
        &self,
        owner: Owner,
        identity: Option<IdentityRef>,
        generation: i64,
        jobs: Vec<Job>,
    ) -> Vec<(Job, Outcome)> {
        let bare = |job: Job| Job {
            permit: None,
            ..job
        };
        let jobs: Vec<Job> = jobs.into_iter().map(bare).collect();
        let party = Party {
            owner,
            identity,
            generation,
        };
        let outcomes = round::run(&self.0, &party, &jobs).await;
        jobs.into_iter().zip(outcomes).collect()
    }

    /// A sync pushes nothing any more.
    pub fn forget(&self, uid: &str) {
        let mut state = lock(&self.0.state);
        state.drop_sources(uid, &BTreeSet::new());
        let memory = state.syncs.remove(uid);
        if let Some(timer) = memory.and_then(|memory| memory.timer) {
            timer.abort();
        }
    }

    /// Forgets syncs that are not there any more.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        let gone: Vec<String> = {
            let state = lock(&self.0.state);
            let uids = state.syncs.keys().filter(|uid| !is_there(uid));
            uids.cloned().collect()
        };
        for uid in gone {
            self.forget(&uid);
        }
    }

    /// From now on changes of these Secrets wake the sync. Gives back how often each has changed.
    fn follow(&self, ticket: &Ticket, secrets: &BTreeSet<Named>) -> Vec<u64> {
        let mut state = lock(&self.0.state);
        let uid = ticket.uid.as_str();
        state.syncs.entry(uid.to_owned()).or_default();
        state.drop_sources(uid, secrets);
        let changes = secrets.iter().map(|named| {
            let source = state.sources.entry(named.clone()).or_default();
            source.users.insert(uid.to_owned(), Ticket::clone(ticket));
            source.changes
        });
        changes.collect()
    }

    fn memory<T>(&self, uid: &str, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(lock(&self.0.state).syncs.entry(uid.to_owned()).or_default())
    }

    /// Begins a round.
    fn start(&self, ticket: &Ticket, party: Party, (seen, acts): (u64, bool), jobs: Vec<Job>) {
        self.memory(&ticket.uid, |memory| memory.work = Work::Running);
        let (office, ticket) = (Arc::clone(&self.0), Ticket::clone(ticket));
        tokio::spawn(async move {
            let outcomes = round::run(&office, &party, &jobs).await;
            let done = Round {
                generation: party.generation,
                seen,
                acts,
                jobs,
                outcomes,
            };
            // Who is gone for good is not remembered anew.
            if let Some(memory) = lock(&office.state).syncs.get_mut(&ticket.uid) {
                memory.work = Work::Done(done);
            }
            (office.wake)(&ticket);
        });
    }

    /// Wakes the sync at a time, and no more at an earlier one.
    fn wake_at(&self, ticket: &Ticket, time: Option<Timestamp>) {
        let timer = time.map(|time| {
            let pause = super::due::until(time, Timestamp::now());
            let (office, ticket) = (Arc::downgrade(&self.0), Ticket::clone(ticket));
            let wait = async move {
                tokio::time::sleep(pause).await;
                if let Some(office) = office.upgrade() {
                    (office.wake)(&ticket);
                }
            };
            tokio::spawn(wait).abort_handle()
        });
        let before = self.memory(&ticket.uid, |memory| {
            memory.next = time;
            std::mem::replace(&mut memory.timer, timer)
        });
        if let Some(before) = before {
            before.abort();
        }
    }
}
