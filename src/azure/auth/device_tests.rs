use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::*;
use crate::azure::cloud::Cloud;
use crate::azure::http::Body;
use crate::azure_identity::api::CloudName;

/// The Azure CLI's application at `https://login.example`, in tenant `t` where there are tenants.
fn profile(token_endpoint: TokenEndpoint) -> Profile {
    let adfs = token_endpoint == TokenEndpoint::ADFS;
    Profile {
        cloud: Arc::new(Cloud {
            authority: format!("https://login.example{}", if adfs { "/adfs" } else { "" }),
            token_endpoint,
            ..Cloud::named(CloudName::Public)
        }),
        tenant: (!adfs).then(|| "t".parse().unwrap()),
        client: Some("04b07795-8ddb-461a-bbee-02f9e1bf7b46".parse().unwrap()),
    }
}

/// What a request's form says, in its order.
fn pairs(request: &Request) -> Vec<(String, String)> {
    let body = request.body.as_ref().unwrap();
    url::form_urlencoded::parse(body).into_owned().collect()
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

fn vault() -> Resource {
    Resource::new("https://vault.azure.net")
}

const OFFERED: &str = r#"{"user_code":"ABCD1234","device_code":"dev1ce","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":3,"message":"To sign in, …"}"#;
const OFFERED_V1: &str = r#"{"user_code":"ABCD1234","device_code":"dev1ce","verification_url":"https://microsoft.com/devicelogin","expires_in":"900","interval":"3","message":"m"}"#;

/// ADFS names the page twice.
const OFFERED_ADFS: &str = r#"{"user_code":"ABCD1234","device_code":"dev1ce","verification_uri":"https://microsoft.com/devicelogin","verification_url":"https://microsoft.com/devicelogin","expires_in":900,"interval":3}"#;

#[test]
fn a_code_is_asked_for_in_each_form() {
    let cases = [
        (
            TokenEndpoint::V2,
            "https://login.example/t/oauth2/v2.0/devicecode",
            (
                "scope",
                "https://vault.azure.net/.default openid profile offline_access",
            ),
        ),
        (
            TokenEndpoint::V1,
            "https://login.example/t/oauth2/devicecode?api-version=1.0",
            ("resource", "https://vault.azure.net"),
        ),
        (
            TokenEndpoint::ADFS,
            "https://login.example/adfs/oauth2/devicecode",
            ("resource", "https://vault.azure.net"),
        ),
    ];
    for (form, url, (name, value)) in cases {
        let request = request(&profile(form), &vault()).unwrap();
        assert_eq!(request.url.as_str(), url);
        let expected = [
            ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
            (name, value),
        ];
        assert_eq!(
            pairs(&request),
            expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }
}

#[test]
fn an_offer_is_read_in_each_form() {
    for body in [OFFERED, OFFERED_V1, OFFERED_ADFS] {
        let pending = read(&profile(TokenEndpoint::V1), &answer(200, body), now()).unwrap();
        assert_eq!(pending.user_code, "ABCD1234");
        assert_eq!(
            pending.verification_uri,
            "https://microsoft.com/devicelogin"
        );
        assert_eq!(pending.interval, Duration::from_secs(3));
        assert_eq!(pending.expires_at, "2026-11-20T07:15:00Z".parse().unwrap());
        assert!(!format!("{pending:?}").contains("dev1ce"));
    }
}

#[test]
fn an_offer_that_is_not_fit_for_a_terminal_is_refused() {
    for body in [
        OFFERED.replace("https://microsoft", "http://microsoft"),
        OFFERED.replace("ABCD1234", "AB\\u001b[31mCD"),
        OFFERED.replace("900", "0"),
        OFFERED.replace("dev1ce", ""),
        "nothing".to_owned(),
    ] {
        let problem = read(&profile(TokenEndpoint::V2), &answer(200, &body), now()).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{body}");
    }
}

#[test]
fn the_outcome_is_asked_for_in_each_form() {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let client = ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
    let new = vec![client, ("grant_type", grant), ("device_code", "dev1ce")];
    let old = vec![
        client,
        ("grant_type", "device_code"),
        ("code", "dev1ce"),
        ("resource", "https://vault.azure.net"),
    ];
    for (form, url, expected) in [
        (
            TokenEndpoint::V2,
            "https://login.example/t/oauth2/v2.0/token",
            &new,
        ),
        (
            TokenEndpoint::V1,
            "https://login.example/t/oauth2/token",
            &old,
        ),
        (
            TokenEndpoint::ADFS,
            "https://login.example/adfs/oauth2/token",
            &new,
        ),
    ] {
        let profile = profile(form);
        let pending = read(&profile, &answer(200, OFFERED), now()).unwrap();
        let request = poll(&profile, &pending, &vault()).unwrap();
        assert_eq!(request.url.as_str(), url);
        let sent = pairs(&request);
        let sent: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(sent, *expected);
    }
}

#[test]
fn every_outcome_is_told_apart() {
    let poll =
        |status, body: &str| read_poll(&profile(TokenEndpoint::V2), &answer(status, body), now());
    let said = |word: &str| {
        let body = format!(r#"{{"error":"{word}","error_description":"AADSTS70016: …"}}"#);
        poll(400, &body)
    };
    assert!(matches!(said("authorization_pending"), Ok(Poll::Waiting)));
    assert!(matches!(said("slow_down"), Ok(Poll::SlowDown)));
    for word in ["authorization_declined", "access_denied"] {
        assert!(matches!(said(word), Ok(Poll::Declined)));
    }
    for word in ["expired_token", "code_expired"] {
        assert!(matches!(said(word), Ok(Poll::Expired)));
    }
    let unknown = said("bad_verification_code").unwrap_err();
    assert!(unknown.message.contains("lakevault login"), "{unknown}");
    let other = said("invalid_client").unwrap_err();
    assert_eq!(other.reason, Reason::AuthenticationFailed);
    let granted = poll(
        200,
        r#"{"access_token":"a","refresh_token":"r","expires_in":3599}"#,
    );
    let Ok(Poll::Granted(granted)) = granted else {
        panic!("{granted:?}")
    };
    assert_eq!(
        granted.refresh_token,
        Some(SecretValue::from("r".to_owned()))
    );
}
