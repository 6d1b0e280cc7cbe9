//! Data Lake Stores (Gen1) at the resource manager.

use super::*;

const STORES: &str = "2016-11-01";
const KIND: &str = "Microsoft.DataLakeStore/accounts";

fn store(rest: &str) -> String {
    subscription(&format!("/resourceGroups/rg/providers/{KIND}/{rest}"))
}

#[allow(clippy::needless_pass_by_value, reason = "as `json!` gives it")]
fn body(properties: Value) -> Value {
    json!({"location": "eastus2", "tags": {"a": "b"}, "properties": properties})
}

impl Arm {
    async fn put_store(&self, name: &str, properties: Value) -> (u16, Value) {
        self.call(Method::PUT, &store(name), STORES, body(properties))
            .await
    }
}

#[tokio::test]
async fn a_store_is_made_changed_listed_and_deleted() {
    let arm = Arm::owner().await;
    let group = "0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a09";
    let (status, body) = arm.put_store("lake1", json!({"defaultGroup": group})).await;
    assert_eq!(status, 201, "{body}");
    let properties = &body["properties"];
    for (name, value) in [
        ("provisioningState", json!("Succeeded")),
        ("state", json!("Active")),
        ("endpoint", json!("lake1.azuredatalakestore.sim.test")),
        ("encryptionConfig", json!({"type": "ServiceManaged"})),
        ("firewallState", json!("Disabled")),
        ("firewallRules", json!([])),
        ("currentTier", json!("Consumption")),
        ("defaultGroup", json!(group)),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    assert_eq!(arm.put_store("lake1", json!({})).await, (200, body.clone()));
    let patch = json!({"properties": {"firewallState": "Enabled"}});
    let (status, changed) = arm
        .call(Method::PATCH, &store("lake1"), STORES, patch)
        .await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        (&changed["properties"]["firewallState"], &changed["tags"]),
        (&json!("Enabled"), &json!({"a": "b"}))
    );
    for path in [store(""), subscription(&format!("/providers/{KIND}"))] {
        let (_, list) = arm.get(path.trim_end_matches('/'), STORES).await;
        assert_eq!(list["value"][0]["name"], "lake1");
        assert_eq!(list["value"][0]["properties"].get("firewallRules"), None);
    }
    assert!(arm.has_address("lake1.azuredatalakestore.sim.test"));
    let delete = async || {
        let answer = arm
            .send(Method::DELETE, &store("lake1"), STORES, &Value::Null)
            .await;
        answer.status().as_u16()
    };
    assert_eq!((delete().await, delete().await), (200, 204));
    assert!(!arm.has_address("lake1.azuredatalakestore.sim.test"));
}

#[tokio::test]
async fn a_store_tells_its_making_and_its_end_by_its_state() {
    let arm = Arm::owner().await;
    arm.settings(json!({"lakeStoreCreationMs": 1_800_000, "lakeStoreDeletionMs": 1_800_000}))
        .await;
    let (status, body) = arm.put_store("lake1", json!({})).await;
    assert_eq!(
        (status, &body["properties"]["provisioningState"]),
        (201, &json!("Creating"))
    );
    let answer = arm.put_store("lake1", json!({})).await;
    assert_eq!(code(&answer), (409, "Conflict"));
    assert!(!arm.has_address("lake1.azuredatalakestore.sim.test"));
    arm.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 1860}))
        .await;
    let (_, body) = arm.get(&store("lake1"), STORES).await;
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    let answer = arm
        .send(Method::DELETE, &store("lake1"), STORES, &Value::Null)
        .await;
    assert_eq!(answer.status(), 202);
    let (_, body) = arm.get(&store("lake1"), STORES).await;
    assert_eq!(body["properties"]["provisioningState"], "Deleting");
}

#[tokio::test]
async fn names_are_checked_in_a_location() {
    let arm = Arm::owner().await;
    let theirs = json!({"tenantId": TENANT, "subscriptionId": "another"});
    arm.sim
        .admin(Method::PUT, "/datalakestores/theirs", &theirs)
        .await;
    let path =
        subscription("/providers/Microsoft.DataLakeStore/locations/eastus2/checkNameAvailability");
    let check = async |name: &str| {
        let body = json!({"name": name, "type": KIND});
        arm.call(Method::POST, &path, STORES, body).await.1
    };
    assert_eq!(check("free").await, json!({"nameAvailable": true}));
    assert_eq!(
        check("theirs").await,
        json!({"nameAvailable": false, "reason": "AlreadyExists",
               "message": "An account named 'theirs' already exists."})
    );
    assert_eq!(arm.put_store("theirs", json!({})).await.0, 409);
    assert_eq!(arm.put_store("No-Name", json!({})).await.0, 400);
}

