//! What tests of this folder share.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::{Call, Subject};
use crate::azure::auth::Profile;
use crate::azure::cloud::{Cloud, ResourceManager};
pub(super) use crate::azure::fixtures::answer;
use crate::azure::http::Answer;
use crate::azure_identity::api::{CloudName, ResourceManagerProfile};

pub(super) const SUBSCRIPTION: &str = "44444444-4444-4444-4444-444444444444";
pub(super) const VAULT: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-a";

pub(super) fn profile() -> Profile {
    Profile {
        cloud: Cloud::shared(CloudName::Public),
        tenant: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        client: Some("22222222-2222-2222-2222-222222222222".parse().unwrap()),
    }
}

/// The same identity in a cloud that speaks the older versions.
pub(super) fn stack() -> Profile {
    let public = Cloud::named(CloudName::Public);
    let manager = public.resource_manager.clone().unwrap();
    Profile {
        cloud: Arc::new(Cloud {
            resource_manager: Some(ResourceManager {
                profile: ResourceManagerProfile::AzureStack,
                ..manager
            }),
            ..public
        }),
        ..profile()
    }
}

pub(super) fn call(method: Method) -> Call {
    let action = match method {
        Method::GET => "Microsoft.KeyVault/vaults/read",
        Method::DELETE => "Microsoft.KeyVault/vaults/delete",
        _ => "Microsoft.KeyVault/vaults/write",
    };
    Call {
        operation: "TestVault",
        body: (method == Method::PUT).then(|| serde_json::json!({"location": "westus"})),
        method,
        path: VAULT.to_owned(),
        query: Vec::new(),
        api_version: "2026-05-15",
        subscription: SUBSCRIPTION.parse().unwrap(),
        what: "vault \"kv-a\"".to_owned(),
        action,
    }
}

pub(super) fn subject() -> Subject {
    call(Method::PUT).subject()
}

pub(super) fn json(status: u16, body: &Value) -> Answer {
    answer(status, &[], &body.to_string())
}
