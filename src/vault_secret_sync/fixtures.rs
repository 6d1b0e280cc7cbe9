//! Objects for tests: the smallest sync that is right, and changes of it.

use crate::hub::want::Held;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::origin::origin;
use crate::vault_secret_sync::plan::Plan;
use crate::vault_secret_sync::wants::rejected::Outcomes;

/// Two keys, `DB_PASSWORD` and `API_KEY`, of vault `kv`.
pub(crate) fn sync() -> VaultSecretSync {
    sync_with(|_| ())
}

/// The same with a changed spec.
pub(crate) fn sync_with(change: impl FnOnce(&mut serde_json::Value)) -> VaultSecretSync {
    let mut spec = serde_json::json!({
        "vaultUri": "https://kv.vault.azure.net",
        "identityRef": {"name": "payments"},
        "data": [
            {"key": "DB_PASSWORD", "secret": {"name": "db-password"}},
            {"key": "API_KEY", "secret": {"name": "api-key"}}
        ]
    });
    change(&mut spec);
    serde_json::from_value(serde_json::json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync",
        "metadata": {
            "name": "app", "namespace": "team", "uid": "uid-app", "generation": 1, "resourceVersion": "10",
            "creationTimestamp": "2026-11-20T07:00:00Z"
        },
        "spec": spec
    }))
    .unwrap()
}

/// The source of a token of a Machine Learning Server's own login, for `accessToken`.
pub(crate) fn ml_server() -> serde_json::Value {
    serde_json::json!({"mlServer": {
        "url": "https://mls.example.net:12800", "username": "ada", "passwordFrom": {"name": "ada", "key": "password"}
    }})
}

/// As [`sync`], where `TOKEN` is a token of the identity for `api://x`, and `ML` one of a Machine Learning Server.
pub(crate) fn sync_with_tokens() -> VaultSecretSync {
    sync_with(|spec| {
        let data = spec["data"].as_array_mut().unwrap();
        data.push(serde_json::json!({"key": "TOKEN", "accessToken": {"resource": "api://x"}}));
        data.push(serde_json::json!({"key": "ML", "accessToken": ml_server()}));
    })
}

/// The version of a token, by seconds since 1970.
pub(crate) fn token_version(issued: i64, expires: i64) -> String {
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    let token = crate::azure::auth::Token {
        value: crate::secret::SecretValue::from("token".to_owned()),
        issued_at: at(issued),
        expires_at: at(expires),
        refresh_at: at(issued),
    };
    let bundle = crate::vault_secret_sync::tokens::times::bundle(&token).unwrap();
    bundle.version.to_string()
}

/// What an item records of a version.
pub(crate) fn recorded(item: &Item, version: &str) -> String {
    let held = Held {
        version: version.parse().unwrap(),
        updated: None,
    };
    origin(item, &vec![held; item.needs().len()])
}

/// What came of a plan that was carried out.
pub(crate) fn outcomes(plan: &Plan) -> Outcomes<'_> {
    Outcomes {
        keys: &plan.keys,
        inputs: &plan.inputs,
        told: &plan.told,
        problem: plan.blocked.as_ref(),
        waiting: &plan.waiting,
    }
}

/// The first key of an item.
pub(crate) fn key_of(item: &Item) -> String {
    item.keys().remove(0).key.to_string()
}
