//! `lakevault plan` and `lakevault import` beside what the operator then does.

mod accounts;
mod imports;
mod secrets;

use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Scratch, binaries};
use tokio::process::Command;

use crate::hands::told;
use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, PLANTED};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_plan_is_what_the_operator_does,
        an_object_of_the_cluster_brings_its_record,
        a_vault_that_is_to_go_is_planned_for,
        whatever_a_vault_needs_first_is_planned,
        what_stands_in_the_way_is_told,
        a_caller_who_knows_little_of_the_cluster_sees_no_difference,
    ]
    .into_iter()
    .chain(secrets::cases())
    .chain(imports::cases())
    .chain(accounts::cases())
    .collect()
}

/// Runs the command line, as whoever made the cluster.
struct Desk {
    kit: Kit,
    folder: Scratch,
}

impl Desk {
    fn new(kit: &Kit) -> Result<Self> {
        Ok(Self {
            kit: kit.clone(),
            folder: Scratch::new("cluster-plans")?,
        })
    }

    fn file(&self, objects: &[Value]) -> Result<PathBuf> {
        let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
        self.text(&texts.join("\n---\n"))
    }

    fn text(&self, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join("objects.yaml");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let endpoints = self.kit.endpoints();
        let output = Command::new(binaries::operator()?)
            .args(arguments)
            .args(["-n", &self.kit.namespace])
            .env("KUBECONFIG", self.kit.world.control_plane.kubeconfig())
            .env("LAKEVAULT_CA_FILE", &endpoints.ca_file)
            .env("LAKEVAULT_HOSTS_FILE", &endpoints.hosts_file)
            .kill_on_drop(true)
            .output()
            .await?;
        ensure!(!told(&output).contains(PLANTED), "{}", told(&output));
        Ok(output)
    }

    /// The plans for a file, and the exit code.
    async fn plan(&self, objects: &[Value]) -> Result<(Value, i32)> {
        let file = self.file(objects)?;
        self.plan_of(&file.to_string_lossy(), &[]).await
    }

    async fn plan_of(&self, file: &str, further: &[&str]) -> Result<(Value, i32)> {
        let arguments = [&["plan", "-o", "json", "-f", file], further].concat();
        let output = self.run(&arguments).await?;
        let plans = serde_json::from_slice(&output.stdout).with_context(|| told(&output))?;
        let code = output.status.code().with_context(|| told(&output))?;
        Ok((plans, code))
    }
}

/// Paths of the differences.
fn paths(plan: &Value) -> Vec<String> {
    let all = plan["differences"].as_array().cloned().unwrap_or_default();
    let path = |one: &Value| one["path"].as_str().unwrap_or_default().to_owned();
    all.iter().map(path).collect()
}

async fn a_plan_is_what_the_operator_does(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    let wanted = |spec: &mut Value| {
        spec["sku"] = json!("Premium");
        spec["roleAssignments"] = json!([{
            "principalId": estate.kit.object_id, "role": "Key Vault Secrets User"
        }]);
    };
    let (plans, code) = desk.plan(&[estate.vault(wanted)]).await?;
    let role = format!(
        "assign role \"Key Vault Secrets User\" to {}",
        estate.kit.object_id
    );
    ensure!(
        plans[0]["steps"] == json!(["create the vault", role]),
        "{plans}"
    );
    ensure!(code == 2, "{code}");
    let owner = &plans[0]["differences"];
    ensure!(owner.to_string().contains("<uid when created>"), "{owner}");
    ensure!(estate.writes().await?.is_empty(), "a plan wrote to Azure");
    let found = estate.kit.key_vaults().get_opt(&estate.name).await?;
    ensure!(found.is_none(), "a plan wrote to the cluster");

    estate.ready(wanted).await?;
    let writes = estate.writes().await?;
    ensure!(
        writes == ["CreateOrUpdateVault", "CreateRoleAssignment"],
        "{writes:?}"
    );
    let (plans, code) = desk.plan(&[estate.vault(wanted)]).await?;
    ensure!(code == 0 && plans[0]["steps"] == json!([]), "{plans}");

    // Somebody else changes it.
    let change = json!({"sku": "standard"});
    estate
        .kit
        .admin()
        .patch_vault(&estate.name, &change)
        .await?;
    let (plans, code) = desk.plan(&[estate.vault(wanted)]).await?;
    let expected = json!([{"path": "sku", "is": "Standard", "willBe": "Premium"}]);
    ensure!(plans[0]["differences"] == expected, "{plans}");
    ensure!(
        code == 2 && plans[0]["steps"] == json!(["update sku"]),
        "{plans}"
    );
    ensure!(estate.writes().await?.len() == 2, "a plan wrote to Azure");
    Ok(())
}

/// That a tag is to go is known from the record alone.
async fn an_object_of_the_cluster_brings_its_record(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    estate
        .ready(|spec| spec["tags"] = json!({"a": "b", "c": "d"}))
        .await?;
    let edited = estate.vault(|spec| spec["tags"] = json!({"c": "d"}));
    let (plans, code) = desk.plan(&[edited]).await?;
    let expected = json!([{"path": "tags.a", "is": "b", "willBe": "(none)"}]);
    ensure!(plans[0]["differences"] == expected && code == 2, "{plans}");
    let other = estate.vault(|spec| spec["resourceGroup"]["name"] = json!("other"));
    let (plans, code) = desk.plan(&[other]).await?;
    let reason = &plans[0]["obstacles"][0]["reason"];
    ensure!(reason == "ResourceIdChanged" && code == 1, "{plans}");
    Ok(())
}

