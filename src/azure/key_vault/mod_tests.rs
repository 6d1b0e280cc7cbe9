use http::{HeaderMap, StatusCode};

use std::sync::Arc;

use http::header;

use super::*;
use crate::azure::auth::Claims;
use crate::azure::cloud::Cloud;
use crate::azure::http::Body;
use crate::azure::resource::Resource;
use crate::azure_identity::api::{CloudName, ResourceManagerProfile};

const VERSION: &str = "4387e9f3d6e14c459867679a90fd0f79";

pub(super) fn profile() -> Profile {
    Profile {
        cloud: Cloud::shared(CloudName::Public),
        tenant: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        client: Some("22222222-2222-2222-2222-222222222222".parse().unwrap()),
    }
}

/// An identity in a cloud without soft deletion.
pub(super) fn on_stack() -> Profile {
    let mut profile = profile();
    let cloud = Arc::make_mut(&mut profile.cloud);
    cloud.resource_manager.as_mut().unwrap().profile = ResourceManagerProfile::AzureStack;
    profile
}

pub(super) fn vault() -> VaultUri {
    "https://kv.vault.azure.net".parse().unwrap()
}

fn id() -> Object {
    Object {
        kind: Kind::Secret,
        name: "db".parse().unwrap(),
        version: None,
    }
}

fn answer(status: u16, body: &str, challenge: Option<&'static str>) -> Answer {
    let challenge =
        challenge.map(|text| (header::WWW_AUTHENTICATE, HeaderValue::from_static(text)));
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter(challenge),
        body: Body::new(body.as_bytes().to_vec()),
    }
}

fn problem(status: u16, body: &str, challenge: Option<&'static str>) -> Problem {
    read(
        &profile(),
        &vault(),
        &id(),
        &answer(status, body, challenge),
        Timestamp::UNIX_EPOCH,
    )
    .unwrap_err()
}

