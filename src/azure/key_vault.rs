//! The data plane of Key Vault: one secret, read. Requests are built and answers read by pure functions
//! (Key Vault REST reference, "Get Secret", in the version that the cloud speaks).

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::auth::{Claims, Profile, Resource};
use super::challenge::Challenge;
use super::http::{Answer, Request};
use crate::names::{ObjectName, ObjectVersion, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

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
pub fn request(
    profile: &Profile,
    vault: &VaultUri,
    id: &SecretId,
    token: &SecretValue,
) -> Result<Request, Problem> {
    let unusable = |what: &str| {
        Problem::new(
            Reason::InvalidSpec,
            Retry::OnChange,
            format!("{vault}: {what}"),
        )
    };
    let version = id.version.as_ref().map_or("", ObjectVersion::as_str);
    let text = format!(
        "{}/secrets/{}/{version}?api-version={}",
        vault.origin(),
        id.name,
        profile.cloud.vault_api_version
    );
    let bearer = zeroize::Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut authorization =
        HeaderValue::from_bytes(&bearer).map_err(|_| unusable("the token is no header value"))?;
    authorization.set_sensitive(true);
    Ok(Request {
        route: profile.cloud.route.clone(),
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
    let foreign = |message| Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
    let cloud = &profile.cloud;
    let challenge = Challenge::read(answer);
    let authority = challenge.authorization.as_deref().map(Url::parse);
    if let Some(Ok(authority)) = authority
        && !(cloud.knows_authority(&authority) && same_tenant(profile, &authority))
    {
        return foreign(format!(
            "{vault} wants tokens of {authority}, but the identity's come from {} ({profile}): check the identity's tenantId and cloud, and the vault's name",
            cloud.authority
        ));
    }
    if let Some(resource) = challenge.resource.as_deref()
        && resource.trim_end_matches('/') != cloud.vault_audience.as_str().trim_end_matches('/')
        && audience(profile, &challenge).is_none()
    {
        return foreign(format!(
            "{vault} wants tokens for {resource:?}, but the identity's cloud asks for {:?}: check spec.cloud of the identity",
            cloud.vault_audience.as_str()
        ));
    }
    let message = format!(
        "{vault} does not accept tokens of {profile}: check the identity's tenantId and cloud, and the operator's clock"
    );
    Problem::new(Reason::Unauthorized, Retry::Backoff, message)
}

/// Whether a challenge's tenant can be the identity's: a tenant named by its domain, and one that the environment brings, are
/// not known by id.
fn same_tenant(profile: &Profile, authority: &Url) -> bool {
    let Some(tenant) = profile
        .tenant
        .as_ref()
        .filter(|_| profile.cloud.has_tenants())
    else {
        return true;
    };
    let named = authority.path_segments().and_then(|mut path| path.next());
    uuid::Uuid::try_parse(tenant.as_str()).is_err()
        || named.is_some_and(|named| named.eq_ignore_ascii_case(tenant.as_str()))
}

/// The audience that a vault asks for, where the cloud's was only derived. It must be a vault's: a token for anything else is
/// not shown to a vault.
fn audience(profile: &Profile, challenge: &Challenge) -> Option<Resource> {
    let resource = challenge.resource.as_deref()?.trim_end_matches('/');
    let host = Url::parse(resource).ok()?;
    let of_a_vault = host
        .host_str()
        .is_some_and(|host| host.starts_with("vault."));
    (profile.cloud.audience_by_challenge && of_a_vault).then(|| Resource::new(resource))
}

/// What a refused token should be replaced by.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// A token for this, in place of the audience that was derived.
    pub audience: Option<Resource>,
    /// A token that satisfies these claims.
    pub claims: Option<Claims>,
}

/// Reads from a refusal of a token what another one would need.
pub fn remedy(profile: &Profile, answer: &Answer) -> Remedy {
    if answer.status != StatusCode::UNAUTHORIZED {
        return Remedy::default();
    }
    let challenge = Challenge::read(answer);
    Remedy {
        audience: audience(profile, &challenge),
        claims: challenge.claims,
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
    let client = profile
        .client
        .as_ref()
        .map_or("<client id>", |client| client.as_str());
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
                "{profile} may not read {id} in {vault}. Mend: az role assignment create --assignee {client} --role \"Key Vault Secrets User\" --scope <id of the vault>, or for a vault with access policies: az keyvault set-policy --name {} --spn {client} --secret-permissions get list. Azure says: {said}",
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
