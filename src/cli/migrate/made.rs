//! What is made of other operators' objects. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::handover::Handover;
use super::input::Document;
use super::notes::Note;

/// A remark, and the object that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Remark {
    /// File, kind and name of the object.
    pub(super) of: String,
    /// The remark.
    pub(super) note: Note,
}

impl Remark {
    /// Those of one object.
    pub(super) fn all(document: &Document, notes: Vec<Note>) -> Vec<Self> {
        let of = document.to_string();
        let remark = |note| Self {
            of: of.clone(),
            note,
        };
        notes.into_iter().map(remark).collect()
    }
}

/// An object of Lakevault, and what has to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Made {
    /// The object.
    pub(in crate::cli) object: Value,
    /// What it is made of.
    pub(super) from: Vec<String>,
    /// What has no equal.
    pub(super) remarks: Vec<Remark>,
    /// How what is there is taken over.
    pub(super) handover: Option<Handover>,
}

impl Made {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A remark on the object as it was made.
    pub(super) fn tell(&mut self, note: Note) {
        let of = self.from.join(", ");
        self.remarks.push(Remark { of, note });
    }
}

/// Which identity a sync names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// `AzureIdentity` or `ClusterAzureIdentity`.
    pub(super) kind: &'static str,
    /// Its name.
    pub(super) name: String,
}

impl Reference {
    /// As a sync writes it.
    pub(super) fn written(&self) -> Value {
        let name = &self.name;
        match self.kind {
            "AzureIdentity" => json!({ "name": name }),
            kind => json!({ "kind": kind, "name": name }),
        }
    }
}

/// A value that is not taken as it is, but made of by a template.
#[derive(Debug, Clone)]
struct Through {
    key: String,
    entry: Map<String, Value>,
    template: String,
    note: Note,
}

/// A sync that is being made.
#[derive(Debug, Clone, Default)]
pub(super) struct Sync {
    /// `spec`, as far as it is known.
    pub(super) spec: Map<String, Value>,
    /// `spec.data`.
    pub(super) data: Vec<Value>,
    /// `spec.dataFrom`.
    pub(super) data_from: Vec<Value>,
    /// `spec.target`.
    pub(super) target: Map<String, Value>,
    /// `spec.template` without values.
    pub(super) template: Map<String, Value>,
    /// Templates of values.
    pub(super) templates: Map<String, Value>,
    /// Whether the Secret holds what they are made of, too.
    pub(super) merges: bool,
    /// What has no equal.
    pub(super) notes: Vec<Note>,
    through: Vec<Through>,
}

impl Sync {
    /// Sets a field of the spec.
    pub(super) fn say(&mut self, name: &str, value: Value) {
        self.spec.insert(name.to_owned(), value);
    }

    /// The vault and the identity.
    pub(super) fn reads(&mut self, vault: &str, identity: &Reference) {
        self.say("vaultUri", json!(vault));
        self.say("identityRef", identity.written());
    }

    /// Sets the type, labels and annotations of the Secret.
    pub(super) fn dress(
        &mut self,
        type_: Option<String>,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    ) {
        if let Some(type_) = type_ {
            self.template.insert("type".to_owned(), json!(type_));
        }
        for (name, all) in [("labels", labels), ("annotations", annotations)] {
            if !all.is_empty() {
                self.template.insert(name.to_owned(), json!(all));
            }
        }
    }

    /// A key that a template makes of what an entry gives. In the template, `VALUE` stands for it. `note` is told where that
    /// cannot be.
    pub(super) fn through(
        &mut self,
        key: &str,
        entry: Map<String, Value>,
        template: &str,
        note: Note,
    ) {
        self.through.push(Through {
            key: key.to_owned(),
            entry,
            template: template.to_owned(),
            note,
        });
    }

    /// Without templates the Secret has the keys of data. With them it has no others, so each of them needs one.
    fn pass_through(&mut self) {
        let through = std::mem::take(&mut self.through);
        if through.is_empty() {
            return;
        }
        let replaces = !self.templates.is_empty() && !self.merges;
        let opaque = !replaces && (self.merges || !self.data_from.is_empty());
        if opaque {
            self.notes.extend(through.into_iter().map(|one| one.note));
            return;
        }
        if !replaces {
            let keys: Vec<String> = self.data.iter().flat_map(keys_of).collect();
            for key in keys {
                let template = format!("{{{{ data[\"{key}\"] }}}}");
                self.templates.insert(key, json!(template));
            }
            if self.data.iter().any(|entry| entry.get("key").is_none()) {
                let tls = json!("kubernetes.io/tls");
                self.template.entry("type").or_insert(tls);
            }
        }
        for one in through {
            let (source, mut entry) = (format!("from-{}", one.key), one.entry);
            let given = if entry.contains_key("certificate") {
                format!("{source}.crt")
            } else {
                source.clone()
            };
            entry.insert("key".to_owned(), json!(source));
            self.data.push(Value::Object(entry));
            let template = one.template.replace("VALUE", &format!("data[\"{given}\"]"));
            self.templates.insert(one.key, json!(template));
        }
    }

    /// The object; none where there is nothing that it would do.
    pub(super) fn made(mut self, document: &Document, name: &str) -> (Option<Value>, Vec<Note>) {
        self.pass_through();
        if self.data.is_empty() && self.data_from.is_empty() && !self.spec.contains_key("push") {
            return (None, self.notes);
        }
        if !self.templates.is_empty() {
            let data = Value::Object(self.templates);
            self.template.insert("data".to_owned(), data);
            if self.merges {
                self.template
                    .insert("mergePolicy".to_owned(), json!("Merge"));
            }
        }
        for (field, list) in [("data", self.data), ("dataFrom", self.data_from)] {
            if !list.is_empty() {
                self.spec.insert(field.to_owned(), Value::Array(list));
            }
        }
        for (field, part) in [("target", self.target), ("template", self.template)] {
            if !part.is_empty() {
                self.spec.insert(field.to_owned(), Value::Object(part));
            }
        }
        let mut metadata = json!({"name": name, "namespace": document.namespace});
        for part in ["labels", "annotations"] {
            let own = document.own(part);
            if !own.is_empty() {
                metadata[part] = json!(own);
            }
        }
        let object = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": metadata, "spec": self.spec,
        });
        (Some(object), self.notes)
    }
}

/// The keys that an entry is sure to give.
fn keys_of(entry: &Value) -> Vec<String> {
    let key = entry.get("key").and_then(Value::as_str);
    if entry.get("certificate").is_none() {
        return key.map(str::to_owned).into_iter().collect();
    }
    let begins = key.unwrap_or("tls");
    ["crt", "key"]
        .map(|part| format!("{begins}.{part}"))
        .to_vec()
}
