//! Discovery documents.

use serde_json::{Value, json};

use super::{Version, errors::Denial, signing::issuer};
use crate::names::Names;

/// The OpenID configuration of a tenant. Links start with `base`, the way the sender named the server; the issuer is
/// what tokens carry.
pub(crate) fn openid_configuration(
    version: Version,
    base: &str,
    tenant: &str,
    names: &Names,
) -> Value {
    let root = format!("{base}/{tenant}");
    let authority = format!("{}://{}", names.scheme, names.login());
    let (prefix, issuer, keys) = match version {
        Version::V1 | Version::Adfs => ("oauth2", issuer(tenant), "discovery/keys"),
        Version::V2 => (
            "oauth2/v2.0",
            format!("{authority}/{tenant}/v2.0"),
            "discovery/v2.0/keys",
        ),
    };
    json!({
        "token_endpoint": format!("{root}/{prefix}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{root}/{keys}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": format!("{root}/{prefix}/authorize"),
        "device_authorization_endpoint": format!("{root}/{prefix}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{root}/{prefix}/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email",
        ],
        "kerberos_endpoint": format!("{root}/kerberos"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": names.login(),
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    })
}

/// The instance discovery document, for the authority that `endpoint` (an authorization endpoint) names.
pub(crate) fn instance(endpoint: &str, base: &str, names: &Names) -> Result<Value, Denial> {
    let unknown = |_| Denial::unknown_instance();
    let endpoint = url::Url::parse(endpoint).map_err(unknown)?;
    let (login, aliases) = (names.login(), names.logins());
    if !aliases
        .iter()
        .any(|alias| endpoint.host_str() == Some(alias))
    {
        return Err(Denial::unknown_instance());
    }
    let tenant = endpoint
        .path_segments()
        .and_then(|mut segments| segments.next())
        .unwrap_or("common");
    Ok(json!({
        "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": login, "preferred_cache": login, "aliases": aliases}],
    }))
}
