//! The default chain, as `lakevault diagnose` tells it, with an `az` of the test's own.

use std::fs;

use serde_json::{Value, json};

use crate::diagnose::scene;
use crate::scene::{Scene, end};

/// A ClusterAzureIdentity with the default chain, in the simulator's cloud.
fn chain(scene: &Scene) -> String {
    let identity = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": "shared"},
        "spec": {
            "default": {},
            "cloud": {"custom": {
                "authorityHost": "https://login.sim.test", "keyVault": {"dnsSuffix": "vault.sim.test"},
            }},
        },
    });
    let path = scene.folder().join("chain.yaml");
    fs::write(&path, identity.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_default_chain_tells_every_attempt() {
    let scene = scene("diagnose-chain").await;
    let told = r#"#!/bin/sh
printf '{"accessToken":"planted-az-token","expires_on":4102444800,"tokenType":"Bearer"}\n'
"#;
    scene.install("az", told);
    let path = chain(&scene);
    let mut command = scene.command(&["diagnose", "-o", "json", "-f", &path]);
    // An address where nobody listens: no machine has its identities here.
    command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1");
    let ended = end(command).await;
    assert!(!format!("{ended:?}").contains("planted-az-token"));
    let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
    let checks = findings[0]["checks"].as_array().unwrap();
    let token = checks
        .iter()
        .find(|check| check["name"] == "token")
        .unwrap();
    let attempts = token["attempts"].as_array().unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|tried| {
            (
                tried["credential"].as_str().unwrap(),
                tried["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("EnvironmentCredential", "skipped"),
        ("WorkloadIdentityCredential", "skipped"),
        ("ManagedIdentityCredential", "skipped"),
        ("AzureCLICredential", "passed"),
    ];
    assert_eq!(told, expected);
    ended.well();
}

#[tokio::test]
async fn an_az_that_nobody_signed_in_to_ends_the_chain_with_nothing() {
    let scene = scene("diagnose-az").await;
    let told = "#!/bin/sh\necho \"ERROR: Please run 'az login' to setup account.\" >&2\nexit 1\n";
    scene.install("az", told);
    let path = chain(&scene);
    let mut command = scene.command(&["diagnose", "-f", &path]);
    command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1");
    let ended = end(command).await;
    assert!(
        ended.stdout.contains("✗ token   ChainExhausted"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("– AzureCLICredential: ") && ended.stdout.contains("az login"),
        "{ended:?}"
    );
    ended.told(1);
}

#[tokio::test]
async fn an_az_that_hangs_is_given_up() {
    let scene = scene("diagnose-hang").await;
    scene.install("az", "#!/bin/sh\nexec /bin/sleep 600\n");
    let path = chain(&scene);
    let mut command = scene.command(&["diagnose", "-f", &path]);
    command.env("AZURE_TOKEN_CREDENTIALS", "AzureCLICredential");
    let ended = end(command).await;
    assert!(ended.stdout.contains("✗ token   TimedOut"), "{ended:?}");
    ended.told(1);
}
