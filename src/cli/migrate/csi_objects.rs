//! `parameters.objects` of a `SecretProviderClass`: YAML within a text, each of them a text of YAML again. Pure.

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::made::Sync;
use super::notes::Note;

/// What PEM of a lone certificate is made by.
const BARE: &str = "{{ VALUE }}";

/// One object of the vault.
#[derive(Debug, Clone)]
pub(super) struct Object {
    name: String,
    /// The name of its file, which `secretObjects` use.
    pub(super) alias: String,
    type_: String,
    version: Option<String>,
    base64: bool,
    at: String,
}

/// All of them.
pub(super) fn read(parameters: &mut Fields, notes: &mut Vec<Note>) -> Vec<Object> {
    let at = parameters.at("objects");
    let told = parameters.clone();
    let text = parameters.text("objects").unwrap_or_default();
    let read: Option<Value> = serde_saphyr::from_str(&text).ok();
    let mut all = Fields::of(&at, read.unwrap_or_default());
    if !all.has("array") {
        notes.push(told.note(
            "objects",
            "it holds no array of objects: the class fetches nothing",
        ));
    }
    let mut objects = Vec::new();
    for one in all.list("array") {
        let at = one.path().to_owned();
        let fields = match one.value() {
            Value::String(text) => {
                Fields::of(&at, serde_saphyr::from_str(text).unwrap_or_default())
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => one,
        };
        objects.extend(object(fields, notes));
    }
    all.end(notes);
    objects
}

fn object(mut fields: Fields, notes: &mut Vec<Note>) -> Option<Object> {
    let Some(name) = fields.text("objectName") else {
        notes.push(fields.whole("it names no object of the vault, and is left out"));
        return None;
    };
    let type_ = fields.text("objectType").unwrap_or_default();
    let encoding = fields
        .text("objectEncoding")
        .unwrap_or_default()
        .to_ascii_lowercase();
    if encoding == "hex" {
        notes.push(fields.note("objectEncoding", "hexadecimal digits are not decoded: store the value in Base64, or let the program decode it"));
    }
    if fields
        .text("objectFormat")
        .is_some_and(|format| format.eq_ignore_ascii_case("pfx"))
    {
        notes.push(fields.note("objectFormat", "the value is written as the vault has it, which for a PFX is Base64: where a PEM is stored, take certificate with keystores"));
    }
    if fields.has("objectVersionHistory") {
        notes.push(fields.note(
            "objectVersionHistory",
            "older versions have no names here: pin each in an entry of its own, by secret.version",
        ));
        fields.forget(&["objectVersionHistory"]);
    }
    let alias = fields.text("objectAlias").unwrap_or_else(|| name.clone());
    // A file's mode is the volume's here.
    fields.forget(&["filePermission"]);
    let object = Object {
        type_: type_.to_ascii_lowercase(),
        version: fields.text("objectVersion"),
        base64: encoding == "base64",
        at: fields.path().to_owned(),
        name,
        alias,
    };
    fields.end(notes);
    Some(object)
}

impl Object {
    fn source(&self) -> Map<String, Value> {
        let mut source = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if let Some(version) = &self.version {
            source.insert("version".to_owned(), json!(version));
        }
        source
    }

    /// The entry for it under a key.
    pub(super) fn entry(&self, key: &str, sync: &mut Sync) {
        let mut source = self.source();
        match self.type_.as_str() {
            "key" => sync.data.push(json!({"key": key, "publicKey": source})),
            "cert" => {
                source.insert("chain".to_owned(), json!("LeafOnly"));
                let entry = Map::from_iter([("certificate".to_owned(), Value::Object(source))]);
                sync.notes.push(Note::on(&self.at, "the identity must be allowed to get the secret of this name: there a certificate is read"));
                let what = "a certificate without its key comes of a template, which cannot stand here: make a sync of its own for it";
                sync.through(key, entry, BARE, Note::on(&self.at, what));
            }
            _ => {
                if self.base64 {
                    source.insert("decode".to_owned(), json!("Base64"));
                }
                sync.data.push(json!({"key": key, "secret": source}));
            }
        }
    }

    /// The secret behind a certificate, taken apart into both keys.
    pub(super) fn certificate(&self, sync: &mut Sync) {
        sync.notes.push(Note::on(&self.at, "the leaf stands first and no root last, the key is PKCS#8, and ca.crt comes besides; where their bytes differ, the Secret is written once"));
        sync.data.push(json!({"certificate": self.source()}));
    }
}
