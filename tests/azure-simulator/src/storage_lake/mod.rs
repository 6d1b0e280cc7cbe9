//! The data planes of storage accounts and of Data Lake Stores: `https://<account>.dfs.<suffix>`,
//! `https://<account>.blob.<suffix>` and `WebHDFS`. All three keep their paths in a [`tree`], which knows nothing of HTTP.

pub(crate) mod blob;
mod checksum;
mod context;
pub(crate) mod delegation;
mod dfs;
pub(crate) mod errors;
mod identity;
pub(crate) mod lake;
mod leases;
mod requests;
mod sas;
mod shared_key;
pub(crate) mod stumble;
mod tokens;
pub(crate) mod tree;
pub(crate) mod webhdfs;

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use uuid::Uuid;

use self::{
    context::{Context, Done},
    errors::Problem,
};
use crate::{
    app::App,
    names::Names,
    wire::{call::Call, exchange::Outcome, fault_spec::Effect, journal::Principal, reply::Reply},
    world::{
        moment::Moment,
        networks::Span,
        storage_account::{StorageAccount, StorageService},
        subscription::SubscriptionState,
    },
};

/// Versions of the protocol, oldest first.
const VERSIONS: [&str; 37] = [
    "2017-11-09",
    "2018-03-28",
    "2018-06-17",
    "2018-11-09",
    "2019-02-02",
    "2019-07-07",
    "2019-10-10",
    "2019-12-12",
    "2020-02-10",
    "2020-04-08",
    "2020-06-12",
    "2020-08-04",
    "2020-10-02",
    "2020-12-06",
    "2021-02-12",
    "2021-04-10",
    "2021-06-08",
    "2021-08-06",
    "2021-10-04",
    "2021-12-02",
    "2022-11-02",
    "2023-01-03",
    "2023-05-03",
    "2023-08-03",
    "2023-11-03",
    "2024-02-04",
    "2024-05-04",
    "2024-08-04",
    "2024-11-04",
    "2025-01-05",
    "2025-05-05",
    "2025-07-05",
    "2025-11-05",
    "2026-02-06",
    "2026-04-06",
    "2026-06-06",
    "2026-10-06",
];
/// Of requests that name none.
const DEFAULT_VERSION: &str = "2018-11-09";

/// The journal's word for a request.
pub(crate) fn operation(
    service: StorageService,
    method: &Method,
    path: &str,
    query: &str,
) -> &'static str {
    if service == StorageService::Dfs {
        dfs::word(method, path, query)
    } else {
        blob::word(method, path, query)
    }
}

/// Answers a request to an account.
pub(crate) fn answer(
    app: &App,
    call: &Call,
    name: &str,
    service: StorageService,
    effect: Option<&Effect>,
) -> Outcome {
    let now = app.now();
    let id = Uuid::new_v4();
    let account = app.world.read().storage_account(name).cloned();
    let Some(account) = account.filter(|account| account.resolves(now)) else {
        // In Azure this host would not resolve; whoever gets here did not ask the hosts file.
        let message =
            format!("There is no storage account {name}; in Azure its name would not resolve.");
        return Reply::text(StatusCode::NOT_FOUND, message).into();
    };
    let mut principal = None;
    let done = serve(app, call, &account, service, effect, now, &mut principal);
    let mut reply =
        done.unwrap_or_else(|problem| errors::reply(&problem, service, &call.method, id, now));
    add_headers(&mut reply, call, service, id);
    Outcome { reply, principal }
}

fn serve(
    app: &App,
    call: &Call,
    account: &StorageAccount,
    service: StorageService,
    effect: Option<&Effect>,
    now: Moment,
    principal: &mut Option<Arc<Principal>>,
) -> Done {
    check_version(call)?;
    match effect {
        Some(Effect::ExpiredToken) if call.headers.contains_key(http::header::AUTHORIZATION) => {
            return Err(identity::expired(app, account));
        }
        Some(Effect::ForeignChallenge(to)) => {
            let value = format!(
                "Bearer authorization_uri={} resource_id={}",
                to.authorization, to.resource
            );
            let problem = Problem::of("NoAuthenticationInformation");
            return Err(problem.with("www-authenticate", value));
        }
        _ => {}
    }
    let who = identity::identify(app, call, account, now)?;
    principal.clone_from(&who.principal);
    if let Some(Effect::Forbidden(code)) = effect {
        let problem = Problem::named(code);
        return Err(problem.unwrap_or_else(|| Problem::new(403, code, code)));
    }
    check_account(app, call, account)?;
    let context = Context {
        app,
        call,
        account,
        lake: app.lake(&account.spec.name),
        who,
        now,
    };
    if service == StorageService::Dfs {
        dfs::run(&context)
    } else {
        blob::run(&context)
    }
}

/// Refuses a version that is none, and a signed request without one.
fn check_version(call: &Call) -> Done<()> {
    let given = call.header("x-ms-version").or_else(|| call.query("sv"));
    let signed = call
        .header("authorization")
        .is_some_and(|value| value.starts_with("SharedKey"));
    let refusal = match given {
        Some(version) if VERSIONS.contains(&version) => return Ok(()),
        None if !signed => return Ok(()),
        Some(_) => tree::refusal::Refusal::InvalidHeaderValue,
        None => tree::refusal::Refusal::MissingRequiredHeader,
    };
    Err(refusal.into())
}

/// Refuses calls to an account that is disabled, or whose network rules keep the caller out.
fn check_account(app: &App, call: &Call, account: &StorageAccount) -> Done<()> {
    let world = app.world.read();
    let subscription = account.spec.subscription_id.to_ascii_lowercase();
    let disabled = world
        .subscriptions
        .get(&subscription)
        .is_some_and(|one| one.state == SubscriptionState::Disabled);
    if disabled {
        return Err(Problem::of("AccountIsDisabled"));
    }
    let address = world.manager.client_address.unwrap_or(call.peer);
    if account.spec.lets_in(address) {
        Ok(())
    } else {
        Err(Problem::of("AuthorizationFailure"))
    }
}

/// The value of a property as metadata has it.
pub(crate) fn plain(value: &str) -> String {
    let bytes = STANDARD.decode(value).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether an address is that of a signature, or in its range; none is any.
fn within(range: &str, address: IpAddr) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    range.is_empty() || Span::of(first, last).is_some_and(|span| span.holds(address))
}

/// Audiences of tokens that are for one account alone.
fn own_audiences(account: &StorageAccount, names: &Names) -> [String; 2] {
    [StorageService::Blob, StorageService::Dfs]
        .map(|service| format!("https://{}", account.host(service, names)))
}

/// The headers that the service sends with everything.
fn add_headers(reply: &mut Reply, call: &Call, service: StorageService, id: Uuid) {
    let server = if service == StorageService::Dfs {
        "Windows-Azure-HDFS/1.0 Microsoft-HTTPAPI/2.0"
    } else {
        "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"
    };
    reply.insert_static("server", server);
    let given = call.header("x-ms-version").or_else(|| call.query("sv"));
    let version = given
        .filter(|version| VERSIONS.contains(version))
        .unwrap_or(DEFAULT_VERSION);
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("x-ms-version", version);
    insert("x-ms-request-id", &id.to_string());
    if let Some(id) = call.header("x-ms-client-request-id") {
        insert("x-ms-client-request-id", id);
    }
}
