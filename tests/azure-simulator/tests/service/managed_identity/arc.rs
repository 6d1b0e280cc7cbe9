//! Azure Arc.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use reqwest::{RequestBuilder, Response};
use serde_json::json;

use super::{
    RESOURCE, SYSTEM, USER, USER_OBJECT, USER_RESOURCE, ask, client, client_of, start,
    system_identity, user_identity, with_query,
};
use crate::common::Sim;

fn arc(sim: &Sim, more: &[(&str, &str)]) -> RequestBuilder {
    let query = [
        &[("api-version", "2020-06-01"), ("resource", RESOURCE)],
        more,
    ]
    .concat();
    client()
        .get(with_query(&sim.endpoints().managed_identity.arc, &query))
        .header("Metadata", "true")
}

/// The path that a challenge names.
fn realm(answer: &Response) -> String {
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    challenge.strip_prefix("Basic realm=").unwrap().to_owned()
}

#[tokio::test]
async fn arc_gives_a_token_for_the_key_in_the_file_and_once_only() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let file = realm(&arc(&sim, &[]).send().await.unwrap());
    let path = Path::new(&file);
    assert_eq!(
        path.parent().unwrap(),
        sim.dir.path().join("sim/arc-tokens")
    );
    assert_eq!(path.extension().unwrap(), "key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = format!("Basic {}", std::fs::read_to_string(path).unwrap());
    let (status, body) = ask(arc(&sim, &[]).header("Authorization", &key)).await;
    assert_eq!((status, client_of(&body)), (200, SYSTEM.to_owned()));
    assert!(!path.exists(), "a key is for one use");
    let second = arc(&sim, &[])
        .header("Authorization", &key)
        .send()
        .await
        .unwrap();
    assert_ne!(realm(&second), file, "a fresh file for each challenge");
}

#[tokio::test]
async fn arc_says_which_identity_it_gave() {
    let sim = start(&[system_identity(), user_identity()]).await;
    for (name, value) in [
        ("client_id", USER),
        ("object_id", USER_OBJECT),
        ("msi_res_id", USER_RESOURCE),
    ] {
        let file = realm(&arc(&sim, &[(name, value)]).send().await.unwrap());
        let key = format!("Basic {}", std::fs::read_to_string(file).unwrap());
        let (status, body) = ask(arc(&sim, &[(name, value)]).header("Authorization", key)).await;
        assert_eq!((status, &body[name]), (200, &json!(value)), "{body}");
    }
}

#[tokio::test]
async fn a_fault_makes_arc_point_to_another_file() {
    let sim = start(&[system_identity()]).await;
    sim.fault(json!({"host": "arc", "fault": {"foreignChallenge": {"authorization": "/etc/passwd", "resource": ""}}}))
        .await;
    assert_eq!(realm(&arc(&sim, &[]).send().await.unwrap()), "/etc/passwd");
}
