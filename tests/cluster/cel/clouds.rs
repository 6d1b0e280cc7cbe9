//! Pairs for `spec.cloud` of AzureIdentity and ClusterAzureIdentity.

use serde_json::{Value, json};

use super::{Pair, merge, pair, text};

fn url(length: usize) -> String {
    format!("https://{}", text(length - 8))
}

pub fn of_clouds() -> Vec<Pair> {
    let cloud = |cloud: Value| json!({"spec": {"cloud": cloud}});
    let told = |endpoint: &str| cloud(json!({"resourceManagerEndpoint": endpoint}));
    let bundle = |name: &str, key: &str| {
        cloud(json!({
            "resourceManagerEndpoint": "https://management.local.azurestack.external",
            "caBundle": {"configMap": {"name": name, "key": key}}
        }))
    };
    let custom = json!({"authorityHost": "https://a", "keyVault": {"dnsSuffix": "b"}});
    let one_cloud = "exactly one of name, resourceManagerEndpoint and custom must be set";
    let both = |name: &str, value: Value| cloud(json!({"name": "Public", name: value}));
    let named_with_bundle =
        json!({"name": "Public", "caBundle": {"configMap": {"name": "a", "key": "b"}}});
    vec![
        pair(
            cloud(json!({"name": "USGovernment"})),
            both("custom", custom.clone()),
            one_cloud,
        ),
        pair(
            told("https://management.local.azurestack.external"),
            both("resourceManagerEndpoint", json!("https://m")),
            one_cloud,
        ),
        pair(
            cloud(json!({"custom": custom})),
            cloud(json!({})),
            one_cloud,
        ),
        pair(
            cloud(json!({"name": "China"})),
            cloud(json!({"name": "Germany"})),
            "spec.cloud.name: Unsupported value",
        ),
        pair(
            told("https://management.local:8443/"),
            told("https://management.local/metadata"),
            "spec.cloud.resourceManagerEndpoint",
        ),
        pair(
            told(&url(512)),
            told(&url(513)),
            "spec.cloud.resourceManagerEndpoint: Too long",
        ),
        pair(
            bundle("stack-ca", "ca.crt"),
            cloud(named_with_bundle),
            "caBundle does not go with name: Microsoft's clouds have public certificates",
        ),
        pair(
            bundle(&text(253), "k"),
            bundle(&text(254), "k"),
            "spec.cloud.caBundle.configMap.name: Too long",
        ),
        pair(
            bundle("n", "k"),
            bundle("", "k"),
            "spec.cloud.caBundle.configMap.name",
        ),
        pair(
            bundle("n", &text(253)),
            bundle("n", &text(254)),
            "spec.cloud.caBundle.configMap.key: Too long",
        ),
        pair(
            bundle("n", "k"),
            bundle("n", ""),
            "spec.cloud.caBundle.configMap.key",
        ),
    ]
}

pub fn of_custom_clouds() -> Vec<Pair> {
    let custom = |change: Value| {
        let mut custom = json!({"authorityHost": "https://login.sim.test", "keyVault": {"dnsSuffix": "vault.sim.test"}});
        merge(&mut custom, &change);
        json!({"spec": {"cloud": {"custom": custom}}})
    };
    vec![
        pair(
            custom(json!({"authorityHost": "https://adfs.local/adfs", "tokenEndpoint": "ADFS"})),
            custom(json!({"tokenEndpoint": "V3"})),
            "spec.cloud.custom.tokenEndpoint: Unsupported value",
        ),
        pair(
            custom(json!({"keyVault": {"apiVersion": "2016-10-01"}})),
            custom(json!({"keyVault": {"apiVersion": "7.4&x"}})),
            "spec.cloud.custom.keyVault.apiVersion",
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
            custom(json!({"resourceManager": {"endpoint": "https://m", "profile": "AzureStack"}})),
            custom(json!({"resourceManager": {"endpoint": "https://m", "profile": "Germany"}})),
            "spec.cloud.custom.resourceManager.profile: Unsupported value",
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
            custom(
                json!({"storage": {"suffix": "storage.local", "dataLakeStoreSuffix": "lake.local"}}),
            ),
            custom(
                json!({"storage": {"suffix": "storage.local", "dataLakeStoreSuffix": "lake/local"}}),
            ),
            "spec.cloud.custom.storage.dataLakeStoreSuffix",
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
