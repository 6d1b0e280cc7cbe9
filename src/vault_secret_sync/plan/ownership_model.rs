//! A Secret as the API server keeps it: values, marks, and who manages which field (Kubernetes, "Server-Side Apply").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::vault_secret_sync::ALLOW_SYNC;
use crate::vault_secret_sync::field_manager;
use crate::vault_secret_sync::plan::dress::Write;
use crate::vault_secret_sync::target::SecretMeta;

/// Who edits Secrets by hand.
const USER: &str = "kubectl-edit";

/// What has one value and may have managers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Data(String),
    Label(String),
    Annotation(String),
    /// The one owner that is a controller.
    Owner,
}

impl Field {
    pub(super) fn data(key: &str) -> Self {
        Self::Data(key.to_owned())
    }

    pub(super) fn annotation(name: &str) -> Self {
        Self::Annotation(name.to_owned())
    }
}

/// The Secret, while there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Secret {
    uid: u32,
    version: u32,
    type_: String,
    pub(super) fields: BTreeMap<Field, String>,
    managers: BTreeMap<String, BTreeSet<Field>>,
}

impl Secret {
    pub(super) fn get(&self, field: &Field) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// Whether its type is not the one that syncs ask for.
    pub(super) fn is_typed(&self) -> bool {
        self.type_ != "Opaque"
    }

    /// Whether a manager holds a field.
    pub(super) fn holds(&self, manager: &str, field: &Field) -> bool {
        let fields = self.managers.get(manager);
        fields.is_some_and(|fields| fields.contains(field))
    }

    fn set(&mut self, manager: &str, field: Field, value: String) {
        if self.fields.get(&field) != Some(&value) {
            for fields in self.managers.values_mut() {
                fields.remove(&field);
            }
        }
        self.fields.insert(field.clone(), value);
        let fields = self.managers.entry(manager.to_owned()).or_default();
        fields.insert(field);
    }

    fn remove(&mut self, field: &Field) {
        self.fields.remove(field);
        for fields in self.managers.values_mut() {
            fields.remove(field);
        }
    }

    /// What a manager applied before and leaves out now goes, unless somebody else manages it as well.
    fn leave_out(&mut self, manager: &str, applied: &BTreeSet<Field>) {
        let before = self.managers.remove(manager).unwrap_or_default();
        for field in before.difference(applied) {
            let shared = self.managers.values().any(|fields| fields.contains(field));
            if !shared {
                self.fields.remove(field);
            }
        }
        let kept = before.intersection(applied).cloned().collect();
        self.managers.insert(manager.to_owned(), kept);
    }

    pub(super) fn meta(&self) -> SecretMeta {
        let map = |pick: fn(&Field) -> Option<&String>| -> Map<String, Value> {
            let fields = self.fields.iter();
            fields
                .filter_map(|(field, value)| Some((pick(field)?.clone(), json!(value))))
                .collect()
        };
        let managed = self.managers.iter().map(|(manager, fields)| {
            let keys = fields.iter().filter_map(|field| match field {
                Field::Data(key) => Some((format!("f:{key}"), json!({}))),
                Field::Label(_) | Field::Annotation(_) | Field::Owner => None,
            });
            json!({
                "manager": manager, "operation": if manager == USER { "Update" } else { "Apply" },
                "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": keys.collect::<Map<_, _>>()}
            })
        });
        let owner = self.get(&Field::Owner).map(|uid| {
            json!({
                "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "name": "x",
                "uid": uid, "controller": true
            })
        });
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "shared", "namespace": "team", "uid": format!("secret-{}", self.uid),
            "resourceVersion": self.version.to_string(),
            "labels": map(|field| match field { Field::Label(name) => Some(name), Field::Data(_) | Field::Annotation(_) | Field::Owner => None }),
            "annotations": map(|field| match field { Field::Annotation(name) => Some(name), Field::Data(_) | Field::Label(_) | Field::Owner => None }),
            "ownerReferences": owner.into_iter().collect::<Vec<_>>(),
            "managedFields": managed.collect::<Vec<_>>()
        }});
        SecretMeta::read(&serde_json::from_value(object).unwrap())
    }
}

