//! Pairs for what all kinds for Azure's resources have.

use serde_json::{Value, json};

use super::{Pair, merge, names, pair, text};

pub const GUID: &str = "33333333-3333-3333-3333-333333333333";

pub fn spec(change: Value) -> Value {
    json!({ "spec": change })
}

/// A field that takes one of some words.
pub fn choice(field: &str, good: &str, refusal: &'static str) -> Pair {
    pair(
        spec(json!({ field: good })),
        spec(json!({ field: "Perhaps" })),
        refusal,
    )
}

pub fn of_resources() -> Vec<Pair> {
    vec![
        choice("mode", "Observe", "spec.mode: Unsupported value"),
        choice("adopt", "Always", "spec.adopt: Unsupported value"),
        choice(
            "driftPolicy",
            "Report",
            "spec.driftPolicy: Unsupported value",
        ),
        pair(
            spec(json!({"identityRef": {"kind": "ClusterAzureIdentity", "name": text(253)}})),
            spec(json!({"identityRef": {"name": ""}})),
            "spec.identityRef.name: Invalid value",
        ),
        pair(
            spec(json!({"identityRef": {"kind": "ClusterAzureIdentity"}})),
            spec(json!({"identityRef": {"kind": "Secret"}})),
            "spec.identityRef.kind: Unsupported value",
        ),
        pair(
            json!({}),
            spec(json!({"subscriptionId": "mine"})),
            "spec.subscriptionId: Invalid value",
        ),
        pair(
            spec(json!({"resourceGroup": {"name": "a_(b).c-1", "create": true}})),
            spec(json!({"resourceGroup": {"name": "rg."}})),
            "spec.resourceGroup.name: Invalid value",
        ),
        pair(
            spec(json!({"location": "West Europe"})),
            spec(json!({"location": "west/europe"})),
            "spec.location: Invalid value",
        ),
        pair(
            spec(json!({"refreshInterval": "1m"})),
            spec(json!({"refreshInterval": "59s"})),
            "refreshInterval must be at least 1m",
        ),
        pair(
            spec(json!({"refreshInterval": "1h30m"})),
            spec(json!({"refreshInterval": "soon"})),
            "spec.refreshInterval: Invalid value",
        ),
        pair(
            spec(json!({"tags": names(49)})),
            spec(json!({"tags": names(50)})),
            "spec.tags: Too many",
        ),
        pair(
            spec(json!({"tags": {"a b": ""}})),
            spec(json!({"tags": {"a\\b": ""}})),
            "names of tags have 1 to 512 characters, none of them < > % & \\ ? /",
        ),
        pair(
            spec(json!({"tags": {"lakevault": ""}})),
            spec(json!({"tags": {"Lakevault-Owner": "me"}})),
            "tags that begin with lakevault- are the operator's own",
        ),
    ]
}

pub fn of_roles() -> Vec<Pair> {
    let role = |change: &Value| {
        let mut role = json!({"principalId": GUID, "role": "Key Vault Secrets User"});
        merge(&mut role, change);
        role
    };
    let roles = |count: usize| {
        let all: Vec<Value> = (0..count)
            .map(|n| role(&json!({"role": format!("role {n}")})))
            .collect();
        spec(json!({ "roleAssignments": all }))
    };
    let one = |change: Value| spec(json!({ "roleAssignments": [role(&change)] }));
    vec![
        pair(roles(64), roles(65), "spec.roleAssignments: Too many"),
        pair(
            roles(2),
            spec(json!({"roleAssignments": [
                role(&json!({})), role(&json!({"role": "key vault secrets user"}))
            ]})),
            "each principal may stand once for each role",
        ),
        pair(
            one(json!({})),
            one(json!({"principalId": "me"})),
            "spec.roleAssignments[0].principalId: Invalid value",
        ),
        pair(
            one(json!({"principalType": "Group"})),
            one(json!({"principalType": "Robot"})),
            "spec.roleAssignments[0].principalType: Unsupported value",
        ),
        pair(
            one(json!({"role": text(512)})),
            one(json!({"role": text(513)})),
            "spec.roleAssignments[0].role: Too long",
        ),
    ]
}