async fn a_vault_that_is_to_go_is_planned_for(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    let sync = estate.kit.sync("app", &[("K", "s")], |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["vaultRef"] = json!({"name": estate.name});
        spec["identityRef"]["name"] = json!("manager");
    });
    estate.kit.apply(sync).await?;
    estate.delete().await?;
    estate.says("Deleting", "True", "StillNamed").await?;
    let object = estate.vault(|spec| spec["deletionPolicy"] = json!("Delete"));
    let (plans, code) = desk.plan(std::slice::from_ref(&object)).await?;
    let obstacle = &plans[0]["obstacles"][0];
    ensure!(obstacle["reason"] == "StillNamed" && code == 1, "{plans}");
    let mut forced = object;
    forced["metadata"]["annotations"] = json!({"lakevault.dev/force-delete": "true"});
    let (plans, code) = desk.plan(&[forced]).await?;
    let expected = json!(["delete the vault", "let this object go"]);
    ensure!(plans[0]["steps"] == expected && code == 2, "{plans}");
    ensure!(estate.in_azure().await?.is_some());
    estate
        .annotate("lakevault.dev/force-delete", "true")
        .await?;
    estate.is_gone().await
}

async fn whatever_a_vault_needs_first_is_planned(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["providers"] = json!({"Microsoft.KeyVault": "NotRegistered"});
        subscription["resourceGroups"] = json!([]);
    })
    .await?;
    let desk = Desk::new(&estate.kit)?;
    let object = estate.vault(|spec| spec["resourceGroup"]["create"] = json!(true));
    let (plans, code) = desk.plan(&[object]).await?;
    let expected = json!([
        "create the resource group",
        "register the resource provider Microsoft.KeyVault",
        "create the vault"
    ]);
    ensure!(plans[0]["steps"] == expected && code == 2, "{plans}");
    // A name that somebody else has is told ahead, too.
    let taken = estate.vault(|spec| {
        spec["resourceGroup"]["create"] = json!(true);
        spec["azureName"] = json!(estate.kit.vault);
    });
    let (plans, code) = desk.plan(&[taken]).await?;
    let reason = &plans[0]["obstacles"][0]["reason"];
    ensure!(reason == "NameTaken" && code == 1, "{plans}");
    ensure!(estate.writes().await?.is_empty(), "a plan wrote to Azure");
    Ok(())
}

async fn what_stands_in_the_way_is_told(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    let owner = "other-cluster/team/kv/00000000-0000-0000-0000-000000000001";
    estate
        .make_in_azure(|vault| vault["tags"] = json!({"lakevault-owner": owner}))
        .await?;
    let (plans, code) = desk
        .plan(&[estate.vault(|spec| spec["adopt"] = json!("Always"))])
        .await?;
    let obstacle = &plans[0]["obstacles"][0];
    ensure!(
        obstacle["reason"] == "ResourceNotOurs" && code == 1,
        "{plans}"
    );
    ensure!(obstacle["message"].to_string().contains(owner), "{plans}");
    // With an identity that there is not.
    let file = desk.file(&[estate.vault(|_| ())])?;
    let (plans, code) = desk
        .plan_of(&file.to_string_lossy(), &["--identity", "nobody"])
        .await?;
    let reason = &plans[0]["obstacles"][0]["reason"];
    ensure!(reason == "IdentityNotFound" && code == 1, "{plans}");
    // What is wrong with the command is no difference either.
    for arguments in [vec!["plan", "--no-such-flag"], vec!["plan", "-f", "/none"]] {
        let output = desk.run(&arguments).await?;
        ensure!(output.status.code() == Some(1), "{}", told(&output));
    }
    Ok(())
}

/// The owner tag begins with the uid of kube-system, which few may read.
async fn a_caller_who_knows_little_of_the_cluster_sees_no_difference(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    estate.ready(|_| ()).await?;
    let (kit, user) = (&estate.kit, format!("reader-{}", estate.kit.namespace));
    let meta = json!({"name": "reader", "namespace": kit.namespace});
    let group = "rbac.authorization.k8s.io";
    let verbs = json!(["get", "list"]);
    kit.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": meta,
        "rules": [
            {"apiGroups": ["lakevault.dev"], "resources": ["*"], "verbs": verbs},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": verbs},
        ]
    }))
    .await?;
    kit.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}]
    }))
    .await?;
    let kubeconfig = kit.world.control_plane.user_kubeconfig(&user, &[])?;
    let file = desk.file(&[estate.vault(|_| ())])?;
    let (plans, code) = desk
        .plan_of(
            &file.to_string_lossy(),
            &["--kubeconfig", &kubeconfig.to_string_lossy()],
        )
        .await?;
    ensure!(code == 0, "{plans}");
    Ok(())
}
