//! Errors of the resource manager, as it words them.

use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    wire::{journal::Principal, reply::Reply},
    world::failure::Failure,
};

/// The wire form.
pub(super) fn reply(failure: &Failure) -> Reply {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = Reply::json(status, &json!({"error": error(failure)}));
    if failure.gateway {
        reply = reply.with(HeaderName::from_static("x-ms-failure-cause"), "gateway");
    }
    match failure.retry_after {
        Some(seconds) => reply.with(header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    }
}

/// What stands in the envelope.
fn error(failure: &Failure) -> Value {
    let mut error = json!({"code": failure.code, "message": failure.message});
    if let Some(fields) = error.as_object_mut() {
        if let Some(target) = &failure.target {
            fields.insert("target".to_owned(), json!(target));
        }
        if !failure.details.is_empty() {
            fields.insert("details".to_owned(), json!(failure.details));
        }
        if !failure.info.is_empty() {
            fields.insert("additionalInfo".to_owned(), json!(failure.info));
        }
    }
    error
}

/// 403 of a caller without a fitting role.
pub(super) fn unauthorized(caller: &Principal, action: &str, scope: &str) -> Failure {
    Failure::gateway(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.client_id, caller.object_id
        ),
    )
}

pub(super) fn no_subscription(id: &str) -> Failure {
    let message = format!("The subscription '{id}' could not be found.");
    Failure::gateway(404, "SubscriptionNotFound", message)
}

pub(super) fn not_registered(namespace: &str) -> Failure {
    let message = format!(
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to \
         register subscriptions."
    );
    let code = "MissingSubscriptionRegistration";
    let detail = json!({"code": code, "target": namespace, "message": message});
    let mut failure = Failure::gateway(409, code, message);
    failure.details.push(detail);
    failure
}

pub(super) fn disabled(id: &str) -> Failure {
    Failure::gateway(
        409,
        "ReadOnlyDisabledSubscription",
        format!(
            "The subscription '{id}' is disabled and therefore marked as read only. You cannot perform any write actions \
             on this subscription until it is re-enabled."
        ),
    )
}

/// The envelope of a deployment: the error of its resource is the text of a message.
fn deployment(status: u16, outer: &str, inner: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let inner = json!({"error": {"code": inner, "message": "The resource write operation failed to complete successfully."}});
    let detail = json!({"code": "Conflict", "message": format!("{inner:#}")});
    let message = "At least one resource deployment operation failed. Please list deployment operations for details. Please see \
                   https://aka.ms/DeployOperations for usage details.";
    let error = json!({"code": outer, "message": message, "details": [detail]});
    Reply::json(status, &json!({ "error": error }))
}

/// A fault with a status, as the resource manager words it.
pub(crate) fn fault(status: u16, code: Option<&str>, body: Option<&str>) -> Reply {
    if let Some(body) = body {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return if body.trim_start().starts_with(['{', '[']) {
            Reply::json_bytes(status, body.as_bytes().to_vec().into())
        } else {
            Reply::text(status, body.to_owned())
        };
    }
    if let Some((outer, inner)) = code.and_then(|code| code.split_once('/')) {
        return deployment(status, outer, inner);
    }
    let (usual, message) = match status {
        429 => ("TooManyRequests", "The request is being throttled."),
        401 => ("InvalidAuthenticationToken", "The access token is invalid."),
        403 => (
            "AuthorizationFailed",
            "The client does not have authorization to perform the action over the scope.",
        ),
        404 => ("ResourceNotFound", "The resource was not found."),
        409 => ("Conflict", "The request conflicts with another one."),
        503 => (
            "ServiceUnavailable",
            "The service is temporarily unavailable.",
        ),
        504 => (
            "GatewayTimeout",
            "The gateway did not receive a response from 'Microsoft.KeyVault' within the specified time period.",
        ),
        status if status >= 500 => ("InternalServerError", "An internal error occurred."),
        _ => ("BadRequest", "The request is refused."),
    };
    reply(&Failure::gateway(status, code.unwrap_or(usual), message))
}
