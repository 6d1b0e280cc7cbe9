//! The blob endpoint.

use reqwest::Method;
use serde_json::json;

use super::{Lake, told};

#[tokio::test]
async fn a_container_is_the_filesystem() {
    let lake = Lake::start().await;
    let path = "/new?restype=container";
    let made = told(lake.blob(Method::PUT, path), &[("x-ms-meta-a", "b")]).await;
    assert_eq!(made.status, 201);
    let seen = lake
        .call(Method::HEAD, "/new?resource=filesystem", &[])
        .await;
    assert_eq!(seen.header("x-ms-properties"), "a=Yg==");
    let seen = told(lake.blob(Method::GET, path), &[]).await;
    assert_eq!((seen.status, seen.header("x-ms-meta-a")), (200, "b"));
    let again = told(lake.blob(Method::PUT, path), &[]).await;
    assert_eq!(again.error(), (409, "ContainerAlreadyExists"));
    assert!(again.text.starts_with("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ContainerAlreadyExists</Code>"));
    assert_eq!(told(lake.blob(Method::DELETE, path), &[]).await.status, 202);
    let gone = told(lake.blob(Method::HEAD, path), &[]).await;
    assert_eq!(gone.error(), (404, "ContainerNotFound"));
}

#[tokio::test]
async fn a_deleted_container_comes_back() {
    let retention = json!({"containerDeleteRetention": {"enabled": true, "days": 7}});
    let lake = Lake::with(json!({"blobService": retention})).await;
    lake.make(&["a/f"]).await;
    lake.call(Method::DELETE, "/data?resource=filesystem", &[])
        .await;
    let live = told(lake.blob(Method::GET, "/?comp=list"), &[]).await;
    assert!(!live.text.contains("<Name>data</Name>"), "{}", live.text);
    let all = told(lake.blob(Method::GET, "/?comp=list&include=deleted"), &[]).await;
    assert!(
        all.text
            .contains("<Name>data</Name><Deleted>true</Deleted>")
    );
    assert!(
        all.text
            .contains("<RemainingRetentionDays>7</RemainingRetentionDays>")
    );
    let (_, rest) = all.text.split_once("<Version>").unwrap();
    let (version, _) = rest.split_once("</Version>").unwrap();
    let headers = [
        ("x-ms-deleted-container-name", "data"),
        ("x-ms-deleted-container-version", version),
    ];
    let path = "/data?restype=container&comp=undelete";
    assert_eq!(
        told(lake.blob(Method::PUT, path), &headers).await.status,
        201
    );
    assert_eq!(lake.look("a/f").await["directory"], false);
    let again = told(lake.blob(Method::PUT, path), &headers).await;
    assert_eq!(again.error(), (409, "ContainerAlreadyExists"));
}

#[tokio::test]
async fn a_small_blob_is_a_file() {
    let lake = Lake::start().await;
    let put = lake.blob(Method::PUT, "/data/a/f").body("hello");
    let headers = [
        ("x-ms-blob-type", "BlockBlob"),
        ("content-type", "text/plain"),
        ("x-ms-meta-k", "v"),
    ];
    let put = told(put, &headers).await;
    assert_eq!(
        (put.status, put.header("content-md5")),
        (201, "XUFAKrxLKna5cZ2REBfFkg==")
    );
    let read = lake.call(Method::GET, "/data/a/f", &[]).await;
    assert_eq!(
        (read.text.as_str(), read.header("content-type")),
        ("hello", "text/plain")
    );
    assert_eq!(read.header("x-ms-properties"), "k=dg==");
    let part = told(
        lake.blob(Method::GET, "/data/a/f"),
        &[("x-ms-range", "bytes=1-2")],
    )
    .await;
    assert_eq!((part.status, part.text.as_str()), (206, "el"));
    let head = told(lake.blob(Method::HEAD, "/data/a"), &[]).await;
    assert_eq!(head.header("x-ms-meta-hdi_isfolder"), "true");
    let list = told(
        lake.blob(Method::GET, "/data?restype=container&comp=list&delimiter=/"),
        &[],
    )
    .await;
    assert!(
        list.text
            .contains("<BlobPrefix><Name>a/</Name></BlobPrefix>"),
        "{}",
        list.text
    );
    let full = told(lake.blob(Method::DELETE, "/data/a"), &[]).await;
    assert_eq!(full.error(), (409, "DirectoryIsNotEmpty"));
    assert_eq!(
        told(lake.blob(Method::DELETE, "/data/a/f"), &[])
            .await
            .status,
        202
    );
    let gone = told(lake.blob(Method::GET, "/data/a/f"), &[]).await;
    assert_eq!(gone.error(), (404, "BlobNotFound"));
}

#[tokio::test]
async fn the_account_tells_its_kind() {
    let lake = Lake::start().await;
    let told = told(
        lake.blob(Method::GET, "/?restype=account&comp=properties"),
        &[],
    )
    .await;
    assert_eq!(told.header("x-ms-is-hns-enabled"), "true");
    assert_eq!(told.header("x-ms-account-kind"), "StorageV2");
}
