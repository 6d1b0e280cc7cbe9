//! Headers of answers, as recorded.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::{
    context::Context,
    locations,
    route::{Ask, Space, What},
};
use crate::{
    app::App,
    wire::{call::Call, reply::Reply},
};

/// Names the operation, as the providers of vaults and storage accounts do for all but reads of resources.
pub(super) fn identify(reply: Reply, context: &Context<'_>) -> Reply {
    let ask = context.ask;
    let names = matches!(ask.space(), Space::KeyVault | Space::Storage);
    let told =
        !context.is(&Method::GET) || ask.polls() || matches!(ask.what, What::DeletedVault(..));
    if !names || !told {
        return reply;
    }
    let location = context
        .stack
        .map_or(locations::DEFAULT, |stack| stack.region.as_str());
    let identifier = format!(
        "tenantId={},objectId={}/{location}/{}",
        context.tenant,
        context.caller.object_id,
        Uuid::new_v4()
    );
    let name = HeaderName::from_static("x-ms-operation-identifier");
    reply.with(name, &identifier)
}

/// The headers that the manager sends with everything, as recorded.
pub(super) fn add(reply: &mut Reply, app: &App, call: &Call, ask: &Ask) {
    reply.insert_static("cache-control", "no-cache");
    reply.insert_static("pragma", "no-cache");
    reply.insert_static("expires", "-1");
    reply.insert_static(
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    );
    reply.insert_static("x-content-type-options", "nosniff");
    if ask.space() == Space::KeyVault && !reply.headers.contains_key("x-ms-failure-cause") {
        reply.insert_static("x-ms-keyvault-service-version", "2.2.45.0");
        reply.insert_static("x-aspnet-version", "4.0.30319");
    }
    if reply.body.is_empty() && reply.status != StatusCode::NO_CONTENT {
        reply.headers.remove(http::header::CONTENT_TYPE);
    }
    if ask.space() == Space::Storage && !reply.headers.contains_key("x-ms-failure-cause") {
        if reply.status == StatusCode::ACCEPTED {
            reply.insert_static("content-type", "text/plain; charset=utf-8");
        } else if !reply.body.is_empty() {
            // This provider names no character set.
            reply.insert_static("content-type", "application/json");
        }
    }
    let request = Uuid::new_v4().to_string();
    let correlation = call
        .header("x-ms-correlation-request-id")
        .map_or_else(|| request.clone(), ToOwned::to_owned);
    let time = app.now().timestamp().strftime("%Y%m%dT%H%M%SZ").to_string();
    let routing = format!("WESTEUROPE:{time}:{request}");
    for (name, value) in [
        ("x-ms-request-id", request),
        ("x-ms-correlation-request-id", correlation),
        ("x-ms-routing-request-id", routing),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    }
    let returns = call
        .header("x-ms-return-client-request-id")
        .is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
    if let (true, Some(id)) = (returns, call.headers.get("x-ms-client-request-id")) {
        let name = HeaderName::from_static("x-ms-client-request-id");
        reply.headers.insert(name, id.clone());
    }
}
