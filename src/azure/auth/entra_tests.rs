use http::{HeaderMap, StatusCode};

use super::*;
use std::sync::Arc;

use crate::azure::cloud::Cloud;
use crate::azure::http::Body;
use crate::azure::resource::Resource;
use crate::azure_identity::api::CloudName;

fn profile() -> Profile {
    Profile {
        cloud: Arc::new(Cloud::named(CloudName::Public)),
        tenant: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        client: Some("22222222-2222-2222-2222-222222222222".parse().unwrap()),
    }
}

/// A profile of a cloud with another form of token endpoint.
fn of(authority: &str, token_endpoint: TokenEndpoint) -> Profile {
    let cloud = Cloud {
        authority: authority.to_owned(),
        token_endpoint,
        ..Cloud::named(CloudName::Public)
    };
    Profile {
        cloud: Arc::new(cloud),
        ..profile()
    }
}

fn vault() -> Want {
    Want::handed_out(Resource::new("https://vault.azure.net"))
}

fn form(request: &Request) -> Vec<(String, String)> {
    let body = request.body.as_ref().unwrap();
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
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
    let request = request(&profile(), &secret, &vault(), None).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token"
    );
    let expected = [
        ("client_id", "22222222-2222-2222-2222-222222222222"),
        ("grant_type", "client_credentials"),
        ("client_secret", "p&=~ä"),
        ("scope", "https://vault.azure.net/.default"),
    ];
    assert_eq!(form(&request), owned(&expected));
}

#[test]
fn an_assertion_names_its_type() {
    let assertion = Credential::Assertion(SecretValue::from("a.b.c".to_owned()));
    let sent = form(&request(&profile(), &assertion, &vault(), None).unwrap());
    let expected = [
        ("client_id", "22222222-2222-2222-2222-222222222222"),
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", "a.b.c"),
        ("scope", "https://vault.azure.net/.default"),
    ];
    assert_eq!(sent, owned(&expected));
}

#[test]
fn the_old_endpoint_and_adfs_are_asked_for_resources() {
    let secret = Credential::Secret(SecretValue::from("s".to_owned()));
    for (endpoint, authority, url) in [
        (
            TokenEndpoint::V1,
            "https://login.test",
            "https://login.test/11111111-1111-1111-1111-111111111111/oauth2/token",
        ),
        (
            TokenEndpoint::ADFS,
            "https://adfs.test/adfs",
            "https://adfs.test/adfs/oauth2/token",
        ),
    ] {
        let want = Want::ours(Resource::new("https://vault.azure.net"));
        let request = request(&of(authority, endpoint), &secret, &want, None).unwrap();
        assert_eq!(request.url.as_str(), url);
        let sent = form(&request);
        assert!(sent.contains(&("resource".to_owned(), "https://vault.azure.net".to_owned())));
        assert!(
            sent.iter()
                .all(|(name, _)| name != "scope" && name != "claims"),
            "{sent:?}"
        );
    }
}

#[test]
fn entra_needs_a_tenant_and_adfs_has_none() {
    let secret = Credential::Secret(SecretValue::from("s".to_owned()));
    let without = |profile: Profile| Profile {
        tenant: None,
        ..profile
    };
    let problem = request(&without(profile()), &secret, &vault(), None).unwrap_err();
    assert!(problem.message.contains("spec.tenantId"), "{problem}");
    let adfs = without(of("https://adfs.test/adfs", TokenEndpoint::ADFS));
    assert!(request(&adfs, &secret, &vault(), None).is_ok());
}

#[test]
fn a_user_signs_in_with_a_scope_that_gives_a_refresh_token() {
    let password = Credential::Password {
        username: "ada@contoso.test".to_owned(),
        password: SecretValue::from("pw".to_owned()),
    };
    let sent = form(&request(&profile(), &password, &vault(), None).unwrap());
    let expected = [
        ("client_id", "22222222-2222-2222-2222-222222222222"),
        ("grant_type", "password"),
        ("username", "ada@contoso.test"),
        ("password", "pw"),
        (
            "scope",
            "https://vault.azure.net/.default openid profile offline_access",
        ),
    ];
    assert_eq!(sent, owned(&expected));
}

#[test]
fn the_old_endpoint_and_adfs_are_asked_who_signed_in() {
    let password = Credential::Password {
        username: "ada@contoso.test".to_owned(),
        password: SecretValue::from("pw".to_owned()),
    };
    let refresh = Credential::RefreshToken(SecretValue::from("r".to_owned()));
    let asked = ("scope".to_owned(), "openid".to_owned());
    for (endpoint, authority) in [
        (TokenEndpoint::V1, "https://login.test"),
        (TokenEndpoint::ADFS, "https://adfs.test/adfs"),
    ] {
        let sent = |credential| {
            form(&request(&of(authority, endpoint), credential, &vault(), None).unwrap())
        };
        assert!(sent(&password).contains(&asked));
        assert!(!sent(&refresh).contains(&asked));
    }
}

#[test]
fn our_own_tokens_declare_that_challenges_are_answered_and_answer_them() {
    let secret = Credential::Secret(SecretValue::from("s".to_owned()));
    let want = Want::ours(Resource::new("https://vault.azure.net"));
    let claims = |challenge: Option<&str>| {
        let challenge = challenge.map(|text| Claims(text.to_owned()));
        let sent = form(&request(&profile(), &secret, &want, challenge.as_ref()).unwrap());
        let claims = sent.into_iter().find(|(name, _)| name == "claims").unwrap();
        serde_json::from_str::<Value>(&claims.1).unwrap()
    };
    let capability = json!({"values": ["CP1"]});
    assert_eq!(
        claims(None),
        json!({"access_token": {"xms_cc": capability}})
    );
    let asked = json!({"essential": true, "value": "1604106651"});
    let challenge = json!({"access_token": {"nbf": asked}}).to_string();
    assert_eq!(
        claims(Some(&challenge)),
        json!({"access_token": {"nbf": asked, "xms_cc": capability}})
    );
    let nonsense = Claims("<html>".to_owned());
    assert!(request(&profile(), &secret, &want, Some(&nonsense)).is_err());
}

#[test]
fn a_token_is_renewed_at_refresh_in_or_at_four_fifths_of_its_life() {
    let token = read(
        &profile(),
        &answer(200, r#"{"access_token":"t","expires_in":3600}"#),
        now(),
    )
    .unwrap()
    .token;
    assert_eq!(token.expires_at, "2026-11-20T08:00:00Z".parse().unwrap());
    assert_eq!(token.refresh_at, "2026-11-20T07:48:00Z".parse().unwrap());
    let body = r#"{"access_token":"t","expires_in":"86399","refresh_in":43199}"#;
    let token = read(&profile(), &answer(200, body), now()).unwrap().token;
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
            Reason::InvalidUserPassword,
            Retry::OnChange,
            "name and password",
        ),
        (
            400,
            50_079,
            Reason::MultiFactorRequired,
            Retry::OnChange,
            "lakevault login",
        ),
        (
            401,
            700_027,
            Reason::CertificateNotRegistered,
            Retry::Backoff,
            "--cert",
        ),
        (401, 700_024, Reason::ClockSkewed, Retry::Backoff, "NTP"),
        (
            400,
            500_011,
            Reason::ResourceNotFound,
            Retry::OnChange,
            "resource",
        ),
        (
            400,
            65_001,
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
