//! Sets that mostly have one or two members. Pure.
//!
//! The smallest B-tree has room for eleven, which is most of what ten thousand such sets take.

use std::borrow::Borrow;

/// From so many members on, room is made for as many again.
const FEW: usize = 4;

/// A set in order, in no more memory than its members need while they are few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Few<T> {
    /// Adds a member, unless it is there already.
    pub fn insert(&mut self, member: T) {
        if let Err(place) = self.0.binary_search(&member) {
            if self.0.len() < FEW {
                self.0.reserve_exact(1);
            }
            self.0.insert(place, member);
        }
    }

    /// Takes a member out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, member: &Q)
    where
        T: Borrow<Q>,
    {
        if let Ok(place) = self.find(member) {
            self.0.remove(place);
            if self.0.is_empty() {
                self.0 = Vec::new();
            }
        }
    }

    /// Whether this is a member.
    pub fn contains<Q: Ord + ?Sized>(&self, member: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.find(member).is_ok()
    }

    fn find<Q: Ord + ?Sized>(&self, member: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|held| held.borrow().cmp(member))
    }
}

impl<T> Few<T> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T: Ord> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut all: Vec<T> = members.into_iter().collect();
        all.sort();
        all.dedup();
        all.shrink_to_fit();
        Self(all)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_tree_would_in_the_same_order(steps in prop::collection::vec((any::<bool>(), 0..12_u8), 0..60)) {
            let (mut few, mut tree) = (Few::default(), BTreeSet::new());
            for (comes, member) in steps {
                if comes {
                    few.insert(member);
                    tree.insert(member);
                } else {
                    few.remove(&member);
                    tree.remove(&member);
                }
                prop_assert_eq!(few.contains(&member), comes);
            }
            prop_assert!(few.iter().eq(tree.iter()));
            prop_assert_eq!(few.is_empty(), tree.is_empty());
            prop_assert!(few.iter().copied().collect::<Few<u8>>().iter().eq(tree.iter()));
        }
    }

    #[test]
    fn few_members_take_no_more_room_than_they_need_and_none_takes_none() {
        let mut few = Few::default();
        few.insert(1_u64);
        assert_eq!(few.0.capacity(), 1);
        few.remove(&1);
        assert_eq!(few.0.capacity(), 0);
    }
}
