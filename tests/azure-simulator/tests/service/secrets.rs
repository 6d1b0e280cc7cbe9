//! The secrets of a vault.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Sim, VAULT_URL, codes, split};

#[tokio::test]
async fn each_set_makes_a_version_and_each_can_be_read() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let (_, first) = caller.set("Name", json!({"value": "one"})).await;
    let (_, second) = caller
        .set("name", json!({"value": "two", "contentType": "text/plain", "tags": {"k": "v"}, "attributes": {"nbf": 5, "exp": 6}}))
        .await;
    let (_, latest) = caller.get("/secrets/NAME/").await;
    assert_eq!(latest, second);
    assert_eq!(latest["value"], "two");
    assert_eq!(latest["contentType"], "text/plain");
    assert_eq!(latest["tags"], json!({"k": "v"}));
    assert_eq!(
        (&latest["attributes"]["nbf"], &latest["attributes"]["exp"]),
        (&json!(5), &json!(6))
    );
    let path = first["id"]
        .as_str()
        .unwrap()
        .strip_prefix(VAULT_URL)
        .unwrap();
    assert_eq!(caller.get(path).await, (200, first.clone()));
    assert!(
        first.get("tags").is_none() && first.get("contentType").is_none(),
        "{first}"
    );
}

#[tokio::test]
async fn an_unknown_secret_or_version_is_not_found() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("known", json!({"value": ""})).await;
    for (path, named) in [
        ("/secrets/none", "none"),
        (
            "/secrets/known/00000000000000000000000000000000",
            "known/0000",
        ),
    ] {
        let (status, body) = caller.get(path).await;
        assert_eq!((status, codes(&body)), (404, ("SecretNotFound", None)));
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("A secret with (name/id) {named}")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn limits_are_kept() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let tags = |count: usize| {
        (0..count)
            .map(|n| (format!("t{n}"), json!("v")))
            .collect::<serde_json::Map<_, _>>()
    };
    assert_eq!(
        caller
            .set(
                "fits",
                json!({"value": "x".repeat(25_600), "tags": tags(15)})
            )
            .await
            .0,
        200
    );
    let long_name = "n".repeat(128);
    let bad = [
        ("large", json!({"value": "x".repeat(25_601)})),
        ("tags", json!({"value": "x", "tags": tags(16)})),
        ("tag", json!({"value": "x", "tags": {"t": "v".repeat(257)}})),
        (
            "type",
            json!({"value": "x", "contentType": "c".repeat(256)}),
        ),
        ("none", json!({"contentType": "x"})),
        ("number", json!({"value": 7})),
        ("under_score", json!({"value": "x"})),
        (long_name.as_str(), json!({"value": "x"})),
    ];
    for (name, body) in bad {
        let (status, body) = caller.set(name, body).await;
        assert_eq!((status, codes(&body).0), (400, "BadParameter"), "{name}");
    }
}

#[tokio::test]
async fn a_list_comes_in_pages_of_25_by_next_link() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let secrets: Vec<Value> = (0..60)
        .map(|n| json!({"name": format!("s{n:02}"), "value": "x"}))
        .collect();
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"secrets": secrets}),
    )
    .await;
    let mut sizes = Vec::new();
    let mut names = Vec::new();
    let mut next = format!("{VAULT_URL}/secrets?api-version=7.4");
    loop {
        let (status, page) = split(
            caller
                .client
                .get(&next)
                .bearer_auth(&caller.token)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(status, 200, "{page}");
        let rows = page["value"].as_array().unwrap();
        sizes.push(rows.len());
        names.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        assert!(rows.iter().all(|row| row.get("value").is_none()));
        match page["nextLink"].as_str() {
            Some(link) => {
                let start =
                    "https://kv-demo.vault.sim.test:443/secrets?api-version=7.4&$skiptoken=";
                assert!(
                    link.starts_with(start) && link.ends_with("&maxresults=25"),
                    "{link}"
                );
                link.clone_into(&mut next);
            }
            None => break,
        }
    }
    assert_eq!(sizes, [25, 25, 10]);
    names.dedup();
    assert_eq!(names.len(), 60);
    assert_eq!(names[0], "https://kv-demo.vault.sim.test/secrets/s00");
}

