//! Keys that templates make: of secrets, of what is found, of tokens; their rotation, damage, faults and restarts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_template_replaces_what_it_is_made_of_and_follows_it,
        a_merged_template_stands_beside_its_values,
        a_damaged_key_is_made_again,
        a_value_that_cannot_be_had_keeps_the_key,
        a_template_that_fails_says_why_and_keeps_the_key,
        an_edited_template_is_followed,
        values_of_two_vaults_make_one_key,
        all_that_is_found_goes_into_one_file,
        a_token_goes_into_a_file_and_is_renewed_with_it,
        what_templates_made_is_trusted_by_who_knows_nothing_of_it
    ]
}

fn templated(template: Value) -> impl FnOnce(&mut Value) {
    move |spec| spec["template"] = template
}

/// A sync `app` whose Secret has `url`, made of user and password. Gives back the password.
async fn url(kit: &Kit) -> Result<String> {
    kit.make_identity().await?;
    kit.put("user", "ada").await?;
    let (password, _) = kit.plant("password", "first").await?;
    let template = json!({"data": {"url": "db://{{ USER }}:{{ PASSWORD }}@db"}});
    let data = [("USER", "user"), ("PASSWORD", "password")];
    kit.apply(kit.sync("app", &data, templated(template)))
        .await?;
    kit.holds("app", &[("url", &made(&password))]).await?;
    kit.is_synced("app").await?;
    Ok(password)
}

fn made(password: &str) -> String {
    format!("db://ada:{password}@db")
}

async fn a_template_replaces_what_it_is_made_of_and_follows_it(kit: Kit) -> Result<()> {
    url(&kit).await?;
    let status = kit.look("app").await?;
    let [key] = status.keys.as_slice() else {
        anyhow::bail!("{:?}", status.keys)
    };
    ensure!(
        key.object == "password, user" && key.version.is_some(),
        "{key:?}"
    );
    let (second, _) = kit.plant("password", "second").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("url", &made(&second))]).await?;
    let after = kit.look("app").await?;
    ensure!(after.keys[0].version != key.version, "{after:?}");
    // A look that brings nothing new reads no value and writes nothing.
    kit.settled("app", "app").await?;
    let before = kit.secrets().get("app").await?.metadata.resource_version;
    kit.look("app").await?;
    let after = kit.secrets().get("app").await?.metadata.resource_version;
    ensure!(before == after, "a look without news wrote the Secret");
    Ok(())
}

async fn a_merged_template_stands_beside_its_values(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("a", "first").await?;
    let template = json!({"mergePolicy": "Merge", "data": {"b": "<{{ A }}>"}});
    kit.apply(kit.sync("app", &[("A", "a")], templated(template)))
        .await?;
    kit.holds("app", &[("A", &value), ("b", &format!("<{value}>"))])
        .await?;
    kit.is_synced("app").await
}

async fn a_damaged_key_is_made_again(kit: Kit) -> Result<()> {
    let password = url(&kit).await?;
    // What was planted a moment ago is read once more, which could mend it by the way.
    kit.settled("app", "app").await?;
    let before = kit.asked().await?;
    kit.damage("app", json!({"stringData": {"url": "spoilt"}}))
        .await?;
    kit.holds("app", &[("url", &made(&password))]).await?;
    kit.marker().await?;
    let asked = kit.asked().await? - before;
    ensure!(asked == 2, "{asked} requests for two values");
    kit.is_synced("app").await
}

async fn a_value_that_cannot_be_had_keeps_the_key(kit: Kit) -> Result<()> {
    let password = url(&kit).await?;
    kit.plant("password", "second").await?;
    let disabled = json!({"enabled": false});
    kit.admin()
        .patch_secret(&kit.vault, "user", &disabled)
        .await?;
    kit.sync_now("app").await?;
    let message = kit.says("app", "Synced", "False", "ObjectDisabled").await?;
    teaches(&message, &["url", "user"])?;
    kit.holds("app", &[("url", &made(&password))]).await?;
    let enabled = json!({"enabled": true});
    kit.admin()
        .patch_secret(&kit.vault, "user", &enabled)
        .await?;
    kit.sync_now("app").await?;
    let second = kit.plant("password", "third").await?.0;
    kit.sync_now("app").await?;
    kit.holds("app", &[("url", &made(&second))]).await?;
    kit.is_synced("app").await
}

