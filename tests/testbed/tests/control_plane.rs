//! The control plane is a real one: what tests of the operator take for granted is shown here.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, ResourceExt};
use serde_json::Value;
use testbed::{ControlPlane, ControlPlaneOptions, Scratch, binaries, metrics, until};
use tokio::sync::OnceCell;

const SOON: Duration = Duration::from_mins(1);

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.testbed.example}
spec:
  group: testbed.example
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

/// One control plane for all tests that do not stop it. It is never dropped; its watchdogs end it with this process.
async fn shared() -> &'static ControlPlane {
    static SHARED: OnceCell<(Scratch, ControlPlane)> = OnceCell::const_new();
    let start = || async {
        let scratch = Scratch::new("testbed-control-plane").unwrap();
        let crd = scratch.path().join("widgets.yaml");
        std::fs::write(&crd, WIDGETS).unwrap();
        let options = ControlPlaneOptions {
            crds: vec![crd],
            ..ControlPlaneOptions::default()
        };
        let control_plane = ControlPlane::start(scratch.path(), options).await.unwrap();
        (scratch, control_plane)
    };
    &SHARED.get_or_init(start).await.1
}

fn is_gone(pid: u32) -> bool {
    // An orphan that has ended stays as a zombie for as long as nobody waits for it.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

async fn namespace(control_plane: &ControlPlane, name: &str) {
    let namespaces: Api<Namespace> = Api::all(control_plane.client().await.unwrap());
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.into()),
            ..Default::default()
        },
        ..Default::default()
    };
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        ..Default::default()
    }
}

/// The owner is (apiVersion, kind, name, uid); the Secret is called `child`.
async fn create_owned_secret(
    control_plane: &ControlPlane,
    namespace: &str,
    owner: (&str, &str, &str, &str),
) {
    let (api_version, kind, name, uid) = owner;
    let reference = OwnerReference {
        api_version: api_version.into(),
        kind: kind.into(),
        name: name.into(),
        uid: uid.into(),
        ..Default::default()
    };
    let metadata = ObjectMeta {
        owner_references: Some(vec![reference]),
        ..named("child")
    };
    let secrets: Api<Secret> = Api::namespaced(control_plane.client().await.unwrap(), namespace);
    secrets
        .create(
            &PostParams::default(),
            &Secret {
                metadata,
                ..Default::default()
            },
        )
        .await
        .unwrap();
}

async fn wait_until_secret_is_gone(control_plane: &ControlPlane, namespace: &str) {
    let secrets: Api<Secret> = Api::namespaced(control_plane.client().await.unwrap(), namespace);
    let look = async || match secrets.get_opt("child").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until(SOON, "the owned Secret to go", look).await.unwrap();
}

#[tokio::test]
async fn the_server_has_the_version_that_was_built() {
    let version = shared()
        .await
        .kubectl()
        .run(["version", "--output=json"])
        .await
        .unwrap();
    let version: Value = serde_json::from_str(&version).unwrap();
    let program = Command::new(binaries::kubernetes("kube-apiserver").unwrap())
        .arg("--version")
        .output()
        .unwrap();
    let program = String::from_utf8(program.stdout).unwrap();
    let served = version
        .pointer("/serverVersion/gitVersion")
        .and_then(Value::as_str)
        .unwrap();
    assert_eq!(program.trim(), format!("Kubernetes {served}"));
    if env::var_os("KUBEBUILDER_ASSETS").is_none() {
        assert_eq!(served, "v1.34.4");
        assert_eq!(
            version
                .pointer("/clientVersion/gitVersion")
                .and_then(Value::as_str),
            Some("v1.34.4")
        );
    }
}

#[tokio::test]
async fn an_applied_secret_can_be_read() {
    let control_plane = shared().await;
    namespace(control_plane, "applied").await;
    let yaml = "{apiVersion: v1, kind: Secret, metadata: {name: one, namespace: applied}, stringData: {key: value}}";
    control_plane.kubectl().apply_yaml(yaml).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(control_plane.client().await.unwrap(), "applied");
    let secret = secrets.get("one").await.unwrap();
    assert_eq!(secret.data.unwrap().get("key").unwrap().0, b"value");
}

