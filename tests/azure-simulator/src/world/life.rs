//! What the resource manager keeps of every resource besides what it was asked for.

use super::{moment::Moment, subscription::Going};

/// Who changed something, as `systemData` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) name: String,
    /// `User` or `Application`.
    pub(crate) kind: &'static str,
}

impl Default for Actor {
    fn default() -> Self {
        Self {
            name: "seed".to_owned(),
            kind: "Application",
        }
    }
}

/// The life of a resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) created_by: Actor,
    pub(crate) created: Moment,
    pub(crate) modified_by: Actor,
    pub(crate) modified: Moment,
    /// From when on it has a name and a data plane.
    pub(crate) ready: Moment,
    /// Its making ends in a failure.
    pub(crate) fails: bool,
    /// It is being deleted.
    pub(crate) going: Option<Going>,
}

impl Life {
    pub(crate) fn of_new(actor: Actor, now: Moment) -> Self {
        Self {
            created_by: actor.clone(),
            created: now,
            modified_by: actor,
            modified: now,
            // What takes no time is there, whatever becomes of the clock.
            ready: Moment::default(),
            fails: false,
            going: None,
        }
    }

    pub(crate) fn touch(&mut self, actor: Actor, now: Moment) {
        self.modified_by = actor;
        self.modified = now;
    }

    /// `provisioningState`; `making` is the word for what is not ready yet.
    pub(crate) fn state(&self, now: Moment, making: &'static str) -> &'static str {
        match (self.going, now < self.ready) {
            (Some(_), _) => "Deleting",
            (None, true) => making,
            (None, false) if self.fails => "Failed",
            (None, false) => "Succeeded",
        }
    }

    /// Whether its name resolves.
    pub(crate) fn resolves(&self, now: Moment) -> bool {
        self.ready <= now && !self.fails
    }

    /// Ends a deletion whose time has come; gives whether the resource is gone then.
    pub(crate) fn ends(&mut self, now: Moment) -> bool {
        let Some(end) = self.going.filter(|end| end.at <= now) else {
            return false;
        };
        self.going = None;
        !end.fails
    }

    /// When something happens to it by itself.
    pub(crate) fn dues(&self) -> impl Iterator<Item = Moment> {
        self.going
            .map(|going| going.at)
            .into_iter()
            .chain([self.ready])
    }
}
