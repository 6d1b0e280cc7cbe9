//! `spec.target` of an `ExternalSecret`: the Secret, and the templates of its values. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::go_template;
use super::input::Document;
use super::made::Sync;
use super::notes::Note;
use crate::names::ResourceName;

/// The Secret that the other operator keeps.
pub(super) struct Kept {
    /// Its name.
    pub(super) secret: String,
    /// Whether that owns it.
    pub(super) is_owned: bool,
}

/// Reads it.
pub(super) fn target(spec: &mut Fields, document: &Document, sync: &mut Sync) -> Kept {
    let mut target = spec.inner("target");
    let name = target.text("name").unwrap_or_else(|| document.name.clone());
    let is_name = name.parse::<ResourceName>().is_ok();
    let mut say = |field: &str, value: Value| sync.target.insert(field.to_owned(), value);
    if !is_name {
        sync.notes.push(target.note(
            "name",
            "this is no name of a Secret: it gets that of the sync",
        ));
    } else if name != document.name {
        say("name", json!(name));
    }
    if target.flag("immutable") {
        say("immutable", json!(true));
    }
    let policy = target.text("creationPolicy");
    let (merge, retain) = (json!("Merge"), json!("Retain"));
    match policy.as_deref() {
        Some("Orphan") => drop(say("deletionPolicy", retain)),
        Some("Merge") => {
            say("ownership", merge);
            say("deletionPolicy", retain);
        }
        Some("CreateOrMerge") => {
            say("ownership", merge);
            say("deletionPolicy", retain);
            sync.notes.push(target.note("creationPolicy", "keys are merged, but into a Secret that is there: make an empty one that carries the annotation lakevault.dev/allow-sync"));
        }
        Some("None") => sync.notes.push(target.note(
            "creationPolicy",
            "there it makes no Secret; here a sync that reads makes one",
        )),
        None | Some("Owner") => {}
        Some(_) => sync.notes.push(target.note(
            "creationPolicy",
            "it is not known: the Secret is the sync's own",
        )),
    }
    match target.text("deletionPolicy").as_deref() {
        Some("Merge") => sync.say("onMissing", json!("Remove")),
        Some("Delete") => {
            sync.say("onMissing", json!("Remove"));
            sync.notes.push(target.note("deletionPolicy", "a key goes with its object (onMissing: Remove), but the last one and the Secret stay: delete the sync to delete them"));
        }
        None | Some("Retain") => {}
        Some(_) => sync.notes.push(target.note(
            "deletionPolicy",
            "it is not known: keys whose objects are gone stay",
        )),
    }
    if target.has("manifest") {
        sync.notes.push(target.note("manifest", "only Secrets are written: what is not secret needs no sync, and other kinds can refer to the Secret"));
        target.forget(&["manifest"]);
    }
    if target.has("template") {
        template(target.inner("template"), sync);
    } else {
        // There, those of the ExternalSecret itself are copied.
        sync.dress(None, document.own("labels"), document.own("annotations"));
    }
    target.end(&mut sync.notes);
    Kept {
        secret: if is_name { name } else { document.name.clone() },
        is_owned: !matches!(
            policy.as_deref(),
            Some("Orphan" | "Merge" | "CreateOrMerge" | "None")
        ),
    }
}

