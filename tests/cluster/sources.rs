//! Many keys from one source: what comes and goes in a vault, what is left out, and who is not emptied by what.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use lakevault::vault_secret_sync::api::{KeyError, VaultSecretSyncStatus};
use serde_json::{Value, json};
use testbed::{Fault, FaultRule, poll, until};

use crate::documents::may;
use crate::kit::{Kit, SOON, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        what_comes_is_taken_and_what_goes_stays,
        what_goes_is_removed_where_that_is_asked_for,
        most_of_the_keys_go_at_the_second_look_only,
        a_pattern_that_finds_nothing_empties_no_secret,
        an_expression_that_is_none_is_told_and_costs_nothing,
        a_disabled_object_keeps_its_key_unless_it_counts_as_absent,
        an_object_that_loses_its_tag_is_found_no_more,
        certificates_are_found_once,
        of_two_sources_of_a_key_the_first_counts,
        names_become_keys_and_doubles_are_told,
        a_member_that_goes_takes_its_key_along,
    ]
}

/// Sync `app` with these sources, looked at every ten seconds.
fn app(kit: &Kit, sources: &Value, change: impl FnOnce(&mut Value)) -> Value {
    kit.sync("app", &[], |spec| {
        spec.as_object_mut().unwrap().remove("data");
        spec["dataFrom"] = sources.clone();
        spec["refreshInterval"] = json!("10s");
        change(spec);
    })
}

fn find(pattern: &str) -> Value {
    json!([{"find": {"namePattern": pattern}}])
}

/// Secrets `a`, `b`, … of the vault, found by sync `app`.
async fn found(kit: &Kit, names: &[&str], change: impl FnOnce(&mut Value)) -> Result<Held> {
    kit.make_identity().await?;
    let mut held = Held::default();
    for name in names {
        held.0
            .insert((*name).to_owned(), kit.plant(name, "one").await?.0);
    }
    kit.apply(app(kit, &find("."), change)).await?;
    held.by(kit).await?;
    kit.is_synced("app").await?;
    Ok(held)
}

/// What Secret `app` is to hold.
#[derive(Clone, Default)]
struct Held(BTreeMap<String, String>);

impl Held {
    async fn by(&self, kit: &Kit) -> Result<()> {
        let wanted: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        kit.holds("app", &wanted).await
    }

    fn without(&self, keys: &[&str]) -> Self {
        let mut left = self.clone();
        left.0.retain(|key, _| !keys.contains(&key.as_str()));
        left
    }
}

async fn delete(kit: &Kit, names: &[&str]) -> Result<()> {
    for name in names {
        kit.admin().delete_secret(&kit.vault, name).await?;
    }
    Ok(())
}

async fn what_comes_is_taken_and_what_goes_stays(kit: Kit) -> Result<()> {
    let mut held = found(&kit, &["a", "b"], |_| ()).await?;
    // Nobody asks for a look.
    held.0
        .insert("c".to_owned(), kit.plant("c", "one").await?.0);
    held.by(&kit).await?;
    delete(&kit, &["b"]).await?;
    held.0
        .insert("a".to_owned(), kit.plant("a", "two").await?.0);
    kit.look("app").await?;
    held.by(&kit).await?;
    kit.is_synced("app").await?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    Ok(())
}

async fn what_goes_is_removed_where_that_is_asked_for(kit: Kit) -> Result<()> {
    let remove = |spec: &mut Value| spec["onMissing"] = json!("Remove");
    let held = found(&kit, &["a", "b", "c"], remove).await?;
    // A vault that is away tells of nothing that is gone.
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let down = FaultRule::new(&host, Fault::status(503));
    let down = kit.admin().add_fault(&down).await?;
    delete(&kit, &["b"]).await?;
    kit.look("app").await?;
    kit.says("app", "Synced", "False", "AzureUnavailable")
        .await?;
    held.by(&kit).await?;
    kit.admin().remove_fault(&down).await?;
    held.without(&["b"]).by(&kit).await?;
    kit.is_synced("app").await
}

async fn most_of_the_keys_go_at_the_second_look_only(kit: Kit) -> Result<()> {
    let remove = |spec: &mut Value| spec["onMissing"] = json!("Remove");
    let held = found(&kit, &["a", "b", "c", "d"], remove).await?;
    delete(&kit, &["b", "c", "d"]).await?;
    kit.look("app").await?;
    let message = kit.says("app", "Synced", "False", "RemovalHeld").await?;
    teaches(&message, &["3 of 4 keys", "second look"])?;
    held.by(&kit).await?;
    // It comes by itself, one interval later.
    held.without(&["b", "c", "d"]).by(&kit).await?;
    kit.is_synced("app").await?;
    // The last one does not go at all.
    delete(&kit, &["a"]).await?;
    kit.look("app").await?;
    let message = kit.says("app", "Synced", "False", "RemovalHeld").await?;
    teaches(&message, &["never emptied"])?;
    kit.look("app").await?;
    held.without(&["b", "c", "d"]).by(&kit).await
}

