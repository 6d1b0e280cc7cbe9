//! Azure Stack Hub tells its own endpoints ("Azure Stack Hub: metadata/endpoints"): requests and answers. Pure.
//!
//! Two forms exist: an object (api-version 2015-01-01, every release has it) and an array (2019-10-01 and later, which also
//! names the suffixes). What is not told is derived from the names that every installation has.

use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde::Deserialize;
use url::Url;

use super::cloud::{Cloud, PUBLIC_ALIASES, ResourceManager, Storage, suffix};
use super::http::{Answer, Request, Route};
use super::resource::Resource;
use crate::azure_identity::api::{ResourceManagerProfile, TokenEndpoint};
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

const TIMEOUT: Duration = Duration::from_secs(15);
/// Management and data plane of Key Vault in every hybrid profile.
const VAULT_API_VERSION: &str = "2016-10-01";

/// The forms of the answer, in the order in which they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// api-version 2019-10-01.
    Array,
    /// api-version 2015-01-01.
    Object,
}

impl Form {
    /// Newest first: it tells more.
    pub const ALL: [Self; 2] = [Self::Array, Self::Object];

    fn api_version(self) -> &'static str {
        match self {
            Self::Array => "2019-10-01",
            Self::Object => "2015-01-01",
        }
    }
}

/// A cloud as it told itself, and the tenant where it named one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The cloud.
    pub cloud: Cloud,
    /// Its tenant.
    pub tenant: Option<TenantId>,
}

