//! The data planes of both generations: what is read and written there, in the words of a lake's plan.
//!
//! Each plane does the same: it looks ([`Plane::see`]), it carries a step out ([`Plane::carry`]), and it tells what an account holds.
//! Nobody else knows which generation an account is of.

mod storage;
mod store;
mod sweep;
mod walk;

use self::storage::Storage;
use self::store::Store;
use super::api::Generation;
use super::lake::{Came, Contents, Look, PathSeen, Seen, Stands, Step};
use super::observe::Eyes;
use crate::azure::lake::client::spared;
use crate::azure::lake::refusal::{changed_since, exists};
use crate::azure::lake::{FilesystemName, Lake};
use crate::problem::{Problem, Reason};
use crate::secret::SecretValue;

/// What a look has shown.
pub(super) enum Saw {
    /// How a filesystem stands.
    Filesystem(Stands),
    /// What it holds.
    Contents(Contents),
    /// How a path stands.
    Path(PathSeen),
    /// That the filesystem of a path is not there, and how it stands then.
    NoFilesystem(Stands),
}

/// Adds it to what was seen.
pub(super) fn saw(seen: &mut Seen, look: &Look, shown: Result<Saw, Problem>) {
    match (look, shown) {
        (Look::Filesystem(name), Ok(Saw::Filesystem(stands))) => seen.saw_filesystem(name, stands),
        (Look::Contents(name), Ok(Saw::Contents(contents))) => seen.saw_contents(name, contents),
        (Look::Path(place, _), Ok(Saw::Path(path))) => seen.saw_path(place, path),
        (Look::Path(place, _), Ok(Saw::NoFilesystem(stands))) => {
            seen.saw_filesystem(&place.filesystem, stands);
        }
        // Each look shows what it is about.
        (_, Ok(_)) => {}
        (_, Err(problem)) => seen.failed_look(look, problem),
    }
}

/// What a look would show in an account that is only planned.
pub(super) fn imagined(look: &Look) -> Saw {
    match look {
        Look::Filesystem(_) => Saw::Filesystem(Stands::Absent { deleted: false }),
        Look::Contents(_) => Saw::Contents(Contents::Gone),
        Look::Path(..) => Saw::Path(PathSeen::Absent),
    }
}

/// What a refused write comes to. A 403 may be of somebody in between who has let the request through, so it is looked at again,
/// as whatever nobody knows the outcome of.
fn refused(problem: Problem) -> Came {
    let unsent = spared(&problem) || problem.http_status.is_none() && !is_of_network(&problem);
    match problem.http_status {
        _ if unsent => Came::Refused(problem),
        _ if exists(&problem) || changed_since(&problem) => Came::Unsure(problem),
        // An answer that was not understood tells nothing, either.
        None | Some(..300 | 403 | 408 | 500..) => Came::Unsure(problem),
        Some(_) => Came::Refused(problem),
    }
}

fn is_of_network(problem: &Problem) -> bool {
    matches!(
        problem.reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::MalformedAnswer
    )
}

fn done(outcome: Result<(), Problem>) -> Came {
    match outcome {
        Ok(()) => Came::Done,
        Err(problem) => refused(problem),
    }
}

/// The data plane of one account.
pub(super) enum Plane<'a> {
    /// A storage account's.
    Storage(Storage<'a>),
    /// A Data Lake Store's.
    Store(Store<'a>),
}

impl<'a> Plane<'a> {
    /// The one that a spec speaks of, at a place.
    pub(super) fn new(eyes: &'a Eyes<'a>, lake: Lake) -> Self {
        match eyes.valid.lake.generation {
            Generation::Gen2 => Self::Storage(Storage::new(eyes, lake)),
            Generation::Gen1 => Self::Store(Store::new(eyes, lake)),
        }
    }

    /// Reads. `content` is what a file is to hold.
    pub(super) async fn see(
        &self,
        look: &Look,
        content: Option<&SecretValue>,
    ) -> Result<Saw, Problem> {
        match self {
            // It keeps the digest of what was written, so nothing must be compared with the content itself.
            Self::Storage(storage) => storage.see(look).await,
            Self::Store(store) => store.see(look, content).await,
        }
    }

    /// Writes. `content` is what a file is to hold.
    pub(super) async fn carry(&self, step: &Step, content: Option<&SecretValue>) -> Came {
        match self {
            Self::Storage(storage) => storage.carry(step, content).await,
            Self::Store(store) => store.carry(step, content).await,
        }
    }

    /// Names of the account's filesystems, without those that Azure itself writes.
    pub(super) async fn filesystems(&self) -> Result<Vec<FilesystemName>, Problem> {
        match self {
            Self::Storage(storage) => storage.filesystems().await,
            Self::Store(_) => Ok(Store::filesystems()),
        }
    }

    /// Whether a filesystem holds anything.
    pub(super) async fn contents(&self, name: &FilesystemName) -> Result<Contents, Problem> {
        match self {
            Self::Storage(storage) => storage.contents(name).await,
            Self::Store(store) => store.contents().await,
        }
    }
}
