//! What the API server itself refuses: for each rule in `crds/` an object that is accepted and one that is not.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Error};
use serde_json::{Value, json};
use testbed::binaries;

use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        syncs_are_validated,
        identities_are_validated,
        cluster_identities_are_validated,
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

fn sync() -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": "x"},
        "spec": {"vaultUri": "https://kv.vault.azure.net", "data": [{"key": "K", "secret": {"name": "s"}}]}
    })
}

fn entry(change: &Value) -> Value {
    let mut entry = json!({"key": "K", "secret": {"name": "s"}});
    merge(&mut entry, change);
    json!({"spec": {"data": [entry]}})
}

fn keys(count: usize) -> Value {
    let entries: Vec<Value> = (0..count)
        .map(|n| json!({"key": format!("K{n}"), "secret": {"name": "s"}}))
        .collect();
    json!({"spec": {"data": entries}})
}

fn names(count: usize) -> Value {
    (0..count).map(|n| (format!("n{n}"), json!("v"))).collect()
}

fn sync_pairs() -> Vec<Pair> {
    let uri = |uri: &str| json!({"spec": {"vaultUri": uri}});
    let interval = |interval: &str| json!({"spec": {"refreshInterval": interval}});
    let target = |name: String| json!({"spec": {"target": {"name": name}}});
    let template = |template: Value| json!({"spec": {"template": template}});
    let identity = |identity: Value| json!({"spec": {"identityRef": identity}});
    let name = |name: String| json!({"metadata": {"name": name}});
    let secret = |secret: Value| entry(&json!({ "secret": secret }));
    let key = |key: String| entry(&json!({ "key": key }));
    let long =
        "metadata.name must have at most 63 characters: it is part of an annotation on the Secret";
    let twice = json!({"spec": {"data": [{"key": "K", "secret": {"name": "a"}}, {"key": "K", "secret": {"name": "b"}}]}});
    vec![
        pair(name(text(63)), name(text(64)), long),
        pair(
            uri("https://kv-1.vault.azure.net:8443/"),
            uri("http://kv.vault.azure.net"),
            "spec.vaultUri",
        ),
        pair(
            uri("https://KV.vault.azure.net"),
            uri("https://user@kv.vault.azure.net"),
            "spec.vaultUri",
        ),
        pair(
            uri("https://kv.vault.azure.net/"),
            uri("https://kv.vault.azure.net/secrets/x"),
            "spec.vaultUri",
        ),
        pair(
            uri(&format!("https://kv.{}", text(501))),
            uri(&format!("https://kv.{}", text(502))),
            "spec.vaultUri: Too long",
        ),
        pair(
            json!({}),
            json!({"spec": {"vaultUri": null}}),
            "spec.vaultUri: Required",
        ),
        pair(
            interval("10s"),
            interval("9.9s"),
            "refreshInterval must be 0s (once) or at least 10s",
        ),
        pair(
            interval("0s"),
            interval("1ms"),
            "refreshInterval must be 0s (once) or at least 10s",
        ),
        pair(interval("1h30m"), interval("-5m"), "spec.refreshInterval"),
        pair(
            interval("10000ms"),
            interval("5 minutes"),
            "spec.refreshInterval",
        ),
        pair(
            interval("1m"),
            interval(&format!("{}1m", "0".repeat(31))),
            "spec.refreshInterval: Too long",
        ),
        pair(keys(2), twice, "each key may stand once in data"),
        pair(keys(256), keys(257), "spec.data: Too many"),
        pair(keys(1), keys(0), "spec.data: Invalid value"),
        pair(
            json!({}),
            json!({"spec": {"data": null}}),
            "spec.data: Required",
        ),
        pair(
            key("-._aZ9".to_owned()),
            key("a/b".to_owned()),
            "spec.data[0].key",
        ),
        pair(
            key(".hidden".to_owned()),
            key("..hidden".to_owned()),
            "key must not be '.' and must not start with '..'",
        ),
        pair(
            key("a..b".to_owned()),
            key(".".to_owned()),
            "key must not be '.' and must not start with '..'",
        ),
        pair(key(text(253)), key(text(254)), "spec.data[0].key: Too long"),
        pair(key(text(1)), key(String::new()), "spec.data[0].key"),
        pair(
            secret(json!({"name": "Db-1"})),
            secret(json!({"name": "../keys/x"})),
            "spec.data[0].secret.name",
        ),
        pair(
            secret(json!({"name": text(127)})),
            secret(json!({"name": text(128)})),
            "spec.data[0].secret.name: Too long",
        ),
        pair(
            secret(json!({"version": "4387e9f3d6e14c459867679a90fd0f79"})),
            secret(json!({"version": "a/b"})),
            "spec.data[0].secret.version",
        ),
        pair(
            secret(json!({"version": text(64)})),
            secret(json!({"version": text(65)})),
            "spec.data[0].secret.version: Too long",
        ),
        pair(
            secret(json!({"property": text(1024)})),
            secret(json!({"property": text(1025)})),
            "spec.data[0].secret.property: Too long",
        ),
        pair(
            secret(json!({"property": "$.a['b.c']"})),
            secret(json!({"property": ""})),
            "spec.data[0].secret.property",
        ),
        pair(
            secret(json!({"decode": "Base64"})),
            secret(json!({"decode": "base64"})),
            "spec.data[0].secret.decode: Unsupported value",
        ),
        pair(
            secret(json!({"decode": "Base64Url"})),
            secret(json!({"decode": "Hex"})),
            "spec.data[0].secret.decode: Unsupported value",
        ),
        pair(
            identity(json!({"name": "a"})),
            identity(json!({"name": ""})),
            "spec.identityRef.name",
        ),
        pair(
            identity(json!({"name": text(253)})),
            identity(json!({"name": text(254)})),
            "spec.identityRef.name: Too long",
        ),
        pair(
            identity(json!({"kind": "ClusterAzureIdentity", "name": "a"})),
            identity(json!({"kind": "ServiceAccount", "name": "a"})),
            "spec.identityRef.kind: Unsupported value",
        ),
        pair(
            target("a-b.c".to_owned()),
            target("A_b".to_owned()),
            "spec.target.name",
        ),
        pair(
            target(text(253)),
            target(text(254)),
            "spec.target.name: Too long",
        ),
        pair(
            json!({"spec": {"target": {"ownership": "Merge"}}}),
            json!({"spec": {"target": {"ownership": "Share"}}}),
            "spec.target.ownership: Unsupported value",
        ),
        pair(
            json!({"spec": {"target": {"deletionPolicy": "Retain"}}}),
            json!({"spec": {"target": {"deletionPolicy": "Keep"}}}),
            "spec.target.deletionPolicy: Unsupported value",
        ),
        pair(
            template(json!({"labels": {"example.com/a": "b"}})),
            template(json!({"labels": {"lakevault.dev/managed": "no"}})),
            "labels of lakevault.dev belong to the operator",
        ),
        pair(
            template(json!({"annotations": {"example.com/a": "b"}})),
            template(json!({"annotations": {"sync.lakevault.dev/x": "{}"}})),
            "annotations of lakevault.dev belong to the operator",
        ),
        pair(
            template(json!({"labels": names(64)})),
            template(json!({"labels": names(65)})),
            "spec.template.labels: Too many",
        ),
        pair(
            template(json!({"annotations": names(64)})),
            template(json!({"annotations": names(65)})),
            "spec.template.annotations: Too many",
        ),
        pair(
            template(json!({"type": "kubernetes.io/tls"})),
            template(json!({"type": ""})),
            "spec.template.type",
        ),
        pair(
            template(json!({"type": text(253)})),
            template(json!({"type": text(254)})),
            "spec.template.type: Too long",
        ),
        pair(
            json!({"spec": {"suspend": true}}),
            json!({"spec": {"suspend": "yes"}}),
            "spec.suspend",
        ),
    ]
}