fn ok(id: &Object, body: &str) -> Result<Bundle, Problem> {
    read(
        &profile(),
        &vault(),
        id,
        &answer(200, body, None),
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn a_secret_is_asked_for_by_name_and_version_with_the_token_in_a_sensitive_header() {
    let pinned = Object {
        version: Some(VERSION.parse().unwrap()),
        ..id()
    };
    let request = request(
        &profile(),
        &vault(),
        &pinned,
        &SecretValue::from("tok".to_owned()),
    )
    .unwrap();
    let expected = format!("https://kv.vault.azure.net/secrets/db/{VERSION}?api-version=7.4");
    assert_eq!(request.url.as_str(), expected);
    assert!(
        !format!("{request:?}").contains("tok"),
        "the token is in the debug output"
    );
}

#[test]
fn a_bundle_is_read_with_its_times() {
    let body = format!(
        r#"{{"value":"s","id":"https://kv.vault.azure.net/secrets/DB/{VERSION}","attributes":{{"enabled":true,"updated":10,"nbf":20,"exp":30}}}}"#
    );
    let bundle = ok(&id(), &body).unwrap();
    assert_eq!(bundle.value.expose(), b"s");
    assert_eq!(bundle.version.as_str(), VERSION);
    let times =
        [bundle.updated, bundle.not_before, bundle.expires].map(|time| time.unwrap().as_second());
    assert_eq!(times, [10, 20, 30]);
}

#[test]
fn an_answer_about_something_else_is_not_taken() {
    let other_version = "0000e9f3d6e14c459867679a90fd0f79";
    let pinned = Object {
        version: Some(VERSION.parse().unwrap()),
        ..id()
    };
    let body = |name: &str, version: &str| {
        format!(r#"{{"value":"s","id":"https://kv.vault.azure.net/secrets/{name}/{version}"}}"#)
    };
    assert!(ok(&pinned, &body("db", VERSION)).is_ok());
    for (id, text) in [
        (&id(), body("other", VERSION)),
        (&pinned, body("db", other_version)),
        (
            &id(),
            r#"{"id":"https://kv.vault.azure.net/secrets/db/1"}"#.to_owned(),
        ),
        (&id(), r#"{"value":"s","id":"x"}"#.to_owned()),
        (&id(), "{\"value\":".to_owned()),
        (&id(), String::new()),
    ] {
        let problem = ok(id, &text).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{text}");
        assert!(
            !problem.message.contains("\"s\""),
            "the body is in the message: {problem}"
        );
    }
}

#[test]
fn refusals_are_told_apart() {
    let inner = |code: &str| {
        format!(
            r#"{{"error":{{"code":"Forbidden","message":"no\r\nway","innererror":{{"code":"{code}"}}}}}}"#
        )
    };
    let cases = [
        (
            403,
            inner("ForbiddenByRbac"),
            Reason::Forbidden,
            "az role assignment create",
        ),
        (
            403,
            inner("AccessDenied"),
            Reason::Forbidden,
            "az keyvault set-policy",
        ),
        (
            403,
            inner("SecretDisabled"),
            Reason::ObjectDisabled,
            "--enabled true",
        ),
        (
            403,
            inner("ForbiddenByFirewall"),
            Reason::ForbiddenByNetwork,
            "no way",
        ),
        (
            404,
            r#"{"error":{"code":"SecretNotFound","message":"x"}}"#.to_owned(),
            Reason::ObjectNotFound,
            "list-deleted",
        ),
        (
            400,
            r#"{"error":{"code":"BadParameter","message":"bad name"}}"#.to_owned(),
            Reason::RequestRefused,
            "bad name",
        ),
        (503, "<html>".to_owned(), Reason::AzureUnavailable, "503"),
    ];
    for (status, body, reason, mend) in cases {
        let problem = problem(status, &body, None);
        assert_eq!(problem.reason, reason, "{body}");
        assert!(problem.message.contains(mend), "{problem}");
        assert_eq!(problem.http_status, Some(status));
    }
    assert_eq!(
        problem(403, &inner("SecretDisabled"), None)
            .azure_code
            .as_deref(),
        Some("SecretDisabled")
    );
}

#[test]
fn where_nothing_is_deleted_softly_nobody_is_sent_to_look_for_it() {
    let said = r#"{"error":{"code":"SecretNotFound","message":"x"}}"#;
    let (answer, now) = (answer(404, said, None), Timestamp::UNIX_EPOCH);
    let problem = read(&on_stack(), &vault(), &id(), &answer, now).unwrap_err();
    assert_eq!(problem.reason, Reason::ObjectNotFound);
    assert!(!problem.message.contains("list-deleted"), "{problem}");
    assert!(problem.message.contains("store it anew"), "{problem}");
}

#[test]
fn a_throttled_vault_says_how_long() {
    let mut throttled = answer(429, "", None);
    throttled
        .headers
        .insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
    let problem = read(
        &profile(),
        &vault(),
        &id(),
        &throttled,
        Timestamp::UNIX_EPOCH,
    )
    .unwrap_err();
    assert_eq!(problem.retry, Retry::After(Duration::from_secs(7)));
}

#[test]
fn a_challenge_tells_whether_the_vault_is_ours() {
    let own = r#"Bearer authorization="https://login.windows.net/11111111-1111-1111-1111-111111111111", resource="https://vault.azure.net""#;
    let tenant = r#"Bearer authorization="https://login.windows.net/99999999-1111-1111-1111-111111111111", resource="https://vault.azure.net""#;
    let host = r#"Bearer authorization_uri="https://evil.example/11111111-1111-1111-1111-111111111111", scope="https://vault.azure.net/.default""#;
    let resource = r#"Bearer authorization="https://login.windows.net/11111111-1111-1111-1111-111111111111", resource="https://graph.microsoft.com""#;
    assert_eq!(problem(401, "", Some(own)).reason, Reason::Unauthorized);
    assert_eq!(problem(401, "", None).reason, Reason::Unauthorized);
    for foreign in [tenant, host, resource] {
        assert_eq!(
            problem(401, "", Some(foreign)).reason,
            Reason::ForeignChallenge,
            "{foreign}"
        );
    }
}

/// A cloud whose vaults' audience was derived, not told.
fn derived() -> Profile {
    let cloud = Cloud {
        audience_by_challenge: true,
        ..Cloud::named(CloudName::Public)
    };
    Profile {
        cloud: Arc::new(cloud),
        ..profile()
    }
}

#[test]
fn a_derived_audience_is_corrected_by_the_vault_but_only_to_a_vaults() {
    let challenge = |resource: &'static str| {
        let answer = answer(401, "", Some(resource));
        (
            remedy(&derived(), &answer).audience,
            read(&derived(), &vault(), &id(), &answer, Timestamp::UNIX_EPOCH)
                .unwrap_err()
                .reason,
        )
    };
    let told = r#"Bearer authorization="https://login.windows.net/11111111-1111-1111-1111-111111111111", resource="https://vault.contoso.test/guid""#;
    assert_eq!(
        challenge(told),
        (
            Some(Resource::new("https://vault.contoso.test/guid")),
            Reason::Unauthorized
        )
    );
    let management = r#"Bearer resource="https://management.contoso.test/guid""#;
    assert_eq!(challenge(management), (None, Reason::ForeignChallenge));
    let answer = answer(401, "", Some(told));
    assert_eq!(
        remedy(&profile(), &answer).audience,
        None,
        "a known audience was replaced"
    );
}

#[test]
fn claims_are_asked_for_only_by_a_refusal_of_the_token() {
    let challenge = r#"Bearer error="insufficient_claims", claims="e30=""#;
    assert_eq!(
        remedy(&profile(), &answer(401, "", Some(challenge))).claims,
        Some(Claims("{}".to_owned()))
    );
    assert_eq!(
        remedy(&profile(), &answer(403, "", Some(challenge))),
        Remedy::default()
    );
}
