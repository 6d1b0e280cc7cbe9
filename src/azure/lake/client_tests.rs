//! The client against a server on loopback that gives tokens as App Service does and answers as a data lake.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request as Incoming, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use tokio::sync::Notify;

use super::*;
use crate::azure::cloud::Cloud;
use crate::azure::fixtures::{served, usable};
use crate::azure::http::Route;
use crate::azure::lake::fixtures::place;
use crate::azure::lake::{bearer, paths};
use crate::azure_identity::api::CloudName;

/// What the server does, and what it has seen.
#[derive(Default)]
struct World {
    tokens: AtomicUsize,
    calls: AtomicUsize,
    /// Tokens up to this number are refused.
    refused: AtomicUsize,
    /// What calls get: a status, a code and for how long to wait.
    answer: Mutex<Option<(u16, &'static str, &'static str)>>,
    /// Whether calls wait until they are let through.
    hangs: Mutex<bool>,
    go: Notify,
    arrived: Notify,
}

async fn serve(State(world): State<Arc<World>>, request: Incoming) -> Response {
    if request.uri().path() == "/msi" {
        let number = world.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        let ends = Timestamp::now().as_second() + 3600;
        let token = serde_json::json!({"access_token": format!("token-{number}"),
            "expires_on": ends.to_string(), "resource": "x", "token_type": "Bearer"});
        return axum::Json(token).into_response();
    }
    world.calls.fetch_add(1, Ordering::SeqCst);
    let go = world.go.notified();
    world.arrived.notify_one();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let number = authorization.strip_prefix("Bearer token-").unwrap();
    if number.parse::<usize>().unwrap() <= world.refused.load(Ordering::SeqCst) {
        let challenge = [("WWW-Authenticate", r#"Bearer claims="e30=""#)];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    if *world.hangs.lock().unwrap() {
        go.await;
    }
    let answer = *world.answer.lock().unwrap();
    let Some((status, code, wait)) = answer else {
        return StatusCode::OK.into_response();
    };
    let headers = [("x-ms-error-code", code), ("retry-after", wait)];
    (StatusCode::from_u16(status).unwrap(), headers).into_response()
}

struct Kit {
    world: Arc<World>,
    lakes: Lakes,
    identity: Usable,
    origin: String,
}

impl Kit {
    async fn start(bound: usize) -> Arc<Self> {
        let world = Arc::new(World::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(Arc::clone(&world));
        tokio::spawn(axum::serve(listener, app).into_future());
        let (identities, http) = served(&origin);
        Arc::new(Self {
            lakes: Lakes::with_bound(identities, http, bound),
            identity: usable(Cloud::named(CloudName::Public)),
            world,
            origin,
        })
    }

    /// A call to an account, which goes to the server whatever the account.
    async fn ask(&self, account: &str) -> Result<Answer, Problem> {
        let uri = format!("https://{account}.dfs.core.windows.net");
        let profile = &self.identity.profile;
        let call = paths::get(place("a"));
        let errand = Errand {
            identity: &self.identity,
            operation: "TestPath",
            account: &uri.parse().unwrap(),
            want: Want::ours(storage(profile)?.audience.clone()),
        };
        let request = |token: &Token| {
            Ok(Request {
                route: Route::Default,
                method: Method::GET,
                url: self.origin.parse().unwrap(),
                headers: vec![(http::header::AUTHORIZATION, bearer(profile, &token.value)?)],
                body: None,
                timeout: Duration::from_secs(20),
            })
        };
        let read = |answer| super::super::read(profile, &call, answer, Timestamp::now());
        self.lakes.ask(&errand, request, read).await
    }

    fn calls(&self) -> usize {
        self.world.calls.load(Ordering::SeqCst)
    }

    async fn arrivals(&self, count: usize) {
        while self.calls() < count {
            let arrived = self.world.arrived.notified();
            let arrived = tokio::time::timeout(Duration::from_secs(20), arrived);
            arrived.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_with_claims_is_replaced_once() {
    let kit = Kit::start(8).await;
    kit.world.refused.store(1, Ordering::SeqCst);
    assert!(kit.ask("lakea").await.is_ok());
    let tokens = || kit.world.tokens.load(Ordering::SeqCst);
    assert_eq!((kit.calls(), tokens()), (2, 2));
    kit.world.refused.store(usize::MAX, Ordering::SeqCst);
    let refused = kit.ask("lakea").await.unwrap_err();
    assert_eq!(refused.reason, Reason::Unauthorized);
    assert_eq!((kit.calls(), tokens()), (4, 3));
}

#[tokio::test]
async fn an_account_that_is_busy_is_left_alone_and_no_other() {
    let kit = Kit::start(8).await;
    *kit.world.answer.lock().unwrap() = Some((503, "ServerBusy", "300"));
    let busy = kit.ask("lakea").await.unwrap_err();
    assert!(!spared(&busy), "{busy}");
    let own = kit.ask("lakea").await.unwrap_err();
    assert!(spared(&own), "{own}");
    let waits = |wait| wait > Duration::from_secs(200);
    assert!(
        matches!(own.retry, Retry::After(wait) if waits(wait)),
        "{own:?}"
    );
    assert_eq!(kit.calls(), 1);
    *kit.world.answer.lock().unwrap() = None;
    assert!(kit.ask("lakeb").await.is_ok());
    let counted = kit.lakes.0.http.metrics().text();
    let line = r#"lakevault_azure_spared_total{operation="TestPath"} 1"#;
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn a_path_that_is_not_there_is_no_trouble_of_its_account() {
    let kit = Kit::start(8).await;
    *kit.world.answer.lock().unwrap() = Some((404, "PathNotFound", ""));
    for _ in 0..5 {
        let absent = kit.ask("lakea").await.unwrap_err();
        assert_eq!(absent.http_status, Some(404));
    }
    assert_eq!(kit.calls(), 5);
}

#[tokio::test]
async fn no_more_calls_than_allowed_are_under_way_and_the_others_follow() {
    let kit = Kit::start(2).await;
    *kit.world.hangs.lock().unwrap() = true;
    let ask = |account: &'static str| {
        let kit = Arc::clone(&kit);
        tokio::spawn(async move { kit.ask(account).await })
    };
    let many: Vec<_> = (0..5).map(|_| ask("lakea")).collect();
    kit.arrivals(2).await;
    // Another account has places of its own. When it has arrived, a third of the first account would have, too.
    let other = ask("lakeb");
    kit.arrivals(3).await;
    assert_eq!(kit.calls(), 3);
    *kit.world.hangs.lock().unwrap() = false;
    kit.world.go.notify_waiters();
    for one in many {
        assert!(one.await.unwrap().is_ok());
    }
    assert!(other.await.unwrap().is_ok());
    assert_eq!(kit.calls(), 6);
}

#[tokio::test]
async fn nothing_is_asked_of_a_host_that_is_no_lake_of_the_cloud() {
    let kit = Kit::start(8).await;
    let mut call = paths::get(place("a"));
    call.place.lake.uri = "https://lakea.dfs.core.windows.net.evil.test"
        .parse()
        .unwrap();
    let refused = kit.lakes.call(&kit.identity, &call).await.unwrap_err();
    assert_eq!(refused.reason, Reason::LakeNotInCloud);
    assert_eq!(kit.world.tokens.load(Ordering::SeqCst), 0);
}
