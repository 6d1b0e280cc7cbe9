//! `PushSecret` as the `push` of a sync that does nothing else. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::external::interval;
use super::fields::Fields;
use super::handover::{Handover, Peer};
use super::identities::Identities;
use super::input::Document;
use super::made::{Made, Remark, Sync};
use super::names::Names;
use super::notes::Note;
use super::stores::{Stores, Use};
use crate::names::ResourceName;

/// The syncs for one: one for each store.
pub(super) fn syncs(
    document: &Document,
    stores: &mut Stores,
    identities: &mut Identities,
    names: &mut Names,
) -> (Vec<Made>, Vec<Remark>) {
    let mut notes = Vec::new();
    let mut spec = document.spec(&mut notes);
    let mut uses = Vec::new();
    for mut reference in spec.list("secretStoreRefs") {
        if reference.has("labelSelector") {
            notes.push(reference.note(
                "labelSelector",
                "a sync names its vault: make one for each of the others",
            ));
            reference.forget(&["labelSelector"]);
        }
        match stores.named(&document.namespace, &mut reference, identities) {
            Ok(found) => uses.push(found),
            Err(why) => notes.push(reference.whole(why)),
        }
        reference.end(&mut notes);
    }
    let mut sync = Sync::default();
    interval(&mut spec, &mut sync);
    let secret = source(&mut spec, &mut notes);
    let push = entries(&mut spec, secret.as_deref(), &mut notes);
    if spec.has("dataTo") {
        notes.push(spec.note(
            "dataTo",
            "each value is pushed by an entry of its own: write one for each key in spec.push",
        ));
        spec.forget(&["dataTo"]);
    }
    spec.end(&mut notes);
    notes.append(&mut sync.notes);
    let (Some(secret), false, false) = (secret, push.is_empty(), uses.is_empty()) else {
        notes.push(Note::on("spec", "nothing of it could be made a push"));
        return (Vec::new(), Remark::all(document, notes));
    };
    let several = uses.into_iter().enumerate();
    let made = several.map(|(number, found)| {
        let name = names.free(&document.namespace, &document.name, "-push");
        let handover = Handover {
            namespace: document.namespace.clone(),
            secret: secret.clone(),
            sync: name.clone(),
            peer: Peer::Push(document.name.clone()),
        };
        lend(&found, document, &push, identities);
        let mut sync = sync.clone();
        sync.reads(&found.vault, &found.identity);
        sync.say("push", json!(push));
        let object = sync.made(document, &name).0.unwrap_or_default();
        let own = if number == 0 {
            notes.clone()
        } else {
            Vec::new()
        };
        Made {
            object,
            from: vec![document.to_string()],
            remarks: Remark::all(document, own),
            handover: Some(handover),
        }
    });
    (made.collect(), Vec::new())
}

fn lend(found: &Use, document: &Document, push: &[Value], identities: &mut Identities) {
    for entry in push {
        let to = entry.get("to");
        let object = to.and_then(|to| to.get("secret").or_else(|| to.get("certificate")));
        if let Some(object) = object.and_then(Value::as_str) {
            found.lend_push(&document.namespace, object, identities);
        }
    }
}

/// The Secret that is pushed.
fn source(spec: &mut Fields, notes: &mut Vec<Note>) -> Option<String> {
    let mut selector = spec.inner("selector");
    let mut source = selector.inner("secret");
    let secret = source
        .text("name")
        .filter(|name| name.parse::<ResourceName>().is_ok());
    if secret.is_none() {
        notes.push(spec.note("selector", "a push names one Secret: write its name in spec.push[].from.secret, and make a sync for each Secret; generators have no equal"));
        return None;
    }
    source.end(notes);
    selector.end(notes);
    secret
}

fn entries(spec: &mut Fields, secret: Option<&str>, notes: &mut Vec<Note>) -> Vec<Value> {
    let replaces = match spec.text("updatePolicy").as_deref() {
        Some("IfNotExists") => {
            notes.push(spec.note("updatePolicy", "ifExists: Keep leaves an object that is there as it is, and condition Pushed says so (PushTargetExists)"));
            false
        }
        _ => true,
    };
    let deletes = spec.text("deletionPolicy").as_deref() == Some("Delete");
    let templates = templates(spec, notes);
    let mut push = Vec::new();
    for entry in spec.list("data") {
        let made = secret.and_then(|secret| pushed(entry, secret, &templates, notes));
        if let Some(mut made) = made {
            if replaces {
                made.insert("ifExists".to_owned(), json!("Replace"));
            }
            if deletes {
                made.insert("deletionPolicy".to_owned(), json!("Delete"));
            }
            push.push(Value::Object(made));
        }
    }
    push
}

