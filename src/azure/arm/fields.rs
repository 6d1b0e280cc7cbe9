//! Fields of Resource Manager's answers. Pure.

use serde_json::Value;

use super::Location;

/// A text.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

/// What Azure has said; none where it has said nothing, which it also does with null.
pub(super) fn said<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| !value.is_null())
}

/// A switch, off where nothing is said of it; none where what is said is no switch.
pub(super) fn is_on(value: &Value, name: &str) -> Option<bool> {
    said(value, name).map_or(Some(false), Value::as_bool)
}

/// A list, empty where nothing is said of it; none where what is said is no list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> Option<&'a [Value]> {
    said(value, name).map_or(Some(&[]), |list| list.as_array().map(Vec::as_slice))
}

/// One of two words, the first where nothing is said; none where it is another.
pub(super) fn one_of<T>(value: &Value, name: &str, [first, second]: [(&str, T); 2]) -> Option<T> {
    let Some(word) = said(value, name) else {
        return Some(first.1);
    };
    let word = word.as_str()?;
    let mut known = [first, second].into_iter();
    known
        .find(|(known, _)| word.eq_ignore_ascii_case(known))
        .map(|(_, meaning)| meaning)
}

/// A region.
pub(super) fn location(body: &Value) -> Option<String> {
    let parsed: Location = body.get("location")?.as_str()?.parse().ok()?;
    Some(parsed.to_string())
}
