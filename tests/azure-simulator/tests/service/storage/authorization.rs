//! Who reaches an account, and who is told what when not.

use reqwest::Method;
use serde_json::json;

use super::{ANN, DFS, Lake, told};
use crate::common::{OBJECT, TENANT};

const LIST: &str = "/data?resource=filesystem&recursive=false";

#[tokio::test]
async fn without_a_token_the_answer_tells_where_to_get_one() {
    let lake = Lake::start().await;
    let bare = lake.client.get(format!("{DFS}{LIST}"));
    let bare = told(bare, &[("x-ms-version", super::VERSION)]).await;
    assert_eq!(bare.error(), (401, "NoAuthenticationInformation"));
    assert_eq!(
        bare.header("www-authenticate"),
        format!(
            "Bearer authorization_uri=https://login.sim.test/{TENANT}/oauth2/authorize resource_id=https://storage.sim.test"
        )
    );
    let vault = lake.sim.token().await;
    for token in [vault.as_str(), "nonsense"] {
        let wrong = told(lake.by(token, Method::GET, LIST), &[]).await;
        assert_eq!(wrong.error(), (401, "InvalidAuthenticationInfo"));
    }
}

#[tokio::test]
async fn tokens_of_the_cloud_and_of_the_account_do() {
    let lake = Lake::start().await;
    for scope in [
        "https://storage.azure.com/.default",
        "https://storage.sim.test/.default",
        "https://lake1.dfs.storage.sim.test/.default",
        "https://lake1.blob.storage.sim.test/.default",
    ] {
        let token = lake.sim.token_for(scope).await;
        let read = told(lake.by(&token, Method::GET, LIST), &[]).await;
        assert_eq!(read.status, 200, "{scope}");
    }
}

#[tokio::test]
async fn a_token_runs_out() {
    let lake = Lake::start().await;
    lake.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 7200}))
        .await;
    let old = lake.call(Method::GET, LIST, &[]).await;
    assert_eq!(old.error(), (401, "InvalidAuthenticationInfo"));
}

#[tokio::test]
async fn each_role_allows_what_it_says() {
    for (role, read, write, list) in [
        ("Storage Blob Data Reader", 200, 403, 403),
        ("Storage Blob Data Contributor", 200, 201, 403),
        ("Storage Blob Data Owner", 200, 201, 200),
        ("Owner", 403, 403, 403),
    ] {
        let roles = json!([
            {"principalId": OBJECT, "role": "Storage Blob Data Owner"},
            {"principalId": ANN, "role": role},
        ]);
        let lake = Lake::with(json!({"roleAssignments": roles})).await;
        lake.make(&["d/"]).await;
        let by = |method, path: &str| lake.by(&lake.ann, method, path);
        assert_eq!(
            told(by(Method::GET, LIST), &[]).await.status,
            read,
            "{role}"
        );
        let made = told(by(Method::PUT, "/data/f?resource=file"), &[]).await;
        assert_eq!(made.status, write, "{role}");
        let acl = [("x-ms-acl", "user::rwx,group::---,other::---")];
        let set = told(by(Method::PATCH, "/data/d?action=setAccessControl"), &acl).await;
        assert_eq!(set.status, list, "{role}");
        // The lists of a path are told to whom they let pass, or who may change them.
        let seen = told(by(Method::HEAD, "/data/d?action=getAccessControl"), &[]).await;
        assert_eq!(seen.status, list, "{role}");
        let filesystem = told(by(Method::PUT, "/new?resource=filesystem"), &[]).await;
        assert_eq!(filesystem.status, write, "{role}");
    }
}

#[tokio::test]
async fn a_role_on_one_filesystem_is_of_that_one() {
    let roles = json!([
        {"principalId": OBJECT, "role": "Storage Blob Data Owner"},
        {"principalId": ANN, "role": "Storage Blob Data Reader", "scope": "/blobServices/default/containers/data"},
    ]);
    let lake = Lake::with(json!({"roleAssignments": roles})).await;
    lake.call(Method::PUT, "/other?resource=filesystem", &[])
        .await;
    let read = told(lake.by(&lake.ann, Method::GET, LIST), &[]).await;
    assert_eq!(read.status, 200);
    let other = LIST.replace("data", "other");
    let read = told(lake.by(&lake.ann, Method::GET, &other), &[]).await;
    assert_eq!(read.error(), (403, "AuthorizationPermissionMismatch"));
}

#[tokio::test]
async fn a_groups_role_is_its_members() {
    let roles = json!([
        {"principalId": OBJECT, "role": "Storage Blob Data Owner"},
        {"principalId": "readers", "role": "Storage Blob Data Reader"},
    ]);
    let lake = Lake::with(json!({"roleAssignments": roles})).await;
    let read = || told(lake.by(&lake.ann, Method::GET, LIST), &[]);
    assert_eq!(read().await.status, 403);
    lake.sim
        .admin(Method::PUT, "/groups/readers", &json!({"members": [ANN]}))
        .await;
    assert_eq!(read().await.status, 200);
}

#[tokio::test]
async fn a_firewall_keeps_out() {
    let lake = Lake::with(
        json!({"networkAcls": {"defaultAction": "Deny", "ipRules": ["203.0.113.0/24"]}}),
    )
    .await;
    let shut = lake.call(Method::GET, LIST, &[]).await;
    assert_eq!(shut.error(), (403, "AuthorizationFailure"));
    lake.settings(json!({"clientAddress": "203.0.113.9"})).await;
    assert_eq!(lake.call(Method::GET, LIST, &[]).await.status, 200);
    let closed = Lake::with(json!({"publicNetworkAccess": "Disabled"})).await;
    let shut = closed.call(Method::GET, LIST, &[]).await;
    assert_eq!(shut.error(), (403, "AuthorizationFailure"));
}

#[tokio::test]
async fn an_account_of_a_disabled_subscription_is_disabled() {
    let lake = Lake::start().await;
    let zero = "00000000-0000-0000-0000-000000000000";
    lake.sim
        .admin(
            Method::PUT,
            &format!("/subscriptions/{zero}"),
            &json!({"tenantId": TENANT, "state": "Disabled"}),
        )
        .await;
    let off = lake.call(Method::GET, LIST, &[]).await;
    assert_eq!(off.error(), (403, "AccountIsDisabled"));
}
