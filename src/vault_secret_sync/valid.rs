//! A spec parsed into types that cannot be wrong. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::SYNC_AT;
use super::api::{DataEntry, Decode, DeletionPolicy, Ownership, VaultSecretSync};
use crate::azure::key_vault::SecretId;
use crate::azure_identity::api::IdentityRef;
use crate::names::{NameError, ResourceName, SecretKey, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// How often a vault is looked at where the spec does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(5);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);

/// A sync that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Its namespace, and that of everything it touches.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The generation of the spec.
    pub generation: i64,
    /// When it was made: of two that claim one key the older has it.
    pub created: Option<Timestamp>,
    /// The vault.
    pub vault: VaultUri,
    /// The identity that it names.
    pub identity: Option<IdentityRef>,
    /// How often the vault is looked at; none means once.
    pub interval: Option<Duration>,
    /// What goes into the Secret; each key once.
    pub entries: Vec<Entry>,
    /// The Secret.
    pub target: Target,
    /// The annotation that asks for a look now.
    pub sync_at: Option<String>,
    /// Whether it rests.
    pub suspend: bool,
}

/// One key of the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: SecretKey,
    /// The object that its value comes from.
    pub id: SecretId,
    /// The part of a JSON value that is taken.
    pub property: Option<String>,
    /// How it is decoded.
    pub decode: Decode,
}

impl Entry {
    /// Where a value comes from: object, version and what was done with it. Nothing of the value is in it. It is recorded on
    /// the Secret, and the value is written only where this differs.
    pub fn source(&self, version: &str) -> String {
        let mut source = format!("{}/{version}", self.id.name);
        if let Some(property) = &self.property {
            source = format!("{source}#{property}");
        }
        match self.decode {
            Decode::None => source,
            Decode::Base64 => format!("{source}|Base64"),
            Decode::Base64Url => format!("{source}|Base64Url"),
        }
    }
}

/// The Secret that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: ResourceName,
    /// Whose it is.
    pub ownership: Ownership,
    /// What deletion of the sync does.
    pub deletion_policy: DeletionPolicy,
    /// Its type, where one is asked for.
    pub type_: Option<String>,
    /// Labels that it gets.
    pub labels: BTreeMap<String, String>,
    /// Annotations that it gets.
    pub annotations: BTreeMap<String, String>,
}

