//! The official blob client (`azure_storage_blob`): there is none yet for the Data Lake endpoint in Rust.

use std::sync::Arc;

use azure_core::{
    Bytes,
    credentials::TokenCredential,
    http::{StatusCode, Url},
};
use azure_storage_blob::{
    BlobServiceClient, BlobServiceClientOptions, models::BlobClientGetPropertiesResultHeaders as _,
};
use futures::TryStreamExt as _;
use reqwest::Method;
use serde_json::json;

use super::{
    client_options,
    common::{OBJECT, SECRET, Sim, TENANT},
    secret_credential,
};

async fn started() -> (Sim, BlobServiceClient) {
    let sim = Sim::start().await;
    let account = json!({
        "name": "lake1", "tenantId": TENANT, "isHnsEnabled": true,
        "roleAssignments": [{"principalId": OBJECT, "role": "Storage Blob Data Contributor"}],
    });
    let seed = json!({"settings": {"filesystemDeletionMs": 0}, "storageAccounts": [account]});
    sim.admin(Method::POST, "/seed", &seed).await;
    let options = BlobServiceClientOptions {
        client_options: client_options(&sim),
        ..BlobServiceClientOptions::default()
    };
    let url = Url::parse("https://lake1.blob.storage.sim.test/").unwrap();
    let credential: Arc<dyn TokenCredential> = secret_credential(&sim, SECRET);
    let client = BlobServiceClient::new(url, Some(credential), Some(options)).unwrap();
    (sim, client)
}

#[tokio::test]
async fn a_container_and_a_blob_live() {
    let (sim, client) = started().await;
    let container = client.blob_container_client("data");
    assert!(!container.exists().await.unwrap());
    container.create(None).await.unwrap();
    let again = container.create(None).await.unwrap_err();
    assert_eq!(again.http_status(), Some(StatusCode::Conflict));
    let blob = container.blob_client("a/f");
    let content = Bytes::from_static(b"hello");
    blob.upload(content.into(), None).await.unwrap();
    let told = blob.get_properties(None).await.unwrap();
    assert_eq!(told.content_length().unwrap(), Some(5));
    let body = blob.download(None).await.unwrap().body;
    let data: Vec<Bytes> = body.try_collect().await.unwrap();
    assert_eq!(data.concat(), b"hello");
    let path = "/filesystems/lake1/data/path?path=a/f";
    assert_eq!(sim.look(path).await["owner"], OBJECT);
    blob.delete(None).await.unwrap();
    assert!(!blob.exists().await.unwrap());
    container.delete(None).await.unwrap();
    assert!(!container.exists().await.unwrap());
}
