use serde_json::json;

use super::*;

const VAULT: &str = "https://kv-team.vault.azure.net";

#[test]
fn an_external_secret_is_a_sync() {
    let came = Came::of(&CORPUS);
    let made = &came.made("VaultSecretSync", "app").object;
    assert_eq!(
        made["spec"],
        json!({
            "vaultUri": VAULT, "identityRef": {"name": "workload"}, "refreshInterval": "1h0m0s",
            "target": {"name": "app-secret"},
            "template": {"labels": {"app.kubernetes.io/part-of": "shop"}},
            "data": [
                {"key": "DB_PASSWORD", "secret": {"name": "db-password"}},
                {"key": "DB_USER", "secret": {"name": "db", "property": "login.user"}},
                {"key": "API_KEY", "secret": {"name": "api", "version": "4387e9f3d6e14c459867679a90fd0f79", "decode": "Base64"}},
                {"key": "FIRST_HOST", "secret": {"name": "hosts", "property": "$['hosts'][0]['name']", "decode": "Base64Url"}},
                {"key": "signing.jwk", "publicKey": {"name": "signing", "format": "Jwk"}},
            ],
        })
    );
    assert_eq!(
        made["metadata"]["labels"],
        json!({"app.kubernetes.io/part-of": "shop"})
    );
    let remarks: Vec<String> = came
        .remarks()
        .into_iter()
        .filter(|remark| remark.contains("ExternalSecret team/app:"))
        .collect();
    assert_eq!(remarks, Vec::<String>::new());
}

#[test]
fn many_keys_policies_and_windows_have_their_equals() {
    let came = Came::of(&CORPUS);
    let version = "4387e9f3d6e14c459867679a90fd0f79";
    assert_eq!(
        *came.sync("many"),
        json!({
            "vaultUri": "https://kv-shared.vault.azure.net",
            "identityRef": {"kind": "ClusterAzureIdentity", "name": "shared"},
            "refreshInterval": "10s", "onMissing": "Remove",
            "target": {"deletionPolicy": "Retain", "immutable": true},
            "windows": [
                {"schedule": "0 22 * * 1-5", "duration": "8h"},
                {"schedule": "0 0 * * *", "duration": "1h"},
            ],
            // The last of two counts there, the first here.
            "dataFrom": [
                {"expand": {"secret": {"name": "config", "version": version, "property": "shop"}, "format": "Json"}},
                {
                    "find": {"namePattern": "^shop-", "tags": {"environment": "prod"}, "excludeDisabled": true},
                    "rename": {"from": "^shop-(.*)", "to": "$1"},
                },
            ],
        })
    );
    came.tells(&["ExternalSecret team/many: spec.refreshInterval (5s): 10s is the least"]);
}

#[test]
fn the_usual_templates_of_a_certificate_are_an_entry() {
    let came = Came::of(&CORPUS);
    let spec = came.sync("web-tls");
    assert_eq!(spec["data"], json!([{"certificate": {"name": "web-tls"}}]));
    assert_eq!(spec["template"], Value::Null);
    came.tells(&["ExternalSecret team/web-tls", "PKCS#8"]);
}

#[test]
fn simple_templates_are_translated_and_others_are_told() {
    let came = Came::of(&CORPUS);
    assert_eq!(
        came.sync("rendered")["template"],
        json!({
            "labels": {"app": "web"}, "annotations": {"contact": "team@example.com"}, "mergePolicy": "Merge",
            "data": {
                "url": "postgres://{{ user }}:{{ password | urlencode }}@db/app",
                ".dockerconfigjson": "{\"auths\":{\"registry.example.com\":{\"auth\":\"{{ (user ~ \":\" ~ password) | b64encode }}\"}}}",
            },
        })
    );
    for words in [
        [
            "spec.target.template.data.flags ({{ if .debug",
            "left out",
            "if .debug",
        ],
        [
            "spec.target.template.metadata.annotations",
            "made of names alone",
            "",
        ],
        [
            "spec.target.template.metadata.finalizers",
            "no finalizers",
            "",
        ],
        [
            "spec.target.template.templateFrom",
            "in the sync itself",
            "",
        ],
        ["spec.target.template.data.url", "%20", ""],
        ["spec.data[1].remoteRef.metadataPolicy (Fetch)", "tags", ""],
        ["spec.refreshPolicy (CreatedOnce)", "0s", ""],
        ["spec.target.deletionPolicy (Delete)", "onMissing", ""],
    ] {
        came.tells(&["ExternalSecret team/rendered", words[0], words[1], words[2]]);
    }
}

#[test]
fn a_bare_certificate_comes_of_a_template_and_the_others_pass_through() {
    let came = Came::of(&CORPUS);
    let spec = came.sync("odd");
    assert_eq!(
        spec["target"],
        json!({"ownership": "Merge", "deletionPolicy": "Retain"})
    );
    let keys: Vec<&Value> = spec["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["key"])
        .collect();
    assert_eq!(keys, ["guessed", "same", "from-der"]);
    let templates = spec["template"]["data"].as_object().unwrap();
    assert_eq!(templates["same"], "{{ data[\"same\"] }}");
    assert!(
        templates["der"]
            .as_str()
            .unwrap()
            .contains("data[\"from-der.crt\"]"),
        "{templates:?}"
    );
    for words in [
        ["spec.data[1].remoteRef.decodingStrategy (Auto)", "guessed"],
        [
            "spec.data[1].remoteRef.property (items.#.name)",
            "JSON path",
        ],
        ["spec.data[2] (", "one identity"],
        ["spec.target.manifest", "only Secrets"],
    ] {
        came.tells(&["ExternalSecret team/odd", words[0], words[1]]);
    }
}

#[test]
fn what_has_no_equal_is_told_and_nothing_is_made_up() {
    let came = Came::of(&CORPUS);
    came.tells(&[
        "ExternalSecret team/foreign: spec: nothing is made of it",
        "not of Azure Key Vault",
    ]);
    came.tells(&[
        "SecretStore team/elsewhere: spec: ",
        "not of Azure Key Vault",
    ]);
    came.tells(&[
        "ClusterExternalSecret everywhere: kind",
        "convert what it made",
    ]);
    came.tells(&[
        "ExternalSecret team/generated: spec.dataFrom[1]",
        "generators",
    ]);
    came.tells(&[
        "ExternalSecret team/generated: spec.syncWindows",
        "none says when not",
    ]);
    assert!(
        !came
            .names()
            .iter()
            .any(|name| name.contains("foreign") || name.contains("elsewhere")),
        "{:?}",
        came.names()
    );
}

#[test]
fn what_lakevault_would_refuse_is_told() {
    let name = "n".repeat(70);
    let came = Came::text(&format!(
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: kv}}\nspec: {{provider: {{azurekv: {{authType: WorkloadIdentity, vaultUrl: https://kv.vault.azure.net, serviceAccountRef: {{name: reader}}}}}}}}\n---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: {name}}}\nspec: {{secretStoreRef: {{name: kv}}, data: [{{secretKey: a, remoteRef: {{key: a}}}}]}}\n"
    ));
    came.tells(&["Lakevault refuses it as it stands", "at most 63 characters"]);
}
