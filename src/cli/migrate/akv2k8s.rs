//! `AzureKeyVaultSecret` of akv2k8s as a sync. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::handover::{Handover, Peer};
use super::identities::{Credential, Identities, Namespaces, Who};
use super::input::{Document, Input};
use super::made::{Made, Reference, Remark, Sync};
use super::names::Names;
use super::notes::Note;
use crate::names::ResourceName;

/// Where its kinds are.
pub(super) const GROUP: &str = "spv.no";

/// What the command line says.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The identity of all syncs.
    pub(super) identity: Option<Reference>,
    /// What follows a vault's name.
    pub(super) suffix: String,
}

/// The Secrets that several make together.
type Groups<'a> = BTreeMap<(&'a str, String), Vec<&'a Document>>;

/// A sync for each Secret: several of them may put keys into one.
pub(super) fn syncs(
    input: &Input,
    said: &Said,
    identities: &mut Identities,
    names: &mut Names,
) -> (Vec<Made>, Vec<Remark>) {
    let mut groups = Groups::new();
    for document in input.of(GROUP, "AzureKeyVaultSecret") {
        let key = (document.namespace.as_str(), secret_of(document));
        groups.entry(key).or_default().push(document);
    }
    let (mut made, mut left) = (Vec::new(), Vec::new());
    for ((_, secret), documents) in groups {
        match group(&secret, &documents, said, (identities, names)) {
            Ok(one) => made.push(one),
            Err(remarks) => left.extend(remarks),
        }
    }
    (made, left)
}

/// The Secret of one.
fn secret_of(document: &Document) -> String {
    let name = document.value.pointer("/spec/output/secret/name");
    let name = name
        .and_then(Value::as_str)
        .filter(|name| name.parse::<ResourceName>().is_ok());
    name.map_or_else(|| document.name.clone(), str::to_owned)
}

fn group(
    secret: &str,
    documents: &[&Document],
    said: &Said,
    (identities, names): (&mut Identities, &mut Names),
) -> Result<Made, Vec<Remark>> {
    let mut sync = Sync::default();
    let (mut remarks, mut vault) = (Vec::new(), None);
    for document in documents {
        let read = one(document, said, identities, vault.as_deref(), &mut sync);
        vault = vault.or(Some(read));
        remarks.extend(Remark::all(document, std::mem::take(&mut sync.notes)));
    }
    let Some(first) = documents.first() else {
        return Err(remarks);
    };
    let name = match documents {
        [only] => &only.name,
        _ => secret,
    };
    let name = &names.free(&first.namespace, name, "-akv");
    if secret != name {
        sync.target.insert("name".to_owned(), json!(secret));
    }
    let (object, notes) = sync.made(first, name);
    remarks.extend(Remark::all(first, notes));
    let Some(object) = object else {
        return Err(remarks);
    };
    let all = documents.iter().map(|document| document.name.clone());
    Ok(Made {
        object,
        from: documents.iter().map(ToString::to_string).collect(),
        remarks,
        handover: Some(Handover {
            namespace: first.namespace.clone(),
            secret: secret.to_owned(),
            sync: name.clone(),
            peer: Peer::Akv2k8s(all.collect()),
        }),
    })
}

