//! The keys that templates make of what items give. Pure.
//!
//! A key is made anew only with all of its values at hand, which are all asked for as soon as one of them changes. Where one of
//! them cannot be had, or the template cannot be rendered, the key keeps what it has; other keys go on.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Problem, Reason};
use crate::secret::SecretValue;
use crate::template::{Meta, Needs};
use crate::vault_secret_sync::items::found::Told;
use crate::vault_secret_sync::items::origin::version_of;
use crate::vault_secret_sync::plan::rows::{Put, Row, Says, claimed, planned};
use crate::vault_secret_sync::plan::{KeyPlan, Times};
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::valid::Templates;
use crate::vault_secret_sync::wants::inputs::{line, seed, uses};
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::{Scene, held};

/// The keys of the Secret.
#[derive(Default)]
pub struct Made {
    /// Each of them.
    pub rows: Vec<Row>,
    /// What is only what templates are made of.
    pub inputs: Vec<KeyPlan>,
    /// What is recorded of the values that templates are made of.
    pub values: BTreeMap<String, String>,
    /// What was given and is not in the Secret yet.
    pub waiting: Waiting,
}

/// What was given and is not in the Secret yet. It is not asked for again and again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The places of items whose values no template could use so far.
    pub items: BTreeSet<usize>,
    /// Whether a key waits for something.
    pub held_up: bool,
}

/// What of the whole a template must know: whether something was not asked for, and what is wrong with sources.
type Whole<'a> = (bool, &'a [Told]);

/// Makes the keys. Without templates they are what items give.
pub fn made(
    scene: &Scene<'_>,
    part: &Share,
    rows: Vec<Row>,
    whole: Whole<'_>,
    rejected: &Rejected,
) -> Made {
    let Some(templates) = &scene.valid.templates else {
        return Made {
            rows,
            ..Made::default()
        };
    };
    let kitchen = Kitchen {
        templates,
        rows: rows
            .iter()
            .map(|row| (row.plan.key.as_str(), row))
            .collect(),
        whole,
    };
    let keys = templates.template.keys();
    let own: Vec<Row> = keys
        .map(|key| {
            let rival = scene.claimed(key);
            let dish = match rival {
                Some(rival) => Dish::Cannot(claimed(scene, key, &rival.name)),
                None => kitchen.dish(key, rejected),
            };
            kitchen.row(key, dish, held(key, part))
        })
        .collect();
    let stuck: Vec<&Needs> = own
        .iter()
        .filter(|row| !matches!(row.put, Put::Fresh(..)) && scene.claimed(&row.plan.key).is_none())
        .filter_map(|row| templates.template.needs(&row.plan.key))
        .collect();
    let mut made = Made {
        waiting: Waiting {
            items: BTreeSet::new(),
            held_up: own.iter().any(|row| row.plan.problem.is_some()),
        },
        ..Made::default()
    };
    for row in rows {
        made.add(scene, part, row, &stuck);
    }
    made.rows.extend(own);
    made
}

impl Made {
    /// Adds what an item gives: what is recorded of it, and the key where the Secret holds it. `stuck` are needs that were not
    /// met; a value that one of them goes by is recorded as it was, since the key still is what was made of that.
    fn add(&mut self, scene: &Scene<'_>, part: &Share, mut row: Row, stuck: &[&Needs]) {
        let key = row.plan.key.clone();
        let before = part.record.values.get(&key).cloned();
        let used = !stuck.iter().any(|needs| uses(needs, &key));
        let line = match &row.put {
            Put::Fresh(_, line) if used => Some(line.clone()),
            Put::Remove(_) if used => None,
            Put::Fresh(..) => {
                self.waiting.items.insert(row.plan.item);
                before
            }
            Put::Remove(_) | Put::Keep(_) | Put::Nothing => before,
        };
        self.values.extend(line.map(|line| (key.clone(), line)));
        if !scene.valid.holds(&key) {
            self.inputs.push(row.plan);
            return;
        }
        // What the record of values tells may be older than the key itself.
        if let Put::Keep(_) | Put::Nothing = row.put {
            let own = held(&key, part).filter(|_| !row.gone || matches!(row.put, Put::Keep(_)));
            row.plan.version = own.map(|line| version_of(line).to_owned());
            row.put = own.map_or(Put::Nothing, |line| Put::Keep(line.to_owned()));
        }
        row.plan.held = held(&key, part).map(|line| version_of(line).to_owned());
        self.rows.push(row);
    }
}

/// Where templates get their values from.
struct Kitchen<'a> {
    templates: &'a Templates,
    rows: BTreeMap<&'a str, &'a Row>,
    whole: Whole<'a>,
}

/// What comes of a template.
enum Dish {
    /// A value, and the line of it.
    Ready(SecretValue, String),
    /// Nothing, for this reason.
    Cannot(Problem),
    /// Not all that it needs was given: it is as it was.
    Unasked(Option<Problem>),
}

