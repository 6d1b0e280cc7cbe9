//! Accounts are changed: what can be, and what is as it was made.

use super::*;

const READ_ONLY: &str = "AccountPropertyCannotBeUpdated";

#[tokio::test]
async fn the_same_put_again_changes_nothing_and_another_changes_what_it_names() {
    let arm = Arm::owner().await;
    let mut body = lake(json!({"allowSharedKeyAccess": false}));
    body["tags"] = json!({"a": "b"});
    assert_eq!(arm.put_whole("lake1", body.clone()).await.0, 202);
    let (_, first) = arm.get_account("lake1").await;
    assert_eq!(arm.put_whole("lake1", body.clone()).await, (200, first));
    body["properties"] = json!({"minimumTlsVersion": "TLS1_3"});
    body["tags"] = Value::Null;
    let (status, changed) = arm.put_whole("lake1", body).await;
    assert_eq!(status, 200);
    let properties = &changed["properties"];
    assert_eq!(properties["minimumTlsVersion"], "TLS1_3");
    assert_eq!(
        properties["allowSharedKeyAccess"], false,
        "what is left out stays"
    );
    assert_eq!(changed["tags"], json!({}));
}

#[tokio::test]
async fn a_patch_merges() {
    let arm = Arm::owner().await;
    let mut body = lake(json!({}));
    body["tags"] = json!({"a": "b"});
    arm.put_whole("lake1", body).await;
    let acls =
        json!({"defaultAction": "Deny", "bypass": "None", "ipRules": [{"value": "203.0.113.7"}]});
    let patch = json!({"properties": {"networkAcls": acls, "accessTier": "Cool", "publicNetworkAccess": "Enabled"}});
    let (status, body) = arm.patch_account("lake1", patch).await;
    assert_eq!((status, &body["tags"]), (200, &json!({"a": "b"})));
    let rules = &body["properties"]["networkAcls"];
    assert_eq!(
        rules["ipRules"],
        json!([{"value": "203.0.113.7", "action": "Allow"}])
    );
    assert_eq!(
        (&rules["bypass"], &rules["defaultAction"]),
        (&json!("None"), &json!("Deny"))
    );
    assert_eq!(body["properties"]["accessTier"], "Cool");
    let answer = arm.patch_account("none", json!({})).await;
    assert_eq!(code(&answer), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn what_an_account_was_made_with_cannot_be_updated() {
    let arm = Arm::owner().await;
    arm.put_account(
        "lake1",
        json!({"encryption": {"requireInfrastructureEncryption": true}}),
    )
    .await;
    for (field, properties) in [
        ("isHnsEnabled", json!({"isHnsEnabled": false})),
        ("isNfsV3Enabled", json!({"isNfsV3Enabled": true})),
        (
            "dnsEndpointType",
            json!({"dnsEndpointType": "AzureDnsZone"}),
        ),
        (
            "encryption.requireInfrastructureEncryption",
            json!({"encryption": {"requireInfrastructureEncryption": false}}),
        ),
        (
            "immutableStorageWithVersioning.enabled",
            json!({"immutableStorageWithVersioning": {"enabled": true}}),
        ),
    ] {
        for answer in [
            arm.put_account("lake1", properties.clone()).await,
            arm.patch_account("lake1", json!({"properties": properties}))
                .await,
        ] {
            assert_eq!(code(&answer), (400, READ_ONLY), "{field}");
            let message = answer.1["error"]["message"].as_str().unwrap();
            assert!(
                message.starts_with(&format!("The property '{field}' was specified")),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn skus_and_kinds_change_along_their_paths() {
    let arm = Arm::owner().await;
    let body = json!({"location": "westeurope", "kind": "BlobStorage", "sku": {"name": "Standard_LRS"},
                      "properties": {"accessTier": "Hot"}});
    arm.put_whole("blobs", body).await;
    let sku = |name: &str| json!({"sku": {"name": name}});
    assert_eq!(arm.patch_account("blobs", sku("Standard_GRS")).await.0, 200);
    for name in ["Standard_ZRS", "Premium_LRS"] {
        let answer = arm.patch_account("blobs", sku(name)).await;
        assert_eq!(code(&answer), (400, READ_ONLY), "{name}");
    }
    let (_, body) = arm
        .patch_account("blobs", json!({"kind": "StorageV2"}))
        .await;
    assert_eq!(body["kind"], "StorageV2");
    let answer = arm
        .patch_account("blobs", json!({"kind": "BlobStorage"}))
        .await;
    assert_eq!(code(&answer), (400, READ_ONLY));
}

#[tokio::test]
async fn keys_are_made_anew_one_at_a_time() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let [one, two] = arm.keys("lake1").await;
    let path = format!("{}/regenerateKey", account("lake1"));
    let (status, body) = arm.post(&path, json!({"keyName": "key1"})).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["keys"][0]["permissions"], "FULL");
    let [new, same] = arm.keys("lake1").await;
    assert!(new != one && same == two);
    let answer = arm.post(&path, json!({"keyName": "key3"})).await;
    assert_eq!(code(&answer), (400, "InvalidValuesForRequestParameters"));
    let shown = arm.sim.look("/storageaccounts/lake1/keys").await;
    assert_eq!(shown["keys"][0]["value"], json!(new));
}

#[tokio::test]
async fn a_flat_account_gets_a_hierarchical_namespace_by_a_migration() {
    let arm = Arm::owner().await;
    arm.put_account("flat", json!({"isHnsEnabled": false}))
        .await;
    let start = async |kind: &str| {
        let path = format!("{}/hnsonmigration?requestType={kind}", account("flat"));
        arm.post(&path, Value::Null).await.0
    };
    let has = async || arm.get_account("flat").await.1["properties"]["isHnsEnabled"].clone();
    assert_eq!(start("HnsOnValidationRequest").await, 202);
    assert_eq!(has().await, false);
    assert_eq!(start("HnsOnHydrationRequest").await, 202);
    assert_eq!(has().await, true);
    assert_eq!(start("HnsOnHydrationRequest").await, 400);
}

#[tokio::test]
async fn the_admin_api_changes_an_account_behind_the_managers_back() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let drift = json!({"allowBlobPublicAccess": true, "tags": {"by": "hand"}});
    arm.sim
        .admin(Method::PATCH, "/storageaccounts/lake1", &drift)
        .await;
    let (_, body) = arm.get_account("lake1").await;
    assert_eq!(body["properties"]["allowBlobPublicAccess"], true);
    assert_eq!(body["tags"], json!({"by": "hand"}));
    let [key, _] = arm.keys("lake1").await;
    arm.sim
        .admin(Method::PUT, "/storageaccounts/lake1/keys/key1", &json!({}))
        .await;
    assert_ne!(arm.keys("lake1").await[0], key);
    let seen = arm.sim.look("/storageaccounts/lake1").await;
    assert_eq!(seen["account"]["allowBlobPublicAccess"], true);
    assert_eq!(seen["provisioningState"], "Succeeded");
    arm.sim
        .admin(Method::DELETE, "/storageaccounts/lake1", &Value::Null)
        .await;
    assert_eq!(arm.get_account("lake1").await.0, 404);
}
