//! Shared access signatures: the text that is signed, and the token ("Create a user delegation SAS", "Create a service SAS"). Pure.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::wanted::Sas;
use crate::azure::lake::delegation::DelegationKey;
use crate::secret::SecretValue;

/// The version whose rules the text follows: the oldest with the form that is used here, so that every cloud knows it.
const VERSION: &str = "2020-12-06";
/// What stays as it is in a value of a query (RFC 3986 §2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a signature is made with.
#[derive(Debug, Clone, Copy)]
pub enum SignWith<'a> {
    /// A key of the identity.
    Delegation(&'a DelegationKey),
    /// The account's key, in base64.
    Account(&'a SecretValue),
}

/// From when and until when a signature is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The token: a query without its question mark. None where the key is no base64.
pub fn token(account: &str, sas: &Sas, span: Span, with: SignWith<'_>) -> Option<SecretValue> {
    let mut query = terms(sas, span);
    if let SignWith::Delegation(key) = with {
        let named = ["skoid", "sktid", "skt", "ske", "sks", "skv"];
        query.extend(named.into_iter().zip(key.terms().map(str::to_owned)));
    }
    let text = text(
        account,
        sas,
        &query,
        matches!(with, SignWith::Delegation(_)),
    );
    let secret = match with {
        SignWith::Delegation(key) => &key.value,
        SignWith::Account(key) => key,
    };
    let secret = Zeroizing::new(STANDARD.decode(secret.expose()).ok()?);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text.as_bytes());
    let signature = Zeroizing::new(STANDARD.encode(tag.as_ref()));
    let mut token = String::new();
    for (name, value) in &query {
        token.extend([
            name,
            "=",
            &utf8_percent_encode(value, VALUE).to_string(),
            "&",
        ]);
    }
    // Room for the whole, so that no part of the signature stays behind where the text moves.
    token.reserve_exact(4 + 3 * signature.len());
    token.push_str("sig=");
    token.extend(utf8_percent_encode(&signature, VALUE));
    Some(SecretValue::from(token))
}

/// What stands in the token besides key and signature.
fn terms(sas: &Sas, span: Span) -> Vec<(&'static str, String)> {
    let directory = &sas.directory;
    let whole = directory.is_root();
    let mut terms = vec![
        ("sv", VERSION.to_owned()),
        ("spr", "https".to_owned()),
        ("st", time(span.from)),
        ("se", time(span.until)),
        ("sr", if whole { "c" } else { "d" }.to_owned()),
        ("sp", sas.permissions.clone()),
    ];
    if !whole {
        terms.push(("sdd", directory.parts().len().to_string()));
    }
    terms
}

