//! The one type that holds secret values.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret value: prints as `…`, compares in its own type only, and is wiped from memory when dropped.
///
/// There is no `Display`, no `Serialize` and no hash: a value leaves this type only where [`SecretValue::expose`] is
/// called, which a reviewer can search for.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Takes over the bytes; no copy stays behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, where it is UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let shown = format!(
            "{:?} {:#?}",
            SecretValue::from("hunter2".to_owned()),
            Some(SecretValue::new(vec![1]))
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains('1'),
            "{shown}"
        );
    }
}
