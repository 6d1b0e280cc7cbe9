//! What is seen in a round, really or as it would be once all that is planned is done. Pure.

use jiff::Timestamp;

use super::planner::{Inputs, Planner, Write};

/// What is seen in a round, really or as it would be.
#[derive(Debug)]
pub struct Sight<P: Planner> {
    /// What decisions are made on.
    pub seen: P::Seen,
    /// What was really seen, as soon as `seen` holds what is only assumed.
    pub real: Option<P::Seen>,
    /// What would be done.
    pub planned: Vec<String>,
    /// Whether the resource would be made.
    pub creates: bool,
    /// What was done.
    pub did: Vec<String>,
    /// When the round began.
    pub began: Timestamp,
}

impl<P: Planner> Sight<P> {
    /// What was seen at the beginning.
    pub fn new(seen: P::Seen, began: Timestamp) -> Self {
        Self {
            seen,
            real: None,
            planned: Vec::new(),
            creates: false,
            did: Vec::new(),
            began,
        }
    }

    /// Takes a step for done.
    pub fn assume(&mut self, inputs: &Inputs<'_, P>, step: &P::Step) {
        self.real.get_or_insert_with(|| self.seen.clone());
        P::assume(inputs, step, &mut self.seen);
        self.planned.push(step.to_string());
        self.creates |= step.creates();
    }

    /// Something would be done that no step of the plan is.
    pub fn plans(&mut self, what: impl Into<String>) {
        self.real.get_or_insert_with(|| self.seen.clone());
        self.planned.push(what.into());
    }

    /// Takes a look for done, where there is nothing yet that it could really show.
    pub fn imagines(&mut self, look: &P::Look) -> bool {
        let only_planned = self
            .real
            .as_ref()
            .is_some_and(|real| P::is_only_planned(look, real));
        if only_planned {
            P::imagine(look, &mut self.seen);
        }
        only_planned
    }

    /// Where what is really seen goes.
    pub fn really(&mut self) -> &mut P::Seen {
        self.real.as_mut().unwrap_or(&mut self.seen)
    }

    /// A look was made: it counts for decisions, too.
    pub fn looked(&mut self, look: &P::Look) {
        if let Some(real) = &self.real {
            P::copy(look, real, &mut self.seen);
        }
    }
}
