//! What a session is doing, in numbers. Pure.

use jiff::Timestamp;

use super::Session;
use crate::hub::gate::Door;

/// Figures of one session.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Calls that somebody waits for and that have not been begun.
    pub urgent: usize,
    /// Calls that nobody waits for and that have not been begun.
    pub routine: usize,
    /// Calls under way.
    pub under_way: usize,
    /// Objects that are wanted.
    pub objects: usize,
    /// When the object that was looked at longest ago was looked at, of those that are followed; where one never was, when it
    /// was first wanted.
    pub oldest: Option<Timestamp>,
    /// Whether the vault is left alone.
    pub shut: bool,
    /// For how many seconds it was left alone because it throttled, so far.
    pub throttled: f64,
}

impl Session {
    /// The figures now.
    pub fn stats(&self, now: Timestamp) -> Stats {
        let [urgent, routine] = &self.lanes;
        let followed = self
            .known
            .iter()
            .filter(|(object, known)| object.version.is_none() && known.every().is_some());
        Stats {
            urgent: urgent.len(),
            routine: routine.len(),
            under_way: self.calls.len(),
            objects: self.known.len(),
            oldest: followed
                .map(|(_, known)| known.tried.unwrap_or(known.first))
                .min(),
            shut: matches!(self.gate.door(now), Door::Shut(..)),
            throttled: self.gate.throttled_seconds(now),
        }
    }
}

impl Stats {
    /// Those of two sessions with one vault.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            urgent: self.urgent + other.urgent,
            routine: self.routine + other.routine,
            under_way: self.under_way + other.under_way,
            objects: self.objects + other.objects,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
            shut: self.shut || other.shut,
            throttled: self.throttled + other.throttled,
        }
    }
}
