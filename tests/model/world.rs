//! The world around one resource, as small as it can be: the object and its history, Azure, requests on their way, one reconcile.
//!
//! Time is relative. A note of a write is open or not; [`Act::Minute`] is more time than a request may take, and closes all.

use std::fmt;

use lakevault::azure_resource::order::Gone;

/// Whose tag a resource bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    Bare,
    /// That of an object of our name, by its uid.
    Ours(u8),
    Foreign,
}

/// What Azure is at: with a live resource making it, with a deleted one purging it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Going {
    No,
    Yes,
    Failed,
}

/// What has the name in Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Azure {
    Absent,
    Live { sku: u8, tag: Tag, busy: Going },
    Soft { sku: u8, tag: Tag, going: Going },
}

/// A write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Create,
    Recover,
    Purge,
    Update,
    Delete,
    Release,
}

/// The note of a write: of which, for which generation, whether its request may still take effect, whether Azure tells of it,
/// and whether it was noted before an earlier one was known to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    pub(crate) kind: Kind,
    pub(crate) generation: u8,
    pub(crate) repeats: bool,
    pub(crate) open: bool,
    pub(crate) poll: bool,
}

/// What a status keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Kept {
    pub(crate) id: bool,
    pub(crate) applied: u8,
    pub(crate) note: Option<Note>,
}

/// What stands in the way, as a status says it: nothing, or a place in the list of reasons.
pub(crate) type Says = Option<&'static str>;

/// One version of the object. The generation tells the spec: odd ones want one sku, even ones the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    pub(crate) uid: u8,
    pub(crate) generation: u8,
    pub(crate) deleting: bool,
    pub(crate) finalizer: bool,
    pub(crate) kept: Kept,
    pub(crate) says: Says,
}

impl Object {
    pub(crate) fn new(uid: u8) -> Self {
        Self {
            uid,
            generation: 1,
            deleting: false,
            finalizer: false,
            kept: Kept::default(),
            says: Some("New"),
        }
    }

    pub(crate) fn sku(&self) -> u8 {
        self.generation % 2
    }
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Done(Azure),
    Accepted,
    Refused,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) uid: u8,
    pub(crate) sku: u8,
    /// What a recovery gives the resource for a tag.
    pub(crate) tag: Tag,
    /// Whether the reconcile that sent it still waits for its answer.
    pub(crate) awaited: bool,
    /// Whether that of the other operator does.
    pub(crate) parked: bool,
    /// Whether the resource held data when that reconcile began.
    pub(crate) data: bool,
    pub(crate) answer: Option<Answer>,
}

/// How an operation under way was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stands {
    Running,
    Ended,
    Failed,
}

/// What a round has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Sight {
    pub(crate) operation: Option<Stands>,
    pub(crate) resource: Option<Azure>,
    pub(crate) deleted: Option<Azure>,
    /// Whether it holds data.
    pub(crate) holds: Option<bool>,
    /// It was updated in this round.
    pub(crate) updated: bool,
}

/// A reconcile that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is so or not, apart from the others"
)]
pub(crate) struct Run {
    /// The object as it knows it, and whether that is an old version.
    pub(crate) object: Object,
    pub(crate) stale: bool,
    pub(crate) sight: Sight,
    /// The step that is being prepared, and what has gone ahead of it; whether it was sent.
    pub(crate) step: Option<(Kind, Gone)>,
    pub(crate) sent: bool,
    /// Whether the resource held data when it began.
    pub(crate) data: bool,
    /// Whether more time went by since than a request may take.
    pub(crate) slept: bool,
}

/// What may still go wrong, and what may still be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub(crate) faults: u8,
    pub(crate) edits: u8,
    pub(crate) foreign: u8,
    /// How often the other operator comes to its turn.
    pub(crate) switches: u8,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) object: Option<Object>,
    pub(crate) older: Vec<Object>,
    pub(crate) uids: u8,
    pub(crate) azure: Azure,
    pub(crate) wire: Vec<Request>,
    pub(crate) run: Option<Run>,
    /// That of the other operator, which stands still.
    pub(crate) parked: Option<Run>,
    pub(crate) left: Left,
    /// The resource holds data.
    pub(crate) data: bool,
    /// It was deleted for the object of this uid.
    pub(crate) ended: Option<u8>,
    /// A status was wiped.
    pub(crate) wiped: bool,
    /// What was done for an object that goes was undone: by somebody else, or by a request that is not noted and came late.
    pub(crate) undone: bool,
    /// The last write, while nothing has happened that calls for it once more.
    pub(crate) wrote: Option<Kind>,
}

/// A line of a trace.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "object {object:?}")?,
            None => f.write_str("no object")?,
        }
        if !self.older.is_empty() {
            write!(f, " ({} older in the cache)", self.older.len())?;
        }
        write!(f, " | Azure {:?}", self.azure)?;
        f.write_str(if self.data { " with data" } else { "" })?;
        for request in &self.wire {
            let awaited = match (request.awaited, request.parked) {
                (true, _) => "awaited",
                (false, true) => "the other's",
                (false, false) => "nobody's",
            };
            let Request {
                kind, uid, answer, ..
            } = request;
            write!(f, " | on its way: {kind:?} by {uid}, {awaited}, {answer:?}")?;
        }
        for (whose, run) in [("", &self.run), ("the other's ", &self.parked)] {
            let Some(run) = run else {
                continue;
            };
            let Run {
                object,
                stale,
                sight,
                step,
                sent,
                data: _,
                slept: _,
            } = run;
            let stale = if *stale { "stale " } else { "" };
            write!(
                f,
                " | {whose}round with {stale}{object:?}, {sight:?}, step {step:?}, sent {sent}"
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            uid,
            generation,
            deleting,
            finalizer,
            kept,
            says,
        } = self;
        write!(f, "{uid}@{generation}")?;
        f.write_str(if *deleting { " deleting" } else { "" })?;
        f.write_str(if *finalizer { " finalizer" } else { "" })?;
        let Kept { id, applied, note } = kept;
        write!(f, " [id {id}, applied {applied}, {note:?}, {says:?}]")
    }
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A reconcile begins, with a version of the object that is so many versions old.
    Begin(usize),
    /// It does the next thing.
    Step,
    /// Azure carries out a request.
    Execute(usize),
    /// Its answer arrives.
    Answer,
    /// The answer is lost: a timeout, a broken connection, a 503.
    LoseAnswer,
    /// The operator dies, and starts anew.
    Crash,
    /// More time goes by than a request may take.
    Minute,
    /// Azure ends what it is at.
    Ends,
    /// Azure fails at it.
    Fails,
    /// The user changes the spec.
    Edit,
    /// The user deletes the object.
    Delete,
    /// The user makes it anew.
    Recreate,
    /// The status is wiped.
    Wipe,
    /// Somebody else changes Azure.
    Foreign(Azure),
    /// Somebody puts data into the resource.
    Data,
    /// The operator stands still, and the other one goes on.
    Switch,
}
