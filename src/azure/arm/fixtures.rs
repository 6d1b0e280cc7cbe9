//! What tests of this folder share.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::{Call, Subject};
use crate::azure::auth::Profile;
use crate::azure::cloud::{Cloud, ResourceManager};
use crate::azure::http::{Answer, Body};
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

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(name.to_ascii_lowercase()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: Body::new(body.as_bytes().to_vec()),
    }
}

pub(super) fn json(status: u16, body: &Value) -> Answer {
    answer(status, &[], &body.to_string())
}
