//! A tree, what a status says of it, and two operators that go through it.

/// So many there are, the directory itself among them.
pub(super) const ENTRIES: u8 = 5;

/// The list of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Entry {
    /// There is no such path.
    Gone,
    /// It is as it was before anything was declared.
    Old,
    /// It has the list of this generation.
    List(u8),
    /// Somebody else has given it one, or made the path.
    Theirs,
}

/// What a status keeps of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Kept {
    /// The list that it is about; 0 where nothing is kept.
    pub(super) list: u8,
    /// Where it goes on, and of which time that is.
    pub(super) place: Option<(u8, u8)>,
    pub(super) since: u32,
    pub(super) done: Option<u32>,
    pub(super) changed: u8,
    pub(super) failures: u8,
}

/// What a round has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Event {
    Filesystem,
    Path(Entry),
    Set,
    Begun,
    Swept {
        changed: u8,
        failed: u8,
        next: Option<(u8, u8)>,
    },
    /// Azure does not know that place any more.
    Lost,
    /// Nobody knows.
    Unsure,
}

/// A round: all that it knows is what it began with and what it has met.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// The spec.
    pub(super) generation: u8,
    pub(super) began: Kept,
    pub(super) events: Vec<Event>,
    /// Where the batch that comes next begins, after one that was done.
    pub(super) then: Option<(u8, u8)>,
    /// Whether somebody has changed the object since.
    pub(super) stale: bool,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) faults: u8,
    pub(super) edits: u8,
    pub(super) others: u8,
    pub(super) forgets: u8,
    /// So often one of the paths fails.
    pub(super) failures: u8,
    pub(super) switches: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) entries: [Entry; ENTRIES as usize],
    /// The path that fails, and how often.
    pub(super) fails: (u8, u8),
    /// Which list is wanted.
    pub(super) generation: u8,
    /// Places of another time Azure does not know any more.
    pub(super) epoch: u8,
    pub(super) now: u32,
    pub(super) status: Kept,
    pub(super) runs: [Option<Run>; 2],
    pub(super) active: u8,
    pub(super) left: Left,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Begin,
    /// The round does the next thing.
    Step,
    /// It notes how far it is.
    Note,
    /// A batch is done, and the answer is lost.
    LoseAnswer,
    /// A batch is not done, and nobody knows.
    Swallow,
    /// The operator dies.
    Dies,
    /// The user declares the other list.
    Edit,
    /// Somebody else gives a path a list, or makes it.
    Touch(u8),
    /// Somebody else deletes it.
    Take(u8),
    /// Azure forgets all places.
    Forget,
    /// The operator stands still, and the other one goes on.
    Switch,
}
