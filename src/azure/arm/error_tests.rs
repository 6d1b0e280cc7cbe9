use serde_json::json;

use super::*;

#[test]
fn an_error_is_found_in_its_envelope_and_bare() {
    let of = |body: &Value| AzureError::of(body).map(|error| error.code);
    assert_eq!(
        of(&json!({"error": {"code": "A", "message": "m"}})).as_deref(),
        Some("A")
    );
    assert_eq!(
        of(&json!({"code": "B", "message": "m"})).as_deref(),
        Some("B")
    );
    assert_eq!(of(&json!({"error": "invalid_request"})), None);
    assert_eq!(of(&json!({"code": "B"})), None);
    assert_eq!(of(&json!([])), None);
    assert_eq!(of(&Value::Null), None);
}

#[test]
fn a_part_in_another_form_does_not_hide_the_code() {
    let body =
        json!({"error": {"code": "A", "message": "m", "details": "none", "additionalInfo": {}}});
    let error = AzureError::of(&body).unwrap();
    assert_eq!((error.code.as_str(), error.said().as_str()), ("A", "m"));
}

#[test]
fn what_lies_in_an_error_is_said_once_and_in_one_line() {
    let body = json!({"error": {"code": "A", "message": "Outer.\r\nSee below.", "details": [
        {"code": "B", "message": "Inner."}, {"code": "C", "message": "Inner."}],
        "innererror": {"code": "D", "message": "Deep."}}});
    assert_eq!(
        AzureError::of(&body).unwrap().said(),
        "Outer. See below. Inner. Deep."
    );
    let long = json!({"error": {"code": "A", "message": "ü".repeat(2000)}});
    assert_eq!(
        AzureError::of(&long).unwrap().said().chars().count(),
        LONGEST_MESSAGE
    );
}

#[test]
fn an_error_that_a_deployment_wrote_into_a_message_is_read() {
    let inner = json!({"error": {"code": "VaultAlreadyExists", "message": "The name is in use."}});
    let body = json!({"error": {"code": "DeploymentFailed", "message": "At least one failed.", "details": [
        {"code": "Conflict", "message": inner.to_string()}]}});
    let error = AzureError::of(&body).unwrap();
    let codes: Vec<&str> = error.all().iter().map(|one| one.code.as_str()).collect();
    assert_eq!(
        codes,
        ["DeploymentFailed", "Conflict", "VaultAlreadyExists"]
    );
    assert_eq!(error.said(), "At least one failed. The name is in use.");
    // Text that only looks like a document stays text.
    let text = json!({"error": {"code": "A", "message": "{ no document"}});
    assert_eq!(AzureError::of(&text).unwrap().said(), "{ no document");
}

#[test]
fn what_differs_from_try_to_try_is_left_out() {
    for (text, kept) in [
        (
            "It broke. Correlation ID: 0f1e2d3c-0000-0000-0000-000000000001.",
            "It broke.",
        ),
        (
            "It broke (tracking id '0f1e2d3c-0000-0000-0000-000000000001')",
            "It broke",
        ),
        (
            "It broke. RequestId:0f1e2d3c-0000-0000-0000-000000000001 Time:2026-11-20T07:00:00.1234567Z",
            "It broke.",
        ),
        ("Too many. Please try again after '6' seconds.", "Too many."),
        (
            "Object id 0f1e2d3c-0000-0000-0000-000000000001 is unknown.",
            "Object id 0f1e2d3c-0000-0000-0000-000000000001 is unknown.",
        ),
    ] {
        assert_eq!(settled(text), kept);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    /// Whatever Azure or a proxy writes, it is read without panicking, and what is said stays short.
    #[test]
    fn no_body_makes_it_panic(text in "[ -~äß\\n]{0,200}", code in "[A-Za-z]{0,20}", deep in 0..40usize) {
        let mut body = json!({"code": code, "message": text});
        for _ in 0..deep {
            body = json!({"code": "X", "message": text, "details": [body.clone()], "innererror": body});
            if body.to_string().len() > 10_000 { break; }
        }
        let error = AzureError::of(&json!({"error": body}));
        if let Some(error) = error {
            proptest::prop_assert!(error.said().chars().count() <= LONGEST_MESSAGE);
        }
        proptest::prop_assert_eq!(AzureError::of(&Value::String(text)), None);
    }
}
