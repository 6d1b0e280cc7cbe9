//! What requests say in their headers and queries.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::fmt::rfc2822;

use super::tree::{
    acl_text::{self, Entry},
    conditions::Conditions,
    node::{ContentHeaders, SUPERUSER},
    permissions::Mode,
    refusal::Refusal,
};
use crate::{wire::call::Call, world::World};

/// Conditions on the path itself, or with the prefix `x-ms-source-` on where it comes from.
pub(super) fn conditions(call: &Call, prefix: &str) -> Result<Conditions, Refusal> {
    let text = |name: &str| call.header(&format!("{prefix}{name}"));
    let time = |name: &str| {
        text(name)
            .map(|value| http_date(value).ok_or(Refusal::InvalidHeaderValue))
            .transpose()
    };
    Ok(Conditions {
        if_match: text("if-match").map(str::to_owned),
        if_none_match: text("if-none-match").map(str::to_owned),
        if_modified_since: time("if-modified-since")?,
        if_unmodified_since: time("if-unmodified-since")?,
    })
}

/// Seconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    let parsed = rfc2822::parse(&text.replace("GMT", "+0000")).ok()?;
    Some(parsed.timestamp().as_second())
}

/// A header that says something.
pub(super) fn text<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.header(name).filter(|text| !text.is_empty())
}

/// `x-ms-properties`: `name=base64,…`; empty for none.
pub(super) fn properties(call: &Call) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let Some(text) = call.header("x-ms-properties") else {
        return Ok(None);
    };
    let mut properties = BTreeMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Refusal::InvalidHeaderValue)?;
        let name = name.trim();
        if name.is_empty() {
            return Err(Refusal::InvalidPropertyName);
        }
        if STANDARD.decode(value.trim()).is_err() {
            return Err(Refusal::InvalidHeaderValue);
        }
        properties.insert(name.to_owned(), value.trim().to_owned());
    }
    Ok(Some(properties))
}

/// The value of `x-ms-properties`.
pub(super) fn properties_text(properties: Option<&BTreeMap<String, String>>) -> String {
    let pairs = properties.into_iter().flatten();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(",")
}

/// `x-ms-permissions`.
pub(super) fn permissions(call: &Call) -> Result<Option<Mode>, Refusal> {
    call.header("x-ms-permissions")
        .map(|text| Mode::of_text(text).ok_or(Refusal::InvalidHeaderValue))
        .transpose()
}

/// `x-ms-umask`, in four octal digits.
pub(super) fn umask(call: &Call) -> Result<Option<Mode>, Refusal> {
    call.header("x-ms-umask")
        .map(|text| {
            Mode::of_octal(text)
                .filter(|mode| !mode.sticky)
                .ok_or(Refusal::InvalidHeaderValue)
        })
        .transpose()
}

/// `x-ms-acl`; names of users stand for their ids.
pub(super) fn list(call: &Call, world: &World) -> Result<Option<Vec<Entry>>, Refusal> {
    call.header("x-ms-acl")
        .map(|text| acl_text::parse(text, &|name| id(world, name)))
        .transpose()
}

/// `x-ms-owner` or `x-ms-group`.
pub(super) fn principal(
    call: &Call,
    header: &str,
    world: &World,
) -> Result<Option<Arc<str>>, Refusal> {
    call.header(header)
        .filter(|text| !text.is_empty())
        .map(|text| {
            id(world, text)
                .map(Arc::from)
                .ok_or(Refusal::InvalidHeaderValue)
        })
        .transpose()
}

/// The lower-case id that a text stands for: itself, or that of the user with the name.
pub(super) fn id(world: &World, text: &str) -> Option<String> {
    if text.eq_ignore_ascii_case(SUPERUSER) {
        return Some(SUPERUSER.to_owned());
    }
    if !text.contains('@') {
        return Some(text.to_ascii_lowercase());
    }
    let home = world.home_of(text)?;
    let user = home.users.get(&text.to_ascii_lowercase())?;
    Some(user.object_id.to_ascii_lowercase())
}

/// The name of the user with an id, or the id.
pub(super) fn shown(world: &World, id: &str) -> String {
    world
        .tenants
        .values()
        .flat_map(|tenant| tenant.users.values())
        .find(|user| user.object_id.eq_ignore_ascii_case(id))
        .map_or_else(|| id.to_owned(), |user| user.username.clone())
}

