//! Directories and files at the Data Lake endpoint.

use reqwest::Method;
use serde_json::json;

use super::{Lake, told};

async fn write(lake: &Lake, path: &str, text: &'static str) -> super::Told {
    let append = format!("/data/{path}?action=append&position=0");
    let request = lake.request(Method::PATCH, &append).body(text);
    let appended = told(request, &[]).await;
    assert_eq!(appended.status, 202, "{}", appended.text);
    let flush = format!("/data/{path}?action=flush&position={}", text.len());
    told(lake.request(Method::PATCH, &flush), &[]).await
}

#[tokio::test]
async fn a_file_is_written_and_read_in_parts() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let flushed = write(&lake, "f", "hello world").await;
    assert_eq!(flushed.status, 200);
    let read = lake.call(Method::GET, "/data/f", &[]).await;
    assert_eq!(
        (read.text.as_str(), read.header("etag")),
        ("hello world", flushed.header("etag"))
    );
    let part = lake
        .call(Method::GET, "/data/f", &[("range", "bytes=6-9")])
        .await;
    assert_eq!(
        (
            part.status,
            part.text.as_str(),
            part.header("content-range")
        ),
        (206, "worl", "bytes 6-9/11")
    );
    let beyond = lake
        .call(Method::GET, "/data/f", &[("range", "bytes=11-")])
        .await;
    assert_eq!(beyond.error(), (416, "InvalidRange"));
    let known = [("if-none-match", flushed.header("etag"))];
    assert_eq!(lake.call(Method::GET, "/data/f", &known).await.status, 304);
    let head = lake.call(Method::HEAD, "/data/f", &[]).await;
    assert_eq!(head.header("content-length"), "11");
}

#[tokio::test]
async fn contents_are_checked_and_gaps_refused() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let path = "/data/f?action=append&position=0";
    let wrong = lake.request(Method::PATCH, path).body("a");
    let wrong = told(wrong, &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).await;
    assert_eq!(wrong.error(), (400, "Md5Mismatch"));
    let right = lake.request(Method::PATCH, path).body("");
    let right = told(right, &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).await;
    assert_eq!(right.status, 202);
    let gap = lake
        .call(Method::PATCH, "/data/f?action=flush&position=5", &[])
        .await;
    assert_eq!(gap.error(), (400, "InvalidFlushPosition"));
}

#[tokio::test]
async fn what_is_made_is_seen_with_its_properties() {
    let lake = Lake::start().await;
    let headers = [
        ("x-ms-properties", "a=Yg=="),
        ("x-ms-permissions", "0777"),
        ("x-ms-umask", "0022"),
        ("x-ms-content-type", "text/plain"),
    ];
    let made = lake
        .call(Method::PUT, "/data/d/f?resource=file", &headers)
        .await;
    assert_eq!(
        (made.status, made.header("x-ms-request-server-encrypted")),
        (201, "true")
    );
    let seen = lake.call(Method::HEAD, "/data/d/f", &[]).await;
    assert_eq!(seen.header("x-ms-permissions"), "rwxr-xr-x");
    assert_eq!(seen.header("x-ms-properties"), "a=Yg==");
    assert_eq!(seen.header("content-type"), "text/plain");
    assert_eq!(seen.header("x-ms-resource-type"), "file");
    let above = lake
        .call(Method::HEAD, "/data/d?action=getStatus", &[])
        .await;
    assert_eq!(above.header("x-ms-resource-type"), "directory");
    let only_new = [("if-none-match", "*")];
    let there = lake
        .call(Method::PUT, "/data/d?resource=directory", &only_new)
        .await;
    assert_eq!(there.error(), (409, "PathAlreadyExists"));
    assert_eq!(there.header("x-ms-existing-resource-type"), "directory");
    let conflict = lake
        .call(Method::PUT, "/data/d/f/x?resource=file", &[])
        .await;
    assert_eq!(conflict.error(), (409, "PathConflict"));
    let changed = [("x-ms-properties", "c=ZA==")];
    let set = "/data/d/f?action=setProperties";
    assert_eq!(lake.call(Method::PATCH, set, &changed).await.status, 200);
    assert_eq!(lake.look("d/f").await["properties"], json!({"c": "ZA=="}));
}

