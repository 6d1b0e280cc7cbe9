//! Objects for tests: the smallest sync that is right, and changes of it.

use super::api::VaultSecretSync;

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