async fn a_pattern_that_finds_nothing_empties_no_secret(kit: Kit) -> Result<()> {
    for policy in ["Retain", "Remove"] {
        let held = found(&kit, &["a", "b"], |spec| spec["onMissing"] = json!(policy)).await?;
        delete(&kit, &["a", "b"]).await?;
        kit.look("app").await?;
        if policy == "Retain" {
            kit.is_synced("app").await?;
        } else {
            kit.says("app", "Synced", "False", "RemovalHeld").await?;
        }
        held.by(&kit).await?;
        kit.look("app").await?;
        held.by(&kit).await?;
        for name in ["a", "b"] {
            kit.admin().purge_secret(&kit.vault, name).await?;
        }
        kit.remove("app").await?;
        kit.is_gone(kit.secrets(), "app").await?;
    }
    Ok(())
}

async fn an_expression_that_is_none_is_told_and_costs_nothing(kit: Kit) -> Result<()> {
    let remove = |spec: &mut Value| spec["onMissing"] = json!("Remove");
    let held = found(&kit, &["a", "b"], remove).await?;
    let edit = async |sources: Value| {
        kit.edit("app", json!({"spec": {"dataFrom": sources}}))
            .await
    };
    edit(find("a[")).await?;
    let message = kit.says("app", "Synced", "False", "InvalidSpec").await?;
    teaches(
        &message,
        &["spec.dataFrom[0].find.namePattern", "at character 2"],
    )?;
    held.by(&kit).await?;
    let rename = |from: &str, to: &str| json!([{"find": {"namePattern": "."}, "rename": {"from": from, "to": to}}]);
    for (from, to, words) in [
        ("(", "x", ["spec.dataFrom[0].rename.from", "at character 1"]),
        ("(a)", "$2", ["spec.dataFrom[0].rename.to", "no group $2"]),
    ] {
        edit(rename(from, to)).await?;
        let syncs = kit.syncs();
        until(SOON, "the message is of this edit", async || {
            let sync = syncs.get("app").await.map_err(poll::seen)?;
            let status = sync.status.unwrap_or_default();
            let synced = crate::kit::condition(&status, "Synced");
            let message = synced.map(|it| it.message.clone()).unwrap_or_default();
            teaches(&message, &words).map_err(poll::seen)
        })
        .await?;
        held.by(&kit).await?;
    }
    edit(find(".")).await?;
    kit.is_synced("app").await?;
    held.by(&kit).await
}

async fn a_disabled_object_keeps_its_key_unless_it_counts_as_absent(kit: Kit) -> Result<()> {
    let remove = |spec: &mut Value| spec["onMissing"] = json!("Remove");
    let held = found(&kit, &["a", "b", "c"], remove).await?;
    let disabled = json!({"enabled": false});
    let admin = kit.admin();
    admin.patch_secret(&kit.vault, "b", &disabled).await?;
    kit.look("app").await?;
    let message = kit.says("app", "Synced", "False", "ObjectDisabled").await?;
    teaches(&message, &["b: ", "secret \"b\""])?;
    held.by(&kit).await?;
    let excluding = json!([{"find": {"namePattern": ".", "excludeDisabled": true}}]);
    kit.edit("app", json!({"spec": {"dataFrom": excluding}}))
        .await?;
    held.without(&["b"]).by(&kit).await?;
    kit.is_synced("app").await
}

async fn an_object_that_loses_its_tag_is_found_no_more(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let mut held = Held::default();
    for name in ["a", "b", "c"] {
        held.0
            .insert(name.to_owned(), kit.plant(name, "one").await?.0);
        let tags = json!({"tags": {"team": "payments", "other": "tag"}});
        kit.admin().patch_secret(&kit.vault, name, &tags).await?;
    }
    kit.plant("untagged", "one").await?;
    let sources = json!([{"find": {"tags": {"team": "payments"}}}]);
    let sync = app(&kit, &sources, |spec| spec["onMissing"] = json!("Remove"));
    kit.apply(sync).await?;
    held.by(&kit).await?;
    let tags = json!({"tags": {"team": "orders"}});
    kit.admin().patch_secret(&kit.vault, "b", &tags).await?;
    held.without(&["b"]).by(&kit).await?;
    kit.is_synced("app").await
}

async fn certificates_are_found_once(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    may(&kit, &kit.vault, &["Secrets User", "Certificate User"]).await?;
    let web = json!({"name": "web", "keyType": "EC-P256", "contentType": "application/x-pem-file"});
    let objects = json!({ "certificates": [web] });
    kit.admin().patch_vault(&kit.vault, &objects).await?;
    let (value, _) = kit.plant("plain", "one").await?;
    let kinds = |kinds: Value| json!([{"find": {"namePattern": ".", "kinds": kinds}}]);
    let keys = async |wanted: &[&str]| {
        until(SOON, &format!("the keys are {wanted:?}"), async || {
            let data = kit.data("app").await.map_err(poll::seen)?;
            let keys: Vec<&str> = data.keys().map(String::as_str).collect();
            poll::expect(&keys, &wanted.to_vec())
        })
        .await
    };
    let both = kinds(json!(["Secret", "Certificate"]));
    kit.apply(app(&kit, &both, |spec| spec["onMissing"] = json!("Remove")))
        .await?;
    keys(&["plain", "web.ca.crt", "web.crt", "web.key"]).await?;
    kit.is_synced("app").await?;
    let edit = json!({"spec": {"dataFrom": kinds(json!(["Secret"]))}});
    kit.edit("app", edit).await?;
    kit.holds("app", &[("plain", &value)]).await
}

