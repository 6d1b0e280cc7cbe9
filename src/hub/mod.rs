//! The vault hub: one session per identity and vault for the whole process.
//!
//! Syncs say here what they want of a vault ([`Hub::see`]) and are woken when there is something new for them; none of them
//! waits for Azure. A session looks at a vault for all its callers at once, by lists where that is cheaper, keeps within the
//! vault's limits, and stays silent towards a vault that throttles or does not answer. A vault in trouble costs nobody else
//! anything. [`session`] decides (pure), this module carries it out.

mod bucket;
pub mod gate;
pub mod reader;
pub mod session;
pub mod want;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tracing::Instrument;

use self::reader::{Brought, Reader};
use self::session::{Limits, Session, Stats};
use self::want::{Answer, Call, CallId, Command, Glance, Ticket, Want};
use crate::azure::auth::Profile;
use crate::azure::http::Http;
use crate::azure::key_vault::{Bundle, Object};
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::{IdentityKey, Usable};
use crate::few::Few;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};
use crate::telemetry::spans;

/// What was given for one object. The value lives as long as somebody holds it.
pub type Outcome = Result<Arc<Bundle>, Problem>;

/// Whatever happens inside a call, it has ended by then: two exchanges with the vault and one with the authority.
const CALL_DEADLINE: Duration = Duration::from_secs(40);

/// A session belongs to one identity, as it was made and specified, and one vault. Nothing passes between two of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SessionKey {
    identity: IdentityKey,
    uid: String,
    generation: i64,
    profile: Arc<Profile>,
    vault: VaultUri,
}

/// Values that callers have been given and not fetched.
type Inbox = BTreeMap<Ticket, Values>;

struct State {
    core: Session,
    inbox: Inbox,
    /// Calls under way.
    calls: BTreeMap<CallId, AbortHandle>,
    /// Its last caller has left. Whoever found it a moment before opens another.
    closed: bool,
}

/// A session with what carries out its commands.
struct Office {
    reader: Reader,
    state: Mutex<State>,
    /// Rings when the time of the next turn may have changed.
    bell: Arc<Notify>,
    wake: Wake,
}

/// Tells a caller to look.
pub type Wake = Arc<dyn Fn(&Ticket) + Send + Sync>;

/// Values by object.
pub type Values = BTreeMap<Arc<Object>, Arc<Bundle>>;

/// The hub.
pub struct Hub {
    identities: Arc<Identities>,
    http: Http,
    limits: Limits,
    wake: Wake,
    sessions: Mutex<BTreeMap<Arc<SessionKey>, Arc<Office>>>,
    /// Which sessions a caller uses.
    used: Mutex<BTreeMap<Ticket, Few<Arc<SessionKey>>>>,
}

