use std::sync::Arc;

use serde_json::json;

use super::fixtures::{answer, call, json as answer_json, profile};
use super::*;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;

fn token() -> SecretValue {
    SecretValue::from("t0ken".to_owned())
}

fn read_get(answer: &Answer) -> Result<Reply, Problem> {
    read(
        &profile(),
        &call(Method::GET),
        answer,
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn a_request_names_the_version_and_carries_the_token_where_nobody_sees_it() {
    let call = Call {
        query: vec![("$filter", "roleName eq 'A & B''s'".to_owned())],
        ..call(Method::PUT)
    };
    let request = request(&profile(), &call, &token()).unwrap();
    assert_eq!(
        request.url.as_str(),
        format!(
            "https://management.azure.com{}?api-version=2026-05-15&$filter=roleName%20eq%20%27A%20%26%20B%27%27s%27",
            call.path
        )
    );
    assert_eq!(request.timeout, Duration::from_secs(30));
    assert_eq!(
        request.body.as_ref().unwrap().as_slice(),
        br#"{"location":"westus"}"#
    );
    assert!(!format!("{request:?}").contains("t0ken"));
}

#[test]
fn a_post_without_a_body_says_that_it_has_none() {
    let request = request(&profile(), &call(Method::POST), &token()).unwrap();
    assert_eq!(request.body.unwrap().len(), 0);
}

#[test]
fn a_path_that_is_not_what_it_says_is_not_sent() {
    for path in [
        "/subscriptions/../tenants",
        "@evil.example/x",
        ".evil.example/",
        ":8443/x",
        "/a b",
        "/a?b=c",
        "/a#b",
    ] {
        let call = Call {
            path: path.to_owned(),
            ..call(Method::GET)
        };
        let refused = request(&profile(), &call, &token());
        assert_eq!(refused.unwrap_err().reason, Reason::InvalidSpec, "{path}");
    }
}

#[test]
fn a_body_that_azure_would_not_take_is_not_sent() {
    let call = Call {
        body: Some(json!({ "x": "y".repeat(LARGEST_BODY) })),
        ..call(Method::PUT)
    };
    let problem = request(&profile(), &call, &token()).unwrap_err();
    assert_eq!(problem.reason, Reason::InvalidSpec);
    assert!(problem.message.contains("kv-a"), "{problem}");
}

#[test]
fn a_cloud_without_a_resource_manager_names_the_field() {
    let bare = Profile {
        cloud: Arc::new(Cloud {
            resource_manager: None,
            ..Cloud::named(CloudName::Public)
        }),
        ..profile()
    };
    let problem = request(&bare, &call(Method::GET), &token()).unwrap_err();
    assert_eq!(problem.reason, Reason::ResourceManagerUnknown);
    assert!(
        problem
            .message
            .contains("spec.cloud.custom.resourceManager.endpoint")
    );
}

#[test]
fn an_answer_is_an_object_or_empty() {
    let body = |text: &str| read_get(&answer(200, &[], text)).map(|reply| reply.body);
    assert_eq!(body(r#"{"a": 1}"#), Ok(json!({"a": 1})));
    assert_eq!(body(" \r\n"), Ok(Value::Null));
    for bad in ["[]", "1", "null", "<html>", r#"{"a":"#] {
        let problem = body(bad).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{bad}");
        assert_eq!(problem.http_status, Some(200));
    }
}

#[test]
fn retry_after_is_told_with_success_too() {
    let reply = read_get(&answer(200, &[("Retry-After", "7")], "{}")).unwrap();
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
}

#[test]
fn only_the_codes_that_were_named_mean_absence() {
    let missing = |status: u16, code: &str| {
        let body = json!({"error": {"code": code, "message": "m"}});
        absent(
            read_get(&answer_json(status, &body)),
            &["ResourceNotFound", "DeletedVaultNotFound"],
        )
    };
    assert_eq!(missing(404, "ResourceNotFound"), Ok(None));
    assert_eq!(missing(404, "deletedvaultnotfound"), Ok(None));
    let group = missing(404, "ResourceGroupNotFound").unwrap_err();
    assert_eq!(group.azure_code.as_deref(), Some("ResourceGroupNotFound"));
    assert_eq!(group.reason, Reason::ResourceGroupNotFound);
    assert!(missing(403, "ResourceNotFound").is_err());
    assert!(missing(404, "SubscriptionNotFound").is_err());
    for page in ["", "<html>404</html>", "{}"] {
        let proxy = absent(read_get(&answer(404, &[], page)), &["ResourceNotFound", ""]);
        assert!(proxy.is_err(), "{page:?} was taken for Azure's answer");
    }
    assert!(
        absent(read_get(&answer(200, &[], "{}")), &[])
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_list_goes_on_with_the_same_list_and_nowhere_else() {
    let call = call(Method::GET);
    let following = |link: &str| {
        let reply = Reply {
            status: 200,
            body: json!({"value": [], "nextLink": link}),
            operation: None,
            retry_after: None,
        };
        next(&profile(), &call, &reply)
    };
    let path = &call.path;
    let good = format!(
        "https://management.azure.com:443{}?api-version=2026-05-15&%24skiptoken=a%2Bb",
        path.to_ascii_uppercase()
    );
    let second = following(&good).unwrap().unwrap();
    assert_eq!(second.query, [("$skiptoken", "a+b".to_owned())]);
    assert_eq!(second.path, *path);
    assert_eq!(following("").unwrap(), None);
    for bad in [
        format!("https://evil.example{path}?$skiptoken=a"),
        format!("http://management.azure.com{path}?$skiptoken=a"),
        format!("https://management.azure.com:8443{path}?$skiptoken=a"),
        format!("https://u@management.azure.com{path}?$skiptoken=a"),
        format!("//evil.example{path}?$skiptoken=a"),
        format!("https://management.azure.com{path}/secrets?$skiptoken=a"),
        format!("https://management.azure.com{path}/../kv-b?$skiptoken=a"),
        format!("https://management.azure.com{path}?other=a"),
        format!("https://management.azure.com{path}"),
    ] {
        assert!(following(&bad).is_err(), "{bad} was followed");
    }
    let last = Reply {
        status: 200,
        body: json!({"value": []}),
        operation: None,
        retry_after: None,
    };
    assert_eq!(next(&profile(), &call, &last).unwrap(), None);
}
