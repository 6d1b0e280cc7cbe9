use http::{HeaderMap, StatusCode};

use super::*;
use crate::azure::auth::user_fixtures::{pairs, sign_in};
use crate::azure::http::Body;

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

fn vault() -> Resource {
    Resource::new("https://vault.azure.net")
}

fn secret(text: &str) -> SecretValue {
    SecretValue::from(text.to_owned())
}

#[test]
fn a_password_is_sent_in_each_form() {
    for (form, path, named) in [
        (
            Form::V2,
            "/t/oauth2/v2.0/token",
            vec![(
                "scope",
                "https://vault.azure.net/.default openid profile offline_access",
            )],
        ),
        (
            Form::V1,
            "/t/oauth2/token",
            vec![("resource", "https://vault.azure.net"), ("scope", "openid")],
        ),
        (
            Form::Adfs,
            "/t/oauth2/token",
            vec![("resource", "https://vault.azure.net"), ("scope", "openid")],
        ),
    ] {
        let request = password(&sign_in(form), "ada@x.test", &secret("p&=ä"), &vault()).unwrap();
        assert_eq!(request.url.path(), path);
        let mut expected = vec![
            ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
            ("grant_type", "password"),
            ("username", "ada@x.test"),
            ("password", "p&=ä"),
        ];
        expected.extend(named);
        let sent = pairs(&request);
        let sent: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(sent, expected);
    }
}

#[test]
fn a_refresh_token_asks_for_any_resource() {
    let arm = Resource::new("https://management.azure.com/");
    let request = refresh(&sign_in(Form::V2), &secret("0.r"), &arm).unwrap();
    let sent = pairs(&request);
    assert!(sent.contains(&("refresh_token".to_owned(), "0.r".to_owned())));
    assert!(sent.contains(&(
        "scope".to_owned(),
        "https://management.azure.com//.default openid profile offline_access".to_owned()
    )));
}

#[test]
fn a_grant_says_who_signed_in_and_until_when() {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"preferred_username":"ada@x.test\u001b"}"#);
    let body = format!(
        r#"{{"access_token":"a","refresh_token":"r","id_token":"h.{claims}.s","expires_in":"3600"}}"#
    );
    let granted = read(&sign_in(Form::V1), &answer(200, &body), now()).unwrap();
    assert_eq!(granted.username.as_deref(), Some("ada@x.test"));
    assert_eq!(granted.refresh, Some(secret("r")));
    assert_eq!(
        granted.token.expires_at,
        "2026-11-20T08:00:00Z".parse().unwrap()
    );
}

#[test]
fn refusals_say_what_the_person_can_do() {
    for (code, error, reason, mend) in [
        (
            50_126,
            "invalid_grant",
            Reason::InvalidUserPassword,
            "--username",
        ),
        (
            50_076,
            "interaction_required",
            Reason::MultiFactorRequired,
            "device code",
        ),
        (
            90_002,
            "invalid_request",
            Reason::TenantNotFound,
            "--tenant",
        ),
        (
            700_016,
            "unauthorized_client",
            Reason::ApplicationNotFound,
            "--client-id",
        ),
        (
            500_011,
            "invalid_resource",
            Reason::ResourceNotFound,
            "--resource",
        ),
        (
            7_000_218,
            "invalid_client",
            Reason::AuthenticationFailed,
            "--is-fallback-public-client",
        ),
        (
            700_082,
            "invalid_grant",
            Reason::AuthenticationFailed,
            "lakevault login",
        ),
    ] {
        let body = format!(
            r#"{{"error":"{error}","error_description":"AADSTS{code}: It is so.\r\nTrace ID: 1\r\nCorrelation ID: 2","error_codes":[{code}]}}"#
        );
        let problem = read(&sign_in(Form::V2), &answer(400, &body), now()).unwrap_err();
        assert_eq!(problem.reason, reason, "{code}");
        assert_eq!(problem.azure_code, Some(format!("AADSTS{code}")));
        assert!(problem.message.contains(mend), "{problem}");
        assert!(!problem.message.contains("Trace ID"), "{problem}");
    }
}

#[test]
fn the_words_of_adfs_are_understood_without_a_code() {
    let body = r#"{"error":"invalid_resource","error_description":"MSIS9605: The client is not allowed to access the requested resource."}"#;
    let problem = read(&sign_in(Form::Adfs), &answer(400, body), now()).unwrap_err();
    assert_eq!(problem.reason, Reason::ResourceNotFound);
    assert!(problem.message.contains("MSIS9605"), "{problem}");
}

#[test]
fn trouble_of_the_authority_may_pass() {
    for (status, reason) in [(429, Reason::Throttled), (503, Reason::AzureUnavailable)] {
        let problem = read(&sign_in(Form::V2), &answer(status, "busy"), now()).unwrap_err();
        assert_eq!((problem.reason, problem.retry), (reason, Retry::Backoff));
    }
    let odd = read(&sign_in(Form::V2), &answer(200, "<html>"), now()).unwrap_err();
    assert_eq!(odd.reason, Reason::MalformedAnswer);
}