impl Hub {
    /// A hub whose sessions keep within `limits` each.
    pub fn new(identities: Arc<Identities>, http: Http, limits: Limits, wake: Wake) -> Self {
        Self {
            identities,
            http,
            limits,
            wake,
            sessions: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// Says what a caller wants of the vaults that it uses, which are all that it uses, and tells what there is, apart from
    /// values.
    pub fn see(&self, ticket: &Ticket, wants: Vec<(Usable, VaultUri, Want)>) -> Vec<Glance> {
        let keys = wants.iter();
        let keys = keys.map(|(identity, vault, _)| self.known(key(identity, vault)));
        let keys: Vec<Arc<SessionKey>> = keys.collect();
        let ticket = &self.leave(ticket, &keys.iter().cloned().collect());
        wants
            .into_iter()
            .zip(keys)
            .map(|((identity, vault, want), key)| self.look(ticket, &key, &identity, &vault, want))
            .collect()
    }

    /// The values that a caller was given, of each vault that it uses; what is as it was is not among them. None where it waits
    /// for something: of several vaults one may have changed since it looked. Those of the others are read again then.
    pub fn fetch(&self, ticket: &Ticket) -> Option<Vec<(VaultUri, Values)>> {
        let used = lock(&self.used).get(ticket).cloned().unwrap_or_default();
        let mut fetched = Vec::new();
        for key in used {
            let office = lock(&self.sessions).get(&key).cloned();
            if let Some(office) = office {
                fetched.push((key.vault.clone(), office.fetch(ticket)?));
            }
        }
        Some(fetched)
    }

    /// A caller wants nothing any more.
    pub fn forget(&self, ticket: &Ticket) {
        drop(self.leave(ticket, &Few::default()));
    }

    /// Drops the sessions of an identity that is not (any more) of this uid and generation.
    pub fn identity_changed(&self, identity: &IdentityKey, current: Option<(&str, i64)>) {
        lock(&self.sessions).retain(|session, _| {
            session.identity != *identity
                || Some((session.uid.as_str(), session.generation)) == current
        });
    }

    /// The credential of an identity has changed: what failed with it is tried again.
    pub fn credential_changed(&self, identity: &IdentityKey) {
        for (_, office) in self.of(|key| key.identity == *identity) {
            office.act(None, |state, now| state.core.pardon(now));
        }
    }

    /// The figures of each vault.
    pub fn stats(&self) -> BTreeMap<String, Stats> {
        let now = Timestamp::now();
        let mut stats: BTreeMap<String, Stats> = BTreeMap::new();
        for (key, office) in self.of(|_| true) {
            let figures = lock(&office.state).core.stats(now);
            let sum = stats.entry(key.vault.authority().to_owned()).or_default();
            *sum = sum.and(figures);
        }
        stats
    }

    fn of(&self, fits: impl Fn(&SessionKey) -> bool) -> Vec<(Arc<SessionKey>, Arc<Office>)> {
        lock(&self.sessions)
            .iter()
            .filter(|(key, _)| fits(key))
            .map(|(key, office)| (Arc::clone(key), Arc::clone(office)))
            .collect()
    }

    /// The key of a session as it is kept, which many callers share.
    fn known(&self, key: SessionKey) -> Arc<SessionKey> {
        let sessions = lock(&self.sessions);
        if let Some((known, _)) = sessions.get_key_value(&key) {
            return Arc::clone(known);
        }
        Arc::new(key)
    }

    /// Ends the use of all sessions but these. A session that nobody uses is dropped. Gives back the ticket as it is kept: each
    /// look comes with one of its own.
    fn leave(&self, ticket: &Ticket, but: &Few<Arc<SessionKey>>) -> Ticket {
        let (ticket, before) = {
            let mut used = lock(&self.used);
            let known = used.get_key_value(ticket);
            let ticket = Ticket::clone(known.map_or(ticket, |(known, _)| known));
            let before = if but.is_empty() {
                used.remove(&ticket)
            } else {
                used.insert(Ticket::clone(&ticket), but.clone())
            };
            (ticket, before)
        };
        let before = before.into_iter().flatten();
        let left = before.filter(|key| !but.contains(key));
        for key in left {
            let office = lock(&self.sessions).get(&key).cloned();
            let Some(office) = office else { continue };
            let closed = office.act(None, |state, now| {
                state.core.forget(&ticket, now);
                state.closed |= state.core.is_idle();
                state.closed
            });
            if closed {
                self.remove(&key, &office);
            }
        }
        ticket
    }

    fn look(
        &self,
        ticket: &Ticket,
        key: &Arc<SessionKey>,
        identity: &Usable,
        vault: &VaultUri,
        mut want: Want,
    ) -> Glance {
        loop {
            let office = self.office(key, identity, vault);
            match office.see(ticket, want) {
                Ok(glance) => return glance,
                Err(back) => want = back,
            }
            self.remove(key, &office);
        }
    }

    /// Takes out a session that is closed, and not the one that was opened after it.
    fn remove(&self, key: &Arc<SessionKey>, closed: &Arc<Office>) {
        let mut sessions = lock(&self.sessions);
        if sessions
            .get(key)
            .is_some_and(|office| Arc::ptr_eq(office, closed))
        {
            sessions.remove(key);
        }
    }

    fn office(&self, key: &Arc<SessionKey>, identity: &Usable, vault: &VaultUri) -> Arc<Office> {
        let mut sessions = lock(&self.sessions);
        if let Some(office) = sessions.get(key) {
            return Arc::clone(office);
        }
        let seed = retry::seed(&key.uid, vault.origin());
        let (identities, http) = (Arc::clone(&self.identities), self.http.clone());
        let office = Arc::new(Office {
            reader: Reader::new(identities, http, identity.clone(), vault.clone()),
            state: Mutex::new(State {
                core: Session::new(self.limits, seed),
                inbox: Inbox::new(),
                calls: BTreeMap::new(),
                closed: false,
            }),
            bell: Arc::default(),
            wake: Arc::clone(&self.wake),
        });
        sessions.insert(Arc::clone(key), Arc::clone(&office));
        tokio::spawn(keep_time(Arc::downgrade(&office)));
        office
    }
}

fn key(identity: &Usable, vault: &VaultUri) -> SessionKey {
    let valid = &identity.valid;
    SessionKey {
        identity: valid.key.clone(),
        uid: valid.uid.clone(),
        generation: valid.generation,
        profile: Arc::clone(&identity.profile),
        vault: vault.clone(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns a session when its time has come, for as long as there is one.
async fn keep_time(office: Weak<Office>) {
    loop {
        let (bell, rest) = {
            let Some(office) = office.upgrade() else {
                return;
            };
            let now = Timestamp::now();
            let next = lock(&office.state).core.next_turn(now);
            let rest = next.map(|next| Duration::try_from(next.duration_since(now)));
            (
                Arc::clone(&office.bell),
                rest.map_or(retry::RESYNC, Result::unwrap_or_default),
            )
        };
        // The office is not held meanwhile: one that is dropped rings its bell.
        let time_has_come = tokio::time::timeout(rest, bell.notified()).await.is_err();
        if time_has_come && let Some(office) = office.upgrade() {
            office.act(None, |state, now| state.core.turn(now));
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.bell.notify_one();
    }
}

impl Office {
    /// What there is for a caller, or what it wants where the session is closed.
    fn see(self: &Arc<Self>, ticket: &Ticket, want: Want) -> Result<Glance, Want> {
        self.act(None, |state, now| {
            if state.closed {
                return Err(want);
            }
            Ok(state.core.see(ticket, want, now))
        })
    }

    fn fetch(self: &Arc<Self>, ticket: &Ticket) -> Option<Values> {
        self.act(None, |state, _| {
            let fetched = state.core.fetch(ticket);
            fetched.then(|| state.inbox.remove(ticket).unwrap_or_default())
        })
    }

    /// Lets the core act, with the value that an answer brought if it is one, and carries out what it decides.
    fn act<T>(
        self: &Arc<Self>,
        brought: Option<&Arc<Bundle>>,
        act: impl FnOnce(&mut State, Timestamp) -> T,
    ) -> T {
        let mut woken = Vec::new();
        let outcome = {
            let mut state = lock(&self.state);
            let outcome = act(&mut state, Timestamp::now());
            for command in state.core.commands() {
                match command {
                    Command::Start(id, call) => {
                        let call = tokio::spawn(Arc::clone(self).make(id, call));
                        state.calls.insert(id, call.abort_handle());
                    }
                    Command::Abandon(id) => {
                        if let Some(call) = state.calls.remove(&id) {
                            call.abort();
                        }
                    }
                    Command::Wake(ticket) => woken.push(ticket),
                    Command::Discard(ticket) => drop(state.inbox.remove(&ticket)),
                    Command::Give(object, tickets) => {
                        for ticket in brought.iter().flat_map(|_| &tickets) {
                            let given = state.inbox.entry(Ticket::clone(ticket)).or_default();
                            given.extend(brought.map(|b| (Arc::clone(&object), Arc::clone(b))));
                        }
                    }
                }
            }
            outcome
        };
        for ticket in &woken {
            (self.wake)(ticket);
        }
        self.bell.notify_one();
        outcome
    }

    /// Makes a call. It runs as a task of its own: it ends neither late nor early because of one of those who wait for it.
    async fn make(self: Arc<Self>, id: CallId, call: Call) {
        let span = self.reader.span(&call);
        let made = tokio::time::timeout(CALL_DEADLINE, self.reader.call(&call));
        let made = made.instrument(span.clone()).await;
        let (answer, bundle) = match made {
            Ok(Brought::Object(Ok(bundle))) => {
                let facts = bundle.facts();
                (Answer::Got(Ok(facts)), Some(Arc::new(bundle)))
            }
            Ok(Brought::Object(Err(problem))) => (Answer::Got(Err(problem)), None),
            Ok(Brought::Page(page)) => (Answer::Listed(page), None),
            Err(_) => (late(&call), None),
        };
        match &answer {
            Answer::Got(outcome) => spans::ended(&span, outcome),
            Answer::Listed(outcome) => spans::ended(&span, outcome),
        }
        drop(span);
        self.act(bundle.as_ref(), |state, now| {
            state.calls.remove(&id);
            state.core.answered(id, answer, now);
        });
    }
}

/// A call that did not end.
fn late(call: &Call) -> Answer {
    let problem = Problem::new(
        Reason::TimedOut,
        Retry::Backoff,
        format!(
            "a call to the vault did not end within {} s; it is made again",
            CALL_DEADLINE.as_secs()
        ),
    );
    match call {
        Call::Get(_) => Answer::Got(Err(problem)),
        Call::List(..) => Answer::Listed(Err(problem)),
    }
}
