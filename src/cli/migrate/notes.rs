//! What is said of fields that have no equal, or one that differs. Pure.

use std::fmt;

use serde_json::Value;

/// Longest part of what was seen, in characters. A template may be long.
const LONGEST: usize = 80;

/// A remark on one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Note {
    /// Where the field stands.
    pub(super) at: String,
    /// What stands there.
    pub(super) seen: Option<String>,
    /// What becomes of it, and what to do instead.
    pub(super) what: String,
}

impl Note {
    /// A remark on a value.
    pub(super) fn new(at: impl Into<String>, seen: &Value, what: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            seen: shown(seen),
            what: what.into(),
        }
    }

    /// A remark on what is not there.
    pub(super) fn on(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(at, &Value::Null, what)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.seen {
            Some(seen) => write!(out, "{} ({seen}): {}", self.at, self.what),
            None => write!(out, "{}: {}", self.at, self.what),
        }
    }
}

/// A value in a line; nothing for what says nothing.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_names_the_field_and_what_was_seen() {
        let said = |seen| Note::new("spec.x", &seen, "write y").to_string();
        assert_eq!(said(json!("None")), "spec.x (None): write y");
        assert_eq!(said(json!({"a": 1})), "spec.x ({\"a\":1}): write y");
        assert_eq!(Note::on("spec.x", "write y").to_string(), "spec.x: write y");
        let long = said(json!("ä".repeat(100)));
        assert_eq!(long, format!("spec.x ({}…): write y", "ä".repeat(80)));
    }
}
