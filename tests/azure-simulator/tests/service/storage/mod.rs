//! The data planes of storage accounts and of Data Lake Stores.

mod access;
mod authorization;
mod blobs;
mod faults;
mod files;
mod filesystems;
mod large;
mod signatures;
mod webhdfs;

use reqwest::{Method, RequestBuilder, Response, header::HeaderMap};
use serde_json::{Value, json};

use crate::common::{CLIENT, OBJECT, SECRET, Sim, TENANT};

const ACCOUNT: &str = "lake1";
const DFS: &str = "https://lake1.dfs.storage.sim.test";
const BLOB: &str = "https://lake1.blob.storage.sim.test";
const STORE: &str = "https://old1.azuredatalakestore.sim.test";
const SCOPE: &str = "https://storage.azure.com/.default";
const VERSION: &str = "2023-11-03";
/// Somebody without a role.
const ANN: &str = "44444444-4444-4444-4444-444444444444";
const ANN_CLIENT: &str = "44444444-4444-4444-4444-444444444445";
/// 64 bytes.
const KEY: &str =
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw==";

/// An account with a filesystem `data`, whose owner by role is the usual application; ann has no role. A store, which the
/// application owns.
struct Lake {
    sim: Sim,
    client: reqwest::Client,
    owner: String,
    ann: String,
}

impl Lake {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// With further fields of the account.
    async fn with(more: Value) -> Self {
        let sim = Sim::start().await;
        let mut account = json!({
            "name": ACCOUNT, "tenantId": TENANT, "isHnsEnabled": true, "keys": [KEY, KEY],
            "roleAssignments": [{"principalId": OBJECT, "role": "Storage Blob Data Owner"}],
        });
        for (name, value) in more.as_object().unwrap() {
            account[name] = value.clone();
        }
        let seed = json!({
            "settings": {"filesystemDeletionMs": 0},
            "tenants": [{"id": TENANT, "applications": [
                {"clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}]},
                {"clientId": ANN_CLIENT, "objectId": ANN, "secrets": [{"value": SECRET}]},
            ], "users": [{"username": "bob@contoso.onmicrosoft.com", "password": "x", "objectId": "B0B"}]}],
            "storageAccounts": [account],
            "dataLakeStores": [{"name": "old1", "tenantId": TENANT,
                "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]}],
        });
        sim.admin(Method::POST, "/seed", &seed).await;
        sim.admin(Method::PUT, "/filesystems/lake1/data", &Value::Null)
            .await;
        let client = sim.client();
        let owner = sim.token_for(SCOPE).await;
        let ann = token_of(&sim, ANN_CLIENT, SCOPE).await;
        Self {
            sim,
            client,
            owner,
            ann,
        }
    }

    /// A request to a path at the Data Lake endpoint, by the owner.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.by(&self.owner, method, path)
    }

    fn by(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{DFS}{path}"))
            .header("x-ms-version", VERSION)
            .bearer_auth(token)
    }

    fn blob(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{BLOB}{path}"))
            .header("x-ms-version", VERSION)
            .bearer_auth(&self.owner)
    }

    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Told {
        told(self.request(method, path), headers).await
    }

    /// Makes directories, which end in a slash, and files.
    async fn make(&self, paths: &[&str]) {
        for path in paths {
            let kind = if path.ends_with('/') {
                "directory"
            } else {
                "file"
            };
            let path = format!("/data/{}?resource={kind}", path.trim_end_matches('/'));
            assert_eq!(
                self.call(Method::PUT, &path, &[]).await.status,
                201,
                "{path}"
            );
        }
    }

    /// A path as the admin API shows it.
    async fn look(&self, path: &str) -> Value {
        self.sim
            .look(&format!("/filesystems/lake1/data/path?path={path}"))
            .await
    }

    /// Changes a path behind everybody's back.
    async fn put(&self, path: &str, wanted: Value) {
        let path = format!("/filesystems/lake1/data/path?path={path}");
        self.sim.admin(Method::PUT, &path, &wanted).await;
    }

    async fn settings(&self, settings: Value) {
        self.sim.admin(Method::POST, "/settings", &settings).await;
    }
}

async fn token_of(sim: &Sim, client: &str, scope: &str) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", SECRET),
        ("scope", scope),
    ];
    let url = crate::common::token_url();
    let answer = sim.client().post(url).form(&form).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

/// What was answered.
struct Told {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Status and code of an error.
    fn error(&self) -> (u16, &str) {
        (self.status, self.header("x-ms-error-code"))
    }
}

async fn told(request: RequestBuilder, headers: &[(&str, &str)]) -> Told {
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    of(request.send().await.unwrap()).await
}

async fn of(answer: Response) -> Told {
    Told {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await.unwrap(),
    }
}
