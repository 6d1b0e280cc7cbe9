//! What is next in a lake: its filesystems, directories and files, and who may do what with them. Pure.
//!
//! [`plan`] looks at what was seen in this round and names all that can be done now, reads and writes; none of it depends on the
//! rest, so it may be carried out together and in any order. Whoever asks adds what came of it ([`Seen`], [`came`]), and asks
//! again, until there is nothing. It may ask at any time: what is under way is named again, in the same words, until it is known
//! what came of it. Trouble with a path costs that path, and what is to be made in it; [`outcome`] tells of it.
//!
//! - A directory has its access before anything is made in it, since what is made inherits.
//! - What lies in a tree waits for the tree, which would otherwise take away what was set there.
//! - Nothing is deleted but filesystems that this object has made, that went from its spec, and that were to go with it.
//!
//! [`assume`] takes a step for done, for plans of steps that are not.

pub mod access;
mod came;
mod filesystems;
mod outcome;
mod paths;
mod place;
mod record;
mod seen;
mod step;
mod told;
mod trees;
pub mod valid;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::came::{Came, assume, came};
pub use self::outcome::{Outcome, differences, outcome};
pub use self::place::{Place, Turn};
pub use self::record::{Made, Record};
pub use self::seen::{Content, Contents, Here, Holds, Look, Needs, PathSeen, Seen, Stands};
pub use self::step::Step;
pub use self::valid::Lake;
use crate::azure_resource::api::Mode;
use crate::problem::Problem;

/// Everything that a decision follows from, apart from what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The spec.
    pub lake: &'a Lake,
    /// What its files are to hold, or why that is not known: of each file of the spec.
    pub contents: &'a BTreeMap<Place, Result<Content, Problem>>,
    /// What is known from earlier rounds.
    pub record: &'a Record,
    /// Which part is looked at; none for everything: where the spec has changed or something was left to be done, and when
    /// somebody asks for it.
    pub turn: Option<Turn>,
    /// Whether Azure is written.
    pub mode: Mode,
    /// The time of the round's beginning.
    pub now: Timestamp,
}

/// What can be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Reads.
    pub looks: Vec<Look>,
    /// Writes.
    pub steps: Vec<Step>,
}

impl Batch {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.looks.is_empty() && self.steps.is_empty()
    }
}

/// What a plan finds.
#[derive(Debug, Default)]
struct Found {
    batch: Batch,
    /// What stands in the way, by the field that it is about, in the order of the spec's paths.
    problems: Vec<(String, Problem)>,
    /// Problems that are no more than waiting.
    waits: Vec<(String, Problem)>,
}

/// Decides.
pub fn plan(inputs: &Inputs<'_>, seen: &Seen) -> Batch {
    found(inputs, seen).batch
}

fn found(inputs: &Inputs<'_>, seen: &Seen) -> Found {
    let mut found = Found::default();
    for (name, wanted) in &inputs.lake.filesystems {
        filesystems::wanted(inputs, seen, (name, wanted), &mut found);
    }
    filesystems::dropped(inputs, seen, &mut found);
    found
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
