//! Filters to and from JSON and YAML. Pure.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's enum says itself that it will grow"
)]

use std::collections::BTreeMap;

use minijinja::value::{Value, ValueKind};

use super::node::{Node, NodeError};
use super::ops::{Args, as_text};
use super::run::{Fault, Run, told};
use super::yaml;

/// What reading or writing a byte of structured text costs more than copying one.
const COST: usize = 8;

/// Compact JSON.
pub(super) fn tojson(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let value = args.value(0)?;
    run.measure(value)?;
    let json = node(value)?.to_json();
    run.room(json.len())?;
    run.charge(json.len().saturating_mul(COST))?;
    Ok(Value::from(json))
}

pub(super) fn toyaml(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let value = args.value(0)?;
    run.measure(value)?;
    let Ok(yaml) = serde_saphyr::to_string(&node(value)?) else {
        return told("a value cannot be written as YAML: use tojson");
    };
    run.room(yaml.len())?;
    run.charge(yaml.len().saturating_mul(COST))?;
    Ok(Value::from(yaml))
}

pub(super) fn fromjson(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    parsed(run, args.text(0)?, "JSON", Node::from_json)
}

pub(super) fn fromyaml(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    parsed(run, args.text(0)?, "YAML", yaml::parse)
}

fn parsed(
    run: &Run,
    text: &str,
    what: &str,
    parse: fn(&str) -> Result<Node, NodeError>,
) -> Result<Value, Fault> {
    run.room(text.len())?;
    run.charge(text.len().saturating_mul(COST))?;
    match parse(text) {
        Ok(node) => {
            let value = value(&node);
            run.measure(&value)?;
            Ok(value)
        }
        Err(error) => told(format!(
            "a value is not the {what} that it is read as: {error}"
        )),
    }
}

/// A number that would not come out as it was written becomes a text.
fn number(text: &str) -> Value {
    if let Ok(number) = text.parse::<i128>() {
        let value = Value::from(number);
        if value.to_string() == text {
            return value;
        }
    }
    match text.parse::<f64>() {
        Ok(number) if Value::from(number).to_string() == text => Value::from(number),
        _ => Value::from(text),
    }
}

/// Of two members with one name the last counts, as everywhere in JSON.
fn value(node: &Node) -> Value {
    match node {
        Node::Null => Value::from(()),
        Node::Bool(yes) => Value::from(*yes),
        Node::Number(text) => number(text),
        Node::Text(text) => Value::from(text.as_str()),
        Node::List(items) => items.iter().map(value).collect(),
        Node::Map(members) => {
            let members = members
                .iter()
                .map(|(name, member)| (name.clone(), value(member)));
            Value::from(members.collect::<BTreeMap<_, _>>())
        }
    }
}

fn node(from: &Value) -> Result<Node, Fault> {
    match from.kind() {
        ValueKind::None => Ok(Node::Null),
        ValueKind::Bool => Ok(Node::Bool(from.is_true())),
        ValueKind::Number => {
            let text = from.to_string();
            if super::node::is_json_number(&text) {
                Ok(Node::Number(text))
            } else {
                told("a number is infinite or none at all, which JSON cannot say")
            }
        }
        ValueKind::Seq => {
            let items = from.try_iter()?.map(|item| node(&item));
            items.collect::<Result<_, _>>().map(Node::List)
        }
        ValueKind::Map => {
            let members = from.try_iter()?.map(|key| {
                let member = from.get_item(&key)?;
                Ok((as_text(&key)?.to_owned(), node(&member)?))
            });
            members.collect::<Result<_, Fault>>().map(Node::Map)
        }
        _ => as_text(from).map(|text| Node::Text(text.to_owned())),
    }
}
