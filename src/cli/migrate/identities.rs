//! Identities of Lakevault, each once, and to whom the cluster's are lent. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::input::Document;
use super::made::{Made, Reference, Remark};
use super::notes::Note;

/// Nobody's id: it stands where the files do not tell one.
pub(super) const UNKNOWN: &str = "00000000-0000-0000-0000-000000000000";

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
    /// The identity of the node, or one that is assigned to it, by its client id or resource id.
    Managed(Option<String>),
}

/// Who authenticates.
#[derive(Debug, Clone, PartialEq)]
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
    pub(super) fn is_lent(&self) -> bool {
        matches!(
            self.credential,
            Credential::Managed(_) | Credential::Workload(None)
        )
    }

    /// Whether two are surely the same.
    fn is(&self, other: &Self) -> bool {
        let known = self.is_lent() || self.client.is_some() && self.tenant.is_some();
        known && self == other
    }

    fn spec(&self, notes: &mut Vec<Note>) -> Map<String, Value> {
        let mut spec = Map::new();
        let mut say = |name: &str, value: Value| spec.insert(name.to_owned(), value);
        if !self.is_lent() {
            let mut id = |field: &str, said: &Option<String>| {
                said.clone().unwrap_or_else(|| {
                    let what = "no file tells it: put it in the place of the zeros";
                    notes.push(Note::on(format!("the identity's spec.{field}"), what));
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
        let managed = |id: &str| {
            let field = if id.starts_with('/') {
                "resourceId"
            } else {
                "clientId"
            };
            json!({ field: id })
        };
        match &self.credential {
            Credential::Secret(at) => say("clientSecret", of(at)),
            Credential::Certificate(at) => say("clientCertificate", of(at)),
            Credential::Workload(account) => say(
                "workloadIdentity",
                account
                    .as_ref()
                    .map_or_else(|| json!({}), |name| json!({"serviceAccountName": name})),
            ),
            Credential::Managed(id) => say(
                "managedIdentity",
                id.as_deref().map_or_else(|| json!({}), managed),
            ),
        };
        spec
    }
}

/// Namespaces that an identity is lent to: by name, or by labels. In this order they are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Namespaces {
    /// By name.
    Named(String),
    /// By labels.
    Labelled(BTreeMap<String, String>),
}

/// Patterns of what may be pushed, for a vault and namespaces.
type Lent = BTreeMap<(String, Namespaces), Vec<String>>;

/// One of them.
#[derive(Debug, Clone)]
struct Identity {
    namespace: Option<String>,
    reference: Reference,
    who: Who,
    from: Vec<String>,
    remarks: Vec<Remark>,
    lent: Lent,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Identities(Vec<Identity>);

impl Identities {
    /// The identity for somebody: of a namespace or, without one or where it must be lent, of the cluster. What has the same
    /// credentials is the same.
    pub(super) fn of(
        &mut self,
        who: &Who,
        (namespace, name): (Option<&str>, &str),
        document: &Document,
        notes: &[Note],
    ) -> Reference {
        let own = namespace.filter(|_| !who.is_lent()).map(str::to_owned);
        let from = document.to_string();
        let remarks = Remark::all(document, notes.to_vec());
        let same = |one: &&mut Identity| {
            one.namespace == own && (one.who.is(who) || one.from.contains(&from))
        };
        if let Some(known) = self.0.iter_mut().find(same) {
            if !known.from.contains(&from) {
                known.from.push(from);
                known.remarks.extend(remarks);
            }
            return known.reference.clone();
        }
        let kind = if own.is_some() {
            "AzureIdentity"
        } else {
            "ClusterAzureIdentity"
        };
        let name = match (&own, namespace) {
            // Of two namespaces, each may have one of the same name.
            (None, Some(namespace)) => format!("{namespace}-{name}"),
            _ => name.to_owned(),
        };
        let reference = Reference {
            kind,
            name: self.free(own.as_deref(), name),
        };
        self.0.push(Identity {
            namespace: own,
            reference: reference.clone(),
            who: who.clone(),
            from: vec![from],
            remarks,
            lent: Lent::new(),
        });
        reference
    }

    /// A name that none has yet.
    fn free(&self, namespace: Option<&str>, name: String) -> String {
        let taken = |name: &str| {
            let mut all = self.0.iter();
            all.any(|one| one.namespace.as_deref() == namespace && one.reference.name == name)
        };
        let more = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(more);
        names.find(|name| !taken(name)).unwrap_or(name)
    }

    /// Lends one of the cluster for a vault, and for objects that are pushed there.
    pub(super) fn lend(
        &mut self,
        reference: &Reference,
        (vault, namespaces): (&str, Namespaces),
        push: &[String],
    ) {
        let mut all = self.0.iter_mut();
        let found = all.find(|one| one.namespace.is_none() && one.reference == *reference);
        if let Some(found) = found {
            let patterns = found
                .lent
                .entry((vault.to_owned(), namespaces))
                .or_default();
            let new: Vec<String> = push
                .iter()
                .filter(|one| !patterns.contains(one))
                .cloned()
                .collect();
            patterns.extend(new);
        }
    }

    /// The objects.
    pub(super) fn made(self) -> Vec<Made> {
        self.0.into_iter().map(Identity::made).collect()
    }
}

impl Identity {
    fn made(self) -> Made {
        let mut notes = Vec::new();
        let mut spec = self.who.spec(&mut notes);
        let mut metadata = json!({"name": self.reference.name});
        match &self.namespace {
            Some(namespace) => metadata["namespace"] = json!(namespace),
            None if self.lent.is_empty() => notes.push(Note::on(
                "the identity's spec.allow",
                "no object of these files uses it, so it is lent to nobody: name the namespaces that may use it",
            )),
            None => {
                let grants: Vec<Value> = grants(self.lent);
                spec.insert("allow".to_owned(), json!(grants));
                notes.push(Note::on(
                    "the identity's spec.allow",
                    "it is lent to the namespaces and for the vaults that these files name: add others that use it",
                ));
            }
        }
        let object = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": self.reference.kind, "metadata": metadata, "spec": spec,
        });
        let mut made = Made {
            object,
            from: self.from,
            remarks: self.remarks,
            handover: None,
        };
        for note in notes {
            made.tell(note);
        }
        made
    }
}

/// One grant for all namespaces by name that have the same, one for each set of labels.
fn grants(lent: Lent) -> Vec<Value> {
    let mut named: BTreeMap<(String, Vec<String>), Vec<String>> = BTreeMap::new();
    let mut grants = Vec::new();
    let grant = |namespaces: Value, vault: &str, push: &[String]| {
        let mut grant = json!({"namespaces": namespaces, "vaults": [vault]});
        if !push.is_empty() {
            grant["push"] = json!(push);
        }
        grant
    };
    for ((vault, namespaces), push) in lent {
        match namespaces {
            Namespaces::Named(name) => named.entry((vault, push)).or_default().push(name),
            Namespaces::Labelled(labels) => {
                grants.push(grant(json!({ "matchLabels": labels }), &vault, &push));
            }
        }
    }
    let by_name = named.into_iter();
    by_name
        .map(|((vault, push), names)| grant(json!({ "names": names }), &vault, &push))
        .chain(grants)
        .collect()
}