/// Headers about a file's contents, with the names of the `dfs` endpoint and of the blob endpoint.
pub(super) fn content_headers(call: &Call, prefix: &str) -> ContentHeaders {
    let text = |name: &str| call.header(&format!("{prefix}{name}")).map(str::to_owned);
    ContentHeaders {
        content_type: text("content-type"),
        encoding: text("content-encoding"),
        language: text("content-language"),
        disposition: text("content-disposition"),
        cache_control: call
            .header(&format!("{prefix}cache-control"))
            .map(str::to_owned),
        md5: text("content-md5"),
    }
}

/// A query parameter that is `true` or `false`.
pub(super) fn flag(call: &Call, name: &str) -> Result<Option<bool>, Refusal> {
    match call.query(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::InvalidQueryParameterValue),
    }
}

/// A query parameter that is a number, within bounds.
pub(super) fn number<T: std::str::FromStr>(call: &Call, name: &str) -> Result<Option<T>, Refusal> {
    call.query(name)
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|_| Refusal::InvalidQueryParameterValue)
        })
        .transpose()
}

/// The size of a page: what is wanted, or `most`, if more is wanted.
pub(super) fn page(call: &Call, name: &str, most: usize) -> Result<usize, Refusal> {
    let wanted = number::<i64>(call, name)?.map(usize::try_from);
    match wanted {
        None => Ok(most),
        Some(Ok(wanted)) if wanted > 0 => Ok(wanted.min(most)),
        Some(_) => Err(Refusal::OutOfRangeQueryParameterValue),
    }
}

/// The first and the last byte of a range that are wanted of so many. None: all.
pub(super) fn range(call: &Call, length: u64) -> Result<Option<(u64, u64)>, Refusal> {
    let Some(text) = call.header("x-ms-range").or_else(|| call.header("range")) else {
        return Ok(None);
    };
    let bad = Refusal::InvalidHeaderValue;
    let (first, last) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .ok_or(bad)?;
    let end = length.checked_sub(1);
    let (first, last) = match (first, last) {
        ("", tail) => {
            let tail: u64 = tail.parse().map_err(|_| bad)?;
            (length.saturating_sub(tail), u64::MAX)
        }
        (first, "") => (first.parse().map_err(|_| bad)?, u64::MAX),
        (first, last) => (
            first.parse().map_err(|_| bad)?,
            last.parse().map_err(|_| bad)?,
        ),
    };
    match end {
        Some(end) if first <= end && first <= last => Ok(Some((first, last.min(end)))),
        _ => Err(Refusal::InvalidRange),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::wire::call::Route;

    fn call(headers: &[(&'static str, &str)]) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Call {
            method: Method::GET,
            route: Route::of(&"/".parse().unwrap(), &map, "https", Some("h")),
            query: Vec::new(),
            headers: map,
            body: bytes::Bytes::new(),
            peer: std::net::Ipv4Addr::LOCALHOST.into(),
        }
    }

    #[test]
    fn properties_are_names_with_base64() {
        let read = |text: &str| properties(&call(&[("x-ms-properties", text)]));
        let given = read("b=Yg==, a=").unwrap();
        assert_eq!(properties_text(given.as_ref()), "a=,b=Yg==");
        assert_eq!(read("=Yg=="), Err(Refusal::InvalidPropertyName));
        assert_eq!(read("a=%"), Err(Refusal::InvalidHeaderValue));
        assert_eq!(properties(&call(&[])), Ok(None));
    }

    #[test]
    fn ranges_are_cut_to_the_length() {
        let read = |text: &str| range(&call(&[("range", text)]), 10);
        assert_eq!(read("bytes=2-4"), Ok(Some((2, 4))));
        assert_eq!(read("bytes=2-"), Ok(Some((2, 9))));
        assert_eq!(read("bytes=-3"), Ok(Some((7, 9))));
        assert_eq!(read("bytes=2-99"), Ok(Some((2, 9))));
        assert_eq!(read("bytes=10-"), Err(Refusal::InvalidRange));
        assert_eq!(read("lines=1-2"), Err(Refusal::InvalidHeaderValue));
    }

    #[test]
    fn times_of_conditions_are_http_dates() {
        let read = |text: &str| {
            conditions(&call(&[("if-modified-since", text)]), "").map(|one| one.if_modified_since)
        };
        assert_eq!(read("Thu, 01 Jan 1970 00:01:00 GMT"), Ok(Some(60)));
        assert_eq!(read("yesterday"), Err(Refusal::InvalidHeaderValue));
    }
}
