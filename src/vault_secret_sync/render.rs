//! From what a vault gave to the values of keys. Pure.

use super::item::{Item, Source};
use super::render_secret::take;
use crate::azure::key_vault::Bundle;
use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Keys and values.
pub type Values = Vec<(SecretKey, SecretValue)>;

/// The values of an item, made of what was given for [`Item::needs`], in that order. No message quotes any part of a value.
pub fn render(item: &Item, given: &[&Bundle]) -> Result<Values, Problem> {
    let [first, ..] = given else {
        return Ok(Values::new());
    };
    let values = match &item.source {
        Source::Secret { key, part } => vec![(key.clone(), take(key, part, &first.value)?)],
        Source::Token { key, .. } => vec![(key.clone(), first.value.clone())],
    };
    if values.iter().any(|(_, value)| value.is_empty()) {
        return Err(Problem::new(
            Reason::EmptyValue,
            Retry::OnChange,
            format!(
                "{} is empty: an empty value is never put into a Secret; set a value in the vault",
                item.names()
            ),
        ));
    }
    Ok(values)
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
