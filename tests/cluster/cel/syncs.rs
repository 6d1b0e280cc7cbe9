//! Pairs for VaultSecretSync.

use serde_json::{Value, json};

use super::sources::source_pairs;
use super::targets::{target_pairs, time_pairs};
use super::{Pair, merge, names, pair, text};

pub fn sync() -> Value {
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

fn merged(mut value: Value, change: &Value) -> Value {
    merge(&mut value, change);
    value
}

fn keys(count: usize) -> Value {
    let entries: Vec<Value> = (0..count)
        .map(|n| json!({"key": format!("K{n}"), "secret": {"name": "s"}}))
        .collect();
    json!({"spec": {"data": entries}})
}

pub fn sync_pairs() -> Vec<Pair> {
    [
        of_vault(),
        of_key_vaults(),
        target_pairs(),
        time_pairs(),
        of_rollouts(),
        of_secrets(),
        of_tokens(),
        of_keys(),
        super::pushes::of_pushes(),
        source_pairs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_vault() -> Vec<Pair> {
    let uri = |uri: &str| json!({"spec": {"vaultUri": uri}});
    let interval = |interval: &str| json!({"spec": {"refreshInterval": interval}});
    let identity = |identity: Value| json!({"spec": {"identityRef": identity}});
    let name = |name: String| json!({"metadata": {"name": name}});
    let long =
        "metadata.name must have at most 63 characters: it is part of an annotation on the Secret";
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
            "vaultUri or vaultRef must be set where an entry is of a vault and names none of its own",
        ),
        pair(
            entry(&json!({"vaultUri": "https://kv2.vault.azure.net"})),
            entry(&json!({"vaultUri": "http://kv2.vault.azure.net"})),
            "spec.data[0].vaultUri",
        ),
        pair(
            merged(
                entry(&json!({"vaultUri": "https://kv2.vault.azure.net"})),
                &json!({"spec": {"vaultUri": null}}),
            ),
            entry(
                &json!({"secret": null, "accessToken": {"resource": "api://x"}, "vaultUri": "https://kv2.vault.azure.net"}),
            ),
            "vaultUri and vaultRef have no meaning beside accessToken",
        ),
        pair(
            entry(&json!({"vaultUri": format!("https://kv.{}", text(501))})),
            entry(&json!({"vaultUri": format!("https://kv.{}", text(502))})),
            "spec.data[0].vaultUri: Too long",
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
            json!({"spec": {"suspend": true}}),
            json!({"spec": {"suspend": "yes"}}),
            "spec.suspend",
        ),
    ]
}

fn of_key_vaults() -> Vec<Pair> {
    let own = |name: String| json!({"spec": {"vaultUri": null, "vaultRef": {"name": name}}});
    let of_entry = |name: String| entry(&json!({"vaultRef": {"name": name}}));
    let kv = || json!({"name": "kv"});
    let one = "at most one of vaultUri and vaultRef may be set";
    let needed =
        "vaultUri or vaultRef must be set where an entry is of a vault and names none of its own";
    let token = json!({"secret": null, "accessToken": {"resource": "api://x"}});
    vec![
        pair(own(text(1)), json!({"spec": {"vaultRef": kv()}}), one),
        pair(
            of_entry(text(1)),
            entry(&json!({"vaultUri": "https://kv2.vault.azure.net", "vaultRef": kv()})),
            one,
        ),
        pair(
            {
                let mut alone = of_entry(text(1));
                alone["spec"]["vaultUri"] = Value::Null;
                alone
            },
            json!({"spec": {"vaultUri": null}}),
            needed,
        ),
        pair(
            entry(&token),
            entry(&merged(token, &json!({"vaultRef": kv()}))),
            "vaultUri and vaultRef have no meaning beside accessToken",
        ),
        pair(
            own("kv-1.a".to_owned()),
            own("Kv".to_owned()),
            "spec.vaultRef.name",
        ),
        pair(own(text(63)), own(text(64)), "spec.vaultRef.name: Too long"),
        pair(own(text(1)), own(String::new()), "spec.vaultRef.name"),
        pair(
            of_entry("kv-1.a".to_owned()),
            of_entry("kv-".to_owned()),
            "spec.data[0].vaultRef.name",
        ),
        pair(
            of_entry(text(63)),
            of_entry(text(64)),
            "spec.data[0].vaultRef.name: Too long",
        ),
    ]
}

fn of_rollouts() -> Vec<Pair> {
    let rollout = |entry: Value| json!({"spec": {"rollout": [entry]}});
    let named = |name: String| rollout(json!({"kind": "Deployment", "name": name}));
    let gap = |gap: &str| rollout(json!({"kind": "Deployment", "name": "a", "minGap": gap}));
    let labelled = |labels: Value| rollout(json!({"kind": "Deployment", "matchLabels": labels}));
    let entries = |count: usize| {
        let entry = json!({"kind": "Deployment", "name": "a"});
        json!({"spec": {"rollout": vec![entry; count]}})
    };
    vec![
        pair(entries(16), entries(17), "spec.rollout: Too many"),
        pair(
            rollout(json!({"kind": "Rollout", "name": "a"})),
            rollout(json!({"kind": "Job", "name": "a"})),
            "spec.rollout[0].kind: Unsupported value",
        ),
        pair(
            labelled(json!({"a": "b"})),
            rollout(json!({"kind": "Deployment"})),
            "exactly one of name and matchLabels must be set in an entry of rollout",
        ),
        pair(
            named("a".to_owned()),
            rollout(json!({"kind": "Deployment", "name": "a", "matchLabels": {"a": "b"}})),
            "exactly one of name and matchLabels must be set in an entry of rollout",
        ),
        pair(
            named("a-b.c".to_owned()),
            named("A_b".to_owned()),
            "spec.rollout[0].name",
        ),
        pair(
            named(text(253)),
            named(text(254)),
            "spec.rollout[0].name: Too long",
        ),
        pair(
            labelled(names(1)),
            labelled(json!({})),
            "spec.rollout[0].matchLabels",
        ),
        pair(
            labelled(names(16)),
            labelled(names(17)),
            "spec.rollout[0].matchLabels: Too many",
        ),
        pair(gap("10m"), gap("10 minutes"), "spec.rollout[0].minGap"),
        pair(
            gap("0s"),
            gap(&format!("{}1m", "0".repeat(31))),
            "spec.rollout[0].minGap: Too long",
        ),
    ]
}

fn of_secrets() -> Vec<Pair> {
    let secret = |secret: Value| entry(&json!({ "secret": secret }));
    vec![
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
    ]
}

fn of_tokens() -> Vec<Pair> {
    let token = |token: Value| entry(&json!({"secret": null, "accessToken": token}));
    let resource = |resource: String| token(json!({ "resource": resource }));
    let server = |change: Value| {
        let mut server = json!({
            "url": "https://mls.example.net", "username": "ada", "passwordFrom": {"name": "ada", "key": "password"}
        });
        merge(&mut server, &change);
        token(json!({ "mlServer": server }))
    };
    let password = |change: Value| server(json!({ "passwordFrom": change }));
    let mut without_vault = resource("api://x".to_owned());
    without_vault["spec"]["vaultUri"] = Value::Null;
    let one = "exactly one of secret, certificate, publicKey and accessToken must be set";
    let kind = "exactly one of resource and mlServer must be set";
    let url = "spec.data[0].accessToken.mlServer.url";
    vec![
        pair(
            without_vault,
            json!({"spec": {"vaultUri": null}}),
            "vaultUri or vaultRef must be set where an entry is of a vault and names none of its own",
        ),
        pair(json!({}), entry(&json!({"secret": null})), one),
        pair(
            resource("api://x".to_owned()),
            entry(&json!({"accessToken": {"resource": "api://x"}})),
            one,
        ),
        pair(server(json!({})), token(json!({})), kind),
        pair(
            resource("https://storage.azure.com/".to_owned()),
            {
                let mut both = server(json!({}));
                both["spec"]["data"][0]["accessToken"]["resource"] = json!("api://x");
                both
            },
            kind,
        ),
        pair(
            resource("api://x".to_owned()),
            resource("api:// x".to_owned()),
            "spec.data[0].accessToken.resource",
        ),
        pair(
            resource(text(512)),
            resource(text(513)),
            "spec.data[0].accessToken.resource: Too long",
        ),
        pair(
            server(json!({"url": "https://mls.example.net:12800/path/"})),
            server(json!({"url": "http://mls.example.net"})),
            url,
        ),
        pair(
            server(json!({"url": "https://mls"})),
            server(json!({"url": "https://ada@mls.example.net"})),
            url,
        ),
        pair(
            server(json!({"url": format!("https://{}", text(504))})),
            server(json!({"url": format!("https://{}", text(505))})),
            "spec.data[0].accessToken.mlServer.url: Too long",
        ),
        pair(
            server(json!({"username": text(256)})),
            server(json!({"username": text(257)})),
            "spec.data[0].accessToken.mlServer.username: Too long",
        ),
        pair(
            server(json!({"username": "a"})),
            server(json!({"username": ""})),
            "spec.data[0].accessToken.mlServer.username",
        ),
        pair(
            password(json!({"name": text(253)})),
            password(json!({"name": text(254)})),
            "spec.data[0].accessToken.mlServer.passwordFrom.name: Too long",
        ),
        pair(
            password(json!({"name": "a"})),
            password(json!({"name": ""})),
            "spec.data[0].accessToken.mlServer.passwordFrom.name",
        ),
        pair(
            password(json!({"key": text(253)})),
            password(json!({"key": text(254)})),
            "spec.data[0].accessToken.mlServer.passwordFrom.key: Too long",
        ),
        pair(
            password(json!({"key": "a"})),
            password(json!({"key": ""})),
            "spec.data[0].accessToken.mlServer.passwordFrom.key",
        ),
    ]
}

fn of_keys() -> Vec<Pair> {
    let key = |key: String| entry(&json!({ "key": key }));
    let twice = json!({"spec": {"data": [{"key": "K", "secret": {"name": "a"}}, {"key": "K", "secret": {"name": "b"}}]}});
    vec![
        pair(keys(2), twice, "each key may stand once in data"),
        pair(keys(256), keys(257), "spec.data: Too many"),
        pair(
            keys(1),
            keys(0),
            "data, dataFrom or push must have an entry",
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
    ]
}