#[tokio::test]
async fn an_owned_secret_goes_after_its_owner() {
    let control_plane = shared().await;
    namespace(control_plane, "owned").await;
    let maps: Api<ConfigMap> = Api::namespaced(control_plane.client().await.unwrap(), "owned");
    let owner = ConfigMap {
        metadata: named("owner"),
        ..Default::default()
    };
    let owner = maps.create(&PostParams::default(), &owner).await.unwrap();
    let uid = owner.uid().unwrap();
    create_owned_secret(control_plane, "owned", ("v1", "ConfigMap", "owner", &uid)).await;
    maps.delete("owner", &DeleteParams::background())
        .await
        .unwrap();
    wait_until_secret_is_gone(control_plane, "owned").await;
}

#[tokio::test]
async fn a_secret_owned_by_a_custom_resource_goes_after_it() {
    let control_plane = shared().await;
    namespace(control_plane, "widgets").await;
    let widget = "{apiVersion: testbed.example/v1, kind: Widget, metadata: {name: owner, namespace: widgets}}";
    let kubectl = control_plane.kubectl();
    kubectl.apply_yaml(widget).await.unwrap();
    let uid = [
        "get",
        "widget",
        "owner",
        "-n",
        "widgets",
        "-o",
        "jsonpath={.metadata.uid}",
    ];
    let uid = kubectl.run(uid).await.unwrap();
    create_owned_secret(
        control_plane,
        "widgets",
        ("testbed.example/v1", "Widget", "owner", &uid),
    )
    .await;
    kubectl
        .run(["delete", "widget", "owner", "-n", "widgets"])
        .await
        .unwrap();
    wait_until_secret_is_gone(control_plane, "widgets").await;
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_what_is_in_it() {
    let control_plane = shared().await;
    namespace(control_plane, "deleted").await;
    let client = control_plane.client().await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "deleted");
    let metadata = ObjectMeta {
        name: Some("content".into()),
        ..Default::default()
    };
    secrets
        .create(
            &PostParams::default(),
            &Secret {
                metadata,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let namespaces: Api<Namespace> = Api::all(client);
    namespaces
        .delete("deleted", &DeleteParams::default())
        .await
        .unwrap();
    let look = async || match namespaces.get_opt("deleted").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until(SOON, "the namespace to go", look).await.unwrap();
}

#[tokio::test]
async fn a_requested_token_verifies_against_the_keys_that_anybody_can_fetch() {
    let control_plane = shared().await;
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> =
        Api::namespaced(control_plane.client().await.unwrap(), "default");
    let spec = TokenRequestSpec {
        audiences: Some(vec!["api://AzureADTokenExchange".into()]),
        ..Default::default()
    };
    let request = TokenRequest {
        spec: Some(spec),
        ..Default::default()
    };
    let token = accounts
        .create_token_request("default", &PostParams::default(), &request)
        .await
        .unwrap()
        .status
        .unwrap()
        .token
        .unwrap();

    let ca =
        reqwest::Certificate::from_pem(&std::fs::read(control_plane.ca_file()).unwrap()).unwrap();
    let anonymous = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .build()
        .unwrap();
    let fetch = async |url: String| -> Value {
        anonymous
            .get(url)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let discovery = fetch(format!(
        "{}/.well-known/openid-configuration",
        control_plane.issuer()
    ))
    .await;
    assert_eq!(discovery["issuer"], control_plane.issuer());
    let keys = fetch(discovery["jwks_uri"].as_str().unwrap().to_owned()).await;

    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();
    assert_eq!(header["alg"], "RS256");
    assert_eq!(claims["iss"], control_plane.issuer());
    assert_eq!(claims["sub"], "system:serviceaccount:default:default");
    assert_eq!(
        claims["aud"],
        serde_json::json!(["api://AzureADTokenExchange"])
    );
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .unwrap();
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let key = RsaPublicKeyComponents {
        n: part("n"),
        e: part("e"),
    };
    key.verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &decode(signature),
    )
    .unwrap();
}

#[tokio::test]
async fn a_named_user_has_no_rights_but_those_given_and_is_named_in_the_audit_log() {
    let control_plane = shared().await;
    namespace(control_plane, "audited").await;
    let user = "system:serviceaccount:audited:someone";
    let kubeconfig = control_plane
        .user_kubeconfig(
            user,
            &["system:serviceaccounts", "system:serviceaccounts:audited"],
        )
        .unwrap();
    let secrets: Api<Secret> = Api::namespaced(
        control_plane.client_of(&kubeconfig).await.unwrap(),
        "audited",
    );
    let refused = secrets.get("absent").await.unwrap_err();
    assert!(
        matches!(&refused, kube::Error::Api(status) if status.is_forbidden()),
        "{refused}"
    );
    let role = "
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader, namespace: audited}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: reader, namespace: audited},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:serviceaccounts:audited'}]}
";
    control_plane.kubectl().apply_yaml(role).await.unwrap();
    let look = async || {
        secrets
            .get_opt("absent")
            .await
            .map_err(|error| error.to_string())
    };
    assert!(
        until(SOON, "the right to read", look)
            .await
            .unwrap()
            .is_none()
    );
    let entries = control_plane.audit().unwrap();
    let codes: Vec<u16> = entries
        .iter()
        .filter(|entry| entry.user == user && entry.name == "absent")
        .map(|entry| entry.code)
        .collect();
    assert_eq!(
        (codes.first(), codes.last()),
        (Some(&403), Some(&404)),
        "{codes:?}"
    );
}

