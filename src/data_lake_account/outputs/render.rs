//! What is in a ConfigMap, and in a Secret. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Account;
use super::Inputs;
use super::record::second;
use super::sas::{SignWith, Span, token};
use super::seen::{Keys, Seen};
use super::signatures::{begins, signed_by};
use super::wanted::{Sas, Sheet};
use crate::data_lake_account::api::{AccountKey, Generation, SasKind, SasStatus};
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};
use crate::secret::SecretValue;

/// What is in the ConfigMap.
pub fn config_map(account: &Account) -> BTreeMap<String, String> {
    let generation = match account.generation {
        Generation::Gen1 => "Gen1",
        Generation::Gen2 => "Gen2",
    };
    let endpoints = &account.endpoints;
    let all = [
        ("accountName", Some(account.name.clone())),
        ("resourceId", Some(account.id.clone())),
        ("location", Some(account.location.clone())),
        ("generation", Some(generation.to_owned())),
        ("dfsEndpoint", endpoints.dfs.clone()),
        ("blobEndpoint", endpoints.blob.clone()),
        ("adlEndpoint", endpoints.adl.clone()),
        ("webhdfsEndpoint", endpoints.webhdfs.clone()),
        ("filesystems", Some(account.filesystems.join(","))),
    ];
    let said = all.into_iter();
    said.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// What a Secret is written with.
#[derive(Debug, PartialEq, Eq)]
pub struct Filled {
    /// Values by their keys.
    pub data: BTreeMap<String, SecretValue>,
    /// The signatures among them.
    pub made: Vec<SasStatus>,
}

/// What is in a Secret, made with this one of the account's keys.
pub fn secret(
    inputs: &Inputs<'_>,
    seen: &Seen,
    (name, sheet): (&ResourceName, &Sheet),
    key: AccountKey,
) -> Result<Filled, Problem> {
    let mut filled = Filled {
        data: BTreeMap::new(),
        made: Vec::new(),
    };
    if sheet.keys {
        let keys = seen.keys.as_ref().ok_or_else(|| unsigned(name))?;
        filled.data = account_key(inputs.account, keys, key);
    }
    for (entry, sas) in &sheet.sas {
        let span = span(inputs, seen, sas).ok_or_else(|| unsigned(name))?;
        let value = sign(inputs.account, seen, sas, span, key).ok_or_else(|| unsigned(name))?;
        filled.data.insert(entry.clone(), value);
        filled.made.push(SasStatus {
            secret: name.as_str().to_owned(),
            key: entry.clone(),
            of: sas.of(),
            expires: second(span.until),
            signed_by: signed_by(sas, seen, key),
        });
    }
    Ok(filled)
}

/// From when and until when a signature is valid; within the time of the key that it is made with.
fn span(inputs: &Inputs<'_>, seen: &Seen, sas: &Sas) -> Option<Span> {
    let from = begins(inputs.now);
    let until = after(from, sas.lifetime);
    if sas.kind == SasKind::Service {
        return Some(Span { from, until });
    }
    let with = seen.delegation.as_ref()?;
    let (starts, ends): (Timestamp, Timestamp) =
        (with.start.parse().ok()?, with.expiry.parse().ok()?);
    Some(Span {
        from: from.max(starts),
        until: until.min(ends),
    })
}

fn sign(
    account: &Account,
    seen: &Seen,
    sas: &Sas,
    span: Span,
    key: AccountKey,
) -> Option<SecretValue> {
    let with = match sas.kind {
        SasKind::UserDelegation => SignWith::Delegation(seen.delegation.as_ref()?),
        SasKind::Service => SignWith::Account(&seen.keys.as_ref()?.of(key).value),
    };
    token(&account.name, sas, span, with)
}

fn account_key(account: &Account, keys: &Keys, key: AccountKey) -> BTreeMap<String, SecretValue> {
    let value = &keys.of(key).value;
    BTreeMap::from([
        (
            "accountName".to_owned(),
            SecretValue::from(account.name.clone()),
        ),
        ("accountKey".to_owned(), value.clone()),
        (
            "connectionString".to_owned(),
            connection_string(account, value),
        ),
    ])
}

/// As Azure's portal writes it.
fn connection_string(account: &Account, key: &SecretValue) -> SecretValue {
    let begin = format!(
        "DefaultEndpointsProtocol=https;AccountName={};AccountKey=",
        account.name
    );
    let end = format!(";EndpointSuffix={}", account.suffix);
    // Joined in one go, so that no part of the key stays behind where the text would grow.
    SecretValue::new([begin.as_bytes(), key.expose(), end.as_bytes()].concat())
}

fn unsigned(secret: &ResourceName) -> Problem {
    let message = format!(
        "what Azure told to make Secret {secret} of is no key: it is asked again. Does a proxy stand in between?"
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{account, keys};
    use super::*;
    use crate::data_lake_account::api::EndpointsStatus;

    #[test]
    fn a_connection_string_is_what_azures_portal_writes() {
        let data = account_key(&account(), &keys(), AccountKey::Key2);
        let text = |key: &str| data[key].expose_str().unwrap().to_owned();
        assert_eq!(text("accountName"), "lakepayments");
        assert_eq!(text("accountKey"), "a2V5Mi0w");
        assert_eq!(
            text("connectionString"),
            "DefaultEndpointsProtocol=https;AccountName=lakepayments;AccountKey=a2V5Mi0w;EndpointSuffix=core.windows.net"
        );
    }

    #[test]
    fn a_config_map_says_only_what_is_known() {
        let mut account = account();
        account.endpoints.blob = None;
        let data = config_map(&account);
        assert_eq!(data["filesystems"], "raw,curated");
        assert_eq!(data["generation"], "Gen2");
        assert!(!data.contains_key("blobEndpoint"), "{data:?}");
    }

    #[test]
    fn a_data_lake_store_is_told_by_both_its_addresses() {
        let data = config_map(&Account {
            generation: Generation::Gen1,
            endpoints: EndpointsStatus {
                adl: Some("adl://storea.azuredatalakestore.net/".to_owned()),
                webhdfs: Some("https://storea.azuredatalakestore.net/webhdfs/v1/".to_owned()),
                ..EndpointsStatus::default()
            },
            ..account()
        });
        assert_eq!(data["generation"], "Gen1");
        assert_eq!(data["adlEndpoint"], "adl://storea.azuredatalakestore.net/");
        assert!(data["webhdfsEndpoint"].ends_with("/webhdfs/v1/"));
        assert!(!data.contains_key("dfsEndpoint"), "{data:?}");
    }
}
