//! The client against a server on loopback that gives tokens as App Service does and answers as a Resource Manager.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request as Incoming, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::Notify;

use super::*;
use crate::azure::arm::Form;
use crate::azure::arm::fixtures::{SUBSCRIPTION, call};
use crate::azure::cloud::{Cloud, ResourceManager};
use crate::azure::fixtures::{served, usable};
use crate::azure::resource::Resource;
use crate::azure_identity::api::CloudName;

const OTHER: &str = "55555555-5555-5555-5555-555555555555";

/// What the server does, and what it has seen.
struct World {
    tokens: AtomicUsize,
    calls: Mutex<Vec<String>>,
    /// Tokens up to this number are refused, with this challenge.
    refused: AtomicUsize,
    challenge: Mutex<Option<&'static str>>,
    /// The next calls of the first subscription get this answer.
    answer: Mutex<Option<(StatusCode, HeaderMap)>>,
    /// Whether calls of the first subscription wait until they are let through.
    hangs: Mutex<bool>,
    go: Semaphore,
    arrived: Notify,
}

impl World {
    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

async fn serve(State(world): State<Arc<World>>, request: Incoming) -> Response {
    let path = request.uri().path().to_owned();
    if path == "/msi" {
        let number = world.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        let ends = Timestamp::now().as_second() + 3600;
        return axum::Json(
            serde_json::json!({"access_token": format!("token-{number}"),
            "expires_on": ends.to_string(), "resource": "x", "token_type": "Bearer"}),
        )
        .into_response();
    }
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let number: usize = authorization
        .strip_prefix("Bearer token-")
        .unwrap()
        .parse()
        .unwrap();
    world
        .calls
        .lock()
        .unwrap()
        .push(format!("{} {path} {number}", request.method()));
    world.arrived.notify_one();
    if number <= world.refused.load(Ordering::SeqCst) {
        let challenge = world.challenge.lock().unwrap().unwrap_or("Bearer");
        return (
            StatusCode::UNAUTHORIZED,
            [("WWW-Authenticate", challenge)],
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"m"}}"#,
        )
            .into_response();
    }
    if path.contains(SUBSCRIPTION) {
        if *world.hangs.lock().unwrap() {
            let _let_through = world.go.acquire().await.unwrap();
        }
        if let Some((status, headers)) = world.answer.lock().unwrap().clone() {
            return (status, headers, r#"{"status":"InProgress"}"#).into_response();
        }
    }
    (StatusCode::OK, r#"{"id":"x"}"#).into_response()
}

struct Kit {
    world: Arc<World>,
    arm: Arm,
    identity: Usable,
    origin: String,
}

impl Kit {
    async fn start() -> Self {
        let world = Arc::new(World {
            tokens: AtomicUsize::new(0),
            calls: Mutex::default(),
            refused: AtomicUsize::new(0),
            challenge: Mutex::default(),
            answer: Mutex::default(),
            hangs: Mutex::default(),
            go: Semaphore::new(0),
            arrived: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(Arc::clone(&world));
        tokio::spawn(axum::serve(listener, app).into_future());
        let (identities, http) = served(&origin);
        Self {
            arm: Arm::new(identities, http),
            identity: identity(&origin),
            world,
            origin,
        }
    }

    async fn get(&self, who: &str, subscription: &str) -> Result<Reply, Problem> {
        let get = call(Method::GET);
        let get = Call {
            path: get.path.replace(SUBSCRIPTION, subscription),
            subscription: subscription.parse().unwrap(),
            ..get
        };
        self.arm.call(&self.identity, who, &get).await
    }
}

fn identity(origin: &str) -> Usable {
    let cloud = Cloud {
        resource_manager: Some(ResourceManager {
            endpoint: origin.to_owned(),
            audience: Resource::new("https://management.test"),
            profile: crate::azure_identity::api::ResourceManagerProfile::Public,
        }),
        ..Cloud::named(CloudName::Public)
    };
    usable(cloud)
}

#[tokio::test]
async fn a_token_that_is_refused_with_claims_is_replaced_once() {
    let kit = Kit::start().await;
    kit.get("a", SUBSCRIPTION).await.unwrap();
    *kit.world.challenge.lock().unwrap() =
        Some(r#"Bearer error="insufficient_claims", claims="e30=""#);
    kit.world.refused.store(1, Ordering::SeqCst);
    assert_eq!(kit.get("a", SUBSCRIPTION).await.unwrap().status, 200);
    assert_eq!(
        (kit.world.calls(), kit.world.tokens.load(Ordering::SeqCst)),
        (3, 2)
    );
    kit.world.refused.store(usize::MAX, Ordering::SeqCst);
    let refused = kit.get("a", SUBSCRIPTION).await.unwrap_err();
    assert_eq!(refused.reason, Reason::Unauthorized);
    assert_eq!(
        (kit.world.calls(), kit.world.tokens.load(Ordering::SeqCst)),
        (5, 3)
    );
}

#[tokio::test]
async fn a_new_token_that_is_refused_without_a_word_is_not_replaced() {
    let kit = Kit::start().await;
    kit.world.refused.store(usize::MAX, Ordering::SeqCst);
    let refused = kit.get("a", SUBSCRIPTION).await.unwrap_err();
    assert_eq!(refused.reason, Reason::Unauthorized);
    assert_eq!(
        (kit.world.calls(), kit.world.tokens.load(Ordering::SeqCst)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_subscription_that_throttles_is_left_alone_and_no_other() {
    let kit = Kit::start().await;
    let wait = HeaderMap::from_iter([(http::header::RETRY_AFTER, "300".parse().unwrap())]);
    *kit.world.answer.lock().unwrap() = Some((StatusCode::TOO_MANY_REQUESTS, wait));
    let throttled = kit.get("a", SUBSCRIPTION).await.unwrap_err();
    assert_eq!(throttled.http_status, Some(429));
    assert!(!spared(&throttled));
    let own = kit.get("b", SUBSCRIPTION).await.unwrap_err();
    assert!(spared(&own), "{own}");
    assert!(
        matches!(own.retry, Retry::After(wait) if wait > Duration::from_secs(200)),
        "{own:?}"
    );
    assert_eq!(kit.world.calls(), 1);
    assert!(kit.get("b", OTHER).await.is_ok());
    let delete = kit
        .arm
        .call(&kit.identity, "a", &call(Method::DELETE))
        .await;
    assert_eq!(
        delete.unwrap_err().http_status,
        Some(429),
        "deletes are counted apart"
    );
}

#[tokio::test]
async fn what_azure_says_is_left_is_not_overdrawn() {
    let kit = Kit::start().await;
    let left = http::HeaderName::from_static("x-ms-ratelimit-remaining-subscription-reads");
    let headers = HeaderMap::from_iter([(left, "0".parse().unwrap())]);
    *kit.world.answer.lock().unwrap() = Some((StatusCode::OK, headers));
    kit.get("a", SUBSCRIPTION).await.unwrap();
    assert!(spared(&kit.get("b", SUBSCRIPTION).await.unwrap_err()));
    assert_eq!(kit.world.calls(), 1);
    let counted = kit.arm.0.http.metrics().text();
    let line = r#"lakevault_azure_spared_total{operation="TestVault"} 1"#;
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn a_place_that_was_taken_is_its_calls_own() {
    let kit = Kit::start().await;
    let get = call(Method::GET);
    let place = kit.arm.reserve(&kit.identity, "a", &get).await.unwrap();
    assert_eq!(kit.world.calls(), 0, "it asked already");
    let left = http::HeaderName::from_static("x-ms-ratelimit-remaining-subscription-reads");
    let headers = HeaderMap::from_iter([(left, "0".parse().unwrap())]);
    *kit.world.answer.lock().unwrap() = Some((StatusCode::OK, headers));
    kit.get("b", SUBSCRIPTION).await.unwrap();
    assert!(spared(&kit.get("b", SUBSCRIPTION).await.unwrap_err()));
    let reply = kit.arm.call_in(Some(place), &kit.identity, "a", &get).await;
    assert!(reply.is_ok(), "{reply:?}");
    let refused = kit.arm.reserve(&kit.identity, "a", &get).await;
    assert!(spared(&refused.unwrap_err()));
    assert_eq!(kit.world.calls(), 2);
}

#[tokio::test]
async fn a_subscription_that_hangs_holds_up_nobody_else() {
    let kit = Arc::new(Kit::start().await);
    kit.get("first", OTHER).await.unwrap();
    *kit.world.hangs.lock().unwrap() = true;
    let hanging: Vec<_> = (0..UNDER_WAY)
        .map(|number| {
            let kit = Arc::clone(&kit);
            tokio::spawn(async move { kit.get(&number.to_string(), SUBSCRIPTION).await })
        })
        .collect();
    while kit.world.calls() < 1 + UNDER_WAY {
        let arrived = tokio::time::timeout(Duration::from_secs(20), kit.world.arrived.notified());
        arrived.await.unwrap();
    }
    let refused = kit.get("one more", SUBSCRIPTION).await.unwrap_err();
    assert!(spared(&refused), "{refused}");
    assert_eq!(refused.retry, Retry::After(SOON));
    assert!(kit.get("x", OTHER).await.is_ok());
    *kit.world.hangs.lock().unwrap() = false;
    kit.world.go.add_permits(UNDER_WAY);
    for one in hanging {
        assert!(one.await.unwrap().is_ok());
    }
    assert!(kit.get("one more", SUBSCRIPTION).await.is_ok());
}

#[tokio::test]
async fn an_operation_is_asked_where_it_was_told_to_be_and_nowhere_else() {
    let kit = Kit::start().await;
    *kit.world.answer.lock().unwrap() = Some((StatusCode::OK, HeaderMap::new()));
    let subject = call(Method::PUT).subject();
    let ask = |url: String| {
        let poll = Poll {
            form: Form::AsyncOperation,
            url,
        };
        let (kit, subject) = (&kit, &subject);
        async move { kit.arm.poll(&kit.identity, "a", subject, &poll).await }
    };
    let own = format!("{}/subscriptions/{SUBSCRIPTION}/operations/1", kit.origin);
    assert_eq!(ask(own).await, Ok(Polled::Running { retry_after: None }));
    let foreign = Kit::start().await;
    let refused = ask(format!("{}/operations/1", foreign.origin))
        .await
        .unwrap_err();
    assert_eq!(refused.reason, Reason::ForeignChallenge);
    assert_eq!((kit.world.calls(), foreign.world.calls()), (1, 0));
}
