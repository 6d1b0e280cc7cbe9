//! What it means when a vault does not give what was asked for. Pure.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::{Asked, Change, Kind};
use crate::azure::arm::ApiVersions;
use crate::azure::auth::{Claims, Profile};
use crate::azure::challenge::Challenge;
use crate::azure::http::Answer;
use crate::azure::resource::Resource;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Azure's messages are cut at this many characters: they go into conditions.
const LONGEST_MESSAGE: usize = 600;

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

/// Reads an answer that is no success.
pub(super) fn problem(
    profile: &Profile,
    vault: &VaultUri,
    asked: Asked<'_>,
    answer: &Answer,
    now: Timestamp,
) -> Problem {
    let status = answer.status.as_u16();
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
        _ => refused(profile, vault, asked, status, &error),
    };
    let code = error.innererror.map_or(error.code, |inner| inner.code);
    problem.answered(status, Some(code.as_str()).filter(|code| !code.is_empty()))
}

/// What a 401 means: the vault says in its challenge whom it trusts. A token is never asked of, or sent to, whoever it names.
fn challenged(profile: &Profile, vault: &VaultUri, answer: &Answer) -> Problem {
    let foreign = |message| Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
    let cloud = &profile.cloud;
    let challenge = Challenge::read(answer);
    let authority = challenge.authorization.as_deref().map(Url::parse);
    if let Some(Ok(authority)) = authority
        && !(cloud.knows_authority(&authority) && profile.can_be_of(&authority))
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

/// The role, and the permissions of an access policy, that let an identity read objects of a kind (Azure, "Azure RBAC built-in
/// roles for Key Vault data plane operations").
fn needed(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Secret => ("Key Vault Secrets User", "--secret-permissions get list"),
        Kind::Certificate => (
            "Key Vault Certificate User",
            "--certificate-permissions get list",
        ),
        Kind::Key => ("Key Vault Crypto User", "--key-permissions get list"),
    }
}

/// The role, and the permissions of an access policy, that let an identity write objects of a kind.
fn needed_to_write(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Secret => (
            "Key Vault Secrets Officer",
            "--secret-permissions get set delete recover",
        ),
        Kind::Certificate => (
            "Key Vault Certificates Officer",
            "--certificate-permissions get import update delete recover",
        ),
        Kind::Key => (
            "Key Vault Crypto Officer",
            "--key-permissions get import update delete recover",
        ),
    }
}

/// What can be done about an object that is not there.
fn mended(profile: &Profile, vault: &VaultUri, kind: Kind) -> String {
    if ApiVersions::of(&profile.cloud).has_soft_delete {
        let name = vault.vault_name();
        format!("It may have been deleted: az keyvault {kind} list-deleted --vault-name {name}")
    } else {
        "What is deleted in this cloud is gone: store it anew, or correct its name".to_owned()
    }
}

fn refused(
    profile: &Profile,
    vault: &VaultUri,
    asked: Asked<'_>,
    status: u16,
    error: &AzureError,
) -> Problem {
    let inner = error
        .innererror
        .as_ref()
        .map_or("", |inner| inner.code.as_str());
    let said = one_line(&error.message);
    let kind = asked.kind();
    let (reason, message) = match (status, inner, asked) {
        (409, "ObjectIsDeletedButRecoverable", Asked::Change(_, object)) => (
            Reason::PushTargetBusy,
            format!(
                "{object} in {vault} is softly deleted, and the operator may not see that, so that it cannot recover it. Mend: give {profile} the role \"{}\", or az keyvault {kind} recover --vault-name {} --name {}",
                needed_to_write(kind).0,
                vault.vault_name(),
                object.name
            ),
        ),
        (409, _, Asked::Change(_, object)) => (
            Reason::PushTargetBusy,
            format!(
                "{object} in {vault} is being deleted, recovered or changed; it is tried again. Azure says: {said}"
            ),
        ),
        (404, _, Asked::Object(object) | Asked::Change(_, object)) => (
            Reason::ObjectNotFound,
            format!("{vault} has no {object}. {}", mended(profile, vault, kind)),
        ),
        (
            403,
            "SecretDisabled" | "KeyDisabled" | "CertificateDisabled",
            Asked::Object(object) | Asked::Change(_, object),
        ) => (
            Reason::ObjectDisabled,
            format!(
                "{object} in {vault} is disabled. Mend: az keyvault {kind} set-attributes --vault-name {} --name {} --enabled true",
                vault.vault_name(),
                object.name
            ),
        ),
        (403, "ForbiddenByFirewall" | "ForbiddenByConnection", _) => (
            Reason::ForbiddenByNetwork,
            format!(
                "the network settings of {vault} shut the operator out. Mend: az keyvault network-rule add --name {} --ip-address <address of the operator>, or reach the vault by a private endpoint. Azure says: {said}",
                vault.vault_name()
            ),
        ),
        (403, _, asked) => (Reason::Forbidden, forbidden(profile, vault, asked, &said)),
        (_, _, asked) => (
            Reason::RequestRefused,
            format!(
                "{vault} refused to {} {asked} with HTTP {status}: {said}",
                match asked {
                    Asked::Object(_) | Asked::List(_) => "give".to_owned(),
                    Asked::Change(change, _) => change.to_string(),
                }
            ),
        ),
    };
    Problem::new(reason, Retry::Backoff, message)
}

fn forbidden(profile: &Profile, vault: &VaultUri, asked: Asked<'_>, said: &str) -> String {
    let client = profile
        .client
        .as_ref()
        .map_or("<client id>", |client| client.as_str());
    let (role, permissions) = match asked {
        Asked::Object(_) | Asked::List(_) => needed(asked.kind()),
        Asked::Change(..) => needed_to_write(asked.kind()),
    };
    let change = match asked {
        Asked::Object(_) | Asked::List(_) => Change::Look,
        Asked::Change(change, _) => change,
    };
    format!(
        "{profile} may not {change} {asked} in {vault}. Mend: az role assignment create --assignee {client} --role \"{role}\" --scope <id of the vault>, or for a vault with access policies: az keyvault set-policy --name {} --spn {client} {permissions}. Azure says: {said}",
        vault.vault_name()
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(LONGEST_MESSAGE)
        .collect()
}
