use super::*;
use crate::azure::fixtures::answer;
use crate::azure::lake;
use crate::azure::webhdfs::get;
use crate::azure::webhdfs::mod_tests::{lake, path, profile};

fn refused(status: u16, exception: &str, message: &str) -> Problem {
    let body = format!(
        r#"{{"RemoteException":{{"exception":"{exception}","message":"{message} [5d5f][2017-05-31T00:00:00.0000000-07:00]","javaClassName":"x"}}}}"#
    );
    let call = get(&lake(), &path("a"));
    problem(
        &profile(),
        &call,
        &answer(status, &[], &body),
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn exceptions_are_told_apart() {
    for (status, exception, message, reason) in [
        (
            404,
            "FileNotFoundException",
            "File/Folder does not exist: /a",
            Reason::AzureResourceNotFound,
        ),
        (
            403,
            "AccessControlException",
            "GETFILESTATUS failed with error 0x83090aa2",
            Reason::Forbidden,
        ),
        (
            403,
            "AccessControlException",
            "the Firewall has no rule for it",
            Reason::ForbiddenByNetwork,
        ),
        (403, "FileAlreadyExistsException", "x", Reason::PathConflict),
        (400, "BadOffsetException", "x", Reason::AzureBusy),
        (401, "AuthenticationException", "x", Reason::Unauthorized),
        (429, "ThrottledException", "x", Reason::Throttled),
        (503, "", "x", Reason::AzureUnavailable),
        (400, "IllegalArgumentException", "x", Reason::RequestRefused),
    ] {
        let problem = refused(status, exception, message);
        assert_eq!(problem.reason, reason, "{problem}");
        assert!(!problem.message.contains("5d5f"), "{problem}");
    }
}

#[test]
fn what_is_not_there_and_what_is_there_already_are_answers() {
    assert!(lake::is_absent(&refused(404, "FileNotFoundException", "x")));
    assert!(!lake::is_absent(&refused(404, "", "x")));
    assert!(lake::refusal::exists(&refused(
        403,
        "FileAlreadyExistsException",
        "x"
    )));
}

#[test]
fn a_missing_right_is_named_with_its_mend() {
    let problem = refused(403, "AccessControlException", "x");
    assert!(
        problem
            .message
            .contains("--role Owner --scope /subscriptions/s/storea"),
        "{problem}"
    );
}

#[test]
fn a_service_that_was_closed_is_told_with_the_way_out() {
    let closed = [(404, ""), (410, "")].map(|(status, code)| refused(status, code, "x"));
    let lost = |reason| {
        let call = get(&lake(), &path("a"));
        let problem = Problem::new(reason, Retry::Backoff, "storea.x has no address in DNS");
        crate::azure::webhdfs::unreachable(&call, problem)
    };
    let all = closed.into_iter().chain([lost(Reason::HostNotFound)]);
    for problem in all.chain([lost(Reason::ConnectionFailed)]) {
        let told = &problem.message;
        assert!(
            told.contains("29 February 2024") && told.contains("--to-gen2"),
            "{problem}"
        );
        assert!(!lake::is_absent(&problem), "{problem}");
    }
    // Time alone tells nothing.
    assert!(!lost(Reason::TimedOut).message.contains("2024"));
}
