//! Vaults are made, read and listed.

use super::*;

#[tokio::test]
async fn a_vault_is_made_with_its_defaults_and_works() {
    let arm = Arm::owner().await;
    let (status, body) = arm.put_vault("Kv-New", json!({})).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["id"], json!(vault("Kv-New")));
    assert_eq!(body["type"], "Microsoft.KeyVault/vaults");
    let properties = &body["properties"];
    for (name, value) in [
        ("vaultUri", json!("https://kv-new.vault.sim.test/")),
        ("provisioningState", json!("Succeeded")),
        ("enableSoftDelete", json!(true)),
        ("softDeleteRetentionInDays", json!(90)),
        ("publicNetworkAccess", json!("Enabled")),
        ("enabledForDeployment", json!(false)),
        ("accessPolicies", json!([])),
        ("enableRbacAuthorization", json!(true)),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    assert_eq!(properties.get("networkAcls"), None);
    assert_eq!(properties.get("enablePurgeProtection"), None);
    assert_eq!(body["systemData"]["createdBy"], CLIENT);
    assert_eq!(body["systemData"]["createdByType"], "Application");
    assert_eq!(
        arm.list_secrets("kv-new").await,
        403,
        "its data plane is there, and nobody has a role"
    );
    let (status, same) = arm.get_vault("kv-NEW").await;
    assert_eq!((status, &same), (200, &body));
    let (_, journal) = (
        0,
        arm.sim.look("/journal?operation=CreateOrUpdateVault").await,
    );
    assert_eq!(journal["entries"][0]["host"], "management.sim.test");
}

#[tokio::test]
async fn the_version_decides_how_a_vault_decides() {
    let arm = Arm::owner().await;
    let silent = json!({"location": "westeurope", "properties": {"tenantId": TENANT, "accessPolicies": [],
                        "sku": {"family": "A", "name": "standard"}}});
    for (version, name, shown) in [
        ("2024-11-01", "kv-old", None),
        ("2026-02-01", "kv-now", Some(true)),
    ] {
        let (_, body) = arm
            .call(Method::PUT, &vault(name), version, silent.clone())
            .await;
        assert_eq!(
            body["properties"]["enableRbacAuthorization"].as_bool(),
            shown,
            "{version}"
        );
    }
}

