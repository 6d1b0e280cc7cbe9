//! Properties of filesystems and files: names with texts, which requests carry in base64. Pure.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::names::NameError;

/// Properties that somebody has given.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// Of these; their names are those of variables in C# ("Naming and Referencing Containers, Blobs, and Metadata").
    pub fn new(all: BTreeMap<String, String>) -> Result<Self, NameError> {
        let bad = all.keys().find(|name| {
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            !begins || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if let Some(name) = bad {
            let expected = "the name of a property (letters, digits and underscores, with no digit at its begin)";
            return Err(NameError::new(expected, name));
        }
        Ok(Self(all))
    }

    /// The properties.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// As a header carries them.
    pub(super) fn header(&self) -> String {
        let each = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", STANDARD.encode(value)));
        each.collect::<Vec<_>>().join(",")
    }

    /// What a header says; values that are no text are left as they were sent.
    pub(super) fn told(header: &str) -> Self {
        let pairs = header.split(',').filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let decoded = STANDARD.decode(value).ok();
            let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            Some((name.to_owned(), text.unwrap_or_else(|| value.to_owned())))
        });
        Self(pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn values_travel_in_base64() {
        let some =
            Properties::new(of(&[("AddedVia", "Azure SDK for Rust"), ("x", "ä=,")])).unwrap();
        assert_eq!(
            some.header(),
            "AddedVia=QXp1cmUgU0RLIGZvciBSdXN0,x=w6Q9LA=="
        );
        assert_eq!(Properties::told(&some.header()), some);
        assert_eq!(Properties::told(""), Properties::default());
    }

    #[test]
    fn names_that_would_not_survive_are_refused() {
        for bad in ["", "a b", "1a", "a=b", "a,b", "ä"] {
            assert!(Properties::new(of(&[(bad, "x")])).is_err(), "{bad}");
        }
    }
}
