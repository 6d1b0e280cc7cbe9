//! `spec.push` parsed into types that cannot be wrong. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::api::{Encode, IfExists, PushDeletionPolicy, PushEntry, PushTarget};
use crate::azure::key_vault::write::Tags;
use crate::azure::key_vault::{Kind, Object};
use crate::names::{NameError, ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Longest name or value of a tag, and longest content type (Key Vault REST reference).
const LONGEST_TAG: usize = 256;
const LONGEST_CONTENT_TYPE: usize = 255;
const MOST_TAGS: usize = 14;

/// One value that is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The Secret.
    pub secret: ResourceName,
    /// What is taken from it.
    pub value: Value,
    /// The object; it names no version.
    pub object: Object,
    /// What the value is.
    pub content_type: Option<String>,
    /// Tags, without the operator's own.
    pub tags: Tags,
    /// When a version expires.
    pub expiry: Option<Expiry>,
    /// What happens to an object that is there already.
    pub if_exists: IfExists,
    /// What happens to it in the end.
    pub deletion_policy: PushDeletionPolicy,
}

/// What is taken from a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A value, as text.
    Text(SecretKey, Encode),
    /// A certificate with its key, in one file.
    File {
        /// The file.
        key: SecretKey,
        /// The password that opens it.
        password: Option<SecretKey>,
    },
    /// A certificate with its key, as a TLS Secret holds them.
    Tls {
        /// The password that opens the key.
        password: Option<SecretKey>,
    },
}

/// When a version expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(Timestamp),
    /// So long after it was made.
    After(Duration),
}

/// How `status.push` names an object.
pub fn name_of(object: &Object) -> String {
    format!("{}/{}", object.kind, object.name)
}

/// The object of such a name.
pub fn named(text: &str) -> Option<Object> {
    let (kind, name) = text.split_once('/')?;
    let kind = [Kind::Secret, Kind::Certificate]
        .into_iter()
        .find(|known| known.to_string() == kind)?;
    Some(Object {
        kind,
        name: name.parse().ok()?,
        version: None,
    })
}

