//! Filters and operators on lists and maps, and those on both texts and lists. Pure.
//!
//! Whatever is returned is plain data that was paid for: no lazy sequence, whose cost would come later and unseen.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::{Value, ValueKind};

use super::node::MAX_NODES;
use super::ops::{Args, as_text};
use super::run::{Fault, Run, told};
use super::text::scalar;

/// A list that was paid for.
fn listed(run: &Run, items: Vec<Value>) -> Result<Value, Fault> {
    let list = Value::from(items);
    run.measure(&list)?;
    Ok(list)
}

/// The items of a list, or the keys of a map.
fn items_of(run: &Run, value: &Value) -> Result<Vec<Value>, Fault> {
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Map) {
        return told("a list is needed: split makes one of a text");
    }
    run.charge(value.len().unwrap_or(0).min(MAX_NODES).saturating_mul(16))?;
    let items: Vec<Value> = value.try_iter()?.take(MAX_NODES + 1).collect();
    if items.len() > MAX_NODES {
        return Err(Fault::TooLarge);
    }
    Ok(items)
}

pub(super) fn list(run: &Run, args: &Args) -> Result<Value, Fault> {
    listed(run, args.all()?.to_vec())
}

pub(super) fn map(run: &Run, args: &Args) -> Result<Value, Fault> {
    let mut members = BTreeMap::new();
    for pair in args.all()?.chunks(2) {
        let [key, value] = pair else { continue };
        members.insert(as_text(key)?.to_owned(), value.clone());
    }
    let map = Value::from(members);
    run.measure(&map)?;
    Ok(map)
}

/// `~`
pub(super) fn concat(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (left, right) = (scalar(args.value(0)?)?, scalar(args.value(1)?)?);
    run.room(left.len().saturating_add(right.len()))?;
    Ok(Value::from(left + &right))
}

fn float(value: &Value) -> Result<f64, Fault> {
    Ok(f64::try_from(value.clone())?)
}

/// `+`: numbers, two texts, or two lists.
pub(super) fn add(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (left, right) = (args.value(0)?, args.value(1)?);
    match (left.kind(), right.kind()) {
        (ValueKind::Number, ValueKind::Number) => match (left.as_i64(), right.as_i64()) {
            (Some(a), Some(b)) => match a.checked_add(b) {
                Some(sum) => Ok(Value::from(sum)),
                None => told("a sum is larger than a number can be"),
            },
            _ => Ok(Value::from(float(left)? + float(right)?)),
        },
        (ValueKind::String, ValueKind::String) => concat(run, args),
        (ValueKind::Seq, ValueKind::Seq) => {
            let mut items = items_of(run, left)?;
            items.extend(items_of(run, right)?);
            listed(run, items)
        }
        _ => told("+ takes two numbers, two texts or two lists: ~ joins a text and a number"),
    }
}

/// `*`: numbers, or a text and how often.
pub(super) fn mul(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (left, right) = (args.value(0)?, args.value(1)?);
    match (left.kind(), right.kind()) {
        (ValueKind::Number, ValueKind::Number) => match (left.as_i64(), right.as_i64()) {
            (Some(a), Some(b)) => match a.checked_mul(b) {
                Some(product) => Ok(Value::from(product)),
                None => told("a product is larger than a number can be"),
            },
            _ => Ok(Value::from(float(left)? * float(right)?)),
        },
        (ValueKind::String, ValueKind::Number) => {
            let text = as_text(left)?;
            let times = right.as_usize().ok_or(Fault::TooLarge)?;
            run.room(text.len().saturating_mul(times))?;
            Ok(Value::from(text.repeat(times)))
        }
        _ => told("* takes two numbers, or a text and how often"),
    }
}

/// The place that a slice's end means: from the end where it is negative.
fn place(end: &Value, length: usize, absent: usize) -> Result<usize, Fault> {
    if end.is_none() {
        return Ok(absent);
    }
    let Some(at) = end.as_i64() else {
        return told("the ends of a slice are whole numbers");
    };
    let from_end = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if at < 0 {
        length.saturating_sub(from_end)
    } else {
        from_end.min(length)
    })
}

/// `[from:to]` of a text (by characters) or a list.
pub(super) fn slice(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (value, from, to) = (args.value(0)?, args.value(1)?, args.value(2)?);
    if let Some(text) = value.as_str() {
        run.room(text.len().saturating_mul(2))?;
        let length = text.chars().count();
        let (from, to) = (place(from, length, 0)?, place(to, length, length)?);
        let taken = text.chars().skip(from).take(to.saturating_sub(from));
        return Ok(Value::from(taken.collect::<String>()));
    }
    let items = items_of(run, value)?;
    let (from, to) = (
        place(from, items.len(), 0)?,
        place(to, items.len(), items.len())?,
    );
    listed(run, items.get(from..to).unwrap_or_default().to_vec())
}

