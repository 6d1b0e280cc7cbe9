//! One request and its answer: route, faults, latency, service, journal.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use parking_lot::Mutex;

use super::{
    call::{Call, Route, Target, pairs},
    fault_spec::Effect,
    faults::Verdict,
    holds::Stage,
    journal::Principal,
    outgoing::Outgoing,
    record::Record,
    reply::Reply,
};
use crate::{
    app::App,
    entra, key_vault,
    managed_identity::{self, Endpoint},
    ml_server, resource_manager, storage_lake,
};

/// Largest request body, well above Key Vault's own limits.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// RFC 9110, 5.6.7.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Number of the connection, as the journal shows it.
    pub(super) number: u64,
    address: IpAddr,
    /// Host of a listener that serves one alone.
    own_host: Option<Arc<str>>,
    /// Last user agent seen: it hardly ever changes on a connection.
    user_agent: Mutex<Option<Arc<str>>>,
}

impl Peer {
    /// Counts the connection under `name`.
    pub(crate) fn new(
        app: &App,
        address: SocketAddr,
        own_host: Option<Arc<str>>,
        name: &Arc<str>,
    ) -> Self {
        app.journal.count_connection(name);
        Self {
            number: app.next_connection(),
            address: address.ip(),
            own_host,
            user_agent: Mutex::default(),
        }
    }

    fn user_agent(&self, app: &App, headers: &HeaderMap) -> Option<Arc<str>> {
        let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
        let mut last = self.user_agent.lock();
        match &*last {
            Some(known) if **known == *text => {}
            _ => *last = Some(app.journal.intern(text)),
        }
        last.clone()
    }
}

/// What a service made of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    pub(crate) principal: Option<Arc<Principal>>,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            principal: None,
        }
    }
}

/// Answers a request, or fails, which ends the connection.
pub(crate) async fn answer(
    app: Arc<App>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, io::Error> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let (route, target) = place(&app, &peer, &parts);
    let query = parts.uri.query().unwrap_or_default();
    let operation = operation(&target, &parts.method, &route.path, query);
    let user_agent = peer.user_agent(&app, &parts.headers);
    let record = Record {
        app,
        peer,
        started,
        target,
        operation,
        method: parts.method.clone(),
        route,
        user_agent,
    };
    let (app, route) = (&record.app, &record.route);
    let verdict = app
        .faults
        .meet(&route.host, &route.path, &parts.method, operation);
    match verdict.effect {
        Some(Effect::Hang) => {
            record.wait(verdict.latency).await;
            record.write(0, None);
            // The client's patience, or the end of the simulator, ends this.
            app.stop.cancelled().await;
            Err(io::Error::other("hung until the end"))
        }
        Some(Effect::Unreachable) => {
            record.wait(verdict.latency).await;
            record.write(0, None);
            Err(io::Error::other("this host is out of reach"))
        }
        _ => {
            let Some(body) = read(body).await? else {
                return Ok(finish(&record, too_large().into(), None));
            };
            let call = Call {
                method: parts.method,
                route: route.clone(),
                query: parts
                    .uri
                    .query()
                    .map(|query| pairs(query.as_bytes()))
                    .unwrap_or_default(),
                headers: parts.headers,
                body,
                peer: record.peer.address,
            };
            app.recordings.note(operation, &call);
            if !outlives_its_client(&record.target, verdict.effect.as_ref()) {
                return process(record, call, verdict).await;
            }
            let tracker = app.connections.clone();
            let done = tracker.spawn(process(record, call, verdict)).await;
            done.unwrap_or_else(|error| Err(io::Error::other(error)))
        }
    }
}

/// Whether a request is done though its client has gone: as Azure's resource manager does, and where a fault holds it.
fn outlives_its_client(target: &Target, effect: Option<&Effect>) -> bool {
    matches!(target, Target::Management | Target::StackManagement(_))
        || matches!(
            effect,
            Some(Effect::LoseAnswer | Effect::HoldBefore | Effect::HoldAfter)
        )
}

/// Does a request that is here as a whole, and answers it.
async fn process(
    record: Record,
    call: Call,
    verdict: Verdict,
) -> Result<Response<Outgoing>, io::Error> {
    let effect = verdict.effect.as_ref();
    record.wait(verdict.latency).await;
    if effect == Some(&Effect::HoldBefore) && record.held(verdict.fault, Stage::Before).await {
        record.write(0, None);
        return Err(io::Error::other("cut before it was done"));
    }
    let outcome = serve(&record.app, &record.target, &call, effect).await;
    let lost = match effect {
        Some(Effect::HoldAfter) => record.held(verdict.fault, Stage::After).await,
        Some(Effect::LoseAnswer) => true,
        _ => false,
    };
    if lost {
        record.write_lost(outcome.reply.status.as_u16(), outcome.principal);
        return Err(io::Error::other("the answer is lost"));
    }
    Ok(finish(&record, outcome, effect))
}

/// Where a request goes. The machine's listeners serve its endpoints alone, whatever host the request names.
fn place(app: &App, peer: &Peer, parts: &Parts) -> (Route, Target) {
    let path = parts.uri.path();
    let door = peer.own_host.as_deref();
    let mut route = Route::of(&parts.uri, &parts.headers, app.names.scheme, door);
    if let Some(endpoint) = door.and_then(|door| Endpoint::behind(door, path)) {
        endpoint.host().clone_into(&mut route.host);
        path.clone_into(&mut route.path);
        return (route, Target::Machine(endpoint));
    }
    let target = app.target(&route.host);
    (route, target)
}

