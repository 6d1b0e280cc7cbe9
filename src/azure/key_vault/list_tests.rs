use http::{HeaderMap, StatusCode};

use super::mod_tests::{profile, vault};
use super::*;
use crate::azure::http::Body;

#[expect(clippy::unwrap_in_result, reason = "the status is one")]
fn page(status: u16, body: &str) -> Result<Page, Problem> {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Body::new(body.as_bytes().to_vec()),
    };
    let now = Timestamp::UNIX_EPOCH;
    read_page(&profile(), &vault(), Kind::Secret, &answer, now)
}

fn next_of(link: &str) -> Result<Option<Next>, Reason> {
    let body = serde_json::json!({"value": [], "nextLink": link}).to_string();
    page(200, &body)
        .map(|page| page.next)
        .map_err(|problem| problem.reason)
}

#[test]
fn a_page_tells_names_and_attributes_and_where_it_goes_on() {
    let body = r#"{"value":[
        {"id":"https://kv.vault.azure.net/secrets/db","attributes":{"enabled":true,"created":1,"updated":1493938410,"exp":1593938410},
         "tags":{"team":"pay"},"contentType":"text/plain"},
        {"id":"https://kv.vault.azure.net/secrets/Web","attributes":{"enabled":false,"updated":5},"managed":true}],
        "nextLink":"https://kv.vault.azure.net:443/secrets?api-version=7.4&$skiptoken=eyJ&maxresults=25"}"#;
    let page = page(200, body).unwrap();
    let [db, web] = page.items.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(
        (db.name.as_str(), db.enabled, db.managed),
        ("db", true, false)
    );
    assert_eq!(db.updated, Timestamp::from_second(1_493_938_410).ok());
    assert_eq!(db.expires, Timestamp::from_second(1_593_938_410).ok());
    assert_eq!(db.tags.get("team").map(String::as_str), Some("pay"));
    assert_eq!(db.content_type.as_deref(), Some("text/plain"));
    assert_eq!(
        (web.name.as_str(), web.enabled, web.managed),
        ("Web", false, true)
    );
    let token = SecretValue::from("t".to_owned());
    let following = list(
        &profile(),
        &vault(),
        Kind::Secret,
        page.next.as_ref(),
        &token,
    )
    .unwrap();
    assert_eq!(
        following.url.as_str(),
        "https://kv.vault.azure.net/secrets?api-version=7.4&$skiptoken=eyJ&maxresults=25"
    );
}

#[test]
fn a_list_begins_with_its_first_page_of_25() {
    let token = SecretValue::from("t".to_owned());
    let request = list(&profile(), &vault(), Kind::Key, None, &token).unwrap();
    let version = &profile().cloud.vault_api_version;
    assert_eq!(
        request.url.as_str(),
        format!("https://kv.vault.azure.net/keys?maxresults=25&api-version={version}")
    );
}

#[test]
fn a_token_follows_no_link_away_from_the_vault() {
    for link in [
        "https://evil.example/secrets?x",
        "https://kv.vault.azure.net.evil.example/secrets",
        "http://kv.vault.azure.net/secrets",
        "https://kv.vault.azure.net:444/secrets",
        "https://u:p@kv.vault.azure.net/secrets",
        "https://kv.vault.azure.net/keys?x",
        "/secrets?x",
    ] {
        assert_eq!(next_of(link), Err(Reason::MalformedAnswer), "{link}");
    }
    assert_eq!(next_of(""), Ok(None));
}

#[test]
fn a_list_with_holes_is_no_list() {
    for body in [
        "",
        "[]",
        // A proxy's own answer, which tells of no objects and not that there are none.
        r#"{"message":"sign in"}"#,
        r#"{"value":[{"attributes":{}}]}"#,
        r#"{"value":[{"id":"https://kv.vault.azure.net/keys/a"}]}"#,
        r#"{"value":[{"id":"https://kv.vault.azure.net/secrets/a_b"}]}"#,
    ] {
        let problem = page(200, body).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{body}");
    }
    assert!(
        page(200, r#"{"value":null,"nextLink":null}"#)
            .unwrap()
            .items
            .is_empty()
    );
}

#[test]
fn who_may_not_list_is_told_what_it_takes() {
    let problem = page(
        403,
        r#"{"error":{"code":"Forbidden","innererror":{"code":"ForbiddenByRbac"}}}"#,
    )
    .unwrap_err();
    assert_eq!(problem.reason, Reason::Forbidden);
    for part in ["the list of secrets", "Key Vault Secrets User"] {
        assert!(problem.message.contains(part), "{problem}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    /// Whatever a proxy answers, nothing panics, and a link to elsewhere is never followed.
    #[test]
    fn no_answer_makes_it_panic_or_leave_the_vault(
        status in 200_u16..600,
        noise in ".{0,80}",
        id in "(https://kv\\.vault\\.azure\\.net/)?[a-z./%?-]{0,30}",
        link in "https?://[a-z.]{1,20}(:[0-9]{1,6})?/[a-z?&$=%]{0,20}",
        updated in proptest::prelude::any::<i64>(),
    ) {
        drop(page(status, &noise));
        let body = serde_json::json!({
            "value": [{"id": id, "attributes": {"enabled": true, "updated": updated}}], "nextLink": link
        });
        if let Ok(page) = page(200, &body.to_string()) {
            proptest::prop_assert!(page.next.is_none() || link.starts_with("https://kv.vault.azure.net"));
        }
    }
}
