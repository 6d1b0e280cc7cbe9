//! `ExternalSecret` as a sync. Pure.

use kube::core::Duration;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::go_template;
use super::input::Document;
use super::made::{Made, Sync};
use super::remote;
use super::stores::{Store, Stores};

/// The least pause between two looks at a vault.
const LEAST: std::time::Duration = std::time::Duration::from_secs(10);

/// The sync for one.
pub(super) fn sync(document: &Document, stores: &mut Stores) -> Made {
    let mut sync = Sync::default();
    let mut spec = Fields::of("spec", document.part("spec"));
    let reference = spec.inner("secretStoreRef");
    let store = match stores.named(&document.namespace, reference) {
        Ok(store) => Some(store),
        Err(why) => {
            sync.notes.push(format!("spec.secretStoreRef: {why}"));
            None
        }
    };
    if let Some(store) = &store {
        sync.say("vaultUri", json!(store.vault));
        sync.say("identityRef", store.identity.written());
    }
    interval(&mut spec, &mut sync);
    let mut from = From {
        namespace: &document.namespace,
        store: store.as_ref(),
        stores,
    };
    for entry in spec.list("data") {
        from.data(entry, &mut sync);
    }
    for entry in spec.list("dataFrom") {
        from.data_from(entry, &mut sync);
    }
    let name = target(&mut spec, document, &mut sync);
    let mut notes = std::mem::take(&mut sync.notes);
    spec.end(&mut notes);
    sync.notes = notes;
    take_over(document, &name, &mut sync);
    sync.made(&document.namespace, &document.name)
}

/// How often the vault is looked at.
pub(super) fn interval(spec: &mut Fields, sync: &mut Sync) {
    let policy = spec.text("refreshPolicy");
    let said = spec.text("refreshInterval");
    let at = spec.at("refreshInterval");
    if matches!(policy.as_deref(), Some("CreatedOnce" | "OnChange")) {
        sync.say("refreshInterval", json!("0s"));
        return;
    }
    let Some(said) = said else {
        return;
    };
    let text = if said == "0" { "0s" } else { said.as_str() };
    match text.parse::<Duration>() {
        Ok(pause) if pause.is_negative() || pause == std::time::Duration::ZERO => {
            sync.say("refreshInterval", json!("0s"));
        }
        Ok(pause) if pause < LEAST => {
            sync.notes
                .push(format!("{at}: {said} is less than 10s, which is the least"));
            sync.say("refreshInterval", json!("10s"));
        }
        Ok(_) => sync.say("refreshInterval", json!(text)),
        Err(_) => sync.notes.push(format!("{at}: {said:?} is no duration")),
    }
}

/// Where values come from.
struct From<'a> {
    namespace: &'a str,
    store: Option<&'a Store>,
    stores: &'a mut Stores,
}

impl From<'_> {
    fn data(&mut self, mut entry: Fields, sync: &mut Sync) {
        let key = entry.text("secretKey");
        let reference = entry.inner("remoteRef");
        let source = remote::entry(reference, &mut sync.notes);
        let vault = self.source(&mut entry, sync);
        entry.end(&mut sync.notes);
        if let (Some(key), Some(mut made), Ok(vault)) = (key, source, vault) {
            made.insert("key".to_owned(), json!(key));
            made.extend(vault);
            sync.data.push(Value::Object(made));
        }
    }

    fn data_from(&mut self, mut entry: Fields, sync: &mut Sync) {
        let mut made = Map::new();
        if entry.has("extract") {
            let source = entry.inner("extract");
            if let Some(expand) = remote::expand(source, &mut sync.notes) {
                made.insert("expand".to_owned(), expand);
            }
        }
        if entry.has("find") {
            made.insert("find".to_owned(), find(entry.inner("find"), sync));
        }
        let rewrites = entry.list("rewrite");
        let several = rewrites.len() > 1;
        for mut rewrite in rewrites {
            let mut regexp = rewrite.inner("regexp");
            let (from, to) = (regexp.text("source"), regexp.text("target"));
            match from {
                Some(from) if !several => {
                    let rename = json!({"from": from, "to": to.unwrap_or_default()});
                    made.insert("rename".to_owned(), rename);
                }
                Some(_) => sync.notes.push(format!(
                    "{}: one rename is made here: join the patterns into one",
                    rewrite.path()
                )),
                None => {}
            }
            regexp.end(&mut sync.notes);
            rewrite.end(&mut sync.notes);
        }
        let vault = self.source(&mut entry, sync);
        entry.end(&mut sync.notes);
        if let (true, Ok(vault)) = (
            made.contains_key("expand") || made.contains_key("find"),
            vault,
        ) {
            made.extend(vault);
            sync.data_from.push(Value::Object(made));
        }
    }

    /// The vault of an entry that names a store of its own.
    fn source(&mut self, entry: &mut Fields, sync: &mut Sync) -> Result<Map<String, Value>, ()> {
        if !entry.has("sourceRef") {
            return Ok(Map::new());
        }
        let mut source = entry.inner("sourceRef");
        let at = source.at("storeRef");
        let reference = source.inner("storeRef");
        source.end(&mut sync.notes);
        let store = self.stores.named(self.namespace, reference);
        let why = match (store, self.store) {
            (Ok(store), Some(own)) if store.identity == own.identity => {
                return Ok(Map::from_iter([("vaultUri".to_owned(), json!(store.vault))]));
            }
            (Ok(_), _) => "a sync reads all of its vaults with one identity: make a sync of its own for this entry".to_owned(),
            (Err(why), _) => why,
        };
        sync.notes.push(format!("{at}: {why}"));
        Err(())
    }
}

