//! Owners and access lists at the Data Lake endpoint.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ANN, Lake, told};
use crate::common::OBJECT;

const BASE: &str = "user::rwx,group::r-x,other::---";

async fn set(lake: &Lake, path: &str, headers: &[(&str, &str)]) -> super::Told {
    let path = format!("/data/{path}?action=setAccessControl");
    lake.call(Method::PATCH, &path, headers).await
}

#[tokio::test]
async fn a_list_is_set_and_read() {
    let lake = Lake::start().await;
    lake.make(&["a/"]).await;
    let list =
        format!("{BASE},user:{ANN}:rw-,default:user::rwx,default:group::---,default:other::---");
    let done = set(&lake, "a", &[("x-ms-acl", &list), ("x-ms-group", ANN)]).await;
    assert_eq!(
        (done.status, done.header("x-ms-namespace-enabled")),
        (200, "true")
    );
    let read = lake
        .call(Method::HEAD, "/data/a?action=getAccessControl", &[])
        .await;
    assert_eq!(read.header("x-ms-owner"), OBJECT);
    assert_eq!(read.header("x-ms-group"), ANN);
    assert_eq!(read.header("x-ms-permissions"), "rwxrwx---+");
    assert_eq!(
        read.header("x-ms-acl"),
        format!(
            "user::rwx,user:{ANN}:rw-,group::r-x,mask::rwx,other::---,default:user::rwx,default:group::---,default:other::---"
        )
    );
    assert_eq!(read.header("etag"), done.header("etag"));
}

#[tokio::test]
async fn the_root_has_a_list_too() {
    let lake = Lake::start().await;
    for path in ["/data/", "/data//", "/data"] {
        let path = format!("{path}?action=getAccessControl");
        let read = lake.call(Method::HEAD, &path, &[]).await;
        assert_eq!(read.header("x-ms-acl"), BASE, "{path}");
        assert_eq!(read.header("x-ms-owner"), "$superuser", "{path}");
    }
    let done = set(&lake, "", &[("x-ms-permissions", "0711")]).await;
    assert_eq!(done.status, 200);
    assert_eq!(lake.look("").await["permissions"], "rwx--x--x");
}

#[tokio::test]
async fn a_bad_list_is_told() {
    let lake = Lake::start().await;
    lake.make(&["a/"]).await;
    for (headers, expected) in [
        (vec![("x-ms-acl", "user::rwx")], "SetAclMissingAces"),
        (vec![("x-ms-acl", "user:rwx")], "InvaldAccessControlList"),
        (vec![("x-ms-permissions", "rwx")], "InvalidHeaderValue"),
        (
            vec![("x-ms-permissions", "0777"), ("x-ms-acl", BASE)],
            "InvalidInput",
        ),
        (vec![], "MissingRequiredHeader"),
        (
            vec![("x-ms-owner", "nobody@contoso.onmicrosoft.com")],
            "InvalidHeaderValue",
        ),
    ] {
        let refused = set(&lake, "a", &headers).await;
        assert_eq!(refused.error(), (400, expected), "{headers:?}");
    }
    let missed = set(&lake, "a", &[("x-ms-acl", BASE), ("if-match", "\"0x1\"")]).await;
    assert_eq!(missed.error(), (412, "ConditionNotMet"));
    let absent = set(&lake, "x", &[("x-ms-acl", BASE)]).await;
    assert_eq!(absent.error(), (404, "PathNotFound"));
}

#[tokio::test]
async fn names_stand_for_ids() {
    let lake = Lake::start().await;
    lake.make(&["a/"]).await;
    let bob = "bob@contoso.onmicrosoft.com";
    let list = format!("{BASE},user:{bob}:r--");
    set(&lake, "a", &[("x-ms-acl", &list), ("x-ms-owner", bob)]).await;
    assert_eq!(lake.look("a").await["owner"], "b0b");
    let read = |upn: &str| format!("/data/a?action=getAccessControl&upn={upn}");
    let ids = lake.call(Method::HEAD, &read("false"), &[]).await;
    assert!(ids.header("x-ms-acl").contains("user:b0b:r--"));
    let names = lake.call(Method::HEAD, &read("true"), &[]).await;
    assert!(
        names
            .header("x-ms-acl")
            .contains(&format!("user:{bob}:r--"))
    );
    assert_eq!(names.header("x-ms-owner"), bob);
}

#[tokio::test]
async fn lists_decide_about_who_has_no_role() {
    let lake = Lake::start().await;
    lake.make(&["a/b/"]).await;
    let look = || told(lake.by(&lake.ann, Method::HEAD, "/data/a/b"), &[]);
    assert_eq!(
        look().await.error(),
        (403, "AuthorizationPermissionMismatch")
    );
    for path in ["", "a"] {
        lake.put(path, json!({"acl": format!("{BASE},user:{ANN}:--x")}))
            .await;
    }
    assert_eq!(look().await.status, 200);
    let list = || {
        let path = "/data?resource=filesystem&recursive=false&directory=a";
        told(lake.by(&lake.ann, Method::GET, path), &[])
    };
    assert_eq!(list().await.status, 403);
    // By a group, whose members the world knows.
    lake.put(
        "a",
        json!({"acl": format!("{BASE},user:{ANN}:--x,group:readers:r-x")}),
    )
    .await;
    lake.sim
        .admin(Method::PUT, "/groups/readers", &json!({"members": [ANN]}))
        .await;
    // A named user's entry goes ahead of a group's.
    assert_eq!(list().await.status, 403);
    for path in ["", "a"] {
        lake.put(path, json!({"acl": format!("{BASE},group:readers:r-x")}))
            .await;
    }
    assert_eq!(list().await.json()["paths"][0]["name"], "a/b");
    lake.sim
        .admin(Method::DELETE, "/groups/readers", &Value::Null)
        .await;
    assert_eq!(list().await.status, 403);
}

