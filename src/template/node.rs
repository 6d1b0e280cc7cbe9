//! Structured text taken apart: JSON and YAML as one tree that keeps numbers as they were written. Pure.
//!
//! `serde_json::Value` makes `1.10` into `1.1` and loses the end of long integers; in a Secret both would be damage that
//! nobody sees. Depth and size are bounded, since the text comes from whoever may write into the vault. Texts are wiped when
//! the tree goes. No error quotes the text: it tells line and column at most.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroize;

/// Nesting that is followed.
pub const MAX_DEPTH: usize = 32;
/// Nodes of one tree, those that YAML aliases repeat included.
pub const MAX_NODES: usize = 10_000;

/// A value of JSON or YAML.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number in JSON's grammar (RFC 8259 §6), as it was written.
    Number(String),
    /// A text.
    Text(String),
    /// An array or sequence.
    List(Vec<Self>),
    /// The members of an object or mapping in their order, doubles included.
    Map(Vec<(String, Self)>),
}

/// Why a text is no tree. It holds nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeError {
    /// Not in the grammar, from this line and column on (both from 1).
    Syntax(usize, usize),
    /// Something that the grammar has and we do not take, in words.
    Unsupported(&'static str),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More than [`MAX_NODES`].
    TooMany,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(line, column) => {
                write!(f, "it is malformed at line {line}, column {column}")
            }
            Self::Unsupported(what) => write!(f, "it has {what}, which is not taken"),
            Self::TooDeep => write!(f, "it is nested deeper than {MAX_DEPTH} levels"),
            Self::TooMany => write!(f, "it has more than {MAX_NODES} values"),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        match self {
            Self::Text(text) | Self::Number(text) => text.zeroize(),
            // Values are nodes and wipe themselves.
            Self::Map(members) => members.iter_mut().for_each(|(name, _)| name.zeroize()),
            Self::List(_) | Self::Null | Self::Bool(_) => {}
        }
    }
}

/// What is left of the bounds.
pub(super) struct Bounds(usize);

impl Bounds {
    pub(super) fn new() -> Self {
        Self(MAX_NODES)
    }

    /// Takes one node at this depth.
    pub(super) fn take(&mut self, depth: usize) -> Result<(), NodeError> {
        if depth > MAX_DEPTH {
            return Err(NodeError::TooDeep);
        }
        self.0 = self.0.checked_sub(1).ok_or(NodeError::TooMany)?;
        Ok(())
    }
}

impl Node {
    /// Reads one JSON text (RFC 8259).
    pub fn from_json(text: &str) -> Result<Self, NodeError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        json(raw, 0, &mut Bounds::new())
    }

    /// Compact JSON. A number stays as it was written.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => quoted(text, out),
            Self::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    quoted(name, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str, out: &mut String) {
    // A text always serialises.
    let mut json = serde_json::to_string(text).unwrap_or_default();
    out.push_str(&json);
    json.zeroize();
}

/// Whether a text is a number in JSON's grammar.
pub(super) fn is_json_number(text: &str) -> bool {
    let first = text.bytes().next();
    let last = text.bytes().last();
    // White space around it would be read as well.
    first.is_some_and(|b| b == b'-' || b.is_ascii_digit())
        && last.is_some_and(|b| b.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok()
}

fn syntax(error: &serde_json::Error) -> NodeError {
    NodeError::Syntax(error.line(), error.column())
}

fn json(raw: &RawValue, depth: usize, bounds: &mut Bounds) -> Result<Node, NodeError> {
    bounds.take(depth)?;
    let text = raw.get();
    match text.bytes().next() {
        Some(b'{') => {
            let members: Members<'_> = serde_json::from_str(text).map_err(|e| syntax(&e))?;
            let read = members.0.into_iter();
            read.map(|(name, value)| Ok((name, json(value, depth + 1, bounds)?)))
                .collect::<Result<_, _>>()
                .map(Node::Map)
        }
        Some(b'[') => {
            let items: Items<'_> = serde_json::from_str(text).map_err(|e| syntax(&e))?;
            let read = items.0.into_iter();
            read.map(|item| json(item, depth + 1, bounds))
                .collect::<Result<_, _>>()
                .map(Node::List)
        }
        Some(b'"') => serde_json::from_str(text)
            .map(Node::Text)
            .map_err(|e| syntax(&e)),
        Some(b't') => Ok(Node::Bool(true)),
        Some(b'f') => Ok(Node::Bool(false)),
        Some(b'n') => Ok(Node::Null),
        _ => Ok(Node::Number(text.to_owned())),
    }
}

/// The members of an object, each with its text.
struct Members<'a>(Vec<(String, &'a RawValue)>);
/// The items of an array, each with its text.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// For YAML: a number that would not come out as it was written goes as text.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Number(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => serializer.serialize_i64(number),
                _ => match text.parse::<f64>() {
                    Ok(number) if number.to_string() == *text => serializer.serialize_f64(number),
                    _ => serializer.serialize_str(text),
                },
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) {
        assert_eq!(Node::from_json(text).unwrap().to_json(), text);
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        same(r#"{"a":1.10,"b":[12345678901234567890123456789,1e3,-0.0,1E400],"c":"x\n\"ü"}"#);
    }

    #[test]
    fn doubles_and_their_order_are_kept() {
        same(r#"{"b":1,"a":2,"b":3}"#);
    }

    #[test]
    fn white_space_goes() {
        let node = Node::from_json(" { \"a\" : [ 1 , null , true ] } ").unwrap();
        assert_eq!(node.to_json(), r#"{"a":[1,null,true]}"#);
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        assert_eq!(
            Node::from_json("{\n  \"a\": hunter2}"),
            Err(NodeError::Syntax(2, 8))
        );
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert_eq!(Node::from_json(&deep), Err(NodeError::TooDeep));
        let deeper = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(Node::from_json(&deeper).is_err());
        let wide = format!("[{}0]", "0,".repeat(MAX_NODES));
        assert_eq!(Node::from_json(&wide), Err(NodeError::TooMany));
    }

    #[test]
    fn only_the_grammar_of_json_is_a_number() {
        for number in ["0", "-1", "1.5", "1e3", "1E+3"] {
            assert!(is_json_number(number), "{number}");
        }
        for text in [
            "", "012", "+1", ".5", "0x1F", "1 ", " 1", "1.", "-", "inf", "1_000",
        ] {
            assert!(!is_json_number(text), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let node = Node::from_json(r#"{"hunter2":"hunter2"}"#);
        assert!(!format!("{node:?}").contains("hunter2"));
    }
}