#[tokio::test]
async fn the_servers_metrics_count_requests() {
    let control_plane = shared().await;
    let read = async || {
        let labels = [("resource", "configmaps"), ("verb", "GET"), ("code", "404")];
        metrics::sum(
            &control_plane.metrics().await.unwrap(),
            "apiserver_request_total",
            &labels,
        )
    };
    let before = read().await;
    let maps: Api<ConfigMap> = Api::namespaced(control_plane.client().await.unwrap(), "default");
    assert!(maps.get_opt("absent").await.unwrap().is_none());
    assert!(read().await > before);
}

#[tokio::test]
async fn data_outlives_a_restart_of_the_server() {
    let scratch = Scratch::new("testbed-restart").unwrap();
    let mut control_plane = ControlPlane::start(scratch.path(), ControlPlaneOptions::default())
        .await
        .unwrap();
    namespace(&control_plane, "kept").await;
    let first = control_plane.api_server().pid();
    control_plane.restart_api_server().await.unwrap();
    control_plane.restart_controller_manager().await.unwrap();
    assert_ne!(control_plane.api_server().pid(), first);
    let namespaces: Api<Namespace> = Api::all(control_plane.client().await.unwrap());
    assert!(namespaces.get_opt("kept").await.unwrap().is_some());
}

#[tokio::test]
async fn no_process_is_left_after_a_drop() {
    let scratch = Scratch::new("testbed-drop").unwrap();
    let control_plane = ControlPlane::start(scratch.path(), ControlPlaneOptions::default())
        .await
        .unwrap();
    let pids = control_plane.pids();
    assert!(!pids.iter().any(|&pid| is_gone(pid)));
    drop(control_plane);
    assert!(pids.iter().all(|&pid| is_gone(pid)));
}

#[tokio::test]
async fn no_process_is_left_after_the_holder_was_killed() {
    let scratch = Scratch::new("testbed-killed").unwrap();
    let mut holder = Command::new(env!("CARGO_BIN_EXE_testbed"));
    holder
        .arg("up")
        .arg("--dir")
        .arg(scratch.path())
        .stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let pids = lines
        .find_map(|line| line.strip_prefix("# process ids: ").map(ToOwned::to_owned))
        .unwrap_or_default();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 3);
    let look = async || {
        let left: Vec<_> = pids.iter().filter(|&&pid| !is_gone(pid)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    };
    until(SOON, "the control plane of the killed holder to end", look)
        .await
        .unwrap();
}
