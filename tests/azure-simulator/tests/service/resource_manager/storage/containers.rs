//! Containers at the resource manager are the filesystems of the account.

use super::*;

fn container(name: &str) -> String {
    format!(
        "{}/blobServices/default/containers/{name}",
        account("lake1")
    )
}

async fn lake_with_a_week() -> Arm {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let path = format!("{}/blobServices/default", account("lake1"));
    let week =
        json!({"properties": {"containerDeleteRetentionPolicy": {"enabled": true, "days": 7}}});
    arm.call(Method::PUT, &path, STORAGE, week).await;
    arm
}

async fn names(arm: &Arm, query: &str) -> Vec<(String, bool)> {
    let path = format!(
        "{}/blobServices/default/containers{query}",
        account("lake1")
    );
    let (status, body) = arm.get(&path, STORAGE).await;
    assert_eq!(status, 200, "{body}");
    let rows = body["value"].as_array().unwrap();
    rows.iter()
        .map(|one| {
            let name = one["name"].as_str().unwrap().to_owned();
            (name, one["properties"]["deleted"] == true)
        })
        .collect()
}

#[tokio::test]
async fn a_container_is_made_changed_and_deleted_softly() {
    let arm = lake_with_a_week().await;
    let put = async |body: Value| {
        arm.call(Method::PUT, &container("files"), STORAGE, body)
            .await
    };
    let (status, body) = put(json!({"properties": {"metadata": {"a": "b"}}})).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["properties"]["metadata"], json!({"a": "b"}));
    assert_eq!(body["properties"]["leaseState"], "Available");
    assert_eq!(put(json!({})).await.0, 200);
    assert_eq!(
        arm.get(&container("files"), STORAGE).await.1["name"],
        "files"
    );
    let open = json!({"properties": {"publicAccess": "Blob"}});
    assert_eq!(code(&put(open).await), (409, "PublicAccessNotPermitted"));
    let delete = async || {
        let answer = arm
            .send(Method::DELETE, &container("files"), STORAGE, &Value::Null)
            .await;
        answer.status().as_u16()
    };
    assert_eq!(delete().await, 200);
    assert!(names(&arm, "").await.is_empty());
    assert_eq!(
        names(&arm, "?$include=deleted").await,
        [("files".to_owned(), true)]
    );
}

#[tokio::test]
async fn what_the_lake_holds_is_listed_in_pages() {
    let arm = lake_with_a_week().await;
    for name in ["data-1", "data-2", "other"] {
        arm.call(Method::PUT, &container(name), STORAGE, json!({}))
            .await;
    }
    let all = names(&arm, "").await;
    assert_eq!(all.len(), 3);
    assert_eq!(names(&arm, "?$filter=data-").await.len(), 2);
    let path = format!(
        "{}/blobServices/default/containers?$maxpagesize=2",
        account("lake1")
    );
    let (_, first) = arm.get(&path, STORAGE).await;
    let next = first["nextLink"].as_str().unwrap();
    let rest = arm
        .client
        .get(next)
        .bearer_auth(&arm.token)
        .send()
        .await
        .unwrap();
    assert_eq!(split(rest).await.1["value"][0]["name"], "other");
}

#[tokio::test]
async fn a_container_that_is_not_there_or_no_name_is_told() {
    let arm = lake_with_a_week().await;
    assert_eq!(
        code(&arm.get(&container("none"), STORAGE).await),
        (404, "ContainerNotFound")
    );
    let patch = arm
        .call(Method::PATCH, &container("none"), STORAGE, json!({}))
        .await;
    assert_eq!(code(&patch), (404, "ContainerNotFound"));
    let bad = arm
        .call(Method::PUT, &container("No--Name"), STORAGE, json!({}))
        .await;
    assert_eq!(code(&bad), (400, "InvalidResourceName"));
    let gone = arm
        .send(Method::DELETE, &container("none"), STORAGE, &Value::Null)
        .await;
    assert_eq!(gone.status(), 204);
}
