//! Which requests change something, and so pass the fence. Pure, and the only place where that is said.
//!
//! What is not known to read only is taken for an effect.

use http::Method;

/// Requests to Azure that have a body and change nothing: tokens, checks of names, and keys that are told.
const READS: &[&str] = &[
    "CheckStorageName",
    "CheckStoreName",
    "CheckVaultName",
    "GetManagedIdentityToken",
    "GetToken",
    "GetUserDelegationKey",
    "ListStorageKeys",
    "Login",
    "RefreshLogin",
];

/// Whether a request to the API server changes something. A token of a ServiceAccount is made by a POST and stored nowhere.
pub fn in_kubernetes(method: &Method, path: &str) -> bool {
    let token =
        *method == Method::POST && path.contains("/serviceaccounts/") && path.ends_with("/token");
    !is_safe(method) && !token
}

/// Whether a request to Azure changes something, by its method and its name in metrics.
pub fn in_azure(method: &Method, operation: &str) -> bool {
    !is_safe(method) && !READS.contains(&operation)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_to_the_api_server_is_an_effect_and_a_token_is_none() {
        let secret = "/api/v1/namespaces/a/secrets/s";
        let token = "/api/v1/namespaces/a/serviceaccounts/app/token";
        let named_token = "/api/v1/namespaces/a/secrets/token";
        let cases = [
            (Method::GET, secret, false),
            (Method::PATCH, secret, true),
            (Method::PUT, secret, true),
            (Method::DELETE, secret, true),
            (
                Method::POST,
                "/apis/events.k8s.io/v1/namespaces/a/events",
                true,
            ),
            (Method::POST, token, false),
            (Method::PATCH, token, true),
            (Method::POST, named_token, true),
        ];
        for (method, path, effect) in cases {
            assert_eq!(in_kubernetes(&method, path), effect, "{method} {path}");
        }
    }

    #[test]
    fn what_azure_is_asked_by_post_is_no_effect_and_what_nobody_knows_is_one() {
        let cases = [
            (Method::GET, "GetVault", false),
            (Method::HEAD, "GetPath", false),
            (Method::POST, "GetToken", false),
            (Method::POST, "CheckVaultName", false),
            (Method::POST, "PurgeDeletedVault", true),
            (Method::POST, "RegenerateStorageKey", true),
            (Method::PUT, "GetToken", false),
            (Method::DELETE, "Logout", true),
            (Method::POST, "SomethingNew", true),
        ];
        for (method, operation, effect) in cases {
            assert_eq!(in_azure(&method, operation), effect, "{method} {operation}");
        }
    }
}
