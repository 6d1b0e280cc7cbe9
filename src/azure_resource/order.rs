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

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    struct Step {
        noted: bool,
        destroys: bool,
    }

    impl fmt::Display for Step {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a step")
        }
    }

    impl Write for Step {
        fn noted(&self) -> Option<&'static str> {
            self.noted.then_some("Step")
        }

        fn destroys(&self) -> bool {
            self.destroys
        }

        fn lets_go(&self) -> bool {
            false
        }

        fn creates(&self) -> bool {
            false
        }
    }

    /// All that goes ahead of a step, in order.
    fn all(step: &Step, held: bool) -> Vec<Ahead> {
        let mut gone = Gone {
            held,
            ..Gone::default()
        };
        let mut all = Vec::new();
        loop {
            let next = ahead(step, gone);
            match next {
                Ahead::Reserve => gone.reserved = true,
                Ahead::Hold => gone.held = true,
                Ahead::Confirm => gone.confirmed = true,
                Ahead::Note => gone.noted = true,
                Ahead::Send => return all,
            }
            all.push(next);
        }
    }

    #[test]
    fn a_place_comes_before_the_note_and_a_fresh_look_before_what_destroys() {
        use Ahead::{Confirm, Hold, Note, Reserve};
        let rows = [
            (false, false, false, vec![Hold]),
            (false, false, true, vec![]),
            (true, false, false, vec![Reserve, Hold, Note]),
            (true, true, true, vec![Reserve, Confirm, Note]),
            (true, true, false, vec![Reserve, Hold, Confirm, Note]),
            (false, true, true, vec![Confirm]),
        ];
        for (noted, destroys, held, expected) in rows {
            let step = Step { noted, destroys };
            assert_eq!(all(&step, held), expected, "{noted} {destroys} {held}");
        }
    }
}
