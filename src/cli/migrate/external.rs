//! `ExternalSecret` as a sync. Pure.

use kube::core::Duration;
use serde_json::{Map, Value, json};

use super::external_target::target;
use super::fields::{Fields, OF_VALUES};
use super::handover::{Handover, Peer};
use super::identities::Identities;
use super::input::Document;
use super::made::{Made, Remark, Sync};
use super::notes::Note;
use super::remote;
use super::stores::{Stores, Use};

/// The least pause between two looks at a vault.
const LEAST: std::time::Duration = std::time::Duration::from_secs(10);

/// The sync for one.
pub(super) fn sync(
    document: &Document,
    stores: &mut Stores,
    identities: &mut Identities,
) -> Result<Made, Vec<Remark>> {
    let mut sync = Sync::default();
    let mut spec = document.spec(&mut sync.notes);
    let entries = (spec.list("data"), spec.list("dataFrom"));
    let mut reference = spec.inner("secretStoreRef");
    // Where none is named for all, that of the first entry is.
    let mut first = (!reference.has("name"))
        .then(|| entries.0.iter().chain(&entries.1).find_map(store_of))
        .flatten();
    let named = stores.named(
        &document.namespace,
        first.as_mut().unwrap_or(&mut reference),
        identities,
    );
    reference.end(&mut sync.notes);
    let own = match named {
        Ok(own) => own,
        Err(why) => {
            let note = Note::on("spec", format!("nothing is made of it: {why}"));
            return Err(Remark::all(document, vec![note]));
        }
    };
    sync.reads(&own.vault, &own.identity);
    interval(&mut spec, &mut sync);
    windows(&mut spec, &mut sync);
    let mut from = From {
        namespace: &document.namespace,
        own: &own,
        stores,
        identities,
    };
    for entry in entries.0 {
        from.data(entry, &mut sync);
    }
    for entry in entries.1 {
        from.data_from(entry, &mut sync);
    }
    if sync.data_from.len() > 1 {
        // Of two that give one key, the last counts there, and the first here.
        sync.data_from.reverse();
        sync.notes.push(Note::on(
            "spec.dataFrom",
            "its entries stand in the other order: where two give one key, the first counts here",
        ));
    }
    let kept = target(&mut spec, document, &mut sync);
    spec.end(&mut sync.notes);
    let (object, notes) = sync.made(document, &document.name);
    let remarks = Remark::all(document, notes);
    let Some(object) = object else {
        return Err(remarks);
    };
    let handover = Handover {
        namespace: document.namespace.clone(),
        secret: kept.secret,
        sync: document.name.clone(),
        peer: Peer::External(document.name.clone(), kept.is_owned),
    };
    Ok(Made {
        object,
        from: vec![document.to_string()],
        remarks,
        handover: Some(handover),
    })
}

/// The store that an entry names for itself.
fn store_of(entry: &Fields) -> Option<Fields> {
    let mut source = entry.clone().inner("sourceRef");
    let store = source.inner("storeRef");
    store.has("name").then_some(store)
}

/// How often the vault is looked at.
pub(super) fn interval(spec: &mut Fields, sync: &mut Sync) {
    let policy = spec.text("refreshPolicy");
    let said = spec.text("refreshInterval");
    if !matches!(
        policy.as_deref(),
        None | Some("CreatedOnce" | "OnChange" | "Periodic")
    ) {
        sync.notes.push(spec.note(
            "refreshPolicy",
            "it is not known: the vault is looked at again and again",
        ));
    }
    if matches!(policy.as_deref(), Some("CreatedOnce" | "OnChange")) {
        if policy.as_deref() == Some("CreatedOnce") {
            let what = "refreshInterval: 0s looks once, and once more when the spec changes";
            sync.notes.push(spec.note("refreshPolicy", what));
        }
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
            let what = "10s is the least, and is written";
            sync.notes.push(spec.note("refreshInterval", what));
            sync.say("refreshInterval", json!("10s"));
        }
        Ok(_) => sync.say("refreshInterval", json!(text)),
        Err(_) => sync.notes.push(spec.note(
            "refreshInterval",
            "this is no duration: it is left out, and the default of 5m holds",
        )),
    }
}

/// When it may be looked.
fn windows(spec: &mut Fields, sync: &mut Sync) {
    if !spec.has("syncWindows") {
        return;
    }
    let mut all = spec.inner("syncWindows");
    if all.text("kind").as_deref() != Some("allow") {
        sync.notes.push(all.whole("windows say here when changes are applied, and none says when not: write the other times in spec.windows"));
        return;
    }
    let mut made = Vec::new();
    for mut window in all.list("windows") {
        let schedule = window.text("schedule").unwrap_or_default();
        let schedule = match schedule.as_str() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * SUN",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let duration = window.text("duration").unwrap_or_default();
        if schedule.starts_with('@') {
            sync.notes.push(window.note("schedule", "a schedule has the five fields of cron here: write them in spec.windows[].schedule"));
        } else {
            made.push(json!({"schedule": schedule, "duration": duration}));
        }
        window.end(&mut sync.notes);
    }
    all.end(&mut sync.notes);
    if !made.is_empty() {
        sync.say("windows", json!(made));
    }
}

