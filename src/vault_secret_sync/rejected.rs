//! What a vault gave and a sync could not use: not asked for again until it changes. Pure.

use std::collections::BTreeMap;

use super::entry::{Entry, ObjectId, Source};
use super::plan::KeyPlan;
use super::valid::Valid;
use crate::azure::key_vault::Object;
use crate::hub::Outcome;
use crate::hub::want::Held;
use crate::problem::{Problem, Reason};

/// What could not be used. No value is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The state of each object that was given.
    objects: BTreeMap<Object, Held>,
    /// What is wrong with each key.
    keys: BTreeMap<String, Problem>,
    /// What is wrong with all of it together.
    pub whole: Option<Problem>,
}

impl Rejected {
    /// What is wrong with an entry.
    pub fn problem(&self, entry: &Entry) -> Option<&Problem> {
        self.keys.get(entry.key.as_str())
    }

    /// The state in which the object of an entry could not be used.
    pub fn of(&self, entry: &Entry) -> Option<&Held> {
        let Source::Secret(part) = &entry.source else {
            return None;
        };
        let concerned = self.whole.is_some() || self.keys.contains_key(entry.key.as_str());
        self.objects.get(&part.id).filter(|_| concerned)
    }

    /// After a plan was made with what was given, and `problem` with the whole came of it.
    #[must_use]
    pub fn after(
        &self,
        valid: &Valid,
        given: &BTreeMap<ObjectId, Outcome>,
        keys: &[KeyPlan],
        problem: Option<&Problem>,
    ) -> Self {
        let whole = problem.filter(|problem| problem.reason == Reason::TooLarge);
        let mut after = Self {
            whole: whole.cloned(),
            ..Self::default()
        };
        for (entry, key) in valid.entries.iter().zip(keys) {
            let outcome = given.get(&entry.object());
            match (&entry.source, outcome) {
                (Source::Secret(part), outcome) => {
                    let state = match outcome {
                        Some(Ok(bundle)) => Some(Held::of(&bundle.facts())),
                        Some(Err(_)) => None,
                        None => self.of(entry).cloned(),
                    };
                    if let Some(state) = state.filter(|_| key.problem.is_some() || whole.is_some())
                    {
                        after.objects.insert(part.id.clone(), state);
                        after.remember(key);
                    }
                }
                // A token that could not be had is asked for again when its problem says so, and not along with others.
                (Source::Token(_), Some(Err(_))) => after.remember(key),
                (Source::Token(_), None) if self.problem(entry).is_some() => after.remember(key),
                (Source::Token(_), _) => {}
            }
        }
        after
    }

    fn remember(&mut self, key: &KeyPlan) {
        let problem = key.problem.clone();
        self.keys
            .extend(problem.map(|problem| (key.key.clone(), problem)));
    }
}