/// What is told of a source.
fn told<'a>(status: &'a VaultSecretSyncStatus, source: &str) -> Result<&'a KeyError> {
    let told = status.sources.iter().find(|it| it.source == source);
    let told = told.with_context(|| format!("nothing of {source}: {:?}", status.sources))?;
    Ok(&told.error)
}

async fn told_of(kit: &Kit, source: &str, reason: &str, words: &[&str]) -> Result<()> {
    let what = format!("{reason} is told of {source}");
    let fits = |status: &VaultSecretSyncStatus| {
        told(status, source).is_ok_and(|error| error.reason == reason)
    };
    let status = kit.status_when("app", &what, fits).await?;
    teaches(&told(&status, source)?.message, words)
}

async fn of_two_sources_of_a_key_the_first_counts(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (a, _) = kit.plant("a", "one").await?;
    let (b, _) = kit.plant("b", "one").await?;
    let (c, _) = kit.plant("c", "one").await?;
    kit.put(
        "config",
        r#"{"a": "of config", "c": "of config", "d": "of config"}"#,
    )
    .await?;
    let sources = json!([
        {"find": {"namePattern": "^[abc]$"}},
        {"expand": {"secret": {"name": "config"}}}
    ]);
    let sync = app(&kit, &sources, |spec| {
        spec["data"] = json!([{"key": "b", "secret": {"name": "a"}}]);
    });
    kit.apply(sync).await?;
    // `b` is of data; `c` is of the first source; the order never changes.
    let wanted = [("a", a.as_str()), ("b", &a), ("c", &c), ("d", "of config")];
    kit.holds("app", &wanted).await?;
    let left_out = ["spec.data[0]", "the key b", "set rename"];
    told_of(&kit, "spec.dataFrom[0]", "KeyCollision", &left_out).await?;
    let left_out = ["the key a", "the key c", "the first counts"];
    told_of(&kit, "spec.dataFrom[1]", "KeyCollision", &left_out).await?;
    ensure!(a != b);
    kit.look("app").await?;
    kit.holds("app", &wanted).await?;
    // The mend that the message names.
    let renamed = json!([
        {"find": {"namePattern": "^[abc]$"}, "rename": {"from": "^b$", "to": "b2"}},
        {"expand": {"secret": {"name": "config"}}, "rename": {"from": "^", "to": "config."}}
    ]);
    kit.edit("app", json!({"spec": {"dataFrom": renamed}}))
        .await?;
    let config = "of config";
    let wanted = [
        ("a", a.as_str()),
        ("b", &a),
        ("b2", &b),
        ("c", &c),
        ("config.a", config),
        ("config.c", config),
        ("config.d", config),
    ];
    kit.holds("app", &wanted).await?;
    kit.is_synced("app").await
}

async fn names_become_keys_and_doubles_are_told(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let value = r#"{"a b": "space", "a/b": "slash", "ä": "letter", "..": "dots", "null": null, "empty": "", "twice": "1", "twice": "2"}"#;
    kit.put("config", value).await?;
    let sources = json!([{"expand": {"secret": {"name": "config"}}}]);
    kit.apply(app(&kit, &sources, |_| ())).await?;
    let wanted = [
        ("_.", "dots"),
        ("_", "letter"),
        ("a_b", "space"),
        ("twice", "2"),
    ];
    kit.holds("app", &wanted).await?;
    let status = kit
        .status_when("app", "something is told", |status| {
            !status.sources.is_empty()
        })
        .await?;
    let words = [
        "\"a/b\"",
        "a_b",
        "\"twice\"",
        "the last counts",
        "\"null\"",
        "\"empty\"",
    ];
    teaches(&told(&status, "spec.dataFrom[0]")?.message, &words)
}

async fn a_member_that_goes_takes_its_key_along(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.put("config", r#"{"A": "1", "B": "2"}"#).await?;
    let sources = json!([{"expand": {"secret": {"name": "config"}}}]);
    kit.apply(app(&kit, &sources, |_| ())).await?;
    kit.holds("app", &[("A", "1"), ("B", "2")]).await?;
    // What is no object at all tells nothing of members, so nothing goes.
    kit.put("config", "[1, 2]").await?;
    kit.look("app").await?;
    let message = kit.says("app", "Synced", "False", "NotExpandable").await?;
    teaches(&message, &["secret \"config\"", "no YAML mapping"])?;
    kit.holds("app", &[("A", "1"), ("B", "2")]).await?;
    kit.put("config", r#"{"B": "3", "C": "4"}"#).await?;
    kit.look("app").await?;
    kit.holds("app", &[("B", "3"), ("C", "4")]).await?;
    kit.is_synced("app").await
}
