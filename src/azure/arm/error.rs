//! Errors in the envelope of Azure Resource Manager ("Microsoft REST API guidelines", error condition responses). Pure.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// Azure's messages are cut at this many characters: they go into conditions.
pub(in crate::azure) const LONGEST_MESSAGE: usize = 600;
/// Errors lie in errors; what is further down is not looked at.
const DEEPEST: usize = 5;

/// An error as Azure writes it.
#[derive(Deserialize, Default, Debug, Clone, PartialEq)]
#[serde(default)]
pub struct AzureError {
    /// Its code.
    pub code: String,
    /// What it says.
    pub message: String,
    /// What it is about.
    pub target: Option<String>,
    details: Vec<Self>,
    #[serde(rename = "innererror", alias = "innerError")]
    inner: Option<Box<Self>>,
    #[serde(rename = "additionalInfo")]
    pub(super) additional: Vec<Additional>,
}

#[derive(Deserialize, Default, Debug, Clone, PartialEq)]
#[serde(default)]
pub(super) struct Additional {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) info: Value,
}

impl AzureError {
    /// The error in a body: in its envelope, or bare as older services write it.
    pub fn of(body: &Value) -> Option<Self> {
        let bare = || {
            let both = body.get("code").is_some() && body.get("message").is_some();
            both.then(|| body.clone())
        };
        let value = body
            .get("error")
            .filter(|value| value.is_object())
            .cloned()
            .or_else(bare)?;
        // A part in another form than usual costs its details and not its code.
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        let plain = Self {
            code: text("code").unwrap_or_default(),
            message: text("message").unwrap_or_default(),
            ..Self::default()
        };
        Some(
            serde_json::from_value(value)
                .unwrap_or(plain)
                .unfolded(DEEPEST),
        )
    }

    /// Deployments write the errors of their resources into messages, as the text of a JSON document.
    fn unfolded(mut self, depth: usize) -> Self {
        let Some(below) = depth.checked_sub(1) else {
            return self;
        };
        let text = self.message.trim_start();
        let value: Option<Value> = text
            .starts_with('{')
            .then(|| serde_json::from_str(text).ok())
            .flatten();
        if let Some(inner) = value.as_ref().and_then(Self::of) {
            self.message.clear();
            self.inner = Some(Box::new(inner));
        }
        let details = std::mem::take(&mut self.details).into_iter();
        self.details = details.map(|one| one.unfolded(below)).collect();
        self
    }

    /// This error and those in it, outer ones first.
    pub(super) fn all(&self) -> Vec<&Self> {
        let (mut found, mut level) = (Vec::new(), vec![self]);
        for _ in 0..DEEPEST {
            let below = level.iter().flat_map(|error| {
                let inner = error.inner.as_deref();
                error.details.iter().chain(inner)
            });
            let below: Vec<_> = below.collect();
            found.append(&mut level);
            level = below;
        }
        found
    }

    /// What it says in one line, with what its parts add.
    pub(super) fn said(&self) -> String {
        let mut said = String::new();
        for error in self.all() {
            let message = settled(&error.message);
            if !message.is_empty() && !said.contains(&message) {
                let between = if said.is_empty() { "" } else { " " };
                // Writing to a text does not fail.
                let _written = write!(said, "{between}{message}");
            }
        }
        said.chars().take(LONGEST_MESSAGE).collect()
    }
}

/// A message in one line and without what differs from try to try, since a changed message is a write of the status.
pub(in crate::azure) fn settled(text: &str) -> String {
    static PASSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?ix)
            [\s,;(]* \b (?: x-ms- )? (?: correlation | tracking | request | activity | trace ) [\s_-]* id s? \b \s* (?: is | : | = )? \s* ['"]? [0-9a-z-]{8,} ['"]? \)? \.?
            | [\s,;(]* \b (?: time | timestamp | date ) \s* [:=] \s* ['"]? \d{4}-\d\d-\d\d [T\ ] [0-9:.]+ (?: Z | [+-]\d\d:\d\d )? ['"]? \)? \.?
            | (?: please \s+ )? (?: try | retry ) (?: ing )? \s+ (?: again \s+ )? after \s+ '? \d+ '? \s+ (?: seconds | minutes ) \.?"#,
        )
        .ok()
    });
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let settled = PASSING
        .as_ref()
        .map(|passing| passing.replace_all(&line, "").trim().to_owned());
    settled.unwrap_or(line)
}

/// What stands between two texts.
pub(super) fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(behind)?;
    Some(found).filter(|found| !found.is_empty())
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
