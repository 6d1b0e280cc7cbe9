use std::sync::Arc;

use super::fixtures::{answer, place, profile, whole};
use super::*;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;

fn token() -> SecretValue {
    SecretValue::from("t0ken".to_owned())
}

#[test]
fn a_request_carries_token_and_version_and_does_not_print_the_token() {
    let call = paths::get(place("a b/ü"));
    let request = request(&profile(), &call, &token()).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://lakea.dfs.core.windows.net/raw/a%20b/%C3%BC"
    );
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| known == name);
        found.unwrap().1.to_str().unwrap().to_owned()
    };
    assert_eq!(header("authorization"), "Bearer t0ken");
    assert_eq!(header("x-ms-version"), "2025-01-05");
    assert!(request.body.is_none());
    assert!(!format!("{request:?}").contains("t0ken"));
}

#[test]
fn parameters_are_encoded_once() {
    let call = list::list(place("a&b"), true, Some("x=/+ %"));
    let url = request(&profile(), &call, &token()).unwrap().url;
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    assert!(pairs.contains(&("directory".to_owned(), "a&b".to_owned())));
    assert!(pairs.contains(&("continuation".to_owned(), "x=/+ %".to_owned())));
}

#[test]
fn a_token_goes_only_to_lakes_of_the_cloud() {
    let mut call = filesystem::get(whole());
    call.place.lake.uri = "https://lakea.dfs.core.windows.net.evil.test"
        .parse()
        .unwrap();
    let problem = request(&profile(), &call, &token()).unwrap_err();
    assert_eq!(problem.reason, Reason::LakeNotInCloud);
    let bare = Profile {
        cloud: Arc::new(Cloud {
            storage: None,
            ..Cloud::named(CloudName::Public)
        }),
        ..profile()
    };
    let problem = request(&bare, &filesystem::get(whole()), &token()).unwrap_err();
    assert_eq!(problem.reason, Reason::StorageUnknown);
    assert!(problem.message.contains("spec.cloud.custom.storage.suffix"));
}

#[test]
fn what_writes_nothing_says_so() {
    let call = access::set(place("a"), None, None, &access::Change::None).unwrap();
    let request = request(&profile(), &call, &token()).unwrap();
    assert_eq!(request.body.unwrap().len(), 0);
}

#[test]
fn only_azure_says_that_something_is_not_there() {
    let call = paths::get(place("a"));
    let outcome = |status, code: &str| {
        let headers: &[(&str, &str)] = &[("x-ms-error-code", code)];
        let answer = answer(status, if code.is_empty() { &[] } else { headers }, "");
        absent(read(&profile(), &call, answer, Timestamp::UNIX_EPOCH)).map(|found| found.is_some())
    };
    assert_eq!(outcome(404, "PathNotFound"), Ok(false));
    assert_eq!(outcome(404, "FilesystemNotFound"), Ok(false));
    assert!(outcome(404, "").is_err() && outcome(404, "ResourceNotFound").is_err());
    assert_eq!(outcome(200, ""), Ok(true));
}
