//! What our own writes returned, kept until the watch has caught up.
//!
//! A reconcile that starts right after a write would else see the object as it was before, and do the work twice.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Objects by namespace and name, each with the resourceVersion that its write returned.
#[derive(Debug)]
pub struct Overlay<T> {
    written: Mutex<BTreeMap<(String, String), Written<T>>>,
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
            written: Mutex::new(BTreeMap::new()),
        }
    }
}

impl<T: Clone> Overlay<T> {
    /// Keeps what a write returned.
    pub fn put(&self, seen: Seen<'_>, object: T) {
        let written = Written {
            uid: seen.uid.to_owned(),
            version: seen.version.to_owned(),
            object,
        };
        let key = (seen.namespace.to_owned(), seen.name.to_owned());
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, written);
    }

    /// What was written, where it is newer than what the cache has seen of the same object (same uid). Once the cache has
    /// caught up it is forgotten.
    pub fn newer(&self, seen: Seen<'_>) -> Option<T> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
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
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written
            .get(&(namespace.to_owned(), name.to_owned()))
            .map(|entry| entry.object.clone())
    }

    /// Forgets an object: it was deleted.
    pub fn forget(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
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
    fn an_object_made_anew_is_not_mistaken_for_the_old_one() {
        let overlay = Overlay::default();
        overlay.put(seen("old", "100"), "written");
        assert_eq!(overlay.newer(seen("new", "9")), None);
    }
}
