use serde_json::json;

use super::*;

#[test]
fn a_push_secret_is_a_sync_for_each_store_that_only_pushes() {
    let came = Came::of(&CORPUS);
    let entry =
        |from: Value, to: Value| json!({"from": from, "to": to, "deletionPolicy": "Delete"});
    // An ExternalSecret has the name already.
    let spec = came.sync("app-push");
    assert_eq!(
        spec["push"],
        json!([
            entry(
                json!({"secret": "made-here", "key": "password"}),
                json!({"secret": "db-password", "tags": {"team": "payments"}, "contentType": "text/plain", "expires": "2030-01-01T00:00:00Z"}),
            ),
            entry(
                json!({"secret": "made-here"}),
                json!({"certificate": "web"})
            ),
            entry(
                json!({"secret": "made-here", "key": "ca.pfx"}),
                json!({"certificate": "ca"})
            ),
        ])
    );
    assert_eq!(
        (&spec["data"], &spec["vaultUri"]),
        (&Value::Null, &json!("https://kv-team.vault.azure.net"))
    );
    assert_eq!(
        came.sync("app-push-2")["vaultUri"],
        "https://kv-cluster.vault.azure.net"
    );
    for words in [
        ["spec.updatePolicy (IfNotExists)", "PushTargetExists"],
        ["spec.data[3]", "pushed as it is"],
        ["spec.data[4] (", "nothing else"],
        ["spec.data[5]", "push each key"],
        [
            "spec.data[2].match.remoteRef.property (unused)",
            "whole value",
        ],
        ["spec.dataTo", "one for each key"],
    ] {
        came.tells(&["PushSecret team/app", words[0], words[1]]);
    }
    came.tells(&[
        "PushSecret team/selected: spec.selector",
        "names one Secret",
    ]);
}

#[test]
fn several_azure_key_vault_secrets_make_one_secret_together() {
    let came = Came::of(&CORPUS);
    let spec = came.sync("db");
    assert_eq!(
        *spec,
        json!({
            "vaultUri": "https://kv-shop.vault.azure.net",
            "identityRef": {"kind": "ClusterAzureIdentity", "name": "akv2k8s"},
            "template": {"labels": {"app": "shop"}},
            "data": [
                {"key": "username", "secret": {"name": "db-user"}},
                {
                    "key": "password", "vaultUri": "https://kv-shop-2.vault.azure.net",
                    "secret": {"name": "db-password", "version": "4387e9f3d6e14c459867679a90fd0f79", "decode": "Base64"},
                },
            ],
        })
    );
    let identity = &came.made("ClusterAzureIdentity", "akv2k8s").object["spec"];
    let grants = json!([
        {"namespaces": {"names": ["shop"]}, "vaults": ["kv-shop"]},
        {"namespaces": {"names": ["shop"]}, "vaults": ["kv-shop-2"]},
    ]);
    assert_eq!(
        (&identity["managedIdentity"], &identity["allow"]),
        (&json!({}), &grants)
    );
    came.tells(&[
        "AzureKeyVaultSecret shop/db-user: spec.vault.azureIdentity",
        "--identity",
    ]);
}

#[test]
fn each_type_of_akv2k8s_has_its_way() {
    let came = Came::of(&CORPUS);
    let source = |name: &str| {
        (
            came.sync(name)["data"].clone(),
            came.sync(name)["template"]["data"].clone(),
        )
    };
    assert_eq!(
        source("web-tls"),
        (json!([{"certificate": {"name": "web-tls"}}]), Value::Null)
    );
    assert_eq!(
        source("web-public"),
        (
            json!([{"key": "from-web.pem", "certificate": {"name": "web-tls", "chain": "LeafOnly"}}]),
            json!({"web.pem": "{{ data[\"from-web.pem.crt\"] }}"})
        )
    );
    assert_eq!(
        source("web-raw").0,
        json!([{"key": "web.pfx", "secret": {"name": "web-tls"}}])
    );
    assert_eq!(
        came.sync("config")["dataFrom"],
        json!([{"expand": {"secret": {"name": "config"}, "format": "Yaml"}}])
    );
    assert_eq!(
        source("basic").1,
        json!({
            "username": "{{ data[\"from-username\"] | trim | split(\":\") | first }}",
            "password": "{{ data[\"from-password\"] | trim | split(\":\") | last }}",
        })
    );
    assert_eq!(
        source("registry").1,
        json!({".dockerconfigjson": "{{ data[\"from-.dockerconfigjson\"] | trim | b64decode }}"})
    );
    assert_eq!(
        source("signing").0,
        json!([{"key": "signing.pub", "publicKey": {"name": "signing"}}])
    );
    came.tells(&[
        "AzureKeyVaultSecret shop/signing: spec.vault.object.type (key)",
        "modulus",
    ]);
    came.tells(&[
        "AzureKeyVaultSecret shop/signing: spec.output.configMap",
        "only Secrets",
    ]);
}

