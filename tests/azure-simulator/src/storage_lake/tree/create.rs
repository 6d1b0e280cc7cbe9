//! The making of directories and files, with what they inherit.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Change, Tree,
    acl::{Acl, How, Lists},
    acl_text::Entry,
    caller::{Caller, Rights},
    conditions::Conditions,
    lease,
    node::{Access, Body, ContentHeaders, Kind, Node},
    path,
    permissions::{Mode, Perm},
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// What a client wants to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) directory: bool,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) permissions: Option<Mode>,
    /// Absent: 0027.
    pub(crate) umask: Option<Mode>,
    /// Not together with permissions.
    pub(crate) list: Option<Vec<Entry>>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) headers: ContentHeaders,
    pub(crate) conditions: Conditions,
    /// Of what is there.
    pub(crate) lease: Option<String>,
}

fn mode(owner: u32, group: u32, other: u32) -> Mode {
    Mode {
        owner: Perm::of_digit(owner),
        group: Perm::of_digit(group),
        other: Perm::of_digit(other),
        sticky: false,
    }
}

impl Wish {
    /// A directory on the way to what is wanted.
    fn on_the_way(&self) -> Self {
        Self {
            directory: true,
            umask: self.umask,
            ..Self::default()
        }
    }

    /// The access of what is made in a directory. A default list is handed down as it is, and the umask is not asked then;
    /// permissions bound it as POSIX has it.
    fn access(&self, parent: &Access, caller: &Caller) -> Result<Access, Refusal> {
        let inherited = parent.lists.default.as_ref();
        let lists = if let Some(default) = inherited {
            let mut access = default.clone();
            if let Some(mode) = self.permissions {
                access.bound(mode);
            }
            Lists {
                access,
                default: self.directory.then(|| default.clone()),
            }
        } else {
            let all = if self.directory {
                mode(7, 7, 7)
            } else {
                mode(6, 6, 6)
            };
            let umask = self.umask.unwrap_or_else(|| mode(0, 2, 7));
            let given = self.permissions.unwrap_or(all).without(umask);
            Lists {
                access: Acl::of_mode(given),
                default: None,
            }
        };
        let owner = self.owner.clone().unwrap_or_else(|| Arc::clone(&caller.id));
        let access = Access {
            owner,
            group: self
                .group
                .clone()
                .unwrap_or_else(|| Arc::clone(&parent.group)),
            lists,
            sticky: self.permissions.is_some_and(|mode| mode.sticky),
        };
        let Some(entries) = &self.list else {
            return Ok(access);
        };
        let mut set = access.changed(How::Set, entries, self.directory)?;
        if !entries.iter().any(|entry| entry.default) {
            set.lists.default = access.lists.default;
        }
        Ok(set)
    }
}

impl Tree {
    /// Makes a directory or a file, and the directories on the way. What is there is replaced: a file is emptied; a
    /// directory keeps what it holds, and its access.
    pub(crate) fn create(
        &mut self,
        caller: &Caller,
        key: &str,
        wish: &Wish,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        if !wish.directory && wish.list.iter().flatten().any(|entry| entry.default) {
            return Err(Refusal::InvalidAcl);
        }
        let of_others = wish
            .owner
            .as_ref()
            .is_some_and(|owner| **owner != *caller.id)
            || wish
                .group
                .as_ref()
                .is_some_and(|group| !caller.groups.contains(&**group));
        if of_others && !caller.granted.any(Rights::OWNERSHIP) {
            return Err(Refusal::AuthorizationPermissionMismatch);
        }
        if self.nodes.contains_key(key) {
            return self.replace(caller, key, wish, now);
        }
        if wish.conditions.only_present() {
            return Err(Refusal::ConditionNotMet);
        }
        let parent = self.make_way(caller, key, wish, now)?;
        let access = shared(wish.access(&parent, caller)?, &parent);
        Ok(self.place(key, access, wish, now))
    }

    /// Makes the directories on the way to a key; gives the access of the last.
    fn make_way(
        &mut self,
        caller: &Caller,
        key: &str,
        wish: &Wish,
        now: Moment,
    ) -> Result<Arc<Access>, Refusal> {
        let above: Vec<&str> = path::ancestors(key).collect();
        let there = above
            .iter()
            .rev()
            .find(|key| self.nodes.contains_key(**key));
        let start = there.copied().unwrap_or_default();
        let writable = Perm::WRITE | Perm::EXECUTE;
        self.check(caller, Rights::CREATE | Rights::WRITE, start, writable)?;
        let node = self.get(start)?;
        if !node.is_directory() {
            return Err(Refusal::PathConflict);
        }
        let mut parent = Arc::clone(&node.access);
        let missing = above.iter().filter(|key| key.len() > start.len());
        let on_the_way = wish.on_the_way();
        for key in missing {
            let access = shared(on_the_way.access(&parent, caller)?, &parent);
            self.insert(key, Arc::clone(&access), Kind::Directory, now);
            parent = access;
        }
        Ok(parent)
    }

    fn replace(
        &mut self,
        caller: &Caller,
        key: &str,
        wish: &Wish,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        let node = self.get(key)?;
        let directory = node.is_directory();
        let writable = self.check(caller, Rights::WRITE, key, Perm::WRITE);
        if wish.conditions.only_new() {
            // Whoever may make things in the directory is told that this one is there.
            return match writable.or_else(|_| self.check(caller, Rights::CREATE, key, Perm::NONE)) {
                Ok(()) => Err(Refusal::PathAlreadyExists { directory }),
                Err(refusal) => Err(refusal),
            };
        }
        writable?;
        wish.conditions.check(node)?;
        lease::check_write(node.lease(), wish.lease.as_deref(), now)?;
        if directory != wish.directory || key.is_empty() {
            return Err(Refusal::PathConflict);
        }
        if directory {
            return self.renew_directory(caller, key, wish, now);
        }
        let lease = node.lease().cloned();
        let parent = path::parent(key).unwrap_or_default();
        let parent = Arc::clone(&self.get(parent)?.access);
        let access = shared(wish.access(&parent, caller)?, &parent);
        self.place(key, access, wish, now);
        let node = self.get_mut(key)?;
        if lease.is_some() {
            node.more_mut().lease = lease;
        }
        Ok(node)
    }

    fn renew_directory(
        &mut self,
        caller: &Caller,
        key: &str,
        wish: &Wish,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        let change = Change {
            mode: wish.permissions,
            list: wish.list.clone().map(|entries| (How::Set, entries)),
            ..Change::default()
        };
        if !change.is_empty() {
            self.change_access(caller, key, &change, &Conditions::default())?;
        }
        let version = self.next_version(now);
        let node = self.get_mut(key)?;
        node.version = version;
        node.modified = now;
        node.more_mut().properties = wish.properties.clone().unwrap_or_default();
        Ok(node)
    }

    fn place(&mut self, key: &str, access: Arc<Access>, wish: &Wish, now: Moment) -> &Node {
        let kind = if wish.directory {
            Kind::Directory
        } else {
            let body = (wish.headers != ContentHeaders::default()).then(|| Body {
                headers: wish.headers.clone(),
                ..Body::default()
            });
            Kind::File(body.map(Box::new))
        };
        let node = self.insert(key, access, kind, now);
        if let Some(properties) = &wish.properties {
            node.more_mut().properties.clone_from(properties);
        }
        node
    }
}

/// The parent's access, if it says the same.
fn shared(access: Access, parent: &Arc<Access>) -> Arc<Access> {
    if access == **parent {
        Arc::clone(parent)
    } else {
        Arc::new(access)
    }
}
