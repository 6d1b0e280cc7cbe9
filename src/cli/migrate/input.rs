//! The documents of files, of whatever kind. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fields::Fields;
use super::notes::Note;
use crate::names::ResourceName;

/// What the API server, kubectl and tools that deploy write on objects. It belongs to the object that is there, not to what is made
/// of it.
const OTHERS: [&str; 9] = [
    "kubectl.kubernetes.io/",
    "argocd.argoproj.io/",
    "meta.helm.sh/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "external-secrets.io/force-sync",
];

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The file that it stands in.
    pub(super) file: String,
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

impl fmt::Display for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            kind,
            namespace,
            name,
            ..
        } = self;
        if kind.starts_with("Cluster") {
            return write!(out, "{file}: {kind} {name}");
        }
        write!(out, "{file}: {kind} {namespace}/{name}")
    }
}

impl Document {
    /// A part of it, null where there is none.
    pub(super) fn part(&self, name: &str) -> Value {
        self.value.get(name).cloned().unwrap_or_default()
    }

    /// `spec`. All beside it is read here: what is not known is told.
    pub(super) fn spec(&self, notes: &mut Vec<Note>) -> Fields {
        let mut all = Fields::of("", self.value.clone());
        all.forget(&["apiVersion", "kind", "metadata", "spec", "status"]);
        let mut told = Vec::new();
        all.end(&mut told);
        notes.extend(told.into_iter().map(|note| Note {
            at: note.at.trim_start_matches('.').to_owned(),
            ..note
        }));
        let mut metadata = Fields::of("metadata", self.part("metadata"));
        metadata.forget(&["name", "namespace", "labels", "annotations", "uid"]);
        metadata.forget(&["resourceVersion", "generation", "creationTimestamp"]);
        metadata.forget(&["managedFields", "selfLink", "finalizers"]);
        if metadata.has("ownerReferences") {
            let what = "another object makes this one: it has no equal here, so make what is printed for each of its namespaces";
            notes.push(metadata.note("ownerReferences", what));
            metadata.forget(&["ownerReferences"]);
        }
        metadata.end(notes);
        Fields::of("spec", self.part("spec"))
    }

    /// Its labels or annotations, without those of tools.
    pub(super) fn own(&self, what: &str) -> BTreeMap<String, String> {
        let mut metadata = Fields::of("metadata", self.part("metadata"));
        let mut all = metadata.pairs(what);
        all.retain(|name, _| {
            !name.contains("lakevault.dev/") && !OTHERS.iter().any(|other| name.starts_with(other))
        });
        all
    }
}

/// All objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Input(Vec<Document>);

impl Input {
    /// Adds the documents of a YAML or JSON file. Objects without a namespace get `namespace`. Errors quote nothing of the file: it
    /// may hold Secrets.
    pub(super) fn add(&mut self, file: &str, text: &str, namespace: &str) -> Result<(), String> {
        let documents: Vec<Option<Value>> = serde_saphyr::from_multiple(text).map_err(|_| {
            "it is not YAML: try kubectl apply --dry-run=client -f on it".to_owned()
        })?;
        let documents = documents.into_iter().flatten();
        documents
            .into_iter()
            .try_for_each(|document| self.take(file, document, namespace))
    }

