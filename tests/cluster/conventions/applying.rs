//! Applying, comparing, sharing and deleting objects as kubectl does it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use super::{kubectl, kubectl_with};
use crate::data_lake_accounts::lakes::Lake;
use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        what_has_settled_shows_no_difference_and_applies_unchanged,
        of_two_managers_the_second_is_told_and_may_insist,
        entries_of_several_managers_stand_beside_each_other,
        the_operator_owns_no_field_of_a_spec,
        patches_of_all_types_are_followed,
        deletion_in_the_foreground_waits_for_the_secret,
        deletion_that_orphans_leaves_the_secret
    ]
}

/// By server-side apply as this manager.
async fn apply_as(kit: &Kit, manager: &str, more: &[&str], object: &Value) -> Result<String> {
    let manager = format!("--field-manager={manager}");
    let words = ["apply", "--server-side", &manager, "-f", "-"];
    kubectl_with(kit, &[words.as_slice(), more].concat(), object).await
}

/// Objects of all kinds, ready. Defaults of the API server stand in several of them.
async fn settled(kit: &Kit) -> Result<Vec<Value>> {
    let lake = Lake::new(kit.clone()).await?;
    let account = lake.manifest(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "a"}]}]);
        spec["networkRules"] = json!({"ipRules": ["203.0.113.7"], "defaultAction": "Allow"});
    });
    let estate: Estate = Estate::new(kit.clone()).await?;
    let vault = estate.vault(|spec| {
        spec["tags"] = json!({"Team": "payments"});
        spec["refreshInterval"] = json!("90m");
    });
    kit.plant("s", "first").await?;
    kit.make_credential("sp", &kit.client_secret).await?;
    let mut identity = estate.identity("main");
    identity["spec"]["cloud"]["custom"]["tokenEndpoint"] = json!("V2");
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["refreshInterval"] = json!("60m");
        spec["target"] = json!({"name": "app"});
    });
    let all = vec![identity, vault, account, sync];
    for object in &all {
        apply_as(kit, "kubectl", &[], object).await?;
    }
    for what in [
        "azid/main",
        &format!("kv/{}", estate.name),
        &format!("dla/{}", lake.name),
        "vss/app",
    ] {
        let words = ["wait", what, "--for=condition=Ready", "--timeout=60s"];
        kubectl(kit, &words).await?;
    }
    lake.is_ready().await?;
    estate.is_ready().await?;
    Ok(all)
}

async fn what_has_settled_shows_no_difference_and_applies_unchanged(kit: Kit) -> Result<()> {
    for object in settled(&kit).await? {
        // It ends with another code than 0 where something differs.
        let diff = kubectl_with(&kit, &["diff", "--server-side", "-f", "-"], &object).await?;
        ensure!(diff.is_empty(), "{diff}");
        // On the client's side the first one moves fields to another manager, the second changes nothing.
        kubectl_with(&kit, &["apply", "-f", "-"], &object).await?;
        let again = kubectl_with(&kit, &["apply", "-f", "-"], &object).await?;
        ensure!(again.contains(" unchanged"), "{again}");
        let diff = kubectl_with(&kit, &["diff", "-f", "-"], &object).await?;
        ensure!(diff.is_empty(), "{diff}");
    }
    Ok(())
}

async fn of_two_managers_the_second_is_told_and_may_insist(kit: Kit) -> Result<()> {
    let sync = |interval: &str| {
        kit.sync("app", &[("K", "s")], |spec| {
            spec["refreshInterval"] = json!(interval);
        })
    };
    apply_as(&kit, "team", &[], &sync("1h")).await?;
    let refused = apply_as(&kit, "platform", &[], &sync("2h")).await;
    let told = format!("{:#}", refused.err().context("it was not refused")?);
    ensure!(
        told.contains("conflict with \"team\"") && told.contains(".spec.refreshInterval"),
        "{told}"
    );
    apply_as(&kit, "platform", &["--force-conflicts"], &sync("2h")).await?;
    let interval = "jsonpath={.spec.refreshInterval}";
    let interval = kubectl(&kit, &["get", "vss", "app", "-o", interval]).await?;
    ensure!(interval == "2h", "{interval}");
    Ok(())
}

