//! Pairs for AzureIdentity and ClusterAzureIdentity.

use serde_json::{Value, json};

use super::{Pair, merge, pair, text};

pub fn identity(kind: &str) -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"},
        "spec": {
            "tenantId": "11111111-1111-1111-1111-111111111111", "clientId": "22222222-2222-2222-2222-222222222222",
            "clientSecret": {"name": "sp", "key": "secret"}
        }
    })
}

pub fn identity_pairs() -> Vec<Pair> {
    [of_clouds(), of_credentials()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_clouds() -> Vec<Pair> {
    let cloud = |cloud: Value| json!({"spec": {"cloud": cloud}});
    let custom = |change: Value| {
        let mut custom = json!({"authorityHost": "https://login.sim.test", "keyVault": {"dnsSuffix": "vault.sim.test"}});
        merge(&mut custom, &change);
        json!({"spec": {"cloud": {"custom": custom}}})
    };
    let url = |length: usize| format!("https://{}", text(length - 8));
    let one_cloud = "exactly one of name and custom must be set";
    let both = json!({"name": "Public", "custom": {"authorityHost": "https://a", "keyVault": {"dnsSuffix": "b"}}});
    vec![
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

fn of_credentials() -> Vec<Pair> {
    let spec = |spec: Value| json!({ "spec": spec });
    let account = |name: String| json!({"spec": {"clientSecret": null, "workloadIdentity": {"serviceAccountName": name}}});
    let one_credential = "exactly one credential must be set: clientSecret or workloadIdentity";
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
    ]
}

pub fn allow_pairs() -> Vec<Pair> {
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
