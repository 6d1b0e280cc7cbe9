//! Trees of a size that a test does not make by calls.

use reqwest::Method;
use serde_json::json;

use super::Lake;

#[tokio::test]
async fn a_large_tree_is_made_at_once_and_changed_in_batches() {
    let lake = Lake::start().await;
    let grown = lake
        .sim
        .admin(
            Method::POST,
            "/filesystems/lake1/data/tree",
            &json!({"path": "big", "count": 20_000, "fanOut": 10, "depth": 3}),
        )
        .await;
    // The root and the directory itself are there, too.
    assert_eq!(grown["paths"], 20_002);
    let base = "/data/big?action=setAccessControlRecursive&mode=modify";
    let mut path = base.to_owned();
    let (mut paths, mut calls) = (0, 0);
    loop {
        let done = lake
            .call(Method::PATCH, &path, &[("x-ms-acl", "group:readers:r-x")])
            .await;
        let body = done.json();
        paths += body["directoriesSuccessful"].as_u64().unwrap();
        paths += body["filesSuccessful"].as_u64().unwrap();
        calls += 1;
        match done.header("x-ms-continuation") {
            "" => break,
            next => path = format!("{base}&continuation={next}"),
        }
    }
    assert_eq!((paths, calls), (20_001, 11));
}
