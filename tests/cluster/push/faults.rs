//! Who may push, and what a vault in trouble does to it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use super::Desk;
use crate::kit::{Kit, teaches};
use crate::scene::{neighbour, requests};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_missing_role_is_taught,
        a_throttled_push_comes_back_when_it_may,
        a_vault_that_is_away_gets_it_later,
        a_lent_identity_writes_by_its_own_list_alone,
        an_attacker_replaces_nothing_of_a_neighbour,
    ]
}

async fn a_missing_role_is_taught(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.roles(&["Key Vault Secrets User"]).await?;
    desk.apply(&json!({})).await?;
    let words = [
        "may not write secret \"db\"",
        "az role assignment create",
        "Key Vault Secrets Officer",
    ];
    desk.fails("Forbidden", &words).await?;
    desk.roles(&["Key Vault Secrets Officer"]).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    Ok(())
}

fn host(desk: &Desk) -> String {
    format!(
        "{}.{}",
        desk.kit.vault,
        desk.kit.endpoints().key_vault_suffix
    )
}

async fn a_throttled_push_comes_back_when_it_may(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let rule = FaultRule::new(&host(&desk), Fault::throttled(Some(3))).on_path("^/secrets/db");
    let fault = desk.kit.admin().add_fault(&rule).await?;
    desk.apply(&json!({})).await?;
    desk.fails("Throttled", &["limits its callers"]).await?;
    desk.kit.admin().remove_fault(&fault).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    ensure!(desk.count("SetSecret").await? == 1, "more than one version");
    Ok(())
}

async fn a_vault_that_is_away_gets_it_later(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    desk.is_pushed().await?;
    let rule = FaultRule::new(&host(&desk), Fault::status(503)).on_path("^/secrets/db");
    let fault = desk.kit.admin().add_fault(&rule).await?;
    desk.source("second").await?;
    desk.fails("AzureUnavailable", &["HTTP 503"]).await?;
    desk.kit.admin().remove_fault(&fault).await?;
    desk.holds("db", &desk.value("second")).await?;
    desk.is_pushed().await?;
    ensure!(desk.count("SetSecret").await? == 2, "not two versions");
    Ok(())
}

/// The test's application as a ClusterAzureIdentity that is lent to namespace `to`.
async fn lend(kit: &Kit, to: &str, grant: &Value) -> Result<String> {
    let name = format!("pushing-{}", kit.namespace);
    let credential = format!("sp-{}", kit.namespace);
    let system = Kit {
        namespace: "lakevault-system".to_owned(),
        ..kit.clone()
    };
    system
        .make_credential(&credential, &kit.client_secret)
        .await?;
    let secret = json!({"clientSecret": {"name": credential, "key": "secret"}});
    let mut identity = kit.identity(&name, secret);
    identity["kind"] = json!("ClusterAzureIdentity");
    identity["metadata"] = json!({ "name": name });
    let mut allow = json!({"namespaces": {"names": [to]}, "vaults": [kit.vault]});
    for (field, value) in grant.as_object().into_iter().flatten() {
        allow[field] = value.clone();
    }
    identity["spec"]["allow"] = json!([allow]);
    kit.apply(identity).await?;
    Ok(name)
}

async fn writes(desk: &Desk) -> Result<usize> {
    let mut count = 0;
    for operation in [
        "SetSecret",
        "UpdateSecret",
        "DeleteSecret",
        "GetDeletedSecret",
    ] {
        count += requests(&desk.kit, &desk.kit.vault, operation).await?.len();
    }
    Ok(count)
}

async fn a_lent_identity_writes_by_its_own_list_alone(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let namespace = desk.kit.namespace.clone();
    let name = lend(&desk.kit, &namespace, &json!({"secrets": ["*"]})).await?;
    let mut app = desk.app(&json!({}));
    app["spec"]["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": name});
    desk.kit.apply(app).await?;
    desk.fails(
        "IdentityNotAllowed",
        &["push secret \"db\"", "spec.allow[].push"],
    )
    .await?;
    ensure!(writes(&desk).await? == 0, "the vault was asked");
    lend(&desk.kit, &namespace, &json!({"push": ["other-*"]})).await?;
    desk.fails("IdentityNotAllowed", &["spec.allow[].push"])
        .await?;
    ensure!(writes(&desk).await? == 0, "the vault was asked");
    lend(&desk.kit, &namespace, &json!({"push": ["d*"]})).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    Ok(())
}

/// A namespace that is lent the same identity for other names, and one that is lent it for this name.
async fn an_attacker_replaces_nothing_of_a_neighbour(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    let held = desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    let thief = neighbour(&desk.kit).await?;
    let attack = Kit {
        vault: desk.kit.vault.clone(),
        ..thief.clone()
    };
    let data = json!({"k": desk.value("of-the-thief")});
    thief
        .make_secret("local", data, json!({"lakevault.dev/allow-push": "app"}))
        .await?;
    let fails = async |reason: &str, words: &[&str]| -> Result<()> {
        let message = attack.says("app", "Pushed", "False", reason).await?;
        teaches(&message, words)
    };
    for (grant, reason, words) in [
        (
            json!({}),
            "IdentityNotAllowed",
            ["push secret \"DB\"", "allow[].push"],
        ),
        (
            json!({"push": ["db"]}),
            "PushTargetNotOurs",
            ["never replaced", "/app/"],
        ),
    ] {
        let name = lend(&desk.kit, &thief.namespace, &grant).await?;
        let sync = attack.sync("app", &[("R", "read")], |spec| {
            spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": name});
            spec["push"] = json!([{
                "from": {"secret": "local", "key": "k"}, "to": {"secret": "DB"},
                "ifExists": "Replace", "deletionPolicy": "Delete"
            }]);
        });
        attack.apply(sync).await?;
        fails(reason, &words).await?;
    }
    // The identity of the neighbour's namespace is no one's to name, either.
    let own = attack.sync("app", &[("R", "read")], |spec| {
        spec["push"] = json!([{"from": {"secret": "local", "key": "k"}, "to": {"secret": "db"}, "ifExists": "Replace"}]);
    });
    attack.apply(own).await?;
    fails("IdentityNotFound", &["AzureIdentity"]).await?;
    attack.remove("app").await?;
    let after = desk.holds("db", &desk.value("first")).await?;
    ensure!(after.version == held.version, "{after:?}");
    ensure!(after.tags == held.tags, "{after:?}");
    Ok(())
}
