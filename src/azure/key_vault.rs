//! The data plane of Key Vault: one secret, read. Requests are built and answers read by pure functions
//! (Key Vault REST reference, "Get Secret", api-version 7.4: the newest that every cloud speaks).

use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::auth::Profile;
use super::http::{Answer, Request, Route};
use crate::names::{ObjectName, ObjectVersion, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const API_VERSION: &str = "7.4";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Azure's messages are cut at this many characters: they go into conditions.
const LONGEST_MESSAGE: usize = 600;

/// One object of a vault, at its newest version or at a pinned one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId {
    /// Its name.
    pub name: ObjectName,
    /// The pinned version; none means the newest.
    pub version: Option<ObjectVersion>,
}

impl std::fmt::Display for SecretId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.version {
            Some(version) => write!(f, "secret {:?} (version {version})", self.name.as_str()),
            None => write!(f, "secret {:?}", self.name.as_str()),
        }
    }
}

/// A secret as the vault gave it.
#[derive(Debug)]
pub struct SecretBundle {
    /// The version that was read.
    pub version: ObjectVersion,
    /// The value.
    pub value: SecretValue,
    /// When this version was last updated.
    pub updated: Option<Timestamp>,
    /// From when on it is valid.
    pub not_before: Option<Timestamp>,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
}

/// The request for one secret.
pub fn request(vault: &VaultUri, id: &SecretId, token: &SecretValue) -> Result<Request, Problem> {
    let unusable = |what: &str| {
        Problem::new(
            Reason::InvalidSpec,
            Retry::OnChange,
            format!("{vault}: {what}"),
        )
    };
    let version = id.version.as_ref().map_or("", ObjectVersion::as_str);
    let text = format!(
        "{}/secrets/{}/{version}?api-version={API_VERSION}",
        vault.origin(),
        id.name
    );
    let bearer = zeroize::Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut authorization =
        HeaderValue::from_bytes(&bearer).map_err(|_| unusable("the token is no header value"))?;
    authorization.set_sensitive(true);
    Ok(Request {
        route: Route::Default,
        method: Method::GET,
        url: Url::parse(&text).map_err(|_| unusable("no URL can be made of it"))?,
        headers: vec![
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: None,
        timeout: TIMEOUT,
    })
}

#[derive(Deserialize)]
struct Bundle {
    id: String,
    value: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize, Default)]
