//! Where a value of the External Secrets Operator comes from, as a source of a sync. Pure.

use serde_json::{Map, Value, json};

use super::fields::{Fields, OF_VALUES};
use super::made::Sync;
use super::notes::Note;
use super::property;
use crate::names::ObjectName;

/// How the bare certificate comes out of PEM as it is there, in DER.
const DER: &str = "{{ VALUE | replace(\"-----BEGIN CERTIFICATE-----\", \"\") | replace(\"-----END CERTIFICATE-----\", \"\") | b64decode }}";

/// What a name of a vault's object stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Secret,
    Key,
    Certificate,
}

/// An entry of `data` for a reference to one value. `vault` is set where that is not the sync's.
pub(super) fn entry(key: &str, mut remote: Fields, vault: Map<String, Value>, sync: &mut Sync) {
    let Some((object, source)) = named(&mut remote, &mut sync.notes) else {
        remote.end(&mut sync.notes);
        return;
    };
    let mut source = source;
    let field = match object {
        Object::Secret => {
            dissect(&mut remote, &mut source, &mut sync.notes);
            "secret"
        }
        Object::Key => {
            // What comes of a key there is a JSON Web Key.
            source.insert("format".to_owned(), json!("Jwk"));
            "publicKey"
        }
        Object::Certificate => {
            source.insert("chain".to_owned(), json!("LeafOnly"));
            "certificate"
        }
    };
    let mut made = vault;
    made.insert(field.to_owned(), Value::Object(source));
    if object == Object::Certificate {
        let what = "the bare certificate in DER comes of a template, which cannot stand beside dataFrom or a template with mergePolicy Merge: make a sync of its own for it, or take certificate, which gives PEM";
        sync.notes.push(remote.note("key", "the identity must be allowed to get the secret of this name: there a certificate is read"));
        sync.through(key, made, DER, remote.note("key", what));
    } else {
        made.insert("key".to_owned(), json!(key));
        sync.data.push(Value::Object(made));
    }
    end(remote, &mut sync.notes);
}

/// A reference to a secret that holds many values: `expand` of an entry of `dataFrom`.
pub(super) fn expand(mut remote: Fields, notes: &mut Vec<Note>) -> Option<Value> {
    let read = named(&mut remote, notes);
    let Some((Object::Secret, mut source)) = read else {
        if read.is_some() {
            notes.push(remote.note("key", "only secrets hold many values: it is left out"));
        }
        remote.end(notes);
        return None;
    };
    dissect(&mut remote, &mut source, notes);
    end(remote, notes);
    Some(json!({"secret": source, "format": "Json"}))
}

/// Kind, name and version, of `kind/name` or a name alone.
fn named(remote: &mut Fields, notes: &mut Vec<Note>) -> Option<(Object, Map<String, Value>)> {
    let Some(key) = remote.text("key") else {
        notes.push(remote.whole("it names no object of the vault by its key, and is left out"));
        return None;
    };
    let mut parts = key.split('/');
    let (object, name) = match (parts.next(), parts.next()) {
        (Some("key"), Some(name)) => (Object::Key, name),
        (Some("cert"), Some(name)) => (Object::Certificate, name),
        (Some("secret"), Some(name)) | (Some(name), None) => (Object::Secret, name),
        _ => {
            notes.push(remote.note(
                "key",
                "what stands before the slash is none of secret, key and cert: it is left out",
            ));
            return None;
        }
    };
    if name.parse::<ObjectName>().is_err() {
        notes.push(remote.note(
            "key",
            "this is no name of an object (letters, digits and hyphens): it is left out",
        ));
        return None;
    }
    if parts.next().is_some() {
        notes.push(remote.note(
            "key",
            "what stands behind the second slash says nothing there, and is left out",
        ));
    }
    let mut source = Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(version) = remote.text("version") {
        source.insert("version".to_owned(), json!(version));
    }
    Some((object, source))
}

/// Which part of a secret is taken, and how it is decoded.
fn dissect(remote: &mut Fields, source: &mut Map<String, Value>, notes: &mut Vec<Note>) {
    if let Some(path) = remote.text("property") {
        let path = property::converted(&path).unwrap_or_else(|why| {
            notes.push(remote.note("property", why));
            path
        });
        source.insert("property".to_owned(), json!(path));
    }
    let decode = match remote.text("decodingStrategy").as_deref() {
        Some("Base64") => "Base64",
        Some("Base64URL") => "Base64Url",
        Some("Auto") => {
            let what = "a value may look like Base64 by chance, so nothing is guessed: write decode: Base64 where it is";
            notes.push(remote.note("decodingStrategy", what));
            return;
        }
        None | Some("None") => return,
        Some(_) => {
            notes.push(remote.note("decodingStrategy", "it is not known, and left out"));
            return;
        }
    };
    source.insert("decode".to_owned(), json!(decode));
}

/// What is left of a reference.
fn end(mut remote: Fields, notes: &mut Vec<Note>) {
    let rows = [(
        "metadataPolicy",
        "None",
        "tags of an object are no values here: put the value into a secret of the vault",
    )];
    remote.unusual(&rows, notes);
    remote.unusual(&OF_VALUES, notes);
    remote.end(notes);
}
