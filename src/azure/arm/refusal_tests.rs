use std::time::Duration;

use http::Method;
use serde_json::json;

use super::*;
use crate::azure::arm::fixtures::{self, SUBSCRIPTION, answer, call, profile, subject};

fn refused(answer: &Answer) -> Problem {
    problem(&profile(), &subject(), answer, Timestamp::UNIX_EPOCH)
}

fn code(status: u16, code: &str, message: &str) -> Problem {
    refused(&fixtures::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    ))
}

#[test]
fn a_token_of_another_tenant_names_both() {
    let problem = code(
        401,
        "InvalidAuthenticationTokenTenant",
        "The access token is from the wrong issuer 'https://sts.windows.net/11111111-1111-1111-1111-111111111111/'. It must match the tenant 'https://sts.windows.net/99999999-9999-9999-9999-999999999999/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/99999999-9999-9999-9999-999999999999' to get the token.",
    );
    assert_eq!(problem.reason, Reason::ForeignChallenge);
    for part in [
        SUBSCRIPTION,
        "belongs to tenant 99999999-9999-9999-9999-999999999999",
        "are of tenant 11111111-1111-1111-1111-111111111111",
    ] {
        assert!(problem.message.contains(part), "{part} is not in {problem}");
    }
    let short = code(401, "InvalidAuthenticationTokenTenant", "");
    assert!(
        short
            .message
            .contains("are of tenant 11111111-1111-1111-1111-111111111111"),
        "{short}"
    );
}

#[test]
fn other_tokens_that_are_refused_may_be_renewed() {
    for name in [
        "InvalidAuthenticationToken",
        "ExpiredAuthenticationToken",
        "AuthenticationFailed",
        "InvalidAuthenticationTokenAudience",
        "",
    ] {
        let problem = code(401, name, "m");
        assert_eq!(problem.reason, Reason::Unauthorized, "{name}");
        assert_eq!(problem.http_status, Some(401));
    }
    let audience = code(401, "InvalidAuthenticationTokenAudience", "m");
    assert!(
        audience.message.contains("https://management.azure.com")
            && audience.message.contains("resourceManager.audience"),
        "{audience}"
    );
}

#[test]
fn claims_come_with_a_401_only() {
    let challenge = [(
        "WWW-Authenticate",
        r#"Bearer error="insufficient_claims", claims="e30=""#,
    )];
    assert_eq!(
        claims(&answer(401, &challenge, "")),
        Some(Claims("{}".to_owned()))
    );
    assert_eq!(claims(&answer(403, &challenge, "")), None);
}

#[test]
fn both_kinds_of_throttling_are_one_word_with_azures_time() {
    for (name, message) in [
        (
            "SubscriptionRequestsThrottled",
            "Number of requests for subscription 's' and operation 'GET/SUBSCRIPTIONS/…' exceeded the backend storage limit. Please try again after '6' seconds.",
        ),
        (
            "ResourceRequestsThrottled",
            "Number of requests for action 'x' exceeded the limit of '50' for time interval '00:05:00'. Please try again after '372' seconds.",
        ),
    ] {
        let body = json!({"error": {"code": name, "message": message}}).to_string();
        let problem = refused(&answer(429, &[("Retry-After", "6")], &body));
        assert_eq!(problem.reason, Reason::Throttled);
        assert_eq!(problem.retry, Retry::After(Duration::from_secs(6)));
        assert_eq!(problem.azure_code.as_deref(), Some(name));
        assert!(problem.message.contains(SUBSCRIPTION), "{problem}");
        assert!(!problem.message.contains("372"), "{problem}");
    }
    assert_eq!(refused(&answer(429, &[], "")).retry, Retry::Backoff);
}

