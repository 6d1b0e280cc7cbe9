//! Pairs for AzureIdentity and ClusterAzureIdentity.

use serde_json::{Value, json};

use super::clouds::{of_clouds, of_custom_clouds};
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

/// Pairs of both kinds, with the rules that each has in words of its own.
pub fn identity_pairs(kind: &str) -> Vec<Pair> {
    let own = if kind == "AzureIdentity" {
        of_a_namespace()
    } else {
        of_an_administrator()
            .into_iter()
            .chain(allow_pairs())
            .collect()
    };
    [of_clouds(), of_custom_clouds(), of_credentials(), own]
        .into_iter()
        .flatten()
        .collect()
}

fn of_credentials() -> Vec<Pair> {
    let spec = |spec: Value| json!({ "spec": spec });
    let account = |name: String| json!({"spec": {"clientSecret": null, "workloadIdentity": {"serviceAccountName": name}}});
    let certificate = |change: Value| {
        let mut certificate = json!({"name": "sp", "key": "tls.pem"});
        merge(&mut certificate, &change);
        json!({"spec": {"clientSecret": null, "clientCertificate": certificate}})
    };
    let stack = json!({"resourceManagerEndpoint": "https://management.local.azurestack.external"});
    vec![
        pair(
            spec(json!({"tenantId": null, "cloud": stack})),
            spec(json!({"tenantId": null})),
            "tenantId must be set",
        ),
        pair(
            json!({}),
            spec(json!({"tenantId": null, "cloud": {"name": "China"}})),
            "tenantId must be set",
        ),
        pair(
            json!({}),
            spec(json!({"clientId": null})),
            "clientId must be set",
        ),
        pair(
            certificate(json!({"name": text(253), "key": text(253), "sendChain": true})),
            certificate(json!({"name": text(254)})),
            "spec.clientCertificate.name: Too long",
        ),
        pair(
            certificate(json!({})),
            certificate(json!({"name": ""})),
            "spec.clientCertificate.name",
        ),
        pair(
            certificate(json!({})),
            certificate(json!({"key": text(254)})),
            "spec.clientCertificate.key: Too long",
        ),
        pair(
            certificate(json!({})),
            certificate(json!({"key": ""})),
            "spec.clientCertificate.key",
        ),
        pair(
            certificate(json!({"passwordKey": text(253)})),
            certificate(json!({"passwordKey": text(254)})),
            "spec.clientCertificate.passwordKey: Too long",
        ),
        pair(
            certificate(json!({"passwordKey": "password"})),
            certificate(json!({"passwordKey": ""})),
            "spec.clientCertificate.passwordKey",
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

/// What only an AzureIdentity demands. What it leaves to administrators is not in its schema.
fn of_a_namespace() -> Vec<Pair> {
    let instead = |credential: Value| {
        let mut spec = json!({"clientSecret": null});
        merge(&mut spec, &credential);
        json!({ "spec": spec })
    };
    let one =
        "exactly one credential must be set: clientSecret, clientCertificate or workloadIdentity";
    let account = json!({"workloadIdentity": {"serviceAccountName": "a"}});
    vec![
        pair(instead(account.clone()), json!({ "spec": account }), one),
        pair(
            instead(json!({"clientCertificate": {"name": "sp", "key": "k"}})),
            json!({"spec": {"clientCertificate": {"name": "sp", "key": "k"}}}),
            one,
        ),
        pair(json!({}), instead(json!({})), one),
        pair(json!({}), instead(json!({"managedIdentity": {}})), one),
        pair(json!({}), instead(json!({"default": {}})), one),
        pair(
            json!({}),
            instead(
                json!({"usernamePassword": {"username": "a", "passwordFrom": {"name": "n", "key": "k"}}}),
            ),
            one,
        ),
        pair(
            instead(json!({"workloadIdentity": {"serviceAccountName": "a"}})),
            instead(json!({"workloadIdentity": {}})),
            "workloadIdentity.serviceAccountName must be set",
        ),
    ]
}

/// What only a ClusterAzureIdentity offers and demands.
fn of_an_administrator() -> Vec<Pair> {
    let bringing = |credential: Value| {
        let mut spec = json!({"clientSecret": null, "clientId": null, "tenantId": null});
        merge(&mut spec, &credential);
        json!({ "spec": spec })
    };
    let one = "exactly one credential must be set: clientSecret, clientCertificate, workloadIdentity, usernamePassword, managedIdentity or default";
    let own =
        "tenantId and clientId do not go with managedIdentity or default, which bring their own";
    let managed = |which: Value| bringing(json!({ "managedIdentity": which }));
    let id = "22222222-2222-2222-2222-222222222222";
    let resource = |length: usize| format!("/subscriptions/{}", text(length - 15));
    let user = |change: Value| {
        let mut user = json!({"username": "ada@contoso.test", "passwordFrom": {"name": "user", "key": "password"}});
        merge(&mut user, &change);
        json!({"spec": {"clientSecret": null, "usernamePassword": user}})
    };
    vec![
        pair(
            managed(json!({})),
            json!({"spec": {"managedIdentity": {}}}),
            one,
        ),
        pair(bringing(json!({"default": {}})), bringing(json!({})), one),
        pair(
            bringing(json!({"workloadIdentity": {}})),
            bringing(json!({"workloadIdentity": {}, "default": {}})),
            one,
        ),
        pair(
            managed(json!({})),
            bringing(json!({"managedIdentity": {}, "tenantId": "contoso.test"})),
            own,
        ),
        pair(
            bringing(json!({"default": {}})),
            bringing(json!({"default": {}, "clientId": id})),
            own,
        ),
        pair(
            bringing(json!({"workloadIdentity": {}})),
            bringing(json!({"workloadIdentity": {"serviceAccountName": "a"}, "clientId": id})),
            "tenantId must be set",
        ),
        pair(
            managed(json!({"clientId": id})),
            managed(json!({"clientId": id, "objectId": id})),
            "at most one of clientId, objectId and resourceId may be set",
        ),
        pair(
            managed(json!({"clientId": id})),
            managed(json!({"clientId": "mine"})),
            "spec.managedIdentity.clientId",
        ),
        pair(
            managed(json!({"objectId": id})),
            managed(json!({"objectId": "mine"})),
            "spec.managedIdentity.objectId",
        ),
        pair(
            managed(json!({"resourceId": "/subscriptions/s/resourceGroups/g"})),
            managed(json!({"resourceId": "/subscriptions/s?x"})),
            "spec.managedIdentity.resourceId",
        ),
        pair(
            managed(json!({"resourceId": resource(512)})),
            managed(json!({"resourceId": resource(513)})),
            "spec.managedIdentity.resourceId: Too long",
        ),
        pair(
            user(json!({"username": text(256)})),
            user(json!({"username": text(257)})),
            "spec.usernamePassword.username: Too long",
        ),
        pair(
            user(json!({})),
            user(json!({"username": ""})),
            "spec.usernamePassword.username",
        ),
        pair(
            user(json!({"passwordFrom": {"name": text(253), "key": text(253)}})),
            user(json!({"passwordFrom": {"name": text(254)}})),
            "spec.usernamePassword.passwordFrom.name: Too long",
        ),
        pair(
            user(json!({})),
            user(json!({"passwordFrom": {"name": ""}})),
            "spec.usernamePassword.passwordFrom.name",
        ),
        pair(
            user(json!({})),
            user(json!({"passwordFrom": {"key": text(254)}})),
            "spec.usernamePassword.passwordFrom.key: Too long",
        ),
        pair(
            user(json!({})),
            user(json!({"passwordFrom": {"key": ""}})),
            "spec.usernamePassword.passwordFrom.key",
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
            allow(json!({"push": ["payments-*"]})),
            allow(json!({"push": []})),
            "spec.allow[0].push",
        ),
        pair(
            allow(json!({"push": all(256)})),
            allow(json!({"push": all(257)})),
            "spec.allow[0].push: Too many",
        ),
        pair(
            allow(json!({"push": [text(127)]})),
            allow(json!({"push": [text(128)]})),
            "spec.allow[0].push[0]: Too long",
        ),
        pair(
            allow(json!({"manage": ["*/rg-payments"]})),
            allow(json!({"manage": []})),
            "spec.allow[0].manage",
        ),
        pair(
            allow(json!({"manage": all(256)})),
            allow(json!({"manage": all(257)})),
            "spec.allow[0].manage: Too many",
        ),
        pair(
            allow(json!({"manage": [text(127)]})),
            allow(json!({"manage": [text(128)]})),
            "spec.allow[0].manage[0]: Too long",
        ),
        pair(
            allow(json!({"resources": ["api://payments"]})),
            allow(json!({"resources": []})),
            "spec.allow[0].resources",
        ),
        pair(
            allow(json!({"resources": all(256)})),
            allow(json!({"resources": all(257)})),
            "spec.allow[0].resources: Too many",
        ),
        pair(
            allow(json!({"resources": [text(512)]})),
            allow(json!({"resources": [text(513)]})),
            "spec.allow[0].resources[0]: Too long",
        ),
        pair(
            allow(json!({})),
            json!({"spec": {"allow": [{"vaults": ["kv"]}]}}),
            "spec.allow[0].namespaces: Required",
        ),
    ]
}
