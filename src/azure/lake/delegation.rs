//! The key that an identity signs with in the place of an account ("Get User Delegation Key", at the blob endpoint). Pure.

use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use url::Url;
use zeroize::Zeroizing;

use super::{Lake, TIMEOUT, VERSION, bearer, in_cloud, said};
use crate::azure::auth::Profile;
use crate::azure::http::{Answer, Request};
use crate::names::ClientId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Its name in metrics.
pub const OPERATION: &str = "GetUserDelegationKey";
const ROLE: &str = "Storage Blob Data Owner";

/// A key of the identity, with what Azure says of it, as it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationKey {
    /// Object id of the identity.
    pub oid: String,
    /// Its tenant.
    pub tid: String,
    /// From when it is valid.
    pub start: String,
    /// Until when.
    pub expiry: String,
    /// For which service.
    pub service: String,
    /// In which version of the interface it was made.
    pub version: String,
    /// The key, in base64.
    pub value: SecretValue,
}

impl DelegationKey {
    /// What Azure says of it, in the order in which it is signed.
    pub fn terms(&self) -> [&str; 6] {
        [
            &self.oid,
            &self.tid,
            &self.start,
            &self.expiry,
            &self.service,
            &self.version,
        ]
    }
}

/// Asks for a key that is valid from `start` until `expiry`, as Azure writes times; that is seven days from now at most.
pub fn request(
    profile: &Profile,
    lake: &Lake,
    (start, expiry): (&str, &str),
    token: &SecretValue,
) -> Result<Request, Problem> {
    in_cloud(profile, &lake.uri)?;
    // Names of accounts have no dot, so this one is that before the service.
    let origin = lake.uri.origin().replacen(".dfs.", ".blob.", 1);
    let url = format!("{origin}/?restype=service&comp=userdelegationkey");
    let url = Url::parse(&url).map_err(|_| {
        let message = format!("{} has no blob endpoint that is a URL", lake.uri);
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{start}</Start><Expiry>{expiry}</Expiry></KeyInfo>"
    );
    Ok(Request {
        route: profile.cloud.route.clone(),
        method: Method::POST,
        url,
        headers: vec![
            (header::AUTHORIZATION, bearer(profile, token)?),
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/xml"),
            ),
            (
                HeaderName::from_static("x-ms-version"),
                HeaderValue::from_static(VERSION),
            ),
        ],
        body: Some(Zeroizing::new(body.into_bytes())),
        timeout: TIMEOUT,
    })
}

/// Tells answers that are none from those that are.
pub fn check(
    profile: &Profile,
    lake: &Lake,
    answer: Answer,
    now: Timestamp,
) -> Result<Answer, Problem> {
    if answer.status.is_success() {
        Ok(answer)
    } else {
        Err(refused(profile, lake, &answer, now))
    }
}

/// Reads the answer to [`request`].
pub fn read(lake: &Lake, answer: &Answer) -> Result<DelegationKey, Problem> {
    let text = std::str::from_utf8(answer.body.bytes()).ok();
    let text = text.map(|text| text.trim_start_matches('\u{feff}'));
    text.and_then(of).ok_or_else(|| {
        let account = lake.uri.account();
        let message = format!(
            "storage account {:?} answered {OPERATION} without a key that is understood; it is asked again. Does a proxy stand in between?",
            account.as_str()
        );
        let status = answer.status.as_u16();
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
    })
}

fn of(document: &str) -> Option<DelegationKey> {
    let parsed = roxmltree::Document::parse(document).ok()?;
    let key = parsed.root_element();
    let text = |name: &str| {
        let mut fields = key.children();
        let field = fields.find(|field| field.has_tag_name(name))?;
        Some(field.text()?.to_owned()).filter(|text| !text.is_empty())
    };
    Some(DelegationKey {
        oid: text("SignedOid")?,
        tid: text("SignedTid")?,
        start: text("SignedStart")?,
        expiry: text("SignedExpiry")?,
        service: text("SignedService")?,
        version: text("SignedVersion")?,
        value: SecretValue::from(text("Value")?),
    })
}

fn refused(profile: &Profile, lake: &Lake, answer: &Answer, now: Timestamp) -> Problem {
    let status = answer.status.as_u16();
    let code = said(answer, "x-ms-error-code").unwrap_or_default();
    let account = lake.uri.account().as_str();
    let (reason, retry, message) = match (status, code) {
        (401, _) => (
            Reason::Unauthorized,
            Retry::Backoff,
            format!(
                "storage account {account:?} does not accept tokens of {profile}: check the identity's tenantId and cloud, and the operator's clock"
            ),
        ),
        (403, "AuthorizationFailure" | "AuthorizationSourceIPMismatch") => (
            Reason::ForbiddenByNetwork,
            Retry::Backoff,
            format!(
                "the network settings of storage account {account:?} shut the operator out of its blob endpoint. Mend: az storage account network-rule add --account-name {account} --ip-address <address of the operator>, or give it a private endpoint for blob, too"
            ),
        ),
        (403, _) => {
            let client = profile.client.as_ref();
            let client = client.map_or("<client id>", ClientId::as_str);
            let message = format!(
                "{profile} may not {OPERATION} in storage account {account:?}, which signatures of kind UserDelegation are made with. Mend: az role assignment create --assignee {client} --role \"{ROLE}\" --scope {}. It takes up to ten minutes until a new assignment counts",
                lake.id
            );
            (Reason::Forbidden, Retry::Backoff, message)
        }
        (429, _) => (
            Reason::Throttled,
            Retry::Backoff,
            format!(
                "storage account {account:?} limits its callers; it is asked again when it allows"
            ),
        ),
        (500.. | 408, _) => (
            Reason::AzureUnavailable,
            Retry::Backoff,
            format!(
                "storage account {account:?} answered HTTP {status} to {OPERATION}; it is asked again. If this lasts, see https://azure.status.microsoft"
            ),
        ),
        _ => (
            Reason::RequestRefused,
            Retry::OnChange,
            format!("storage account {account:?} refused {OPERATION} with HTTP {status} ({code})"),
        ),
    };
    let retry = match (retry, answer.retry_after(now)) {
        (Retry::Backoff, Some(asked)) => Retry::After(asked),
        _ => retry,
    };
    Problem::new(reason, retry, message)
        .answered(status, Some(code).filter(|code| !code.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_all_that_is_said_of_it() {
        let document = "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid><SignedStart>2026-11-22T01:55:00Z</SignedStart><SignedExpiry>2026-11-23T01:55:00Z</SignedExpiry><SignedService>b</SignedService><SignedVersion>2025-01-05</SignedVersion><Value>AAEC</Value></UserDelegationKey>";
        let key = of(document).unwrap();
        assert_eq!(
            key.terms(),
            [
                "o",
                "t",
                "2026-11-22T01:55:00Z",
                "2026-11-23T01:55:00Z",
                "b",
                "2025-01-05"
            ]
        );
        assert_eq!(key.value.expose(), b"AAEC");
    }

    #[test]
    fn what_lacks_something_is_no_key() {
        for document in [
            "",
            "<html>",
            "<UserDelegationKey><SignedOid>o</SignedOid></UserDelegationKey>",
        ] {
            assert_eq!(of(document), None, "{document}");
        }
    }
}
