//! What reads have shown of a lake so far in one round, and what writes have come to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::access::Told;
use super::place::Place;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::problem::Problem;

/// A path of which nobody can say how it stands is looked at again so often in a round.
const AGAIN: u32 = 3;

/// A read that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// How a filesystem stands: HEAD. Answered by [`Seen::saw_filesystem`].
    Filesystem(FilesystemName),
    /// Whether a filesystem holds anything: GET of a list with one entry. Answered by [`Seen::saw_contents`].
    Contents(FilesystemName),
    /// A path. Answered by [`Seen::saw_path`]; where Azure says that the filesystem is gone, by [`Seen::saw_filesystem`].
    Path(Place, Needs),
}

/// What must be known of a path. Without `list` one HEAD of the path tells all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Needs {
    /// What stands there, and what it holds: HEAD.
    pub thing: bool,
    /// Owner, group, permissions and access list: HEAD `action=getAccessControl`, which does not tell what stands there.
    pub list: bool,
}

/// How a filesystem stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// There is none.
    Absent {
        /// Whether a deleted one of its name is kept, as far as is known. Azure would make a new one, in whose place the deleted one
        /// could not come back; so that is told, and left to people.
        deleted: bool,
    },
    /// It is being deleted, and its name is not free yet.
    BeingDeleted,
    /// It is there.
    Here {
        /// All its properties.
        properties: Properties,
        /// Its encryption scope, where Azure tells.
        scope: Option<String>,
        /// Its state.
        etag: Option<String>,
    },
}

/// What a filesystem holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contents {
    /// There is no such filesystem.
    Gone,
    /// Nothing.
    Nothing,
    /// Something.
    Something,
}

/// How a path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSeen {
    /// There is nothing.
    Absent,
    /// There is something.
    Here(Here),
}

/// What stands at a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Here {
    /// What it is; none where that was not asked.
    pub thing: Option<Thing>,
    /// What a file holds.
    pub holds: Option<Holds>,
    /// Who may do what with it.
    pub told: Told,
    /// Whether this round made it. Then nothing can lie in it that this round has not put there.
    pub made: bool,
    /// Whether this round has written its access as the spec wants it.
    pub settled: bool,
}

/// What a file is to hold. Of the digest nothing is told to anybody: the content may be a Secret's.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Bytes.
    pub length: u64,
    /// Their MD5 in base64.
    pub md5: String,
}

/// What a file holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// Bytes.
    pub length: u64,
    /// Their MD5 in base64, where whoever has written them has said it. A Data Lake Store keeps none: there it is that of the content,
    /// which is read where the length is the one that is wanted.
    pub md5: Option<String>,
    /// Its state: the `ETag`; in a Data Lake Store, which has none, the time of its last change. Every file has one.
    pub etag: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.length)
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holds({} bytes, {:?})", self.length, self.etag)
    }
}

impl Content {
    /// What a file holds that was just written with it.
    pub(super) fn held(&self) -> Holds {
        Holds {
            length: self.length,
            md5: Some(self.md5.clone()),
            etag: None,
        }
    }

    /// Whether a file holds it. An empty file has no digest.
    pub fn is(&self, holds: &Holds) -> bool {
        self.length == holds.length && (self.length == 0 || holds.md5.as_ref() == Some(&self.md5))
    }
}

/// All that was seen. What is not there was not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) filesystems: BTreeMap<FilesystemName, FilesystemSeen>,
}

/// What was seen of a filesystem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilesystemSeen {
    /// How it stands.
    pub(super) stands: Option<Result<Stands, Problem>>,
    /// How it stood before anything was assumed.
    pub(super) stood: Option<Stands>,
    /// Whether this round made it.
    pub(super) made: bool,
    /// What it holds, where it is to be deleted.
    pub(super) contents: Option<Result<Contents, Problem>>,
    /// Its paths.
    pub(super) paths: BTreeMap<LakePath, Result<PathSeen, Problem>>,
    /// How those stood of which something was assumed.
    pub(super) before: BTreeMap<LakePath, PathSeen>,
    /// Paths that are to be looked at whosever turn it is, and how often it was not certain how they stand.
    pub(super) again: BTreeMap<LakePath, u32>,
    /// The same of the filesystem as a whole.
    pub(super) again_whole: u32,
    /// Trees of which something was done in this round.
    pub(super) trees: BTreeMap<LakePath, TreeSeen>,
}