    fn take(&mut self, file: &str, value: Value, namespace: &str) -> Result<(), String> {
        let text = |pointer: &str| {
            let found = value.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let kind = text("/kind");
        if kind.is_empty() {
            return Err("a document in it has no kind".to_owned());
        }
        if let Some(items) = value
            .get("items")
            .and_then(Value::as_array)
            .filter(|_| kind.ends_with("List"))
        {
            let items = items.iter().cloned();
            return items
                .into_iter()
                .try_for_each(|item| self.take(file, item, namespace));
        }
        let (name, own) = (text("/metadata/name"), text("/metadata/namespace"));
        let namespace = if own.is_empty() { namespace } else { &own };
        // Names end up in commands that people copy.
        if [name.as_str(), namespace]
            .iter()
            .any(|name| name.parse::<ResourceName>().is_err())
        {
            return Err(format!(
                "the name of a {kind} in it, or of its namespace, is none that Kubernetes takes: render templates first (helm template, kustomize build)"
            ));
        }
        let version = text("/apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        // Of two of one name the last counts, as with kubectl apply.
        self.0.retain(|one| {
            (
                one.group.as_str(),
                &one.kind,
                one.namespace.as_str(),
                &one.name,
            ) != (group, &kind, namespace, &name)
        });
        self.0.push(Document {
            file: file.to_owned(),
            group: group.to_owned(),
            kind,
            namespace: namespace.to_owned(),
            name,
            value,
        });
        Ok(())
    }

    /// Those of a kind of a group.
    pub(super) fn of<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Document> {
        let all = self.all();
        all.filter(move |one| one.group == group && one.kind == kind)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Document> {
        self.0.iter()
    }

    /// The kinds that there are, with their groups.
    pub(super) fn kinds(&self) -> BTreeSet<(&str, &str)> {
        let kinds = self
            .all()
            .map(|one| (one.group.as_str(), one.kind.as_str()));
        kinds.collect()
    }

    /// The annotations of a ServiceAccount.
    pub(super) fn annotations(&self, namespace: &str, account: &str) -> BTreeMap<String, String> {
        let mut found = self.of("", "ServiceAccount");
        let found = found.find(|one| one.namespace == namespace && one.name == account);
        found
            .map(|found| found.own("annotations"))
            .unwrap_or_default()
    }

    /// What a Secret of the files holds under a key, where that is an id, for no id is a secret.
    pub(super) fn id_in(&self, namespace: &str, secret: &str, key: &str) -> Option<String> {
        let mut found = self.of("", "Secret");
        let found = found.find(|one| one.namespace == namespace && one.name == secret)?;
        let said = |part: &str| Some(found.value.get(part)?.get(key)?.as_str()?.to_owned());
        let coded = || {
            let bytes = STANDARD.decode(said("data")?.trim()).ok()?;
            String::from_utf8(bytes).ok()
        };
        let text = said("stringData").or_else(coded)?;
        uuid::Uuid::try_parse(text.trim())
            .ok()
            .map(|id| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart_and_names_that_are_none_are_refused() {
        let mut input = Input::default();
        let list = "{kind: List, apiVersion: v1, items: [{apiVersion: a.b/v1, kind: X, metadata: {name: one}}]}";
        input.add("f.yaml", list, "team").unwrap();
        let found: Vec<String> = input.of("a.b", "X").map(ToString::to_string).collect();
        assert_eq!(found, ["f.yaml: X team/one"]);
        for bad in [
            "kind: X",
            "a: b",
            "{kind: X, metadata: {name: \"a; rm -rf /\"}}",
            "a: [",
            "{kind: X, metadata: {name: a, namespace: \"{{ .Release }}\"}}",
        ] {
            let refused = input.add("f.yaml", bad, "team");
            assert!(refused.is_err(), "{bad}");
        }
    }

    #[test]
    fn what_stands_beside_spec_is_read_too() {
        let mut input = Input::default();
        let text = "{apiVersion: a/v1, kind: X, extra: 1, metadata: {name: one, uid: u, ownerReferences: [{kind: Y}], labels: {a: b, argocd.argoproj.io/instance: c}}}";
        input.add("f.yaml", text, "team").unwrap();
        let document = input.all().next().unwrap();
        let mut notes = Vec::new();
        document.spec(&mut notes);
        let at: Vec<&str> = notes.iter().map(|note| note.at.as_str()).collect();
        assert_eq!(at, ["extra", "metadata.ownerReferences"]);
        assert_eq!(document.own("labels").len(), 1);
    }
}
