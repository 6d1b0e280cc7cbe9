//! App Service and Azure Machine Learning.

use serde_json::json;

use super::{
    RESOURCE, SYSTEM, USER, USER_OBJECT, USER_RESOURCE, ask, client, client_of, start,
    system_identity, user_identity, with_query,
};

#[tokio::test]
async fn app_service_asks_for_its_header_and_shows_seconds() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let request = |query: &[(&str, &str)]| client().get(with_query(&at.app_service, query));
    let query = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    for wrong in [
        request(&query),
        request(&query).header("X-IDENTITY-HEADER", "other"),
    ] {
        let (status, body) = ask(wrong).await;
        assert_eq!((status, &body["statusCode"]), (401, &json!(401)), "{body}");
    }
    let signed = |query: &[(&str, &str)]| request(query).header("X-IDENTITY-HEADER", &at.header);
    let (status, body) = ask(signed(&query)).await;
    assert_eq!(
        (status, &body["client_id"]),
        (200, &json!(SYSTEM)),
        "{body}"
    );
    assert!(body.get("expires_in").is_none(), "{body}");
    body["expires_on"].as_str().unwrap().parse::<i64>().unwrap();
    for named in [
        ("client_id", USER),
        ("principal_id", USER_OBJECT),
        ("mi_res_id", USER_RESOURCE),
    ] {
        let (_, body) = ask(signed(&[&query[..], &[named]].concat())).await;
        assert_eq!(body["client_id"], USER, "{named:?}");
    }
    let (status, body) = ask(signed(&[&query[..], &[("client_id", "other")]].concat())).await;
    assert_eq!(status, 400);
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("Managed Identity found"),
        "{body}"
    );
}

#[tokio::test]
async fn an_app_without_a_system_identity_must_name_one() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let query = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    let request = client().get(with_query(&at.app_service, &query));
    let (status, _) = ask(request.header("X-IDENTITY-HEADER", &at.header)).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_old_app_service_writes_dates_as_its_system_does() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let windows = at
        .app_service_old
        .replace("appservice2017", "appservice2017windows");
    let query = [
        ("api-version", "2017-09-01"),
        ("resource", RESOURCE),
        ("clientid", USER),
    ];
    for (url, pattern) in [
        (
            &at.app_service_old,
            r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \+00:00$",
        ),
        (
            &windows,
            r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M \+00:00$",
        ),
    ] {
        let request = client().get(with_query(url, &query));
        assert_eq!(ask(request.try_clone().unwrap()).await.0, 401);
        let (status, body) = ask(request.header("secret", &at.header)).await;
        assert_eq!(status, 200, "{body}");
        let date = body["expires_on"].as_str().unwrap();
        assert!(regex::Regex::new(pattern).unwrap().is_match(date), "{date}");
        assert_eq!(client_of(&body), USER);
    }
}

#[tokio::test]
async fn machine_learning_speaks_the_old_protocol_with_seconds() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let query = [("api-version", "2017-09-01"), ("resource", RESOURCE)];
    let request = client().get(with_query(&at.azure_ml, &query));
    assert_eq!(ask(request.try_clone().unwrap()).await.0, 401);
    let (status, body) = ask(request.header("secret", &at.header)).await;
    assert_eq!((status, client_of(&body)), (200, USER.to_owned()));
    body["expires_on"].as_str().unwrap().parse::<i64>().unwrap();
}
