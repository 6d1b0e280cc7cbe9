//! What becomes of each key. Pure.

use std::collections::BTreeMap;

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::api::OnMissing;
use crate::vault_secret_sync::items::found::{Told, collision};
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::origin::version_of;
use crate::vault_secret_sync::plan::look::Looked;
use crate::vault_secret_sync::plan::{KeyPlan, Times};
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::{Scene, held, opened};

/// One key, and what is put there.
pub struct Row {
    /// How it stands.
    pub plan: KeyPlan,
    /// What is put there.
    pub put: Put,
    /// Whether the status tells of it.
    pub shown: bool,
    /// Whether its object is gone.
    pub gone: bool,
}

/// What becomes of a key.
pub enum Put {
    /// A value, and where it comes from.
    Fresh(SecretValue, String),
    /// The value that is there stays, as this line tells of it.
    Keep(String),
    /// The value that is there goes, since its object is gone.
    Remove(String),
    /// There is none.
    Nothing,
}

/// The rows of all items.
pub struct Rows<'a> {
    /// The items and the Secret.
    pub scene: &'a Scene<'a>,
    /// What the Secret holds of the sync.
    pub share: &'a Share,
    /// The rows.
    pub rows: Vec<Row>,
    /// Which item has which key.
    pub taken: BTreeMap<String, &'a str>,
    /// What is wrong with no single key.
    pub told: Vec<Told>,
}

/// What is said of a key.
#[derive(Default)]
pub struct Says {
    /// The version that the Secret holds after the write.
    pub version: Option<String>,
    /// Its times.
    pub times: Option<Times>,
    /// What is odd about the value.
    pub note: Option<String>,
    /// What is wrong.
    pub problem: Option<Problem>,
}

impl<'a> Rows<'a> {
    /// Adds the keys of an item.
    pub fn add(&mut self, place: usize, item: &'a Item, looked: &Looked, rejected: &Rejected) {
        let keys = self.keys(item, looked);
        let told: &[Problem] = match looked {
            Looked::Fresh { told, .. } => told,
            Looked::Unasked => rejected.told(item),
            Looked::Failed(problem) | Looked::Missing(problem)
                if item.is_open() && keys.is_empty() =>
            {
                std::slice::from_ref(problem)
            }
            Looked::Failed(_) | Looked::Missing(_) => &[],
        };
        self.told.extend(told.iter().map(|problem| Told {
            at: item.at.clone(),
            problem: problem.clone(),
        }));
        for (key, always) in keys {
            if let Some(first) = self.taken.get(&key) {
                let problem = collision(&key, first, &item.at);
                self.told.push(Told {
                    at: item.at.clone(),
                    problem,
                });
                continue;
            }
            self.taken.insert(key.clone(), &item.at);
            let row = self.row(place, item, looked, &key);
            if always || !matches!(row.put, Put::Nothing) {
                self.rows.push(row);
            }
        }
    }

    /// The keys of an item, and whether each is there whenever the item is.
    fn keys(&self, item: &Item, looked: &Looked) -> Vec<(String, bool)> {
        if !item.is_open() {
            let given = item.keys().into_iter();
            return given
                .map(|given| (given.key.to_string(), given.always))
                .collect();
        }
        match looked {
            Looked::Fresh { values, .. } => {
                let keys = values.iter().map(|(key, _)| key.to_string());
                keys.map(|key| (key, true)).collect()
            }
            Looked::Unasked | Looked::Failed(_) | Looked::Missing(_) => {
                let opened = opened(item, self.scene.items, self.share).into_iter();
                opened.map(|key| (key.to_owned(), true)).collect()
            }
        }
    }

    fn row(&self, place: usize, item: &Item, looked: &Looked, key: &str) -> Row {
        let held = held(key, self.share);
        let before = held.map(|line| version_of(line).to_owned());
        let kept = || held.map_or(Put::Nothing, |line| Put::Keep(line.to_owned()));
        let same = |problem: Option<&Problem>| Says {
            version: before.clone(),
            problem: problem.cloned(),
            ..Says::default()
        };
        let rival = self.scene.left_to(key);
        let rival = rival.map(|rival| claimed(self.scene, key, &rival.name));
        let mut shown = true;
        let (says, put) = match looked {
            _ if rival.is_some() => (same(rival.as_ref()), kept()),
            Looked::Unasked => (same(None), kept()),
            Looked::Failed(problem) => (same(Some(problem)), kept()),
            Looked::Missing(problem) => {
                let problem = Some(problem).filter(|_| !item.optional);
                let remove = self.scene.valid.on_missing == OnMissing::Remove;
                shown = problem.is_some() || held.is_some() && !remove;
                if let Some(line) = held.filter(|_| remove) {
                    let says = Says {
                        version: None,
                        ..same(problem)
                    };
                    (says, Put::Remove(line.to_owned()))
                } else {
                    let gone = "its object is not in the vault any more; the last value stays, as spec.onMissing says";
                    let note = Some(gone.to_owned()).filter(|_| item.optional);
                    let says = Says {
                        note,
                        ..same(problem)
                    };
                    (says, kept())
                }
            }
            Looked::Fresh {
                values,
                times,
                line,
                ..
            } => {
                let value = values.iter().find(|(name, _)| name.as_str() == key);
                let says = Says {
                    version: value.map(|_| version_of(line).to_owned()),
                    times: Some(*times),
                    note: looked.note(key),
                    problem: None,
                };
                let put = value.map_or(Put::Nothing, |(_, value)| {
                    Put::Fresh(value.clone(), line.clone())
                });
                (says, put)
            }
        };
        let object = item.object_name();
        Row {
            plan: planned(key, Some(place), object, before, says),
            put,
            shown,
            gone: matches!(looked, Looked::Missing(_)),
        }
    }
}

/// How a key stands. What no item gives has no place among them.
pub fn planned(
    key: &str,
    item: Option<usize>,
    object: String,
    held: Option<String>,
    says: Says,
) -> KeyPlan {
    KeyPlan {
        key: key.to_owned(),
        item: item.unwrap_or(usize::MAX),
        object,
        version: says.version,
        held,
        times: says.times,
        note: says.note,
        problem: says.problem,
    }
}

/// The keys that were found earlier and are not found now.
pub fn earlier(scene: &Scene<'_>, share: &Share) -> Vec<Row> {
    let kept = scene.past.kept.iter().map(|key| (key, false));
    let gone = scene.past.gone.iter().map(|key| (key, true));
    let rows = kept.chain(gone).filter_map(|(key, goes)| {
        let line = held(key, share)?;
        let version = Some(version_of(line).to_owned());
        let object = line.split(['/', '#']).next().unwrap_or_default().to_owned();
        let says = Says {
            version: version.clone().filter(|_| !goes),
            ..Says::default()
        };
        let line = line.to_owned();
        Some(Row {
            plan: planned(key, None, object, version, says),
            put: if goes {
                Put::Remove(line)
            } else {
                Put::Keep(line)
            },
            shown: !goes,
            gone: goes,
        })
    });
    rows.collect()
}

/// The problem of a key that a rival has.
pub fn claimed(scene: &Scene<'_>, key: &str, rival: &str) -> Problem {
    let message = format!(
        "key {key} of Secret {} is claimed by VaultSecretSync {rival}, which came first: name another key, or another Secret in spec.target.name",
        scene.valid.target.name
    );
    Problem::new(Reason::TargetClaimed, Retry::OnChange, message)
}