/// The text that is signed: one line for each field of the version, those that are not used empty.
fn text(account: &str, sas: &Sas, query: &[(&str, String)], delegated: bool) -> String {
    let of = |name: &str| {
        let found = query.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let resource = if sas.directory.is_root() {
        format!("/blob/{account}/{}", sas.filesystem)
    } else {
        format!("/blob/{account}/{}/{}", sas.filesystem, sas.directory)
    };
    let mut lines = vec![of("sp"), of("st"), of("se"), &resource];
    if delegated {
        lines.extend(["skoid", "sktid", "skt", "ske", "sks", "skv"].map(of));
        // Whom it is lent to (saoid, suoid), and an id for logs (scid).
        lines.extend([""; 3]);
    } else {
        // A stored policy (si).
        lines.push("");
    }
    // Addresses (sip) come before these, snapshot, encryption scope and five headers of answers after them.
    lines.extend(["", of("spr"), of("sv"), of("sr")]);
    lines.extend([""; 7]);
    lines.join("\n")
}

/// A time as Azure writes it.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::data_lake_account::api::SasKind;

    // Made by Microsoft's Python client (azure-storage-file-datalake 12.14.0, generate_file_system_sas and generate_directory_sas)
    // for account lakepayments and filesystem raw, with its X_MS_VERSION set to 2020-12-06; the keys are the bytes 0 to 31 and 0 to 63.
    const ACCOUNT_KEY: &str =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    const DELEGATION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const DELEGATED_FILESYSTEM: &str = "st=2026-11-22T01%3A55%3A00Z&se=2026-11-23T01%3A55%3A00Z&sp=rl&spr=https&sv=2020-12-06&sr=c&skoid=11111111-1111-1111-1111-111111111111&sktid=22222222-2222-2222-2222-222222222222&skt=2026-11-22T01%3A55%3A00Z&ske=2026-11-23T01%3A55%3A00Z&sks=b&skv=2025-01-05&sig=/adpFBt5s6XIysEHnAZwtpvE//qhzPk2Xvk06VcmGR8%3D";
    const DELEGATED_DIRECTORY: &str = "st=2026-11-22T01%3A55%3A00Z&se=2026-11-23T01%3A55%3A00Z&sp=racwdlmeop&spr=https&sv=2020-12-06&sr=d&sdd=2&skoid=11111111-1111-1111-1111-111111111111&sktid=22222222-2222-2222-2222-222222222222&skt=2026-11-22T01%3A55%3A00Z&ske=2026-11-23T01%3A55%3A00Z&sks=b&skv=2025-01-05&sig=ze%2Bw50ejP12%2B2Yx8ELRp6tz5lcTNIYsZwjTdDyzLyng%3D";
    const SERVICE_FILESYSTEM: &str = "st=2026-11-22T01%3A55%3A00Z&se=2026-11-23T01%3A55%3A00Z&sp=rl&spr=https&sv=2020-12-06&sr=c&sig=oksdjD3oj9jUj5q6YerUyVMDt4VeXrIbEeR4s1bCtYc%3D";
    const SERVICE_DIRECTORY: &str = "st=2026-11-22T01%3A55%3A00Z&se=2026-11-23T01%3A55%3A00Z&sp=racwdlmeop&spr=https&sv=2020-12-06&sr=d&sdd=2&sig=B2uhjZYc3RZi0VeeFaEq7YHDUEpQAUIEVSxksGYWw48%3D";

    fn pairs(query: &str) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    fn made(directory: &str, permissions: &str, with: SignWith<'_>) -> BTreeMap<String, String> {
        let sas = Sas {
            kind: SasKind::Service,
            filesystem: "raw".parse().unwrap(),
            directory: directory.parse().unwrap(),
            permissions: permissions.to_owned(),
            lifetime: Duration::from_hours(24),
        };
        let span = Span {
            from: "2026-11-22T01:55:00.9Z".parse().unwrap(),
            until: "2026-11-23T01:55:00Z".parse().unwrap(),
        };
        let token = token("lakepayments", &sas, span, with).unwrap();
        pairs(token.expose_str().unwrap())
    }

    #[test]
    fn a_signature_by_the_identity_is_what_microsofts_client_makes() {
        let key = DelegationKey {
            oid: "11111111-1111-1111-1111-111111111111".to_owned(),
            tid: "22222222-2222-2222-2222-222222222222".to_owned(),
            start: "2026-11-22T01:55:00Z".to_owned(),
            expiry: "2026-11-23T01:55:00Z".to_owned(),
            service: "b".to_owned(),
            version: "2025-01-05".to_owned(),
            value: SecretValue::from(DELEGATION_KEY.to_owned()),
        };
        let with = SignWith::Delegation(&key);
        assert_eq!(made("", "rl", with), pairs(DELEGATED_FILESYSTEM));
        assert_eq!(
            made("in/2026 übung", "racwdlmeop", with),
            pairs(DELEGATED_DIRECTORY)
        );
    }

    #[test]
    fn a_signature_by_the_account_is_what_microsofts_client_makes() {
        let key = SecretValue::from(ACCOUNT_KEY.to_owned());
        let with = SignWith::Account(&key);
        assert_eq!(made("", "rl", with), pairs(SERVICE_FILESYSTEM));
        assert_eq!(
            made("in/2026 übung", "racwdlmeop", with),
            pairs(SERVICE_DIRECTORY)
        );
    }
}
