use http::{HeaderMap, StatusCode};

use super::*;
use crate::azure::http::Body;

fn server() -> Server {
    Server::parse("https://mls.example.net:12800/").unwrap()
}

fn secret(text: &str) -> SecretValue {
    SecretValue::from(text.to_owned())
}

fn now() -> Timestamp {
    at("2026-11-20T07:00:00Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Body::new(body.as_bytes().to_vec()),
    }
}

const GRANTED: &str = r#"{"token_type":"Bearer","access_token":"access","expires_in":3600,"expires_on":1479937454,"refresh_token":"0/refresh"}"#;

#[test]
fn a_server_is_an_https_origin_with_port_and_path() {
    for (text, url) in [
        (
            "https://mls.example.net:12800",
            "https://mls.example.net:12800",
        ),
        (
            "https://mls.example.net:12800/",
            "https://mls.example.net:12800",
        ),
        (
            "https://EXAMPLE.net/ml/server/",
            "https://example.net/ml/server",
        ),
    ] {
        assert_eq!(Server::parse(text).unwrap().as_str(), url);
    }
    for bad in [
        "http://mls.example.net",
        "mls.example.net",
        "https://user:hunter2@mls.example.net",
        "https://mls.example.net/?a=b",
        "https://mls.example.net/#top",
        "",
    ] {
        let problem = Server::parse(bad).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec, "{bad}");
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_login_carries_name_and_password_as_json() {
    let request = login(&server(), "ada \"x\"", &secret("p&ä\"")).unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url.as_str(), "https://mls.example.net:12800/login");
    let body: serde_json::Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"username": "ada \"x\"", "password": "p&ä\""})
    );
}

#[test]
fn renewal_and_logout_carry_the_refresh_token() {
    let renewal = refresh(&server(), &secret("0/a+b")).unwrap();
    assert_eq!(
        renewal.url.as_str(),
        "https://mls.example.net:12800/login/refreshToken"
    );
    assert_eq!(
        renewal.body.unwrap().as_slice(),
        br#"{"refreshToken":"0/a+b"}"#
    );
    let end = logout(&server(), &secret("0/a+b")).unwrap();
    assert_eq!(
        (end.method, end.url.as_str(), end.body),
        (
            Method::DELETE,
            "https://mls.example.net:12800/login/refreshToken?refreshToken=0%2Fa%2Bb",
            None
        )
    );
}

#[test]
fn a_session_lives_as_long_as_the_server_says_from_now_on() {
    let session = read_login(&server(), "ada", &answer(200, GRANTED), now()).unwrap();
    assert_eq!(session.token.value, secret("access"));
    assert_eq!(session.token.expires_at, at("2026-11-20T08:00:00Z"));
    assert_eq!(session.token.refresh_at, at("2026-11-20T07:48:00Z"));
    assert_eq!(session.refresh, Some(secret("0/refresh")));
    let shown = format!("{session:?}");
    assert!(!shown.contains("access\"") && !shown.contains("0/refresh"));
}

#[test]
fn the_end_alone_is_understood_too() {
    let end = at("2026-11-20T07:30:00Z").as_second();
    let body = format!(r#"{{"access_token":"t","expires_on":"{end}"}}"#);
    let session = read_login(&server(), "ada", &answer(200, &body), now()).unwrap();
    assert_eq!(session.token.expires_at, at("2026-11-20T07:30:00Z"));
    assert_eq!(session.refresh, None);
}

#[test]
fn a_refused_login_says_whose_and_what_to_do() {
    let problem = read_login(&server(), "ada", &answer(401, "Unauthorized"), now()).unwrap_err();
    assert_eq!(
        (problem.reason, problem.retry, problem.http_status),
        (Reason::LoginRefused, Retry::After(retry::RESYNC), Some(401))
    );
    for part in ["\"ada\"", "https://mls.example.net:12800", "password"] {
        assert!(problem.message.contains(part), "{problem}");
    }
}

#[test]
fn a_spent_refresh_token_means_to_log_in_anew() {
    assert!(
        read_refresh(&server(), &answer(401, ""), now())
            .unwrap()
            .is_none()
    );
    assert!(
        read_refresh(&server(), &answer(200, GRANTED), now())
            .unwrap()
            .is_some()
    );
    let down = read_refresh(&server(), &answer(503, ""), now()).unwrap_err();
    assert_eq!(down.reason, Reason::AzureUnavailable);
}

#[test]
fn a_login_that_has_ended_before_is_ended() {
    for status in [200, 401, 404] {
        assert!(read_logout(&server(), &answer(status, ""), now()).is_ok());
    }
    assert!(read_logout(&server(), &answer(500, ""), now()).is_err());
}

#[test]
fn trouble_is_told_apart_and_quotes_no_token() {
    for (status, body, reason) in [
        (429, "", Reason::Throttled),
        (503, "", Reason::AzureUnavailable),
        (404, "", Reason::RequestRefused),
        (302, "", Reason::RequestRefused),
        (200, "<html>eyJ0</html>", Reason::MalformedAnswer),
        (
            200,
            r#"{"access_token":"eyJ0","expires_in":0}"#,
            Reason::MalformedAnswer,
        ),
        (
            200,
            r#"{"access_token":"","expires_in":60}"#,
            Reason::MalformedAnswer,
        ),
    ] {
        let problem = read_login(&server(), "ada", &answer(status, body), now()).unwrap_err();
        assert_eq!(problem.reason, reason, "{status} {body}");
        assert!(!problem.message.contains("eyJ0"), "{problem}");
    }
}
