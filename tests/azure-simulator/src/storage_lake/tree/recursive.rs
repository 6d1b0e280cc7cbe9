//! Changes of access lists over whole trees, a batch at a time.

use std::{collections::HashMap, ops::Bound, sync::Arc};

use super::{
    Tree,
    acl::How,
    acl_text::Entry,
    bounded,
    caller::{Caller, Rights},
    node::{Access, Node},
    path,
    permissions::Perm,
    refusal::Refusal,
};

/// A path that was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) key: Box<str>,
    pub(crate) directory: bool,
    pub(crate) refusal: Refusal,
}

/// What a batch has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) directories: u64,
    pub(crate) files: u64,
    pub(crate) failures: Vec<Failure>,
    /// The key to go on with.
    pub(crate) next: Option<Box<str>>,
}

/// What a client wants to be done to all that a path is and holds.
pub(crate) struct Order<'a> {
    pub(crate) how: How,
    pub(crate) entries: &'a [Entry],
    /// The most paths of a batch.
    pub(crate) most: usize,
    /// Failures do not end it.
    pub(crate) force: bool,
    /// What fails though it need not.
    pub(crate) fails: &'a dyn Fn(&str) -> Option<Refusal>,
}

/// Accesses that were changed already, with what became of them. Each is held, so that no other takes its address.
type Known = HashMap<(*const Access, bool), (Arc<Access>, Result<Arc<Access>, Refusal>)>;

impl Order<'_> {
    fn changed(&self, known: &mut Known, node: &Node) -> Result<Arc<Access>, Refusal> {
        let directory = node.is_directory();
        let (_, changed) = known
            .entry((Arc::as_ptr(&node.access), directory))
            .or_insert_with(|| {
                let changed = node
                    .access
                    .changed(self.how, self.entries, directory)
                    .map(Arc::new);
                (Arc::clone(&node.access), changed)
            });
        changed.clone()
    }
}

/// Where a caller, about whom lists decide, is in its walk: which directories it must not look into.
struct Walk<'a> {
    caller: &'a Caller,
    /// By what it was granted: nothing is asked.
    free: bool,
    closed: Option<Box<str>>,
}

impl Walk<'_> {
    /// Whether this one is out of sight.
    fn passes_by(&mut self, key: &str) -> bool {
        match &self.closed {
            Some(closed) if path::is_below(key, closed) => true,
            _ => {
                self.closed = None;
                false
            }
        }
    }

    fn check(&mut self, key: &str, node: &Node) -> Result<(), Refusal> {
        if self.free {
            return Ok(());
        }
        if node.is_directory() && !self.caller.may(&node.access, Perm::READ | Perm::EXECUTE) {
            self.closed = Some(key.into());
        }
        if self.caller.owns(&node.access) {
            Ok(())
        } else {
            Err(Refusal::AuthorizationPermissionMismatch)
        }
    }
}

impl Tree {
    /// Changes the lists of a path and of all that it holds, from a key on.
    pub(crate) fn change_lists(
        &mut self,
        caller: &Caller,
        root: &str,
        from: Option<&str>,
        order: &Order<'_>,
    ) -> Result<Batch, Refusal> {
        self.check(caller, Rights::PERMISSIONS, root, Perm::NONE)?;
        self.get(root)?;
        let mut walk = Walk {
            caller,
            free: caller.granted.any(Rights::PERMISSIONS),
            closed: None,
        };
        let (_, end) = path::contents(root);
        let start = bounded(from.unwrap_or(root), root, end.as_deref()).to_owned();
        if !walk.free {
            let way = path::ancestors(&start).filter(|above| above.len() >= root.len());
            walk.closed = self.closed_on(caller, way);
        }
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = self
            .nodes
            .range_mut::<str, _>((Bound::Included(start.as_str()), end));
        let mut batch = Batch::default();
        let mut known = Known::new();
        let mut count = 0;
        for (key, node) in range {
            // A sibling such as "a!" does not come between "a" and what it holds, so all here belong to the root.
            if walk.passes_by(key) {
                continue;
            }
            if count == order.most {
                batch.next = Some(key.clone());
                break;
            }
            count += 1;
            let done = match (order.fails)(key) {
                Some(refusal) => Err(refusal),
                None => walk
                    .check(key, node)
                    .and_then(|()| order.changed(&mut known, node)),
            };
            match done {
                Ok(access) => {
                    if node.is_directory() {
                        batch.directories += 1;
                    } else {
                        batch.files += 1;
                    }
                    node.access = access;
                }
                // What the client wrote is wrong everywhere: that is no failure of a path.
                Err(refusal @ (Refusal::InvalidAcl | Refusal::AclBaseMissing)) if count == 1 => {
                    return Err(refusal);
                }
                Err(refusal) => {
                    batch.failures.push(Failure {
                        key: key.clone(),
                        directory: node.is_directory(),
                        refusal,
                    });
                    if !order.force {
                        break;
                    }
                }
            }
        }
        Ok(batch)
    }

    /// The first of some directories that the lists do not let a caller look into.
    fn closed_on<'a>(
        &self,
        caller: &Caller,
        mut way: impl Iterator<Item = &'a str>,
    ) -> Option<Box<str>> {
        way.find(|key| {
            self.nodes
                .get(*key)
                .is_some_and(|node| !caller.may(&node.access, Perm::READ | Perm::EXECUTE))
        })
        .map(Into::into)
    }
}
