//! Filters from text to text, and to and from the encodings that secrets come in. Pure.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's enum says itself that it will grow"
)]

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use minijinja::value::{Value, ValueKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::node::quoted;
use super::ops::{Args, as_text};
use super::run::{Fault, Run, told};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
/// As tokens have it: without padding.
const BASE64_URL: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, LENIENT.with_encode_padding(false));
/// All but the unreserved characters of RFC 3986 §2.3, so that a password may stand in any part of a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const MAX_INDENT: usize = 64;

/// Text where it is UTF-8, else binary.
pub(super) fn text_or_bytes(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::from_bytes(error.into_bytes()), Value::from)
}

fn encoded(run: &Run, args: &Args, engine: &GeneralPurpose) -> Result<Value, Fault> {
    args.at_most(1)?;
    let bytes = args.bytes(0)?;
    run.room(bytes.len().saturating_mul(2))?;
    Ok(Value::from(engine.encode(bytes)))
}

fn decoded(run: &Run, args: &Args, engine: &GeneralPurpose) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.bytes(0)?;
    run.room(text.len().saturating_mul(2))?;
    let packed: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let packed = zeroize::Zeroizing::new(packed);
    match engine.decode(&*packed) {
        Ok(bytes) => Ok(text_or_bytes(bytes)),
        Err(_) => told("a value is not the base64 that it is decoded from"),
    }
}

pub(super) fn b64encode(run: &Run, args: &Args) -> Result<Value, Fault> {
    encoded(run, args, &BASE64)
}

pub(super) fn b64decode(run: &Run, args: &Args) -> Result<Value, Fault> {
    decoded(run, args, &BASE64)
}

pub(super) fn b64urlencode(run: &Run, args: &Args) -> Result<Value, Fault> {
    encoded(run, args, &BASE64_URL)
}

pub(super) fn b64urldecode(run: &Run, args: &Args) -> Result<Value, Fault> {
    decoded(run, args, &BASE64_URL)
}

pub(super) fn urlencode(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let bytes = args.bytes(0)?;
    run.room(bytes.len().saturating_mul(3))?;
    Ok(Value::from(percent_encode(bytes, RESERVED).to_string()))
}

/// A JSON string, which is a double-quoted one of YAML too.
pub(super) fn quote(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(6))?;
    let mut out = String::with_capacity(text.len() + 2);
    quoted(text, &mut out);
    Ok(Value::from(out))
}

/// A single-quoted string of YAML.
pub(super) fn squote(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(2))?;
    Ok(Value::from(format!("'{}'", text.replace('\'', "''"))))
}

/// Puts spaces before every line but the first (with `first=true` that one as well) and the empty ones.
pub(super) fn indent(run: &Run, args: &Args) -> Result<Value, Fault> {
    let text = args.text(0)?;
    let width = match args.option(1, "width")? {
        None => 4,
        Some(width) => width
            .as_usize()
            .filter(|width| *width <= MAX_INDENT)
            .ok_or_else(|| Fault::Told(format!("indent takes a width from 0 to {MAX_INDENT}")))?,
    };
    let first = args
        .option(2, "first")?
        .is_some_and(|first| first.is_true());
    args.at_most(3)?;
    let lines = text.split('\n').count();
    run.room(text.len().saturating_add(lines.saturating_mul(width)))?;
    let spaces = " ".repeat(width);
    let mut out = String::with_capacity(text.len() + lines * width);
    for (place, line) in text.split_inclusive('\n').enumerate() {
        if (place > 0 || first) && !line.trim_end_matches(['\r', '\n']).is_empty() {
            out.push_str(&spaces);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

pub(super) fn trim(run: &Run, args: &Args) -> Result<Value, Fault> {
    let text = args.text(0)?;
    run.charge(text.len())?;
    let signs = args.option(1, "chars")?;
    args.at_most(2)?;
    Ok(match &signs {
        None => Value::from(text.trim()),
        Some(signs) => {
            let signs: Vec<char> = as_text(signs)?.chars().take(100).collect();
            Value::from(text.trim_matches(signs.as_slice()))
        }
    })
}

pub(super) fn lower(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(3))?;
    Ok(Value::from(text.to_lowercase()))
}

pub(super) fn upper(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(3))?;
    Ok(Value::from(text.to_uppercase()))
}

pub(super) fn replace(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(3)?;
    let (text, old, new) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if old.is_empty() {
        return told("replace needs something to replace");
    }
    run.charge(text.len())?;
    let more = text.matches(old).count().saturating_mul(new.len());
    run.room(text.len().saturating_add(more))?;
    Ok(Value::from(text.replace(old, new)))
}

/// A scalar as the output would show it.
pub(super) fn scalar(value: &Value) -> Result<String, Fault> {
    match value.kind() {
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        _ => as_text(value).map(str::to_owned),
    }
}

pub(super) fn string(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = scalar(args.value(0)?)?;
    run.room(text.len())?;
    Ok(Value::from(text))
}

pub(super) fn int(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let value = args.value(0)?;
    if value.is_integer() {
        return Ok(value.clone());
    }
    let text = args.text(0)?;
    run.charge(text.len())?;
    match text.trim().parse::<i64>() {
        Ok(number) => Ok(Value::from(number)),
        Err(_) => told("a value is no whole number, which int needs"),
    }
}