/// The service's answer, or the fault's in its place.
async fn serve(app: &App, target: &Target, call: &Call, effect: Option<&Effect>) -> Outcome {
    if let Some(Effect::Status {
        status,
        retry_after,
        code,
        body,
        location,
        applied,
    }) = effect
    {
        let done = match applied {
            true => Some(Box::pin(serve(app, target, call, None)).await),
            false => None,
        };
        let reply = match target {
            Target::Login | Target::Adfs(_) => {
                entra::errors::fault(*status, code.as_deref(), body.as_deref())
            }
            Target::Machine(endpoint) => {
                managed_identity::fault(*endpoint, *status, code.as_deref(), body.as_deref())
            }
            Target::MlServer(_) => ml_server::fault(*status, body.as_deref()),
            Target::Storage(_, service) => storage_lake::errors::fault(
                (*status, code.as_deref(), body.as_deref()),
                call,
                *service,
                app.now(),
            ),
            Target::LakeStore(_) => {
                storage_lake::webhdfs::fault(*status, code.as_deref(), body.as_deref())
            }
            Target::Management | Target::StackManagement(_) => {
                resource_manager::fault(*status, code.as_deref(), body.as_deref())
            }
            Target::Vault(_) | Target::Unknown => {
                key_vault::errors::fault(*status, code.as_deref(), body.as_deref())
            }
        };
        let retry_after = retry_after.map(|seconds| seconds.to_string());
        let headers = [
            (header::RETRY_AFTER, retry_after),
            (header::LOCATION, location.clone()),
        ];
        let reply = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .fold(reply, |reply, (name, value)| reply.with(name, &value));
        return Outcome {
            reply,
            principal: done.and_then(|done| done.principal),
        };
    }
    match target {
        Target::Login => entra::answer(app, call, effect).await,
        Target::Vault(vault) => key_vault::answer(app, call, vault, effect).await,
        Target::Storage(account, service) => {
            storage_lake::answer(app, call, account, *service, effect)
        }
        Target::LakeStore(store) => storage_lake::webhdfs::answer(app, call, store, effect),
        Target::Machine(endpoint) => managed_identity::answer(app, call, *endpoint, effect),
        Target::Management => resource_manager::answer(app, call, None, effect),
        Target::StackManagement(region) => {
            let found = app.world.read().stack(region).cloned();
            match found {
                Some(found) => resource_manager::answer(app, call, Some(&found), effect),
                None => unknown_host(app, call).into(),
            }
        }
        Target::MlServer(host) => ml_server::answer(app, call, host),
        Target::Adfs(tenant) => entra::adfs::handle(app, call, tenant).await,
        Target::Unknown => unknown_host(app, call).into(),
    }
}

fn finish(record: &Record, outcome: Outcome, effect: Option<&Effect>) -> Response<Outgoing> {
    let Outcome {
        mut reply,
        principal,
    } = outcome;
    let body = match effect {
        Some(Effect::ResetMidBody) => {
            record.write(0, principal);
            return response(reply.status, reply.headers, Outgoing::broken(&reply.body));
        }
        Some(Effect::MalformedJson) => malformed(&reply.body),
        Some(Effect::EmptyBody) => Bytes::new(),
        _ => std::mem::take(&mut reply.body),
    };
    record.write(reply.status.as_u16(), principal);
    // The simulator's clock, as all times in the body; hyper would write the machine's.
    let now = record.app.now().timestamp();
    if let Ok(date) = HeaderValue::from_str(&now.strftime(HTTP_DATE).to_string()) {
        reply.headers.insert(header::DATE, date);
    }
    response(reply.status, reply.headers, Outgoing::whole(body))
}

fn response(status: StatusCode, headers: HeaderMap, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// JSON that breaks off: the first half, and a stray comma so that no prefix happens to parse.
fn malformed(body: &Bytes) -> Bytes {
    let mut half = body.slice(..body.len() / 2).to_vec();
    half.extend_from_slice(b",,{");
    half.into()
}

/// The body, or `None` when it is too large.
async fn read(body: Incoming) -> Result<Option<Bytes>, io::Error> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => Ok(Some(collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn too_large() -> Reply {
    key_vault::errors::reply(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "The request is too large.",
        None,
    )
}

fn unknown_host(app: &App, call: &Call) -> Reply {
    let message = format!(
        "No Azure host is named '{}': call {}, {} or <vault>.{}, by name or as /_host/<name>/<path>.",
        call.route.host,
        app.names.login(),
        app.names.management(),
        app.names.vault_suffix()
    );
    Reply::text(StatusCode::NOT_FOUND, message)
}

fn operation(target: &Target, method: &Method, path: &str, query: &str) -> &'static str {
    match target {
        Target::Login => entra::operation(method, path),
        Target::Vault(_) => key_vault::operation(method, path),
        Target::Machine(endpoint) => managed_identity::operation(*endpoint, path),
        Target::Storage(_, service) => storage_lake::operation(*service, method, path, query),
        Target::LakeStore(_) => storage_lake::webhdfs::operation(query),
        Target::Management | Target::StackManagement(_) => {
            resource_manager::operation(method, path)
        }
        Target::Adfs(_) => entra::adfs::operation(path),
        Target::MlServer(_) => ml_server::operation(method, path),
        Target::Unknown => "Unknown",
    }
}
