//! Large trees for tests and benchmarks, made at once.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Tree,
    node::{Access, Kind},
    path,
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// What a tree is to look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Paths in all.
    pub(crate) count: usize,
    /// Directories in each directory.
    pub(crate) fan_out: usize,
    /// Levels of directories.
    pub(crate) depth: usize,
}

impl Shape {
    /// Ten directories in each, on three levels, unless it is said otherwise.
    pub(crate) fn new(count: usize, fan_out: Option<usize>, depth: Option<usize>) -> Self {
        Self {
            count,
            fan_out: fan_out.unwrap_or(10),
            depth: depth.unwrap_or(3),
        }
    }
}

impl Tree {
    /// Grows a tree below a directory, which is there: directories `d0`, `d1`, … down to the depth, and in the deepest
    /// ones files `f0`, `f1`, … until there are enough paths. All belong to the directory's owner and have its access, but
    /// files none of its default lists. Gives the number of new paths.
    pub(crate) fn grow(&mut self, key: &str, shape: Shape, now: Moment) -> Result<usize, Refusal> {
        let top = self.get(key)?;
        if !top.is_directory() || shape.fan_out == 0 {
            return Err(Refusal::PathConflict);
        }
        let of_directories = Arc::clone(&top.access);
        let mut of_files = Access::clone(&of_directories);
        of_files.lists.default = None;
        let of_files = Arc::new(of_files);
        let mut left = shape.count;
        let mut level = VecDeque::from([Box::<str>::from(key)]);
        for _ in 0..shape.depth {
            let mut next = VecDeque::new();
            'level: for parent in &level {
                for number in 0..shape.fan_out {
                    if left == 0 {
                        break 'level;
                    }
                    left -= 1;
                    let key = path::child(parent, &format!("d{number}"));
                    self.insert(&key, Arc::clone(&of_directories), Kind::Directory, now);
                    next.push_back(key);
                }
            }
            if left == 0 {
                return Ok(shape.count);
            }
            level = next;
        }
        let parents = level.len().max(1);
        for (number, parent) in level.iter().enumerate() {
            let more = usize::from(number < left % parents);
            for file in 0..left / parents + more {
                let key = path::child(parent, &format!("f{file}"));
                self.insert(&key, Arc::clone(&of_files), Kind::File(None), now);
            }
        }
        Ok(shape.count)
    }
}
