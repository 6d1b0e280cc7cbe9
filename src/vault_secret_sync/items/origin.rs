//! Where a key's value comes from, in one line: the text that is recorded on the Secret. Pure.
//!
//! It names each object with its version and the time of that version, and tells what was done with them. Nothing of the
//! value is in it. A value is written only where this differs. The form is `input+input#what`, and an input is
//! `[vault!][kind:]name/version[@seconds]`: the vault where it is not the sync's own, the kind where it is no secret. No name of
//! an object has one of these signs, so nothing is taken for something else.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::azure::key_vault::Kind;
use crate::certificate::bundle::Chain;
use crate::certificate::keystore::Ciphers;
use crate::hub::want::Held;
use crate::names::VaultUri;
use crate::vault_secret_sync::api::Decode;
use crate::vault_secret_sync::api::sources::FindKind;
use crate::vault_secret_sync::items::item::{
    CertificatePart, Item, Located, ObjectId, SecretPart, Source, StoreFormat,
};

/// At the end of the line of a key that a `find` gave.
const FOUND: &str = "#find";
/// The beginning of the line of a token.
const TOKEN: &str = "token:/";
/// Before how a certificate is written.
const TLS: &str = "#tls:";
/// Before how a value was taken apart.
const EXPANDED: &str = "#expand:";

/// The line of an item whose objects are in these states, in the order of [`Item::needs`].
pub fn origin(item: &Item, states: &[Held]) -> String {
    let needs = item.needs();
    let inputs = needs.iter().zip(states).map(|(need, state)| {
        let name = match need {
            ObjectId::Object(id) => located(id),
            ObjectId::Token(_) => "token:".to_owned(),
        };
        let version = &state.version;
        match state.updated {
            Some(updated) => format!("{name}/{version}@{}", updated.as_second()),
            None => format!("{name}/{version}"),
        }
    });
    let inputs: Vec<String> = inputs.collect();
    let found = if item.found { FOUND } else { "" };
    format!("{}{}{found}", inputs.join("+"), what(item))
}

fn located(id: &Located) -> String {
    let name = &id.object.name;
    let name = match id.object.kind {
        Kind::Secret => name.to_string(),
        kind @ (Kind::Certificate | Kind::Key) => format!("{kind}:{name}"),
    };
    match &id.vault {
        Some(vault) => format!("{}!{name}", vault.authority()),
        None => name,
    }
}

/// What is done with the values.
fn what(item: &Item) -> String {
    match &item.source {
        Source::Secret { part, .. } => taken(part),
        Source::Certificate(part) => certificate(part),
        Source::Expand(expand) => format!("{}{EXPANDED}{}", taken(&expand.part), expand.how),
        Source::PublicKey { jwk: true, .. } => "#Jwk".to_owned(),
        Source::PublicKey { jwk: false, .. } => "#Pem".to_owned(),
        Source::Token { of, .. } => format!("#{of}"),
    }
}

fn certificate(part: &CertificatePart) -> String {
    let chain = match part.chain {
        Chain::LeafFirst {
            include_root: false,
        } => "LeafFirst",
        Chain::LeafFirst { include_root: true } => "WithRoot",
        Chain::LeafOnly => "LeafOnly",
    };
    let stores = part.keystores.iter().map(|store| {
        let format = match store.format {
            StoreFormat::Pkcs12(Ciphers::Modern) => "Modern",
            StoreFormat::Pkcs12(Ciphers::Legacy) => "Legacy",
            StoreFormat::Jks => "Jks",
        };
        let password = located(&store.password);
        format!(" {format} {:?} {password}", store.alias)
    });
    format!("{TLS}{chain}{}", stores.collect::<String>())
}

fn taken(part: &SecretPart) -> String {
    let property = part.property.as_ref();
    let property = property.map(|property| format!("#{property}"));
    let decode = match part.decode {
        Decode::None => "",
        Decode::Base64 => "|Base64",
        Decode::Base64Url => "|Base64Url",
    };
    format!("{}{decode}", property.unwrap_or_default())
}

