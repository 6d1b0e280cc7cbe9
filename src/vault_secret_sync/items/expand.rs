//! One value taken apart into many keys: a JSON object, a YAML mapping, or lines of `NAME=value`. Pure.
//!
//! A member that is an object or a list becomes compact JSON; numbers stay as they were written; null gives no key. No message
//! holds anything of a value. Names of members are told: they become keys of the Secret, which the status shows.

use std::collections::BTreeSet;

use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::template::node::Node;
use crate::template::yaml;
use crate::vault_secret_sync::api::sources::{ExpandFormat, RenameSpec};
use crate::vault_secret_sync::items::dotenv;
use crate::vault_secret_sync::items::find_keys::{Rename, assign};

/// Keys that one value may give.
const MAX_KEYS: usize = 1000;
/// Bytes of a value that is taken apart: what a Secret may hold. Key Vault's own bound is 25 kB.
const MAX_VALUE: usize = 1 << 20;

/// An `expand` that was found sound.
#[derive(Debug, Clone)]
pub struct Expander {
    at: String,
    format: ExpandFormat,
    rename: Option<Rename>,
}

/// What a value gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Keys and values, by name of the member.
    pub entries: Vec<(SecretKey, SecretValue)>,
    /// What was left out, and why: `KeyCollision` for doubles and names that give no key, `EmptyValue` for null and empty ones.
    pub told: Vec<Problem>,
}

/// Members in their order; an absent value is null.
type Members = Vec<(String, Option<SecretValue>)>;

impl Expander {
    /// Parses a source; `at` is its entry, such as `spec.dataFrom[0]`.
    ///
    /// Errors: `InvalidSpec` of the renaming.
    pub fn parse(
        at: &str,
        format: ExpandFormat,
        rename: Option<&RenameSpec>,
    ) -> Result<Self, Problem> {
        let rename = rename.map(|spec| Rename::parse(&format!("{at}.rename"), spec));
        Ok(Self {
            at: at.to_owned(),
            format,
            rename: rename.transpose()?,
        })
    }

    /// Takes a value apart. `object` is what messages call it, such as `secret config/4387e9f3`.
    ///
    /// Errors: `NotExpandable` with line and column, `TooLarge`. What concerns single members is in [`Expanded::told`].
    pub fn expand(&self, object: &str, value: &SecretValue) -> Result<Expanded, Problem> {
        let refused = |what: String| {
            let message = format!(
                "{}: {object} cannot be taken apart: {what}; correct the value in the vault, or expand.format",
                self.at
            );
            Problem::new(Reason::NotExpandable, Retry::OnChange, message)
        };
        let text = value.expose_str();
        let text = text.ok_or_else(|| refused("it is binary, not UTF-8 text".to_owned()))?;
        if text.len() > MAX_VALUE {
            return Err(self.too_large(object));
        }
        let members = members(self.format, text.trim_start_matches('\u{feff}')).map_err(refused)?;
        if members.len() > MAX_KEYS {
            return Err(self.too_large(object));
        }
        Ok(self.keyed(object, members))
    }

    fn too_large(&self, object: &str) -> Problem {
        let message = format!(
            "{}: {object} gives more than {MAX_KEYS} keys or {MAX_VALUE} bytes; divide it",
            self.at
        );
        Problem::new(Reason::TooLarge, Retry::OnChange, message)
    }

    fn keyed(&self, object: &str, members: Members) -> Expanded {
        let (mut told, mut seen, mut things) = (Vec::new(), BTreeSet::new(), Vec::new());
        let at = &self.at;
        // From the end: of two members with one name every common reader takes the last.
        for (name, value) in members.into_iter().rev() {
            let shown: String = name.chars().take(80).collect();
            if !seen.insert(name.clone()) {
                told.push(Problem::new(
                    Reason::KeyCollision,
                    Retry::OnChange,
                    format!("{at}: {object} has the member {shown:?} more than once; the last counts; leave one"),
                ));
                continue;
            }
            match value.filter(|value| !value.is_empty()) {
                Some(value) => things.push((format!("member {shown:?} of {object}"), name, value)),
                None => told.push(Problem::new(
                    Reason::EmptyValue,
                    Retry::OnChange,
                    format!("{at}: member {shown:?} of {object} is null or empty, and gives no key; set a value in the vault"),
                )),
            }
        }
        told.reverse();
        let (entries, collisions) = assign(at, things, self.rename.as_ref());
        told.extend(collisions);
        Expanded { entries, told }
    }
}

fn members(format: ExpandFormat, text: &str) -> Result<Members, String> {
    match format {
        ExpandFormat::Json => json(text),
        ExpandFormat::Dotenv => lines(text),
        // Flow mappings of YAML begin with a brace too; of two errors JSON's is the likelier one.
        ExpandFormat::Auto if text.trim_start().starts_with('{') => {
            json(text).or_else(|error| yaml_members(text).map_err(|_| error))
        }
        ExpandFormat::Auto if dotenv::is_likely(text) => lines(text),
        ExpandFormat::Yaml | ExpandFormat::Auto => yaml_members(text),
    }
}

fn json(text: &str) -> Result<Members, String> {
    let node = Node::from_json(text).map_err(|error| format!("read as JSON, {error}"))?;
    of_node(&node, "JSON object")
}

fn yaml_members(text: &str) -> Result<Members, String> {
    let node = yaml::parse(text).map_err(|error| format!("read as YAML, {error}"))?;
    of_node(&node, "YAML mapping")
}

fn lines(text: &str) -> Result<Members, String> {
    let pairs = dotenv::parse(text).map_err(|error| {
        format!(
            "read as lines of NAME=value, in line {} {}",
            error.line, error.what
        )
    })?;
    let pairs = pairs.into_iter();
    let value = |text: &str| Some(SecretValue::new(text.as_bytes().to_vec()));
    Ok(pairs.map(|(name, text)| (name, value(&text))).collect())
}

fn of_node(node: &Node, what: &str) -> Result<Members, String> {
    let Node::Map(members) = node else {
        return Err(format!("it is no {what}"));
    };
    let members = members.iter();
    Ok(members
        .map(|(name, value)| (name.clone(), of_member(value)))
        .collect())
}

fn of_member(value: &Node) -> Option<SecretValue> {
    let text = match value {
        Node::Null => return None,
        Node::Text(text) | Node::Number(text) => text.clone(),
        Node::Bool(_) | Node::List(_) | Node::Map(_) => value.to_json(),
    };
    Some(SecretValue::from(text))
}

#[cfg(test)]
#[path = "expand_tests.rs"]
mod tests;
