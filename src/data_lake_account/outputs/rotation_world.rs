//! A world of outputs in which calls are lost, come late, and the operator dies.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};

use super::carry::{Azure, CameTo, Given, Renewed, World, carry_out};
use super::fixtures::{account, owner, value, wanted};
use super::record::{Record, name_of};
use super::sas::{SignWith, Span, token};
use super::seen::{Key, Keys, Kind, Target, Targets, Whose};
use super::wanted::Wanted;
use crate::azure::lake::delegation::DelegationKey;
use crate::data_lake_account::api::AccountKey;
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

pub(super) const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// It is not done.
    Lost,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is done later, and the answer is lost.
    Late,
    /// The operator dies before it.
    DiesBefore,
    /// The operator dies after it.
    DiesAfter,
}

pub(super) struct Written {
    pub(super) data: BTreeMap<String, SecretValue>,
    pub(super) intact: bool,
    pub(super) version: u32,
}

pub(super) struct Fake {
    pub(super) now: Timestamp,
    /// How often each key was made anew, and when last.
    pub(super) azure: BTreeMap<&'static str, (u32, Timestamp)>,
    pub(super) tells_times: bool,
    pub(super) late: Vec<(Timestamp, AccountKey)>,
    pub(super) secrets: BTreeMap<String, Written>,
    /// When a value stood in the Secret for the last time.
    pub(super) stood: BTreeMap<Vec<u8>, Timestamp>,
    pub(super) status: Record,
    pub(super) faults: Vec<Fault>,
    pub(super) wanted: Wanted,
    /// Whether somebody else has made a key anew, so that what is there may be invalid.
    pub(super) meddled: bool,
}

fn dead() -> Problem {
    Problem::new(Reason::KubernetesUnavailable, Retry::Backoff, "it died")
}

fn unknown() -> Problem {
    Problem::new(Reason::TimedOut, Retry::Backoff, "no answer")
}

impl Fake {
    pub(super) fn new(faults: Vec<Fault>, tells_times: bool) -> Self {
        let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Self {
            now: begin + SignedDuration::from_hours(24),
            azure: BTreeMap::from([("key1", (0, begin)), ("key2", (0, begin))]),
            tells_times,
            late: Vec::new(),
            secrets: BTreeMap::new(),
            stood: BTreeMap::new(),
            status: Record::default(),
            meddled: false,
            faults,
            wanted: wanted(serde_json::json!({
                "keys": {"secret": "lake-keys", "rotateAfter": "1h"},
                "sas": [
                    {"secret": "lake-sas", "kind": "Service", "filesystem": "raw", "lifetime": "24h"},
                    {"secret": "lake-keys", "key": "own", "kind": "Service", "filesystem": "raw", "lifetime": "2h"}
                ]
            })),
        }
    }

    fn fault(&mut self) -> Fault {
        self.faults.pop().unwrap_or(Fault::None)
    }

    /// A call, of the API server or of Azure, whose answer is of no use where it was lost.
    fn call<T>(
        &mut self,
        lost: fn() -> Problem,
        done: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Problem> {
        match self.fault() {
            Fault::None => Ok(done(self)),
            Fault::Lost | Fault::Late => Err(lost()),
            Fault::AnswerLost => {
                done(self);
                Err(lost())
            }
            Fault::DiesBefore => Err(dead()),
            Fault::DiesAfter => {
                done(self);
                Err(dead())
            }
        }
    }

    fn keys_now(&self) -> Keys {
        let key = |name: &'static str| {
            let (times, made) = self.azure[name];
            Key {
                made: self.tells_times.then_some(made),
                value: value(name, times),
            }
        };
        Keys {
            key1: key("key1"),
            key2: key("key2"),
        }
    }

    fn make_anew(&mut self, key: AccountKey) {
        let old = self.keys_now().of(key).value.clone();
        if let Some(stood) = self.stood.get(old.expose()) {
            let ago = self.now.duration_since(*stood);
            // The status keeps whole seconds.
            assert!(
                ago + SignedDuration::from_secs(1) >= INTERVAL,
                "{} was made anew {ago:#} after it stood in the Secret",
                name_of(key)
            );
        }
        let one = self.azure.get_mut(name_of(key)).unwrap();
        *one = (one.0 + 1, self.now);
        self.check();
    }

