//! Vaults are changed: what stays, what goes, and who is let in.

use super::*;

const OTHER: &str = "0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a09";

fn policy(object: &str, secrets: &[&str]) -> Value {
    json!({"tenantId": TENANT, "objectId": object, "permissions": {"secrets": secrets}})
}

#[tokio::test]
async fn a_put_replaces_and_a_patch_merges() {
    let arm = Arm::owner().await;
    let mut body = vault_body(
        json!({"accessPolicies": [policy(OBJECT, &["get"])], "enabledForDeployment": true}),
    );
    body["tags"] = json!({"a": "b"});
    arm.call(Method::PUT, &vault("kv-new"), VAULTS, body).await;
    let patch = json!({"properties": {"publicNetworkAccess": "Disabled"}});
    let (status, body) = arm
        .call(Method::PATCH, &vault("kv-new"), VAULTS, patch)
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["tags"], json!({"a": "b"}));
    assert_eq!(body["properties"]["publicNetworkAccess"], "Disabled");
    assert_eq!(
        body["properties"]["accessPolicies"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let (_, body) = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(
        (&body["tags"], &body["properties"]["accessPolicies"]),
        (&json!({}), &json!([]))
    );
    assert_eq!(body["properties"]["enabledForDeployment"], false);
    let answer = arm
        .call(
            Method::PATCH,
            &vault("kv-none"),
            VAULTS,
            json!({"tags": {}}),
        )
        .await;
    assert_eq!(code(&answer), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn what_goes_one_way_does_not_come_back() {
    let arm = Arm::owner().await;
    arm.put_vault(
        "kv-new",
        json!({"enablePurgeProtection": true, "softDeleteRetentionInDays": 7}),
    )
    .await;
    let (_, body) = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(body["properties"]["enablePurgeProtection"], true);
    assert_eq!(body["properties"]["softDeleteRetentionInDays"], 7);
    let answer = arm
        .put_vault("kv-new", json!({"softDeleteRetentionInDays": 8}))
        .await;
    assert_eq!(code(&answer), (400, "BadRequest"));
    let answer = arm
        .put_vault("kv-new", json!({"enablePurgeProtection": false}))
        .await;
    let message = answer.1["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("\"enablePurgeProtection\" cannot be set to false"),
        "{message}"
    );
    let mut body = vault_body(json!({}));
    body["location"] = json!("eastus");
    let answer = arm.call(Method::PUT, &vault("kv-new"), VAULTS, body).await;
    assert_eq!(code(&answer), (409, "InvalidResourceLocation"));
}

#[tokio::test]
async fn networks_are_normalised_and_kept_out() {
    let arm = Arm::with_role("Owner").await;
    let subnet =
        "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/X";
    let acls = |rule: &str| {
        json!({"enableRbacAuthorization": false, "accessPolicies": [policy(OBJECT, &["list"])],
               "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": rule}],
                               "virtualNetworkRules": [{"id": subnet}]}})
    };
    let (_, body) = arm.put_vault("kv-new", acls("10.1.2.3")).await;
    let shown = &body["properties"]["networkAcls"];
    assert_eq!(shown["ipRules"], json!([{"value": "10.1.2.3/32"}]));
    assert_eq!(
        shown["virtualNetworkRules"][0]["id"],
        json!(subnet.to_lowercase())
    );
    assert_eq!(shown["bypass"], "AzureServices");
    assert_eq!(arm.list_secrets("kv-new").await, 403);
    arm.settings(json!({"clientAddress": "10.1.2.3"})).await;
    assert_eq!(arm.list_secrets("kv-new").await, 200);
    arm.settings(json!({"clientAddress": "10.1.2.4"})).await;
    assert_eq!(arm.list_secrets("kv-new").await, 403);
    arm.put_vault("kv-new", acls("10.1.0.0/16")).await;
    assert_eq!(arm.list_secrets("kv-new").await, 200);
    let closed = json!({"properties": {"publicNetworkAccess": "Disabled"}});
    arm.call(Method::PATCH, &vault("kv-new"), VAULTS, closed)
        .await;
    assert_eq!(arm.list_secrets("kv-new").await, 403);
}

#[tokio::test]
async fn access_policies_are_added_replaced_and_removed() {
    let arm = Arm::owner().await;
    arm.put_vault(
        "kv-new",
        json!({"enableRbacAuthorization": false, "accessPolicies": [policy(OTHER, &["get"])]}),
    )
    .await;
    let change = async |kind: &str, policies: Value| {
        let path = format!("{}/accessPolicies/{kind}", vault("kv-new"));
        let body = json!({"properties": {"accessPolicies": policies}});
        let (status, body) = arm.call(Method::PUT, &path, VAULTS, body).await;
        (status, body["properties"]["accessPolicies"].clone())
    };
    assert_eq!(arm.list_secrets("kv-new").await, 403);
    let (status, list) = change("add", json!([policy(OBJECT, &["list"])])).await;
    assert_eq!((status, list.as_array().unwrap().len()), (200, 2));
    assert_eq!(arm.list_secrets("kv-new").await, 200);
    let (_, list) = change("add", json!([policy(OTHER, &["set"])])).await;
    assert_eq!(list[0]["permissions"]["secrets"], json!(["get", "set"]));
    let (_, list) = change("replace", json!([policy(OTHER, &["list"])])).await;
    assert_eq!(list[0]["permissions"]["secrets"], json!(["list"]));
    let (_, list) = change("remove", json!([policy(OTHER, &["list"])])).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(change("other", json!([])).await.0, 400);
    assert_eq!(change("add", json!([policy(OTHER, &["fly"])])).await.0, 400);
}

#[tokio::test]
async fn who_may_not_assign_roles_may_not_change_how_a_vault_decides() {
    for (role, status) in [("Contributor", 403), ("Owner", 200)] {
        let arm = Arm::with_role(role).await;
        let policies = json!({"enableRbacAuthorization": false, "accessPolicies": []});
        assert_eq!(
            arm.put_vault("kv-new", policies.clone()).await.0,
            200,
            "{role}"
        );
        let answer = arm.put_vault("kv-new", json!({})).await;
        assert_eq!(answer.0, status, "{role}: {}", answer.1);
        assert_eq!(arm.put_vault("kv-new", policies).await.0, 200, "{role}");
    }
}