/// Parses `spec.push`.
pub fn parse(entries: &[PushEntry]) -> Result<Vec<Push>, Problem> {
    let mut names = BTreeSet::new();
    let push = |(at, entry)| {
        let push = one(entry).map_err(|what: String| {
            let message = format!("spec.push[{at}]{what}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })?;
        // A certificate is a secret of the same name, too; and names have no case.
        if names.insert(push.object.name.as_str().to_ascii_lowercase()) {
            return Ok(push);
        }
        let message = format!(
            "spec.push[{at}].to: {:?} may stand once in push, as a secret or as a certificate",
            push.object.name.as_str()
        );
        Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message))
    };
    entries.iter().enumerate().map(push).collect()
}

fn one(entry: &PushEntry) -> Result<Push, String> {
    let (from, to) = (&entry.from, &entry.to);
    let field = |path: &str| {
        let path = path.to_owned();
        move |error: NameError| format!(".{path}: {error}")
    };
    let key = |text: &Option<String>, path: &str| {
        let text = text.as_deref();
        text.map(str::parse::<SecretKey>)
            .transpose()
            .map_err(field(path))
    };
    let password = key(&from.password_key, "from.passwordKey")?;
    let file = key(&from.key, "from.key")?;
    let (kind, name, value) = match (&to.secret, &to.certificate) {
        (Some(name), None) if password.is_none() => {
            let key = file.ok_or(".from.key: it must be set with to.secret")?;
            let value = Value::Text(key, to.encode.unwrap_or_default());
            (Kind::Secret, name, value)
        }
        (None, Some(_)) if of_secrets_only(to) => {
            return Err(
                ".to: contentType, expires, expiresAfter and encode go with secret only: a certificate brings its own".to_owned()
            );
        }
        (None, Some(name)) => {
            let value = match file {
                Some(key) => Value::File { key, password },
                None => Value::Tls { password },
            };
            (Kind::Certificate, name, value)
        }
        (Some(_), None) => {
            return Err(".from.passwordKey: it goes with to.certificate only".to_owned());
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(".to: exactly one of secret and certificate must be set".to_owned());
        }
    };
    Ok(Push {
        secret: from.secret.parse().map_err(field("from.secret"))?,
        value,
        object: Object {
            kind,
            name: name.parse().map_err(field("to"))?,
            version: None,
        },
        content_type: content_type(to)?,
        tags: tags(to)?,
        expiry: expiry(to)?,
        if_exists: entry.if_exists,
        deletion_policy: entry.deletion_policy,
    })
}

fn of_secrets_only(to: &PushTarget) -> bool {
    to.content_type.is_some()
        || to.expires.is_some()
        || to.expires_after.is_some()
        || to.encode.is_some()
}

fn content_type(to: &PushTarget) -> Result<Option<String>, String> {
    match &to.content_type {
        Some(text) if text.is_empty() || text.len() > LONGEST_CONTENT_TYPE => Err(format!(
            ".to.contentType: it must have 1 to {LONGEST_CONTENT_TYPE} characters"
        )),
        other => Ok(other.clone()),
    }
}

fn tags(to: &PushTarget) -> Result<Tags, String> {
    if to.tags.len() > MOST_TAGS {
        return Err(format!(
            ".to.tags: there may be at most {MOST_TAGS}, since Azure takes 15 and one is the operator's"
        ));
    }
    for (name, value) in &to.tags {
        if name.starts_with("lakevault-") {
            return Err(
                ".to.tags: tags that begin with lakevault- belong to the operator".to_owned(),
            );
        }
        if name.is_empty() || name.len().max(value.len()) > LONGEST_TAG {
            return Err(format!(
                ".to.tags: names and values may have at most {LONGEST_TAG} characters, and a name at least one"
            ));
        }
    }
    Ok(to.tags.clone())
}

fn expiry(to: &PushTarget) -> Result<Option<Expiry>, String> {
    match (&to.expires, to.expires_after) {
        (Some(_), Some(_)) => {
            Err(".to: at most one of expires and expiresAfter may be set".to_owned())
        }
        (Some(time), None) => Ok(Some(Expiry::At(time.0))),
        (None, Some(after)) if after.is_negative() || Duration::from(after).is_zero() => {
            Err(".to.expiresAfter: it must be longer than nothing".to_owned())
        }
        (None, Some(after)) => Ok(Some(Expiry::After(Duration::from(after)))),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut entry = serde_json::json!({"from": {"secret": "local", "key": "password"}, "to": {"secret": "db"}});
        change(&mut entry);
        let entries =
            serde_json::json!([entry, {"from": {"secret": "tls"}, "to": {"certificate": "web"}}]);
        let entries: Vec<PushEntry> = serde_json::from_value(entries).unwrap();
        parse(&entries).map_or_else(|problem| problem.message, |_| String::new())
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let cases: [(&str, serde_json::Value, &str); 8] = [
            ("/from/key", serde_json::Value::Null, "[0].from.key"),
            ("/from/secret", "A/B".into(), "[0].from.secret"),
            ("/to/secret", "a/b".into(), "[0].to"),
            ("/to/secret", "WEB".into(), "[1].to"),
            (
                "/to",
                serde_json::json!({"secret": "a", "certificate": "b"}),
                "exactly one",
            ),
            (
                "/to",
                serde_json::json!({"certificate": "b", "encode": "Base64"}),
                "go with secret only",
            ),
            (
                "/to",
                serde_json::json!({"secret": "a", "tags": {"lakevault-owner": "x"}}),
                "belong to the operator",
            ),
            (
                "/to",
                serde_json::json!({"secret": "a", "expires": "2027-01-01T00:00:00Z", "expiresAfter": "1h"}),
                "at most one",
            ),
        ];
        assert_eq!(refusal(|_| ()), "");
        for (path, value, words) in cases {
            let message = refusal(|entry| *entry.pointer_mut(path).unwrap() = value.clone());
            assert!(message.contains(words), "{path} {value}: {message}");
        }
    }

    #[test]
    fn a_name_in_the_status_leads_back_to_its_object() {
        for name in ["secret/db", "certificate/web"] {
            assert_eq!(name_of(&named(name).unwrap()), name);
        }
        assert_eq!(named("key/k"), None);
        assert_eq!(named("secret/a/b"), None);
    }
}