fn identity(kind: &str) -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"},
        "spec": {
            "tenantId": "11111111-1111-1111-1111-111111111111", "clientId": "22222222-2222-2222-2222-222222222222",
            "clientSecret": {"name": "sp", "key": "secret"}
        }
    })
}

fn identity_pairs() -> Vec<Pair> {
    let spec = |spec: Value| json!({ "spec": spec });
    let cloud = |cloud: Value| json!({"spec": {"cloud": cloud}});
    let custom = |change: Value| {
        let mut custom = json!({"authorityHost": "https://login.sim.test", "keyVault": {"dnsSuffix": "vault.sim.test"}});
        merge(&mut custom, &change);
        json!({"spec": {"cloud": {"custom": custom}}})
    };
    let account = |name: String| json!({"spec": {"clientSecret": null, "workloadIdentity": {"serviceAccountName": name}}});
    let url = |length: usize| format!("https://{}", text(length - 8));
    let one_credential = "exactly one credential must be set: clientSecret or workloadIdentity";
    let one_cloud = "exactly one of name and custom must be set";
    let both = json!({"name": "Public", "custom": {"authorityHost": "https://a", "keyVault": {"dnsSuffix": "b"}}});
    vec![
        pair(
            account("payments".to_owned()),
            spec(json!({"workloadIdentity": {"serviceAccountName": "a"}})),
            one_credential,
        ),
        pair(
            json!({}),
            spec(json!({"clientSecret": null})),
            one_credential,
        ),
        pair(
            cloud(json!({"name": "USGovernment"})),
            cloud(both),
            one_cloud,
        ),
        pair(custom(json!({})), cloud(json!({})), one_cloud),
        pair(
            cloud(json!({"name": "China"})),
            cloud(json!({"name": "Germany"})),
            "spec.cloud.name: Unsupported value",
        ),
        pair(
            spec(json!({"tenantId": "contoso.onmicrosoft.com"})),
            spec(json!({"tenantId": "a/b"})),
            "spec.tenantId",
        ),
        pair(
            spec(json!({"tenantId": text(253)})),
            spec(json!({"tenantId": text(254)})),
            "spec.tenantId",
        ),
        pair(
            spec(json!({"clientId": "ABCDEF01-2222-2222-2222-222222222222"})),
            spec(json!({"clientId": "payments"})),
            "spec.clientId",
        ),
        pair(
            spec(json!({"clientSecret": {"name": text(253), "key": text(253)}})),
            spec(json!({"clientSecret": {"name": text(254)}})),
            "spec.clientSecret.name: Too long",
        ),
        pair(
            json!({}),
            spec(json!({"clientSecret": {"key": text(254)}})),
            "spec.clientSecret.key: Too long",
        ),
        pair(
            json!({}),
            spec(json!({"clientSecret": {"name": ""}})),
            "spec.clientSecret.name",
        ),
        pair(
            json!({}),
            spec(json!({"clientSecret": {"key": ""}})),
            "spec.clientSecret.key",
        ),
        pair(
            account(text(253)),
            account(text(254)),
            "spec.workloadIdentity.serviceAccountName: Too long",
        ),
        pair(
            account(text(1)),
            account(String::new()),
            "spec.workloadIdentity.serviceAccountName",
        ),
        pair(
            custom(json!({"authorityHost": "https://login.local:8443/"})),
            custom(json!({"authorityHost": "http://login.local"})),
            "spec.cloud.custom.authorityHost",
        ),
        pair(
            custom(json!({"authorityHost": url(512)})),
            custom(json!({"authorityHost": url(513)})),
            "spec.cloud.custom.authorityHost: Too long",
        ),
        pair(
            custom(json!({"keyVault": {"dnsSuffix": "vault.local:8443"}})),
            custom(json!({"keyVault": {"dnsSuffix": "vault.local/x"}})),
            "spec.cloud.custom.keyVault.dnsSuffix",
        ),
        pair(
            custom(json!({"keyVault": {"dnsSuffix": text(253)}})),
            custom(json!({"keyVault": {"dnsSuffix": text(254)}})),
            "spec.cloud.custom.keyVault.dnsSuffix: Too long",
        ),
        pair(
            custom(json!({"keyVault": {"audience": text(512)}})),
            custom(json!({"keyVault": {"audience": text(513)}})),
            "spec.cloud.custom.keyVault.audience: Too long",
        ),
        pair(
            custom(json!({"keyVault": {"audience": "https://vault"}})),
            custom(json!({"keyVault": {"audience": ""}})),
            "spec.cloud.custom.keyVault.audience",
        ),
        pair(
            custom(json!({"resourceManager": {"endpoint": "https://m"}})),
            custom(json!({"resourceManager": {"endpoint": "m"}})),
            "spec.cloud.custom.resourceManager.endpoint",
        ),
        pair(
            custom(json!({"resourceManager": {"endpoint": url(512)}})),
            custom(json!({"resourceManager": {"endpoint": url(513)}})),
            "spec.cloud.custom.resourceManager.endpoint: Too long",
        ),
        pair(
            custom(json!({"resourceManager": {"endpoint": "https://m", "audience": text(512)}})),
            custom(json!({"resourceManager": {"endpoint": "https://m", "audience": text(513)}})),
            "spec.cloud.custom.resourceManager.audience: Too long",
        ),
        pair(
            custom(json!({"storage": {"suffix": "storage.local"}})),
            custom(json!({"storage": {"suffix": "storage/local"}})),
            "spec.cloud.custom.storage.suffix",
        ),
        pair(
            custom(json!({"storage": {"suffix": text(253)}})),
            custom(json!({"storage": {"suffix": text(254)}})),
            "spec.cloud.custom.storage.suffix: Too long",
        ),
    ]
}