fn template(mut template: Fields, sync: &mut Sync) {
    let mut metadata = template.inner("metadata");
    let mut told = |what: &str| {
        let mut all = metadata.pairs(what);
        let templated: BTreeMap<String, String> =
            all.extract_if(.., |_, text| text.contains("{{")).collect();
        if !templated.is_empty() {
            sync.notes.push(metadata.note(what, "metadata is made of names alone here, since many may read it: what is made of values is left out"));
        }
        all
    };
    let (labels, annotations) = (told("labels"), told("annotations"));
    if metadata.has("finalizers") {
        sync.notes.push(metadata.note(
            "finalizers",
            "a sync sets no finalizers on its Secret: set them by hand where they are needed",
        ));
        metadata.forget(&["finalizers"]);
    }
    metadata.end(&mut sync.notes);
    sync.dress(template.text("type"), labels, annotations);
    if template
        .text("engineVersion")
        .is_some_and(|version| version != "v2")
    {
        sync.notes
            .push(template.note("engineVersion", "templates are read as those of v2"));
    }
    sync.merges = template.text("mergePolicy").as_deref() == Some("Merge");
    let mut texts = template.pairs("data");
    certificate(&mut texts, sync);
    for (key, text) in texts {
        let at = template.at(&format!("data.{key}"));
        match go_template::converted(&text) {
            Ok(made) => {
                if text.contains("urlquery") {
                    let what = "urlencode writes a space as %20, where urlquery writes +";
                    sync.notes.push(Note::new(at, &json!(text), what));
                }
                sync.templates.insert(key, json!(made));
            }
            Err(why) => {
                let what = format!("the key is left out: {why}");
                sync.notes.push(Note::new(at, &json!(text), what));
            }
        }
    }
    if template.has("templateFrom") {
        sync.notes.push(template.note(
            "templateFrom",
            "a template stands in the sync itself: write it in spec.template.data",
        ));
        template.forget(&["templateFrom"]);
    }
    template.end(&mut sync.notes);
}

/// The usual pair of templates that takes a certificate of the vault apart is an entry of its own here.
fn certificate(texts: &mut BTreeMap<String, String>, sync: &mut Sync) {
    let pair = ["tls.crt", "tls.key"]
        .map(|key| texts.get(key).and_then(|text| go_template::pipeline(text)));
    let [Some((name, certificate)), Some((other, key))] = pair else {
        return;
    };
    let (certificate, key) = (certificate.join(" "), key.join(" "));
    let known = [
        ("b64dec pkcs12cert", "b64dec pkcs12key"),
        ("pkcs12cert", "pkcs12key"),
        ("filterPEM \"CERTIFICATE\"", "filterPEM \"PRIVATE KEY\""),
    ];
    if name != other || !known.contains(&(certificate.as_str(), key.as_str())) {
        return;
    }
    let place = sync
        .data
        .iter()
        .position(|entry| entry.get("key") == Some(&json!(name)));
    let secret = place.and_then(|place| sync.data.get(place)?.get("secret")?.as_object());
    let plain = |secret: &&Map<String, Value>| !secret.contains_key("property");
    let (Some(place), Some(secret)) = (place, secret.filter(plain)) else {
        return;
    };
    let mut source = secret.clone();
    source.remove("decode");
    let others = texts
        .iter()
        .filter(|(key, _)| !["tls.crt", "tls.key"].contains(&key.as_str()));
    let used = others.into_iter().any(|(_, text)| text.contains(&name));
    let vault = sync
        .data
        .get(place)
        .and_then(|entry| entry.get("vaultUri"))
        .cloned();
    if !used && !sync.merges {
        sync.data.remove(place);
    }
    let mut entry = Map::from_iter([("certificate".to_owned(), Value::Object(source))]);
    entry.extend(vault.map(|vault| ("vaultUri".to_owned(), vault)));
    sync.data.push(Value::Object(entry));
    texts.remove("tls.crt");
    texts.remove("tls.key");
    if !texts.is_empty() && !sync.merges {
        for key in ["tls.crt", "tls.key"] {
            sync.templates
                .insert(key.to_owned(), json!(format!("{{{{ data[\"{key}\"] }}}}")));
        }
    } else if sync.data.len() > 1 && !sync.merges {
        // Without a template, what it was made of would go into the Secret as well.
        let more: Vec<String> = sync
            .data
            .iter()
            .filter_map(|entry| entry.get("key")?.as_str().map(str::to_owned))
            .collect();
        if !more.is_empty() {
            sync.notes.push(Note::on(
                "spec.data",
                format!(
                    "no template uses {}, and the Secret gets it here: take it out",
                    more.join(", ")
                ),
            ));
        }
    }
    if sync.template.get("type") == Some(&json!("kubernetes.io/tls")) && sync.templates.is_empty() {
        sync.template.remove("type");
    }
    sync.notes.push(Note::on("spec.target.template.data", "tls.crt and tls.key come of an entry certificate: the leaf first and no root, the key as PKCS#8, and ca.crt besides; where their bytes differ, the Secret is written once"));
}