#[test]
fn an_identity_of_the_command_line_serves_akv2k8s() {
    let mut input = Input::default();
    input.add("akvs.yaml", CORPUS[4].1, "team").unwrap();
    let identity = Reference {
        kind: "AzureIdentity",
        name: "shop".to_owned(),
    };
    let migration = converted(&input, Some(identity), Some("vault.azure.cn"));
    for made in &migration.made {
        assert_eq!(made.object["kind"], "VaultSecretSync");
        assert_eq!(made.object["spec"]["identityRef"], json!({"name": "shop"}));
        let vault = made.object["spec"]["vaultUri"].as_str().unwrap();
        assert!(vault.ends_with(".vault.azure.cn"), "{vault}");
    }
}

#[test]
fn a_class_is_an_identity_and_a_sync_for_each_secret() {
    let came = Came::of(&CORPUS);
    let identity = &came.made("AzureIdentity", "shop").object["spec"];
    assert_eq!(
        *identity,
        json!({"tenantId": TENANT, "clientId": CLIENT, "workloadIdentity": {"serviceAccountName": "shop"}})
    );
    let spec = came.sync("api");
    assert_eq!(
        spec["data"],
        json!([
            {"key": "API_KEY", "secret": {"name": "api-key", "version": "4387e9f3d6e14c459867679a90fd0f79", "decode": "Base64"}},
            {"key": "signing.pub", "publicKey": {"name": "signing"}},
            {"key": "from-ca.pem", "certificate": {"name": "root-ca", "chain": "LeafOnly"}},
        ])
    );
    assert_eq!(
        spec["template"],
        json!({
            "labels": {"app": "shop"}, "annotations": {"contact": "shop@example.com"},
            "data": {
                "API_KEY": "{{ data[\"API_KEY\"] }}", "signing.pub": "{{ data[\"signing.pub\"] }}",
                "ca.pem": "{{ data[\"from-ca.pem.crt\"] }}",
            },
        })
    );
    assert_eq!(
        came.sync("shop-tls")["data"],
        json!([{"certificate": {"name": "shop-tls"}}])
    );
    came.tells(&[
        "SecretProviderClass shop/shop: spec.secretObjects[0].data[3]",
        "left out",
    ]);
    came.tells(&[
        "SecretProviderClass shop/shop: spec.parameters.objects.array[4].objectVersionHistory (3)",
        "pin each",
    ]);
}

#[test]
fn classes_sign_in_in_three_ways() {
    let came = Came::of(&CORPUS);
    let node = &came.made("ClusterAzureIdentity", "shop-node").object["spec"];
    assert_eq!(
        node["managedIdentity"],
        json!({"clientId": "33333333-3333-3333-3333-333333333333"})
    );
    assert_eq!(node["cloud"], json!({"name": "USGovernment"}));
    assert_eq!(
        came.sync("node")["vaultUri"],
        "https://kv-shop-us.vault.usgovcloudapi.net"
    );
    came.tells(&[
        "SecretProviderClass shop/node: spec.secretObjects",
        "mount the Secret node",
    ]);
    let of_shop =
        |made: &&Made| made.name() == "principal" && made.object["metadata"]["namespace"] == "shop";
    let principal = &came.0.made.iter().find(of_shop).unwrap().object;
    assert_eq!(
        principal["spec"]["clientSecret"],
        json!({"name": "secrets-store-creds", "key": "clientsecret"})
    );
    came.tells(&[
        "SecretProviderClass shop/principal",
        "usePodIdentity (true)",
        "retired",
    ]);
    came.tells(&["SecretProviderClass shop/principal", "objectEncoding (hex)"]);
    came.tells(&[
        "SecretProviderClass shop/vault: spec (vault)",
        "not of Azure",
    ]);
}

#[test]
fn a_field_within_the_text_of_objects_is_told() {
    let class = "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\nmetadata: {name: c}\nspec:\n  provider: azure\n  parameters:\n    keyvaultName: kv\n    objects: |\n      extra: 1\n      array:\n      - |\n        objectName: a\n        bogus: 1\n";
    let came = Came::text(class);
    came.tells(&["spec.parameters.objects.array[0].bogus (1)"]);
    came.tells(&["spec.parameters.objects.extra (1)"]);
}
