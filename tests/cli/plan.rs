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

fn lake(name: &str, generation: &str) -> String {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "DataLakeAccount", "metadata": {"name": name},
        "spec": {
            "identityRef": {"name": "sp"}, "subscriptionId": SUBSCRIPTION, "generation": generation,
            "resourceGroup": {"name": "rg"}, "location": "westeurope",
        },
    })
    .to_string()
}

#[tokio::test]
async fn accounts_of_the_first_generation_are_written_as_those_of_the_second_without_asking_anybody()
 {
    let scene = scene("plan-gen2").await;
    let before = scene.sim.admin().journal(0).await.unwrap().entries.len();
    let objects = [
        lake("lakeold", "Gen1"),
        lake("lakenew", "Gen2"),
        lake("lakeolder", "Gen1"),
    ];
    let ended = run(&scene, &["plan", "--to-gen2"], &objects).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let new: Vec<Value> = serde_saphyr::from_multiple(&ended.stdout).unwrap();
    let names: Vec<_> = new.iter().map(|one| &one["metadata"]["name"]).collect();
    assert_eq!(names, ["lakeold-gen2", "lakeolder-gen2"]);
    assert_eq!(new[0]["spec"]["azureName"], "lakeold");
    assert_eq!(new[0]["metadata"]["namespace"], "team");
    assert!(new[0]["spec"]["generation"].is_null(), "{}", new[0]);
    for said in [
        "DataLakeAccount lakeold: ",
        "az storage account check-name --name lakeold",
        "DataLakeAccount lakenew: it is of generation Gen2 already",
    ] {
        assert!(ended.stderr.contains(said), "{said:?}: {}", ended.stderr);
    }
    let after = scene.sim.admin().journal(0).await.unwrap().entries.len();
    assert_eq!(after, before, "somebody was asked");
    // What is written can be planned for.
    let planned = run(&scene, &["plan"], &[ended.stdout]).await;
    assert!(
        planned.stdout.contains("DataLakeAccount team/lakeold-gen2"),
        "{planned:?}"
    );
    assert!(planned.stdout.contains("create the account"), "{planned:?}");
    let nothing = run(&scene, &["plan", "--to-gen2"], &[lake("lakenew", "Gen2")]).await;
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing
            .stderr
            .contains("no DataLakeAccount of generation Gen1"),
        "{nothing:?}"
    );
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
