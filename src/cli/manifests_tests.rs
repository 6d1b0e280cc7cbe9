use super::*;

const FILE: &str = r"
apiVersion: v1
kind: Secret
metadata: {name: sp}
data: {a: eA==, b: eA==}
stringData: {b: two}
---
# nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
---
apiVersion: v1
kind: List
items:
- apiVersion: lakevault.dev/v1alpha1
  kind: AzureIdentity
  metadata: {name: one, namespace: team}
  spec: {}
- apiVersion: lakevault.dev/v1alpha1
  kind: ClusterAzureIdentity
  metadata: {name: shared}
  spec: {}
";

#[test]
fn objects_are_found_where_the_api_server_has_them() {
    let manifests = Manifests::parse(FILE, "here").unwrap();
    let secret = manifests.at("/api/v1/namespaces/here/secrets/sp").unwrap();
    assert_eq!(
        secret["data"],
        serde_json::json!({"a": "eA==", "b": "dHdv"})
    );
    assert_eq!(secret["metadata"]["namespace"], "here");
    let group = "/apis/lakevault.dev/v1alpha1";
    for (path, there) in [
        ("/namespaces/team/azureidentities/one", true),
        ("/namespaces/here/azureidentities/one", false),
        ("/clusterazureidentities/shared", true),
        ("/namespaces/team/azureidentities", false),
    ] {
        assert_eq!(
            manifests.at(&format!("{group}{path}")).is_some(),
            there,
            "{path}"
        );
    }
    assert!(
        manifests
            .at("/api/v1/namespaces/here/secrets/sp/x")
            .is_none()
    );
}

#[test]
fn names_are_told_by_kind() {
    let manifests = Manifests::parse(FILE, "here").unwrap();
    let identities = manifests.identities();
    let shown: Vec<String> = identities.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["AzureIdentity team/one", "ClusterAzureIdentity shared"]
    );
    assert!(manifests.syncs().is_empty());
}

#[test]
fn text_that_yaml_takes_for_something_else_is_told() {
    let file = "kind: Secret\nmetadata: {name: sp}\nstringData: {pin: 12345}";
    let error = Manifests::parse(file, "x").unwrap_err();
    assert!(
        error.contains("stringData.pin") && error.contains("quotes"),
        "{error}"
    );
    assert!(!error.contains("12345"), "{error}");
}

#[test]
fn an_error_quotes_nothing_of_the_file() {
    for bad in [
        "a: [hunter2",
        "stringData: {x: hunter2}",
        "kind: Secret\nstringData: {x: hunter2}",
    ] {
        let error = Manifests::parse(bad, "x").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