async fn entries_of_several_managers_stand_beside_each_other(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit.clone()).await?;
    let estate: Estate = Estate::new(kit.clone()).await?;
    let role = |role: &str| json!([{"principalId": kit.object_id, "role": role}]);
    let vault = |role: Value, ip: &str, seed: &str| {
        estate.vault(|spec| {
            spec["mode"] = json!("Observe");
            spec["roleAssignments"] = role;
            spec["networkRules"] = json!({"ipRules": [ip], "subnets": [{"id": ip}]});
            spec["secrets"] = json!([{"name": seed}]);
        })
    };
    let account = |name: &str, ip: &str| {
        lake.manifest(|spec| {
            spec["mode"] = json!("Observe");
            spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": name}]}]);
            spec["networkRules"] = json!({"ipRules": [ip], "subnets": [ip]});
            spec["lifecycleRules"] = json!([{"name": name, "deleteAfterDays": 7}]);
        })
    };
    let reader = vault(role("Key Vault Reader"), "203.0.113.7", "one");
    apply_as(&kit, "team", &[], &reader).await?;
    let user = vault(role("Key Vault Secrets User"), "203.0.113.8", "two");
    apply_as(&kit, "platform", &[], &user).await?;
    apply_as(&kit, "team", &[], &account("one", "203.0.113.7")).await?;
    apply_as(&kit, "platform", &[], &account("two", "203.0.113.8")).await?;
    let both = [
        (format!("kv/{}", estate.name), "roleAssignments"),
        (format!("kv/{}", estate.name), "networkRules.ipRules"),
        (format!("kv/{}", estate.name), "networkRules.subnets"),
        (format!("dla/{}", lake.name), "filesystems[0].directories"),
        (format!("dla/{}", lake.name), "networkRules.ipRules"),
        (format!("dla/{}", lake.name), "networkRules.subnets"),
        (format!("dla/{}", lake.name), "lifecycleRules"),
    ];
    for (what, list) in both {
        let path = format!("jsonpath={{.spec.{list}}}");
        let found = kubectl(&kit, &["get", &what, "-o", &path]).await?;
        let entries: Vec<Value> = serde_json::from_str(&found)?;
        ensure!(entries.len() == 2, "{what} {list}: {found}");
    }
    // Who takes an entry out takes out their own.
    let none = estate.vault(|spec| spec["mode"] = json!("Observe"));
    apply_as(&kit, "team", &[], &none).await?;
    let path = "jsonpath={.spec.roleAssignments[*].role}";
    let left = kubectl(&kit, &["get", "kv", &estate.name, "-o", path]).await?;
    ensure!(left == "Key Vault Secrets User", "{left}");
    Ok(())
}

async fn the_operator_owns_no_field_of_a_spec(kit: Kit) -> Result<()> {
    settled(&kit).await?;
    let words = ["get", "lakevault", "-o", "json", "--show-managed-fields"];
    let all: Value = serde_json::from_str(&kubectl(&kit, &words).await?)?;
    let objects = all["items"].as_array().context("items")?;
    ensure!(objects.len() >= 4, "{all}");
    for object in objects {
        let managers = object["metadata"]["managedFields"].as_array();
        let ours = managers.context("managedFields")?.iter();
        for entry in ours.filter(|entry| entry["manager"] == "lakevault") {
            ensure!(entry["fieldsV1"]["f:spec"].is_null(), "{entry}");
        }
    }
    Ok(())
}

async fn patches_of_all_types_are_followed(kit: Kit) -> Result<()> {
    let first = kit.synced_app().await?;
    let (second, _) = kit.plant("t", "second").await?;
    let merge = json!({"spec": {"data": [{"key": "K", "secret": {"name": "t"}}]}}).to_string();
    kubectl(
        &kit,
        &["patch", "vss", "app", "--type", "merge", "-p", &merge],
    )
    .await?;
    kit.holds("app", &[("K", &second)]).await?;
    let add = json!([{"op": "add", "path": "/spec/data/-", "value": {"key": "L", "secret": {"name": "s"}}}]);
    kubectl(
        &kit,
        &[
            "patch",
            "vss",
            "app",
            "--type",
            "json",
            "-p",
            &add.to_string(),
        ],
    )
    .await?;
    kit.holds("app", &[("K", &second), ("L", &first)]).await?;
    // As kubectl edit sends it.
    let words = ["get", "vss", "app", "-o", "json"];
    let mut object: Value = serde_json::from_str(&kubectl(&kit, &words).await?)?;
    object["spec"]["data"] = json!([{"key": "K", "secret": {"name": "s"}}]);
    kubectl_with(&kit, &["replace", "-f", "-"], &object).await?;
    kit.holds("app", &[("K", &first)]).await
}

async fn deletion_in_the_foreground_waits_for_the_secret(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let words = [
        "delete",
        "vss",
        "app",
        "--cascade=foreground",
        "--timeout=60s",
    ];
    kubectl(&kit, &words).await?;
    ensure!(kit.secrets().get_opt("app").await?.is_none());
    Ok(())
}

async fn deletion_that_orphans_leaves_the_secret(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    let words = ["delete", "vss", "app", "--cascade=orphan", "--timeout=60s"];
    kubectl(&kit, &words).await?;
    until(SOON, "the Secret has no owner", async || {
        let secret = kit.secret("app").await.map_err(seen)?;
        let owners = secret.metadata.owner_references.unwrap_or_default();
        owners
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{owners:?}"))
    })
    .await?;
    kit.holds("app", &[("K", &value)]).await
}
