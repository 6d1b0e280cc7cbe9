//! Kubernetes objects from a file, as the API server would give them back. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::azure_identity::api::IdentityKind;
use crate::azure_identity::valid::IdentityKey;

/// Objects of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Manifests(Vec<Object>);

#[derive(Debug, Clone, PartialEq)]
struct Object {
    kind: String,
    namespace: Option<String>,
    name: String,
    value: Value,
}

/// Kinds that are asked for: their plural, and whether they live in a namespace.
const KINDS: [(&str, &str, bool); 8] = [
    ("AzureIdentity", "azureidentities", true),
    ("ClusterAzureIdentity", "clusterazureidentities", false),
    ("DataLakeAccount", "datalakeaccounts", true),
    ("KeyVault", "keyvaults", true),
    ("VaultSecretSync", "vaultsecretsyncs", true),
    ("Secret", "secrets", true),
    ("ConfigMap", "configmaps", true),
    ("Namespace", "namespaces", false),
];

impl Manifests {
    /// Reads the documents of a YAML or JSON file. Objects without a namespace get `namespace`. Errors quote nothing of the
    /// file: it may hold Secrets.
    pub(super) fn parse(text: &str, namespace: &str) -> Result<Self, String> {
        let documents: Vec<Option<Value>> = serde_saphyr::from_multiple(text).map_err(|_| {
            "it is not YAML: try kubectl apply --dry-run=client -f on it".to_owned()
        })?;
        let mut manifests = Self::default();
        for document in documents.into_iter().flatten() {
            manifests.take(document, namespace)?;
        }
        Ok(manifests)
    }

    fn take(&mut self, document: Value, namespace: &str) -> Result<(), String> {
        let text = |value: &Value, pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let kind = text(&document, "/kind").ok_or("a document in it has no kind")?;
        if kind == "List" {
            let items = document.get("items").and_then(Value::as_array).cloned();
            return items
                .unwrap_or_default()
                .into_iter()
                .try_for_each(|item| self.take(item, namespace));
        }
        let Some((_, _, namespaced)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
            return Ok(());
        };
        let name = text(&document, "/metadata/name")
            .ok_or_else(|| format!("a {kind} in it has no metadata.name"))?;
        let mut value = document;
        let namespace = namespaced
            .then(|| text(&value, "/metadata/namespace").unwrap_or_else(|| namespace.to_owned()));
        if let (Some(namespace), Some(meta)) = (&namespace, object(&mut value, "metadata")) {
            meta.insert("namespace".to_owned(), Value::from(namespace.as_str()));
        }
        if kind == "Secret" {
            merge_string_data(&mut value).map_err(|key| {
                format!("stringData.{key} of the Secret {name} is not text: put it into quotes")
            })?;
        }
        self.0.push(Object {
            kind,
            namespace,
            name,
            value,
        });
        Ok(())
    }

    /// The identities, in the order of the file.
    pub(super) fn identities(&self) -> Vec<IdentityKey> {
        let key = |object: &Object| {
            let kind = match object.kind.as_str() {
                "AzureIdentity" => IdentityKind::AzureIdentity,
                "ClusterAzureIdentity" => IdentityKind::ClusterAzureIdentity,
                _ => return None,
            };
            Some(IdentityKey {
                kind,
                namespace: object.namespace.clone(),
                name: object.name.clone(),
            })
        };
        self.0.iter().filter_map(key).collect()
    }

    /// Namespaces and names of the syncs, in the order of the file.
    pub(super) fn syncs(&self) -> Vec<(String, String)> {
        self.of("VaultSecretSync")
    }

    /// The same of the KeyVaults.
    pub(super) fn key_vaults(&self) -> Vec<(String, String)> {
        self.of("KeyVault")
    }

    /// The same of the DataLakeAccounts.
    pub(super) fn accounts(&self) -> Vec<(String, String)> {
        self.of("DataLakeAccount")
    }

    /// All of a kind, in the order of the file.
    pub(super) fn values<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.0.iter().filter(move |object| object.kind == kind);
        all.map(|object| &object.value)
    }

    /// Each once, where it first stands.
    fn of(&self, kind: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for object in self.0.iter().filter(|object| object.kind == kind) {
            let namespace = object.namespace.clone().unwrap_or_default();
            let named = (namespace, object.name.clone());
            if !all.contains(&named) {
                all.push(named);
            }
        }
        all
    }

    /// The object that a GET of this path of the API server asks for. Of two of one name the last counts, as with `kubectl apply`.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (["api", "v1", rest @ ..] | ["apis", "lakevault.dev", "v1alpha1", rest @ ..]) =
            parts.as_slice()
        else {
            return None;
        };
        let (namespace, plural, name) = match rest {
            ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, *name),
            [plural, name] => (None, *plural, *name),
            _ => return None,
        };
        let (kind, ..) = KINDS.iter().find(|(_, known, _)| *known == plural)?;
        let mut found = self.0.iter().filter(|object| {
            object.kind == *kind && object.namespace.as_deref() == namespace && object.name == name
        });
        Some(&found.next_back()?.value)
    }
}

fn object<'a>(value: &'a mut Value, field: &str) -> Option<&'a mut Map<String, Value>> {
    value.as_object_mut()?.get_mut(field)?.as_object_mut()
}

/// `stringData` of a Secret goes into `data`, as the API server does it. The error is a key whose value is no text.
fn merge_string_data(secret: &mut Value) -> Result<(), String> {
    let Some(secret) = secret.as_object_mut() else {
        return Ok(());
    };
    let Some(Value::Object(plain)) = secret.remove("stringData") else {
        return Ok(());
    };
    let data = secret
        .entry("data")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(data) = data.as_object_mut() {
        for (key, value) in plain {
            let Some(text) = value.as_str() else {
                return Err(key);
            };
            data.insert(key, Value::from(STANDARD.encode(text)));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "manifests_tests.rs"]
mod tests;
