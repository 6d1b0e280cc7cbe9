//! `PushSecret` as the `push` of a sync. Pure.

use serde_json::{Map, Value, json};

use super::external::interval;
use super::fields::Fields;
use super::input::Document;
use super::made::{Made, Sync};
use super::stores::Stores;

/// The sync for one.
pub(super) fn sync(document: &Document, stores: &mut Stores) -> Made {
    let mut sync = Sync::default();
    let mut spec = Fields::of("spec", document.part("spec"));
    let references = spec.list("secretStoreRefs");
    if references.len() > 1 {
        sync.notes.push(
            "spec.secretStoreRefs: a sync pushes to one vault: make one for each of the others"
                .to_owned(),
        );
    }
    for reference in references.into_iter().take(1) {
        match stores.named(&document.namespace, reference) {
            Ok(store) => {
                sync.say("vaultUri", json!(store.vault));
                sync.say("identityRef", store.identity.written());
            }
            Err(why) => sync.notes.push(format!("spec.secretStoreRefs[0]: {why}")),
        }
    }
    interval(&mut spec, &mut sync);
    let mut selector = spec.inner("selector");
    let mut source = selector.inner("secret");
    let secret = source.text("name");
    source.end(&mut sync.notes);
    selector.end(&mut sync.notes);
    let replaces = spec
        .text("updatePolicy")
        .is_none_or(|policy| policy == "Replace");
    let deletes = spec.text("deletionPolicy").as_deref() == Some("Delete");
    let mut push = Vec::new();
    for entry in spec.list("data") {
        let made = secret
            .as_ref()
            .and_then(|secret| pushed(entry, secret, &mut sync.notes));
        if let Some(mut made) = made {
            made.insert(
                "ifExists".to_owned(),
                json!(if replaces { "Replace" } else { "Keep" }),
            );
            made.insert(
                "deletionPolicy".to_owned(),
                json!(if deletes { "Delete" } else { "Retain" }),
            );
            push.push(Value::Object(made));
        }
    }
    if let Some(secret) = &secret {
        let Document {
            namespace, name, ..
        } = document;
        sync.steps = vec![
            format!(
                "kubectl -n {namespace} annotate secret {secret} lakevault.dev/allow-push={name}"
            ),
            format!("kubectl -n {namespace} delete pushsecret {name}"),
        ];
    } else {
        sync.notes.push("spec.selector: name one Secret".to_owned());
    }
    sync.say("push", Value::Array(push));
    sync.notes.push("a sync that pushes reads something, too: put its spec.push into one that does, or give it an entry of data".to_owned());
    let mut notes = std::mem::take(&mut sync.notes);
    spec.end(&mut notes);
    sync.notes = notes;
    sync.made(&document.namespace, &document.name)
}

fn pushed(mut entry: Fields, secret: &str, notes: &mut Vec<String>) -> Option<Map<String, Value>> {
    let mut matched = entry.inner("match");
    let mut remote = matched.inner("remoteRef");
    let (key, name) = (matched.text("secretKey"), remote.text("remoteKey"));
    let at = remote.at("remoteKey");
    remote.end(notes);
    matched.end(notes);
    let mut metadata = entry.inner("metadata");
    let mut more = metadata.inner("spec");
    let (expires, tags) = (more.text("expirationDate"), more.pairs("tags"));
    let content = more.text("contentType");
    more.end(notes);
    metadata.forget(&["apiVersion", "kind"]);
    metadata.end(notes);
    entry.end(notes);
    let name = name?;
    let mut to = Map::new();
    match name.split_once('/') {
        Some(("cert", name)) => {
            to.insert("certificate".to_owned(), json!(name));
        }
        Some(("key", name)) => {
            notes.push(format!("{at}: keys are not pushed ({name})"));
            return None;
        }
        Some((_, name)) => {
            to.insert("secret".to_owned(), json!(name));
        }
        None => {
            to.insert("secret".to_owned(), json!(name));
        }
    }
    if !tags.is_empty() {
        to.insert("tags".to_owned(), json!(tags));
    }
    if to.contains_key("secret") {
        let said = [("expires", expires), ("contentType", content)];
        for (field, text) in said {
            if let Some(text) = text {
                to.insert(field.to_owned(), json!(text));
            }
        }
    }
    let mut from = Map::from_iter([("secret".to_owned(), json!(secret))]);
    match key {
        Some(key) => {
            from.insert("key".to_owned(), json!(key));
        }
        None if to.contains_key("secret") => {
            notes.push(format!(
                "{at}: all keys of a Secret as one JSON object have no equal: push each"
            ));
            return None;
        }
        None => {}
    }
    Some(Map::from_iter([
        ("from".to_owned(), Value::Object(from)),
        ("to".to_owned(), Value::Object(to)),
    ]))
}
