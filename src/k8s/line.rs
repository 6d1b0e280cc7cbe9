//! Names that wait for their turn, in the order in which they came. Pure.
//!
//! kube's runner takes any of those that wait while all places are taken, so one of thousands may come last again and again.
//! It is given no more names than it has places.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// Those for whom something has come, and those who want something. They take turns: a burst of either does not hold up the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// An answer waits to be fetched.
    Answered,
    /// Everything else.
    Asking,
}

#[derive(Debug)]
struct Waiting<T> {
    order: VecDeque<T>,
    names: HashSet<T>,
}

impl<T: Clone + Eq + Hash> Waiting<T> {
    fn push(&mut self, name: T) {
        if self.names.insert(name.clone()) {
            self.order.push_back(name);
        }
    }

    fn pop(&mut self) -> Option<T> {
        let name = self.order.pop_front()?;
        self.names.remove(&name);
        if self.order.is_empty() {
            // A burst is over, and its room is given back.
            *self = Self::default();
        }
        Some(name)
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            order: VecDeque::new(),
            names: HashSet::new(),
        }
    }
}

/// Names in line, and places that are taken.
#[derive(Debug)]
pub struct Line<T> {
    answered: Waiting<T>,
    asking: Waiting<T>,
    /// Whose turn it was last.
    last: Lane,
    places: usize,
    /// Handed over and not begun.
    handed: HashSet<T>,
    running: usize,
}

impl<T: Clone + Eq + Hash> Line<T> {
    /// An empty line before so many places.
    pub fn new(places: usize) -> Self {
        Self {
            answered: Waiting::default(),
            asking: Waiting::default(),
            last: Lane::Asking,
            places: places.max(1),
            handed: HashSet::new(),
            running: 0,
        }
    }

    /// A name comes. One that is in its lane already counts once.
    pub fn push(&mut self, lane: Lane, name: T) {
        match lane {
            Lane::Answered => self.answered.push(name),
            Lane::Asking => self.asking.push(name),
        }
    }

    /// The next name, where there is a place for it.
    pub fn pop(&mut self) -> Option<T> {
        if self.handed.len() + self.running >= self.places {
            return None;
        }
        let (lane, name) = match self.last {
            Lane::Asking => self.answered().or_else(|| self.asking()),
            Lane::Answered => self.asking().or_else(|| self.answered()),
        }?;
        self.last = lane;
        self.handed.insert(name.clone());
        Some(name)
    }

    fn answered(&mut self) -> Option<(Lane, T)> {
        Some((Lane::Answered, self.answered.pop()?))
    }

    fn asking(&mut self) -> Option<(Lane, T)> {
        Some((Lane::Asking, self.asking.pop()?))
    }

    /// Work on a name begins, be it that nobody handed it over: its time had come.
    pub fn began(&mut self, name: &T) {
        self.handed.remove(name);
        self.running += 1;
    }

    /// Work has ended.
    pub fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// There is no object of a name that was handed over.
    pub fn vain(&mut self, name: &T) {
        self.handed.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(places: usize, names: &[u32]) -> Line<u32> {
        let mut line = Line::new(places);
        for name in names {
            line.push(Lane::Asking, *name);
        }
        line
    }

    #[test]
    fn names_have_their_turn_in_the_order_in_which_they_came_and_each_once() {
        let mut line = line(9, &[3, 1, 3, 2, 1]);
        let order: Vec<u32> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, [3, 1, 2]);
        line.push(Lane::Asking, 3);
        assert_eq!(line.pop(), Some(3), "a name that had its turn came in vain");
    }

    #[test]
    fn no_more_are_handed_over_than_there_are_places() {
        let mut line = line(2, &[1, 2, 3, 4]);
        assert_eq!(
            (line.pop(), line.pop(), line.pop()),
            (Some(1), Some(2), None)
        );
        line.began(&1);
        assert_eq!(line.pop(), None);
        line.ended();
        assert_eq!((line.pop(), line.pop()), (Some(3), None));
        line.vain(&2);
        assert_eq!(
            line.pop(),
            Some(4),
            "what is not there took a place for ever"
        );
    }

    #[test]
    fn a_crowd_does_not_hold_up_those_whose_answer_has_come_nor_they_the_crowd() {
        let mut line = line(9, &[1, 2, 3]);
        for name in [7, 8, 9] {
            line.push(Lane::Answered, name);
        }
        let order: Vec<u32> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, [7, 1, 8, 2, 9, 3]);
    }
}