pub(super) fn default(run: &Run, args: &Args) -> Result<Value, Fault> {
    run.answered();
    let fallback = args.option(1, "default_value")?;
    let empty = args
        .option(2, "boolean")?
        .is_some_and(|empty| empty.is_true());
    args.at_most(3)?;
    let value = args.get(0).filter(|value| !value.is_undefined());
    let value = value.filter(|value| !empty || value.is_true());
    Ok(value
        .cloned()
        .or(fallback)
        .unwrap_or_else(|| Value::from("")))
}

pub(super) fn join(run: &Run, args: &Args) -> Result<Value, Fault> {
    let between = args.option(1, "d")?;
    args.at_most(2)?;
    let between = between.as_ref().map_or(Ok(""), as_text)?;
    let parts = items_of(run, args.value(0)?)?;
    let parts: Vec<String> = parts.iter().map(scalar).collect::<Result<_, _>>()?;
    let length = parts.iter().fold(0usize, |sum, part| {
        sum.saturating_add(part.len()).saturating_add(between.len())
    });
    run.room(length)?;
    Ok(Value::from(parts.join(between)))
}

fn pieces<'a>(run: &Run, text: &str, parts: impl Iterator<Item = &'a str>) -> Result<Value, Fault> {
    run.charge(text.len())?;
    let parts: Vec<Value> = parts.take(MAX_NODES).map(Value::from).collect();
    listed(run, parts)
}

/// At each separator, or at white space where none is given; at most so many times.
pub(super) fn split(run: &Run, args: &Args) -> Result<Value, Fault> {
    let text = args.text(0)?;
    let separator = args.option(1, "sep")?.filter(|sep| !sep.is_none());
    let most = args.option(2, "maxsplit")?;
    args.at_most(3)?;
    let most = most.and_then(|most| most.as_usize()).unwrap_or(MAX_NODES);
    match &separator {
        None => pieces(run, text, text.split_whitespace()),
        Some(separator) => match as_text(separator)? {
            "" => told("split needs something to split at"),
            separator => pieces(run, text, text.splitn(most.saturating_add(1), separator)),
        },
    }
}

pub(super) fn lines(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    pieces(run, text, text.lines())
}

pub(super) fn first(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    items_of(run, args.value(0)?)?
        .into_iter()
        .next()
        .ok_or_else(empty)
}

pub(super) fn last(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    items_of(run, args.value(0)?)?.pop().ok_or_else(empty)
}

fn empty() -> Fault {
    Fault::Told("a list is empty whose first or last item is taken".to_owned())
}

pub(super) fn length(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let value = args.value(0)?;
    if let Some(text) = value.as_str() {
        run.charge(text.len())?;
        return Ok(Value::from(text.chars().count()));
    }
    match value.as_bytes() {
        Some(bytes) => Ok(Value::from(bytes.len())),
        None => Ok(Value::from(items_of(run, value)?.len())),
    }
}

pub(super) fn sort(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let mut items = items_of(run, args.value(0)?)?;
    items.sort();
    listed(run, items)
}

pub(super) fn unique(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let mut seen = BTreeSet::new();
    let mut items = items_of(run, args.value(0)?)?;
    items.retain(|item| seen.insert(item.clone()));
    listed(run, items)
}

pub(super) fn reverse(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let mut items = items_of(run, args.value(0)?)?;
    items.reverse();
    listed(run, items)
}

fn pairs(run: &Run, args: &Args) -> Result<Vec<(Value, Value)>, Fault> {
    args.at_most(1)?;
    let map = args.value(0)?;
    if map.kind() != ValueKind::Map {
        return told("keys, values and items take a map");
    }
    let keys = items_of(run, map)?.into_iter();
    keys.map(|key| Ok((key.clone(), map.get_item(&key)?)))
        .collect()
}

pub(super) fn keys(run: &Run, args: &Args) -> Result<Value, Fault> {
    listed(
        run,
        pairs(run, args)?.into_iter().map(|(key, _)| key).collect(),
    )
}

pub(super) fn values(run: &Run, args: &Args) -> Result<Value, Fault> {
    listed(
        run,
        pairs(run, args)?
            .into_iter()
            .map(|(_, value)| value)
            .collect(),
    )
}

pub(super) fn items(run: &Run, args: &Args) -> Result<Value, Fault> {
    let pairs = pairs(run, args)?.into_iter();
    listed(
        run,
        pairs
            .map(|(key, value)| Value::from(vec![key, value]))
            .collect(),
    )
}

/// `range(stop)` and `range(start, stop)`.
pub(super) fn range(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(2)?;
    let number = |place: usize| match args.value(place)?.as_i64() {
        Some(number) => Ok(number),
        None => told("range takes whole numbers"),
    };
    let (start, stop) = match args.len() {
        2 => (number(0)?, number(1)?),
        _ => (0, number(0)?),
    };
    let length = usize::try_from(stop.saturating_sub(start)).unwrap_or(0);
    if length > MAX_NODES {
        return Err(Fault::TooLarge);
    }
    listed(run, (start..stop).map(Value::from).collect())
}
