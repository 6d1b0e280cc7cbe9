//! What is remembered of objects between two reconciles, and for whom a look was asked meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::azure_resource::due::{Asks, Memory};

/// What is remembered, by uid.
#[derive(Debug, Default)]
pub struct Memories(Mutex<BTreeMap<String, Memory>>);

impl Memories {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of an object.
    pub fn recall(&self, uid: &str) -> Memory {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Remembers something of an object until its next reconcile. What was asked for since it was recalled stays asked for.
    pub fn remember(&self, uid: &str, memory: Memory) {
        let mut all = self.lock();
        let kept = all.entry(uid.to_owned()).or_default();
        let asked = kept.asks.asked.max(memory.asks.asked);
        *kept = Memory {
            asks: Asks {
                asked,
                ..memory.asks
            },
            ..memory
        };
    }

    /// A look is asked for, also where one is under way: that one may have seen what was before.
    pub fn ask(&self, uid: &str) {
        let mut all = self.lock();
        all.entry(uid.to_owned()).or_default().asks.asked += 1;
    }

    /// An object is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::azure_resource::api::ResourceStatus;
    use crate::azure_resource::due::{CameTo, Due, Inputs, due, remember};
    use crate::azure_resource::fixtures::{at, common};

    fn inputs() -> Inputs {
        Inputs {
            generation: 1,
            leaving: false,
            sync_at: None,
            marks: [false; 2],
            identity: Ok(("identity".to_owned(), 1, 1)),
            syncs: Vec::new(),
        }
    }

    /// A look that was begun with what is recalled, and is over.
    fn ends(memories: &Memories, begun: &Memory, now: u64) {
        let valid = common(json!({}));
        let next = remember(&valid, inputs(), begun, CameTo::default(), at(now));
        memories.remember("uid", next);
    }

    fn is_due(memories: &Memories, now: u64) -> bool {
        let status = (&ResourceStatus::default(), [].as_slice());
        let due = due(&inputs(), &memories.recall("uid"), status, at(now));
        matches!(due, Due::Look { .. })
    }

    #[test]
    fn what_is_asked_for_while_a_look_goes_on_is_looked_at_after_it() {
        let memories = Memories::default();
        ends(&memories, &memories.recall("uid"), 0);
        assert!(!is_due(&memories, 1));
        memories.ask("uid");
        let begun = memories.recall("uid");
        // Somebody changes something that the look has seen already.
        memories.ask("uid");
        ends(&memories, &begun, 2);
        assert!(is_due(&memories, 3));
        ends(&memories, &memories.recall("uid"), 3);
        assert!(!is_due(&memories, 4));
        memories.forget("uid");
        assert_eq!(memories.recall("uid").asks, Asks::default());
    }
}
