//! `lakevault login` and `lakevault logout`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use crate::scene::{ADA, GRACE, PASSWORD, Scene, TENANT, login};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_code_that_is_approved_signs_in() {
    let scene = Scene::new("approved").await;
    let waiting = scene.start_login(&[]).await;
    scene.decide(&waiting, "approve").await;
    let ended = waiting.end().await;
    assert!(ended.stderr.contains(ADA), "{ended:?}");
    assert_eq!(ended.well(), "");
    let file = scene.login_file();
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let kept: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(kept["username"], ADA);
}

#[tokio::test]
async fn a_code_that_is_declined_keeps_nothing() {
    let scene = Scene::new("declined").await;
    let waiting = scene.start_login(&["--tenant", TENANT]).await;
    scene.decide(&waiting, "decline").await;
    let told = waiting.end().await.told(1);
    assert!(told.contains("declined"), "{told}");
    assert!(!scene.login_file().exists());
}

#[tokio::test]
async fn a_code_that_expires_says_so() {
    let scene = Scene::new("expired").await;
    let waiting = scene.start_login(&[]).await;
    scene.decide(&waiting, "expire").await;
    let told = waiting.end().await.told(1);
    assert!(
        told.contains("in time") && told.contains("lakevault login"),
        "{told}"
    );
    assert!(!scene.login_file().exists());
}

#[tokio::test]
async fn an_outage_while_the_person_types_is_waited_out() {
    let scene = Scene::new("outage").await;
    let waiting = scene.start_login(&[]).await;
    let rule = FaultRule::new("login.sim.test", Fault::status(503)).times(2);
    scene.sim.admin().add_fault(&rule).await.unwrap();
    scene.decide(&waiting, "approve").await;
    waiting.end().await.well();
}

#[tokio::test]
async fn an_interrupt_ends_the_wait() {
    let scene = Scene::new("interrupt").await;
    let waiting = scene.start_login(&[]).await;
    let pid = waiting.child.id().unwrap().to_string();
    let sent = std::process::Command::new("/bin/kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    let told = waiting.end().await.told(1);
    assert!(told.contains("nothing was kept"), "{told}");
}

#[tokio::test]
async fn a_password_is_read_from_the_input_and_goes_nowhere_else() {
    let scene = Scene::new("password").await;
    let ended = scene
        .run_with_input(&login(&["--username", ADA]), &format!("{PASSWORD}\n"))
        .await;
    assert!(!format!("{ended:?}").contains(PASSWORD));
    assert!(ended.stderr.contains(ADA), "{ended:?}");
    ended.well();
    let kept = fs::read_to_string(scene.login_file()).unwrap();
    assert!(!kept.contains(PASSWORD));
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let scene = Scene::new("wrong-password").await;
    let ended = scene
        .run_with_input(&login(&["--username", ADA]), "wrong\n")
        .await;
    let told = ended.told(1);
    assert!(
        told.contains("InvalidUserPassword") && told.contains("AADSTS50126"),
        "{told}"
    );
    assert!(!scene.login_file().exists());
}

#[tokio::test]
async fn a_second_factor_leads_to_the_device_code() {
    let scene = Scene::new("second-factor").await;
    let ended = scene
        .run_with_input(&login(&["--username", GRACE]), PASSWORD)
        .await;
    let told = ended.told(1);
    assert!(
        told.contains("MultiFactorRequired") && told.contains("device code"),
        "{told}"
    );
}

#[tokio::test]
async fn without_a_password_nothing_is_asked() {
    let scene = Scene::new("no-password").await;
    let told = scene.run(&login(&["--username", ADA])).await.told(2);
    assert!(told.contains("password"), "{told}");
    assert_eq!(scene.asked("GetToken").await, 0);
}

#[tokio::test]
async fn an_unknown_application_and_tenant_are_told_by_their_flags() {
    let scene = Scene::new("unknown").await;
    let other = "99999999-9999-9999-9999-999999999999";
    let told = scene
        .run(&login(&["--tenant", TENANT, "--client-id", other]))
        .await
        .told(1);
    assert!(
        told.contains("ApplicationNotFound") && told.contains("--client-id"),
        "{told}"
    );
    let told = scene.run(&login(&["--tenant", other])).await.told(1);
    assert!(
        told.contains("TenantNotFound") && told.contains("--tenant"),
        "{told}"
    );
}

#[tokio::test]
async fn a_cloud_without_a_name_needs_a_resource() {
    let scene = Scene::new("usage").await;
    let told = scene
        .run(&["login", "--authority-host", "https://login.sim.test"])
        .await
        .told(2);
    assert!(told.contains("--resource"), "{told}");
    let told = scene
        .run(&[
            "login",
            "--authority-host",
            "http://login.sim.test",
            "--resource",
            "r",
        ])
        .await
        .told(2);
    assert!(told.contains("--authority-host"), "{told}");
}

#[tokio::test]
async fn logout_forgets() {
    let scene = Scene::new("logout").await;
    scene.sign_ada_in().await;
    let ended = scene.run(&["logout"]).await;
    assert!(ended.stderr.contains("Signed out"), "{ended:?}");
    ended.well();
    assert!(!scene.login_file().exists());
    let ended = scene.run(&["logout"]).await;
    assert!(ended.stderr.contains("Nobody was signed in"), "{ended:?}");
    ended.well();
}

#[tokio::test]
async fn the_v1_form_is_spoken_to_an_azure_stack() {
    let scene = Scene::new("stack").await;
    let seed =
        json!({"stacks": [{"region": "local", "identityProvider": "AAD", "tenantId": TENANT}]});
    scene.sim.admin().seed(&seed).await.unwrap();
    let manager = "https://management.local.azurestack.sim.test";
    let arguments = ["login", "--resource-manager", manager, "--username", ADA];
    scene.run_with_input(&arguments, PASSWORD).await.well();
    let journal = scene.sim.admin().journal(0).await.unwrap();
    let tokens = journal
        .entries
        .iter()
        .filter(|entry| entry.operation == "GetToken");
    let paths: Vec<_> = tokens.map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, [format!("/{TENANT}/oauth2/token")]);
}

#[tokio::test]
async fn the_form_of_adfs_is_spoken_to_an_azure_stack_without_entra() {
    let scene = Scene::new("adfs").await;
    let seed =
        json!({"stacks": [{"region": "local", "identityProvider": "ADFS", "tenantId": TENANT}]});
    scene.sim.admin().seed(&seed).await.unwrap();
    let manager = "https://management.local.azurestack.sim.test";
    let waiting = scene
        .start_at(&["login", "--resource-manager", manager])
        .await;
    scene.decide(&waiting, "approve").await;
    waiting.end().await.well();
    let journal = scene.sim.admin().journal(0).await.unwrap();
    let asked = |operation: &str| {
        let mut entries = journal.entries.iter();
        let found = entries.find(|entry| entry.operation == operation).unwrap();
        (found.host.clone(), found.path.clone())
    };
    let host = "adfs.local.azurestack.sim.test".to_owned();
    let paths = ["/adfs/oauth2/devicecode", "/adfs/oauth2/token"];
    let expected = paths.map(|path| (host.clone(), path.to_owned()));
    assert_eq!([asked("DeviceCode"), asked("GetToken")], expected);
}
