//! The metadata service of a virtual machine, and Cloud Shell, which answers in its form.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    RESOURCE, SYSTEM, USER, USER_OBJECT, USER_RESOURCE, ask, client, client_of, start,
    system_identity, user_identity, with_query,
};
use crate::{
    common::{OBJECT, Sim, TENANT, VAULT_URL},
    entra::claims_of,
};

fn imds(sim: &Sim, query: &[(&str, &str)]) -> RequestBuilder {
    let url = format!(
        "{}/metadata/identity/oauth2/token",
        sim.endpoints().managed_identity.imds
    );
    client().get(with_query(&url, query))
}

async fn ask_imds(sim: &Sim, more: &[(&str, &str)]) -> (u16, Value) {
    let query = [
        &[("api-version", "2018-02-01"), ("resource", RESOURCE)],
        more,
    ]
    .concat();
    ask(imds(sim, &query).header("Metadata", "true")).await
}

#[tokio::test]
async fn the_metadata_service_gives_a_token_in_its_own_form() {
    let sim = start(&[system_identity()]).await;
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["client_id"], SYSTEM);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["resource"], RESOURCE);
    for number in ["expires_in", "expires_on", "ext_expires_in", "not_before"] {
        let text = body[number]
            .as_str()
            .unwrap_or_else(|| panic!("{number} is text"));
        text.parse::<i64>().unwrap();
    }
    assert_eq!(body["expires_in"], "86399");
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["xms_mirid"], "/subscriptions/s/vm");
    assert_eq!(
        (&claims["oid"], &claims["tid"]),
        (&json!(OBJECT), &json!(TENANT))
    );
}

#[tokio::test]
async fn a_vault_takes_the_token_when_the_identity_has_a_role() {
    let sim = start(&[system_identity(), user_identity()]).await;
    for (query, expected) in [(vec![], 200), (vec![("client_id", USER)], 403)] {
        let (_, body) = ask_imds(&sim, &query).await;
        let answer = sim
            .client()
            .get(format!("{VAULT_URL}/secrets?api-version=7.5"))
            .bearer_auth(body["access_token"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{query:?}");
    }
}

#[tokio::test]
async fn an_identity_is_named_by_any_of_its_ids() {
    let sim = start(&[system_identity(), user_identity()]).await;
    assert_eq!(client_of(&ask_imds(&sim, &[]).await.1), SYSTEM);
    for named in [
        ("client_id", USER),
        ("object_id", USER_OBJECT),
        ("msi_res_id", USER_RESOURCE),
    ] {
        assert_eq!(
            client_of(&ask_imds(&sim, &[named]).await.1),
            USER,
            "{named:?}"
        );
    }
}

#[tokio::test]
async fn the_metadata_service_words_its_refusals() {
    let sim = start(&[user_identity()]).await;
    let version = ("api-version", "2018-02-01");
    let resource = ("resource", RESOURCE);
    let marked = |query: &[(&str, &str)]| imds(&sim, query).header("Metadata", "true");
    let cases = [
        (
            imds(&sim, &[version, resource]),
            "bad_request_102",
            "Required metadata header",
        ),
        (
            marked(&[version, resource]).header("X-Forwarded-For", "10.0.0.1"),
            "invalid_request",
            "X-Forwarded-For",
        ),
        (
            marked(&[resource]),
            "invalid_request",
            "'api-version' is missing",
        ),
        (
            marked(&[("api-version", "2001-01-01"), resource]),
            "invalid_request",
            "2001-01-01 is not supported",
        ),
        (
            marked(&[version]),
            "invalid_request",
            "Required query variable 'resource' is missing",
        ),
        (
            marked(&[version, ("resource", "https://nobody.test")]),
            "invalid_resource",
            "AADSTS500011: ",
        ),
        (
            marked(&[version, resource, ("client_id", SYSTEM)]),
            "invalid_request",
            "Identity not found",
        ),
        (
            marked(&[
                version,
                resource,
                ("client_id", USER),
                ("object_id", USER_OBJECT),
            ]),
            "invalid_request",
            "Only one of",
        ),
    ];
    for (request, error, text) in cases {
        let (status, body) = ask(request).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{body}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.contains(text), "{description}");
    }
}

#[tokio::test]
async fn none_and_several_are_told_apart() {
    let sim = start(&[]).await;
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(
        (status, &body["error_description"]),
        (400, &json!("Identity not found"))
    );
    for (client, object) in [("c1", "o1"), ("c2", "o2")] {
        let path = format!("/managedidentities/{client}");
        sim.admin(
            Method::PUT,
            &path,
            &json!({"tenantId": TENANT, "objectId": object}),
        )
        .await;
    }
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(status, 400);
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description.starts_with("Multiple user assigned identities exist"),
        "{description}"
    );
    sim.admin(Method::DELETE, "/managedidentities/c1", &Value::Null)
        .await;
    assert_eq!(client_of(&ask_imds(&sim, &[]).await.1), "c2");
    let listed = sim.look("/managedidentities").await;
    assert_eq!(listed["managedIdentities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn cloud_shell_takes_a_form_and_no_choice() {
    let sim = start(&[system_identity()]).await;
    let url = &sim.endpoints().managed_identity.cloud_shell;
    let post = |form: &[(&str, &str)]| client().post(url).form(form);
    let form = [("resource", RESOURCE)];
    let (status, body) = ask(post(&form).header("Metadata", "true")).await;
    assert_eq!((status, client_of(&body)), (200, SYSTEM.to_owned()));
    let (status, body) = ask(post(&form)).await;
    assert_eq!((status, &body["error"]), (400, &json!("bad_request_102")));
    let chosen = [("resource", RESOURCE), ("client_id", USER)];
    assert_eq!(ask(post(&chosen).header("Metadata", "true")).await.0, 400);
    assert_eq!(
        ask(client().get(url).header("Metadata", "true")).await.0,
        405
    );
}

#[tokio::test]
async fn faults_and_the_journal_know_the_endpoints() {
    let sim = start(&[system_identity()]).await;
    for status in [404, 410, 429, 500, 503] {
        let fault =
            json!({"host": "imds", "count": 1, "fault": {"status": status, "retryAfter": 3}});
        sim.fault(fault).await;
        let query = [("api-version", "2018-02-01"), ("resource", RESOURCE)];
        let answer = imds(&sim, &query)
            .header("Metadata", "true")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], "3");
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"].is_string(), "{body}");
    }
    assert_eq!(ask_imds(&sim, &[]).await.0, 200);
    let counters = sim.look("/counters").await;
    let counted = &counters["operations"]["imds"]["GetManagedIdentityToken"];
    assert_eq!((&counted["200"], &counted["410"]), (&json!(1), &json!(1)));
    let journal = sim.look("/journal?vault=imds").await;
    let last = journal["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(last["principal"]["clientId"], SYSTEM);
}

#[tokio::test]
async fn the_machines_listener_serves_nothing_else() {
    let sim = start(&[]).await;
    let base = &sim.endpoints().managed_identity.imds;
    for path in [
        "/_host/login.sim.test/common/discovery/keys",
        "/servicefabric/token",
        "/",
    ] {
        let request = client()
            .get(format!("{base}{path}"))
            .header("Host", "login.sim.test");
        assert_eq!(ask(request).await.0, 404, "{path}");
    }
}