/// What becomes of a value on its way to the vault.
enum Way {
    /// A certificate and its key are put into one file, which need not be.
    Packs,
    /// Something that has no equal.
    Templated,
}

/// The templates by the keys that they make.
fn templates(spec: &mut Fields, notes: &mut Vec<Note>) -> BTreeMap<String, Way> {
    if !spec.has("template") {
        return BTreeMap::new();
    }
    let mut template = spec.inner("template");
    // They are said of a Secret that is never made.
    template.forget(&["type", "engineVersion", "mergePolicy"]);
    if template.has("metadata") {
        notes.push(template.note(
            "metadata",
            "Azure gets nothing of it: tags stand in spec.push[].to.tags",
        ));
        template.forget(&["metadata"]);
    }
    let mut ways = BTreeMap::new();
    for (key, text) in template.pairs("data") {
        let packs =
            text.contains("emToPkcs12") && text.contains("tls.crt") && text.contains("tls.key");
        if !packs {
            let what = format!(
                "{key}: what is pushed is taken from a Secret as it is: make it by spec.template of a sync, whose Secret is pushed then"
            );
            notes.push(Note::new(
                template.at(&format!("data.{key}")),
                &json!(text),
                what,
            ));
        }
        ways.insert(key, if packs { Way::Packs } else { Way::Templated });
    }
    template.end(notes);
    ways
}

fn pushed(
    mut entry: Fields,
    secret: &str,
    templates: &BTreeMap<String, Way>,
    notes: &mut Vec<Note>,
) -> Option<Map<String, Value>> {
    let mut matched = entry.inner("match");
    let key = matched.text("secretKey");
    let told = entry.clone();
    let to = target(&mut matched, &mut entry, notes);
    matched.end(notes);
    if entry
        .text("conversionStrategy")
        .is_some_and(|said| said != "None")
    {
        notes.push(entry.note(
            "conversionStrategy",
            "it is about the names in a Secret that is pushed as a whole, which is not done here",
        ));
    }
    entry.end(notes);
    let to = to?;
    let is_certificate = to.contains_key("certificate");
    let mut from = Map::from_iter([("secret".to_owned(), json!(secret))]);
    let way = key.as_ref().and_then(|key| templates.get(key));
    let packed = is_certificate && matches!(way, Some(Way::Packs));
    if way.is_some() && !packed {
        notes.push(told.whole("a value is pushed as it is, and the entry is left out: make it by spec.template of a sync, whose Secret is pushed then"));
        return None;
    }
    if key.is_none() && !is_certificate {
        notes.push(told.whole("all keys of a Secret as one JSON object have no equal, and the entry is left out: push each key"));
        return None;
    }
    // The certificate and its key are taken from the Secret as they are.
    if let Some(key) = key.filter(|_| !packed) {
        from.insert("key".to_owned(), json!(key));
    }
    Some(Map::from_iter([
        ("from".to_owned(), Value::Object(from)),
        ("to".to_owned(), Value::Object(to)),
    ]))
}

/// The object of the vault, with what is said of it.
fn target(
    matched: &mut Fields,
    entry: &mut Fields,
    notes: &mut Vec<Note>,
) -> Option<Map<String, Value>> {
    let mut remote = matched.inner("remoteRef");
    let name = remote.text("remoteKey");
    if remote.text("property").is_some() {
        notes.push(remote.note(
            "property",
            "it says nothing for Azure there: the whole value is pushed",
        ));
    }
    let mut metadata = entry.inner("metadata");
    let mut more = metadata.inner("spec");
    let said = [
        ("expires", more.text("expirationDate")),
        ("contentType", more.text("contentType")),
    ];
    let tags = more.pairs("tags");
    metadata.forget(&["apiVersion", "kind"]);
    let name = name.unwrap_or_default();
    let (field, name) = match name.split_once('/') {
        Some(("cert", name)) => ("certificate", name),
        Some(("secret", name)) => ("secret", name),
        None => ("secret", name.as_str()),
        Some(_) => {
            notes.push(entry.whole("secrets and certificates are pushed, and nothing else (remoteKey): the entry is left out"));
            return None;
        }
    };
    let mut to = Map::from_iter([(field.to_owned(), json!(name))]);
    if !tags.is_empty() {
        to.insert("tags".to_owned(), json!(tags));
    }
    for (name, text) in said {
        let Some(text) = text else { continue };
        if field == "secret" {
            to.insert(name.to_owned(), json!(text));
        } else {
            notes.push(more.whole(format!(
                "{name}: a certificate brings its own, and it is left out"
            )));
        }
    }
    remote.end(notes);
    more.end(notes);
    metadata.end(notes);
    Some(to)
}
