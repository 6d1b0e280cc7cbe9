//! Where something is in a lake. Pure.

use std::fmt;

use crate::azure::lake::{FilesystemName, LakePath};

/// A path of a filesystem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The filesystem.
    pub filesystem: FilesystemName,
    /// The path in it.
    pub path: LakePath,
}

impl Place {
    /// A path of a filesystem.
    pub fn new(filesystem: &FilesystemName, path: &LakePath) -> Self {
        Self {
            filesystem: filesystem.clone(),
            path: path.clone(),
        }
    }

    /// Whether it is `other` or lies in it.
    pub fn is_in(&self, other: &Self) -> bool {
        self.filesystem == other.filesystem && self.path.is_in(&other.path)
    }
}

/// As people write it: `raw/sales/2026`, and `raw/` for a root.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.path.is_root() { "" } else { "/" };
        write!(f, "{}{slash}{}", self.filesystem, self.path)
    }
}

/// A part of the looks of a lake that is as declared: with each turn another of `of` equal parts is looked at, so that all has
/// been seen after that many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which, from 0 on.
    pub turn: u32,
    /// Of how many.
    pub of: u32,
}

impl Turn {
    /// A turn in which nothing is looked at but what is asked for.
    pub const NOBODYS: Self = Self { turn: 1, of: 1 };

    /// Whether it is a path's turn. A path keeps its place whatever else is in the spec, whoever asks and whenever.
    pub fn has(self, filesystem: &FilesystemName, path: &LakePath) -> bool {
        let hash = crate::retry::seed(filesystem.as_str(), &path.to_string());
        // The low bits of this kind of hash hang together; the high ones are folded in.
        let mixed = hash ^ (hash >> 32);
        mixed % u64::from(self.of.max(1)) == u64::from(self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_one_turn_and_turns_are_of_a_size() {
        let filesystem: FilesystemName = "raw".parse().unwrap();
        let mut sizes = [0u32; 8];
        for at in 0..4000 {
            let path: LakePath = format!("sales/{at}").parse().unwrap();
            let turns = (0..8).filter(|turn| {
                let turn = Turn { turn: *turn, of: 8 };
                turn.has(&filesystem, &path)
            });
            let turns: Vec<u32> = turns.collect();
            assert_eq!(turns.len(), 1, "{path}");
            sizes[usize::try_from(turns[0]).unwrap()] += 1;
        }
        assert!(
            sizes.iter().all(|size| (400..600).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn places_are_told_as_people_write_them() {
        let filesystem: FilesystemName = "raw".parse().unwrap();
        let place = |path: &str| Place::new(&filesystem, &path.parse().unwrap()).to_string();
        assert_eq!([place("a/b"), place("")], ["raw/a/b", "raw/"]);
    }
}
