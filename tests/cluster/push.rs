//! Values of Secrets that are written to a vault.

mod alone;
mod ends;
mod faults;
mod restarts;
mod values;
mod vault;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use lakevault::vault_secret_sync::push::api::PushStatus;
use serde_json::{Value, json};
use testbed::until;

use self::vault::{Held, Vault};
use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::scene::requests;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![
        a_new_value_arrives_and_follows_its_secret,
        attributes_change_without_a_new_version,
        what_is_there_already_is_kept_or_replaced,
        what_somebody_else_changed_is_told_or_repaired,
        what_another_sync_owns_is_never_replaced,
        a_softly_deleted_name_is_recovered,
        a_secret_that_does_not_consent_is_not_pushed,
        documents_example_is_pushed,
    ];
    all.extend(values::cases());
    all.extend(faults::cases());
    all.extend(ends::cases());
    all.extend(alone::cases());
    all.extend(restarts::cases());
    all
}

/// A namespace with an identity that may write its vault, Secret `local` with key `k` that consents to sync `app`, and a
/// vault that can be looked into. Sync `app` also reads secret `read`.
pub struct Desk {
    pub kit: Kit,
    pub vault: Vault,
}

impl Desk {
    pub async fn set(kit: Kit) -> Result<Self> {
        let desk = Self {
            vault: Vault::new(&kit)?,
            kit,
        };
        desk.roles(&[
            "Key Vault Secrets Officer",
            "Key Vault Certificates Officer",
        ])
        .await?;
        desk.kit.make_identity().await?;
        desk.kit.plant("read", "only").await?;
        desk.source("first").await?;
        Ok(desk)
    }

    /// What the test's application may do in its vault, and nothing else.
    pub async fn roles(&self, roles: &[&str]) -> Result<()> {
        let assignments: Vec<Value> = roles
            .iter()
            .map(|role| json!({"principalId": self.kit.object_id, "role": role}))
            .collect();
        let change = json!({ "roleAssignments": assignments });
        self.kit.admin().patch_vault(&self.kit.vault, &change).await
    }

    pub fn value(&self, what: &str) -> String {
        format!("{PLANTED}{}-pushed-{what}", self.kit.vault)
    }

    /// Secret `local` with this value under key `k`.
    pub async fn source(&self, what: &str) -> Result<()> {
        let consent = json!({"lakevault.dev/allow-push": "other, app"});
        let data = json!({"k": self.value(what)});
        self.kit.make_secret("local", data, consent).await.map(drop)
    }

    /// Sync `app` that pushes key `k` to secret `db`, with changes of the entry.
    pub fn app(&self, change: &Value) -> Value {
        let mut entry = json!({"from": {"secret": "local", "key": "k"}, "to": {"secret": "db"}});
        for (name, value) in change.as_object().into_iter().flatten() {
            entry[name] = value.clone();
        }
        self.pushing(&json!([entry]))
    }

    pub fn pushing(&self, push: &Value) -> Value {
        self.kit.sync("app", &[("R", "read")], |spec| {
            spec["refreshInterval"] = json!("10s");
            spec["push"] = push.clone();
        })
    }

    pub async fn apply(&self, change: &Value) -> Result<()> {
        self.kit.apply(self.app(change)).await
    }

    /// All is pushed, for the spec as it is.
    pub async fn is_pushed(&self) -> Result<Vec<PushStatus>> {
        let generation = self.kit.syncs().get("app").await?.metadata.generation;
        let status = self
            .kit
            .status_when("app", "all is pushed", |status| {
                let pushed = crate::kit::condition(status, "Pushed");
                let current = |push: &PushStatus| {
                    push.source.as_ref().map(|source| source.generation) == generation
                };
                pushed.is_some_and(|pushed| pushed.status == "True")
                    && status.push.iter().all(current)
            })
            .await?;
        Ok(status.push)
    }

    /// Pushing fails for this reason, and the sync goes on to read.
    pub async fn fails(&self, reason: &str, words: &[&str]) -> Result<()> {
        let message = self.kit.says("app", "Pushed", "False", reason).await?;
        teaches(&message, words)?;
        self.kit.is_synced("app").await
    }

