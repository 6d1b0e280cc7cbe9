//! What is done to a lake. Pure.

use std::fmt;

use super::access::Change;
use super::place::Place;
use super::seen::Content;
use super::trees;
use crate::azure::lake::access::{Change as Rights, Sweep, Swept};
use crate::azure::lake::{FilesystemName, Properties};

/// A write. Each is one that may be repeated, and that harms nothing where it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The filesystem is created: PUT, which Azure refuses where there is one.
    CreateFilesystem {
        /// Its name.
        name: FilesystemName,
        /// Its properties.
        properties: Properties,
        /// The encryption scope of files that name none.
        scope: Option<String>,
    },
    /// The properties of a filesystem are set, those of others among them, since Azure takes all or none: PATCH with If-Match.
    SetProperties {
        /// Which filesystem.
        name: FilesystemName,
        /// All of them.
        properties: Properties,
        /// The filesystem's state on which they were worked out.
        etag: Option<String>,
    },
    /// A filesystem that went from the spec is deleted: DELETE. Azure takes no condition that would hold here, since the `ETag` of a
    /// filesystem does not tell of files; whoever carries it out looks at the object anew beforehand.
    DeleteFilesystem {
        /// Its name.
        name: FilesystemName,
    },
    /// A directory is created, and those above it that are not there: PUT with `If-None-Match: *`.
    CreateDirectory {
        /// Where.
        place: Place,
        /// The access that it has from the beginning.
        with: Option<Change>,
    },
    /// A file is made, or made anew, and filled: PUT, PATCH append, PATCH flush with the MD5.
    WriteFile {
        /// Where.
        place: Place,
        /// What it is to hold.
        content: Content,
        /// The `ETag` of the one that is there (If-Match); none where there is none (`If-None-Match: *`).
        over: Option<String>,
        /// The access that it has from the beginning. A file that is made anew keeps nothing of what it had but this; in a Data Lake
        /// Store it is set right after it is made, and before it is filled.
        with: Option<Change>,
    },
    /// Owner, group, permissions or list of a path are set: PATCH `action=setAccessControl`.
    SetAccess {
        /// Where.
        place: Place,
        /// What.
        change: Change,
    },
    /// Lists of a directory and everything beneath are changed, one batch of it: PATCH `action=setAccessControlRecursive` with
    /// `forceFlag=true`. A Data Lake Store has no such call; there it is a walk by lists, whose continuation is the path that
    /// came last.
    Tree {
        /// Where.
        place: Place,
        /// What.
        sweep: Sweep,
        /// Where it goes on; none where it begins.
        from: Option<String>,
    },
}

impl Step {
    /// The filesystem that it is about.
    pub fn filesystem(&self) -> &FilesystemName {
        match self {
            Self::CreateFilesystem { name, .. }
            | Self::SetProperties { name, .. }
            | Self::DeleteFilesystem { name } => name,
            Self::CreateDirectory { place, .. }
            | Self::WriteFile { place, .. }
            | Self::SetAccess { place, .. }
            | Self::Tree { place, .. } => &place.filesystem,
        }
    }

    /// The path that it is about; none where it is about the filesystem as a whole.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::CreateFilesystem { .. }
            | Self::SetProperties { .. }
            | Self::DeleteFilesystem { .. } => None,
            Self::CreateDirectory { place, .. }
            | Self::WriteFile { place, .. }
            | Self::SetAccess { place, .. }
            | Self::Tree { place, .. } => Some(place),
        }
    }

    /// The batch of a tree that comes after this one, where there is one. So a tree goes on while the rest of a plan is carried out.
    #[must_use]
    pub fn then(&self, swept: &Swept) -> Option<Self> {
        let Self::Tree { place, sweep, .. } = self else {
            return None;
        };
        let from = swept.continuation.clone()?;
        Some(Self::Tree {
            place: place.clone(),
            sweep: sweep.clone(),
            from: Some(from),
        })
    }

    /// Whether something is lost by it.
    pub fn destroys(&self) -> bool {
        matches!(self, Self::DeleteFilesystem { .. })
    }
}

/// As `status.plan` says it. Nothing of a file's content is told but its length.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateFilesystem { name, .. } => write!(f, "create filesystem {name}"),
            Self::SetProperties { name, .. } => write!(f, "set properties of filesystem {name}"),
            Self::DeleteFilesystem { name } => write!(f, "delete filesystem {name}"),
            Self::CreateDirectory { place, with } => {
                write!(f, "create directory {place}")?;
                with.as_ref()
                    .map_or(Ok(()), |with| write!(f, " with {}", words(with)))
            }
            Self::WriteFile { place, content, .. } => {
                write!(f, "write file {place} ({} bytes)", content.length)
            }
            Self::SetAccess { place, change } => {
                write!(f, "set {} of {place}", words(change))
            }
            Self::Tree { place, sweep, .. } => {
                write!(
                    f,
                    "change access lists of {place} and everything beneath: {}",
                    trees::text(sweep)
                )
            }
        }
    }
}

fn words(change: &Change) -> String {
    let owner = change.owner.as_ref().map(|owner| format!("owner {owner}"));
    let group = change.group.as_ref().map(|group| format!("group {group}"));
    let rights = match &change.rights {
        Rights::None => None,
        Rights::Permissions(permissions) => Some(format!("permissions {permissions}")),
        Rights::Acl(acl) => Some(format!("acl {acl}")),
    };
    let all: Vec<String> = [owner, group, rights].into_iter().flatten().collect();
    all.join(", ")
}