fn allow_pairs() -> Vec<Pair> {
    let allow = |change: Value| {
        let mut entry = json!({"namespaces": {"names": ["team"]}});
        merge(&mut entry, &change);
        json!({"spec": {"allow": [entry]}})
    };
    let labels =
        |labels: Value| allow(json!({"namespaces": {"names": null, "matchLabels": labels}}));
    let all = |count: usize| -> Value { (0..count).map(|n| json!(format!("n{n}"))).collect() };
    let lent = |count: usize| -> Value {
        let entries: Vec<Value> = vec![json!({"namespaces": {"names": ["team"]}}); count];
        json!({"spec": {"allow": entries}})
    };
    vec![
        pair(
            labels(json!({"env": "prod"})),
            labels(json!({})),
            "matchLabels must not be empty",
        ),
        pair(
            allow(json!({})),
            allow(json!({"namespaces": {"names": null}})),
            "names or matchLabels must be set",
        ),
        pair(lent(64), lent(65), "spec.allow: Too many"),
        pair(
            allow(json!({"namespaces": {"names": [text(63)]}})),
            allow(json!({"namespaces": {"names": [text(64)]}})),
            "spec.allow[0].namespaces.names[0]: Too long",
        ),
        pair(
            json!({}),
            allow(json!({"namespaces": {"names": []}})),
            "spec.allow[0].namespaces.names",
        ),
        pair(
            allow(json!({"namespaces": {"names": all(1024)}})),
            allow(json!({"namespaces": {"names": all(1025)}})),
            "spec.allow[0].namespaces.names: Too many",
        ),
        pair(
            allow(json!({"vaults": ["kv-*"]})),
            allow(json!({"vaults": []})),
            "spec.allow[0].vaults",
        ),
        pair(
            allow(json!({"vaults": all(256)})),
            allow(json!({"vaults": all(257)})),
            "spec.allow[0].vaults: Too many",
        ),
        pair(
            allow(json!({"vaults": [text(127)]})),
            allow(json!({"vaults": [text(128)]})),
            "spec.allow[0].vaults[0]: Too long",
        ),
        pair(
            allow(json!({"secrets": ["a-*"]})),
            allow(json!({"secrets": []})),
            "spec.allow[0].secrets",
        ),
        pair(
            allow(json!({"secrets": all(256)})),
            allow(json!({"secrets": all(257)})),
            "spec.allow[0].secrets: Too many",
        ),
        pair(
            allow(json!({"secrets": [text(127)]})),
            allow(json!({"secrets": [text(128)]})),
            "spec.allow[0].secrets[0]: Too long",
        ),
        pair(
            allow(json!({})),
            json!({"spec": {"allow": [{"vaults": ["kv"]}]}}),
            "spec.allow[0].namespaces: Required",
        ),
    ]
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
    hold(&kit, identity("AzureIdentity"), identity_pairs(), true).await
}

async fn cluster_identities_are_validated(kit: Kit) -> Result<()> {
    let pairs = identity_pairs().into_iter().chain(allow_pairs()).collect();
    hold(&kit, identity("ClusterAzureIdentity"), pairs, false).await
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
    let all = || identity_pairs().into_iter().chain(allow_pairs());
    let tables: [(&str, Vec<Pair>); 3] = [
        ("vaultsecretsyncs", sync_pairs()),
        ("azureidentities", identity_pairs()),
        ("clusterazureidentities", all().collect()),
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
    ensure!(crds == 3, "crds/ holds a definition that no table is for");
    Ok(())
}
