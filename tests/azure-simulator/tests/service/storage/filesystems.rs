//! Filesystems at the Data Lake endpoint.

use reqwest::Method;
use serde_json::json;

use super::Lake;

#[tokio::test]
async fn a_filesystem_is_made_seen_changed_and_deleted() {
    let lake = Lake::start().await;
    let path = "/new?resource=filesystem";
    let made = lake
        .call(Method::PUT, path, &[("x-ms-properties", "a=Yg==")])
        .await;
    assert_eq!(
        (made.status, made.header("x-ms-namespace-enabled")),
        (201, "true")
    );
    let again = lake.call(Method::PUT, path, &[]).await;
    assert_eq!(again.error(), (409, "FilesystemAlreadyExists"));
    let message = again.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.starts_with("The specified filesystem already exists.\nRequestId:"),
        "{message}"
    );
    let seen = lake.call(Method::HEAD, path, &[]).await;
    assert_eq!(seen.header("x-ms-properties"), "a=Yg==");
    assert_eq!(seen.header("etag"), made.header("etag"));
    let stale = [
        ("x-ms-properties", "c=ZA=="),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ];
    let missed = lake.call(Method::PATCH, path, &stale).await;
    assert_eq!(missed.error(), (412, "ConditionNotMet"));
    assert_eq!(
        lake.call(Method::PATCH, path, &stale[..1]).await.status,
        200
    );
    let seen = lake.call(Method::HEAD, path, &[]).await;
    assert_eq!(seen.header("x-ms-properties"), "c=ZA==");
    assert_eq!(lake.call(Method::DELETE, path, &[]).await.status, 202);
    let gone = lake.call(Method::HEAD, path, &[]).await;
    assert_eq!(gone.error(), (404, "FilesystemNotFound"));
}

#[tokio::test]
async fn a_name_is_not_free_while_the_filesystem_is_being_deleted() {
    let lake = Lake::start().await;
    lake.settings(json!({"filesystemDeletionMs": 3_600_000}))
        .await;
    let path = "/data?resource=filesystem";
    assert_eq!(lake.call(Method::DELETE, path, &[]).await.status, 202);
    let busy = lake.call(Method::PUT, path, &[]).await;
    assert_eq!(busy.error(), (409, "FilesystemBeingDeleted"));
    let path_there = lake.call(Method::HEAD, "/data/x", &[]).await;
    assert_eq!(path_there.error(), (409, "FilesystemBeingDeleted"));
    lake.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 3601}))
        .await;
    let token = lake.sim.token_for(super::SCOPE).await;
    let made = super::told(lake.by(&token, Method::PUT, path), &[]).await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn filesystems_are_listed_in_pages() {
    let lake = Lake::start().await;
    for name in ["aaa", "aab", "bbb"] {
        let path = format!("/{name}?resource=filesystem");
        assert_eq!(lake.call(Method::PUT, &path, &[]).await.status, 201);
    }
    let first = "/?resource=account&prefix=a&maxResults=1";
    let page = lake.call(Method::GET, first, &[]).await;
    assert_eq!(page.json()["filesystems"][0]["name"], "aaa");
    let next = page.header("x-ms-continuation");
    let page = lake
        .call(Method::GET, &format!("{first}&continuation={next}"), &[])
        .await;
    assert_eq!(page.json()["filesystems"][0]["name"], "aab");
    assert_eq!(page.header("x-ms-continuation"), "");
    for wrong in ["0", "-1"] {
        let path = format!("/?resource=account&maxResults={wrong}");
        let refused = lake.call(Method::GET, &path, &[]).await;
        assert_eq!(refused.error(), (400, "OutOfRangeQueryParameterValue"));
    }
}

#[tokio::test]
async fn odd_names_and_versions_are_refused() {
    let lake = Lake::start().await;
    let odd = lake
        .call(Method::PUT, "/A_b?resource=filesystem", &[])
        .await;
    assert_eq!(odd.error(), (400, "InvalidResourceName"));
    let request = lake.client.get(format!("{}/?resource=account", super::DFS));
    let request = request.bearer_auth(&lake.owner);
    let old = super::told(request, &[("x-ms-version", "2001-01-01")]).await;
    assert_eq!(old.error(), (400, "InvalidHeaderValue"));
    let verb = lake.call(Method::POST, "/?resource=account", &[]).await;
    assert_eq!(verb.error(), (405, "UnsupportedHttpVerb"));
}
