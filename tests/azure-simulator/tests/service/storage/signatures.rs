//! Requests signed with keys, and links.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, ANN, BLOB, DFS, KEY, Lake, VERSION, told};
use crate::common::OBJECT;

pub(crate) fn sign(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A request with the account's key: a GET or HEAD without anything but the version.
async fn with_key(
    lake: &Lake,
    method: Method,
    path: &str,
    query: &[(&str, &str)],
    key: &str,
) -> super::Told {
    let date = "Thu, 01 Jan 2026 00:00:00 GMT";
    let mut sorted = query.to_vec();
    sorted.sort_unstable();
    let resource: String = sorted
        .iter()
        .flat_map(|(name, value)| ["\n".to_owned(), name.to_lowercase(), format!(":{value}")])
        .collect();
    let text = format!(
        "{method}\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/{ACCOUNT}{path}{resource}"
    );
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = lake
        .client
        .request(method, format!("{DFS}{path}?{}", query.join("&")))
        .header(
            "authorization",
            format!("SharedKey {ACCOUNT}:{}", sign(key, &text)),
        );
    told(request, &[("x-ms-date", date), ("x-ms-version", VERSION)]).await
}

#[tokio::test]
async fn a_key_does_everything_and_owns_as_superuser() {
    let lake = Lake::start().await;
    let query = [("resource", "filesystem"), ("recursive", "true")];
    assert_eq!(
        with_key(&lake, Method::GET, "/data", &query, KEY)
            .await
            .status,
        200
    );
    let made = with_key(
        &lake,
        Method::PUT,
        "/data/k",
        &[("resource", "directory")],
        KEY,
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(lake.look("k").await["owner"], "$superuser");
    let wrong = STANDARD.encode([1; 64]);
    let wrong = with_key(&lake, Method::GET, "/data", &query, &wrong).await;
    assert_eq!(wrong.error(), (403, "AuthenticationFailed"));
    let closed = Lake::with(json!({"allowSharedKeyAccess": false})).await;
    let refused = with_key(&closed, Method::GET, "/data", &query, KEY).await;
    assert_eq!(refused.error(), (403, "KeyBasedAuthenticationNotPermitted"));
}

/// The query of an account's signature.
fn account_link(rights: &str, kinds: &str, expiry: &str) -> String {
    let fields = [ACCOUNT, rights, "b", kinds, "", expiry, "", "", VERSION, ""];
    let text = format!("{}\n", fields.join("\n"));
    format!(
        "sv={VERSION}&ss=b&srt={kinds}&sp={rights}&se={expiry}&sig={}",
        encoded(&sign(KEY, &text))
    )
}

/// The query of a signature for a container.
fn container_link(rights: &str, container: &str, expiry: &str) -> String {
    let resource = format!("/blob/{ACCOUNT}/{container}");
    let fields = [
        rights, "", expiry, &resource, "", "", "", VERSION, "c", "", "", "", "", "", "", "",
    ];
    let signature = encoded(&sign(KEY, &fields.join("\n")));
    format!("sv={VERSION}&sr=c&sp={rights}&se={expiry}&sig={signature}")
}

const LATER: &str = "2099-01-01T00:00:00Z";

async fn by_link(lake: &Lake, method: Method, path: &str, link: &str) -> super::Told {
    let sign = if path.contains('?') { '&' } else { '?' };
    let request = lake
        .client
        .request(method, format!("{DFS}{path}{sign}{link}"));
    told(request, &[("x-ms-version", VERSION)]).await
}

#[tokio::test]
async fn a_link_of_the_account_allows_what_it_says() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let reads = account_link("r", "o", LATER);
    assert_eq!(
        by_link(&lake, Method::GET, "/data/f", &reads).await.status,
        200
    );
    let made = by_link(&lake, Method::PUT, "/data/g?resource=file", &reads).await;
    assert_eq!(made.error(), (403, "AuthorizationPermissionMismatch"));
    let list = "/data?resource=filesystem&recursive=false";
    let listed = by_link(&lake, Method::GET, list, &reads).await;
    assert_eq!(listed.error(), (403, "AuthorizationResourceTypeMismatch"));
    let lists = account_link("l", "c", LATER);
    assert_eq!(by_link(&lake, Method::GET, list, &lists).await.status, 200);
    let past = account_link("r", "o", "2020-01-01");
    let past = by_link(&lake, Method::GET, "/data/f", &past).await;
    assert_eq!(past.error(), (403, "AuthenticationFailed"));
    let changed = reads.replace("sp=r", "sp=rw");
    let changed = by_link(&lake, Method::GET, "/data/f", &changed).await;
    assert_eq!(changed.error(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn a_link_of_a_container_is_of_that_one() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    lake.call(Method::PUT, "/other?resource=filesystem", &[])
        .await;
    let link = container_link("rw", "data", LATER);
    assert_eq!(
        by_link(&lake, Method::GET, "/data/f", &link).await.status,
        200
    );
    let made = by_link(&lake, Method::PUT, "/data/g?resource=file", &link).await;
    assert_eq!(made.status, 201);
    let other = by_link(&lake, Method::GET, "/other/f", &link).await;
    assert_eq!(other.error(), (403, "AuthenticationFailed"));
    let removed = by_link(&lake, Method::DELETE, "/data?resource=filesystem", &link).await;
    assert_eq!(removed.error(), (403, "AuthorizationPermissionMismatch"));
}

/// A delegation key of the caller, as its fields.
async fn delegation(lake: &Lake, token: &str, start: &str, expiry: &str) -> super::Told {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{start}</Start><Expiry>{expiry}</Expiry></KeyInfo>"
    );
    let url = format!("{BLOB}/?restype=service&comp=userdelegationkey");
    let request = lake.client.post(url).bearer_auth(token).body(body);
    told(request, &[("x-ms-version", VERSION)]).await
}

fn part<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0
}

/// The query of a signature for the container `data` by delegation; `agents` are `saoid` and `suoid`.
fn delegated_link(document: &str, rights: &str, agents: (&str, &str)) -> String {
    let of = |name: &str| part(document, name);
    let resource = format!("/blob/{ACCOUNT}/data");
    let fields = [
        rights,
        "",
        LATER,
        &resource,
        of("SignedOid"),
        of("SignedTid"),
        of("SignedStart"),
        of("SignedExpiry"),
        of("SignedService"),
        of("SignedVersion"),
        agents.0,
        agents.1,
        "",
        "",
        "",
        VERSION,
        "c",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
    ];
    let signature = sign(of("Value"), &fields.join("\n"));
    let pairs = [
        ("sp", rights),
        ("se", LATER),
        ("skoid", of("SignedOid")),
        ("sktid", of("SignedTid")),
        ("skt", of("SignedStart")),
        ("ske", of("SignedExpiry")),
        ("sks", of("SignedService")),
        ("skv", of("SignedVersion")),
        ("saoid", agents.0),
        ("suoid", agents.1),
        ("sv", VERSION),
        ("sr", "c"),
        ("sig", &signature),
    ];
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

/// Times around the machine's own, hours from now.
fn hours(hours: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test]
async fn a_delegated_link_allows_no_more_than_its_maker_may() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let refused = delegation(&lake, &lake.ann, &hours(-1), &hours(1)).await;
    assert_eq!(refused.error(), (403, "AuthorizationPermissionMismatch"));
    let long = delegation(&lake, &lake.owner, &hours(0), &hours(200)).await;
    assert_eq!(long.status, 400);
    let given = delegation(&lake, &lake.owner, &hours(-1), &hours(1)).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert_eq!(part(&given.text, "SignedOid"), OBJECT);
    let link = delegated_link(&given.text, "rc", ("", ""));
    assert_eq!(
        by_link(&lake, Method::GET, "/data/f", &link).await.status,
        200
    );
    let delete = by_link(&lake, Method::DELETE, "/data/f", &link).await;
    assert_eq!(delete.error(), (403, "AuthorizationPermissionMismatch"));
    let made = by_link(&lake, Method::PUT, "/data/g?resource=file", &link).await;
    assert_eq!(made.status, 201);
    assert_eq!(lake.look("g").await["owner"], OBJECT);
    // Its maker loses the role, and the link with it.
    let seed = json!({"storageAccounts": [{"name": ACCOUNT, "tenantId": crate::common::TENANT, "isHnsEnabled": true}]});
    lake.sim.admin(Method::POST, "/seed", &seed).await;
    let lost = by_link(&lake, Method::GET, "/data/f", &link).await;
    assert_eq!(lost.error(), (403, "AuthorizationPermissionMismatch"));
}

#[tokio::test]
async fn a_link_for_somebody_else_asks_the_lists_about_them() {
    let lake = Lake::start().await;
    lake.make(&["f"]).await;
    let given = delegation(&lake, &lake.owner, &hours(-1), &hours(1)).await;
    let vouched = delegated_link(&given.text, "r", (ANN, ""));
    assert_eq!(
        by_link(&lake, Method::GET, "/data/f", &vouched)
            .await
            .status,
        200
    );
    let other = delegated_link(&given.text, "r", ("", ANN));
    let shut = by_link(&lake, Method::GET, "/data/f", &other).await;
    assert_eq!(shut.error(), (403, "AuthorizationPermissionMismatch"));
    let acl = format!("user::rwx,user:{ANN}:r-x,group::r-x,other::---");
    for path in ["", "f"] {
        lake.put(path, json!({"acl": acl})).await;
    }
    assert_eq!(
        by_link(&lake, Method::GET, "/data/f", &other).await.status,
        200
    );
    assert_ne!(lake.look("f").await["acl"], Value::Null);
}