#[tokio::test]
async fn rules_lie_below_a_store() {
    let arm = Arm::owner().await;
    let rule = json!({"name": "first", "properties": {"startIpAddress": "203.0.113.1", "endIpAddress": "203.0.113.9"}});
    let (_, body) = arm
        .put_store("lake1", json!({"firewallRules": [rule]}))
        .await;
    let first = &body["properties"]["firewallRules"][0];
    assert_eq!(
        first["type"],
        "Microsoft.DataLakeStore/accounts/firewallRules"
    );
    assert_eq!(
        arm.get(&store("lake1/firewallRules/first"), STORES).await.1,
        *first
    );
    let change = json!({"properties": {"endIpAddress": "203.0.113.20"}});
    let path = store("lake1/firewallRules/first");
    let (_, body) = arm.call(Method::PATCH, &path, STORES, change).await;
    assert_eq!(
        body["properties"],
        json!({"startIpAddress": "203.0.113.1", "endIpAddress": "203.0.113.20"})
    );
    let wrong =
        json!({"properties": {"startIpAddress": "203.0.113.9", "endIpAddress": "203.0.113.1"}});
    assert_eq!(arm.call(Method::PUT, &path, STORES, wrong).await.0, 400);
    let subnet = json!({"properties": {"subnetId": "/subscriptions/s/subnets/x"}});
    let path = store("lake1/virtualNetworkRules/net");
    assert_eq!(arm.call(Method::PUT, &path, STORES, subnet).await.0, 200);
    let provider = json!({"properties": {"idProvider": "https://sts.windows.net/x"}});
    let path = store("lake1/trustedIdProviders/who");
    assert_eq!(arm.call(Method::PUT, &path, STORES, provider).await.0, 200);
    let (_, list) = arm.get(&store("lake1/trustedIdProviders"), STORES).await;
    assert_eq!(list["value"][0]["name"], "who");
    let delete = async || {
        arm.send(Method::DELETE, &path, STORES, &Value::Null)
            .await
            .status()
            .as_u16()
    };
    assert_eq!((delete().await, delete().await), (200, 204));
    assert_eq!(
        code(&arm.get(&path, STORES).await),
        (404, "ResourceNotFound")
    );
}

#[tokio::test]
async fn a_customers_key_is_used_when_the_store_is_told_so() {
    let arm = Arm::owner().await;
    let key = json!({"keyVaultResourceId": vault("kv-demo"), "encryptionKeyName": "k", "encryptionKeyVersion": "v1"});
    let mut wanted =
        body(json!({"encryptionConfig": {"type": "UserManaged", "keyVaultMetaInfo": key}}));
    let answer = arm
        .call(Method::PUT, &store("lake1"), STORES, wanted.clone())
        .await;
    assert_eq!(code(&answer), (400, "InvalidParameter"));
    wanted["identity"] = json!({"type": "SystemAssigned"});
    let (_, made) = arm.call(Method::PUT, &store("lake1"), STORES, wanted).await;
    assert_eq!(
        made["properties"]["encryptionProvisioningState"],
        "Creating"
    );
    assert!(made["identity"]["principalId"].is_string());
    let path = store("lake1/enableKeyVault");
    assert_eq!(
        arm.call(Method::POST, &path, STORES, Value::Null).await.0,
        200
    );
    let version = json!({"properties": {"encryptionConfig": {"keyVaultMetaInfo": {"encryptionKeyVersion": "v2"}}}});
    let (_, changed) = arm
        .call(Method::PATCH, &store("lake1"), STORES, version)
        .await;
    assert_eq!(
        changed["properties"]["encryptionProvisioningState"],
        "Succeeded"
    );
    let shown = &changed["properties"]["encryptionConfig"]["keyVaultMetaInfo"];
    assert_eq!(shown["encryptionKeyVersion"], "v2");
}

#[tokio::test]
async fn the_admin_api_changes_a_store_behind_the_managers_back() {
    let arm = Arm::owner().await;
    arm.put_store("lake1", json!({})).await;
    arm.sim
        .admin(
            Method::PATCH,
            "/datalakestores/lake1",
            &json!({"firewallState": "Enabled"}),
        )
        .await;
    let (_, body) = arm.get(&store("lake1"), STORES).await;
    assert_eq!(body["properties"]["firewallState"], "Enabled");
    let seen = arm.sim.look("/datalakestores/lake1").await;
    assert_eq!(seen["store"]["firewallState"], "Enabled");
    arm.sim
        .admin(Method::DELETE, "/datalakestores/lake1", &Value::Null)
        .await;
    assert_eq!(arm.get(&store("lake1"), STORES).await.0, 404);
}
