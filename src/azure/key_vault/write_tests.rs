use http::HeaderMap;

use super::super::mod_tests::{on_stack, profile, vault};
use super::*;
use crate::azure::http::Body as AnswerBody;
use crate::problem::Reason;

const VERSION: &str = "4387e9f3d6e14c459867679a90fd0f79";

fn object(kind: Kind) -> Object {
    Object {
        kind,
        name: "db".parse().unwrap(),
        version: None,
    }
}

fn token() -> SecretValue {
    SecretValue::from("tok".to_owned())
}

fn answer(status: u16, body: &serde_json::Value) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: AnswerBody::new(body.to_string().into_bytes()),
    }
}

fn with<T>(kind: Kind, act: impl FnOnce(To<'_>) -> T) -> T {
    let (profile, vault, object) = (profile(), vault(), object(kind));
    act(To {
        profile: &profile,
        vault: &vault,
        object: &object,
    })
}

fn body(request: &Request) -> serde_json::Value {
    serde_json::from_slice(request.body.as_ref().unwrap()).unwrap()
}

fn shape() -> Shape {
    Shape {
        content_type: Some("text/plain".to_owned()),
        tags: Tags::from([("a".to_owned(), "b".to_owned())]),
        expires: Timestamp::from_second(1_800_000_000).ok(),
    }
}

#[test]
fn a_secret_is_set_with_its_attributes() {
    let content = Content::Text(SecretValue::from("va\"lue".to_owned()));
    let request = with(Kind::Secret, |to| to.put(&content, &shape(), &token())).unwrap();
    let url = "https://kv.vault.azure.net/secrets/db?api-version=7.4";
    assert_eq!((&request.method, request.url.as_str()), (&Method::PUT, url));
    let expected = serde_json::json!({
        "value": "va\"lue", "contentType": "text/plain", "tags": {"a": "b"}, "attributes": {"exp": 1_800_000_000}
    });
    assert_eq!(body(&request), expected);
    assert!(!format!("{request:?}").contains("tok"), "{request:?}");
}

#[test]
fn attributes_change_without_a_value_and_at_one_version() {
    let (profile, vault) = (profile(), vault());
    let pinned = Object {
        version: Some(VERSION.parse().unwrap()),
        ..object(Kind::Secret)
    };
    let to = To {
        profile: &profile,
        vault: &vault,
        object: &pinned,
    };
    let request = to.update(&Shape::default(), &token()).unwrap();
    let url = format!("https://kv.vault.azure.net/secrets/db/{VERSION}?api-version=7.4");
    assert_eq!(
        (&request.method, request.url.as_str()),
        (&Method::PATCH, url.as_str())
    );
    assert_eq!(body(&request), serde_json::json!({"tags": {}}));
}

#[test]
fn a_certificate_is_imported_in_the_form_that_it_has() {
    let file = CertificateFile {
        text: SecretValue::from("MIIB".to_owned()),
        pkcs12: true,
        password: Some(SecretValue::from("pw".to_owned())),
    };
    let shape = shape();
    let request = with(Kind::Certificate, |to| {
        to.put(&Content::Certificate(file), &shape, &token())
    })
    .unwrap();
    assert_eq!(request.url.path(), "/certificates/db/import");
    let expected = serde_json::json!({
        "value": "MIIB", "pwd": "pw", "tags": {"a": "b"}, "policy": {"secret_props": {"contentType": "application/x-pkcs12"}}
    });
    assert_eq!(body(&request), expected);
}

#[test]
fn deletion_and_recovery_have_their_own_paths() {
    let path = |request: Result<Request, Problem>| {
        let request = request.unwrap();
        format!("{} {}", request.method, request.url.path())
    };
    with(Kind::Secret, |to| {
        assert_eq!(path(to.delete(&token())), "DELETE /secrets/db");
        assert_eq!(path(to.look_deleted(&token())), "GET /deletedsecrets/db");
        assert_eq!(
            path(to.recover(&token())),
            "POST /deletedsecrets/db/recover"
        );
    });
}

fn bundle() -> serde_json::Value {
    serde_json::json!({
        "value": "v", "id": format!("https://kv.vault.azure.net/secrets/db/{VERSION}"), "tags": {"a": "b"},
        "contentType": "text/plain", "attributes": {"enabled": true, "created": 5, "updated": 6, "exp": 7}
    })
}

#[test]
fn an_object_is_read_with_all_that_a_push_may_change() {
    let now = Timestamp::UNIX_EPOCH;
    let stored = with(Kind::Secret, |to| to.read(&answer(200, &bundle()), now));
    let stored = stored.unwrap().unwrap();
    assert_eq!(stored.version.as_str(), VERSION);
    assert_eq!(stored.content.expose(), b"v");
    assert_eq!(stored.tags, shape().tags);
    assert_eq!(stored.created, Timestamp::from_second(5).ok());
    assert_eq!(stored.expires, Timestamp::from_second(7).ok());
    assert!(!stored.managed);
    let absent = with(Kind::Secret, |to| {
        to.read(&answer(404, &serde_json::json!({})), now)
    });
    assert!(absent.unwrap().is_none());
}

#[test]
fn an_answer_about_another_object_is_not_taken() {
    let mut other = bundle();
    other["id"] = format!("https://kv.vault.azure.net/secrets/other/{VERSION}").into();
    let read = with(Kind::Secret, |to| {
        to.read_written(&answer(200, &other), Timestamp::UNIX_EPOCH)
    });
    assert_eq!(read.unwrap_err().reason, Reason::MalformedAnswer);
}

#[test]
fn a_missing_role_is_taught_with_the_command() {
    let said = serde_json::json!({"error": {"code": "Forbidden", "message": "no", "innererror": {"code": "ForbiddenByRbac"}}});
    for (kind, role) in [
        (Kind::Secret, "Key Vault Secrets Officer"),
        (Kind::Certificate, "Key Vault Certificates Officer"),
    ] {
        let problem = with(kind, |to| {
            to.read_written(&answer(403, &said), Timestamp::UNIX_EPOCH)
        })
        .unwrap_err();
        assert_eq!(problem.reason, Reason::Forbidden);
        for word in ["may not write", "az role assignment create", role] {
            assert!(problem.message.contains(word), "{problem}");
        }
    }
}

#[test]
fn what_is_done_already_is_success() {
    let now = Timestamp::UNIX_EPOCH;
    let nothing = serde_json::json!({});
    with(Kind::Secret, |to| {
        to.read_gone(&answer(404, &nothing), now).unwrap();
        to.read_recovered(&answer(404, &nothing), now).unwrap();
        to.read_recovered(&answer(409, &nothing), now).unwrap();
        assert!(
            to.read_deleted(&answer(404, &nothing), now)
                .unwrap()
                .is_none()
        );
        let said = serde_json::json!({"error": {"code": "NotSupported", "message": "not enabled for this vault"}});
        let read = to.read_deleted(&answer(400, &said), now);
        assert!(read.unwrap().is_none());
        let said = serde_json::json!({"error": {"code": "BadParameter", "message": "m"}});
        assert!(to.read_deleted(&answer(400, &said), now).is_err());
        let tags = serde_json::json!({"tags": {"a": "b"}});
        let tags = to.read_deleted(&answer(200, &tags), now).unwrap();
        assert_eq!(tags, Some(shape().tags));
    });
}

/// The reference of "Get Deleted Secret" promises an error there, and not which.
#[test]
fn a_cloud_without_soft_deletion_is_not_asked_for_deleted_objects() {
    let (vault, object) = (vault(), object(Kind::Secret));
    for (profile, keeps) in [(profile(), true), (on_stack(), false)] {
        let to = To {
            profile: &profile,
            vault: &vault,
            object: &object,
        };
        assert_eq!(to.keeps_deleted(), keeps);
    }
}

#[test]
fn a_name_that_is_still_being_deleted_is_tried_again() {
    let said = serde_json::json!({"error": {"code": "Conflict", "message": "m", "innererror": {"code": "ObjectIsBeingDeleted"}}});
    let problem = with(Kind::Secret, |to| {
        to.read_written(&answer(409, &said), Timestamp::UNIX_EPOCH)
    })
    .unwrap_err();
    assert_eq!(problem.reason, Reason::PushTargetBusy);
}