/// The request for the endpoints. It needs no token.
pub fn request(endpoint: &str, form: Form, route: &Route) -> Result<Request, Problem> {
    let text = format!(
        "{endpoint}/metadata/endpoints?api-version={}",
        form.api_version()
    );
    let url = Url::parse(&text).map_err(|error| {
        let message = format!("spec.cloud.resourceManagerEndpoint: {text:?} is no URL: {error}");
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    Ok(Request {
        route: route.clone(),
        method: Method::GET,
        url,
        headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
        body: None,
        timeout: TIMEOUT,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    resource_manager: Option<String>,
    authentication: Authentication,
    #[serde(default)]
    suffixes: Suffixes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    login_endpoint: String,
    audiences: Vec<String>,
    tenant: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Suffixes {
    key_vault_dns: Option<String>,
    storage: Option<String>,
}

/// Reads the answer. None where this form is not served, so that the next one is asked for.
pub fn read(
    endpoint: &str,
    form: Form,
    answer: &Answer,
    route: &Route,
) -> Result<Option<Told>, Problem> {
    let status = answer.status.as_u16();
    if status == 400 || status == 404 {
        return Ok(None);
    }
    if status == 429 || status >= 500 {
        let message = format!(
            "{endpoint} answered HTTP {status} when it was asked for its endpoints; it is asked again"
        );
        return Err(
            Problem::new(Reason::AzureUnavailable, Retry::Backoff, message).answered(status, None),
        );
    }
    if !answer.status.is_success() {
        return Err(not_discovered(
            endpoint,
            &format!("it answered HTTP {status}"),
        ));
    }
    let body = answer.body.bytes();
    let document = match form {
        Form::Object => serde_json::from_slice(body).ok(),
        Form::Array => serde_json::from_slice(body)
            .ok()
            .and_then(|all| of(endpoint, all)),
    };
    let document: Document = document.ok_or_else(|| {
        not_discovered(
            endpoint,
            "its answer is not in the form of metadata/endpoints",
        )
    })?;
    derive(endpoint, &document, route)
        .map(Some)
        .map_err(|what| not_discovered(endpoint, &what))
}

/// What to say where neither form is served.
pub fn not_served(endpoint: &str) -> Problem {
    not_discovered(endpoint, "it has no /metadata/endpoints")
}

fn not_discovered(endpoint: &str, what: &str) -> Problem {
    let message = format!(
        "the endpoints of the cloud behind {endpoint} are not known: {what}. Check spec.cloud.resourceManagerEndpoint (https://management.<region>.<domain>), or give the endpoints by hand in spec.cloud.custom"
    );
    Problem::new(Reason::CloudNotDiscovered, Retry::Backoff, message)
}

/// The entry of the cloud that was asked: the only one, or the one that names this Resource Manager as its own.
fn of(endpoint: &str, mut all: Vec<Document>) -> Option<Document> {
    if all.len() == 1 {
        return all.pop();
    }
    all.into_iter().find(|document| {
        document
            .resource_manager
            .as_deref()
            .is_some_and(|manager| manager.trim_end_matches('/').eq_ignore_ascii_case(endpoint))
    })
}

fn derive(endpoint: &str, document: &Document, route: &Route) -> Result<Told, String> {
    let login = &document.authentication.login_endpoint;
    let url = Url::parse(login)
        .ok()
        .filter(|url| url.scheme() == "https" && url.username().is_empty())
        .ok_or_else(|| format!("its login endpoint {login:?} is not https"))?;
    let path = url.path().trim_end_matches('/');
    let adfs = path.to_ascii_lowercase().ends_with("/adfs");
    let origin = url.origin().ascii_serialization();
    let (authority, token_endpoint) = if adfs {
        (format!("{origin}{path}"), TokenEndpoint::ADFS)
    } else {
        (origin, TokenEndpoint::V1)
    };
    let host = url.host_str().unwrap_or_default();
    let public = host == "login.microsoftonline.com" || PUBLIC_ALIASES.contains(&host);
    let audience = document
        .authentication
        .audiences
        .first()
        .ok_or("it names no audience")?;
    let vaults = match &document.suffixes.key_vault_dns {
        Some(told) => suffix(told),
        None => format!(
            "vault.{}",
            endpoint
                .strip_prefix("https://management.")
                .ok_or("it does not tell the suffix of its vaults, and its host does not begin with management.")?
        ),
    };
    let aliases = PUBLIC_ALIASES.iter().chain(&["login.microsoftonline.com"]);
    Ok(Told {
        cloud: Cloud {
            authority,
            token_endpoint,
            authority_aliases: aliases
                .filter(|_| public)
                .map(|&alias| alias.to_owned())
                .collect(),
            resource_manager: Some(ResourceManager {
                endpoint: endpoint.to_owned(),
                audience: Resource::new(audience),
                profile: ResourceManagerProfile::AzureStack,
            }),
            vault_suffix: vaults,
            vault_audience: Resource::new(&vault_audience(audience)),
            audience_by_challenge: true,
            vault_api_version: VAULT_API_VERSION.to_owned(),
            storage: document
                .suffixes
                .storage
                .as_deref()
                .or_else(|| endpoint.strip_prefix("https://management."))
                .map(Storage::new),
            data_lake_store: None,
            route: route.clone(),
        },
        tenant: document
            .authentication
            .tenant
            .as_deref()
            .filter(|tenant| !adfs && *tenant != "common")
            .and_then(|tenant| tenant.parse().ok()),
    })
}

/// `https://management.contoso.onmicrosoft.com/<guid>` → `https://vault.contoso.onmicrosoft.com/<guid>`.
fn vault_audience(manager: &str) -> String {
    manager
        .replacen("://management.", "://vault.", 1)
        .trim_end_matches('/')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::azure::http::Body;

    const ENDPOINT: &str = "https://management.local.azurestack.external";

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Body::new(body.as_bytes().to_vec()),
        }
    }

    fn told(form: Form, status: u16, body: &str) -> Result<Option<Told>, Problem> {
        read(ENDPOINT, form, &answer(status, body), &Route::Default)
    }

    #[test]
    fn the_old_form_with_entra() {
        let body = r#"{"galleryEndpoint":"https://portal/","graphEndpoint":"https://graph.windows.net/","portalEndpoint":"https://portal/",
            "authentication":{"loginEndpoint":"https://login.windows.net/","audiences":["https://management.contoso.onmicrosoft.com/4de154de"]}}"#;
        let told = told(Form::Object, 200, body).unwrap().unwrap();
        let cloud = told.cloud;
        assert_eq!(
            (cloud.authority.as_str(), cloud.token_endpoint),
            ("https://login.windows.net", TokenEndpoint::V1)
        );
        assert_eq!(
            cloud.vault_audience.as_str(),
            "https://vault.contoso.onmicrosoft.com/4de154de"
        );
        assert_eq!(cloud.vault_suffix, "vault.local.azurestack.external");
        assert_eq!(
            cloud.storage.as_ref().unwrap().suffix,
            "local.azurestack.external"
        );
        assert_eq!(cloud.vault_api_version, "2016-10-01");
        assert!(cloud.knows_authority(&"https://login.microsoftonline.com/t".parse().unwrap()));
    }

    #[test]
    fn the_new_form_with_adfs() {
        let body = r#"[{"name":"AzureStack-User-1","portal":"https://portal",
            "authentication":{"loginEndpoint":"https://adfs.local.azurestack.external/adfs","audiences":["https://management.adfs.azurestack.local/1"],"tenant":"adfs","identityProvider":"ADFS"},
            "suffixes":{"keyVaultDns":".vault.other.external","storage":"other.external"}}]"#;
        let told = told(Form::Array, 200, body).unwrap().unwrap();
        assert_eq!(
            told.cloud.authority,
            "https://adfs.local.azurestack.external/adfs"
        );
        assert_eq!(told.cloud.token_endpoint, TokenEndpoint::ADFS);
        assert_eq!(told.cloud.vault_suffix, "vault.other.external");
        let storage = told
            .cloud
            .storage
            .as_ref()
            .map(|known| known.suffix.as_str());
        assert_eq!(storage, Some("other.external"));
        assert_eq!(told.tenant, None);
        assert!(
            !told
                .cloud
                .knows_authority(&"https://login.microsoftonline.com/t".parse().unwrap())
        );
    }

    #[test]
    fn of_several_clouds_the_one_that_was_asked_is_taken() {
        let entry = |manager: &str, login: &str| {
            format!(
                r#"{{"resourceManager":"{manager}","authentication":{{"loginEndpoint":"{login}","audiences":["a"]}}}}"#
            )
        };
        let body = format!(
            "[{},{}]",
            entry("https://management.azure.com/", "https://a.test"),
            entry(&format!("{ENDPOINT}/"), "https://b.test")
        );
        let told = told(Form::Array, 200, &body).unwrap().unwrap();
        assert_eq!(told.cloud.authority, "https://b.test");
    }

    #[test]
    fn a_form_that_is_not_served_is_passed_over_and_nonsense_is_told() {
        assert_eq!(told(Form::Array, 404, "").unwrap(), None);
        let unsafe_login = r#"{"authentication":{"loginEndpoint":"http://l","audiences":["a"]}}"#;
        for (status, body, reason) in [
            (200, "<html>", Reason::CloudNotDiscovered),
            (200, unsafe_login, Reason::CloudNotDiscovered),
            (403, "", Reason::CloudNotDiscovered),
            (503, "", Reason::AzureUnavailable),
        ] {
            assert_eq!(
                told(Form::Object, status, body).unwrap_err().reason,
                reason,
                "{body}"
            );
        }
    }
}
