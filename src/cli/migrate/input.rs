//! The documents of a file, of whatever kind. Pure.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The part of `apiVersion` before the slash.
    pub(super) group: String,
    /// Its kind.
    pub(super) kind: String,
    /// Its namespace; of a kind that has none, it has no meaning.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// All of it.
    pub(super) value: Value,
}

impl Document {
    /// A part of it, null where there is none.
    pub(super) fn part(&self, name: &str) -> Value {
        self.value.get(name).cloned().unwrap_or_default()
    }
}

/// All objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Input(Vec<Document>);

impl Input {
    /// Adds the documents of a YAML or JSON file. Objects without a namespace get `namespace`. Errors quote nothing of the file: it
    /// may hold Secrets.
    pub(super) fn add(&mut self, text: &str, namespace: &str) -> Result<(), String> {
        let documents: Vec<Option<Value>> = serde_saphyr::from_multiple(text).map_err(|_| {
            "it is not YAML: try kubectl apply --dry-run=client -f on it".to_owned()
        })?;
        for document in documents.into_iter().flatten() {
            self.take(document, namespace);
        }
        Ok(())
    }

    fn take(&mut self, value: Value, namespace: &str) {
        let text = |pointer: &str| {
            let found = value.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let kind = text("/kind");
        if kind.ends_with("List") {
            let items = value.get("items").and_then(Value::as_array).cloned();
            for item in items.unwrap_or_default() {
                self.take(item, namespace);
            }
            return;
        }
        let version = text("/apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let own = text("/metadata/namespace");
        self.0.push(Document {
            group: group.to_owned(),
            kind,
            namespace: if own.is_empty() {
                namespace.to_owned()
            } else {
                own
            },
            name: text("/metadata/name"),
            value,
        });
    }

    /// Those of a kind of a group.
    pub(super) fn of<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Document> {
        let all = self.0.iter();
        all.filter(move |one| one.group == group && one.kind == kind)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The annotations of a ServiceAccount.
    pub(super) fn annotations(&self, namespace: &str, account: &str) -> BTreeMap<String, String> {
        let found = self.of("", "ServiceAccount");
        let mut found = found.filter(|one| one.namespace == namespace && one.name == account);
        let annotations = found
            .next()
            .and_then(|one| one.value.pointer("/metadata/annotations"));
        let annotations = annotations.and_then(Value::as_object).into_iter().flatten();
        annotations
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// What a Secret of the files holds under a key, where that is text: an id that stands in one, for no id is a secret.
    pub(super) fn id_in(&self, namespace: &str, secret: &str, key: &str) -> Option<String> {
        let mut found = self.of("", "Secret");
        let found = found.find(|one| one.namespace == namespace && one.name == secret)?;
        let said = |part: &str| Some(found.value.get(part)?.get(key)?.as_str()?.to_owned());
        let coded = || {
            let bytes = STANDARD.decode(said("data")?.trim()).ok()?;
            String::from_utf8(bytes).ok()
        };
        let text = said("stringData").or_else(coded)?;
        let text = text.trim();
        uuid::Uuid::try_parse(text).ok().map(|id| id.to_string())
    }
}
