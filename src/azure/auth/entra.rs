//! The v2 token endpoint (Microsoft identity platform, "OAuth 2.0 client credentials flow"): pure requests and answers.

use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{Credential, Profile, Token};
use crate::azure::http::{Answer, Request, Route};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const TIMEOUT: Duration = Duration::from_secs(15);
/// Part of a token's life after which a new one is asked for, where Entra gives no `refresh_in`.
const REFRESH_AT: f64 = 0.8;

/// The endpoint that a profile's tokens come from.
pub fn token_url(profile: &Profile) -> Result<Url, Problem> {
    let text = format!(
        "{}/{}/oauth2/v2.0/token",
        profile.cloud.authority, profile.tenant
    );
    Url::parse(&text).map_err(|error| {
        Problem::new(
            Reason::InvalidSpec,
            Retry::OnChange,
            format!("the token endpoint {text:?} is no URL: {error}"),
        )
    })
}

/// The request for a token of `scope`.
pub fn request(
    profile: &Profile,
    credential: &Credential,
    scope: &str,
) -> Result<Request, Problem> {
    let mut form = Serializer::new(String::new());
    form.append_pair("client_id", profile.client.as_str())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", scope);
    match credential {
        Credential::Secret(secret) => form.append_pair("client_secret", text(secret)?),
        Credential::Assertion(assertion) => form
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", text(assertion)?),
    };
    Ok(Request {
        route: Route::Default,
        method: Method::POST,
        url: token_url(profile)?,
        headers: vec![
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: Some(Zeroizing::new(form.finish())),
        timeout: TIMEOUT,
    })
}

fn text(secret: &SecretValue) -> Result<&str, Problem> {
    secret.expose_str().ok_or_else(|| {
        Problem::new(
            Reason::CredentialNotFound,
            Retry::OnChange,
            "the credential is not text (UTF-8)",
        )
    })
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Seconds,
    refresh_in: Option<Seconds>,
}

/// A number of seconds, which v2 writes as a number and v1 as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
    error_codes: Vec<u32>,
}

/// Reads an answer of the token endpoint.
pub fn read(profile: &Profile, answer: &Answer, now: Timestamp) -> Result<Token, Problem> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return granted(answer, now).ok_or_else(|| {
            let message = format!(
                "{} granted a token in a form that is not understood; it is asked again. Does a proxy stand in between?",
                profile.cloud.authority
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
        });
    }
    if status == 429 {
        let retry = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
        let message = format!(
            "{} limits token requests of this tenant; it is asked again when it allows",
            profile.cloud.authority
        );
        return Err(Problem::new(Reason::Throttled, retry, message).answered(status, None));
    }
    let refused: Refused = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    if status >= 500 || refused.error == "temporarily_unavailable" {
        let retry = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
        let message = format!(
            "{} answered HTTP {status}; it is asked again. If this lasts, see https://azure.status.microsoft",
            profile.cloud.authority
        );
        return Err(Problem::new(Reason::AzureUnavailable, retry, message).answered(status, None));
    }
    Err(refusal(profile, status, &refused))
}