/// What was done of a tree in this round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TreeSeen {
    /// Whether lists beneath it may be others now.
    pub(super) ran: bool,
    /// Whether it is only taken for done.
    pub(super) assumed: bool,
    /// How often it was begun anew, because Azure did not know any more where it was.
    pub(super) anew: u32,
    /// What stands in its way.
    pub(super) problem: Option<Problem>,
}

impl Seen {
    /// Nothing was seen, and these paths are to be looked at, whosever turn it is.
    pub fn asked(places: &BTreeSet<Place>) -> Self {
        let mut seen = Self::default();
        for place in places {
            let again = &mut seen.at(&place.filesystem).again;
            again.insert(place.path.clone(), 0);
        }
        seen
    }

    pub(super) fn of(&self, name: &FilesystemName) -> Option<&FilesystemSeen> {
        self.filesystems.get(name)
    }

    pub(super) fn at(&mut self, name: &FilesystemName) -> &mut FilesystemSeen {
        self.filesystems.entry(name.clone()).or_default()
    }

    /// A look has shown how a filesystem stands. Of one that is not there, nothing that was seen in it counts.
    pub fn saw_filesystem(&mut self, name: &FilesystemName, stands: Stands) {
        let one = self.at(name);
        if !matches!(stands, Stands::Here { .. }) {
            one.paths.clear();
        }
        one.stands = Some(Ok(stands));
    }

    /// A look has shown whether a filesystem holds anything.
    pub fn saw_contents(&mut self, name: &FilesystemName, contents: Contents) {
        self.at(name).contents = Some(Ok(contents));
    }

    /// A look has shown a path. What was known of it and was not asked now stays.
    pub fn saw_path(&mut self, place: &Place, seen: PathSeen) {
        let one = self.at(&place.filesystem);
        let old = one.paths.remove(&place.path);
        let seen = match (old, seen) {
            (Some(Ok(PathSeen::Here(old))), PathSeen::Here(new)) => PathSeen::Here(Here {
                thing: new.thing.or(old.thing),
                holds: new.holds.or(old.holds),
                told: Told {
                    owner: new.told.owner.or(old.told.owner),
                    group: new.told.group.or(old.told.group),
                    permissions: new.told.permissions.or(old.told.permissions),
                    acl: new.told.acl.or(old.told.acl),
                },
                made: old.made,
                settled: old.settled,
            }),
            (_, seen) => seen,
        };
        one.paths.insert(place.path.clone(), Ok(seen));
    }

    /// A look has failed. It costs what was looked at its turn, and nothing else.
    pub fn failed_look(&mut self, look: &Look, problem: Problem) {
        match look {
            Look::Filesystem(name) => self.at(name).stands = Some(Err(problem)),
            Look::Contents(name) => self.at(name).contents = Some(Err(problem)),
            Look::Path(place, _) => self.failed_path(place, problem),
        }
    }

    pub(super) fn failed_path(&mut self, place: &Place, problem: Problem) {
        let paths = &mut self.at(&place.filesystem).paths;
        paths.insert(place.path.clone(), Err(problem));
    }

    /// Nobody knows how something stands: it is looked at once more, unless that was so a few times already.
    pub(super) fn again(&mut self, name: &FilesystemName, path: Option<&LakePath>, why: Problem) {
        let one = self.at(name);
        let times = match path {
            Some(path) => one.again.entry(path.clone()).or_default(),
            None => &mut one.again_whole,
        };
        *times += 1;
        let tired = *times >= AGAIN;
        match (path, tired) {
            (Some(path), true) => {
                one.paths.insert(path.clone(), Err(why));
            }
            (Some(path), false) => {
                one.paths.remove(path);
            }
            (None, true) => one.stands = Some(Err(why)),
            (None, false) => one.stands = None,
        }
    }
}
