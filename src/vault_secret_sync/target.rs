//! What a Secret's metadata tells, without its values. Pure.
//!
//! Two things are recorded on a Secret: an annotation for each sync says which version each key came from, and the API
//! server's managedFields say which keys still are as our apply left them. Whoever changes a value takes its field away from
//! our manager, so damage is seen in metadata alone and no value is ever read or cached to find it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::core::PartialObjectMeta;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::ALLOW_SYNC;
use crate::vault_secret_sync::MANAGED;
use crate::vault_secret_sync::RECORD;
use crate::vault_secret_sync::api::{DeletionPolicy, Ownership, VaultSecretSync};
use crate::vault_secret_sync::field_manager;
use crate::vault_secret_sync::sync_of;
use crate::vault_secret_sync::valid::Valid;

/// What a sync recorded on a Secret when it last wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// For each key where its value came from (see `origin`).
    pub keys: BTreeMap<String, String>,
    /// Where the values came from that templates are made of, by the names that templates have for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// The host of the sync's own vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// The type that was asked for.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Whether nobody may change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    /// Names of the labels that were set.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Names of the annotations that were set.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
}

/// One sync's part in a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Share {
    /// What it recorded.
    pub record: Record,
    /// The keys whose values are as it left them.
    pub intact: BTreeSet<String>,
}

/// The controller of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Controller {
    /// Its uid.
    pub uid: String,
    /// Kind and name.
    pub named: String,
}

/// A Secret's metadata, as far as syncs care.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretMeta {
    /// Uid.
    pub uid: String,
    /// resourceVersion.
    pub version: String,
    /// What the rest of the world changes without touching us is not in here.
    pub facts: Facts,
}

/// The part of the metadata that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it carries our label.
    pub managed: bool,
    /// Its controller.
    pub controller: Option<Controller>,
    /// Syncs that may take it over or merge into it.
    pub allows: BTreeSet<String>,
    /// Shares by the name of the sync.
    pub shares: BTreeMap<String, Share>,
    /// Keys whose values a sync wrote and whose record was taken away, by the name of the sync.
    pub unrecorded: BTreeMap<String, BTreeSet<String>>,
    /// Labels and annotations that a sync recorded as its own, as they are now.
    pub labels: BTreeMap<String, String>,
    /// See `labels`.
    pub annotations: BTreeMap<String, String>,
}

impl SecretMeta {
    /// Reads a Secret's metadata.
    pub fn read(secret: &PartialObjectMeta<Secret>) -> Self {
        let meta = &secret.metadata;
        let annotations = meta.annotations.clone().unwrap_or_default();
        let labels = meta.labels.clone().unwrap_or_default();
        let shares: BTreeMap<String, Share> = annotations
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix(RECORD)?.to_owned(), text)))
            .map(|(sync, text)| {
                let share = Share {
                    record: serde_json::from_str(text).unwrap_or_default(),
                    intact: intact(meta, &sync),
                };
                (sync, share)
            })
            .collect();
        let recorded = |of: fn(&Record) -> &BTreeSet<String>, all: BTreeMap<String, String>| {
            all.into_iter()
                .filter(|(name, _)| {
                    shares
                        .values()
                        .any(|share| of(&share.record).contains(name))
                })
                .collect()
        };
        let controller = meta
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true));
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            facts: Facts {
                deleting: meta.deletion_timestamp.is_some(),
                managed: labels.contains_key(MANAGED),
                controller: controller.map(|owner| Controller {
                    uid: owner.uid.clone(),
                    named: format!("{} {}", owner.kind, owner.name),
                }),
                allows: names(annotations.get(ALLOW_SYNC)),
                labels: recorded(|record| &record.labels, labels),
                annotations: recorded(|record| &record.annotations, annotations),
                unrecorded: unrecorded(meta, &shares),
                shares,
            },
        }
    }

    /// Whether a sync has to do with this Secret at all.
    pub fn concerns_us(&self) -> bool {
        self.facts.managed || !self.facts.shares.is_empty()
    }

    /// A sync's share.
    pub fn share(&self, sync: &str) -> Option<&Share> {
        self.facts.shares.get(sync)
    }

    /// A sync's share with all that it wrote, be it that the record tells no more where it came from. An apply that left such
    /// a key out would remove it.
    pub fn whole_share(&self, sync: &str) -> Share {
        let mut share = self.share(sync).cloned().unwrap_or_default();
        for key in self.facts.unrecorded.get(sync).into_iter().flatten() {
            share.record.keys.insert(key.clone(), UNKNOWN.to_owned());
            share.intact.insert(key.clone());
        }
        share
    }
}

/// The line of a key that nobody recorded: it is that of no object, so the value is asked for.
const UNKNOWN: &str = "unknown";

