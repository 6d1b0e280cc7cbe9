//! The resource manager of the simulator's own cloud: where its services are, and the resource groups of a
//! subscription (<https://learn.microsoft.com/rest/api/resources/resource-groups/list>). It takes tokens of its own
//! audiences and of the subscription's tenant alone, from whom the subscription has given a role.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app::App,
    entra::signing::{Verified, issuer},
    key_vault::errors,
    stack,
    wire::{call::Call, exchange::Outcome, journal::Principal, reply::Reply},
    world::subscription::SubscriptionSpec,
};

const READ_GROUPS: &str = "Microsoft.Resources/subscriptions/resourcegroups/read";

/// The subscription whose resource groups a request lists.
fn listed<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        [subscriptions, id, groups]
            if method == Method::GET
                && subscriptions.eq_ignore_ascii_case("subscriptions")
                && groups.eq_ignore_ascii_case("resourcegroups") =>
        {
            Some(id)
        }
        _ => None,
    }
}

/// The journal's word for a request.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match listed(method, path) {
        Some(_) => "ListResourceGroups",
        None => stack::operation(method, path),
    }
}

/// Answers a request.
pub(crate) fn answer(app: &App, call: &Call) -> Outcome {
    let Some(id) = listed(&call.method, &call.route.path) else {
        return stack::answer(app, call, None).into();
    };
    let verified = match authenticate(app, call) {
        Ok(verified) => verified,
        Err(refusal) => return (*refusal).into(),
    };
    Outcome {
        reply: groups(app, call, id, &verified).unwrap_or_else(|refusal| *refusal),
        principal: Some(Arc::clone(&verified.principal)),
    }
}

/// The verified token of a call.
fn authenticate(app: &App, call: &Call) -> Result<Arc<Verified>, Box<Reply>> {
    let token = call
        .header(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(token) = token else {
        return Err(unauthorized(
            app,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        ));
    };
    let Some(verified) = app.signer.verify(token) else {
        return Err(unauthorized(
            app,
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        ));
    };
    let audiences = app.names.management_audiences();
    let given = verified.audience.trim_end_matches('/');
    if !audiences.iter().any(|one| one.eq_ignore_ascii_case(given)) {
        let message = format!(
            "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one \
             of the allowed audiences '{}'.",
            verified.audience,
            audiences.join("','")
        );
        return Err(unauthorized(
            app,
            "InvalidAuthenticationTokenAudience",
            &message,
        ));
    }
    if !(verified.not_before..verified.expires).contains(&app.now().seconds()) {
        return Err(unauthorized(
            app,
            "ExpiredAuthenticationToken",
            "The access token expiry is in the past, or it is not valid yet.",
        ));
    }
    Ok(verified)
}

fn groups(app: &App, call: &Call, id: &str, caller: &Verified) -> Result<Reply, Box<Reply>> {
    if call.query("api-version").unwrap_or_default().is_empty() {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            message,
        ));
    }
    let world = app.world.read();
    let Some(subscription) = world.subscriptions.get(&id.to_ascii_lowercase()) else {
        let message = format!("The subscription '{id}' could not be found.");
        return Err(refusal(
            StatusCode::NOT_FOUND,
            "SubscriptionNotFound",
            &message,
        ));
    };
    let wanted = issuer(&subscription.tenant_id.to_ascii_lowercase());
    if caller.issuer != wanted {
        let message = format!(
            "The access token is from the wrong issuer '{}'. It must match the tenant '{wanted}' associated with this \
             subscription.",
            caller.issuer
        );
        return Err(unauthorized(
            app,
            "InvalidAuthenticationTokenTenant",
            &message,
        ));
    }
    if !subscription.may_be_read_by(&caller.principal.object_id) {
        return Err(forbidden(subscription, &caller.principal));
    }
    Ok(Reply::json(StatusCode::OK, &document(subscription)))
}

fn document(subscription: &SubscriptionSpec) -> Value {
    let groups: Vec<Value> = subscription
        .resource_groups
        .iter()
        .map(|group| {
            json!({
                "id": format!("/subscriptions/{}/resourceGroups/{}", subscription.id, group.name),
                "name": group.name,
                "type": "Microsoft.Resources/resourceGroups",
                "location": group.location,
                "properties": {"provisioningState": "Succeeded"},
            })
        })
        .collect();
    json!({"value": groups})
}

fn forbidden(subscription: &SubscriptionSpec, caller: &Principal) -> Box<Reply> {
    let message = format!(
        "The client '{}' with object id '{}' does not have authorization to perform action '{READ_GROUPS}' over scope \
         '/subscriptions/{}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        caller.client_id, caller.object_id, subscription.id
    );
    refusal(StatusCode::FORBIDDEN, "AuthorizationFailed", &message)
}

fn unauthorized(app: &App, code: &str, message: &str) -> Box<Reply> {
    let challenge = format!(
        "Bearer authorization_uri=\"{}://{}/\", error=\"invalid_token\", error_description=\"{message}\"",
        app.names.scheme,
        app.names.login()
    );
    let reply = errors::reply(StatusCode::UNAUTHORIZED, code, message, None);
    Box::new(reply.with(header::WWW_AUTHENTICATE, &challenge))
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Box<Reply> {
    Box::new(errors::reply(status, code, message, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_one_subscriptions_groups_is_the_operation() {
        for (method, path, word) in [
            (
                Method::GET,
                "/subscriptions/s/resourcegroups",
                "ListResourceGroups",
            ),
            (
                Method::GET,
                "/Subscriptions/s/resourceGroups/",
                "ListResourceGroups",
            ),
            (Method::PUT, "/subscriptions/s/resourcegroups", "Unknown"),
            (Method::GET, "/subscriptions/s/resourcegroups/g", "Unknown"),
            (Method::GET, "/metadata/endpoints", "GetMetadataEndpoints"),
        ] {
            assert_eq!(operation(&method, path), word, "{method} {path}");
        }
    }
}