    /// Waits until a secret of the vault holds this.
    pub async fn holds(&self, name: &str, value: &str) -> Result<Held> {
        until(SOON, &format!("the vault's {name} holds it"), async || {
            let held = self.vault.secret(name).await;
            let held = held.map_err(|error| format!("{error:#}"))?;
            match held {
                Some(held) if held.value == value => Ok(held),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// How often an operation succeeded.
    pub async fn count(&self, operation: &str) -> Result<usize> {
        let all = requests(&self.kit, &self.kit.vault, operation).await?;
        Ok(all.iter().filter(|entry| entry.status == 200).count())
    }
}

async fn a_new_value_arrives_and_follows_its_secret(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    let first = desk.holds("db", &desk.value("first")).await?;
    let push = desk.is_pushed().await?;
    ensure!(
        push[0].version.as_deref() == Some(&first.version),
        "{push:?}"
    );
    ensure!(push[0].operation.is_none(), "{push:?}");
    let owner = &first.tags["lakevault-owner"];
    ensure!(
        owner.contains(&format!("/{}/app/", desk.kit.namespace)),
        "{owner}"
    );
    // Nobody asks for it: the Secret's watch does.
    desk.source("second").await?;
    let second = desk.holds("db", &desk.value("second")).await?;
    ensure!(second.version != first.version, "{second:?}");
    desk.kit
        .status_when("app", "the second version is recorded", |status| {
            status.push[0].version.as_deref() == Some(&second.version)
        })
        .await?;
    // A Secret that changes elsewhere, and looks that find nothing, make no version.
    let note = json!({"metadata": {"annotations": {"example.com/note": "x"}}});
    let secrets: Api<Secret> = desk.kit.secrets();
    let changed = secrets
        .patch("local", &PatchParams::default(), &Patch::Merge(note))
        .await?;
    desk.kit
        .status_when("app", "the change was looked at", |status| {
            let source = status.push[0].source.as_ref();
            source.map(|source| &source.resource_version)
                == changed.metadata.resource_version.as_ref()
        })
        .await?;
    ensure!(
        desk.count("SetSecret").await? == 2,
        "versions without a difference"
    );
    ensure!(
        desk.count("UpdateSecret").await? == 0,
        "updates without a difference"
    );
    Ok(())
}

async fn attributes_change_without_a_new_version(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    let first = desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    let to = json!({
        "secret": "db", "contentType": "text/plain", "tags": {"team": "payments"}, "expires": "2040-01-01T00:00:00Z"
    });
    desk.apply(&json!({ "to": to })).await?;
    desk.is_pushed().await?;
    let held = desk.holds("db", &desk.value("first")).await?;
    ensure!(held.version == first.version, "a new version: {held:?}");
    ensure!(
        held.content_type.as_deref() == Some("text/plain"),
        "{held:?}"
    );
    ensure!(held.tags["team"] == "payments", "{held:?}");
    ensure!(held.expires == Some(2_208_988_800), "{held:?}");
    ensure!(desk.count("SetSecret").await? == 1, "more than one version");
    // An update by somebody else is mended at the next look.
    let change = json!({"tags": {"lakevault-owner": held.tags["lakevault-owner"]}});
    desk.kit
        .admin()
        .patch_secret(&desk.kit.vault, "db", &change)
        .await?;
    until(SOON, "the tags are mended", async || {
        let held = desk.holds("db", &desk.value("first")).await;
        let held = held.map_err(|error| format!("{error:#}"))?;
        if held.tags.contains_key("team") {
            Ok(())
        } else {
            Err(format!("{held:?}"))
        }
    })
    .await
}

async fn what_is_there_already_is_kept_or_replaced(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let (theirs, _) = desk.kit.plant("db", "theirs").await?;
    desk.apply(&json!({})).await?;
    desk.fails(
        "PushTargetExists",
        &[
            "secret \"db\"",
            "ifExists: Replace",
            "az keyvault secret show",
        ],
    )
    .await?;
    desk.holds("db", &theirs).await?;
    ensure!(desk.count("SetSecret").await? == 0, "it was written");
    desk.apply(&json!({"ifExists": "Replace"})).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    ensure!(desk.count("SetSecret").await? == 1, "more than one version");
    Ok(())
}

async fn what_somebody_else_changed_is_told_or_repaired(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    desk.is_pushed().await?;
    let (theirs, _) = desk.kit.plant("db", "theirs").await?;
    desk.kit.sync_now("app").await?;
    desk.fails(
        "PushTargetChanged",
        &["secret/db", "somebody else", "ifExists: Replace"],
    )
    .await?;
    desk.holds("db", &theirs).await?;
    desk.apply(&json!({"ifExists": "Replace"})).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    // From now on it is repaired in the rhythm of the sync, and nobody asks.
    desk.kit.plant("db", "again").await?;
    desk.holds("db", &desk.value("first")).await?;
    Ok(())
}

async fn what_another_sync_owns_is_never_replaced(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let value = desk.value("of-another");
    let body = json!({"value": value, "tags": {"lakevault-owner": "a-cluster/team/app/uid"}});
    let path = format!("/vaults/{}/secrets/db", desk.kit.vault);
    desk.kit
        .admin()
        .call::<Value>(reqwest::Method::PUT, &path, Some(&body))
        .await?;
    desk.apply(&json!({"ifExists": "Replace", "deletionPolicy": "Delete"}))
        .await?;
    desk.fails(
        "PushTargetNotOurs",
        &["a-cluster/team/app/uid", "never replaced"],
    )
    .await?;
    desk.kit.remove("app").await?;
    desk.holds("db", &value).await?;
    for operation in ["SetSecret", "UpdateSecret", "DeleteSecret"] {
        ensure!(desk.count(operation).await? == 0, "{operation}");
    }
    Ok(())
}

async fn a_softly_deleted_name_is_recovered(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.kit.plant("db", "theirs").await?;
    desk.kit
        .admin()
        .delete_secret(&desk.kit.vault, "db")
        .await?;
    desk.apply(&json!({})).await?;
    desk.fails("PushTargetExists", &["softly deleted"]).await?;
    ensure!(
        desk.count("RecoverDeletedSecret").await? == 0,
        "it was recovered for nothing"
    );
    desk.apply(&json!({"ifExists": "Replace"})).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    ensure!(
        desk.count("RecoverDeletedSecret").await? == 1,
        "not recovered once"
    );
    ensure!(desk.count("SetSecret").await? == 1, "more than one version");
    Ok(())
}

async fn a_secret_that_does_not_consent_is_not_pushed(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let private = desk.value("private");
    desk.kit
        .make_secret(
            "private",
            json!({"k": private}),
            json!({"lakevault.dev/allow-push": "other"}),
        )
        .await?;
    desk.apply(&json!({"from": {"secret": "private", "key": "k"}}))
        .await?;
    let mend = "annotate secret private lakevault.dev/allow-push=app";
    desk.fails("PushNotAllowed", &["private", mend]).await?;
    ensure!(desk.vault.secret("db").await?.is_none(), "it was pushed");
    let consent = json!({"metadata": {"annotations": {"lakevault.dev/allow-push": "app"}}});
    desk.kit.damage("private", consent).await?;
    desk.holds("db", &private).await?;
    desk.is_pushed().await?;
    // What the sync owns needs no consent.
    desk.apply(&json!({"from": {"secret": "app", "key": "R"}}))
        .await?;
    let read = desk.vault.secret("read").await?.expect("planted");
    desk.holds("db", &read.value).await?;
    // A Secret that goes takes nothing with it.
    desk.apply(&json!({})).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    desk.kit
        .secrets()
        .delete("local", &kube::api::DeleteParams::default())
        .await?;
    desk.fails("PushSourceNotFound", &["there is no Secret", "local"])
        .await?;
    desk.holds("db", &desk.value("first")).await?;
    Ok(())
}

/// The document's YAML, with this test's vault and identity.
async fn documents_example_is_pushed(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let document = std::fs::read_to_string(testbed::binaries::repository().join("docs/push.md"))?;
    let block = document
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    for part in block.split("\n---\n") {
        let mut object: Value = serde_saphyr::from_str(part)?;
        object["metadata"]["namespace"] = json!(desk.kit.namespace);
        if object["kind"] == "VaultSecretSync" {
            object["spec"]["vaultUri"] = json!(desk.kit.endpoints().vault_url(&desk.kit.vault));
            object["spec"]["identityRef"] = json!({"name": "main"});
            object["spec"]["data"] = json!([{"key": "R", "secret": {"name": "read"}}]);
            let entries = object["spec"]["push"].as_array_mut().expect("push");
            // The certificate of the example is nobody's.
            entries.retain(|entry| entry["to"]["certificate"].is_null());
        }
        desk.kit.apply(object).await?;
    }
    desk.kit
        .says("payments", "Pushed", "True", "UpToDate")
        .await?;
    let held = desk.holds("db-password", "correct horse").await?;
    ensure!(held.tags["team"] == "payments", "{held:?}");
    Ok(())
}
