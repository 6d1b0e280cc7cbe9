//! Tags: those that a spec wants beside those of others, and the owner's. Pure.

use super::difference::Difference;
use super::owner::{OWNER_TAG, owner_tag, says};
use super::values::Tags;

const NONE: &str = "(none)";

fn has(tags: &Tags, name: &str) -> bool {
    tags.keys().any(|tag| tag.eq_ignore_ascii_case(name))
}

/// The tags of a resource with those that are wanted, without those that were set once and are not wanted any more, and with the
/// owner's.
pub fn merged(wanted: &Tags, now: &Tags, set: &[String], owner: &str) -> Tags {
    let dropped = |name: &str| {
        let once = set.iter().any(|tag| tag.eq_ignore_ascii_case(name));
        once && !has(wanted, name)
    };
    let mut tags: Tags = now
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case(OWNER_TAG) && !dropped(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in wanted {
        tags.retain(|other, _| !other.eq_ignore_ascii_case(name));
        tags.insert(name.clone(), value.clone());
    }
    let known = owner_tag(now).filter(|tag| says(tag, owner)).cloned();
    let tag = known.unwrap_or_else(|| owner.to_owned());
    tags.insert(OWNER_TAG.to_owned(), tag);
    tags
}

/// Where tags are not as they are wanted.
pub fn differences(wanted: &Tags, now: &Tags, set: &[String], owner: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    let tag = |name: &str| {
        let mut tags = now.iter();
        tags.find(|(tag, _)| tag.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    let said = owner_tag(now).map_or(NONE, String::as_str);
    if !says(said, owner) {
        found.push(Difference::new(format!("tags.{OWNER_TAG}"), owner, said));
    }
    for (name, value) in wanted {
        let has = tag(name);
        if has != Some(value) {
            let has = has.unwrap_or(NONE);
            found.push(Difference::new(format!("tags.{name}"), value, has));
        }
    }
    for name in set.iter().filter(|name| !has(wanted, name)) {
        if let Some(has) = tag(name) {
            found.push(Difference::new(format!("tags.{name}"), NONE, has));
        }
    }
    found
}

/// Names of the tags that count as set: what is wanted, once it is there, and until nothing is left to be written what was set
/// before. So what others have set, and this object was not able to replace, is never taken away as if it were its own.
pub fn set(wanted: &Tags, now: &Tags, old: &[String], clean: bool) -> Vec<String> {
    let there = wanted.iter().filter(|(name, value)| {
        let mut now = now.iter();
        now.any(|(tag, has)| tag.eq_ignore_ascii_case(name) && has == *value)
    });
    let before = if clean { &[] } else { old };
    union(before, there.map(|(name, _)| name.clone()))
}

/// Both, sorted and each once.
pub fn union(old: &[String], new: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = old.iter().cloned().chain(new).collect();
    all.sort();
    all.dedup();
    all
}

/// The tags without the owner's.
pub fn released(tags: &mut Tags) {
    tags.retain(|name, _| !name.eq_ignore_ascii_case(OWNER_TAG));
}
