//! Lists of what directories hold.

use super::{
    Tree,
    caller::{Caller, Rights},
    node::Node,
    path,
    permissions::Perm,
    refusal::Refusal,
};

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) entries: Vec<(&'a str, &'a Node)>,
    /// The key to go on with.
    pub(crate) next: Option<&'a str>,
}

impl Tree {
    /// What a directory holds, in order, from a key on: itself, or all that is below it, too.
    pub(crate) fn list(
        &self,
        caller: &Caller,
        directory: &str,
        recursive: bool,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page<'_>, Refusal> {
        let rights = Rights::READ | Rights::LIST;
        let readable = Perm::READ | Perm::EXECUTE;
        self.check(caller, rights, directory, readable)?;
        if !self.get(directory)?.is_directory() {
            return Err(Refusal::PathConflict);
        }
        let free = caller.granted.any(rights);
        let mut page = Page {
            entries: Vec::new(),
            next: None,
        };
        let mut below = self.below(directory, from);
        while let Some((key, node)) = below.next() {
            if page.entries.len() == most {
                page.next = Some(key);
                break;
            }
            page.entries.push((key, node));
            if !node.is_directory() {
                continue;
            }
            if !recursive {
                below = self.below(directory, Some(&path::after(key)));
            } else if !free && !caller.may(&node.access, readable) {
                return Err(Refusal::AuthorizationPermissionMismatch);
            }
        }
        Ok(page)
    }
}
