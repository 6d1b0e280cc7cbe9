//! In which order things go ahead of a write. Pure.

use super::planner::Write;

/// What goes ahead of a write, or the write itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// A place is taken for the call. Before the note: one that is made in vain costs two writes of the status.
    Reserve,
    /// The finalizer is set.
    Hold,
    /// The object is read from the API server itself, and must be what the decision was made on: a cache may be behind.
    Confirm,
    /// The write is noted.
    Note,
    /// It is sent.
    Send,
}

/// What has gone ahead of a write already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each goes ahead or not, apart from the others"
)]
pub struct Gone {
    /// A place is taken for it.
    pub reserved: bool,
    /// The object has our finalizer.
    pub held: bool,
    /// It was read anew.
    pub confirmed: bool,
    /// The write is noted.
    pub noted: bool,
}

/// What comes next.
pub fn ahead(step: &impl Write, gone: Gone) -> Ahead {
    let is_noted = step.noted().is_some();
    if is_noted && !gone.reserved {
        Ahead::Reserve
    } else if !gone.held {
        Ahead::Hold
    } else if step.destroys() && !gone.confirmed {
        Ahead::Confirm
    } else if is_noted && !gone.noted {
        Ahead::Note
    } else {
        Ahead::Send
    }
}
