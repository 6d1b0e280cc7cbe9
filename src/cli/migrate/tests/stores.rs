use serde_json::json;

use super::*;

#[test]
fn each_way_to_sign_in_has_its_equal() {
    let came = Came::of(&CORPUS);
    let spec = |kind: &str, name: &str| came.made(kind, name).object["spec"].clone();
    assert_eq!(
        spec("AzureIdentity", "workload"),
        json!({"tenantId": TENANT, "clientId": CLIENT, "workloadIdentity": {"serviceAccountName": "reader"}})
    );
    assert_eq!(
        spec("AzureIdentity", "principal"),
        json!({"tenantId": TENANT, "clientId": CLIENT, "cloud": {"name": "USGovernment"}, "clientSecret": {"name": "azure-sp", "key": "client-secret"}})
    );
    assert_eq!(
        spec("AzureIdentity", "certificate"),
        json!({"tenantId": TENANT, "clientId": CLIENT, "cloud": {"name": "China"}, "clientCertificate": {"name": "azure-sp-cert", "key": "tls.pem"}})
    );
    assert_eq!(
        spec("AzureIdentity", "stack"),
        json!({"tenantId": "contoso.onmicrosoft.com", "clientId": CLIENT, "cloud": {"resourceManagerEndpoint": "https://management.local.azurestack.external"}, "clientSecret": {"name": "azure-sp", "key": "client-secret"}})
    );
    assert_eq!(
        spec("ClusterAzureIdentity", "team-mounted"),
        json!({"workloadIdentity": {}})
    );
}

#[test]
fn one_identity_of_the_node_serves_all_stores_that_name_it() {
    let came = Came::of(&CORPUS);
    let name = came
        .names()
        .into_iter()
        .find(|name| name.starts_with("ClusterAzureIdentity") && name.contains("node"))
        .unwrap();
    let name = name.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(
        came.sync("rendered")["identityRef"],
        json!({"kind": "ClusterAzureIdentity", "name": name})
    );
    let identity = &came.made("ClusterAzureIdentity", &name).object["spec"];
    assert_eq!(
        identity["managedIdentity"],
        json!({"clientId": "33333333-3333-3333-3333-333333333333"})
    );
    // Of the namespace's store and of the cluster's.
    let vaults: Vec<&Value> = identity["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| &grant["vaults"][0])
        .collect();
    assert_eq!(vaults, ["kv-cluster", "kv-node"]);
    // A class is of the same identity in another cloud, which is another.
    assert!(
        came.names()
            .contains(&"ClusterAzureIdentity shop-node".to_owned()),
        "{:?}",
        came.names()
    );
}

#[test]
fn conditions_of_a_store_say_to_whom_it_is_lent() {
    let came = Came::of(&CORPUS);
    let spec = &came.made("ClusterAzureIdentity", "shared").object["spec"];
    let vaults = json!(["kv-shared"]);
    assert_eq!(
        spec["allow"],
        json!([
            {"namespaces": {"names": ["payments", "team"]}, "vaults": vaults},
            {"namespaces": {"matchLabels": {"azure": "yes"}}, "vaults": vaults},
        ])
    );
    came.tells(&["ClusterSecretStore shared", "matchExpressions"]);
    came.tells(&[
        "ClusterSecretStore shared",
        "namespaceRegexes ([\"^shop-\"])",
    ]);
    came.tells(&[
        "ClusterSecretStore shared",
        "serviceAccountRef.namespace (external-secrets)",
        "make shared-reader there",
    ]);
}

#[test]
fn a_store_with_credentials_of_its_users_is_an_identity_of_each() {
    let came = Came::of(&CORPUS);
    let identity = &came.made("AzureIdentity", "referent").object;
    assert_eq!(identity["metadata"]["namespace"], "team");
    assert_eq!(
        came.sync("generated")["identityRef"],
        json!({"name": "referent"})
    );
}

#[test]
fn what_may_be_pushed_is_lent_too() {
    let came = Came::of(&CORPUS);
    let identity = came
        .names()
        .into_iter()
        .find(|name| name.starts_with("ClusterAzureIdentity") && name.contains("node"))
        .unwrap();
    let spec = &came
        .made("ClusterAzureIdentity", identity.split(' ').nth(1).unwrap())
        .object["spec"];
    let grants = spec["allow"].as_array().unwrap();
    let pushes: Vec<&Value> = grants
        .iter()
        .filter(|grant| grant["vaults"][0] == "kv-cluster")
        .map(|grant| &grant["push"])
        .collect();
    assert_eq!(pushes, [&json!(["db-password", "web", "ca"])]);
}

#[test]
fn ids_are_asked_for_where_no_file_tells_them() {
    let store = "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: kv}\nspec:\n  provider:\n    azurekv:\n      vaultUrl: https://kv.vault.azure.net\n      authSecretRef: {clientId: {name: sp, key: client.id}, clientSecret: {name: sp, key: password}}\n";
    let came = Came::text(store);
    let identity = &came.made("AzureIdentity", "kv").object["spec"];
    assert_eq!(identity["clientId"], identities::UNKNOWN);
    came.tells(&["kubectl -n team get secret sp -o jsonpath='{.data.client\\.id}' | base64 -d"]);
    came.tells(&["the identity's spec.tenantId: no file tells it"]);
    let same = store.replace("name: kv}", "name: kv-2}");
    let two = Came::text(&format!("{store}---\n{same}"));
    // Nobody knows whether they are the same.
    assert_eq!(two.names(), ["AzureIdentity kv", "AzureIdentity kv-2"]);
}
