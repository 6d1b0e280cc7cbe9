//! What is said where nothing can be done for now. Pure.

use std::time::Duration;

use super::Place;
use crate::azure::lake::FilesystemName;
use crate::azure::lake::acl::AclError;
use crate::azure::lake::paths::Thing;
use crate::data_lake_account::api::TreeStatus;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// How long Azure needs at least to let go of a filesystem.
const LETTING_GO: Duration = Duration::from_secs(30);

pub(super) fn being_deleted(name: &FilesystemName) -> Problem {
    let message = format!(
        "filesystem {:?} is just being deleted; it is made when its name is free, which takes half a minute or more",
        name.as_str()
    );
    Problem::new(Reason::AzureBusy, Retry::After(LETTING_GO), message)
}

/// A new one would be empty, and would stand in the way of the one that can still come back.
pub(super) fn soft_deleted(name: &FilesystemName) -> Problem {
    let name = name.as_str();
    let message = format!(
        "filesystem {name:?} was deleted and is still kept with its data, so no empty one is made in its place. Restore it (az storage container list --include-deleted --prefix {name} tells its version; az storage container restore --name {name} --deleted-version <version>), or make an empty one to do without its data (az storage fs create -n {name})"
    );
    Problem::new(Reason::SoftDeleted, Retry::Backoff, message)
}

/// Somebody has deleted it since this round looked at it; the next round begins with it.
pub(super) fn gone(name: &FilesystemName) -> Problem {
    let message = format!("filesystem {:?} is gone; it is made anew", name.as_str());
    Problem::new(Reason::AzureResourceNotFound, Retry::Backoff, message)
}

pub(super) fn not_empty(name: &FilesystemName) -> Problem {
    let name = name.as_str();
    let message = format!(
        "filesystem {name:?} went from spec.filesystems with deletionPolicy: Delete, but it holds data and is not deleted. Move or delete the data (az storage fs file list -f {name}), set force: true to delete it with all that is in it, or put it back with deletionPolicy: Retain and take it out again to keep it"
    );
    Problem::new(Reason::FilesystemNotEmpty, Retry::OnChange, message)
}

pub(super) fn strange_property(name: &FilesystemName, why: &str) -> Problem {
    let message = format!(
        "filesystem {:?} has a property of somebody else's that cannot be written back, and properties are set all or none: {why}. Remove that property",
        name.as_str()
    );
    Problem::new(Reason::RequestRefused, Retry::OnChange, message)
}

pub(super) fn other_thing(place: &Place, wanted: Thing, is: Thing) -> Problem {
    let message = format!(
        "a {} stands at {place}, where the spec wants a {}; it is left as it is. Move it away (az storage fs file move), or declare another path",
        is.word(),
        wanted.word()
    );
    Problem::new(Reason::PathConflict, Retry::Backoff, message)
}

pub(super) fn list_too_long(place: &Place, error: &AclError) -> Problem {
    let message = format!("{place}, with the entries that others have set: {error}");
    Problem::new(Reason::InvalidSpec, Retry::Backoff, message)
}

/// Times do not stand in it: it is the same until something changes.
pub(super) fn incomplete(place: &Place, tree: &TreeStatus, pause: Duration) -> Problem {
    let first = tree.failed.first();
    let first = first.map_or_else(String::new, |failed| {
        format!(", the first is {:?}: {}", failed.path, failed.message)
    });
    let message = format!(
        "access lists beneath {place} were changed, but not those of {} paths{first}. See status.trees; it is gone through again after a pause. To try at once, change the list, or take recursive out and put it back",
        tree.failures
    );
    Problem::new(Reason::TreeIncomplete, Retry::After(pause), message)
}

/// Azure forgets again and again where it was.
pub(super) fn forgetful(place: &Place, problem: &Problem) -> Problem {
    let message = format!(
        "access lists beneath {place}: Azure forgot several times how far it was, so it was begun anew each time. {}",
        problem.message
    );
    Problem {
        message,
        ..problem.clone()
    }
}