struct Attributes {
    updated: Option<i64>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Envelope {
    #[serde(default)]
    error: AzureError,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AzureError {
    code: String,
    message: String,
    innererror: Option<Inner>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Inner {
    code: String,
}

/// Reads the answer to [`request`].
pub fn read(
    profile: &Profile,
    vault: &VaultUri,
    id: &SecretId,
    answer: &Answer,
    now: Timestamp,
) -> Result<SecretBundle, Problem> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return bundle(id, answer).ok_or_else(|| {
            let message = format!("{vault} answered for {id} in a form that is not understood; it is asked again. Does a proxy stand in between?");
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
        });
    }
    let error = serde_json::from_slice::<Envelope>(answer.body.bytes())
        .unwrap_or_default()
        .error;
    let problem = match status {
        401 => challenged(profile, vault, answer),
        429 => {
            let retry = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
            Problem::new(
                Reason::Throttled,
                retry,
                format!(
                    "{vault} limits its callers; it is asked again when it allows. If this lasts, look at it less often: spec.refreshInterval"
                ),
            )
        }
        500.. | 408 => {
            let retry = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
            Problem::new(
                Reason::AzureUnavailable,
                retry,
                format!(
                    "{vault} answered HTTP {status}; it is asked again. If this lasts, see https://azure.status.microsoft"
                ),
            )
        }
        _ => refused(profile, vault, id, status, &error),
    };
    let code = error.innererror.map_or(error.code, |inner| inner.code);
    Err(problem.answered(status, Some(code.as_str()).filter(|code| !code.is_empty())))
}

fn bundle(id: &SecretId, answer: &Answer) -> Option<SecretBundle> {
    let bundle: Bundle = serde_json::from_slice(answer.body.bytes()).ok()?;
    let value = SecretValue::from(bundle.value?);
    let url = Url::parse(&bundle.id).ok()?;
    let path: Vec<&str> = url.path_segments()?.collect();
    // The answer must speak of what was asked for: a proxy's or a cache's answer for another object is not taken.
    let ["secrets", name, version] = path.as_slice() else {
        return None;
    };
    let version: ObjectVersion = version.parse().ok()?;
    let fits = name.eq_ignore_ascii_case(id.name.as_str())
        && id.version.as_ref().is_none_or(|asked| *asked == version);
    let time =
        |seconds: Option<i64>| seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    fits.then(|| SecretBundle {
        version,
        value,
        updated: time(bundle.attributes.updated),
        not_before: time(bundle.attributes.nbf),
        expires: time(bundle.attributes.exp),
    })
}

/// What a 401 means: the vault says in its challenge whom it trusts. A token is never asked of, or sent to, whoever it names.
fn challenged(profile: &Profile, vault: &VaultUri, answer: &Answer) -> Problem {
    let challenge = Challenge::read(answer);
    if let Some(authority) = challenge
        .authorization
        .as_deref()
        .and_then(|text| Url::parse(text).ok())
    {
        let tenant = authority
            .path_segments()
            .and_then(|mut path| path.next())
            .unwrap_or_default();
        let same_tenant = !is_guid(profile.tenant.as_str())
            || tenant.eq_ignore_ascii_case(profile.tenant.as_str());
        if !profile.cloud.knows_authority(&authority) || !same_tenant {
            let message = format!(
                "{vault} wants tokens of {authority}, but the identity's come from {}/{}: check the identity's tenantId and cloud, and the vault's name",
                profile.cloud.authority, profile.tenant
            );
            return Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
        }
    }
    if let Some(resource) = challenge
        .resource
        .filter(|r| r.trim_end_matches('/') != profile.cloud.vault_audience)
    {
        let message = format!(
            "{vault} wants tokens for {resource:?}, but the identity's cloud asks for {:?}: check spec.cloud of the identity",
            profile.cloud.vault_audience
        );
        return Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
    }
    let message = format!(
        "{vault} does not accept tokens of client {} in tenant {}: check the identity's tenantId and cloud, and the operator's clock",
        profile.client, profile.tenant
    );
    Problem::new(Reason::Unauthorized, Retry::Backoff, message)
}

fn is_guid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

#[derive(Default)]
struct Challenge {
    authorization: Option<String>,
    resource: Option<String>,
}

impl Challenge {
    /// Reads `Bearer authorization="…", resource="…"` (also under the names `authorization_uri` and `scope`).
    fn read(answer: &Answer) -> Self {
        let mut challenge = Self::default();
        let headers = answer.headers.get_all(header::WWW_AUTHENTICATE);
        for text in headers.iter().filter_map(|value| value.to_str().ok()) {
            let Some((scheme, parameters)) = text.trim().split_once(' ') else {
                continue;
            };
            if !scheme.eq_ignore_ascii_case("bearer") {
                continue;
            }
            for (name, value) in parameters
                .split(',')
                .filter_map(|parameter| parameter.split_once('='))
            {
                let value = value.trim().trim_matches('"').to_owned();
                match name.trim() {
                    "authorization" | "authorization_uri" => challenge.authorization = Some(value),
                    "resource" => challenge.resource = Some(value),
                    "scope" => {
                        challenge.resource = Some(value.trim_end_matches("/.default").to_owned());
                    }
                    _ => {}
                }
            }
        }
        challenge
    }
}

fn refused(
    profile: &Profile,
    vault: &VaultUri,
    id: &SecretId,
    status: u16,
    error: &AzureError,
) -> Problem {
    let inner = error
        .innererror
        .as_ref()
        .map_or("", |inner| inner.code.as_str());
    let said = one_line(&error.message);
    let client = &profile.client;
    let (reason, retry, message) = match (status, inner) {
        (404, _) => (
            Reason::SecretNotFound,
            Retry::Backoff,
            format!(
                "{vault} has no {id}. It may have been deleted: az keyvault secret list-deleted --vault-name {}",
                vault.vault_name()
            ),
        ),
        (403, "SecretDisabled") => (
            Reason::SecretDisabled,
            Retry::Backoff,
            format!(
                "{id} in {vault} is disabled. Mend: az keyvault secret set-attributes --vault-name {} --name {} --enabled true",
                vault.vault_name(),
                id.name
            ),
        ),
        (403, "ForbiddenByFirewall" | "ForbiddenByConnection") => (
            Reason::ForbiddenByNetwork,
            Retry::Backoff,
            format!(
                "the network settings of {vault} shut the operator out. Mend: az keyvault network-rule add --name {} --ip-address <address of the operator>, or reach the vault by a private endpoint. Azure says: {said}",
                vault.vault_name()
            ),
        ),
        (403, _) => (
            Reason::Forbidden,
            Retry::Backoff,
            format!(
                "client {client} may not read {id} in {vault}. Mend: az role assignment create --assignee {client} --role \"Key Vault Secrets User\" --scope <id of the vault>, or for a vault with access policies: az keyvault set-policy --name {} --spn {client} --secret-permissions get list. Azure says: {said}",
                vault.vault_name()
            ),
        ),
        _ => (
            Reason::RequestRefused,
            Retry::Backoff,
            format!("{vault} refused to give {id} with HTTP {status}: {said}"),
        ),
    };
    Problem::new(reason, retry, message)
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(LONGEST_MESSAGE)
        .collect()
}

#[cfg(test)]
#[path = "key_vault_tests.rs"]
mod tests;