/// Adds what one says. `own` is the vault of the sync, where it has one already. Gives the vault of this one.
fn one(
    document: &Document,
    said: &Said,
    identities: &mut Identities,
    own: Option<&str>,
    sync: &mut Sync,
) -> String {
    let mut spec = document.spec(&mut sync.notes);
    let mut vault = spec.inner("vault");
    let name = vault.text("name").unwrap_or_default();
    let uri = format!("https://{name}.{}", said.suffix);
    let identity = identity(document, &mut vault, &name, said, identities, sync);
    let mut elsewhere = Map::new();
    match own {
        None => sync.reads(&uri, &identity),
        Some(own) if own == uri => {}
        Some(_) => {
            elsewhere.insert("vaultUri".to_owned(), json!(uri));
        }
    }
    let mut output = spec.inner("output");
    let mut secret = output.inner("secret");
    if output.has("configMap") {
        sync.notes.push(output.note(
            "configMap",
            "only Secrets are written: let pods read the Secret",
        ));
        output.forget(&["configMap"]);
    }
    if !secret.has("name") {
        let what = "without a Secret it is for akv2k8s' injector alone, which has no equal: let pods read the Secret that is made here";
        sync.notes.push(Note::on("spec.output.secret", what));
    }
    secret.forget(&["name"]);
    let type_ = secret.text("type");
    let mut object = vault.inner("object");
    let way = Way {
        elsewhere,
        key: secret.text("dataKey"),
        type_: type_.clone(),
        transform: output.texts("transform"),
        output: &output,
        secret: &secret,
    };
    way.source(&mut object, sync);
    // Chains are put into the order of servers in any case.
    secret.forget(&["chainOrder"]);
    let has_tls = sync
        .data
        .iter()
        .any(|entry| entry.get("certificate").is_some() && entry.get("key").is_none());
    sync.dress(
        type_.filter(|type_| type_ != "Opaque" && !(has_tls && type_ == "kubernetes.io/tls")),
        document.own("labels"),
        document.own("annotations"),
    );
    for part in [secret, object, vault, output, spec] {
        part.end(&mut sync.notes);
    }
    uri
}

/// akv2k8s has one identity for all: that of its own pod or of the node.
fn identity(
    document: &Document,
    vault: &mut Fields,
    name: &str,
    said: &Said,
    identities: &mut Identities,
    sync: &mut Sync,
) -> Reference {
    if vault.has("azureIdentity") {
        sync.notes.push(vault.note("azureIdentity", "akv2k8s takes no notice of it, and neither is it used here: name an identity by --identity, or in spec.identityRef"));
        vault.forget(&["azureIdentity"]);
    }
    if let Some(identity) = &said.identity {
        return identity.clone();
    }
    let who = Who {
        tenant: None,
        client: None,
        cloud: None,
        credential: Credential::Managed(None),
    };
    let what = "akv2k8s does not say who signs in, so that it is the node's identity: write in spec which, or name another by --identity";
    let note = Note::on("the identity's spec.managedIdentity", what);
    let identity = identities.of(&who, (None, "akv2k8s"), document, &[note]);
    let to = Namespaces::Named(document.namespace.clone());
    identities.lend(&identity, (name, to), &[]);
    identity
}

/// How an object of the vault becomes keys.
struct Way<'a> {
    elsewhere: Map<String, Value>,
    key: Option<String>,
    type_: Option<String>,
    transform: Vec<String>,
    output: &'a Fields,
    secret: &'a Fields,
}

