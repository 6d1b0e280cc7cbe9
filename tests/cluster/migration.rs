//! Secrets of other operators change hands by the commands that `lakevault migrate` prints, and nobody who reads them sees it.

mod old;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use testbed::{binaries, until};

use self::old::{Old, Seen, Shape, migrate};
use crate::hands::owners;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        the_api_server_takes_what_is_made_of_the_corpus,
        an_external_secret_hands_over_its_secret,
        azure_key_vault_secrets_hand_over_their_secret,
        a_secret_provider_class_hands_over_its_secret,
        without_consent_nothing_is_touched,
    ]
}

async fn the_api_server_takes_what_is_made_of_the_corpus(kit: Kit) -> Result<()> {
    let kubectl = kit.world.control_plane.kubectl();
    for name in ["team", "shop"] {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        kubectl.apply_yaml(&namespace.to_string()).await?;
    }
    let folder = binaries::repository().join("tests/fixtures/migrate");
    let folder = folder.to_str().context("no UTF-8")?;
    let printed = migrate(&kit, &["-f", folder], None).await?;
    // Other tests have a ClusterAzureIdentity of this name.
    let printed = printed.replace("name: shared\n", &format!("name: {}\n", kit.namespace));
    let line = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
    let taken = kubectl.run_with_input(line, &printed).await?;
    let objects = printed.matches("\napiVersion: ").count();
    ensure!(
        objects > 20 && taken.lines().count() == objects,
        "{objects} in\n{taken}"
    );
    Ok(())
}

/// Lets the Secret change hands, and looks at all that anybody could see of it meanwhile.
async fn hands_over(old: &Old, commands: &[String]) -> Result<Seen> {
    let before = old.kit.secret("app").await?;
    let watch = old.watch(&before);
    for command in commands {
        old.shell(command).await?;
    }
    old.kit.is_synced("app").await?;
    let after = old.kit.secret("app").await?;
    let seen = watch.until(&after).await?;
    seen.nothing_but_metadata_changed(&before)?;
    let owner = owners(&after).first().context("no owner")?;
    ensure!(
        owners(&after).len() == 1 && owner.kind == "VaultSecretSync",
        "{:?}",
        owners(&after)
    );
    Ok(seen)
}

/// The sync keeps the Secret from now on, and leaves it behind where it is told to.
async fn is_kept_and_can_be_given_back(old: &Old, before: &Secret) -> Result<()> {
    let kit = &old.kit;
    let (value, _) = kit.plant("s", "second").await?;
    kit.look("app").await?;
    let told = |secret: &Secret| {
        let data = secret.data.as_ref().and_then(|data| data.get("K"));
        data.is_some_and(|held| held.0 == value.as_bytes())
    };
    let after = kit.secret_when("app", "it follows the vault", told).await?;
    ensure!(after.metadata.uid == before.metadata.uid, "another Secret");
    // The way back.
    kit.edit(
        "app",
        json!({"spec": {"target": {"deletionPolicy": "Retain"}}}),
    )
    .await?;
    kit.secret_when("app", "no owner", |secret| owners(secret).is_empty())
        .await?;
    kit.remove("app").await?;
    kit.marker().await?;
    let left = kit.secret("app").await?;
    ensure!(
        left.metadata.uid == before.metadata.uid && left.data == after.data,
        "it did not stay"
    );
    Ok(())
}

async fn an_external_secret_hands_over_its_secret(kit: Kit) -> Result<()> {
    let old = Old::set(kit, Shape::External).await?;
    let before = old.kit.secret("app").await?;
    let commands = old.convert_and_apply().await?;
    // A workload that reads the Secret is not restarted by this.
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "none"}]}});
    old.kit.apply(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": old.kit.namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }))
    .await?;
    old.kit
        .edit(
            "app",
            json!({"spec": {"rollout": [{"kind": "Deployment", "name": "web"}]}}),
        )
        .await?;
    hands_over(&old, &commands).await?;
    old.is_deleted("externalsecret", "app").await?;
    old.the_owner_takes_others_along().await?;
    ensure!(
        old.kit.secret("app").await?.metadata.uid == before.metadata.uid,
        "collected"
    );
    let labels = old
        .kit
        .secret("app")
        .await?
        .metadata
        .labels
        .unwrap_or_default();
    ensure!(
        !labels.keys().any(|name| name.contains("external-secrets")),
        "{labels:?}"
    );
    let line = [
        "-n",
        &old.kit.namespace,
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.spec.template.metadata.annotations}",
    ];
    let annotations = old.kit.world.control_plane.kubectl().run(line).await?;
    ensure!(annotations.trim().is_empty(), "restarted: {annotations}");
    is_kept_and_can_be_given_back(&old, &before).await
}

async fn azure_key_vault_secrets_hand_over_their_secret(kit: Kit) -> Result<()> {
    let old = Old::set(kit, Shape::Akv2k8s).await?;
    let before = old.kit.secret("app").await?;
    let commands = old.convert_and_apply().await?;
    // Whoever leaves the last word out loses nothing: the Secret has let go of its owner before.
    let commands: Vec<String> = commands
        .iter()
        .map(|command| command.replace("--cascade=orphan", "--cascade=background"))
        .collect();
    hands_over(&old, &commands).await?;
    old.is_deleted("azurekeyvaultsecret", "app").await?;
    old.the_owner_takes_others_along().await?;
    ensure!(
        old.kit.secret("app").await?.metadata.uid == before.metadata.uid,
        "collected"
    );
    is_kept_and_can_be_given_back(&old, &before).await
}

async fn a_secret_provider_class_hands_over_its_secret(kit: Kit) -> Result<()> {
    let old = Old::set(kit, Shape::Csi).await?;
    let before = old.kit.secret("app").await?;
    let commands = old.convert_and_apply().await?;
    hands_over(&old, &commands).await?;
    // What owned it was a ReplicaSet of the pods.
    old.the_owner_takes_others_along().await?;
    ensure!(
        old.kit.secret("app").await?.metadata.uid == before.metadata.uid,
        "collected"
    );
    is_kept_and_can_be_given_back(&old, &before).await
}

async fn without_consent_nothing_is_touched(kit: Kit) -> Result<()> {
    let old = Old::set(kit, Shape::Akv2k8s).await?;
    let before = old.kit.secret("app").await?;
    old.convert_and_apply().await?;
    old.kit
        .says("app", "Synced", "False", "TargetNotOurs")
        .await?;
    old.kit.marker().await?;
    crate::hands::untouched(&before, &old.kit.secret("app").await?)?;
    // The sync that was never let in takes nothing along.
    old.kit
        .syncs()
        .delete("app", &DeleteParams::default())
        .await?;
    until(
        SOON,
        "the sync goes and the Secret stays",
        async || match old.kit.syncs().get_opt("app").await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await?;
    crate::hands::untouched(&before, &old.kit.secret("app").await?)
}

/// What an object's field says.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
