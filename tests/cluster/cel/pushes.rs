//! Pairs for `push` of VaultSecretSync.

use serde_json::{Value, json};

use super::{Pair, merge, pair, text};

fn entry(change: &Value) -> Value {
    let mut entry = json!({"from": {"secret": "s", "key": "k"}, "to": {"secret": "db"}});
    merge(&mut entry, change);
    entry
}

fn push(change: &Value) -> Value {
    json!({"spec": {"push": [entry(change)]}})
}

fn pushes(count: usize) -> Value {
    let entries: Vec<Value> = (0..count)
        .map(|n| entry(&json!({"to": {"secret": format!("s{n}")}})))
        .collect();
    json!({"spec": {"push": entries}})
}

pub fn of_pushes() -> Vec<Pair> {
    [of_entries(), of_sources(), of_targets()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_entries() -> Vec<Pair> {
    let mut tokens = json!({"spec": {"vaultUri": null, "data": [{"key": "K", "accessToken": {"resource": "api://x"}}]}});
    let without_push = tokens.clone();
    tokens["spec"]["push"] = json!([entry(&json!({}))]);
    let certificate = |name: &str| entry(&json!({"to": {"secret": null, "certificate": name}}));
    let mut by_name = tokens.clone();
    by_name["spec"]["vaultRef"] = json!({"name": "kv"});
    let needed = "vaultUri or vaultRef must be set where push is";
    let alone = |more: Value| {
        let mut spec = json!({"data": null, "push": [entry(&json!({}))]});
        merge(&mut spec, &more);
        json!({ "spec": spec })
    };
    let nothing = "data, dataFrom or push must have an entry";
    let idle = "template.data and rollout have no meaning without data or dataFrom";
    let labels = json!({"labels": {"a": "b"}});
    let made = json!({"labels": {"a": "b"}, "data": {"k": "v"}});
    let rollout = json!([{"kind": "Deployment", "name": "web"}]);
    vec![
        pair(alone(json!({})), alone(json!({"push": null})), nothing),
        pair(
            alone(json!({ "template": labels })),
            alone(json!({ "template": made })),
            idle,
        ),
        pair(
            json!({"spec": {"rollout": rollout, "push": [entry(&json!({}))]}}),
            alone(json!({ "rollout": rollout })),
            idle,
        ),
        pair(without_push, tokens.clone(), needed),
        pair(by_name, tokens, needed),
        pair(pushes(32), pushes(33), "spec.push: Too many"),
        pair(pushes(1), pushes(0), "spec.push: Invalid value"),
        pair(
            json!({"spec": {"push": [entry(&json!({})), certificate("other")]}}),
            json!({"spec": {"push": [entry(&json!({})), certificate("db")]}}),
            "each object may stand once in push",
        ),
        pair(
            push(&json!({"ifExists": "Replace"})),
            push(&json!({"ifExists": "Merge"})),
            "spec.push[0].ifExists: Unsupported value",
        ),
        pair(
            push(&json!({"deletionPolicy": "Delete"})),
            push(&json!({"deletionPolicy": "Purge"})),
            "spec.push[0].deletionPolicy: Unsupported value",
        ),
        pair(
            push(&json!({"from": {"key": null}, "to": {"secret": null, "certificate": "c"}})),
            push(&json!({"from": {"key": null}})),
            "from.key must be set with to.secret",
        ),
        pair(
            push(
                &json!({"from": {"passwordKey": "p"}, "to": {"secret": null, "certificate": "c"}}),
            ),
            push(&json!({"from": {"passwordKey": "p"}})),
            "from.passwordKey goes with to.certificate only",
        ),
    ]
}

fn of_sources() -> Vec<Pair> {
    let from = |change: Value| push(&json!({ "from": change }));
    let password = |key: String| {
        push(&json!({"from": {"passwordKey": key}, "to": {"secret": null, "certificate": "c"}}))
    };
    vec![
        pair(
            from(json!({"secret": "a-b.c"})),
            from(json!({"secret": "A_b"})),
            "spec.push[0].from.secret",
        ),
        pair(
            from(json!({"secret": text(253)})),
            from(json!({"secret": text(254)})),
            "spec.push[0].from.secret: Too long",
        ),
        pair(
            from(json!({"key": "-._aZ9"})),
            from(json!({"key": "a/b"})),
            "spec.push[0].from.key",
        ),
        pair(
            from(json!({"key": text(253)})),
            from(json!({"key": text(254)})),
            "spec.push[0].from.key: Too long",
        ),
        pair(
            password("-._aZ9".to_owned()),
            password("a/b".to_owned()),
            "spec.push[0].from.passwordKey",
        ),
        pair(
            password(text(253)),
            password(text(254)),
            "spec.push[0].from.passwordKey: Too long",
        ),
    ]
}

fn of_targets() -> Vec<Pair> {
    let to = |change: Value| push(&json!({ "to": change }));
    let certificate = |name: String| to(json!({"secret": null, "certificate": name}));
    let tags = |count: usize| {
        let tags: Value = (0..count).map(|n| (format!("n{n}"), json!("v"))).collect();
        to(json!({ "tags": tags }))
    };
    let one = "exactly one of secret and certificate must be set";
    let own = "contentType, expires, expiresAfter and encode go with secret only: a certificate brings its own";
    let mut pairs = vec![
        pair(to(json!({})), to(json!({"certificate": "c"})), one),
        pair(
            certificate("c".to_owned()),
            to(json!({"secret": null})),
            one,
        ),
        pair(
            to(json!({"secret": "Db-1"})),
            to(json!({"secret": "../keys/x"})),
            "spec.push[0].to.secret",
        ),
        pair(
            to(json!({"secret": text(127)})),
            to(json!({"secret": text(128)})),
            "spec.push[0].to.secret: Too long",
        ),
        pair(
            certificate("Web-1".to_owned()),
            certificate("a/b".to_owned()),
            "spec.push[0].to.certificate",
        ),
        pair(
            certificate(text(127)),
            certificate(text(128)),
            "spec.push[0].to.certificate: Too long",
        ),
        pair(
            to(json!({"contentType": text(255)})),
            to(json!({"contentType": text(256)})),
            "spec.push[0].to.contentType: Too long",
        ),
        pair(
            to(json!({"contentType": "text/plain"})),
            to(json!({"contentType": ""})),
            "spec.push[0].to.contentType",
        ),
        pair(tags(14), tags(15), "spec.push[0].to.tags: Too many"),
        pair(
            to(json!({"tags": {"lakevault": "v"}})),
            to(json!({"tags": {"lakevault-owner": "v"}})),
            "tags that begin with lakevault- belong to the operator",
        ),
        pair(
            to(json!({"expiresAfter": "2160h"})),
            to(json!({"expiresAfter": "90d"})),
            "spec.push[0].to.expiresAfter",
        ),
        pair(
            to(json!({"expiresAfter": format!("{}1h", "0".repeat(30))})),
            to(json!({"expiresAfter": format!("{}1h", "0".repeat(31))})),
            "spec.push[0].to.expiresAfter: Too long",
        ),
        pair(
            to(json!({"expires": "2040-01-01T00:00:00Z"})),
            to(json!({"expires": "2040-01-01T00:00:00Z", "expiresAfter": "1h"})),
            "at most one of expires and expiresAfter may be set",
        ),
        pair(
            to(json!({"encode": "Base64Url"})),
            to(json!({"encode": "Hex"})),
            "spec.push[0].to.encode: Unsupported value",
        ),
    ];
    for (field, value) in [
        ("contentType", "text/plain"),
        ("expires", "2040-01-01T00:00:00Z"),
        ("expiresAfter", "1h"),
        ("encode", "Base64"),
    ] {
        let mut foreign = certificate("c".to_owned());
        foreign["spec"]["push"][0]["to"][field] = json!(value);
        pairs.push(pair(to(json!({ field: value })), foreign, own));
    }
    pairs
}
