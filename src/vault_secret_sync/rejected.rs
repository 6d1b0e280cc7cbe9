//! What a vault gave and a sync could not use: not asked for again until it changes. Pure.

use std::collections::BTreeMap;

use super::item::{Item, Located, ObjectId};
use super::plan::KeyPlan;
use crate::hub::Outcome;
use crate::hub::want::Held;
use crate::problem::{Problem, Reason};

/// What could not be used. No value is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The state of each object that was given.
    objects: BTreeMap<Located, Held>,
    /// What is wrong with each item, by where it stands.
    items: BTreeMap<String, Problem>,
    /// What is wrong with all of it together.
    pub whole: Option<Problem>,
}

impl Rejected {
    /// What is wrong with an item.
    pub fn problem(&self, item: &Item) -> Option<&Problem> {
        self.items.get(&item.at)
    }

    /// The state in which an object that an item needs could not be used.
    pub fn of(&self, item: &Item, object: &Located) -> Option<&Held> {
        let concerned = self.whole.is_some() || self.items.contains_key(&item.at);
        self.objects.get(object).filter(|_| concerned)
    }

    /// After a plan was made with what was given, and `problem` with the whole came of it.
    #[must_use]
    pub fn after(
        &self,
        items: &[Item],
        given: &BTreeMap<ObjectId, Outcome>,
        keys: &[KeyPlan],
        problem: Option<&Problem>,
    ) -> Self {
        let of_all = |reason| matches!(reason, Reason::TooLarge | Reason::TargetIncomplete);
        let whole = problem.filter(|problem| of_all(problem.reason));
        let mut after = Self {
            whole: whole.cloned(),
            ..Self::default()
        };
        for (place, item) in items.iter().enumerate() {
            let mut of_item = keys.iter().filter(|key| key.item == place);
            let problem = of_item.find_map(|key| key.problem.as_ref());
            if problem.is_none() && whole.is_none() {
                continue;
            }
            let mut known = false;
            for need in item.needs() {
                let state = match (given.get(&need), need.located()) {
                    (Some(Ok(bundle)), Some(_)) => Some(Held::of(&bundle.facts())),
                    (None, Some(object)) => self.of(item, object).cloned(),
                    (Some(Err(_)), _) | (_, None) => None,
                };
                // A token that could not be had is asked for again when its problem says so, and not along with others.
                known |= match given.get(&need) {
                    _ if need.located().is_some() => false,
                    Some(outcome) => outcome.is_err(),
                    None => self.problem(item).is_some(),
                };
                if let (Some(state), Some(object)) = (state, need.located()) {
                    known = true;
                    after.objects.insert(object.clone(), state);
                }
            }
            if let Some(problem) = problem.filter(|_| known) {
                after.items.insert(item.at.clone(), problem.clone());
            }
        }
        after
    }
}
