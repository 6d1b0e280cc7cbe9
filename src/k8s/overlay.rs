//! What our own writes returned, kept until the watch has caught up.
//!
//! A reconcile that starts right after a write would else see the object as it was before, and do the work twice.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many objects are remembered as past. Only writes that are under way can bring one back, of which there are few.
const PAST: usize = 4096;

/// Objects by namespace and name, each with the resourceVersion that its write returned.
#[derive(Debug)]
pub struct Overlay<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    written: BTreeMap<(String, String), Written<T>>,
    /// By uid: up to which version nothing counts any more, whatever a write brings that was answered late.
    past: BTreeMap<String, Until>,
    /// The uids in it, oldest first.
    order: VecDeque<String>,
}

#[derive(Debug)]
enum Until {
    Version(String),
    /// It is deleted.
    Ever,
}

#[derive(Debug)]
struct Written<T> {
    uid: String,
    version: String,
    object: T,
}

/// What identifies one state of one object.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Namespace.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// Uid.
    pub uid: &'a str,
    /// resourceVersion.
    pub version: &'a str,
}

impl<T> Default for Overlay<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                written: BTreeMap::new(),
                past: BTreeMap::new(),
                order: VecDeque::new(),
            }),
        }
    }
}

impl<T> State<T> {
    fn is_past(&self, seen: Seen<'_>) -> bool {
        match self.past.get(seen.uid) {
            Some(Until::Ever) => true,
            Some(Until::Version(version)) => compare(seen.version, version) != Ordering::Greater,
            None => false,
        }
    }

    fn pass(&mut self, uid: &str, until: Until) {
        if self.past.insert(uid.to_owned(), until).is_none() {
            self.order.push_back(uid.to_owned());
        }
        if self.order.len() > PAST
            && let Some(oldest) = self.order.pop_front()
        {
            self.past.remove(&oldest);
        }
    }
}

impl<T: Clone> Overlay<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a write returned, unless the cache has seen more of that object before the answer came.
    pub fn put(&self, seen: Seen<'_>, object: T) {
        let mut state = self.lock();
        if state.is_past(seen) {
            return;
        }
        let written = Written {
            uid: seen.uid.to_owned(),
            version: seen.version.to_owned(),
            object,
        };
        let key = (seen.namespace.to_owned(), seen.name.to_owned());
        state.written.insert(key, written);
    }

    /// What was written, where it is newer than what the cache has seen of the same object (same uid). Once the cache has
    /// caught up it is forgotten.
    pub fn newer(&self, seen: Seen<'_>) -> Option<T> {
        let written = &mut self.lock().written;
        let key = (seen.namespace.to_owned(), seen.name.to_owned());
        let entry = written.get(&key)?;
        if entry.uid == seen.uid && compare(&entry.version, seen.version) == Ordering::Greater {
            return Some(entry.object.clone());
        }
        written.remove(&key);
        None
    }

    /// What was written, where the cache has nothing of that name yet.
    pub fn get(&self, namespace: &str, name: &str) -> Option<T> {
        self.lock()
            .written
            .get(&(namespace.to_owned(), name.to_owned()))
            .map(|entry| entry.object.clone())
    }

    /// Forgets an object, which was deleted. A write of it that is answered late counts no more.
    pub fn forget(&self, namespace: &str, name: &str, uid: &str) {
        let mut state = self.lock();
        state
            .written
            .remove(&(namespace.to_owned(), name.to_owned()));
        state.pass(uid, Until::Ever);
    }

    /// The cache has seen this state of an object and does not keep it. What was written before counts no more.
    pub fn passed(&self, seen: Seen<'_>) {
        if self.newer(seen).is_none() {
            let until = Until::Version(seen.version.to_owned());
            self.lock().pass(seen.uid, until);
        }
    }

    /// Keeps only what was written of these names.
    pub fn retain(&self, is_there: impl Fn(&(String, String)) -> bool) {
        self.lock().written.retain(|key, _| is_there(key));
    }
}

/// Order of two resourceVersions of one kind: decimal numbers of any length (KEP-5504). Others are taken as equal.
fn compare(a: &str, b: &str) -> Ordering {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if number(a) && number(b) {
        (a.len(), a).cmp(&(b.len(), b))
    } else {
        Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(uid: &'a str, version: &'a str) -> Seen<'a> {
        Seen {
            namespace: "ns",
            name: "n",
            uid,
            version,
        }
    }

    #[test]
    fn a_write_is_seen_until_the_cache_has_caught_up() {
        let overlay = Overlay::default();
        overlay.put(seen("u", "100"), "written");
        assert_eq!(overlay.newer(seen("u", "99")), Some("written"));
        assert_eq!(overlay.newer(seen("u", "100")), None);
        assert_eq!(
            overlay.get("ns", "n"),
            None,
            "kept after the cache had caught up"
        );
    }

    #[test]
    fn a_write_that_is_answered_after_the_deletion_was_seen_brings_nothing_back() {
        let overlay = Overlay::default();
        overlay.forget("ns", "n", "u");
        overlay.put(seen("u", "100"), "written");
        assert_eq!(overlay.get("ns", "n"), None);
        overlay.put(seen("new", "102"), "made anew");
        assert_eq!(overlay.get("ns", "n"), Some("made anew"));
    }

    #[test]
    fn a_write_that_is_answered_after_a_later_state_was_seen_does_not_hide_that() {
        let overlay = Overlay::default();
        overlay.passed(seen("u", "101"));
        overlay.put(seen("u", "100"), "written");
        assert_eq!(overlay.get("ns", "n"), None);
        overlay.put(seen("u", "102"), "written again");
        assert_eq!(overlay.get("ns", "n"), Some("written again"));
    }

    #[test]
    fn not_all_that_ever_was_is_remembered() {
        let overlay = Overlay::default();
        for number in 0..=PAST {
            overlay.forget("ns", "n", &number.to_string());
        }
        overlay.put(seen("0", "1"), "so long ago");
        assert_eq!(overlay.get("ns", "n"), Some("so long ago"));
        overlay.put(seen("1", "1"), "not so long ago");
        assert_eq!(overlay.get("ns", "n"), Some("so long ago"));
    }

    #[test]
    fn an_object_made_anew_is_not_mistaken_for_the_old_one() {
        let overlay = Overlay::default();
        overlay.put(seen("old", "100"), "written");
        assert_eq!(overlay.newer(seen("new", "9")), None);
    }
}
