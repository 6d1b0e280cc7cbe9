use serde_json::json;

use super::*;
use crate::azure::arm::fixtures::{VAULT, answer, call, json as answer_json, profile, subject};
use crate::azure::arm::read as read_reply;
use crate::azure::arm::{Reply, fixtures};

const STATUS: &str = "https://management.azure.com/subscriptions/s/providers/Microsoft.X/operationStatuses/1?api-version=1&s=SIGNATURE";
const RESULT: &str =
    "https://management.azure.com/subscriptions/s/operationresults/1?api-version=1";

fn begin(method: Method, answer: &Answer) -> Result<Option<Poll>, Problem> {
    let call = call(method);
    read_reply(&profile(), &call, answer, Timestamp::UNIX_EPOCH)
        .map(|Reply { operation, .. }| operation)
}

fn poll(form: Form) -> Poll {
    Poll {
        form,
        url: STATUS.to_owned(),
    }
}

fn ask(form: Form, answer: &Answer) -> Result<Polled, Problem> {
    read(
        &profile(),
        &subject(),
        &poll(form),
        answer,
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn the_form_is_chosen_in_azures_order() {
    let both = [("Azure-AsyncOperation", STATUS), ("Location", RESULT)];
    let creating = r#"{"properties":{"provisioningState":"RegisteringDns"}}"#;
    let form = |method: &Method, status, headers: &[(&str, &str)], body: &str| {
        begin(method.clone(), &answer(status, headers, body))
            .unwrap()
            .map(|poll| (poll.form, poll.url))
    };
    let put = Method::PUT;
    assert_eq!(
        form(&put, 201, &both, creating),
        Some((Form::AsyncOperation, STATUS.to_owned()))
    );
    assert_eq!(
        form(&put, 202, &both[1..], ""),
        Some((Form::Location, RESULT.to_owned()))
    );
    let itself = format!("https://management.azure.com{VAULT}?api-version=2026-05-15");
    assert_eq!(
        form(&put, 200, &[], creating),
        Some((Form::Resource, itself.clone()))
    );
    assert_eq!(form(&put, 202, &[], ""), Some((Form::Resource, itself)));
    let done = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
    assert_eq!(form(&put, 201, &both[1..], done), None);
    assert_eq!(form(&put, 200, &[], "{}"), None);
    assert_eq!(form(&Method::GET, 200, &[], creating), None);
    assert_eq!(form(&Method::DELETE, 200, &[], ""), None);
    assert_eq!(form(&Method::DELETE, 202, &[], ""), None);
    assert_eq!(
        form(&Method::DELETE, 202, &both[1..], "").map(|(form, _)| form),
        Some(Form::Location)
    );
}

#[test]
fn an_operation_is_followed_on_the_clouds_own_resource_manager_alone() {
    for bad in [
        "https://evil.example/operations/1",
        "http://management.azure.com/operations/1",
        "https://management.azure.com.evil.example/1",
        "https://management.azure.com@evil.example/1",
        "https://user:password@management.azure.com/1",
        "https://management.azure.com:8443/1",
        "//evil.example/1",
        "\\\\evil.example\\1",
        "javascript:x",
    ] {
        for header in ["Azure-AsyncOperation", "Location"] {
            let problem = begin(Method::PUT, &answer(202, &[(header, bad)], "")).unwrap_err();
            assert_eq!(problem.reason, Reason::ForeignChallenge, "{bad}");
        }
        // A status may have been written by somebody else.
        let kept = Poll {
            form: Form::Location,
            url: bad.to_owned(),
        };
        let token = SecretValue::from("t".to_owned());
        assert!(request(&profile(), &kept, &token).is_err(), "{bad}");
    }
    let relative = begin(
        Method::PUT,
        &answer(
            202,
            &[("Location", "/subscriptions/s/operationresults/1")],
            "",
        ),
    );
    assert_eq!(
        relative.unwrap().unwrap().url,
        "https://management.azure.com/subscriptions/s/operationresults/1"
    );
}

#[test]
fn a_poll_is_asked_as_it_was_told_and_kept_as_it_is() {
    let token = SecretValue::from("t".to_owned());
    let poll = poll(Form::AsyncOperation);
    let request = request(&profile(), &poll, &token).unwrap();
    assert_eq!(
        (request.url.as_str(), request.method),
        (STATUS, Method::GET)
    );
    let text = serde_json::to_string(&poll).unwrap();
    assert_eq!(
        text,
        format!(r#"{{"form":"AsyncOperation","url":"{STATUS}"}}"#)
    );
    assert_eq!(serde_json::from_str::<Poll>(&text).unwrap(), poll);
}

#[test]
fn its_own_status_ends_it_by_three_words_only() {
    let status = |text: &str| {
        ask(
            Form::AsyncOperation,
            &answer_json(200, &json!({"status": text})),
        )
    };
    for running in ["InProgress", "Running", "Accepted", "Resolving", "Updating"] {
        assert_eq!(
            status(running).unwrap(),
            Polled::Running { retry_after: None },
            "{running}"
        );
    }
    assert!(matches!(status("Succeeded").unwrap(), Polled::Succeeded(_)));
    for ended in ["Failed", "canceled", "Cancelled"] {
        let Polled::Failed(problem) = status(ended).unwrap() else {
            panic!("{ended} did not fail");
        };
        assert_eq!(problem.reason, Reason::OperationFailed);
        assert!(problem.message.contains(ended), "{problem}");
    }
    let paced = answer(200, &[("Retry-After", "15")], r#"{"status":"InProgress"}"#);
    assert_eq!(
        ask(Form::AsyncOperation, &paced).unwrap(),
        Polled::Running {
            retry_after: Some(Duration::from_secs(15))
        }
    );
    let silent = ask(Form::AsyncOperation, &answer_json(200, &json!({})));
    assert_eq!(silent.unwrap_err().reason, Reason::MalformedAnswer);
}

#[test]
fn a_failed_operation_tells_its_error() {
    let body = json!({"id": "x", "status": "Failed", "error": {"code": "VaultBroken", "message": "It broke."}});
    let Polled::Failed(problem) = ask(Form::AsyncOperation, &answer_json(200, &body)).unwrap()
    else {
        panic!("it did not fail");
    };
    assert_eq!(problem.azure_code.as_deref(), Some("VaultBroken"));
    assert!(
        problem.message.contains("VaultBroken") && problem.message.contains("It broke."),
        "{problem}"
    );
    let body = json!({"status": "Failed", "error": {"code": "RequestDisallowedByPolicy", "message": "no"}});
    let Polled::Failed(problem) = ask(Form::AsyncOperation, &answer_json(200, &body)).unwrap()
    else {
        panic!("it did not fail");
    };
    assert_eq!(problem.reason, Reason::DisallowedByPolicy);
}

#[test]
fn a_location_answers_202_until_it_is_done() {
    let running = Polled::Running { retry_after: None };
    let asked = |status, body: &str| ask(Form::Location, &answer(status, &[], body));
    assert_eq!(asked(202, "").unwrap(), running);
    assert_eq!(asked(200, "").unwrap(), Polled::Succeeded(Value::Null));
    assert_eq!(asked(204, "").unwrap(), Polled::Succeeded(Value::Null));
    assert!(matches!(asked(201, "{}").unwrap(), Polled::Succeeded(_)));
    let creating = r#"{"properties":{"provisioningState":"Creating"}}"#;
    assert_eq!(asked(200, creating).unwrap(), running);
    let failed = r#"{"status":"Failed","error":{"code":"X","message":"m"}}"#;
    assert!(matches!(asked(200, failed).unwrap(), Polled::Failed(_)));
    let refused = r#"{"error":{"code":"ScopeLocked","message":"m"}}"#;
    assert!(
        matches!(asked(409, refused).unwrap(), Polled::Failed(p) if p.reason == Reason::ScopeLocked)
    );
}

#[test]
fn a_resource_tells_by_its_own_state() {
    let state = |state: &str| {
        let body = json!({"properties": {"provisioningState": state}});
        ask(Form::Resource, &answer_json(200, &body)).unwrap()
    };
    assert_eq!(
        state("RegisteringDns"),
        Polled::Running { retry_after: None }
    );
    assert!(matches!(state("Succeeded"), Polled::Succeeded(_)));
    assert!(matches!(state("Failed"), Polled::Failed(_)));
    let none = ask(Form::Resource, &answer_json(200, &json!({"id": "x"})));
    assert!(matches!(none.unwrap(), Polled::Succeeded(_)));
}

#[test]
fn what_azure_forgot_is_lost_and_neither_done_nor_failed() {
    for form in [Form::AsyncOperation, Form::Location, Form::Resource] {
        for status in [404, 410] {
            assert_eq!(ask(form, &answer(status, &[], "")).unwrap(), Polled::Lost);
        }
    }
}

#[test]
fn trouble_with_the_question_says_nothing_of_the_operation() {
    for form in [Form::AsyncOperation, Form::Location, Form::Resource] {
        for status in [401, 403, 408, 429, 500, 502, 503, 504] {
            let answer = answer(status, &[("Retry-After", "9")], "");
            let problem = ask(form, &answer).unwrap_err();
            if status != 401 {
                assert_eq!(
                    problem.retry,
                    Retry::After(Duration::from_secs(9)),
                    "{status}"
                );
            }
        }
        let torn = ask(form, &fixtures::answer(200, &[], "{\"status\":"));
        assert_eq!(torn.unwrap_err().reason, Reason::MalformedAnswer);
    }
}
