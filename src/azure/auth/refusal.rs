//! What a refusal of a token endpoint means, and what mends it. Pure. Codes: Microsoft's "Microsoft Entra authentication and
//! authorization error codes".

use serde::Deserialize;

use super::Profile;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// The body of a refusal (RFC 6749 §5.2), with Entra's codes.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Refused {
    pub(super) error: String,
    error_description: String,
    error_codes: Vec<u32>,
}

/// Entra's code: from `error_codes`, else from the text (`AADSTS7000215: …`).
fn code(refused: &Refused) -> Option<u32> {
    refused.error_codes.first().copied().or_else(|| {
        let digits = refused.error_description.strip_prefix("AADSTS")?;
        digits
            .split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    })
}

/// The description without what differs from try to try: trace id, correlation id, timestamp (separated by spaces today,
/// by line breaks in older clouds).
fn stable(description: &str) -> &str {
    let end = description.find("Trace ID:").unwrap_or(description.len());
    description.get(..end).unwrap_or(description).trim()
}

/// Says what a refusal means.
pub(super) fn refusal(profile: &Profile, status: u16, refused: &Refused) -> Problem {
    let number = code(refused);
    let (reason, retry, mend) = meaning(profile, number.unwrap_or_default());
    let said = stable(&refused.error_description);
    let said = if said.is_empty() {
        format!("HTTP {status} {}", refused.error)
    } else {
        said.to_owned()
    };
    let who = if profile.cloud.has_tenants() {
        "Entra"
    } else {
        "ADFS"
    };
    Problem::new(
        reason,
        retry,
        format!("{who} refused {profile}: {said} Mend: {mend}"),
    )
    .answered(
        status,
        number.map(|number| format!("AADSTS{number}")).as_deref(),
    )
}

fn meaning(profile: &Profile, number: u32) -> (Reason, Retry, String) {
    let client = profile.client.as_ref().map_or("", |client| client.as_str());
    let tenant = profile.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let authority = &profile.cloud.authority;
    match number {
        7_000_215 => (
            Reason::InvalidClientSecret,
            Retry::OnChange,
            format!("put the secret's value (not its id) into the credential Secret, or make a new one: az ad app credential reset --id {client}"),
        ),
        7_000_222 => (
            Reason::ClientSecretExpired,
            Retry::OnChange,
            format!("make a new secret and put it into the credential Secret: az ad app credential reset --id {client}"),
        ),
        // What mends it happens in Entra, where the operator does not see it, and takes some minutes to work.
        700_027 => (
            Reason::CertificateNotRegistered,
            Retry::Backoff,
            format!("register the certificate: az ad app credential reset --id {client} --append --cert @certificate.pem (where its subject and issuer are trusted instead, set sendChain)"),
        ),
        700_024 => (
            Reason::ClockSkewed,
            Retry::Backoff,
            "set the clock of the operator's node (NTP): more than 5 minutes of difference are not accepted".to_owned(),
        ),
        90_002 | 900_023 => (
            Reason::TenantNotFound,
            Retry::OnChange,
            format!("check spec.tenantId ({tenant}) and spec.cloud (tokens come from {authority})"),
        ),
        700_016 => (
            Reason::ApplicationNotFound,
            Retry::OnChange,
            format!("check spec.clientId ({client}) and spec.tenantId ({tenant}): the tenant has no such application"),
        ),
        // A fresh registration takes some minutes to reach all of Entra, so these are tried again.
        70_021 | 700_211..=700_213 => (
            Reason::FederationMismatch,
            Retry::Backoff,
            "a new federated credential takes some minutes to work".to_owned(),
        ),
        50_034 | 50_126 => (
            Reason::InvalidUserPassword,
            Retry::OnChange,
            "check the user's name and password".to_owned(),
        ),
        50_076 | 50_079 | 50_158 => (
            Reason::MultiFactorRequired,
            Retry::OnChange,
            "a program cannot give a second factor: use an application (clientSecret, clientCertificate, workloadIdentity), or sign in as a person with \"lakevault login\"".to_owned(),
        ),
        500_011 | 70_011 => (
            Reason::ResourceNotFound,
            Retry::OnChange,
            format!("check the resource that the token is for: tenant {tenant} knows no such application"),
        ),
        _ => (
            Reason::AuthenticationFailed,
            Retry::Backoff,
            if profile.cloud.has_tenants() {
                "see the code in Microsoft's list of Entra error codes".to_owned()
            } else {
                "see the AD FS event log of the Azure Stack Hub's identity provider".to_owned()
            },
        ),
    }
}