#[tokio::test]
async fn versions_are_listed_in_pages_of_the_wanted_size() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    for value in ["a", "b", "c"] {
        caller.set("multi", json!({"value": value})).await;
    }
    let (_, page) = caller.get("/secrets/multi/versions?maxresults=2").await;
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    let token = page["nextLink"]
        .as_str()
        .unwrap()
        .split_once("$skiptoken=")
        .unwrap()
        .1;
    let (_, rest) = caller
        .get(&format!("/secrets/multi/versions?$skiptoken={token}"))
        .await;
    assert_eq!(rest["value"].as_array().unwrap().len(), 1);
    assert_eq!(rest["nextLink"], Value::Null);
    for bad in [
        "maxresults=26",
        "maxresults=0",
        "maxresults=x",
        "$skiptoken=nonsense",
    ] {
        assert_eq!(caller.get(&format!("/secrets?{bad}")).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn an_update_changes_attributes_and_never_the_value() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let (_, set) = caller
        .set("up", json!({"value": "v", "contentType": "a"}))
        .await;
    let path = set["id"]
        .as_str()
        .unwrap()
        .strip_prefix(VAULT_URL)
        .unwrap()
        .to_owned();
    let (status, updated) = caller
        .call(
            Method::PATCH,
            &path,
            json!({"tags": {"x": "y"}, "attributes": {"exp": 99}}),
        )
        .await;
    assert_eq!(status, 200);
    assert!(updated.get("value").is_none());
    assert_eq!(
        (&updated["contentType"], &updated["tags"]["x"]),
        (&json!("a"), &json!("y"))
    );
    let (_, read) = caller.get("/secrets/up").await;
    assert_eq!(
        (&read["value"], &read["attributes"]["exp"]),
        (&json!("v"), &json!(99))
    );
}

#[tokio::test]
async fn a_disabled_secret_cannot_be_read_but_is_listed() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller
        .set(
            "off",
            json!({"value": "v", "attributes": {"enabled": false}}),
        )
        .await;
    let (status, body) = caller.get("/secrets/off").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("SecretDisabled")))
    );
    assert_eq!(
        body["error"]["message"],
        "Operation get is not allowed on a disabled secret."
    );
    let (_, list) = caller.get("/secrets").await;
    assert_eq!(list["value"][0]["attributes"]["enabled"], false);
}

#[tokio::test]
async fn expired_and_not_yet_valid_secrets_can_be_read() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller
        .set("old", json!({"value": "v", "attributes": {"exp": 10}}))
        .await;
    caller
        .set(
            "young",
            json!({"value": "v", "attributes": {"nbf": 9_999_999_999_u64}}),
        )
        .await;
    assert_eq!(caller.get("/secrets/old").await.0, 200);
    assert_eq!(caller.get("/secrets/young").await.0, 200);
}