impl Way<'_> {
    fn source(self, object: &mut Fields, sync: &mut Sync) {
        let Some(name) = object.text("name") else {
            sync.notes
                .push(object.whole("it names no object of the vault, and is left out"));
            return;
        };
        let mut source = Map::from_iter([("name".to_owned(), json!(name))]);
        if let Some(version) = object.text("version") {
            source.insert("version".to_owned(), json!(version));
        }
        let content = object.text("contentType");
        let kind = object.text("type").unwrap_or_default();
        let type_ = self.type_.as_deref().unwrap_or_default();
        let transforms =
            !self.transform.is_empty() && (kind != "secret" || type_ == "kubernetes.io/tls");
        if transforms {
            sync.notes.push(self.output.note(
                "transform",
                "akv2k8s transforms secrets alone, so it says nothing",
            ));
        }
        match (kind.as_str(), type_) {
            ("certificate" | "secret", "kubernetes.io/tls") => self.tls(source, sync),
            ("certificate", "Opaque") => {
                let what = "the file is written as the vault has it: PEM as it is; where it is a PFX, it is Base64 in the vault: write decode: Base64";
                sync.notes.push(self.secret.note("type", what));
                let key = self.key.clone().unwrap_or(name);
                self.entry(&key, "secret", source, sync);
            }
            ("certificate", _) => self.bare(name, source, sync),
            ("key", _) => {
                let what = "akv2k8s writes the bare modulus of an RSA key, and here it is the public key in PEM (or format: Jwk)";
                sync.notes.push(object.note("type", what));
                let key = self.key.clone().unwrap_or(name);
                self.entry(&key, "publicKey", source, sync);
            }
            ("multi-key-value-secret", _) => self.many(&source, content.as_deref(), sync),
            (kind, _) => {
                if kind != "secret" {
                    sync.notes
                        .push(object.note("type", "it is not known: it is taken as a secret"));
                }
                self.secret(name, source, sync);
            }
        }
    }

    fn entry(&self, key: &str, field: &str, source: Map<String, Value>, sync: &mut Sync) {
        let mut entry = self.elsewhere.clone();
        entry.insert("key".to_owned(), json!(key));
        entry.insert(field.to_owned(), Value::Object(source));
        sync.data.push(Value::Object(entry));
    }

    fn tls(&self, source: Map<String, Value>, sync: &mut Sync) {
        let what = "the leaf stands first and no root last, the key is PKCS#8, and ca.crt comes besides; where their bytes differ, the Secret is written once";
        sync.notes.push(self.secret.note("type", what));
        let mut entry = self.elsewhere.clone();
        entry.insert("certificate".to_owned(), Value::Object(source));
        sync.data.push(Value::Object(entry));
    }

    /// A certificate without its key.
    fn bare(&self, name: String, mut source: Map<String, Value>, sync: &mut Sync) {
        source.insert("chain".to_owned(), json!("LeafOnly"));
        let mut entry = self.elsewhere.clone();
        entry.insert("certificate".to_owned(), Value::Object(source));
        sync.notes.push(Note::on("spec.vault.object", "the identity must be allowed to get the secret of this name: there a certificate is read"));
        let what = "a certificate without its key comes of a template, which cannot stand beside many keys: make a sync of its own for it";
        let key = self.key.clone().unwrap_or(name);
        sync.through(
            &key,
            entry,
            "{{ VALUE }}",
            Note::on("spec.vault.object", what),
        );
    }

    fn many(&self, source: &Map<String, Value>, content: Option<&str>, sync: &mut Sync) {
        let format = match content {
            Some("application/x-json") => "Json",
            Some("application/x-yaml") => "Yaml",
            _ => "Auto",
        };
        if self.key.is_some() {
            sync.notes.push(self.secret.note(
                "dataKey",
                "the keys are those of the value: it says nothing",
            ));
        }
        let mut entry = self.elsewhere.clone();
        entry.insert(
            "expand".to_owned(),
            json!({"secret": source, "format": format}),
        );
        sync.data_from.push(Value::Object(entry));
    }

    fn secret(&self, name: String, mut source: Map<String, Value>, sync: &mut Sync) {
        let mut filters = String::new();
        for word in &self.transform {
            match word.as_str() {
                "base64decode" => filters += " | b64decode",
                "base64encode" => filters += " | b64encode",
                "trim" => filters += " | trim",
                _ => sync.notes.push(
                    self.output
                        .note("transform", format!("{word} is not known, and left out")),
                ),
            }
        }
        if self.type_.as_deref() == Some("kubernetes.io/basic-auth") {
            for (key, part) in [("username", "first"), ("password", "last")] {
                let mut entry = self.elsewhere.clone();
                entry.insert("secret".to_owned(), Value::Object(source.clone()));
                let template = format!("{{{{ VALUE{filters} | split(\":\") | {part} }}}}");
                sync.through(key, entry, &template, self.secret.note("type", "user and password are taken apart by templates, which cannot stand beside many keys: make a sync of its own for it"));
            }
            return;
        }
        let usual = match self.type_.as_deref() {
            Some("kubernetes.io/dockerconfigjson") => Some(".dockerconfigjson"),
            Some("kubernetes.io/dockercfg") => Some(".dockercfg"),
            Some("kubernetes.io/ssh-auth") => Some("ssh-privatekey"),
            _ => None,
        };
        let key = usual
            .map(str::to_owned)
            .or_else(|| self.key.clone())
            .unwrap_or(name);
        if filters == " | b64decode" {
            source.insert("decode".to_owned(), json!("Base64"));
            filters.clear();
        }
        if filters.is_empty() {
            self.entry(&key, "secret", source, sync);
            return;
        }
        let mut entry = self.elsewhere.clone();
        entry.insert("secret".to_owned(), Value::Object(source));
        let note = self.output.note(
            "transform",
            "it is a template, which cannot stand beside many keys: make a sync of its own for it",
        );
        sync.through(&key, entry, &format!("{{{{ VALUE{filters} }}}}"), note);
    }
}
