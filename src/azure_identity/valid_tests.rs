use super::*;

fn identity(spec: &serde_json::Value) -> AzureIdentity {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity",
        "metadata": {"name": "payments", "namespace": "team", "uid": "u", "generation": 3}, "spec": spec
    }))
    .unwrap()
}

fn spec(credential: &serde_json::Value) -> serde_json::Value {
    let mut spec = serde_json::json!({
        "tenantId": "11111111-1111-1111-1111-111111111111", "clientId": "22222222-2222-2222-2222-222222222222"
    });
    spec.as_object_mut()
        .unwrap()
        .extend(credential.as_object().unwrap().clone());
    spec
}

#[test]
fn the_credential_of_an_identity_is_in_its_own_namespace() {
    let workload = spec(&serde_json::json!({"workloadIdentity": {"serviceAccountName": "app"}}));
    let valid = parse(&identity(&workload), "lakevault-system").unwrap();
    assert_eq!(valid.credential_namespace, "team");
    assert_eq!(valid.method.word(), "workloadIdentity");
    assert_eq!(valid.grants, None);
}

#[test]
fn the_credential_of_a_cluster_identity_is_in_the_operators_namespace() {
    let spec = spec(&serde_json::json!({"clientSecret": {"name": "sp", "key": "secret"}}));
    let cluster = serde_json::json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": "x"}, "spec": spec
    });
    let cluster: ClusterAzureIdentity = serde_json::from_value(cluster).unwrap();
    let valid = parse(&cluster, "lakevault-system").unwrap();
    assert_eq!(valid.credential_namespace, "lakevault-system");
    assert_eq!(
        valid.grants,
        Some(Vec::new()),
        "no allow entry lends to nobody"
    );
}

#[test]
fn bad_fields_are_named() {
    let cases = [
        (serde_json::json!({}), "exactly one"),
        (
            serde_json::json!({"clientSecret": {"name": "s", "key": "k"}, "workloadIdentity": {"serviceAccountName": "a"}}),
            "exactly one",
        ),
        (
            serde_json::json!({"clientSecret": {"name": "Bad/Name", "key": "k"}}),
            "clientSecret.name",
        ),
        (
            serde_json::json!({"clientSecret": {"name": "s", "key": ".."}}),
            "clientSecret.key",
        ),
        (
            serde_json::json!({"workloadIdentity": {"serviceAccountName": "a/../b"}}),
            "serviceAccountName",
        ),
        (
            serde_json::json!({"tenantId": "a/b", "clientSecret": {"name": "s", "key": "k"}}),
            "tenantId",
        ),
        (
            serde_json::json!({"clientId": "me", "clientSecret": {"name": "s", "key": "k"}}),
            "clientId",
        ),
    ];
    for (credential, field) in cases {
        let problem = parse(&identity(&spec(&credential)), "lakevault-system").unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec);
        assert!(
            problem.message.contains(field) && problem.message.contains("team/payments"),
            "{problem}"
        );
    }
}

#[test]
fn an_identity_that_is_being_deleted_is_not_used() {
    let mut leaving = identity(&spec(
        &serde_json::json!({"clientSecret": {"name": "s", "key": "k"}}),
    ));
    leaving.metadata.deletion_timestamp = Some(
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
    );
    assert_eq!(
        parse(&leaving, "x").unwrap_err().reason,
        Reason::IdentityDeleting
    );
}