#[tokio::test]
async fn a_recursive_change_goes_on_until_its_end() {
    let lake = Lake::start().await;
    lake.make(&["a/b/c", "a/d", "a/e/"]).await;
    let base = "/data/a?action=setAccessControlRecursive&mode=modify&maxRecords=2";
    let acl = format!("user:{ANN}:r-x");
    let mut path = base.to_owned();
    let (mut directories, mut files, mut calls) = (0, 0, 0);
    loop {
        let done = lake.call(Method::PATCH, &path, &[("x-ms-acl", &acl)]).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let body = done.json();
        assert_eq!(body["failureCount"], 0);
        directories += body["directoriesSuccessful"].as_u64().unwrap();
        files += body["filesSuccessful"].as_u64().unwrap();
        calls += 1;
        match done.header("x-ms-continuation") {
            "" => break,
            next => path = format!("{base}&continuation={next}"),
        }
    }
    assert_eq!((directories, files, calls), (3, 2, 3));
    let acl = lake.look("a/b/c").await["acl"].to_string();
    assert!(acl.contains(&format!("user:{ANN}:r-x")), "{acl}");
}

#[tokio::test]
async fn failures_of_a_recursive_change_are_listed() {
    let lake = Lake::start().await;
    lake.make(&["a/b/c", "a/d"]).await;
    lake.sim
        .admin(
            Method::PUT,
            "/filesystems/lake1/data/failures",
            &json!([{"path": "a/b/**", "count": 2}]),
        )
        .await;
    let acl = [("x-ms-acl", BASE)];
    let run = |more: &str| {
        let path = format!("/data/a?action=setAccessControlRecursive&mode=set{more}");
        let request = lake.request(Method::PATCH, &path);
        async move { told(request, &acl).await }
    };
    let forced = run("&forceFlag=true").await.json();
    assert_eq!(
        forced,
        json!({
            "directoriesSuccessful": 1, "filesSuccessful": 1, "failureCount": 2,
            "failedEntries": [
                {"name": "a/b", "type": "DIRECTORY", "errorMessage": "This request is not authorized to perform this operation using this permission."},
                {"name": "a/b/c", "type": "FILE", "errorMessage": "This request is not authorized to perform this operation using this permission."},
            ],
        })
    );
    lake.sim
        .admin(
            Method::PUT,
            "/filesystems/lake1/data/failures",
            &json!([{"path": "a/b"}]),
        )
        .await;
    let stopped = run("").await;
    assert_eq!(stopped.json()["failureCount"], 1);
    assert_eq!(stopped.json()["filesSuccessful"], 0);
    assert_eq!(stopped.header("x-ms-continuation"), "");
    // A change of the path alone fails, too, and the next one of the same path.
    let path = "/data/a/b?action=setAccessControl";
    let alone = lake.call(Method::PATCH, path, &acl).await;
    assert_eq!(alone.error(), (403, "AuthorizationPermissionMismatch"));
}

#[tokio::test]
async fn a_continuation_that_is_over_is_refused() {
    let lake = Lake::start().await;
    lake.make(&["a/b", "a/c"]).await;
    let base = "/data/a?action=setAccessControlRecursive&mode=set&maxRecords=1";
    let acl = [("x-ms-acl", BASE)];
    let first = lake.call(Method::PATCH, base, &acl).await;
    let next = first.header("x-ms-continuation").to_owned();
    let go_on = format!("{base}&continuation={next}");
    lake.sim
        .admin(
            Method::DELETE,
            "/filesystems/lake1/data/continuations",
            &Value::Null,
        )
        .await;
    let over = lake.call(Method::PATCH, &go_on, &acl).await;
    assert_eq!(over.error(), (400, "InvalidQueryParameterValue"));
    let nonsense = format!("{base}&continuation=x");
    let nonsense = lake.call(Method::PATCH, &nonsense, &acl).await;
    assert_eq!(nonsense.error(), (400, "InvalidQueryParameterValue"));
    for (more, expected) in [
        ("mode=paint", "InvalidQueryParameterValue"),
        ("", "MissingRequiredQueryParameter"),
        ("mode=set&maxRecords=0", "OutOfRangeQueryParameterValue"),
    ] {
        let path = format!("/data/a?action=setAccessControlRecursive&{more}");
        let refused = lake.call(Method::PATCH, &path, &acl).await;
        assert_eq!(refused.error(), (400, expected), "{more}");
    }
}

#[tokio::test]
async fn a_flat_account_has_no_lists() {
    let lake = Lake::with(json!({"isHnsEnabled": false})).await;
    let read = lake
        .call(Method::HEAD, "/data/?action=getAccessControl", &[])
        .await;
    assert_eq!(read.error(), (400, "HierarchicalNamespaceNotEnabled"));
    let seen = lake
        .call(Method::HEAD, "/data?resource=filesystem", &[])
        .await;
    assert_eq!(seen.header("x-ms-namespace-enabled"), "false");
}
