//! What is made of other operators' objects. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Nobody's id: it stands where the files do not tell one.
const UNKNOWN: &str = "00000000-0000-0000-0000-000000000000";

/// An object of Lakevault, and what has to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Made {
    /// The object.
    pub(in crate::cli) object: Value,
    /// What has no equal.
    pub(in crate::cli) notes: Vec<String>,
    /// How what is there is taken over.
    pub(in crate::cli) steps: Vec<String>,
}

/// Which identity a sync names.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyOf {
    /// The Secret.
    pub(super) secret: String,
    /// The key in it.
    pub(super) key: String,
}

/// With what somebody authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A client secret.
    Secret(KeyOf),
    /// A certificate.
    Certificate(KeyOf),
    /// The token of a ServiceAccount; none for the operator's own.
    Workload(Option<String>),
    /// The identity of the node, or one that is assigned to it by its client id.
    Managed(Option<String>),
}

/// Who authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    /// Its tenant.
    pub(super) tenant: Option<String>,
    /// Its client id.
    pub(super) client: Option<String>,
    /// `spec.cloud`.
    pub(super) cloud: Option<Value>,
    /// With what.
    pub(super) credential: Credential,
}

impl Who {
    /// Whether only an administrator may lend it.
    fn is_lent(&self) -> bool {
        matches!(
            self.credential,
            Credential::Managed(_) | Credential::Workload(None)
        )
    }

    /// The identity for it, of a namespace or, without one or where it must be lent, of the cluster. `vaults` are those that it may
    /// be used for, `namespaces` who may.
    pub(super) fn identity(
        &self,
        (namespace, name): (Option<&str>, &str),
        (vaults, namespaces): (&[String], &[String]),
        notes: &mut Vec<String>,
    ) -> (Reference, Value) {
        let own = namespace.filter(|_| !self.is_lent());
        let kind = if own.is_some() {
            "AzureIdentity"
        } else {
            "ClusterAzureIdentity"
        };
        let name = match (own, namespace) {
            // Of two namespaces, each may have one of the same name.
            (None, Some(namespace)) => format!("{namespace}-{name}"),
            _ => name.to_owned(),
        };
        let mut spec = self.spec(notes);
        if own.is_none() {
            let grant = json!({"namespaces": {"names": namespaces}, "vaults": vaults});
            spec.insert("allow".to_owned(), json!([grant]));
        }
        let mut metadata = json!({ "name": name });
        if let Some(own) = own {
            metadata["namespace"] = json!(own);
        }
        let object = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec,
        });
        (Reference { kind, name }, object)
    }

    fn spec(&self, notes: &mut Vec<String>) -> Map<String, Value> {
        let mut spec = Map::new();
        let mut say = |name: &str, value: Value| spec.insert(name.to_owned(), value);
        if !self.is_lent() {
            let mut id = |field: &str, said: &Option<String>| {
                said.clone().unwrap_or_else(|| {
                    notes.push(format!(
                        "spec.{field} is not told in these files: put it in the place of the zeros"
                    ));
                    UNKNOWN.to_owned()
                })
            };
            let (tenant, client) = (id("tenantId", &self.tenant), id("clientId", &self.client));
            say("tenantId", json!(tenant));
            say("clientId", json!(client));
        }
        if let Some(cloud) = &self.cloud {
            say("cloud", cloud.clone());
        }
        let of = |KeyOf { secret, key }: &KeyOf| json!({"name": secret, "key": key});
        match &self.credential {
            Credential::Secret(at) => say("clientSecret", of(at)),
            Credential::Certificate(at) => say("clientCertificate", of(at)),
            Credential::Workload(Some(account)) => {
                say("workloadIdentity", json!({"serviceAccountName": account}))
            }
            Credential::Workload(None) => say("workloadIdentity", json!({})),
            Credential::Managed(Some(client)) => {
                say("managedIdentity", json!({"clientId": client}))
            }
            Credential::Managed(None) => say("managedIdentity", json!({})),
        };
        spec
    }
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
    /// `spec.template`.
    pub(super) template: Map<String, Value>,
    /// What has no equal.
    pub(super) notes: Vec<String>,
    /// How what is there is taken over.
    pub(super) steps: Vec<String>,
}

impl Sync {
    /// Sets a field of the spec.
    pub(super) fn say(&mut self, name: &str, value: Value) {
        self.spec.insert(name.to_owned(), value);
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

    /// The object.
    pub(super) fn made(mut self, namespace: &str, name: &str) -> Made {
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
        let metadata = json!({"name": name, "namespace": namespace});
        Made {
            object: json!({
                "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": metadata, "spec": self.spec,
            }),
            notes: self.notes,
            steps: self.steps,
        }
    }
}
