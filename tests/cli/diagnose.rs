//! `lakevault diagnose` on the objects of a file, with each thing that can be wrong.

use std::fs;

use serde_json::{Value, json};

use crate::scene::{CLIENT, Ended, Scene, TENANT};

const SECRET: &str = "planted-client-secret";
const VALUE: &str = "planted-value";

/// What a file says; each test changes one thing.
#[derive(Clone)]
struct File {
    authority: String,
    secret: &'static str,
    vault: &'static str,
    object: &'static str,
    identity: &'static str,
}

impl Default for File {
    fn default() -> Self {
        Self {
            authority: "https://login.sim.test".to_owned(),
            secret: SECRET,
            vault: "https://kv-a.vault.sim.test",
            object: "db",
            identity: "sp",
        }
    }
}

impl File {
    fn text(&self) -> String {
        let objects = [
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp"},
                "stringData": {"secret": self.secret},
            }),
            json!({
                "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity", "metadata": {"name": "sp"},
                "spec": {
                    "tenantId": TENANT, "clientId": CLIENT,
                    "cloud": {"custom": {
                        "authorityHost": self.authority,
                        "keyVault": {"dnsSuffix": "vault.sim.test"},
                    }},
                    "clientSecret": {"name": "sp", "key": "secret"},
                },
            }),
            json!({
                "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": "db"},
                "spec": {
                    "vaultUri": self.vault, "identityRef": {"name": self.identity},
                    "data": [{"key": "password", "secret": {"name": self.object}}],
                },
            }),
        ];
        objects.map(|object| object.to_string()).join("\n---\n")
    }
}

/// A scene with an application that may read one vault of two.
pub(crate) async fn scene(name: &str) -> Scene {
    let scene = Scene::new(name).await;
    let vault = |name: &str, assignments: &Value| {
        json!({
            "name": name, "tenantId": TENANT, "roleAssignments": assignments,
            "secrets": [{"name": "db", "value": VALUE}],
        })
    };
    let object = "33333333-3333-3333-3333-333333333333";
    let reader = json!([{"principalId": object, "role": "Key Vault Secrets User"}]);
    let seed = json!({
        "tenants": [{"id": TENANT, "applications": [{
            "clientId": CLIENT, "objectId": object, "secrets": [{"value": SECRET}],
        }]}],
        "vaults": [vault("kv-a", &reader), vault("kv-b", &json!([]))],
    });
    scene.sim.admin().seed(&seed).await.unwrap();
    scene
}

async fn diagnose(scene: &Scene, file: &File, further: &[&str]) -> Ended {
    let path = scene.folder().join("objects.yaml");
    fs::write(&path, file.text()).unwrap();
    let mut arguments = vec!["diagnose", "-n", "team", "-f", path.to_str().unwrap()];
    arguments.extend(further);
    let ended = scene.run(&arguments).await;
    let all = format!("{ended:?}");
    for planted in [SECRET, VALUE, "eyJ"] {
        assert!(!all.contains(planted), "{planted} was printed: {all}");
    }
    ended
}

/// The steps of the sync with their outcome, and the one that failed.
async fn sync(scene: &Scene, file: &File) -> (Vec<(String, String)>, Option<Value>) {
    let ended = diagnose(scene, file, &["sync/db", "-o", "json"]).await;
    let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
    let checks = findings[0]["checks"].as_array().unwrap();
    let word = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    let outcomes = checks
        .iter()
        .map(|check| (word(check, "name"), word(check, "outcome")))
        .collect();
    let failed = checks.iter().find(|check| check["outcome"] == "failed");
    let code = i32::from(failed.is_some());
    assert_eq!(ended.code, Some(code), "{ended:?}");
    (outcomes, failed.cloned())
}

/// The file fails at this step for this reason, with a mend, and nothing is looked at after it.
async fn fails(scene: &Scene, file: File, step: &str, reason: &str) -> Value {
    let (outcomes, failed) = sync(scene, &file).await;
    let failed = failed.unwrap();
    assert_eq!(
        (&failed["name"], &failed["reason"]),
        (&json!(step), &json!(reason)),
        "{failed}"
    );
    assert!(!failed["mend"].as_str().unwrap().is_empty());
    let after = outcomes.iter().skip_while(|(name, _)| name != step).skip(1);
    for (name, outcome) in after {
        assert_eq!(outcome, "skipped", "{name}");
    }
    failed
}

