use http::{HeaderMap, HeaderValue, StatusCode};

use super::*;
use crate::azure::auth::environment::Environment;
use crate::azure::http::Body;

const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
const RESOURCE_ID: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id";

fn source(variables: &[(&str, &str)]) -> Source {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Source::from(&Environment::new(variables.iter().map(owned))).unwrap()
}

fn imds() -> Source {
    source(&[])
}

fn arc() -> Source {
    let endpoint = "http://localhost:40342/token";
    source(&[("IDENTITY_ENDPOINT", endpoint), ("IMDS_ENDPOINT", endpoint)])
}

fn app_service() -> Source {
    source(&[("IDENTITY_ENDPOINT", "http://a/"), ("IDENTITY_HEADER", "h")])
}

fn app_service_2017() -> Source {
    source(&[("MSI_ENDPOINT", "http://a/"), ("MSI_SECRET", "h")])
}

fn service_fabric() -> Source {
    source(&[
        ("IDENTITY_ENDPOINT", "https://a/"),
        ("IDENTITY_HEADER", "h"),
        ("IDENTITY_SERVER_THUMBPRINT", &"ab".repeat(20)),
    ])
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

fn client() -> Which {
    Which::ClientId(CLIENT.parse().unwrap())
}

fn read(source: &Source, which: &Which, answer: &Answer) -> Result<Token, Problem> {
    super::read(source, which, answer, now())
}

/// Minutes from now to the token's end and to its renewal.
fn minutes(token: &Token) -> (i64, i64) {
    let until = |at: Timestamp| at.duration_since(now()).as_secs() / 60;
    (until(token.expires_at), until(token.refresh_at))
}

#[test]
fn each_sources_token_is_read_in_its_own_form() {
    let cases = [
        (
            imds(),
            r#"{"access_token":"t","client_id":"c","expires_in":"86400","expires_on":"1","ext_expires_in":"86400","not_before":"1","resource":"r","token_type":"Bearer"}"#,
            (1440, 720),
        ),
        (
            app_service(),
            r#"{"access_token":"t","expires_on":"1795161600","resource":"r","token_type":"Bearer","client_id":"c"}"#,
            (60, 48),
        ),
        (
            app_service_2017(),
            r#"{"access_token":"t","expires_on":"11/20/2026 5:00:00 PM +00:00","resource":"r","token_type":"Bearer"}"#,
            (600, 300),
        ),
        (
            service_fabric(),
            r#"{"token_type":"Bearer","access_token":"t","expires_on":1795161600,"resource":"r"}"#,
            (60, 48),
        ),
        (
            arc(),
            r#"{"access_token":"t","expires_in":"3600","refresh_in":"600","token_type":"Bearer"}"#,
            (60, 10),
        ),
    ];
    for (source, body, expected) in cases {
        let token = read(&source, &Which::System, &answer(200, body)).unwrap();
        assert_eq!(minutes(&token), expected, "{body}");
        assert_eq!(token.value.expose(), b"t");
        assert_eq!(token.issued_at, now());
    }
}

#[test]
fn an_end_is_told_by_the_endpoints_clock() {
    let body = r#"{"access_token":"t","expires_on":"1795161600"}"#; // 08:00:00Z
    let at = |date: &'static str| {
        let mut answer = answer(200, body);
        answer
            .headers
            .insert(header::DATE, HeaderValue::from_static(date));
        minutes(&read(&app_service(), &Which::System, &answer).unwrap())
    };
    assert_eq!(at("Fri, 20 Nov 2026 07:05:00 GMT"), (55, 44));
    assert_eq!(at("Fri, 20 Nov 2026 06:55:00 GMT").0, 65);
    assert_eq!(at("yesterday").0, 60);
}

#[test]
fn a_grant_that_is_none_is_malformed() {
    for body in [
        "{}",
        "[]",
        r#"{"access_token":"t"}"#,
        r#"{"access_token":"","expires_in":"60"}"#,
        r#"{"access_token":"t","expires_on":"yesterday"}"#,
        r#"{"access_token":"t","expires_on":"1"}"#,
        r#"{"expires_in":"60"}"#,
    ] {
        let problem = read(&imds(), &Which::System, &answer(200, body)).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{body}");
    }
    // A page where the metadata service should be is not Azure's at all.
    for (source, reason) in [
        (imds(), Reason::ManagedIdentityUnavailable),
        (app_service(), Reason::MalformedAnswer),
    ] {
        let problem = read(&source, &Which::System, &answer(200, "<html>")).unwrap_err();
        assert_eq!(problem.reason, reason);
    }
}

