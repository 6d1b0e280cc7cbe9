//! The product's own outputs, asked what they do next: the future that carries them out is given the answers that it has had so far,
//! and stops where it wants another.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use lakevault::azure::lake::delegation::DelegationKey;
use lakevault::data_lake_account::api::{
    AccountKey, EndpointsStatus, Generation, KeysStatus, RenewingStatus,
};
use lakevault::data_lake_account::outputs::carry::{Azure, Given, Renewed, World, carry_out};
use lakevault::data_lake_account::outputs::record::{Record, name_of};
use lakevault::data_lake_account::outputs::seen::{Key, Keys, Kind, Target, Targets, Whose};
use lakevault::data_lake_account::outputs::wanted::{KEYS, Wanted};
use lakevault::data_lake_account::outputs::{Account, Owner, render};
use lakevault::names::ResourceName;
use lakevault::problem::{Problem, Reason};
use lakevault::retry::{Retry, after};
use lakevault::secret::SecretValue;

use super::Flaw;
use super::world::{Kept, Renewing, Run, Value};

/// What it wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Targets,
    Keys,
    Held,
    WriteMap {
        whole: bool,
    },
    /// With this key; none where something is missing.
    WriteSecret(Option<Value>),
    /// What is kept is written into the status at once.
    Note(Kept),
    /// A key is to be made anew, after this was noted.
    Send {
        key: u8,
        noted: Kept,
    },
    /// It is done; what is kept goes into the status. None where the API server is to be asked anew.
    End(Option<Kept>),
}

/// What came of it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) at: u32,
    pub(super) reply: Reply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    /// What is there of ConfigMap and Secret: whether it is as it was written.
    Targets {
        map: Option<bool>,
        secret: Option<bool>,
    },
    /// How often each key was made anew, and when last.
    Keys([(u8, u32); 2]),
    Held(Option<Value>),
    Done,
    /// It met somebody else's write.
    Conflict,
    /// It was not done.
    Refused,
    /// Nobody knows.
    Lost,
}

/// What is wanted of outputs, and told of the account.
pub(super) struct Wants {
    pub(super) wanted: Wanted,
    pub(super) tells_times: bool,
    pub(super) flaw: Option<Flaw>,
}

pub(super) fn time(seconds: u32) -> Timestamp {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    after(begin, Duration::from_secs(u64::from(seconds)))
}

fn seconds(time: Timestamp) -> u32 {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    u32::try_from(time.duration_since(begin).as_secs()).unwrap()
}

pub(super) fn key(which: u8) -> AccountKey {
    if which == 0 {
        AccountKey::Key1
    } else {
        AccountKey::Key2
    }
}

fn which(key: AccountKey) -> u8 {
    u8::from(key == AccountKey::Key2)
}

fn text(value: Value) -> String {
    format!("{}-{}", name_of(key(value.key)), value.times)
}

/// The key that a text is.
fn value(bytes: &[u8]) -> Option<Value> {
    let (name, times) = std::str::from_utf8(bytes).ok()?.split_once('-')?;
    Some(Value {
        key: u8::from(name == "key2"),
        times: times.parse().ok()?,
    })
}

impl Kept {
    fn record(self) -> Record {
        let at = |seconds: u32| Time(time(seconds));
        let moment = |seconds: u32| MicroTime(time(seconds));
        let keys = self.in_use.map(|in_use| KeysStatus {
            in_use: key(in_use),
            created: self.created.map(moment),
            since: self.since.map(at),
            renewing: self.renewing.map(|renewing| RenewingStatus {
                key: key(renewing.key),
                was: renewing.was.map(moment),
                until: at(renewing.until),
            }),
        });
        Record {
            keys,
            sas: Vec::new(),
        }
    }

    fn of(record: &Record) -> Self {
        let Some(keys) = &record.keys else {
            return Self::default();
        };
        Self {
            in_use: Some(which(keys.in_use)),
            created: keys.created.as_ref().map(|time| seconds(time.0)),
            since: keys.since.as_ref().map(|time| seconds(time.0)),
            renewing: keys.renewing.as_ref().map(|renewing| Renewing {
                key: which(renewing.key),
                was: renewing.was.as_ref().map(|time| seconds(time.0)),
                until: seconds(renewing.until.0),
            }),
        }
    }
}

fn account(wants: &Wants, made: [u32; 2]) -> Account {
    let host = |service: &str| Some(format!("https://lakea.{service}.core.windows.net/"));
    let told =
        [(0, made[0]), (1, made[1])].map(|(which, at)| (name_of(key(which)).to_owned(), time(at)));
    Account {
        name: "lakea".to_owned(),
        id: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lakea"
            .to_owned(),
        location: "westeurope".to_owned(),
        generation: Generation::Gen2,
        endpoints: EndpointsStatus {
            dfs: host("dfs"),
            blob: host("blob"),
            ..EndpointsStatus::default()
        },
        filesystems: vec!["raw".to_owned()],
        suffix: "core.windows.net".to_owned(),
        shared_keys: true,
        keys_made: if wants.tells_times {
            BTreeMap::from(told)
        } else {
            BTreeMap::new()
        },
    }
}

/// Whether a request may be sent so long after its note, as the product says.
pub(super) fn may_be_sent(noted: Kept, now: u32) -> bool {
    noted.record().may_be_sent(time(now))
}

