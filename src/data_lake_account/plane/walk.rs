//! The order in which a tree of a Data Lake Store is gone through, page by page, and where that goes on after a break. Pure.
//!
//! A directory comes before what is in it, so that what others make there meanwhile inherits what it has got. Names come in the
//! store's order, so a place is the path that came last: `/sales/d1/` where its content is next, `/sales/f1` where what is behind
//! it is next. Whatever is made or deleted meanwhile, that stays a place.

use std::collections::VecDeque;

use crate::azure::lake::LakePath;
use crate::azure::lake::list::Page;
use crate::azure::lake::paths::Thing;

/// Names that are held at most, apart from those of the directory that it is in: outer ones are listed anew.
const HELD: usize = 8000;

/// A way through a tree.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// What it begins with, as long as it has not begun.
    first: Option<LakePath>,
    /// The directory that was named last, whose content is next.
    enters: Option<LakePath>,
    /// Directories that it is in, from the outermost.
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    path: LakePath,
    /// The name that came last.
    last: Option<String>,
    /// Names that come next.
    left: VecDeque<(String, Thing)>,
    /// Whether there may be more behind those.
    more: bool,
}

/// A file or directory that comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its path; where nobody could ask for that, its text.
    pub(super) path: Result<LakePath, String>,
    /// What it is.
    pub(super) thing: Thing,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// This directory is listed, behind a name where there is one: [`Walk::listed`]. All that came before must be done.
    List(LakePath, Option<String>),
    /// This one is to be changed.
    Change(Item),
    /// There is nothing more.
    End,
}

impl Level {
    fn new(path: LakePath, last: Option<String>) -> Self {
        Self {
            path,
            last,
            left: VecDeque::new(),
            more: true,
        }
    }

    /// The path of a name in it.
    fn at(&self, name: &str) -> Result<LakePath, String> {
        let plain = !name.contains('/');
        let path = Some(name).filter(|_| plain);
        let path = path.and_then(|name| self.path.join(name).ok());
        path.ok_or_else(|| format!("{}{name}", text(&self.path).trim_start_matches('/')))
    }
}

/// A directory with slashes around it.
fn text(path: &LakePath) -> String {
    if path.is_root() {
        "/".to_owned()
    } else {
        format!("/{path}/")
    }
}

impl Walk {
    /// From the beginning of a tree, or from a place in it; none where that is no place in it.
    pub(super) fn new(top: &LakePath, from: Option<&str>) -> Option<Self> {
        let mut walk = Self {
            first: None,
            enters: None,
            levels: Vec::new(),
        };
        let Some(from) = from else {
            walk.first = Some(top.clone());
            return Some(walk);
        };
        let (directory, last) = from.strip_prefix('/')?.rsplit_once('/').unwrap_or_else(|| {
            // A name in the root, or the root itself.
            ("", from.trim_start_matches('/'))
        });
        let directory: LakePath = directory.parse().ok()?;
        if !directory.is_in(top) {
            return None;
        }
        let inner = directory.parts().get(top.parts().len()..)?;
        let mut path = top.clone();
        for name in inner {
            walk.levels
                .push(Level::new(path.clone(), Some(name.clone())));
            path = path.join(name).ok()?;
        }
        let last = Some(last).filter(|last| !last.is_empty());
        walk.levels.push(Level::new(path, last.map(str::to_owned)));
        Some(walk)
    }

    /// Where it is: what goes on from here begins with what [`Self::next`] names now. None at the beginning and at the end.
    pub(super) fn place(&self) -> Option<String> {
        if let Some(enters) = &self.enters {
            return Some(text(enters));
        }
        let level = self.levels.last()?;
        let last = level.last.as_deref().unwrap_or_default();
        Some(format!("{}{last}", text(&level.path)))
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Next {
        if let Some(path) = self.first.take() {
            self.enters = Some(path.clone());
            return Next::Change(Item {
                path: Ok(path),
                thing: Thing::Directory,
            });
        }
        if let Some(path) = self.enters.take() {
            self.levels.push(Level::new(path, None));
        }
        while let Some(level) = self.levels.last_mut() {
            if let Some((name, thing)) = level.left.pop_front() {
                let path = level.at(&name);
                level.last = Some(name);
                if let (Ok(path), Thing::Directory) = (&path, thing) {
                    self.enters = Some(path.clone());
                }
                return Next::Change(Item { path, thing });
            }
            if level.more {
                return Next::List(level.path.clone(), level.last.clone());
            }
            self.levels.pop();
        }
        Next::End
    }

    /// What the directory that was to be listed holds; nothing where it is gone, or nobody may look.
    pub(super) fn listed(&mut self, page: Page) {
        let Some((level, outer)) = self.levels.split_last_mut() else {
            return;
        };
        let last = page.paths.last().map(|last| last.name.as_str());
        // Whoever does not go on behind a name would be listed for ever.
        let stands = last.is_some() && last == level.last.as_deref();
        level.more = page.continuation.is_some() && !stands;
        // What became a file is listed as itself, without a name.
        let named = page
            .paths
            .into_iter()
            .filter(|one| !one.name.is_empty() && !stands);
        level.left = named.map(|one| (one.name, one.thing)).collect();
        let mut held: usize = outer.iter().map(|level| level.left.len()).sum();
        for level in outer {
            if held <= HELD {
                break;
            }
            held -= level.left.len();
            level.more |= !level.left.is_empty();
            level.left.clear();
        }
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
