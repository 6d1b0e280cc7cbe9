//! Paths, and the keys by which the tree keeps them: a path whose parts are joined by NUL. So everything below a directory
//! follows it at once, in the order in which a walk meets it. The root's key is empty.

use super::refusal::Refusal;

const SEPARATOR: char = '\0';
/// The first character that a sibling of a directory's contents can follow it with.
const AFTER: char = '\u{1}';
const MAX_PART: usize = 255;
const MAX_PATH: usize = 1024;
const MAX_DEPTH: usize = 63;

/// The key of a path as clients write it. Slashes at its ends and in a row are free.
pub(crate) fn key(text: &str) -> Result<Box<str>, Refusal> {
    let mut key = String::with_capacity(text.len());
    let mut depth = 0;
    for part in text.split('/').filter(|part| !part.is_empty()) {
        let bad = matches!(part, "." | "..")
            || part.contains(|letter| letter <= AFTER)
            || part.chars().count() > MAX_PART;
        if bad {
            return Err(Refusal::InvalidResourceName);
        }
        if depth > 0 {
            key.push(SEPARATOR);
        }
        key.push_str(part);
        depth += 1;
    }
    if depth > MAX_DEPTH || key.chars().count() > MAX_PATH {
        return Err(Refusal::InvalidResourceName);
    }
    Ok(key.into())
}

/// The path of a key.
pub(crate) fn text(key: &str) -> String {
    key.replace(SEPARATOR, "/")
}

/// The key of what a directory holds under a name.
pub(crate) fn child(key: &str, name: &str) -> Box<str> {
    if key.is_empty() {
        name.into()
    } else {
        format!("{key}{SEPARATOR}{name}").into()
    }
}

/// The last part.
pub(crate) fn name(key: &str) -> &str {
    key.rsplit_once(SEPARATOR).map_or(key, |(_, name)| name)
}

/// The directory that something is in; the root is in none.
pub(crate) fn parent(key: &str) -> Option<&str> {
    match key.rsplit_once(SEPARATOR) {
        Some((parent, _)) => Some(parent),
        None => (!key.is_empty()).then_some(""),
    }
}

/// The directories that lead to something, the root first.
pub(crate) fn ancestors(key: &str) -> impl Iterator<Item = &str> {
    let root = (!key.is_empty()).then_some("");
    let cuts = key
        .match_indices(SEPARATOR)
        .filter_map(|(at, _)| key.get(..at));
    root.into_iter().chain(cuts)
}

/// Whether the key is of something in the directory, however deep.
pub(crate) fn is_below(key: &str, directory: &str) -> bool {
    directory.is_empty() && !key.is_empty()
        || key
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with(SEPARATOR))
}

/// The bounds of what a directory holds: from the first, up to the second and without it (none: to the end).
pub(crate) fn contents(directory: &str) -> (String, Option<String>) {
    if directory.is_empty() {
        return (String::from(SEPARATOR), None);
    }
    (
        format!("{directory}{SEPARATOR}"),
        Some(format!("{directory}{AFTER}")),
    )
}

/// The first key that can follow something and all that is in it.
pub(crate) fn after(key: &str) -> String {
    format!("{key}{AFTER}")
}

/// The key of something below a directory when the directory is moved.
pub(crate) fn moved(key: &str, from: &str, to: &str) -> Box<str> {
    match key.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}").into(),
        None => key.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_and_in_a_row_are_free() {
        assert_eq!(key("/a//b/").unwrap(), key("a/b").unwrap());
        assert_eq!(&*key("//").unwrap(), "");
        assert_eq!(text(&key("a/b c/d").unwrap()), "a/b c/d");
    }

    #[test]
    fn what_is_too_long_or_odd_is_refused() {
        for odd in [
            "a/../b",
            "./a",
            "a\0b",
            &"x".repeat(256),
            &"a/".repeat(64),
            &"abcdefghi/".repeat(110),
        ] {
            assert!(key(odd).is_err(), "{odd}");
        }
        assert!(key(&"a/".repeat(63)).is_ok() && key(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn a_directory_is_followed_by_its_contents() {
        let mut keys: Vec<_> = ["a!", "a/b", "a", "a/b/c", "a/b!", "b"]
            .iter()
            .map(|text| key(text).unwrap())
            .collect();
        keys.sort();
        let order: Vec<_> = keys.iter().map(|key| text(key)).collect();
        assert_eq!(order, ["a", "a/b", "a/b/c", "a/b!", "a!", "b"]);
        let (from, to) = contents("a");
        let within = keys
            .iter()
            .filter(|key| ***key >= *from && ***key < *to.clone().unwrap());
        assert_eq!(within.count(), 3);
    }

    #[test]
    fn ancestors_lead_from_the_root() {
        let deep = key("a/b/c").unwrap();
        let above: Vec<_> = ancestors(&deep).map(text).collect();
        assert_eq!(above, ["", "a", "a/b"]);
        assert_eq!(ancestors("").count(), 0);
        assert_eq!(
            (parent(&deep), parent("a"), parent("")),
            (Some("a\0b"), Some(""), None)
        );
        assert!(
            is_below("a\0b", "a") && is_below("a", "") && !is_below("ab", "a") && !is_below("", "")
        );
    }
}
