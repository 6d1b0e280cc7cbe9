//! What a vault gave and a sync could not use: not asked for again until it changes. Pure.

use std::collections::BTreeMap;

use crate::hub::Outcome;
use crate::hub::want::Held;
use crate::problem::{Problem, Reason};
use crate::vault_secret_sync::items::found::Told;
use crate::vault_secret_sync::items::item::{Item, Located, ObjectId};
use crate::vault_secret_sync::plan::KeyPlan;
use crate::vault_secret_sync::plan::made::Waiting;

/// What could not be used. No value is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The state of each object that was given.
    objects: BTreeMap<Located, Held>,
    /// What is wrong with each item, by where it stands.
    items: BTreeMap<String, Wrong>,
    /// What is wrong with all of it together.
    pub whole: Option<Problem>,
    /// What is wrong with keys that templates make.
    pub made: BTreeMap<String, Problem>,
    /// Whether everything was given at once, for what had changed without a new version, and something waits all the same.
    pub tried: bool,
}

/// What came of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes<'a> {
    /// How each key stands.
    pub keys: &'a [KeyPlan],
    /// How each value stands that is only what templates are made of.
    pub inputs: &'a [KeyPlan],
    /// What is wrong with sources.
    pub told: &'a [Told],
    /// What is wrong with the whole.
    pub problem: Option<&'a Problem>,
    /// What was given and is not in the Secret yet.
    pub waiting: &'a Waiting,
}

/// What is wrong with an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wrong {
    /// With all of it.
    whole: Option<Problem>,
    /// With parts of it that are no keys.
    told: Vec<Problem>,
}

impl Rejected {
    /// What is wrong with an item.
    pub fn problem(&self, item: &Item) -> Option<&Problem> {
        self.items.get(&item.at)?.whole.as_ref()
    }

    /// What is wrong with parts of an item.
    pub fn told(&self, item: &Item) -> &[Problem] {
        let wrong = self.items.get(&item.at);
        wrong.map_or(&[], |wrong| wrong.told.as_slice())
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
        outcomes: Outcomes<'_>,
    ) -> Self {
        let Outcomes {
            keys,
            inputs,
            told,
            problem,
            waiting,
        } = outcomes;
        let of_all = |reason| {
            matches!(
                reason,
                Reason::TooLarge
                    | Reason::TargetIncomplete
                    | Reason::TargetImmutable
                    | Reason::TargetRefused
            )
        };
        let whole = problem.filter(|problem| of_all(problem.reason));
        let of_template = |key: &&KeyPlan| key.item == usize::MAX;
        let made = keys.iter().filter(of_template);
        let made = made.filter_map(|key| Some((key.key.clone(), key.problem.clone()?)));
        let mut after = Self {
            whole: whole.cloned(),
            made: made.collect(),
            tried: waiting.held_up && (self.tried || given.values().any(Result::is_ok)),
            ..Self::default()
        };
        for (place, item) in items.iter().enumerate() {
            let of_item = keys.iter().chain(inputs).filter(|key| key.item == place);
            let mut of_item = of_item.peekable();
            // Without a key nothing is recorded, be it that nothing is wrong.
            let bare = of_item.peek().is_none();
            let problem = of_item.find_map(|key| key.problem.clone());
            let told = told.iter().filter(|told| told.at == item.at);
            let told: Vec<Problem> = told.map(|told| told.problem.clone()).collect();
            // What an item without keys tells is all that there is to tell.
            let problem = problem.or_else(|| told.first().filter(|_| bare).cloned());
            let wrong = problem.is_some() || !told.is_empty();
            // What was given earlier still waits where something does.
            let given_now = item.needs().iter().any(|need| given.contains_key(need));
            let unused = waiting.items.contains(&place)
                || waiting.held_up && !given_now && self.items.contains_key(&item.at);
            if !wrong && !bare && !unused && whole.is_none() {
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
            if known && (wrong || bare || unused) {
                let wrong = Wrong {
                    told: told.into_iter().filter(|_| problem.is_none()).collect(),
                    whole: problem,
                };
                after.items.insert(item.at.clone(), wrong);
            }
        }
        after
    }
}
