//! `lakevault token`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::scene::{ADA, Scene, VAULT_RESOURCE, claims};

fn kept(scene: &Scene) -> Value {
    serde_json::from_slice(&fs::read(scene.login_file()).unwrap()).unwrap()
}

#[tokio::test]
async fn whoever_signed_in_gets_tokens_for_any_resource() {
    let scene = Scene::new("token").await;
    scene.sign_ada_in().await;
    for resource in [VAULT_RESOURCE, "https://management.sim.test"] {
        let arguments = ["token", "--resource", resource, "--output", "value"];
        let token = scene.run(&arguments).await.well();
        let claims = claims(&token);
        assert_eq!(
            (&claims["aud"], &claims["upn"]),
            (&json!(resource), &json!(ADA))
        );
    }
}

#[tokio::test]
async fn the_document_says_when_the_token_ends() {
    let scene = Scene::new("document").await;
    scene.sign_ada_in().await;
    let printed = scene
        .run(&["token", "--resource", VAULT_RESOURCE])
        .await
        .well();
    let document: Value = serde_json::from_str(&printed).unwrap();
    let ends: jiff::Timestamp = document["expiresOn"].as_str().unwrap().parse().unwrap();
    let told = claims(document["accessToken"].as_str().unwrap())["exp"]
        .as_i64()
        .unwrap();
    assert!((ends.as_second() - told).abs() <= 60, "{ends} {told}");
    assert_eq!(document["tokenType"], "Bearer");
}

#[tokio::test]
async fn the_newest_refresh_token_is_kept() {
    let scene = Scene::new("rotation").await;
    scene.sign_ada_in().await;
    let before = kept(&scene);
    let arguments = ["token", "--resource", VAULT_RESOURCE];
    scene.run(&arguments).await.well();
    let after = kept(&scene);
    assert_ne!(before["refreshToken"], after["refreshToken"]);
    assert_eq!(before["username"], after["username"]);
    let mode = fs::metadata(scene.login_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    scene.run(&arguments).await.well();
}

#[tokio::test]
async fn nobody_signed_in_is_told_to() {
    let scene = Scene::new("nobody").await;
    let told = scene
        .run(&["token", "--resource", VAULT_RESOURCE])
        .await
        .told(1);
    assert!(told.contains("lakevault login"), "{told}");
}

#[tokio::test]
async fn an_ended_sign_in_is_told_and_not_thrown_away() {
    let scene = Scene::new("ended").await;
    scene.sign_ada_in().await;
    // A changed password ends what was given before.
    let seed = json!({"tenants": [{"id": crate::scene::TENANT, "users": [{"username": ADA, "password": "new"}]}]});
    scene.sim.admin().seed(&seed).await.unwrap();
    let ended = scene.run(&["token", "--resource", VAULT_RESOURCE]).await;
    let refresh = kept(&scene)["refreshToken"].as_str().unwrap().to_owned();
    assert!(!format!("{ended:?}").contains(&refresh));
    let told = ended.told(1);
    assert!(told.contains("lakevault login"), "{told}");
}

#[tokio::test]
async fn an_unknown_resource_is_told() {
    let scene = Scene::new("resource").await;
    scene.sign_ada_in().await;
    let told = scene
        .run(&["token", "--resource", "https://nowhere.test"])
        .await
        .told(1);
    assert!(
        told.contains("ResourceNotFound") && told.contains("--resource"),
        "{told}"
    );
}
