//! Storage accounts at the resource manager.

mod access;
mod accounts;
mod changes;
mod containers;
mod encryption;
mod names;
mod operations;
mod services;

use super::*;

const STORAGE: &str = "2023-05-01";
const KIND: &str = "Microsoft.Storage/storageAccounts";

fn account(name: &str) -> String {
    subscription(&format!("/resourceGroups/rg/providers/{KIND}/{name}"))
}

/// A lake in West Europe, with more properties or others.
#[allow(clippy::needless_pass_by_value, reason = "as `json!` gives it")]
fn lake(properties: Value) -> Value {
    let mut all = json!({"isHnsEnabled": true});
    for (name, value) in properties.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": all})
}

impl Arm {
    async fn put_account(&self, name: &str, properties: Value) -> (u16, Value) {
        self.put_whole(name, lake(properties)).await
    }

    async fn put_whole(&self, name: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, &account(name), STORAGE, body).await
    }

    async fn patch_account(&self, name: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, &account(name), STORAGE, body)
            .await
    }

    async fn get_account(&self, name: &str) -> (u16, Value) {
        self.get(&account(name), STORAGE).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, STORAGE, body).await
    }

    /// The values of `key1` and `key2`.
    async fn keys(&self, name: &str) -> [String; 2] {
        let path = format!("{}/listKeys", account(name));
        let (status, body) = self.post(&path, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        [0, 1].map(|index| body["keys"][index]["value"].as_str().unwrap().to_owned())
    }
}
