//! From what a vault gave to the values of keys. Pure.

use jiff::Timestamp;

use crate::azure::key_vault::Bundle;
use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::items::item::{ExpandPart, Item, Source};
use crate::vault_secret_sync::items::render_certificate::{certificate, public_key};
use crate::vault_secret_sync::items::render_secret::take;

/// What comes of an item.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Keys and values.
    pub values: Vec<(SecretKey, SecretValue)>,
    /// When they end, where that says more than the vault's own time.
    pub expires: Option<Timestamp>,
    /// What is odd about them.
    pub notes: Vec<String>,
    /// What was left out.
    pub told: Vec<Problem>,
}

impl From<(&SecretKey, SecretValue)> for Rendered {
    fn from((key, value): (&SecretKey, SecretValue)) -> Self {
        Self {
            values: vec![(key.clone(), value)],
            ..Self::default()
        }
    }
}

/// The values of an item, made of what was given for [`Item::needs`], in that order. No message quotes any part of a value.
pub fn render(item: &Item, given: &[&Bundle]) -> Result<Rendered, Problem> {
    let [first, ..] = given else {
        return Ok(Rendered::default());
    };
    let needs = item.needs();
    let empty = (needs.iter().zip(given)).find(|(_, bundle)| bundle.value.is_empty());
    if let Some((need, _)) = empty {
        return Err(is_empty(&need.to_string()));
    }
    let rendered = match &item.source {
        Source::Secret { key, part } => (key, take(key, part, &first.value)?).into(),
        Source::Certificate(part) => certificate(item, part, given)?,
        Source::Expand(expand) => expanded(expand, &item.names(), first)?,
        Source::PublicKey { key, id, jwk } => public_key(key, &id.to_string(), *jwk, first)?,
        Source::Token { key, .. } => (key, first.value.clone()).into(),
    };
    if rendered.values.iter().any(|(_, value)| value.is_empty()) {
        return Err(is_empty(&item.names()));
    }
    Ok(rendered)
}

/// The keys that stand in one value.
fn expanded(expand: &ExpandPart, name: &str, given: &Bundle) -> Result<Rendered, Problem> {
    let key: SecretKey = "expand".parse().map_err(|_| is_empty(name))?;
    let value = take(&key, &expand.part, &given.value)?;
    let expanded = expand.expander.expand(name, &value)?;
    Ok(Rendered {
        values: expanded.entries,
        told: expanded.told,
        ..Rendered::default()
    })
}

fn is_empty(what: &str) -> Problem {
    let message = format!(
        "{what} is empty: an empty value is never put into a Secret; set a value in the vault"
    );
    Problem::new(Reason::EmptyValue, Retry::OnChange, message)
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
