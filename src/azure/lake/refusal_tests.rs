use super::*;
use crate::azure::lake::fixtures::{ACCOUNT, answer, place, profile};
use crate::azure::lake::{access, paths};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn refused(status: u16, code: &str, headers: &[(&str, &str)]) -> Problem {
    let body = format!(
        r#"{{"error":{{"code":"{code}","message":"No.\nRequestId:90e1f6c6-101f-0016-0db0-fd3338000000\nTime:2021-12-30T19:10:45.6103995Z"}}}}"#
    );
    let call = paths::get(place("a"));
    problem(&profile(), &call, &answer(status, headers, &body), NOW)
}

#[test]
fn codes_are_told_apart() {
    let slow = Retry::OnChange;
    let soon = Retry::Backoff;
    for (status, code, reason, retry) in [
        (
            403,
            "AuthorizationPermissionMismatch",
            Reason::Forbidden,
            soon,
        ),
        (
            403,
            "AuthorizationFailure",
            Reason::ForbiddenByNetwork,
            soon,
        ),
        (403, "AccountIsDisabled", Reason::AccountDisabled, slow),
        (
            403,
            "KeyBasedAuthenticationNotPermitted",
            Reason::RequestRefused,
            slow,
        ),
        (403, "Other", Reason::Forbidden, soon),
        (
            409,
            "FilesystemBeingDeleted",
            Reason::AzureBusy,
            Retry::After(DELETING),
        ),
        (404, "PathNotFound", Reason::AzureResourceNotFound, soon),
        (409, "PathConflict", Reason::PathConflict, soon),
        (409, "PathAlreadyExists", Reason::PathConflict, soon),
        (409, "Other", Reason::AzureBusy, soon),
        (412, "ConditionNotMet", Reason::AzureBusy, soon),
        (412, "LeaseIdMissing", Reason::LeaseHeld, soon),
        (409, "LeaseAlreadyPresent", Reason::LeaseHeld, soon),
        (503, "ServerBusy", Reason::Throttled, soon),
        (500, "OperationTimedOut", Reason::Throttled, soon),
        (429, "", Reason::Throttled, soon),
        (500, "InternalError", Reason::AzureUnavailable, soon),
        (400, "InvalidInput", Reason::RequestRefused, slow),
        (400, "Md5Mismatch", Reason::ConnectionFailed, soon),
        (
            400,
            "HierarchicalNamespaceNotEnabled",
            Reason::HierarchyMissing,
            slow,
        ),
        (401, "InvalidAuthenticationInfo", Reason::Unauthorized, soon),
    ] {
        let problem = refused(status, code, &[]);
        assert_eq!(
            (problem.reason, problem.retry),
            (reason, retry),
            "{code}: {problem}"
        );
        assert_eq!(problem.http_status, Some(status));
        assert!(problem.message.contains("lakea"), "{problem}");
    }
}

#[test]
fn what_differs_from_try_to_try_is_not_told() {
    let problem = refused(400, "InvalidInput", &[("x-ms-request-id", "5a8d")]);
    assert!(
        problem.message.ends_with("Azure says (InvalidInput): No."),
        "{problem}"
    );
    assert_eq!(problem.correlation_id.as_deref(), Some("5a8d"));
}

#[test]
fn an_answer_to_head_says_its_code_in_a_header() {
    let call = paths::get(place("a"));
    let bare = answer(404, &[("x-ms-error-code", "PathNotFound")], "");
    let problem = problem(&profile(), &call, &bare, NOW);
    assert_eq!(problem.azure_code.as_deref(), Some("PathNotFound"));
}

#[test]
fn a_missing_role_is_named_with_the_command() {
    let problem = refused(403, "AuthorizationPermissionMismatch", &[]);
    let command = format!(
        "az role assignment create --assignee 22222222-2222-2222-2222-222222222222 --role \"Storage Blob Data Owner\" --scope {ACCOUNT}."
    );
    assert!(problem.message.contains(&command), "{problem}");
}

#[test]
fn a_limit_says_for_how_long() {
    let problem = refused(503, "ServerBusy", &[("retry-after", "7")]);
    assert_eq!(problem.retry, Retry::After(Duration::from_secs(7)));
    let slow = refused(403, "AccountIsDisabled", &[("retry-after", "7")]);
    assert_eq!(slow.retry, Retry::OnChange);
}

#[test]
fn an_account_of_another_tenant_is_told() {
    let challenge = |tenant: &str| {
        let text = format!(
            "Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id=https://storage.azure.com"
        );
        refused(
            401,
            "NoAuthenticationInformation",
            &[("www-authenticate", &text)],
        )
        .reason
    };
    assert_eq!(
        challenge("11111111-1111-1111-1111-111111111111"),
        Reason::Unauthorized
    );
    assert_eq!(
        challenge("99999999-1111-1111-1111-111111111111"),
        Reason::ForeignChallenge
    );
}

#[test]
fn what_cannot_go_on_is_begun_anew() {
    let tree = access::Sweep::Remove(crate::azure::lake::Removal::default());
    let expired = answer(400, &[("x-ms-error-code", "InvalidInput")], "");
    for (from, begun_anew) in [(None, false), (Some("old"), true)] {
        let call = access::sweep(place("a"), &tree, 1, from).unwrap();
        let problem = problem(&profile(), &call, &expired, NOW);
        assert_eq!(lost(&call, &problem), begun_anew);
        assert_eq!(problem.retry == Retry::Backoff, begun_anew);
    }
}

#[test]
fn what_exists_is_told_from_what_stands_in_the_way() {
    assert!(exists(&refused(409, "PathAlreadyExists", &[])));
    assert!(exists(&refused(409, "FilesystemAlreadyExists", &[])));
    assert!(!exists(&refused(409, "PathConflict", &[])));
    assert!(changed_since(&refused(412, "ConditionNotMet", &[])));
}
