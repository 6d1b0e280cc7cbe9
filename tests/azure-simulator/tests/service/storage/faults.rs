//! Faults at a storage account.

use reqwest::Method;
use serde_json::json;

use super::Lake;

const SET: &str = "/data/d?action=setAccessControl";
const LIST: [(&str, &str); 1] = [("x-ms-acl", "user::rwx,group::rwx,other::---")];

#[tokio::test]
async fn a_busy_server_says_so() {
    let lake = Lake::start().await;
    lake.make(&["d/"]).await;
    lake.sim
        .fault(
            json!({"host": "lake1.dfs.*", "count": 1, "fault": {"status": 503, "retryAfter": 3}}),
        )
        .await;
    let busy = lake.call(Method::HEAD, "/data/d", &[]).await;
    assert_eq!(busy.error(), (503, "ServerBusy"));
    assert_eq!(busy.header("retry-after"), "3");
    let out = json!({"operations": ["GetPathProperties"], "fault": {"status": 500, "code": "OperationTimedOut"}});
    lake.sim.fault(out).await;
    let timed_out = lake.call(Method::HEAD, "/data/d", &[]).await;
    assert_eq!(timed_out.error(), (500, "OperationTimedOut"));
}

#[tokio::test]
async fn a_refusal_may_be_applied_all_the_same() {
    let lake = Lake::start().await;
    lake.make(&["d/"]).await;
    let fault = json!({"operations": ["SetAccessControl"], "count": 1, "fault":
        {"status": 403, "code": "AuthorizationPermissionMismatch", "applied": true}});
    lake.sim.fault(fault).await;
    let told = lake.call(Method::PATCH, SET, &LIST).await;
    assert_eq!(told.error(), (403, "AuthorizationPermissionMismatch"));
    assert_eq!(
        told.json()["error"]["code"],
        "AuthorizationPermissionMismatch"
    );
    assert_eq!(lake.look("d").await["permissions"], "rwxrwx---");
}

#[tokio::test]
async fn a_refusal_that_is_not_applied_changes_nothing() {
    let lake = Lake::start().await;
    lake.make(&["d/"]).await;
    lake.sim
        .fault(json!({"operations": ["SetAccessControl"], "fault": {"forbidden": "AuthorizationFailure"}}))
        .await;
    let told = lake.call(Method::PATCH, SET, &LIST).await;
    assert_eq!(told.error(), (403, "AuthorizationFailure"));
    assert_eq!(lake.look("d").await["permissions"], "rwxr-x---");
}

#[tokio::test]
async fn a_lost_answer_was_done() {
    let lake = Lake::start().await;
    lake.make(&["d/"]).await;
    lake.sim
        .fault(
            json!({"operations": ["SetAccessControl"], "count": 1, "fault": {"loseAnswer": true}}),
        )
        .await;
    let lost = lake
        .request(Method::PATCH, SET)
        .header(LIST[0].0, LIST[0].1);
    assert!(lost.send().await.is_err());
    assert_eq!(lake.look("d").await["permissions"], "rwxrwx---");
    let journal = lake
        .sim
        .look("/journal?vault=lake1&operation=SetAccessControl")
        .await;
    assert_eq!(journal["entries"][0]["lostStatus"], 200);
}

#[tokio::test]
async fn requests_are_counted_by_their_words() {
    let lake = Lake::start().await;
    lake.make(&["d/"]).await;
    lake.call(Method::PATCH, SET, &LIST).await;
    let counters = lake.sim.look("/counters").await;
    let of_lake = &counters["operations"]["lake1"];
    assert_eq!(of_lake["CreateDirectory"]["201"], 1);
    assert_eq!(of_lake["SetAccessControl"]["200"], 1);
}