#[test]
fn a_token_of_another_identity_than_the_one_named_is_not_used() {
    let given = |field: &str, id: &str| {
        let body = format!(r#"{{"access_token":"t","expires_in":"60","{field}":"{id}"}}"#);
        answer(200, &body)
    };
    let other = "99999999-2222-2222-2222-222222222222";
    let resource = Which::ResourceId(RESOURCE_ID.parse().unwrap());
    let object = Which::ObjectId(CLIENT.parse().unwrap());
    for source in [imds(), arc(), app_service()] {
        let same = given("client_id", &CLIENT.to_uppercase());
        assert!(read(&source, &client(), &same).is_ok());
        let upper = given("msi_res_id", &RESOURCE_ID.to_uppercase());
        assert!(read(&source, &resource, &upper).is_ok());
        assert!(read(&source, &resource, &given("mi_res_id", RESOURCE_ID)).is_ok());
        for (which, field) in [
            (&client(), "client_id"),
            (&object, "object_id"),
            (&resource, "msi_res_id"),
        ] {
            let problem = read(&source, which, &given(field, other)).unwrap_err();
            assert_eq!(problem.reason, Reason::ManagedIdentityNotAssigned);
            assert!(problem.message.contains(other), "{problem}");
        }
        assert!(read(&source, &Which::System, &given("client_id", other)).is_ok());
    }
}

#[test]
fn only_an_agent_of_arc_must_say_whose_token_it_gave() {
    let silent = answer(200, r#"{"access_token":"t","expires_in":"60"}"#);
    assert!(read(&imds(), &client(), &silent).is_ok());
    let problem = read(&arc(), &client(), &silent).unwrap_err();
    assert_eq!(problem.reason, Reason::ManagedIdentityNotAssigned);
    assert!(problem.message.contains("update the agent"), "{problem}");
    assert!(read(&arc(), &Which::System, &silent).is_ok());
}

/// A refusal: who answers, with which status and body; the reason, and what the message holds.
type Case<'a> = (Source, u16, String, Reason, &'a str);

fn each_has_its_reason_and_its_mend(cases: &[Case<'_>]) {
    for (source, status, body, reason, mend) in cases {
        let problem = read(source, &client(), &answer(*status, body)).unwrap_err();
        assert_eq!(problem.reason, *reason, "{status} {body}: {problem}");
        assert!(problem.message.contains(mend), "{status} {body}: {problem}");
        assert_eq!(problem.http_status, Some(*status));
        assert!(!problem.message.contains("Trace ID"), "{problem}");
    }
}

#[test]
fn each_refusal_of_the_metadata_service_has_its_reason_and_its_mend() {
    use Reason::{
        AuthenticationFailed, InvalidSpec, ManagedIdentityNotAssigned, ManagedIdentityUnavailable,
        ResourceNotFound,
    };
    let metadata =
        |error: &str, text: &str| format!(r#"{{"error":"{error}","error_description":"{text}"}}"#);
    let several = "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request";
    let cases = [
        (
            imds(),
            400,
            metadata("invalid_request", "Identity not found"),
            ManagedIdentityNotAssigned,
            "az vmss identity assign",
        ),
        (
            imds(),
            400,
            metadata("invalid_request", several),
            InvalidSpec,
            "spec.managedIdentity.clientId",
        ),
        (
            imds(),
            400,
            metadata("invalid_resource", "AADSTS500011: no. Trace ID: 1"),
            ResourceNotFound,
            "AADSTS500011: no. Check",
        ),
        (
            imds(),
            400,
            metadata("bad_request_102", "Required metadata header not specified"),
            AuthenticationFailed,
            "bad_request_102: Required",
        ),
        (
            imds(),
            401,
            metadata("unknown_source", "x"),
            AuthenticationFailed,
            "unknown_source",
        ),
        (
            imds(),
            403,
            "A socket operation was attempted to an unreachable network".to_owned(),
            ManagedIdentityUnavailable,
            "169.254.169.254",
        ),
        (
            imds(),
            403,
            metadata("x", "not you"),
            AuthenticationFailed,
            "not you",
        ),
        (
            imds(),
            404,
            "<html>".to_owned(),
            ManagedIdentityUnavailable,
            "another cloud",
        ),
        (
            imds(),
            302,
            String::new(),
            ManagedIdentityUnavailable,
            "elsewhere",
        ),
    ];
    each_has_its_reason_and_its_mend(&cases);
}

#[test]
fn each_refusal_of_other_hosts_has_its_reason_and_its_mend() {
    use Reason::{AuthenticationFailed, ManagedIdentityNotAssigned};
    let app = r#"{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.","correlationId":"1"}"#;
    let fabric = r#"{"error":{"correlationId":"1","code":"ManagedIdentityNotFound","message":"Managed identity not found for the specified application host."}}"#;
    let cases = [
        (
            app_service(),
            400,
            app.to_owned(),
            ManagedIdentityNotAssigned,
            "az webapp identity assign",
        ),
        (
            app_service(),
            401,
            r#"{"statusCode":401,"message":"no header"}"#.to_owned(),
            AuthenticationFailed,
            "no header",
        ),
        (
            app_service(),
            403,
            "unreachable".to_owned(),
            AuthenticationFailed,
            "unreachable",
        ),
        (
            service_fabric(),
            404,
            fabric.to_owned(),
            ManagedIdentityNotAssigned,
            "ApplicationManifest.xml",
        ),
        (arc(), 401, String::new(), AuthenticationFailed, "HTTP 401"),
    ];
    each_has_its_reason_and_its_mend(&cases);
}

#[test]
fn azures_own_code_is_kept() {
    let code = |body: &str| {
        let problem = read(&imds(), &Which::System, &answer(400, body)).unwrap_err();
        problem.azure_code
    };
    let entra = r#"{"error":"invalid_resource","error_description":"AADSTS500011: no"}"#;
    assert_eq!(code(entra).as_deref(), Some("AADSTS500011"));
    let own = r#"{"error":"invalid_request","error_description":"no"}"#;
    assert_eq!(code(own).as_deref(), Some("invalid_request"));
    assert_eq!(code(""), None);
}

#[test]
fn outages_are_waited_out_by_the_book() {
    let retry = |status: u16, after: Option<&'static str>| {
        let mut answer = answer(status, "");
        if let Some(after) = after {
            answer
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        let problem = read(&imds(), &Which::System, &answer).unwrap_err();
        (problem.reason, problem.retry)
    };
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    assert_eq!(retry(429, Some("5")), (Reason::Throttled, after(5)));
    assert_eq!(retry(429, None), (Reason::Throttled, Retry::Backoff));
    assert_eq!(retry(410, None), (Reason::AzureUnavailable, after(70)));
    assert_eq!(retry(410, Some("5")), (Reason::AzureUnavailable, after(70)));
    assert_eq!(
        retry(410, Some("90")),
        (Reason::AzureUnavailable, after(90))
    );
    assert_eq!(retry(404, None).1, Retry::Backoff);
    for status in [500, 502, 503, 504] {
        assert_eq!(
            retry(status, None),
            (Reason::AzureUnavailable, Retry::Backoff)
        );
    }
    assert_eq!(retry(503, Some("7")).1, after(7));
}

#[test]
fn where_nobody_answers_there_is_no_metadata_service() {
    let problem = |reason| Problem::new(reason, Retry::Backoff, "x");
    for reason in [
        Reason::ConnectionFailed,
        Reason::TimedOut,
        Reason::HostNotFound,
    ] {
        let unavailable = lost(&imds(), problem(reason));
        assert_eq!(unavailable.reason, Reason::ManagedIdentityUnavailable);
        assert!(unavailable.message.contains("hostNetwork"), "{unavailable}");
        // The others are there, since the environment says so: something is broken.
        assert_eq!(lost(&app_service(), problem(reason)).reason, reason);
    }
    let pinned = lost(&service_fabric(), problem(Reason::CertificateNotTrusted));
    assert!(
        pinned.message.contains("IDENTITY_SERVER_THUMBPRINT"),
        "{pinned}"
    );
}
