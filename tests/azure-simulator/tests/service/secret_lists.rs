//! Lists of secrets: what rows say, who may list, and the clock of the answers.

use jiff::fmt::rfc2822;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{OBJECT, Sim, codes};

#[tokio::test]
async fn a_row_says_all_but_the_value_of_the_newest_version() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller
        .set("s", json!({"value": "one", "tags": {"old": "x"}}))
        .await;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 100}))
        .await;
    let new = json!({"value": "two", "contentType": "text/plain", "tags": {"k": "v"},
        "attributes": {"enabled": false, "nbf": 5, "exp": 6}});
    let (_, set) = caller.set("s", new).await;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 200}))
        .await;
    caller
        .call(
            Method::PATCH,
            "/secrets/s",
            json!({"attributes": {"exp": 7}}),
        )
        .await;
    let (_, list) = caller.get("/secrets").await;
    let row = &list["value"][0];
    let created = set["attributes"]["created"].as_i64().unwrap();
    assert!(
        row.get("value").is_none() && row.get("managed").is_none(),
        "{row}"
    );
    assert_eq!(
        (&row["contentType"], &row["tags"]),
        (&json!("text/plain"), &json!({"k": "v"}))
    );
    let attributes = &row["attributes"];
    assert_eq!(
        (
            &attributes["enabled"],
            &attributes["nbf"],
            &attributes["exp"]
        ),
        (&json!(false), &json!(5), &json!(7))
    );
    assert_eq!(attributes["created"], created);
    let updated = attributes["updated"].as_i64().unwrap();
    assert!((100..110).contains(&(updated - created)), "{attributes}");
}

#[tokio::test]
async fn reading_does_not_include_listing() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    for permissions in [json!(["get"]), json!(["list"])] {
        let policies = json!([{"objectId": OBJECT, "secrets": permissions}]);
        let change = json!({"authorization": "AccessPolicies", "accessPolicies": policies});
        sim.admin(Method::PATCH, "/vaults/kv-demo", &change).await;
        let may_list = permissions == json!(["list"]);
        for path in ["/secrets", "/secrets/s/versions", "/deletedsecrets"] {
            let (status, body) = caller.get(path).await;
            assert_eq!(status == 200, may_list, "{path}");
            if !may_list {
                assert_eq!(codes(&body), ("Forbidden", Some("AccessDenied")));
                let message = body["error"]["message"].as_str().unwrap();
                assert!(
                    message
                        .contains("does not have secrets list permission on key vault 'kv-demo;"),
                    "{message}"
                );
            }
        }
        assert_eq!(caller.get("/secrets/s").await.0 == 200, !may_list);
    }
}

#[tokio::test]
async fn a_role_on_one_secret_does_not_list() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    let role =
        json!({"principalId": OBJECT, "role": "Key Vault Secrets User", "scope": "/secrets/s"});
    let change = json!({"roleAssignments": [role]});
    sim.admin(Method::PATCH, "/vaults/kv-demo", &change).await;
    assert_eq!(caller.get("/secrets/s").await.0, 200);
    let (status, body) = caller.get("/secrets").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("ForbiddenByRbac")))
    );
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
        "{message}"
    );
}

#[tokio::test]
async fn every_answer_has_the_date_of_the_simulators_clock() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let (_, set) = caller.set("s", json!({"value": "v"})).await;
    let created = set["attributes"]["created"].as_i64().unwrap();
    let skew = 100_000;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": skew}))
        .await;
    sim.admin(
        Method::POST,
        "/faults",
        &json!({"path": "^/secrets/busy", "fault": {"status": 429}}),
    )
    .await;
    for (path, status) in [("/secrets", 401), ("/secrets/busy", 429)] {
        let answer = caller.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let date = answer.headers()["date"]
            .to_str()
            .unwrap()
            .replace("GMT", "+0000");
        let date = rfc2822::parse(&date).unwrap().timestamp().as_second();
        assert!(
            (skew..skew + 60).contains(&(date - created)),
            "{path}: {date}"
        );
    }
}

#[tokio::test]
async fn thousands_of_secrets_are_seeded_and_listed() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let secrets: Vec<Value> = (0..3000)
        .map(|n| json!({"name": format!("s{n:04}"), "value": "x"}))
        .collect();
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"secrets": secrets}),
    )
    .await;
    let mut rows = 0;
    let mut next = String::from("/secrets?maxresults=25");
    while !next.is_empty() {
        let (status, page) = caller.get(&next).await;
        assert_eq!(status, 200, "{page}");
        rows += page["value"].as_array().unwrap().len();
        next = page["nextLink"]
            .as_str()
            .and_then(|link| link.split_once("$skiptoken="))
            .map(|(_, token)| format!("/secrets?$skiptoken={token}"))
            .unwrap_or_default();
    }
    assert_eq!(rows, 3000);
}