/// Where values come from.
struct From<'a> {
    namespace: &'a str,
    own: &'a Use,
    stores: &'a mut Stores,
    identities: &'a mut Identities,
}

impl From<'_> {
    fn data(&mut self, mut entry: Fields, sync: &mut Sync) {
        let key = entry.text("secretKey");
        let reference = entry.inner("remoteRef");
        let vault = self.source(&mut entry, sync);
        match (key, vault) {
            (Some(key), Some(vault)) => remote::entry(&key, reference, vault, sync),
            (None, Some(_)) => sync
                .notes
                .push(entry.whole("it has no secretKey, and is left out")),
            (_, None) => {}
        }
        entry.end(&mut sync.notes);
    }

    fn data_from(&mut self, mut entry: Fields, sync: &mut Sync) {
        let mut made = Map::new();
        let vault = self.source(&mut entry, sync);
        if entry.has("extract") {
            let source = entry.inner("extract");
            if let Some(expand) = remote::expand(source, &mut sync.notes) {
                made.insert("expand".to_owned(), expand);
            }
        }
        if entry.has("find") {
            made.insert("find".to_owned(), find(entry.inner("find"), sync));
        }
        rename(&mut entry, &mut made, sync);
        entry.end(&mut sync.notes);
        let gives = made.contains_key("expand") || made.contains_key("find");
        if let Some(vault) = vault.filter(|_| gives) {
            made.extend(vault);
            sync.data_from.push(Value::Object(made));
        }
    }

    /// The vault of an entry that names a store of its own; none where it cannot be read, which is told.
    fn source(&mut self, entry: &mut Fields, sync: &mut Sync) -> Option<Map<String, Value>> {
        if !entry.has("sourceRef") {
            return Some(Map::new());
        }
        let mut source = entry.inner("sourceRef");
        if source.has("generatorRef") {
            sync.notes.push(entry.whole("generators have no equal, and the entry is left out: put the value into the vault (a KeyVault makes up secrets), or take accessToken for tokens of Azure"));
            return None;
        }
        let note = entry.whole("");
        let mut reference = source.inner("storeRef");
        let store = self
            .stores
            .named(self.namespace, &mut reference, self.identities);
        reference.end(&mut sync.notes);
        source.end(&mut sync.notes);
        let what = match store {
            Ok(store) if store.identity == self.own.identity && store.vault == self.own.vault => {
                return Some(Map::new());
            }
            Ok(store) if store.identity == self.own.identity => {
                return Some(Map::from_iter([("vaultUri".to_owned(), json!(store.vault))]));
            }
            Ok(_) => "a sync reads all of its vaults with one identity, and the entry is left out: make a sync of its own for it, with target.ownership: Merge".to_owned(),
            Err(why) => format!("the entry is left out: {why}"),
        };
        sync.notes.push(Note { what, ..note });
        None
    }
}

/// How names become keys.
fn rename(entry: &mut Fields, made: &mut Map<String, Value>, sync: &mut Sync) {
    let rewrites = entry.list("rewrite");
    let several = rewrites.len() > 1;
    for mut rewrite in rewrites {
        let note = rewrite.whole("there is one rename for an entry: join the patterns into one in spec.dataFrom[].rename");
        let mut regexp = rewrite.inner("regexp");
        match (
            regexp.text("source"),
            regexp.text("target").unwrap_or_default(),
        ) {
            (Some(from), to) if !several => {
                made.insert("rename".to_owned(), json!({"from": from, "to": to}));
            }
            (Some(_), _) => sync.notes.push(note),
            (None, _) => {}
        }
        regexp.end(&mut sync.notes);
        rewrite.end(&mut sync.notes);
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
    // There, what is disabled is passed over.
    made.insert("excludeDisabled".to_owned(), json!(true));
    let rows = [
        (
            "path",
            "",
            "Azure has no paths, and it says nothing there: it is left out",
        ),
        (
            "decodingStrategy",
            "None",
            "what is found is taken as it is: decode what needs it in spec.data",
        ),
    ];
    find.unusual(&rows, &mut sync.notes);
    find.unusual(&OF_VALUES, &mut sync.notes);
    find.end(&mut sync.notes);
    Value::Object(made)
}