fn granted(answer: &Answer, now: Timestamp) -> Option<Token> {
    let granted: Granted = serde_json::from_slice(answer.body.bytes()).ok()?;
    let life = granted
        .expires_in
        .get()
        .filter(|&life| life > 0 && life <= 7 * 86_400)?;
    let refresh = granted
        .refresh_in
        .and_then(|seconds| seconds.get())
        .filter(|&at| at > 0 && at < life);
    let life = Duration::from_secs(u64::try_from(life).ok()?);
    let refresh = match refresh {
        Some(seconds) => Duration::from_secs(u64::try_from(seconds).ok()?),
        None => life.mul_f64(REFRESH_AT),
    };
    Some(Token {
        value: SecretValue::from(granted.access_token),
        issued_at: now,
        expires_at: now.checked_add(life).ok()?,
        refresh_at: now.checked_add(refresh).ok()?,
    })
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

/// Says what a refusal means and what mends it. Codes: Microsoft's "Microsoft Entra authentication error codes".
fn refusal(profile: &Profile, status: u16, refused: &Refused) -> Problem {
    let Profile {
        tenant,
        client,
        cloud,
    } = profile;
    let number = code(refused);
    let said = stable(&refused.error_description);
    let (reason, retry, mend) = match number.unwrap_or_default() {
        7_000_215 => (
            Reason::InvalidClientSecret,
            Retry::OnChange,
            format!(
                "put the secret's value (not its id) into the credential Secret, or make a new one: az ad app credential reset --id {client}"
            ),
        ),
        7_000_222 => (
            Reason::ClientSecretExpired,
            Retry::OnChange,
            format!(
                "make a new secret and put it into the credential Secret: az ad app credential reset --id {client}"
            ),
        ),
        90_002 | 900_023 => (
            Reason::TenantNotFound,
            Retry::OnChange,
            format!(
                "check spec.tenantId ({tenant}) and spec.cloud (tokens come from {})",
                cloud.authority
            ),
        ),
        700_016 => (
            Reason::ApplicationNotFound,
            Retry::OnChange,
            format!(
                "check spec.clientId ({client}) and spec.tenantId ({tenant}): the tenant has no such application"
            ),
        ),
        // A fresh registration takes some minutes to reach all of Entra, so these are tried again.
        70_021 | 700_211..=700_213 => (
            Reason::FederationMismatch,
            Retry::Backoff,
            "a new federated credential takes some minutes to work".to_owned(),
        ),
        _ => (
            Reason::AuthenticationFailed,
            Retry::Backoff,
            "see the code in Microsoft's list of Entra error codes".to_owned(),
        ),
    };
    let said = if said.is_empty() {
        format!("HTTP {status} {}", refused.error)
    } else {
        said.to_owned()
    };
    Problem::new(
        reason,
        retry,
        format!("Entra refused client {client} in tenant {tenant}: {said} Mend: {mend}"),
    )
    .answered(
        status,
        number.map(|number| format!("AADSTS{number}")).as_deref(),
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::azure::cloud::Cloud;
    use crate::azure::http::Body;

    fn profile() -> Profile {
        Profile {
            cloud: Cloud::parse(None).unwrap(),
            tenant: "11111111-1111-1111-1111-111111111111".parse().unwrap(),
            client: "22222222-2222-2222-2222-222222222222".parse().unwrap(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-20T07:00:00Z".parse().unwrap()
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Body::new(body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_secret_is_sent_as_a_form_to_the_tenants_endpoint() {
        let secret = Credential::Secret(SecretValue::from("p&=~ä".to_owned()));
        let request = request(&profile(), &secret, "https://vault.azure.net/.default").unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token"
        );
        let body = request.body.unwrap();
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let expected = [
            ("client_id", "22222222-2222-2222-2222-222222222222"),
            ("grant_type", "client_credentials"),
            ("scope", "https://vault.azure.net/.default"),
            ("client_secret", "p&=~ä"),
        ];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn an_assertion_names_its_type() {
        let assertion = Credential::Assertion(SecretValue::from("a.b.c".to_owned()));
        let body = request(&profile(), &assertion, "s").unwrap().body.unwrap();
        assert!(body.contains(
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        ));
        assert!(body.contains("client_assertion=a.b.c") && !body.contains("client_secret"));
    }

    #[test]
    fn a_token_is_renewed_at_refresh_in_or_at_four_fifths_of_its_life() {
        let token = read(
            &profile(),
            &answer(200, r#"{"access_token":"t","expires_in":3600}"#),
            now(),
        )
        .unwrap();
        assert_eq!(token.expires_at, "2026-11-20T08:00:00Z".parse().unwrap());
        assert_eq!(token.refresh_at, "2026-11-20T07:48:00Z".parse().unwrap());
        let body = r#"{"access_token":"t","expires_in":"86399","refresh_in":43199}"#;
        let token = read(&profile(), &answer(200, body), now()).unwrap();
        assert_eq!(token.refresh_at, "2026-11-20T18:59:59Z".parse().unwrap());
    }

    #[test]
    fn a_grant_without_a_token_or_a_life_is_malformed() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"t","expires_in":-1}"#,
        ] {
            let problem = read(&profile(), &answer(200, body), now()).unwrap_err();
            assert_eq!(problem.reason, Reason::MalformedAnswer, "{body}");
        }
    }

    #[test]
    fn each_refusal_has_its_reason_and_its_mend() {
        let cases = [
            (
                401,
                7_000_215,
                Reason::InvalidClientSecret,
                Retry::OnChange,
                "az ad app credential reset",
            ),
            (
                401,
                7_000_222,
                Reason::ClientSecretExpired,
                Retry::OnChange,
                "az ad app credential reset",
            ),
            (
                400,
                90_002,
                Reason::TenantNotFound,
                Retry::OnChange,
                "spec.tenantId",
            ),
            (
                400,
                700_016,
                Reason::ApplicationNotFound,
                Retry::OnChange,
                "spec.clientId",
            ),
            (
                401,
                70_021,
                Reason::FederationMismatch,
                Retry::Backoff,
                "minutes",
            ),
            (
                400,
                700_213,
                Reason::FederationMismatch,
                Retry::Backoff,
                "minutes",
            ),
            (
                400,
                50_034,
                Reason::AuthenticationFailed,
                Retry::Backoff,
                "Entra error codes",
            ),
        ];
        for (status, number, reason, retry, mend) in cases {
            let body = format!(
                r#"{{"error":"invalid_client","error_description":"AADSTS{number}: What Azure says. Trace ID: 1 Correlation ID: 2","error_codes":[{number}]}}"#
            );
            let problem = read(&profile(), &answer(status, &body), now()).unwrap_err();
            assert_eq!((problem.reason, problem.retry), (reason, retry), "{number}");
            assert!(
                problem.message.contains(mend) && problem.message.contains("What Azure says."),
                "{problem}"
            );
            assert!(
                !problem.message.contains("Trace ID"),
                "the message would differ from try to try: {problem}"
            );
            assert_eq!(problem.azure_code, Some(format!("AADSTS{number}")));
        }
    }

    #[test]
    fn a_code_is_found_in_the_text_too() {
        let body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: x\\r\\nTrace ID: 1\"}";
        assert_eq!(
            read(&profile(), &answer(401, body), now())
                .unwrap_err()
                .reason,
            Reason::InvalidClientSecret
        );
    }

    #[test]
    fn an_outage_is_waited_out() {
        assert_eq!(
            read(&profile(), &answer(503, "<html>"), now())
                .unwrap_err()
                .reason,
            Reason::AzureUnavailable
        );
        let mut throttled = answer(429, "Too Many Requests");
        throttled
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        let problem = read(&profile(), &throttled, now()).unwrap_err();
        assert_eq!(
            (problem.reason, problem.retry),
            (Reason::Throttled, Retry::After(Duration::from_mins(1)))
        );
    }
}