    /// Time passes, and what is late takes effect.
    pub(super) fn passes(&mut self, seconds: i64) {
        let until = self.now + SignedDuration::from_secs(seconds);
        self.note_what_stands();
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(when, _)| *when <= until);
        self.late = later;
        let due: Vec<(Timestamp, AccountKey)> = due;
        for (when, key) in due {
            self.now = when.max(self.now);
            self.note_what_stands();
            self.make_anew(key);
        }
        self.now = until;
        self.note_what_stands();
    }

    pub(super) fn note_what_stands(&mut self) {
        if let Some(secret) = self.secrets.get("lake-keys") {
            let value = secret.data["accountKey"].expose().to_vec();
            self.stood.insert(value, self.now);
        }
    }

    /// What must hold at any time.
    pub(super) fn check(&self) {
        if self.meddled {
            return;
        }
        let keys = self.keys_now();
        for (name, secret) in &self.secrets {
            if let Some(key) = secret.data.get("accountKey") {
                assert!(
                    keys.which(key).is_some(),
                    "Secret {name} has an invalid key"
                );
            }
            let sheet = &self.wanted.secrets[&name.parse::<ResourceName>().unwrap()];
            for (entry, sas) in &sheet.sas {
                let made = &secret.data[entry];
                let query: BTreeMap<String, String> = url::form_urlencoded::parse(made.expose())
                    .into_owned()
                    .collect();
                let span = Span {
                    from: query["st"].parse().unwrap(),
                    until: query["se"].parse().unwrap(),
                };
                let by = |key: &SecretValue| {
                    token("lakepayments", sas, span, SignWith::Account(key)).as_ref() == Some(made)
                };
                let holds = by(&keys.key1.value) || by(&keys.key2.value);
                assert!(
                    holds || span.until <= self.now,
                    "the signature in Secret {name} is by a key that is invalid"
                );
            }
        }
    }

    fn target(&self, name: &str) -> Option<Target> {
        let secret = self.secrets.get(name)?;
        let intact = secret.intact.then(|| secret.data.keys().cloned().collect());
        Some(Target {
            uid: name.to_owned(),
            version: secret.version.to_string(),
            whose: Whose::Ours,
            dressed: true,
            intact: intact.unwrap_or_else(BTreeSet::new),
            data: BTreeMap::new(),
        })
    }

    pub(super) fn round(&mut self) -> Result<CameTo, Problem> {
        let mut account = account();
        if self.tells_times {
            account.keys_made = self
                .azure
                .iter()
                .map(|(name, (_, made))| ((*name).to_owned(), *made))
                .collect();
        }
        let (mut record, wanted, owner) = (self.status.clone(), self.wanted.clone(), owner());
        let given = Given {
            account: &account,
            wanted: &wanted,
            owner: &owner,
            dry: false,
        };
        let came = block_on(carry_out(self, &given, &mut record))?;
        self.call(dead, |world| world.status = record)?;
        Ok(came)
    }
}

impl Azure for Fake {
    async fn keys(&mut self) -> Result<Keys, Problem> {
        self.call(unknown, |world| world.keys_now())
    }

    async fn renew(&mut self, key: AccountKey, noted: &Record) -> Result<Renewed, Problem> {
        let noted = noted.clone();
        self.call(dead, |world| world.status = noted)?;
        self.note_what_stands();
        let fault = self.fault();
        Ok(Renewed::Sent(match fault {
            Fault::None => {
                self.make_anew(key);
                Ok(self.keys_now())
            }
            Fault::Lost => Err(unknown().answered(409, None)),
            Fault::AnswerLost => {
                self.make_anew(key);
                Err(unknown())
            }
            Fault::Late => {
                self.late
                    .push((self.now + SignedDuration::from_secs(50), key));
                Err(unknown())
            }
            Fault::DiesBefore => return Err(dead()),
            Fault::DiesAfter => {
                self.make_anew(key);
                return Err(dead());
            }
        }))
    }

    async fn delegation(&mut self, _: Timestamp, _: Timestamp) -> Result<DelegationKey, Problem> {
        Err(unknown())
    }
}

impl World for Fake {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn targets(&mut self, wanted: &Wanted) -> Result<Targets, Problem> {
        let names: Vec<ResourceName> = wanted.secrets.keys().cloned().collect();
        self.call(dead, |world| Targets {
            secrets: names
                .into_iter()
                .filter_map(|name| Some((name.clone(), world.target(name.as_str())?)))
                .collect(),
            ..Targets::default()
        })
    }

    async fn held(&mut self, secret: &ResourceName) -> Result<Option<SecretValue>, Problem> {
        let name = secret.as_str().to_owned();
        self.call(dead, |world| {
            let secret = world.secrets.get(&name)?;
            secret.data.get("accountKey").cloned()
        })
    }

    async fn write_config_map(
        &mut self,
        _: &ResourceName,
        _: BTreeMap<String, String>,
        _: Option<&Target>,
    ) -> Result<Target, Problem> {
        Err(dead())
    }

    async fn write_secret(
        &mut self,
        name: &ResourceName,
        data: BTreeMap<String, SecretValue>,
        seen: Option<&Target>,
    ) -> Result<Target, Problem> {
        let name = name.as_str().to_owned();
        let before = self.secrets.get(&name).map(|one| one.version.to_string());
        assert_eq!(before, seen.map(|target| target.version.clone()));
        self.call(dead, |world| {
            world.note_what_stands();
            let version = before.and_then(|text| text.parse::<u32>().ok());
            let written = Written {
                data,
                intact: true,
                version: version.unwrap_or_default() + 1,
            };
            world.secrets.insert(name.clone(), written);
            world.check();
            world.target(&name).unwrap()
        })
    }

    async fn delete(&mut self, _: Kind, _: &str, _: &str) -> Result<(), Problem> {
        Err(dead())
    }
}