#[tokio::test]
async fn where_all_is_well_every_step_passes() {
    let scene = scene("diagnose-well").await;
    let (outcomes, failed) = sync(&scene, &File::default()).await;
    assert_eq!(failed, None);
    let expected = ["spec", "cloud", "dns", "tls", "token", "vault", "role"];
    let expected = expected.map(|step| (step.to_owned(), "passed".to_owned()));
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn everything_of_a_file_is_shown_as_a_table() {
    let scene = scene("diagnose-table").await;
    let printed = diagnose(&scene, &File::default(), &[]).await.well();
    let lines: Vec<&str> = printed.lines().collect();
    for line in [
        "AzureIdentity team/sp",
        "VaultSecretSync team/db with AzureIdentity team/sp",
    ] {
        assert!(lines.contains(&line), "{printed}");
    }
    let starts = |sign: &str| lines.iter().filter(|line| line.starts_with(sign)).count();
    // The identity alone has no vault to ask.
    assert_eq!(
        (starts("✓ "), starts("– "), starts("✗ ")),
        (12, 2, 0),
        "{printed}"
    );
}

#[tokio::test]
async fn an_authority_without_an_address_fails_at_dns() {
    let scene = scene("diagnose-dns").await;
    let file = File {
        authority: "https://login.nowhere.invalid".to_owned(),
        ..File::default()
    };
    fails(&scene, file, "dns", "HostNotFound").await;
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_fails_at_tls() {
    let scene = scene("diagnose-tls").await;
    let path = scene.folder().join("objects.yaml");
    fs::write(&path, File::default().text()).unwrap();
    let mut command = scene.command(&["diagnose", "identity/sp", "-o", "json", "-f"]);
    command.arg(&path).env_remove("LAKEVAULT_CA_FILE");
    let ended = crate::scene::end(command).await;
    let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
    let tls = &findings[0]["checks"][3];
    assert_eq!(
        (&tls["name"], &tls["reason"]),
        (&json!("tls"), &json!("CertificateNotTrusted"))
    );
    ended.told(1);
}

#[tokio::test]
async fn a_wrong_secret_fails_at_the_token() {
    let scene = scene("diagnose-secret").await;
    let file = File {
        secret: "wrong",
        ..File::default()
    };
    let failed = fails(&scene, file, "token", "InvalidClientSecret").await;
    let mend = failed["mend"].as_str().unwrap();
    assert!(mend.contains("az ad app credential reset"), "{mend}");
}

#[tokio::test]
async fn a_vault_that_does_not_exist_fails_at_the_vault() {
    let scene = scene("diagnose-vault").await;
    let file = File {
        vault: "https://kv-none.vault.sim.test",
        ..File::default()
    };
    fails(&scene, file, "vault", "HostNotFound").await;
}

#[tokio::test]
async fn a_vault_of_another_cloud_fails_at_the_cloud() {
    let scene = scene("diagnose-cloud").await;
    let file = File {
        vault: "https://kv-a.vault.azure.net",
        ..File::default()
    };
    fails(&scene, file, "cloud", "VaultNotInCloud").await;
    assert_eq!(scene.asked("GetToken").await, 0);
}

#[tokio::test]
async fn a_missing_role_fails_last_and_names_the_command() {
    let scene = scene("diagnose-role").await;
    let file = File {
        vault: "https://kv-b.vault.sim.test",
        ..File::default()
    };
    let failed = fails(&scene, file, "role", "Forbidden").await;
    let mend = failed["mend"].as_str().unwrap();
    assert!(mend.contains("az role assignment create"), "{mend}");
}

#[tokio::test]
async fn an_object_that_is_not_in_the_vault_is_told() {
    let scene = scene("diagnose-object").await;
    let file = File {
        object: "none",
        ..File::default()
    };
    fails(&scene, file, "role", "ObjectNotFound").await;
}

#[tokio::test]
async fn an_identity_that_does_not_exist_fails_at_the_spec() {
    let scene = scene("diagnose-identity").await;
    let file = File {
        identity: "none",
        ..File::default()
    };
    fails(&scene, file, "spec", "IdentityNotFound").await;
}

#[tokio::test]
async fn an_identity_that_is_not_lent_fails_at_the_spec() {
    let scene = scene("diagnose-lent").await;
    let identity = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": "shared"},
        "spec": {"default": {}, "allow": [{"namespaces": {"names": ["other"]}}]},
    });
    let sync = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": "db"},
        "spec": {
            "vaultUri": "https://kv-a.vault.sim.test",
            "identityRef": {"kind": "ClusterAzureIdentity", "name": "shared"},
            "data": [{"key": "password", "secret": {"name": "db"}}],
        },
    });
    let path = scene.folder().join("lent.yaml");
    fs::write(&path, format!("{identity}\n---\n{sync}")).unwrap();
    let arguments = [
        "diagnose",
        "sync/db",
        "-n",
        "team",
        "-f",
        path.to_str().unwrap(),
    ];
    let ended = scene.run(&arguments).await;
    assert!(
        ended.stdout.contains("✗ spec    IdentityNotAllowed"),
        "{ended:?}"
    );
    ended.told(1);
}