#[tokio::test]
async fn what_no_vault_can_be_is_refused() {
    let arm = Arm::owner().await;
    for (name, properties, code_wanted) in [
        ("1kv", json!({}), "VaultNameNotValid"),
        ("kv--a", json!({}), "VaultNameNotValid"),
        (
            "kv-new",
            json!({"sku": {"family": "A", "name": "gold"}}),
            "SkuNotSupported",
        ),
        (
            "kv-new",
            json!({"enablePurgeProtection": false}),
            "BadRequest",
        ),
        ("kv-new", json!({"enableSoftDelete": false}), "BadRequest"),
        (
            "kv-new",
            json!({"softDeleteRetentionInDays": 6}),
            "BadRequest",
        ),
        (
            "kv-new",
            json!({"enableRbacAuthorization": false}),
            "BadRequest",
        ),
        (
            "kv-new",
            json!({"networkAcls": {"ipRules": [{"value": "x"}]}}),
            "BadRequest",
        ),
        (
            "kv-new",
            json!({"createMode": "recover"}),
            "SoftDeletedVaultDoesNotExist",
        ),
    ] {
        let answer = arm.put_vault(name, properties.clone()).await;
        assert_eq!(code(&answer), (400, code_wanted), "{name} {properties}");
    }
    let mut body = vault_body(json!({}));
    body["location"] = json!("nowhere");
    let answer = arm
        .call(Method::PUT, &vault("kv-new"), VAULTS, body.clone())
        .await;
    assert_eq!(code(&answer), (400, "LocationNotAvailableForResourceType"));
    body["location"] = json!("westeurope");
    body["tags"] = (0..51)
        .map(|n| (format!("t{n}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let answer = arm.call(Method::PUT, &vault("kv-new"), VAULTS, body).await;
    assert_eq!(answer.0, 400);
    let nowhere = vault("kv-new").replace("/rg/", "/none/");
    let answer = arm
        .call(Method::PUT, &nowhere, VAULTS, vault_body(json!({})))
        .await;
    assert_eq!(code(&answer), (404, "ResourceGroupNotFound"));
    let answer = arm.get_vault("kv-new").await;
    assert_eq!(code(&answer), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn a_name_is_unique_over_all_subscriptions() {
    let arm = Arm::owner().await;
    let answer = arm.put_vault("kv-demo", json!({})).await;
    assert_eq!(code(&answer), (409, "VaultAlreadyExists"));
    let check = async |name: &str| {
        let path = subscription("/providers/Microsoft.KeyVault/checkNameAvailability");
        let body = json!({"name": name, "type": "Microsoft.KeyVault/vaults"});
        arm.call(Method::POST, &path, VAULTS, body).await.1
    };
    assert_eq!(check("kv-free").await, json!({"nameAvailable": true}));
    assert_eq!(check("KV-demo").await["reason"], "AlreadyExists");
    assert_eq!(check("x").await["reason"], "AccountNameInvalid");
}

#[tokio::test]
async fn lists_come_in_pages_of_the_group_and_of_the_subscription() {
    let arm = Arm::owner().await;
    for name in ["kv-a", "kv-b", "kv-c"] {
        arm.put_vault(name, json!({})).await;
    }
    for path in [
        subscription("/resourceGroups/rg/providers/Microsoft.KeyVault/vaults"),
        subscription("/providers/Microsoft.KeyVault/vaults"),
    ] {
        let (_, page) = arm.get(&format!("{path}?$top=2"), VAULTS).await;
        let names = |page: &Value| {
            let rows = page["value"].as_array().unwrap().iter();
            rows.map(|row| row["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&page), ["kv-a", "kv-b"]);
        let next = page["nextLink"].as_str().unwrap();
        let answer = arm
            .client
            .get(next)
            .bearer_auth(&arm.token)
            .send()
            .await
            .unwrap();
        let (_, page) = split(answer).await;
        assert_eq!(
            (names(&page), page.get("nextLink")),
            (vec!["kv-c".to_owned()], None)
        );
    }
    let filter = "$filter=resourceType eq 'Microsoft.KeyVault/vaults'";
    let (_, list) = arm
        .get(&subscription(&format!("/resources?{filter}")), "2015-11-01")
        .await;
    assert_eq!(list["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_vault_of_the_seed_is_at_the_resource_manager_too() {
    let arm = Arm::owner().await;
    let seed = json!({"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-seed", "tenantId": TENANT,
                      "tags": {"a": "b"}, "purgeProtection": true});
    arm.sim.admin(Method::PUT, "/vaults/kv-seed", &seed).await;
    let path = vault("kv-seed").replace("/rg/", "/rg-seed/");
    let (status, body) = arm.get(&path, VAULTS).await;
    assert_eq!((status, &body["tags"]), (200, &json!({"a": "b"})));
    assert_eq!(body["properties"]["enablePurgeProtection"], true);
}

#[tokio::test]
async fn secrets_are_written_and_never_shown() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    let path = format!("{}/secrets/s", vault("kv-new"));
    let put = json!({"tags": {"a": "b"}, "properties": {"value": "hidden", "contentType": "text"}});
    let (status, body) = arm.call(Method::PUT, &path, VAULTS, put).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(
        body["properties"]["secretUri"],
        "https://kv-new.vault.sim.test/secrets/s"
    );
    let (status, one) = arm.get(&path, VAULTS).await;
    assert_eq!((status, &one), (200, &body));
    assert!(!one.to_string().contains("hidden"));
    let (_, list) = arm
        .get(&format!("{}/secrets", vault("kv-new")), VAULTS)
        .await;
    assert_eq!(list["value"], json!([body]));
    assert_eq!(
        arm.get(&format!("{}/secrets/none", vault("kv-new")), VAULTS)
            .await
            .0,
        404
    );
}