#[tokio::test]
async fn delete_recover_and_purge_take_their_time_to_show() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.admin(
        Method::POST,
        "/settings",
        &json!({"deletionDelayMs": 60_000}),
    )
    .await;
    let pass = async |minutes: i64| {
        sim.admin(
            Method::POST,
            "/clock",
            &json!({"skewSeconds": minutes * 61}),
        )
        .await;
    };
    caller.set("s", json!({"value": "v"})).await;
    let (status, deleted) = caller.delete("/secrets/s").await;
    assert_eq!(status, 200);
    assert_eq!(
        deleted["recoveryId"],
        "https://kv-demo.vault.sim.test/deletedsecrets/s"
    );
    let dates = (
        deleted["deletedDate"].as_i64().unwrap(),
        deleted["scheduledPurgeDate"].as_i64().unwrap(),
    );
    assert_eq!(dates.1 - dates.0, 90 * 24 * 3600);
    let (status, body) = caller.get("/deletedsecrets/s").await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (404, &json!("Deleted Secret not found: s"))
    );
    let (status, body) = caller.set("s", json!({"value": "w"})).await;
    assert_eq!(
        (status, codes(&body)),
        (409, ("Conflict", Some("ObjectIsBeingDeleted")))
    );
    pass(1).await;
    assert_eq!(caller.get("/deletedsecrets/s").await, (200, deleted));
    let (status, body) = caller.set("s", json!({"value": "w"})).await;
    assert_eq!(
        (status, codes(&body)),
        (409, ("Conflict", Some("ObjectIsDeletedButRecoverable")))
    );
    let (status, recovered) = caller
        .call(Method::POST, "/deletedsecrets/s/recover", Value::Null)
        .await;
    assert_eq!(status, 200, "{recovered}");
    assert!(recovered.get("value").is_none());
    assert_eq!(caller.get("/secrets/s").await.0, 404);
    pass(2).await;
    assert_eq!(caller.get("/secrets/s").await.1["value"], "v");
    caller.delete("/secrets/s").await;
    pass(3).await;
    assert_eq!(caller.delete("/deletedsecrets/s").await, (204, Value::Null));
    assert_eq!(caller.get("/deletedsecrets/s").await.0, 404);
    pass(4).await;
    assert_eq!(caller.set("s", json!({"value": "w"})).await.0, 200);
    let (_, versions) = caller.get("/secrets/s/versions").await;
    assert_eq!(
        versions["value"].as_array().unwrap().len(),
        1,
        "a purged secret leaves no versions"
    );
}

#[tokio::test]
async fn a_protected_vault_purges_nothing() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"purgeProtection": true, "softDeleteRetentionDays": 7}),
    )
    .await;
    caller.set("s", json!({"value": "v"})).await;
    let (_, deleted) = caller.delete("/secrets/s").await;
    assert_eq!(
        deleted["attributes"]["recoveryLevel"],
        "CustomizedRecoverable"
    );
    assert_eq!(deleted["attributes"]["recoverableDays"], 7);
    let (status, body) = caller.delete("/deletedsecrets/s").await;
    assert_eq!((status, codes(&body).0), (403, "Forbidden"));
    let (_, list) = caller.get("/deletedsecrets").await;
    assert_eq!(list["value"][0]["recoveryId"], deleted["recoveryId"]);
    assert_eq!(
        list["value"][0]["id"],
        "https://kv-demo.vault.sim.test/secrets/s"
    );
}

#[tokio::test]
async fn a_backup_restores_a_purged_secret_with_its_versions() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "one"})).await;
    caller.set("s", json!({"value": "two"})).await;
    let (status, backup) = caller
        .call(Method::POST, "/secrets/s/backup", Value::Null)
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        caller
            .call(Method::POST, "/secrets/restore", backup.clone())
            .await
            .0,
        409
    );
    caller.delete("/secrets/s").await;
    caller.delete("/deletedsecrets/s").await;
    assert_eq!(
        caller
            .call(Method::POST, "/secrets/restore", backup)
            .await
            .0,
        200
    );
    assert_eq!(caller.get("/secrets/s").await.1["value"], "two");
    let (_, versions) = caller.get("/secrets/s/versions").await;
    assert_eq!(versions["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_certificates_secret_is_read_and_neither_set_nor_deleted() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let kid = "https://kv-demo.vault.sim.test/keys/cert/1";
    let spec = json!({"value": "MII=", "contentType": "application/x-pkcs12", "managed": true, "kid": kid});
    sim.admin(Method::PUT, "/vaults/kv-demo/secrets/cert", &spec)
        .await;
    let (_, read) = caller.get("/secrets/cert").await;
    assert_eq!(
        (&read["managed"], &read["kid"], &read["contentType"]),
        (&json!(true), &json!(kid), &json!("application/x-pkcs12"))
    );
    let (status, body) = caller.set("cert", json!({"value": "x"})).await;
    assert_eq!((status, codes(&body).0), (403, "Forbidden"));
    assert_eq!(caller.delete("/secrets/cert").await.0, 403);
}