/// The outcomes of a sync that has these keys and no vault, and the whole of what was printed.
async fn tokens_only(scene: &Scene, data: Value) -> (Vec<String>, Ended) {
    let sync = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": "tokens"},
        "spec": {"identityRef": {"name": "sp"}, "data": data},
    });
    let path = scene.folder().join("tokens.yaml");
    fs::write(&path, format!("{}\n---\n{sync}", File::default().text())).unwrap();
    let path = path.to_str().unwrap();
    let arguments = ["diagnose", "sync/tokens", "-o", "json", "-f", path];
    let ended = scene.run(&arguments).await;
    let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
    let checks = findings[0]["checks"].as_array().unwrap();
    let outcome = |check: &Value| check["outcome"].as_str().unwrap().to_owned();
    (checks.iter().map(outcome).collect(), ended)
}

#[tokio::test]
async fn a_token_that_is_handed_out_is_tried_for_its_resource() {
    let scene = scene("diagnose-handed-out").await;
    let of = |resource: &str| json!([{"key": "token", "accessToken": {"resource": resource}}]);
    let (outcomes, ended) = tokens_only(&scene, of("https://management.sim.test")).await;
    let expected = [
        "passed", "passed", "passed", "passed", "passed", "skipped", "skipped",
    ];
    assert_eq!(outcomes, expected);
    assert!(ended.well().contains("https://management.sim.test until"));
    let (outcomes, ended) = tokens_only(&scene, of("https://nowhere.test")).await;
    assert_eq!(outcomes[4], "failed");
    assert!(ended.stdout.contains("ResourceNotFound"), "{ended:?}");
    ended.told(1);
}

#[tokio::test]
async fn a_login_of_a_machine_learning_server_needs_no_identity() {
    let scene = scene("diagnose-login").await;
    let server = json!({
        "url": "https://mls.sim.test", "username": "ada", "passwordFrom": {"name": "sp", "key": "secret"},
    });
    let data = json!([{"key": "token", "accessToken": {"mlServer": server}}]);
    let (outcomes, ended) = tokens_only(&scene, data).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| *outcome == "skipped")
            .count(),
        6
    );
    ended.well();
    assert_eq!(scene.asked("Login").await, 0);
}

#[tokio::test]
async fn wrong_usage_is_told_with_code_two() {
    let scene = scene("diagnose-usage").await;
    for (arguments, said) in [
        (vec!["diagnose", "pod/x"], "sync/NAME"),
        (vec!["diagnose", "-f", "/nowhere.yaml"], "/nowhere.yaml"),
        (vec!["diagnose", "-o", "xml"], "xml"),
    ] {
        let told = scene.run(&arguments).await.told(2);
        assert!(told.contains(said), "{told}");
    }
    let told = diagnose(&scene, &File::default(), &["sync/none"])
        .await
        .told(2);
    assert!(told.contains("VaultSecretSync team/none"), "{told}");
    let told = diagnose(&scene, &File::default(), &["clusteridentities"])
        .await
        .told(2);
    assert!(told.contains("ClusterAzureIdentity"), "{told}");
}

#[tokio::test]
async fn without_cluster_and_file_it_says_what_is_missing() {
    let scene = scene("diagnose-nowhere").await;
    let told = scene.run(&["diagnose"]).await.told(1);
    assert!(told.contains("KUBECONFIG") && told.contains("-f"), "{told}");
}

#[tokio::test]
async fn as_a_plugin_it_is_called_kubectl_lakevault() {
    let scene = scene("diagnose-plugin").await;
    let link = scene.folder().join("kubectl-lakevault");
    std::os::unix::fs::symlink(testbed::binaries::operator().unwrap(), &link).unwrap();
    let help = tokio::process::Command::new(link)
        .args(["diagnose", "--help"])
        .output();
    let help = String::from_utf8(help.await.unwrap().stdout).unwrap();
    assert!(help.contains("Usage: kubectl lakevault diagnose"), "{help}");
    assert!(help.contains("Exit codes"), "{help}");
}

#[tokio::test]
async fn a_token_of_an_identity_in_a_file_is_printed() {
    let scene = scene("diagnose-token").await;
    let path = scene.folder().join("objects.yaml");
    fs::write(&path, File::default().text()).unwrap();
    let arguments = [
        "token",
        "-f",
        path.to_str().unwrap(),
        "--resource",
        "https://vault.sim.test",
        "-o",
        "value",
    ];
    let token = scene.run(&arguments).await.well();
    assert_eq!(crate::scene::claims(&token)["appid"], CLIENT);
}