/// What the field managers of syncs hold and no record tells of.
fn unrecorded(
    meta: &ObjectMeta,
    shares: &BTreeMap<String, Share>,
) -> BTreeMap<String, BTreeSet<String>> {
    let managers = meta.managed_fields.iter().flatten();
    let syncs = managers.filter_map(|entry| sync_of(entry.manager.as_deref()?));
    let keys = syncs.map(|sync| {
        let mut keys = intact(meta, sync);
        if let Some(share) = shares.get(sync) {
            keys.retain(|key| !share.record.keys.contains_key(key));
        }
        (sync.to_owned(), keys)
    });
    keys.filter(|(_, keys)| !keys.is_empty()).collect()
}

/// Names in an annotation, separated by commas.
pub(super) fn names(annotation: Option<&String>) -> BTreeSet<String> {
    let names = annotation.iter().flat_map(|text| text.split(','));
    names
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The data keys that the sync's field manager still holds.
fn intact(meta: &ObjectMeta, sync: &str) -> BTreeSet<String> {
    held_by(meta, &field_manager(sync))
}

/// The data keys that a field manager has applied and still holds (Kubernetes, "Server-Side Apply").
pub fn held_by(meta: &ObjectMeta, manager: &str) -> BTreeSet<String> {
    let ours = |entry: &&ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(manager)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    };
    let entries = meta.managed_fields.iter().flatten().filter(ours);
    let data = entries.filter_map(|entry| entry.fields_v1.as_ref()?.0.get("f:data")?.as_object());
    data.flat_map(|fields| {
        fields
            .keys()
            .filter_map(|key| key.strip_prefix("f:"))
            .map(str::to_owned)
    })
    .collect()
}

/// Whether one field manager has written all that is in an object.
pub fn written_by_one(meta: &ObjectMeta, manager: &str) -> bool {
    let entries = meta.managed_fields.iter().flatten();
    entries
        .map(|entry| entry.manager.as_deref())
        .all(|name| name == Some(manager))
}

/// Whose a Secret is, seen from one sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// There is none.
    Absent,
    /// The sync has written it, and may go on.
    Ours,
    /// Somebody else's, who lets the sync in.
    Allowed,
    /// It must not be touched.
    Foreign(Problem),
}

/// Whose the Secret is. Consent is a matter of names within the namespace; what is controlled by another object, or by one of
/// our name made earlier (another uid), is never taken over.
pub fn relation(valid: &Valid, secret: Option<&SecretMeta>) -> Relation {
    let Some(secret) = secret else {
        return Relation::Absent;
    };
    let facts = &secret.facts;
    if facts.deleting {
        return Relation::Foreign(waiting(valid, "is being deleted"));
    }
    if valid.target.ownership == Ownership::Own
        && let Some(controller) = facts
            .controller
            .as_ref()
            .filter(|controller| controller.uid != valid.uid)
    {
        let own_kind = controller.named == format!("VaultSecretSync {}", valid.name);
        return Relation::Foreign(if own_kind {
            waiting(
                valid,
                "still belongs to an earlier VaultSecretSync of this name and goes with it",
            )
        } else {
            controlled(valid, &controller.named)
        });
    }
    // Who lost its record to somebody's edit is still known by its owner.
    let owned = facts.controller.as_ref().map(|owner| &owner.uid) == Some(&valid.uid);
    if owned || secret.share(&valid.name).is_some() {
        return Relation::Ours;
    }
    if facts.allows.contains(&valid.name) {
        return Relation::Allowed;
    }
    Relation::Foreign(foreign(valid))
}

fn waiting(valid: &Valid, what: &str) -> Problem {
    let message = format!("Secret {} {what}", valid.target.name);
    Problem::new(Reason::TargetLeaving, Retry::Backoff, message)
}

fn foreign(valid: &Valid) -> Problem {
    let (secret, sync) = (&valid.target.name, &valid.name);
    let message = format!(
        "Secret {secret} exists and is not ours; it is left as it is. Name another one in spec.target.name, or allow it: kubectl -n {} annotate secret {secret} {ALLOW_SYNC}={sync}",
        valid.namespace
    );
    Problem::new(Reason::TargetNotOurs, Retry::OnChange, message)
}

/// Consent would not help: a Secret has one controller. What a sync has that claims it no more goes with that sync.
fn controlled(valid: &Valid, controller: &str) -> Problem {
    let (secret, sync) = (&valid.target.name, &valid.name);
    let message = format!(
        "Secret {secret} is controlled by {controller}; it is left as it is. Name another one in spec.target.name, or put keys into it with spec.target.ownership Merge and its annotation {ALLOW_SYNC}={sync}"
    );
    let reason = if controller.starts_with("VaultSecretSync ") {
        Reason::TargetLeaving
    } else {
        Reason::TargetNotOurs
    };
    Problem::new(reason, Retry::OnChange, message)
}