/// Parses a sync. The API server's validation refuses most of what is refused here; objects that were stored before a rule
/// was made are met all the same.
pub fn parse(sync: &VaultSecretSync) -> Result<Valid, Problem> {
    let spec = &sync.spec;
    let name = sync.name_any();
    if name.len() > 63 {
        return Err(invalid(
            "metadata.name: it may have at most 63 characters".to_owned(),
        ));
    }
    let interval = interval(spec.refresh_interval)?;
    Ok(Valid {
        namespace: sync.namespace().unwrap_or_default(),
        uid: sync.uid().unwrap_or_default(),
        generation: sync.metadata.generation.unwrap_or_default(),
        created: sync.metadata.creation_timestamp.as_ref().map(|time| time.0),
        vault: spec
            .vault_uri
            .parse()
            .map_err(|error| field("vaultUri", &error))?,
        identity: spec.identity_ref.clone(),
        interval,
        entries: entries(&spec.data)?,
        target: target(sync, &name)?,
        sync_at: sync.annotations().get(SYNC_AT).cloned(),
        suspend: spec.suspend,
        name,
    })
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

fn field(path: &str, error: &NameError) -> Problem {
    invalid(format!("spec.{path}: {error}"))
}

fn interval(asked: Option<kube::core::Duration>) -> Result<Option<Duration>, Problem> {
    let Some(asked) = asked else {
        return Ok(Some(DEFAULT_INTERVAL));
    };
    let negative = asked.is_negative();
    let asked = Duration::from(asked);
    if asked.is_zero() {
        return Ok(None);
    }
    if negative || asked < SHORTEST_INTERVAL {
        return Err(invalid(format!(
            "spec.refreshInterval: {asked:?} is neither 0s (once) nor at least {SHORTEST_INTERVAL:?}"
        )));
    }
    Ok(Some(asked))
}

fn entries(data: &[DataEntry]) -> Result<Vec<Entry>, Problem> {
    if data.is_empty() {
        return Err(invalid(
            "spec.data: there must be at least one entry".to_owned(),
        ));
    }
    let mut seen = BTreeSet::new();
    data.iter()
        .enumerate()
        .map(|(at, entry)| {
            let named = |name: &str, error: &NameError| field(&format!("data[{at}].{name}"), error);
            let key: SecretKey = entry.key.parse().map_err(|error| named("key", &error))?;
            if !seen.insert(key.clone()) {
                return Err(invalid(format!(
                    "spec.data[{at}].key: {key} stands twice: each key may stand once"
                )));
            }
            let version = entry.secret.version.as_deref().map(str::parse).transpose();
            Ok(Entry {
                key,
                id: SecretId {
                    name: entry
                        .secret
                        .name
                        .parse()
                        .map_err(|error| named("secret.name", &error))?,
                    version: version.map_err(|error| named("secret.version", &error))?,
                },
                property: entry.secret.property.clone(),
                decode: entry.secret.decode,
            })
        })
        .collect()
}

fn target(sync: &VaultSecretSync, name: &str) -> Result<Target, Problem> {
    let asked = sync.spec.target.clone().unwrap_or_default();
    let template = sync.spec.template.clone().unwrap_or_default();
    let target_name = asked.name.as_deref().unwrap_or(name);
    let ours =
        |names: &BTreeMap<String, String>| names.keys().any(|name| name.contains("lakevault.dev/"));
    if ours(&template.labels) || ours(&template.annotations) {
        return Err(invalid(
            "spec.template: labels and annotations of lakevault.dev belong to the operator"
                .to_owned(),
        ));
    }
    Ok(Target {
        name: target_name
            .parse()
            .map_err(|error| field("target.name", &error))?,
        ownership: asked.ownership,
        deletion_policy: asked.deletion_policy,
        type_: template.type_,
        labels: template.labels,
        annotations: template.annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::{sync, sync_with};

    #[test]
    fn defaults_are_filled_in() {
        let valid = parse(&sync()).unwrap();
        assert_eq!(valid.interval, Some(DEFAULT_INTERVAL));
        assert_eq!(valid.target.name.as_str(), "app");
        assert_eq!(
            (valid.target.ownership, valid.target.deletion_policy),
            (Ownership::Own, DeletionPolicy::Delete)
        );
    }

    #[test]
    fn zero_means_once() {
        let once = sync_with(|spec| spec["refreshInterval"] = "0s".into());
        assert_eq!(parse(&once).unwrap().interval, None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_field() {
        type Change = fn(&mut serde_json::Value);
        let cases: [(Change, &str); 9] = [
            (
                |s| s["vaultUri"] = "http://kv.vault.azure.net".into(),
                "vaultUri",
            ),
            (
                |s| s["vaultUri"] = "https://user@kv.vault.azure.net".into(),
                "vaultUri",
            ),
            (|s| s["refreshInterval"] = "1s".into(), "refreshInterval"),
            (|s| s["data"] = serde_json::json!([]), "data"),
            (|s| s["data"][0]["key"] = "a/b".into(), "data[0].key"),
            (
                |s| s["data"][0]["secret"]["name"] = "../keys".into(),
                "data[0].secret.name",
            ),
            (
                |s| s["data"][0]["secret"]["version"] = "a/b".into(),
                "data[0].secret.version",
            ),
            (
                |s| s["data"][1]["key"] = s["data"][0]["key"].clone(),
                "data[1].key",
            ),
            (
                |s| s["template"] = serde_json::json!({"labels": {"lakevault.dev/managed": "no"}}),
                "template",
            ),
        ];
        for (change, named) in cases {
            let problem = parse(&sync_with(change)).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(
                problem.message.contains(named),
                "{problem} does not name {named}"
            );
        }
    }

    #[test]
    fn a_source_tells_all_that_decides_a_value() {
        let valid = parse(&sync_with(|spec| {
            spec["data"][0]["secret"]["property"] = "a.b".into();
            spec["data"][0]["secret"]["decode"] = "Base64".into();
        }));
        assert_eq!(
            valid.unwrap().entries[0].source("v1"),
            "db-password/v1#a.b|Base64"
        );
    }
}