async fn a_template_that_fails_says_why_and_keeps_the_key(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.put("config", r#"{"host": "db-1"}"#).await?;
    let template = json!({"data": {"host": "{{ (CONFIG | fromjson).host }}"}});
    kit.apply(kit.sync("app", &[("CONFIG", "config")], templated(template)))
        .await?;
    kit.holds("app", &[("host", "db-1")]).await?;
    kit.put("config", "no json at all").await?;
    kit.sync_now("app").await?;
    let message = kit.says("app", "Synced", "False", "TemplateFailed").await?;
    teaches(&message, &["spec.template.data[\"host\"]", "line 1"])?;
    ensure!(!message.contains("no json at all"), "{message}");
    // It goes on saying so, and nothing is asked for again and again.
    kit.holds("app", &[("host", "db-1")]).await?;
    kit.put("config", r#"{"host": "db-2"}"#).await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("host", "db-2")]).await?;
    kit.is_synced("app").await?;
    let unknown = json!({"data": {"host": "{{ CONFIGURATION }}"}});
    kit.apply(kit.sync("app", &[("CONFIG", "config")], templated(unknown)))
        .await?;
    let message = kit
        .says("app", "Synced", "False", "InvalidTemplate")
        .await?;
    teaches(&message, &["CONFIGURATION"])?;
    kit.holds("app", &[("host", "db-2")]).await
}

async fn an_edited_template_is_followed(kit: Kit) -> Result<()> {
    let password = url(&kit).await?;
    let template = json!({
        "data": {"url": "db://{{ USER }}:{{ PASSWORD }}@other", "user": "{{ USER }}"},
        "labels": {"of": "{{ meta.name }}"}
    });
    let data = [("USER", "user"), ("PASSWORD", "password")];
    kit.apply(kit.sync("app", &data, templated(template)))
        .await?;
    let url = format!("db://ada:{password}@other");
    kit.holds("app", &[("url", &url), ("user", "ada")]).await?;
    let secret = kit.secrets().get("app").await?;
    let labels = secret.metadata.labels.unwrap_or_default();
    ensure!(labels.get("of").is_some_and(|of| of == "app"), "{labels:?}");
    // Without templates the Secret holds the values themselves.
    kit.apply(kit.sync("app", &data, |_| ())).await?;
    kit.holds("app", &[("USER", "ada"), ("PASSWORD", &password)])
        .await?;
    kit.is_synced("app").await
}

async fn values_of_two_vaults_make_one_key(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let other = format!("{}-o", kit.vault);
    kit.make_vault(&other).await?;
    kit.put("user", "ada").await?;
    let put = async |value: &str| kit.admin().put_secret(&other, "password", value).await;
    put("one").await?;
    let template = json!({"data": {"both": "{{ USER }}+{{ PASSWORD }}"}});
    let url = kit.endpoints().vault_url(&other);
    let data = [("USER", "user"), ("PASSWORD", "password")];
    kit.apply(kit.sync("app", &data, |spec| {
        spec["template"] = template;
        spec["data"][1]["vaultUri"] = url.into();
    }))
    .await?;
    kit.holds("app", &[("both", "ada+one")]).await?;
    put("two").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("both", "ada+two")]).await?;
    kit.put("user", "bob").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("both", "bob+two")]).await?;
    kit.is_synced("app").await
}

async fn all_that_is_found_goes_into_one_file(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.put("app-a", "1").await?;
    kit.put("app-b", "2").await?;
    let file = "{% for key, value in data | items %}{{ key }}={{ value }};{% endfor %}";
    kit.apply(kit.sync("app", &[], |spec| {
        spec["data"] = json!([]);
        spec["dataFrom"] = json!([{
            "find": {"namePattern": "^app-"}, "rename": {"from": "^app-", "to": ""}
        }]);
        spec["template"] = json!({"data": {"env": file}});
        spec["onMissing"] = "Remove".into();
    }))
    .await?;
    kit.holds("app", &[("env", "a=1;b=2;")]).await?;
    kit.put("app-c", "3").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("env", "a=1;b=2;c=3;")]).await?;
    kit.admin().delete_secret(&kit.vault, "app-b").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("env", "a=1;c=3;")]).await?;
    kit.is_synced("app").await
}

async fn a_token_goes_into_a_file_and_is_renewed_with_it(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.put("user", "ada").await?;
    let template = json!({"data": {"file": "{{ USER }} {{ TOKEN }}"}});
    kit.apply(kit.sync("app", &[("USER", "user")], |spec| {
        let data = spec["data"].as_array_mut().unwrap();
        data.push(
            json!({"key": "TOKEN", "accessToken": {"resource": format!("api://{}", kit.client_id)}}),
        );
        spec["template"] = template;
    }))
    .await?;
    kit.is_synced("app").await?;
    let first = kit.data("app").await?["file"].clone();
    ensure!(first.starts_with("ada ey"), "no token in it");
    // A new user comes with the token that is there.
    kit.put("user", "bob").await?;
    kit.sync_now("app").await?;
    let file = |secret: &k8s_openapi::api::core::v1::Secret| {
        let data = secret.data.as_ref();
        let file = data.and_then(|data| data.get("file"));
        file.is_some_and(|file| file.0.starts_with(b"bob ey"))
    };
    kit.secret_when("app", "it has the new user", file).await?;
    kit.is_synced("app").await
}

async fn what_templates_made_is_trusted_by_who_knows_nothing_of_it(kit: Kit) -> Result<()> {
    url(&kit).await?;
    // What was planted a moment ago is read once more, whoever knows of it.
    kit.settled("app", "app").await?;
    let before = kit.secrets().get("app").await?.metadata.resource_version;
    let data = [("USER", "user"), ("PASSWORD", "password")];
    let suspended = |suspended: bool| {
        kit.sync("app", &data, |spec| {
            spec["template"] = json!({"data": {"url": "db://{{ USER }}:{{ PASSWORD }}@db"}});
            spec["suspend"] = suspended.into();
        })
    };
    // All memory of a sync that rests is dropped, as by a restart.
    kit.apply(suspended(true)).await?;
    kit.says("app", "Synced", "Unknown", "Suspended").await?;
    let read = kit.read().await?;
    kit.apply(suspended(false)).await?;
    kit.is_synced("app").await?;
    ensure!(
        kit.read().await? == read,
        "values were read that the record tells of"
    );
    let after = kit.secrets().get("app").await?.metadata.resource_version;
    ensure!(before == after, "it was written though nothing differs");
    Ok(())
}
