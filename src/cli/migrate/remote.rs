//! Where a value of the External Secrets Operator comes from, as a source of a sync. Pure.

use serde_json::{Map, Value, json};

use super::fields::Fields;

/// What a name of a vault's object stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Secret,
    Key,
    Certificate,
}

/// A reference to one value: the entry of `data` for it, without its key. None where it has no equal, which is told.
pub(super) fn entry(mut remote: Fields, notes: &mut Vec<String>) -> Option<Map<String, Value>> {
    let (object, name) = named(&mut remote)?;
    let version = remote.text("version");
    let mut source = Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(version) = version {
        source.insert("version".to_owned(), json!(version));
    }
    let made = match object {
        Object::Secret => {
            dissect(&mut remote, &mut source, notes);
            Some(("secret", source))
        }
        Object::Key => {
            // What comes of a key there is a JSON Web Key.
            source.insert("format".to_owned(), json!("Jwk"));
            Some(("publicKey", source))
        }
        Object::Certificate => {
            notes.push(format!(
                "{}: the bare certificate of {name} has no equal (it is DER there). data: [{{certificate: {{name: {name}}}}}] gives tls.crt, tls.key and ca.crt",
                remote.at("key")
            ));
            None
        }
    };
    end(remote, notes);
    made.map(|(field, source)| Map::from_iter([(field.to_owned(), Value::Object(source))]))
}

/// A reference to a secret that holds many values: `expand` of an entry of `dataFrom`.
pub(super) fn expand(mut remote: Fields, notes: &mut Vec<String>) -> Option<Value> {
    let (object, name) = named(&mut remote)?;
    if object != Object::Secret {
        notes.push(format!(
            "{}: only secrets hold many values",
            remote.at("key")
        ));
        return None;
    }
    let mut source = Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(version) = remote.text("version") {
        source.insert("version".to_owned(), json!(version));
    }
    dissect(&mut remote, &mut source, notes);
    end(remote, notes);
    Some(json!({"secret": source, "format": "Json"}))
}

/// Kind and name, of `kind/name` or a name alone.
fn named(remote: &mut Fields) -> Option<(Object, String)> {
    let key = remote.text("key")?;
    let (object, name) = match key.split_once('/') {
        Some(("secret", name)) => (Object::Secret, name),
        Some(("key", name)) => (Object::Key, name),
        Some(("cert", name)) => (Object::Certificate, name),
        _ => (Object::Secret, key.as_str()),
    };
    let name = name.split('/').next().unwrap_or_default();
    Some((object, name.to_owned()))
}

/// Which part of a secret is taken, and how it is decoded.
fn dissect(remote: &mut Fields, source: &mut Map<String, Value>, notes: &mut Vec<String>) {
    if let Some(property) = remote.text("property") {
        if property.contains(['#', '|', '@', '*', '?', '\\']) {
            notes.push(format!(
                "{}: {property:?} is GJSON, and here it is a JSON path (RFC 9535): compare what it finds",
                remote.at("property")
            ));
        }
        source.insert("property".to_owned(), json!(property));
    }
    match remote.text("decodingStrategy").as_deref() {
        Some("Base64") => {
            source.insert("decode".to_owned(), json!("Base64"));
        }
        Some("Base64URL") => {
            source.insert("decode".to_owned(), json!("Base64Url"));
        }
        Some("Auto") => notes.push(format!(
            "{}: Auto has no equal, since a value may look like Base64 by chance: say decode: Base64 where it is",
            remote.at("decodingStrategy")
        )),
        _ => {}
    }
}

/// What is left of a reference.
fn end(mut remote: Fields, notes: &mut Vec<String>) {
    if remote.text("metadataPolicy").as_deref() == Some("Fetch") {
        notes.push(format!(
            "{}: tags as values have no equal",
            remote.at("metadataPolicy")
        ));
    }
    if remote.text("conversionStrategy").as_deref() == Some("Unicode") {
        notes.push(format!(
            "{}: what no key may have becomes _ here",
            remote.at("conversionStrategy")
        ));
    }
    remote.forget(&["nullBytePolicy"]);
    remote.end(notes);
}
