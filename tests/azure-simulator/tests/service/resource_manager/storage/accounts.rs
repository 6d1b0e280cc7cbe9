//! Accounts are made, read, listed and deleted.

use super::*;

#[tokio::test]
async fn an_account_is_made_in_a_long_operation_with_its_defaults() {
    let arm = Arm::owner().await;
    let answer = arm
        .send(Method::PUT, &account("lake1"), STORAGE, &lake(json!({})))
        .await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let start = format!(
        "{HOST}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/locations/westeurope/asyncoperations/"
    );
    assert!(location.starts_with(&start), "{location}");
    assert!(
        location.ends_with("?monitor=true&api-version=2023-05-01"),
        "{location}"
    );
    let polled = arm.client.get(&location).bearer_auth(&arm.token);
    let (status, body) = split(polled.send().await.unwrap()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body, arm.get_account("lake1").await.1);
    assert_eq!(body["id"], json!(account("lake1")));
    assert_eq!(
        body["sku"],
        json!({"name": "Standard_LRS", "tier": "Standard"})
    );
    let properties = &body["properties"];
    for (name, value) in [
        ("provisioningState", json!("Succeeded")),
        ("isHnsEnabled", json!(true)),
        ("minimumTlsVersion", json!("TLS1_2")),
        ("allowBlobPublicAccess", json!(false)),
        ("supportsHttpsTrafficOnly", json!(true)),
        ("accessTier", json!("Hot")),
        ("primaryLocation", json!("westeurope")),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    assert_eq!(properties.get("allowSharedKeyAccess"), None);
    assert_eq!(
        properties["primaryEndpoints"]["dfs"],
        "https://lake1.dfs.storage.sim.test/"
    );
    assert!(arm.has_address("lake1.dfs.storage.sim.test"));
    assert!(arm.has_address("lake1.blob.storage.sim.test"));
}

#[tokio::test]
async fn each_kind_has_its_own_endpoints() {
    let arm = Arm::owner().await;
    for (name, kind, sku, tier, services) in [
        (
            "blobs",
            "BlobStorage",
            "Standard_LRS",
            "Hot",
            vec!["blob", "dfs", "table"],
        ),
        (
            "fast",
            "BlockBlobStorage",
            "Premium_LRS",
            "Premium",
            vec!["blob", "dfs", "web"],
        ),
        (
            "copied",
            "StorageV2",
            "Standard_RAGRS",
            "Cool",
            vec!["blob", "dfs", "file", "queue", "table", "web"],
        ),
    ] {
        let body = json!({"location": "westeurope", "kind": kind, "sku": {"name": sku},
                          "properties": {"accessTier": tier}});
        assert_eq!(arm.put_whole(name, body).await.0, 202, "{name}");
        let (_, body) = arm.get_account(name).await;
        let properties = &body["properties"];
        let endpoints = properties["primaryEndpoints"].as_object().unwrap();
        let mut names: Vec<&String> = endpoints.keys().collect();
        names.sort();
        assert_eq!(names, services, "{name}");
        let copy = &properties["secondaryEndpoints"]["blob"];
        let copied = sku == "Standard_RAGRS";
        assert_eq!(copy.is_string(), copied, "{name}");
        if copied {
            assert_eq!(properties["secondaryLocation"], "northeurope");
            assert_eq!(copy, "https://copied-secondary.blob.storage.sim.test/");
        }
    }
}

#[tokio::test]
async fn what_no_account_can_be_is_refused() {
    let arm = Arm::owner().await;
    let bucket = json!({"size": 100, "refillPerSecond": 100.0});
    arm.settings(json!({"throttle": {"storage": {"writes": bucket}}}))
        .await;
    let invalid = |field: &str| format!("Values for request parameters are invalid: {field}.");
    for (properties, field) in [
        (json!({"accessTier": "Warm"}), "accessTier"),
        (json!({"accessTier": "Premium"}), "accessTier"),
        (json!({"minimumTlsVersion": "TLS9"}), "minimumTlsVersion"),
        (
            json!({"keyPolicy": {"keyExpirationPeriodInDays": -260}}),
            "keyPolicy.keyExpirationPeriodInDays",
        ),
        (
            json!({"isHnsEnabled": false, "isSftpEnabled": true}),
            "isSftpEnabled",
        ),
        (json!({"isNfsV3Enabled": true}), "isNfsV3Enabled"),
        (
            json!({"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "10.0.0.1"}]}}),
            "networkAcls.ipRule[*].value",
        ),
    ] {
        let answer = arm.put_account("lake1", properties.clone()).await;
        assert_eq!(
            code(&answer),
            (400, "InvalidValuesForRequestParameters"),
            "{properties}"
        );
        assert_eq!(answer.1["error"]["message"], invalid(field));
    }
    for (field, body) in [
        (
            "sku.name",
            json!({"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Gold"}}),
        ),
        (
            "kind",
            json!({"location": "westeurope", "kind": "Disk", "sku": {"name": "Standard_LRS"}}),
        ),
        (
            "sku",
            json!({"location": "westeurope", "kind": "StorageV2"}),
        ),
    ] {
        let answer = arm.put_whole("lake1", body).await;
        assert_eq!(answer.1["error"]["message"], invalid(field));
    }
    let mut nowhere = lake(json!({}));
    nowhere["location"] = json!("nowhere");
    let answer = arm.put_whole("lake1", nowhere).await;
    assert_eq!(code(&answer), (400, "LocationNotAvailableForResourceType"));
    assert_eq!(arm.get_account("lake1").await.0, 404);
}

#[tokio::test]
async fn lists_show_what_a_reader_may_see() {
    let arm = Arm::owner().await;
    for name in ["lake1", "lake2"] {
        arm.put_account(name, json!({})).await;
    }
    let elsewhere =
        json!({"tenantId": TENANT, "subscriptionId": SUBSCRIPTION, "resourceGroup": "other"});
    arm.sim
        .admin(Method::PUT, "/storageaccounts/lake3", &elsewhere)
        .await;
    let names = async |path: &str, version: &str| -> Vec<String> {
        let (status, body) = arm.get(path, version).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["value"].as_array().unwrap();
        rows.iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let in_group = subscription(&format!("/resourceGroups/rg/providers/{KIND}"));
    assert_eq!(names(&in_group, STORAGE).await, ["lake1", "lake2"]);
    let all = subscription(&format!("/providers/{KIND}"));
    assert_eq!(names(&all, STORAGE).await, ["lake1", "lake2", "lake3"]);
    let filter =
        subscription("/resources?$filter=resourceType%20eq%20'Microsoft.Storage/storageAccounts'");
    assert_eq!(names(&filter, GROUPS).await.len(), 3);
    arm.subscription(json!({"roleAssignments": [
        {"principalId": OBJECT, "role": "Reader", "scope": "/resourceGroups/rg"}]}))
        .await;
    assert_eq!(names(&all, STORAGE).await, ["lake1", "lake2"]);
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_name_and_told_among_the_deleted() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let delete = async || {
        let answer = arm
            .send(Method::DELETE, &account("lake1"), STORAGE, &Value::Null)
            .await;
        answer.status().as_u16()
    };
    assert_eq!(delete().await, 200);
    assert_eq!(delete().await, 204);
    assert_eq!(
        code(&arm.get_account("lake1").await),
        (404, "ResourceNotFound")
    );
    assert!(!arm.has_address("lake1.dfs.storage.sim.test"));
    let all = subscription("/providers/Microsoft.Storage/deletedAccounts");
    let (_, body) = arm.get(&all, STORAGE).await;
    assert_eq!(
        body["value"][0]["properties"]["storageAccountResourceId"],
        json!(account("lake1"))
    );
    let one =
        subscription("/providers/Microsoft.Storage/locations/westeurope/deletedAccounts/lake1");
    assert_eq!(arm.get(&one, STORAGE).await.1, body["value"][0]);
}

#[tokio::test]
async fn a_group_takes_its_accounts_with_it() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let group = subscription("/resourceGroups/rg");
    let answer = arm.send(Method::DELETE, &group, GROUPS, &Value::Null).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(
        code(&arm.get_account("lake1").await),
        (404, "ResourceGroupNotFound")
    );
    let left = arm.sim.look("/storageaccounts").await;
    assert_eq!(left["storageAccounts"], json!([]));
}