fn find(mut find: Fields, sync: &mut Sync) -> Value {
    let mut made = Map::new();
    let mut name = find.inner("name");
    if let Some(pattern) = name.text("regexp") {
        made.insert("namePattern".to_owned(), json!(pattern));
    }
    name.end(&mut sync.notes);
    let tags = find.pairs("tags");
    if !tags.is_empty() {
        made.insert("tags".to_owned(), json!(tags));
    }
    if made.is_empty() {
        made.insert("namePattern".to_owned(), json!(".*"));
    }
    // There, what is disabled is as good as gone.
    made.insert("excludeDisabled".to_owned(), json!(true));
    // Azure has no paths.
    find.forget(&["path", "conversionStrategy"]);
    if find
        .text("decodingStrategy")
        .is_some_and(|said| said != "None")
    {
        sync.notes.push(format!(
            "{}: what is found is taken as it is",
            find.at("decodingStrategy")
        ));
    }
    find.end(&mut sync.notes);
    Value::Object(made)
}

/// The Secret. Gives its name.
fn target(spec: &mut Fields, document: &Document, sync: &mut Sync) -> String {
    let mut target = spec.inner("target");
    let name = target.text("name").unwrap_or_else(|| document.name.clone());
    let mut say = |field: &str, value: Value| sync.target.insert(field.to_owned(), value);
    if name != document.name {
        say("name", json!(name));
    }
    if target.flag("immutable") {
        say("immutable", json!(true));
    }
    match target.text("creationPolicy").as_deref() {
        Some("Orphan") => {
            say("deletionPolicy", json!("Retain"));
        }
        Some("Merge") => {
            say("ownership", json!("Merge"));
        }
        Some("CreateOrMerge") => {
            say("ownership", json!("Merge"));
            sync.notes.push("spec.target.creationPolicy: CreateOrMerge is Merge here, and the Secret must be there".to_owned());
        }
        Some("None") => sync.notes.push("spec.target.creationPolicy: None has no equal: without a Secret there is nothing to sync".to_owned()),
        _ => {}
    }
    if matches!(
        target.text("deletionPolicy").as_deref(),
        Some("Delete" | "Merge")
    ) {
        sync.say("onMissing", json!("Remove"));
        sync.notes.push("spec.target.deletionPolicy: keys go with their objects (onMissing: Remove); the last one, and the Secret, stay".to_owned());
    }
    template(target.inner("template"), sync);
    target.end(&mut sync.notes);
    name
}

fn template(mut template: Fields, sync: &mut Sync) {
    let mut metadata = template.inner("metadata");
    let (labels, annotations) = (metadata.pairs("labels"), metadata.pairs("annotations"));
    metadata.end(&mut sync.notes);
    sync.dress(template.text("type"), labels, annotations);
    if template.text("engineVersion").as_deref() == Some("v1") {
        sync.notes.push(format!(
            "{}: templates are read as those of v2",
            template.at("engineVersion")
        ));
    }
    let (mut values, mut failed) = (Map::new(), false);
    for (key, text) in template.pairs("data") {
        match go_template::converted(&text) {
            Ok(made) => {
                values.insert(key, json!(made));
            }
            Err(why) => {
                failed = true;
                sync.notes
                    .push(format!("{}.{key}: {why}", template.at("data")));
            }
        }
    }
    let merges = template.text("mergePolicy").as_deref() == Some("Merge");
    if failed && !merges {
        sync.notes.push(format!(
            "{}: write what is left out in Jinja, or the Secret lacks these keys",
            template.at("data")
        ));
    }
    if !values.is_empty() {
        sync.template
            .insert("data".to_owned(), Value::Object(values));
        if merges {
            sync.template
                .insert("mergePolicy".to_owned(), json!("Merge"));
        }
    }
    template.end(&mut sync.notes);
}

/// How the Secret that is there comes to the sync.
fn take_over(document: &Document, target: &str, sync: &mut Sync) {
    let Document {
        namespace, name, ..
    } = document;
    sync.steps = vec![
        format!("kubectl -n {namespace} annotate secret {target} lakevault.dev/allow-sync={name}"),
        format!("kubectl -n {namespace} delete externalsecret {name} --cascade=orphan"),
    ];
}