#[test]
fn a_resource_that_is_held_by_another_operation_limits_nobody_else() {
    let held = |status, code: &str| {
        let body = json!({"error": {"code": code, "message": "m"}}).to_string();
        let answer = answer(status, &[("Retry-After", "5")], &body);
        (refused(&answer).reason, throttles(&answer))
    };
    let manager = Some(Throttle::Manager);
    assert_eq!(held(429, "RetryableError"), (Reason::AzureBusy, None));
    assert_eq!(held(429, "TooManyRequests"), (Reason::Throttled, manager));
    assert_eq!(held(429, ""), (Reason::Throttled, manager));
    assert_eq!(
        held(503, "TooManyRequests"),
        (Reason::AzureUnavailable, None)
    );
}

#[test]
fn a_provider_that_refuses_shuts_nobody_else_out() {
    let by = |headers: &[(&'static str, &str)], code: &str| {
        let body = json!({"error": {"code": code, "message": "m"}}).to_string();
        throttles(&answer(429, headers, &body))
    };
    let gateway = [("x-ms-failure-cause", "gateway")];
    let code = "ResourceRequestsThrottled";
    assert_eq!(by(&[], code), Some(Throttle::Provider));
    assert_eq!(by(&gateway, code), Some(Throttle::Manager));
    assert_eq!(
        by(&[], "SubscriptionRequestsThrottled"),
        Some(Throttle::Manager)
    );
}

#[test]
fn azures_time_is_kept_on_every_status_that_passes() {
    for status in [403, 404, 408, 409, 412, 429, 500, 502, 503, 504] {
        let problem = refused(&answer(status, &[("Retry-After", "17")], ""));
        assert_eq!(
            problem.retry,
            Retry::After(Duration::from_secs(17)),
            "{status}"
        );
    }
    let locked = json!({"error": {"code": "ScopeLocked", "message": "m"}}).to_string();
    let slow = refused(&answer(409, &[("Retry-After", "17")], &locked));
    assert_eq!(slow.retry, Retry::OnChange);
}

#[test]
fn what_has_no_word_passes_azures_on() {
    let problem = code(
        400,
        "BadRequest",
        "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.",
    );
    assert_eq!(
        (problem.reason, problem.retry),
        (Reason::RequestRefused, Retry::OnChange)
    );
    assert!(
        problem.message.contains("irreversible action") && problem.message.contains("BadRequest"),
        "{problem}"
    );
    let long = code(400, "BadRequest", &"x".repeat(5000));
    assert!(long.message.len() < 800, "{long}");
    assert_eq!(code(403, "Odd", "m").reason, Reason::Forbidden);
    assert_eq!(code(404, "Odd", "m").reason, Reason::AzureResourceNotFound);
    assert_eq!(code(409, "Odd", "m").reason, Reason::AzureBusy);
    assert_eq!(code(503, "Odd", "m").reason, Reason::AzureUnavailable);
    let moved = refused(&answer(307, &[("Location", "https://evil.example")], ""));
    assert_eq!(moved.reason, Reason::RequestRefused);
}

#[test]
fn a_page_that_is_not_azures_is_told_as_such() {
    for status in [403, 404, 418] {
        let problem = refused(&answer(status, &[], "<html>no</html>"));
        assert!(problem.message.contains("proxy"), "{problem}");
        assert_eq!(problem.azure_code, None);
    }
}

#[test]
fn the_correlation_id_is_kept_beside_the_message() {
    let told = |id: &str| {
        refused(&answer(
            503,
            &[
                ("x-ms-correlation-request-id", id),
                ("x-ms-request-id", "r"),
            ],
            "",
        ))
    };
    let (first, second) = (told("c-1"), told("c-2"));
    assert_eq!(first.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(first.message, second.message);
    let older = refused(&answer(503, &[("x-ms-request-id", "r")], ""));
    assert_eq!(older.correlation_id.as_deref(), Some("r"));
}

#[test]
fn a_problem_names_what_was_asked_for() {
    for status in [400, 403, 404, 409, 429, 500] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let subject = call(method).subject();
            let answer = answer(status, &[], "");
            let problem = problem(&profile(), &subject, &answer, Timestamp::UNIX_EPOCH);
            assert!(problem.message.contains("kv-a"), "{problem}");
        }
    }
}