/// The Secret's owner, where it shall go with the sync.
pub fn owner(
    valid: &Valid,
) -> Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference> {
    let owned = valid.target.ownership == Ownership::Own
        && valid.target.deletion_policy == DeletionPolicy::Delete;
    owned.then(
        || k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
            api_version: <VaultSecretSync as kube::Resource>::api_version(&()).into_owned(),
            kind: <VaultSecretSync as kube::Resource>::kind(&()).into_owned(),
            name: valid.name.clone(),
            uid: valid.uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::{sync, sync_with};
    use crate::vault_secret_sync::valid::parse;

    fn secret(metadata: &serde_json::Value) -> SecretMeta {
        let object =
            serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata});
        SecretMeta::read(&serde_json::from_value(object).unwrap())
    }

    fn valid() -> Valid {
        parse(&sync()).unwrap()
    }

    fn written(owner: &str) -> serde_json::Value {
        serde_json::json!({
            "name": "app", "uid": "s", "resourceVersion": "7",
            "labels": {"lakevault.dev/managed": "true", "app": "x", "other": "y"},
            "annotations": {"sync.lakevault.dev/app": "{\"keys\":{\"A\":\"a/1\"},\"labels\":[\"app\"]}"},
            "ownerReferences": [{"apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "name": "app", "uid": owner, "controller": true}],
            "managedFields": [
                {"manager": "lakevault/app", "operation": "Apply", "fieldsV1": {"f:data": {"f:A": {}, "f:B.c": {}}, "f:type": {}}},
                {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:Z": {}}}},
                {"manager": "lakevault/app", "operation": "Update", "fieldsV1": {"f:data": {"f:Y": {}}}}
            ]
        })
    }

    #[test]
    fn intact_keys_are_those_that_our_apply_still_holds() {
        let meta = secret(&written("uid-app"));
        let share = meta.share("app").unwrap();
        assert_eq!(
            share.intact,
            BTreeSet::from(["A".to_owned(), "B.c".to_owned()])
        );
        assert_eq!(share.record.keys["A"], "a/1");
        assert_eq!(
            meta.facts.labels,
            BTreeMap::from([("app".to_owned(), "x".to_owned())])
        );
    }

    #[test]
    fn facts_do_not_change_with_what_others_do_elsewhere() {
        let mut touched = written("uid-app");
        touched["resourceVersion"] = "8".into();
        touched["labels"]["other"] = "z".into();
        touched["annotations"]["somebody/else"] = "1".into();
        assert_eq!(secret(&touched).facts, secret(&written("uid-app")).facts);
    }

    #[test]
    fn a_secret_is_ours_by_record_and_owner_uid() {
        assert_eq!(
            relation(&valid(), Some(&secret(&written("uid-app")))),
            Relation::Ours
        );
        let Relation::Foreign(problem) = relation(&valid(), Some(&secret(&written("older"))))
        else {
            panic!("a Secret of an earlier sync of this name was taken over")
        };
        assert_eq!(
            problem.retry,
            Retry::Backoff,
            "it goes by itself, so it is waited for"
        );
    }

    #[test]
    fn a_secret_without_its_record_is_still_its_owners() {
        let mut edited = written("uid-app");
        edited["annotations"] = serde_json::json!({});
        assert_eq!(relation(&valid(), Some(&secret(&edited))), Relation::Ours);
    }

    #[test]
    fn a_foreign_secret_is_let_alone_unless_it_names_the_sync() {
        let plain = secret(&serde_json::json!({"name": "app"}));
        let Relation::Foreign(problem) = relation(&valid(), Some(&plain)) else {
            panic!("taken over without consent")
        };
        assert!(
            problem.message.contains("lakevault.dev/allow-sync=app"),
            "{problem}"
        );
        let other = secret(
            &serde_json::json!({"name": "app", "annotations": {"lakevault.dev/allow-sync": "another"}}),
        );
        assert!(matches!(
            relation(&valid(), Some(&other)),
            Relation::Foreign(_)
        ));
        let allowed = secret(
            &serde_json::json!({"name": "app", "annotations": {"lakevault.dev/allow-sync": "x, app"}}),
        );
        assert_eq!(relation(&valid(), Some(&allowed)), Relation::Allowed);
    }

    #[test]
    fn a_controlled_secret_is_never_owned_even_by_consent_but_may_be_merged_into() {
        let controlled = secret(&serde_json::json!({
            "name": "app", "annotations": {"lakevault.dev/allow-sync": "app"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Certificate", "name": "c", "uid": "c", "controller": true}]
        }));
        let Relation::Foreign(problem) = relation(&valid(), Some(&controlled)) else {
            panic!("taken from its controller")
        };
        assert!(problem.message.contains("Certificate c"), "{problem}");
        assert!(
            !problem.message.contains("kubectl"),
            "consent is advised where it does not help: {problem}"
        );
        let merge = parse(&sync_with(|spec| {
            spec["target"] = serde_json::json!({"ownership": "Merge"});
        }))
        .unwrap();
        assert_eq!(relation(&merge, Some(&controlled)), Relation::Allowed);
    }
}
