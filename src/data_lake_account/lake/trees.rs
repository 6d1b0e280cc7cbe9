//! Access lists of whole trees: how far they are. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::place::Place;
use super::seen::TreeSeen;
use super::valid::{Access, What};
use super::{Inputs, told};
use crate::azure::lake::access::Sweep;
use crate::data_lake_account::api::TreeStatus;
use crate::problem::Problem;
use crate::retry::after;

/// The first pause before a tree of which paths failed is gone through again, and the longest.
const FIRST: Duration = Duration::from_mins(5);
const LONGEST: Duration = Duration::from_hours(6);

/// How a tree stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// It goes on here; none where it begins.
    Goes(Option<String>),
    /// It is done.
    Done,
    /// Nothing can be done for now.
    Stuck(Problem),
    /// It is done, but for some paths.
    Incomplete(Problem),
}

/// What is done with a tree; none where nothing is.
pub(super) fn sweep(access: &Access) -> Option<Sweep> {
    let sweep = match &access.what {
        What::Leave | What::Permissions(_) => None,
        What::Set(acl) => Some(Sweep::Set(acl.clone())),
        What::Modify(acl) => Some(Sweep::Modify(acl.clone())),
        What::Remove(removal) => Some(Sweep::Remove(removal.clone())),
    };
    sweep.filter(|_| access.recursive)
}

/// Mode and entries in normal form: another one is another job.
pub(super) fn text(sweep: &Sweep) -> String {
    match sweep {
        Sweep::Set(acl) => format!("Set {acl}"),
        Sweep::Modify(acl) => format!("Modify {acl}"),
        Sweep::Remove(removal) => format!("Remove {removal}"),
    }
}

/// How a tree stands, by what is kept of it and what this round has met.
pub(super) fn stand(
    inputs: &Inputs<'_>,
    place: &Place,
    sweep: &Sweep,
    seen: Option<&TreeSeen>,
) -> Stand {
    if let Some(problem) = seen.and_then(|seen| seen.problem.as_ref()) {
        return Stand::Stuck(problem.clone());
    }
    if seen.is_some_and(|seen| seen.assumed) {
        return Stand::Done;
    }
    let kept = inputs.record.trees.get(place);
    let Some(kept) = kept.filter(|kept| kept.acl == text(sweep)) else {
        return Stand::Goes(None);
    };
    match retry_at(kept) {
        None if kept.done.is_none() => Stand::Goes(kept.continuation.clone()),
        None => Stand::Done,
        Some(at) if at <= inputs.now => Stand::Goes(None),
        Some(at) => {
            let pause = Duration::try_from(at.duration_since(inputs.now)).unwrap_or_default();
            Stand::Incomplete(told::incomplete(place, kept, pause))
        }
    }
}

/// When a tree of which paths failed is gone through again. The pause is as long as all of it has taken so far, so that pauses
/// double.
pub(super) fn retry_at(kept: &TreeStatus) -> Option<Timestamp> {
    let done = kept.done.as_ref().filter(|_| kept.failures > 0)?.0;
    let took = Duration::try_from(done.duration_since(kept.since.0)).unwrap_or_default();
    Some(after(done, took.clamp(FIRST, LONGEST)))
}
