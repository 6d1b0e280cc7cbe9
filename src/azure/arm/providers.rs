//! Resource providers and their registration: calls and answers ("Providers - REST API"). Pure.

use http::Method;
use serde_json::Value;

use super::{ApiVersions, Call, Namespace, Reply, SubscriptionId, incomplete};
use crate::problem::Problem;

/// Whether a subscription is registered for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It is.
    Registered,
    /// It is being registered, which takes seconds to minutes.
    Registering,
    /// It is not, or is being unregistered.
    NotRegistered,
}

/// Reads a provider.
pub fn get(versions: &ApiVersions, subscription: &SubscriptionId, namespace: &Namespace) -> Call {
    Call {
        operation: "GetProvider",
        method: Method::GET,
        path: format!("{}/providers/{namespace}", subscription.path()),
        query: Vec::new(),
        api_version: versions.resources,
        subscription: subscription.clone(),
        what: format!("resource provider {namespace}"),
        body: None,
        action: "Microsoft.Resources/subscriptions/providers/read",
    }
}

/// Registers a subscription for a provider. It may be said again.
pub fn register(
    versions: &ApiVersions,
    subscription: &SubscriptionId,
    namespace: &Namespace,
) -> Call {
    let get = get(versions, subscription, namespace);
    // The action has the provider's own name; where Azure refuses, it tells it in full.
    let action = match namespace.as_str().to_ascii_lowercase().as_str() {
        "microsoft.keyvault" => "Microsoft.KeyVault/register/action",
        "microsoft.storage" => "Microsoft.Storage/register/action",
        _ => "*/register/action",
    };
    Call {
        operation: "RegisterProvider",
        method: Method::POST,
        path: format!("{}/register", get.path),
        action,
        ..get
    }
}

/// How the registration stands, in the answer to either.
pub fn read(reply: &Reply) -> Result<Registration, Problem> {
    let state = reply.body.get("registrationState").and_then(Value::as_str);
    let state = state.ok_or_else(|| incomplete("a resource provider", "its registrationState"))?;
    Ok(match state.to_ascii_lowercase().as_str() {
        "registered" => Registration::Registered,
        "registering" => Registration::Registering,
        _ => Registration::NotRegistered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::Cloud;
    use crate::azure_identity::api::CloudName;

    #[test]
    fn a_provider_is_registered_by_its_own_action_and_read_in_any_case() {
        let versions = ApiVersions::of(&Cloud::named(CloudName::Public));
        let subscription = "44444444-4444-4444-4444-444444444444".parse().unwrap();
        let call = register(
            versions,
            &subscription,
            &"Microsoft.KeyVault".parse().unwrap(),
        );
        assert_eq!(
            call.path,
            "/subscriptions/44444444-4444-4444-4444-444444444444/providers/Microsoft.KeyVault/register"
        );
        assert_eq!(call.action, "Microsoft.KeyVault/register/action");
        let told = |state: &str| {
            read(&Reply {
                status: 200,
                body: serde_json::json!({"registrationState": state}),
                operation: None,
                retry_after: None,
            })
        };
        assert_eq!(told("Registering").unwrap(), Registration::Registering);
        assert_eq!(told("registered").unwrap(), Registration::Registered);
        assert_eq!(told("Unregistering").unwrap(), Registration::NotRegistered);
    }
}