impl Kitchen<'_> {
    fn dish(&self, key: &str, rejected: &Rejected) -> Dish {
        let Templates { template, meta, .. } = self.templates;
        let before = || Dish::Unasked(rejected.made.get(key).cloned());
        let Some(needs) = template.needs(key) else {
            return before();
        };
        let (mut values, mut lines) = (BTreeMap::new(), BTreeMap::new());
        for (name, row) in self.used(needs) {
            let row = match row {
                Some(row) => row,
                // A name that nothing gives, or nothing as far as is known.
                None if self.whole.0 => return before(),
                None => match self.failing() {
                    Some(problem) => return Dish::Cannot(named(key, problem)),
                    None => continue,
                },
            };
            match (&row.put, &row.plan.problem) {
                (Put::Fresh(value, line), _) => {
                    values.insert(name.to_owned(), value.clone());
                    lines.insert(name.to_owned(), line.clone());
                }
                (Put::Remove(_), _) => {}
                (_, Some(problem)) => return Dish::Cannot(named(key, problem)),
                (Put::Nothing, None) if row.gone => {}
                (Put::Keep(_) | Put::Nothing, None) => return before(),
            }
        }
        if needs.all {
            if self.whole.0 {
                return before();
            }
            if let Some(problem) = self.failing() {
                return Dish::Cannot(named(key, problem));
            }
        }
        let meta = Meta {
            seed: seed(template, key, &lines),
            ..meta.clone()
        };
        match (
            template.render_key(key, &values, &meta),
            line(template, key, &lines),
        ) {
            (Ok(value), Some(line)) => Dish::Ready(value, line),
            (Ok(_), None) => before(),
            (Err(problem), _) => Dish::Cannot(problem),
        }
    }

    /// The values that a template goes by: those that it names, or all that there are.
    fn used<'n>(&'n self, needs: &'n Needs) -> BTreeMap<&'n str, Option<&'n Row>> {
        let row = |name: &str| self.rows.get(name).copied();
        let names = needs.names.keys().map(|name| (name.as_str(), row(name)));
        let all = self.rows.iter().filter(|_| needs.all);
        names
            .chain(all.map(|(name, row)| (*name, Some(*row))))
            .collect()
    }

    /// What keeps a source from telling all that it has. Entries that were left out do not.
    fn failing(&self) -> Option<&Problem> {
        let left_out = |reason: Reason| matches!(reason, Reason::KeyCollision | Reason::EmptyValue);
        let mut problems = self.whole.1.iter().map(|told| &told.problem);
        problems.find(|problem| !left_out(problem.reason))
    }

    fn row(&self, key: &str, dish: Dish, held: Option<&str>) -> Row {
        let version = |line: &str| version_of(line).to_owned();
        let before = held.map(version);
        let kept = held.map_or(Put::Nothing, |line| Put::Keep(line.to_owned()));
        let same = |problem| Says {
            version: before.clone(),
            problem,
            ..Says::default()
        };
        let (says, put) = match dish {
            Dish::Ready(value, line) => {
                let says = Says {
                    version: Some(version(&line)),
                    times: Some(self.times(key)),
                    note: self.sources(key).find_map(|row| row.plan.note.clone()),
                    problem: None,
                };
                (says, Put::Fresh(value, line))
            }
            Dish::Cannot(problem) => (same(Some(problem)), kept),
            Dish::Unasked(problem) => (same(problem), kept),
        };
        let mut objects: Vec<&str> = Vec::new();
        for row in self.sources(key) {
            if !objects.contains(&row.plan.object.as_str()) {
                objects.push(&row.plan.object);
            }
        }
        let plan = planned(key, None, objects.join(", "), before, says);
        Row {
            plan,
            put,
            shown: true,
            gone: false,
        }
    }

    fn sources(&self, key: &str) -> impl Iterator<Item = &Row> {
        let needs = self.templates.template.needs(key);
        let rows = self.rows.iter();
        rows.filter(move |(name, _)| needs.is_some_and(|needs| uses(needs, name)))
            .map(|(_, row)| *row)
    }

    /// When the newest of its objects was updated, and when the first of them ends.
    fn times(&self, key: &str) -> Times {
        let times = || self.sources(key).filter_map(|row| row.plan.times);
        Times {
            updated: times().filter_map(|times| times.updated).max(),
            expires: times().filter_map(|times| times.expires).min(),
        }
    }
}

/// The problem of a value is one of the key that is made of it.
fn named(key: &str, problem: &Problem) -> Problem {
    Problem {
        message: format!(
            "a value of spec.template.data[{key:?}] is not there: {}",
            problem.message
        ),
        ..problem.clone()
    }
}

#[cfg(test)]
#[path = "made_tests.rs"]
mod tests;