/// What a round wants next.
pub(super) fn ask(wants: &Wants, run: &Run) -> Asks {
    let account = account(wants, run.made);
    let owner = Owner {
        namespace: "team".to_owned(),
        name: "lakea".to_owned(),
        uid: "uid-1".to_owned(),
    };
    let given = Given {
        account: &account,
        wanted: &wants.wanted,
        owner: &owner,
        dry: false,
    };
    let mut ghost = Ghost {
        wants,
        facts: render::config_map(&account),
        began: run.began,
        answers: &run.answers,
        next: 0,
        asks: None,
    };
    let mut record = run.kept.record();
    let came = {
        let future = pin!(carry_out(&mut ghost, &given, &mut record));
        future.poll(&mut Context::from_waker(Waker::noop()))
    };
    match came {
        Poll::Pending => ghost.asks.unwrap(),
        Poll::Ready(Ok(_)) => Asks::End(Some(Kept::of(&record))),
        Poll::Ready(Err(_)) => Asks::End(None),
    }
}

struct Ghost<'a> {
    wants: &'a Wants,
    facts: BTreeMap<String, String>,
    began: u32,
    answers: &'a [Answer],
    next: usize,
    asks: Option<Asks>,
}

fn conflict() -> Problem {
    Problem::new(Reason::Conflict, Retry::Backoff, "it has changed")
}

fn unknown() -> Problem {
    Problem::new(Reason::TimedOut, Retry::Backoff, "no answer")
}

impl Ghost<'_> {
    async fn call(&mut self, asks: Asks) -> Reply {
        let Some(answer) = self.answers.get(self.next) else {
            self.asks = Some(asks);
            return pending().await;
        };
        self.next += 1;
        answer.reply
    }

    fn keys_of(&self, told: [(u8, u32); 2]) -> Keys {
        let one = |which: u8| {
            let (times, made) = told[usize::from(which)];
            let value = Value { key: which, times };
            Key {
                made: self.wants.tells_times.then(|| time(made)),
                value: SecretValue::from(text(value)),
            }
        };
        Keys {
            key1: one(0),
            key2: one(1),
        }
    }

    fn target(names: BTreeSet<String>, data: BTreeMap<String, String>, intact: bool) -> Target {
        Target {
            uid: "uid".to_owned(),
            version: "1".to_owned(),
            whose: Whose::Ours,
            dressed: true,
            intact: if intact { names } else { BTreeSet::new() },
            data: if intact { data } else { BTreeMap::new() },
        }
    }

    fn map(&self, intact: bool) -> Target {
        let names = self.facts.keys().cloned().collect();
        Self::target(names, self.facts.clone(), intact)
    }
}

fn secret(intact: bool) -> Target {
    let names = KEYS.into_iter().map(str::to_owned).collect();
    Ghost::target(names, BTreeMap::new(), intact)
}

impl Azure for Ghost<'_> {
    async fn keys(&mut self) -> Result<Keys, Problem> {
        let Reply::Keys(told) = self.call(Asks::Keys).await else {
            return Err(unknown());
        };
        Ok(self.keys_of(told))
    }

    async fn renew(&mut self, key: AccountKey, noted: &Record) -> Result<Renewed, Problem> {
        let kept = Kept::of(noted);
        let is_noted = self.wants.flaw != Some(Flaw::Unnoted);
        if is_noted && self.call(Asks::Note(kept)).await != Reply::Done {
            return Err(conflict());
        }
        let send = Asks::Send {
            key: which(key),
            noted: kept,
        };
        let reply = self.call(send).await;
        Ok(Renewed::Sent(match reply {
            Reply::Keys(told) => Ok(self.keys_of(told)),
            Reply::Refused => Err(unknown().answered(409, None)),
            Reply::Targets { .. }
            | Reply::Held(_)
            | Reply::Done
            | Reply::Conflict
            | Reply::Lost => Err(unknown()),
        }))
    }

    async fn delegation(&mut self, _: Timestamp, _: Timestamp) -> Result<DelegationKey, Problem> {
        Err(unknown())
    }
}

impl World for Ghost<'_> {
    /// The time of the last answer: whatever comes after may take any time.
    fn now(&self) -> Timestamp {
        let last = self
            .next
            .checked_sub(1)
            .and_then(|last| self.answers.get(last));
        time(last.map_or(self.began, |answer| answer.at))
    }

    async fn targets(&mut self, wanted: &Wanted) -> Result<Targets, Problem> {
        let Reply::Targets { map, secret: there } = self.call(Asks::Targets).await else {
            return Err(conflict());
        };
        let name = wanted.keys().map(|(name, _)| name.clone());
        let config_map = map.map(|intact| self.map(intact));
        Ok(Targets {
            config_map,
            secrets: name.zip(there.map(secret)).into_iter().collect(),
            labelled: Vec::new(),
        })
    }

    async fn held(&mut self, _: &ResourceName) -> Result<Option<SecretValue>, Problem> {
        let Reply::Held(held) = self.call(Asks::Held).await else {
            return Err(conflict());
        };
        Ok(held.map(|held| SecretValue::from(text(held))))
    }

    async fn write_config_map(
        &mut self,
        _: &ResourceName,
        data: BTreeMap<String, String>,
        _: Option<&Target>,
    ) -> Result<Target, Problem> {
        let whole = !data.is_empty() && data == self.facts;
        let done = self.call(Asks::WriteMap { whole }).await == Reply::Done;
        done.then(|| self.map(true)).ok_or_else(conflict)
    }

    async fn write_secret(
        &mut self,
        _: &ResourceName,
        data: BTreeMap<String, SecretValue>,
        _: Option<&Target>,
    ) -> Result<Target, Problem> {
        let whole = KEYS
            .iter()
            .all(|name| data.get(*name).is_some_and(|one| !one.is_empty()));
        let with = data.get("accountKey").filter(|_| whole);
        let with = with.and_then(|with| value(with.expose()));
        let done = self.call(Asks::WriteSecret(with)).await == Reply::Done;
        done.then(|| secret(true)).ok_or_else(conflict)
    }

    async fn delete(&mut self, _: Kind, _: &str, _: &str) -> Result<(), Problem> {
        Err(conflict())
    }
}