/// The states that a line tells of, where it is one of this item as it is now.
pub fn states(item: &Item, line: &str) -> Option<Vec<Held>> {
    let read = |input: &str| {
        let (version, updated) = state_in(input);
        let version = version.parse().ok()?;
        Some(Held { version, updated })
    };
    let states: Vec<Held> = inputs(line).map(read).collect::<Option<_>>()?;
    let whole = states.len() == item.needs().len();
    (whole && origin(item, &states) == line).then_some(states)
}

/// Whether a line tells of the object of an item that is taken apart, be it that it was done in another way then.
pub fn expanded(item: &Item, line: &str) -> bool {
    let Source::Expand(expand) = &item.source else {
        return false;
    };
    let mut inputs = inputs(line).map(name_in);
    let same = inputs.next() == Some(located(&expand.part.id).as_str());
    same && line.contains(EXPANDED)
}

/// What a line of a found object tells: kind and name. None where it is none of this vault.
pub fn found<'a>(line: &'a str, vault: Option<&VaultUri>) -> Option<(FindKind, &'a str)> {
    let line = line.strip_suffix(FOUND)?;
    let input = name_in(inputs(line).next()?);
    let name = match (input.split_once('!'), vault) {
        (None, None) => Some(input),
        (Some((seen, name)), Some(vault)) => (seen == vault.authority()).then_some(name),
        (None, Some(_)) | (Some(_), None) => None,
    };
    let kind = if line.contains(TLS) {
        FindKind::Certificate
    } else {
        FindKind::Secret
    };
    Some((kind, name?))
}

/// The name in an input, with kind and vault.
fn name_in(input: &str) -> &str {
    input.split_once('/').map_or(input, |(name, _)| name)
}

/// The version of the first object.
pub fn version_of(line: &str) -> &str {
    inputs(line).next().map_or("", |input| state_in(input).0)
}

fn inputs(line: &str) -> impl Iterator<Item = &str> {
    let inputs = line.split(['#', '|']).next().unwrap_or_default();
    inputs.split('+')
}

/// Version and time in an input.
fn state_in(input: &str) -> (&str, Option<Timestamp>) {
    let state = input.split_once('/').map_or(input, |(_, state)| state);
    let Some((version, seconds)) = state.split_once('@') else {
        return (state, None);
    };
    let updated = seconds.parse().ok();
    (
        version,
        updated.and_then(|seconds| Timestamp::from_second(seconds).ok()),
    )
}

/// Whether a line tells of other versions of the objects that another one tells of.
pub fn follows(old: &str, new: &str) -> bool {
    let names = |line| inputs(line).map(name_in).collect::<Vec<_>>();
    let versions = |line| {
        let versions = inputs(line).map(|input| state_in(input).0);
        versions.collect::<Vec<_>>()
    };
    !is_token(new) && names(old) == names(new) && versions(old) != versions(new)
}

/// Whether the value is a token.
pub fn is_token(line: &str) -> bool {
    line.starts_with(TOKEN)
}

/// Where a value comes from, without times. A renewed access token is the same source: its version is made of times, and
/// whoever reads a token that lives for an hour must read it again anyway; pods would else be restarted every hour.
pub fn timeless(source: &str) -> Cow<'_, str> {
    if let Some(token) = source.strip_prefix(TOKEN) {
        let what = token.split_once('#').map_or("", |(_, what)| what);
        return Cow::Owned(format!("token:#{what}"));
    }
    // Between the version and what was done with the value; a property may have an `@` of its own.
    let end = source.find(['#', '|']).unwrap_or(source.len());
    let (states, rest) = source.split_at(end);
    // Several objects may have gone into one value.
    let versions: Vec<&str> = states.split('+').map(without_time).collect();
    Cow::Owned(format!("{}{rest}", versions.join("+")))
}

fn without_time(state: &str) -> &str {
    match state.rsplit_once('@') {
        Some((version, seconds)) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => version,
        Some(_) | None => state,
    }
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
