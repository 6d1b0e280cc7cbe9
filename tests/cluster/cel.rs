//! What the API server itself refuses: for each rule in `crds/` an object that is accepted and one that is not.

mod clouds;
mod data_lake_accounts;
mod identities;
mod key_vaults;
mod lakes;
mod pushes;
mod resources;
mod sources;
mod syncs;
mod targets;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Error};
use serde_json::{Value, json};
use testbed::binaries;

use self::data_lake_accounts::{account, account_changes, account_pairs};
use self::identities::{identity, identity_pairs};
use self::key_vaults::{key_vault, key_vault_changes, key_vault_pairs};
use self::syncs::{sync, sync_pairs};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        syncs_are_validated,
        identities_are_validated,
        cluster_identities_are_validated,
        key_vaults_are_validated,
        changes_of_key_vaults_are_validated,
        accounts_are_validated,
        changes_of_accounts_are_validated,
        every_rule_of_the_definitions_has_its_pair
    ]
}

/// A change of the smallest right object that is accepted, one that is refused, and words of the refusal.
struct Pair {
    good: Value,
    bad: Value,
    /// The rule's message, or the field and the limit.
    refusal: &'static str,
}

fn pair(good: Value, bad: Value, refusal: &'static str) -> Pair {
    Pair { good, bad, refusal }
}

fn text(length: usize) -> String {
    "a".repeat(length)
}

fn names(count: usize) -> Value {
    (0..count).map(|n| (format!("n{n}"), json!("v"))).collect()
}

/// Merges as `kubectl patch --type merge` does.
fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                if value.is_null() {
                    into.remove(name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (into, change) => *into = change.clone(),
    }
}

async fn hold(kit: &Kit, smallest: Value, pairs: Vec<Pair>, namespaced: bool) -> Result<()> {
    let kind = smallest["kind"].as_str().unwrap_or_default();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("lakevault.dev", "v1alpha1", kind));
    let api: Api<DynamicObject> = if namespaced {
        Api::namespaced_with(kit.client(), &kit.namespace, &resource)
    } else {
        Api::all_with(kit.client(), &resource)
    };
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    for Pair { good, bad, refusal } in pairs {
        let changed = |change: &Value| {
            let mut object = smallest.clone();
            merge(&mut object, change);
            serde_json::from_value::<DynamicObject>(object)
        };
        api.create(&params, &changed(&good)?)
            .await
            .with_context(|| format!("{refusal}: refused is {good}"))?;
        match api.create(&params, &changed(&bad)?).await {
            Err(Error::Api(status)) if status.code == 422 => ensure!(
                status.message.contains(refusal),
                "{bad} is refused without {refusal:?}: {}",
                status.message
            ),
            Err(error) => anyhow::bail!("{bad}: {error}"),
            Ok(_) => anyhow::bail!("{refusal}: accepted is {bad}"),
        }
    }
    Ok(())
}

async fn syncs_are_validated(kit: Kit) -> Result<()> {
    hold(&kit, sync(), sync_pairs(), true).await
}

async fn identities_are_validated(kit: Kit) -> Result<()> {
    let kind = "AzureIdentity";
    hold(&kit, identity(kind), identity_pairs(kind), true).await
}

async fn cluster_identities_are_validated(kit: Kit) -> Result<()> {
    let kind = "ClusterAzureIdentity";
    hold(&kit, identity(kind), identity_pairs(kind), false).await
}

async fn key_vaults_are_validated(kit: Kit) -> Result<()> {
    hold(&kit, key_vault(), key_vault_pairs(), true).await
}

async fn changes_of_key_vaults_are_validated(kit: Kit) -> Result<()> {
    let mut smallest = key_vault();
    smallest["spec"]["azureName"] = json!("kv-changes");
    holds_changes(&kit, smallest, key_vault_changes()).await
}

async fn accounts_are_validated(kit: Kit) -> Result<()> {
    hold(&kit, account(), account_pairs(), true).await
}

