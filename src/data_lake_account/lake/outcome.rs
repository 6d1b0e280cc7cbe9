//! What a round has come to. Pure.

use std::collections::BTreeSet;

use super::access;
use super::filesystems::{field as filesystem_field, merged};
use super::seen::{FilesystemSeen, PathSeen, Seen, Stands};
use super::valid::{Filesystem, Kind, Node, field};
use super::{Inputs, Place, found};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::azure_resource::difference::Difference;
use crate::problem::Problem;
use crate::retry::Retry;

/// The scope of an account that names none.
const ACCOUNT_SCOPE: &str = "$account-encryption-key";

/// What a round has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What stands in the way: the first by path, and how many there are. It is to be tried again when the first of them may help.
    pub problem: Option<Problem>,
    /// In how many places something stands in the way.
    pub troubled: usize,
    /// Whether all of the lake was looked at, and is as the spec wants it; of steps that were only taken for done: would be.
    pub whole: bool,
}

/// What a round has come to. It is over when [`super::plan`] names nothing more.
pub fn outcome(inputs: &Inputs<'_>, seen: &Seen) -> Outcome {
    let found = found(inputs, seen);
    let whole = inputs.turn.is_none()
        && found.batch.is_empty()
        && found.problems.is_empty()
        && found.waits.is_empty();
    // What only waits is told where nothing is wrong.
    let told = if found.problems.is_empty() {
        found.waits
    } else {
        found.problems
    };
    Outcome {
        troubled: told.len(),
        problem: first(&told),
        whole,
    }
}

fn first(told: &[(String, Problem)]) -> Option<Problem> {
    let (field, problem) = told.first()?;
    let more = match told.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let retries = told.iter().map(|(_, problem)| problem.retry);
    Some(Problem {
        message: format!("spec.{field}: {}{more}", problem.message),
        retry: retries.fold(problem.retry, sooner),
        ..problem.clone()
    })
}

/// Somebody's time is kept, and nobody is made to wait for another's.
fn sooner(one: Retry, other: Retry) -> Retry {
    match (one, other) {
        (Retry::Backoff, _) | (_, Retry::Backoff) => Retry::Backoff,
        (Retry::After(one), Retry::After(other)) => Retry::After(one.min(other)),
        (Retry::After(pause), Retry::OnChange) | (Retry::OnChange, Retry::After(pause)) => {
            Retry::After(pause)
        }
        (Retry::OnChange, Retry::OnChange) => Retry::OnChange,
    }
}

/// Where the lake differs from the spec: as it was before anything was assumed. What was not looked at is not told.
pub fn differences(inputs: &Inputs<'_>, seen: &Seen) -> Vec<Difference> {
    let mut all = Vec::new();
    for (name, wanted) in &inputs.lake.filesystems {
        if let Some(seen) = seen.of(name) {
            filesystem(inputs, (name, wanted), seen, &mut all);
        }
    }
    all
}

fn filesystem(
    inputs: &Inputs<'_>,
    (name, wanted): (&FilesystemName, &Filesystem),
    seen: &FilesystemSeen,
    all: &mut Vec<Difference>,
) {
    let at = filesystem_field(name);
    let stands = seen.stands.as_ref().and_then(|stands| stands.as_ref().ok());
    match seen.stood.as_ref().or(stands) {
        Some(Stands::Absent { .. } | Stands::BeingDeleted) => {
            all.push(Difference::new(at, "a filesystem", "none"));
            return;
        }
        Some(Stands::Here {
            properties, scope, ..
        }) => {
            properties_differ(inputs, (name, wanted), properties, all);
            let observed = scope.as_deref().unwrap_or(ACCOUNT_SCOPE);
            if let Some(desired) = wanted.scope.as_deref().filter(|one| *one != observed) {
                let path = format!("{at}.defaultEncryptionScope");
                let why = "it is fixed when the filesystem is created";
                all.push(Difference::new(path, desired, observed).stuck(why));
            }
        }
        None => {}
    }
    for (path, node) in &wanted.nodes {
        let before = seen.before.get(path);
        let seen = seen.paths.get(path).and_then(|seen| seen.as_ref().ok());
        if let Some(seen) = before.or(seen) {
            node_differs(inputs, (name, path, node), seen, all);
        }
    }
}

fn properties_differ(
    inputs: &Inputs<'_>,
    (name, wanted): (&FilesystemName, &Filesystem),
    there: &Properties,
    all: &mut Vec<Difference>,
) {
    let made = inputs.record.filesystems.get(name);
    let target = merged(wanted, made, there).unwrap_or_else(|_| there.clone());
    let (target, has) = (target.all(), there.all());
    let names: BTreeSet<&String> = target.keys().chain(has.keys()).collect();
    for one in names {
        let (desired, observed) = (target.get(one), has.get(one));
        if desired != observed {
            let text = |text: Option<&String>| text.cloned().unwrap_or_default();
            let path = format!("{}.properties[{one}]", filesystem_field(name));
            all.push(Difference::new(path, text(desired), text(observed)));
        }
    }
}

fn node_differs(
    inputs: &Inputs<'_>,
    (name, path, node): (&FilesystemName, &LakePath, &Node),
    seen: &PathSeen,
    all: &mut Vec<Difference>,
) {
    let at = field(name, path, node);
    let (wanted, content) = match node.kind {
        Kind::Directory => (Thing::Directory, None),
        Kind::File(_) => {
            let content = inputs.contents.get(&Place::new(name, path));
            (
                Thing::File,
                content.and_then(|content| content.as_ref().ok()),
            )
        }
    };
    let here = match seen {
        PathSeen::Absent => {
            all.push(Difference::new(at, wanted.word(), "nothing"));
            return;
        }
        PathSeen::Here(here) => here,
    };
    if let Some(is) = here.thing.filter(|is| *is != wanted) {
        let why = "what stands there is not the spec's to take away";
        all.push(Difference::new(at, wanted.word(), is.word()).stuck(why));
        return;
    }
    if let (Some(content), Some(holds)) = (content, &here.holds)
        && !content.is(holds)
    {
        let desired = format!("{} bytes", content.length);
        let observed = format!("{} other bytes", holds.length);
        all.push(Difference::new(format!("{at}.from"), desired, observed));
    }
    if !here.settled {
        all.extend(access::differences(&at, &node.access, &here.told));
    }
}