#[tokio::test]
async fn paths_with_odd_letters_are_kept() {
    let lake = Lake::start().await;
    let made = lake
        .call(
            Method::PUT,
            "/data/a%20b%25/%C3%A9+?resource=directory",
            &[],
        )
        .await;
    assert_eq!(made.status, 201);
    let list = lake
        .call(Method::GET, "/data?resource=filesystem&recursive=true", &[])
        .await;
    assert_eq!(list.json()["paths"][1]["name"], "a b%/é+");
}

#[tokio::test]
async fn a_rename_moves_within_and_between_filesystems() {
    let lake = Lake::start().await;
    lake.make(&["a/b/c", "there"]).await;
    let rename = |to: &str, from: &'static str| {
        let request = lake.request(Method::PUT, &format!("/data/{to}?mode=posix"));
        async move { told(request, &[("x-ms-rename-source", from)]).await }
    };
    assert_eq!(rename("z", "/data/a").await.status, 201);
    assert!(lake.look("z/b/c").await["directory"] == false);
    assert_eq!(
        rename("z/b/x", "/data/z/b").await.error(),
        (409, "InvalidRenameSourcePath")
    );
    assert_eq!(
        rename("y", "/data/none").await.error(),
        (404, "SourcePathNotFound")
    );
    assert_eq!(
        rename("no/y", "/data/z").await.error(),
        (404, "RenameDestinationParentPathNotFound")
    );
    assert_eq!(
        rename("there", "/data/z").await.error(),
        (409, "PathConflict")
    );
    lake.call(Method::PUT, "/other?resource=filesystem", &[])
        .await;
    let across = lake.request(Method::PUT, "/other/q?mode=legacy");
    assert_eq!(
        told(across, &[("x-ms-rename-source", "/data/z%2Fb")])
            .await
            .status,
        201
    );
    assert_eq!(lake.call(Method::HEAD, "/other/q/c", &[]).await.status, 200);
    assert_eq!(lake.call(Method::HEAD, "/data/z/b", &[]).await.status, 404);
}

#[tokio::test]
async fn a_directory_is_deleted_with_what_it_holds() {
    let lake = Lake::start().await;
    lake.make(&["a/b", "a/c/"]).await;
    let delete = |query: &str| format!("/data/a{query}");
    let full = lake.call(Method::DELETE, &delete(""), &[]).await;
    assert_eq!(full.error(), (409, "DirectoryNotEmpty"));
    let paged = lake
        .call(
            Method::DELETE,
            &delete("?recursive=true&paginated=true"),
            &[],
        )
        .await;
    assert_eq!(paged.status, 202);
    let gone = lake
        .call(Method::DELETE, &delete("?recursive=true"), &[])
        .await;
    assert_eq!(gone.error(), (404, "PathNotFound"));
}

#[tokio::test]
async fn who_has_the_lease_writes() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let acquire = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "15"),
        (
            "x-ms-proposed-lease-id",
            "11111111-0000-0000-0000-000000000000",
        ),
    ];
    let leased = lake.call(Method::POST, "/data/f", &acquire).await;
    assert_eq!(leased.status, 201);
    let lease = leased.header("x-ms-lease-id");
    let append = "/data/f?action=append&position=0";
    let without = told(lake.request(Method::PATCH, append).body("a"), &[]).await;
    assert_eq!(without.error(), (412, "LeaseIdMissing"));
    let with = told(
        lake.request(Method::PATCH, append).body("a"),
        &[("x-ms-lease-id", lease)],
    )
    .await;
    assert_eq!(with.status, 202);
    let deleted = lake.call(Method::DELETE, "/data/f", &[]).await;
    assert_eq!(deleted.error(), (412, "LeaseIdMissing"));
    let broken = lake
        .call(Method::POST, "/data/f", &[("x-ms-lease-action", "break")])
        .await;
    assert_eq!(broken.status, 202);
    assert_ne!(broken.header("x-ms-lease-time"), "");
    lake.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 20}))
        .await;
    assert_eq!(lake.call(Method::DELETE, "/data/f", &[]).await.status, 200);
}