async fn changes_of_accounts_are_validated(kit: Kit) -> Result<()> {
    let mut smallest = account();
    smallest["spec"]["azureName"] = json!("lakechanges");
    holds_changes(&kit, smallest, account_changes()).await
}

/// Rules that compare with what was there.
async fn holds_changes(kit: &Kit, mut object: Value, pairs: Vec<Pair>) -> Result<()> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("lakevault.dev", "v1alpha1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(kit.client(), &kit.namespace, &resource);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let name = name.to_owned();
    object["metadata"]["namespace"] = json!(kit.namespace);
    kit.apply(object).await?;
    let params = kube::api::PatchParams {
        dry_run: true,
        ..Default::default()
    };
    for Pair { good, bad, refusal } in pairs {
        let patch = |change: &Value| kube::api::Patch::Merge(change.clone());
        api.patch(&name, &params, &patch(&good))
            .await
            .with_context(|| format!("{refusal}: refused is {good}"))?;
        match api.patch(&name, &params, &patch(&bad)).await {
            Err(Error::Api(status)) if status.message.contains(refusal) => {}
            outcome => anyhow::bail!("{refusal}: {bad}: {:?}", outcome.map(|_| ())),
        }
    }
    Ok(())
}

/// What one part of a schema demands: the messages of its rules, and the fields with another limit, by path.
fn demands(
    schema: &Value,
    path: &str,
    messages: &mut BTreeSet<String>,
    fields: &mut BTreeSet<String>,
) {
    for rule in schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
    {
        messages.insert(
            rule["message"]
                .as_str()
                .unwrap_or("a rule without a message")
                .to_owned(),
        );
    }
    let limits = [
        "pattern",
        "enum",
        "maxLength",
        "minLength",
        "maxItems",
        "minItems",
        "maxProperties",
    ];
    if limits.iter().any(|limit| !schema[limit].is_null()) {
        fields.insert(path.to_owned());
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        demands(inner, &format!("{path}.{name}"), messages, fields);
    }
    if !schema["items"].is_null() {
        demands(&schema["items"], &format!("{path}[0]"), messages, fields);
    }
}

async fn every_rule_of_the_definitions_has_its_pair(_: Kit) -> Result<()> {
    let of_key_vaults = key_vault_pairs().into_iter().chain(key_vault_changes());
    let of_accounts = account_pairs().into_iter().chain(account_changes());
    let tables: [(&str, Vec<Pair>); 5] = [
        ("datalakeaccounts", of_accounts.collect()),
        ("keyvaults", of_key_vaults.collect()),
        ("vaultsecretsyncs", sync_pairs()),
        ("azureidentities", identity_pairs("AzureIdentity")),
        (
            "clusterazureidentities",
            identity_pairs("ClusterAzureIdentity"),
        ),
    ];
    for (plural, pairs) in tables {
        let path = binaries::repository().join(format!("crds/{plural}.yaml"));
        let crd: Value = serde_saphyr::from_str(&std::fs::read_to_string(path)?)?;
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let (mut messages, mut fields) = (BTreeSet::new(), BTreeSet::new());
        demands(
            &json!({"x-kubernetes-validations": schema["x-kubernetes-validations"]}),
            "",
            &mut messages,
            &mut fields,
        );
        demands(
            &schema["properties"]["spec"],
            "spec",
            &mut messages,
            &mut fields,
        );
        ensure!(
            !messages.is_empty() && fields.len() > 5,
            "{plural}: the walk found next to nothing"
        );
        let named = |wanted: &str, exact: bool| {
            pairs.iter().any(|pair| {
                pair.refusal == wanted || !exact && pair.refusal.starts_with(&format!("{wanted}: "))
            })
        };
        let without: Vec<&String> = messages
            .iter()
            .filter(|message| !named(message, true))
            .chain(fields.iter().filter(|field| !named(field, false)))
            .collect();
        ensure!(
            without.is_empty(),
            "{plural}: no pair of objects for {without:?}"
        );
    }
    let crds = std::fs::read_dir(binaries::repository().join("crds"))?.count();
    ensure!(crds == 5, "crds/ holds a definition that no table is for");
    Ok(())
}
