//! What tests of outputs share.

use std::collections::BTreeMap;

use super::seen::{Key, Keys};
use super::wanted::Wanted;
use super::{Account, Owner};
use crate::data_lake_account::api::{EndpointsStatus, Generation};
use crate::secret::SecretValue;

pub(super) fn account() -> Account {
    Account {
        name: "lakepayments".to_owned(),
        id: "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lakepayments".to_owned(),
        location: "westeurope".to_owned(),
        generation: Generation::Gen2,
        endpoints: EndpointsStatus {
            dfs: Some("https://lakepayments.dfs.core.windows.net/".to_owned()),
            blob: Some("https://lakepayments.blob.core.windows.net/".to_owned()),
            ..EndpointsStatus::default()
        },
        filesystems: vec!["raw".to_owned(), "curated".to_owned()],
        suffix: "core.windows.net".to_owned(),
        shared_keys: true,
        keys_made: BTreeMap::new(),
    }
}

pub(super) fn owner() -> Owner {
    Owner {
        namespace: "team".to_owned(),
        name: "lake".to_owned(),
        uid: "uid-lake".to_owned(),
    }
}

/// Key number `key` of an account as it was made for the `times`th time after its first.
pub(super) fn value(key: &str, times: u32) -> SecretValue {
    use base64::Engine;
    let text = format!("{key}-{times}");
    SecretValue::from(base64::engine::general_purpose::STANDARD.encode(text))
}

pub(super) fn keys() -> Keys {
    let key = |name| Key {
        made: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        value: value(name, 0),
    };
    Keys {
        key1: key("key1"),
        key2: key("key2"),
    }
}

pub(super) fn wanted(spec: serde_json::Value) -> Wanted {
    Wanted::parse(Some(&serde_json::from_value(spec).unwrap())).unwrap()
}
