//! `lakevault plan` and `lakevault import` where there is no cluster: all objects stand in a file.

use std::fs;

use serde_json::{Value, json};

use crate::scene::{CLIENT, Ended, Scene, TENANT};

const SECRET: &str = "planted-client-secret";
const SUBSCRIPTION: &str = "44444444-4444-4444-4444-444444444444";
const OBJECT: &str = "33333333-3333-3333-3333-333333333333";

/// A scene with an application that may manage vaults, and one vault.
async fn scene(name: &str) -> Scene {
    let scene = Scene::new(name).await;
    let seed = json!({
        "tenants": [{"id": TENANT, "applications": [{
            "clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}],
        }]}],
        "subscriptions": [{
            "id": SUBSCRIPTION, "tenantId": TENANT,
            "resourceGroups": [{"name": "rg", "location": "westeurope"}],
            "roleAssignments": [{"principalId": OBJECT, "role": "Contributor"}],
        }],
        "vaults": [{
            "name": "kv-there", "tenantId": TENANT, "subscriptionId": SUBSCRIPTION,
            "resourceGroup": "rg", "location": "westeurope", "tags": {"team": "a"},
        }],
    });
    scene.sim.admin().seed(&seed).await.unwrap();
    scene
}

fn identity() -> String {
    let objects = [
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp"},
            "stringData": {"secret": SECRET},
        }),
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity", "metadata": {"name": "sp"},
            "spec": {
                "tenantId": TENANT, "clientId": CLIENT,
                "cloud": {"custom": {
                    "authorityHost": "https://login.sim.test",
                    "keyVault": {"dnsSuffix": "vault.sim.test"},
                    "resourceManager": {"endpoint": "https://management.sim.test"},
                }},
                "clientSecret": {"name": "sp", "key": "secret"},
            },
        }),
    ];
    objects.map(|object| object.to_string()).join("\n---\n")
}

fn vault(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut spec = json!({
        "identityRef": {"name": "sp"}, "subscriptionId": SUBSCRIPTION,
        "resourceGroup": {"name": "rg"}, "location": "westeurope",
    });
    change(&mut spec);
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault",
        "metadata": {"name": name}, "spec": spec,
    })
    .to_string()
}

async fn run(scene: &Scene, further: &[&str], objects: &[String]) -> Ended {
    let path = scene.folder().join("objects.yaml");
    let text = [&[identity()], objects].concat().join("\n---\n");
    fs::write(&path, text).unwrap();
    let file = ["-n", "team", "-f", path.to_str().unwrap()];
    let ended = scene.run(&[further, &file].concat()).await;
    let all = format!("{ended:?}");
    for planted in [SECRET, "eyJ"] {
        assert!(!all.contains(planted), "{planted} was printed: {all}");
    }
    ended
}

#[tokio::test]
async fn several_vaults_of_a_file_are_planned_and_nothing_is_written() {
    let scene = scene("plan-several").await;
    let objects = [
        vault("kv-new", |spec| spec["sku"] = json!("Premium")),
        vault("kv-there", |spec| spec["tags"] = json!({"team": "b"})),
    ];
    let ended = run(&scene, &["plan"], &objects).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in [
        "KeyVault team/kv-new with AzureIdentity team/sp",
        "– the object is new",
        "1. create the vault",
        "sku: (absent) → Premium",
        "tags.lakevault-owner: (absent) → -/team/kv-new/<uid when created>",
        "KeyVault team/kv-there",
        "tags.team: a → b",
        "✗ ResourceNotOurs",
        "0 as declared, 1 to be changed, 1 in trouble",
    ] {
        assert!(ended.stdout.contains(said), "{said:?}: {}", ended.stdout);
    }
    let journal = scene.sim.admin().journal(0).await.unwrap();
    let writes = journal.entries.iter().filter(|entry| {
        let reads = ["GetToken", "CheckVaultName"];
        entry.method != "GET" && !reads.contains(&entry.operation.as_str())
    });
    let writes: Vec<_> = writes.map(|entry| &entry.operation).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn what_is_imported_plans_to_nothing() {
    let scene = scene("plan-import").await;
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-there"
    );
    let import = ["import", "keyvault", &id, "--identity", "sp"];
    let yaml = run(&scene, &import, &[]).await.well();
    let planned = run(&scene, &["plan"], &[yaml]).await;
    assert!(
        planned.stdout.contains("= nothing would be done"),
        "{planned:?}"
    );
    assert_eq!(planned.code, Some(0), "{planned:?}");
}

#[tokio::test]
async fn what_cannot_be_imported_is_told() {
    let scene = scene("plan-import-not").await;
    let by_name = ["import", "keyvault", "kv-there", "--identity", "sp"];
    let told = run(&scene, &by_name, &[]).await.told(2);
    assert!(told.contains("--resource-group"), "{told}");
    let other = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"
    );
    let by_id = ["import", "keyvault", &other, "--identity", "sp"];
    let told = run(&scene, &by_id, &[]).await.told(2);
    assert!(told.contains("not of a vault"), "{told}");
    let place = ["--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let absent = ["import", "keyvault", "kv-none", "--identity", "sp"];
    let told = run(&scene, &[&absent, &place[..]].concat(), &[])
        .await
        .told(1);
    assert!(told.contains("there is no vault"), "{told}");
}

#[tokio::test]
async fn wrong_usage_of_plan_is_no_difference() {
    let scene = scene("plan-usage").await;
    for arguments in [
        vec!["plan", "--no-such-flag"],
        vec!["plan", "-f", "/no/such/file"],
        vec!["plan"],
    ] {
        let ended = scene.run(&arguments).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(scene.run(&["plan", "--help"]).await.code, Some(0));
    assert_eq!(scene.run(&["token"]).await.code, Some(2));
}