/// The API server, as far as one Secret goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    pub(super) secret: Option<Secret>,
    uids: u32,
    versions: u32,
}

impl Server {
    pub(super) fn meta(&self) -> Option<SecretMeta> {
        self.secret.as_ref().map(Secret::meta)
    }

    fn next(&mut self) -> u32 {
        self.versions += 1;
        self.versions
    }

    fn make(&mut self, type_: &str) -> &mut Secret {
        self.uids += 1;
        let (uid, version) = (self.uids, self.next());
        self.secret.insert(Secret {
            uid,
            version,
            type_: type_.to_owned(),
            ..Secret::default()
        })
    }

    /// A write of a sync as its steps make it. False where the API server refuses it.
    pub(super) fn apply(&mut self, sync: &str, write: &Write) -> bool {
        let manager = field_manager(sync);
        let version = self
            .secret
            .as_ref()
            .map(|secret| secret.version.to_string());
        assert_eq!(write.on_version, version, "planned on another Secret");
        let kept = write.keep.iter().map(|key| {
            let live = self.secret.as_ref();
            let value = live.and_then(|secret| secret.get(&Field::data(key)));
            (key, value.expect("a kept key is there").to_owned())
        });
        let fresh = write.fresh.iter();
        let fresh = fresh.map(|(key, value)| (key, value.expose_str().unwrap().to_owned()));
        let data = fresh
            .chain(kept)
            .map(|(key, value)| (Field::data(key), value));
        let labels = write.labels.iter();
        let labels = labels.map(|(name, value)| (Field::Label(name.clone()), value.clone()));
        let annotations = write.annotations.iter();
        let annotations = annotations.map(|(name, value)| (Field::annotation(name), value.clone()));
        let owner = write.owner.iter();
        let owner = owner.map(|owner| (Field::Owner, owner.uid.clone()));
        let fields: BTreeMap<Field, String> =
            data.chain(labels).chain(annotations).chain(owner).collect();
        let version = self.next();
        let type_ = write.type_.clone();
        if self.secret.is_none() {
            self.make(type_.as_deref().unwrap_or("Opaque"));
        }
        let secret = self.secret.as_mut().unwrap();
        if type_.is_some_and(|type_| type_ != secret.type_) {
            return false;
        }
        secret.version = version;
        secret.leave_out(&manager, &fields.keys().cloned().collect());
        for (field, value) in fields {
            secret.set(&manager, field, value);
        }
        true
    }

    /// What the end of a sync leaves, as its finalizer and the garbage collector do it.
    pub(super) fn ends(&mut self, sync: &str, uid: &str, merged: bool) {
        let Some(meta) = self.meta() else { return };
        let version = self.next();
        let Some(secret) = &mut self.secret else {
            return;
        };
        if merged {
            if meta.share(sync).is_some() {
                secret.leave_out(&field_manager(sync), &BTreeSet::new());
                secret.version = version;
            }
        } else if secret.get(&Field::Owner) == Some(uid) {
            self.secret = None;
        }
    }

    /// Somebody edits the Secret by hand; no value means that the field goes.
    pub(super) fn edit(&mut self, field: Field, value: Option<String>) {
        let version = self.next();
        let Some(secret) = &mut self.secret else {
            return;
        };
        secret.version = version;
        match value {
            Some(value) => secret.set(USER, field, value),
            None => secret.remove(&field),
        }
    }

    /// Somebody makes the Secret, if there is none.
    pub(super) fn made_by_hand(&mut self, type_: &str, allows: &str, fields: Vec<Field>) {
        if self.secret.is_some() {
            return;
        }
        let secret = self.make(type_);
        secret.set(USER, Field::annotation(ALLOW_SYNC), allows.to_owned());
        for field in fields {
            secret.set(USER, field, "theirs".to_owned());
        }
    }
}
