//! Service Fabric
//! (<https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code>): TLS whose
//! certificate is known by its thumbprint, and an identity that the cluster chooses.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::StatusCode;
use serde_json::json;

use super::{
    Answered, correlation_id,
    issue::{Refusal, give},
};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, reply::Reply},
    world::managed_identity::Wanted,
};

const API_VERSION: &str = "2019-07-01-preview";

pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"correlationId": correlation_id(), "code": code, "message": message}}),
    )
}

fn bad_request(code: &str, message: &str) -> Box<Reply> {
    Box::new(error(StatusCode::BAD_REQUEST, code, message))
}

pub(super) fn answer(app: &App, call: &Call) -> Answered {
    let Some(secret) = call.header("secret") else {
        return Err(bad_request(
            "SecretHeaderNotFound",
            "Secret is not found in the request headers.",
        ));
    };
    if verify_slices_are_equal(secret.as_bytes(), app.machine.header.as_bytes()).is_err() {
        return Err(not_found());
    }
    let version = call.query("api-version").unwrap_or_default();
    if version != API_VERSION {
        return Err(bad_request(
            "InvalidApiVersion",
            &format!(
                "The api-version '{version}' is not supported. Supported version is '{API_VERSION}'."
            ),
        ));
    }
    let resource = call.query("resource").unwrap_or_default();
    if resource.is_empty() {
        return Err(bad_request(
            "ArgumentNullOrEmpty",
            "The parameter 'resource' should not be null or empty string.",
        ));
    }
    let given = give(app, Wanted::Any, resource).map_err(|refusal| match refusal {
        Refusal::Identity(_) => not_found(),
        Refusal::Resource { tenant } => bad_request(
            "BadRequest",
            &format!(
                "AADSTS500011: The resource principal named {resource} was not found in the tenant named {tenant}."
            ),
        ),
        Refusal::Broken(reason) => Box::new(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            &reason,
        )),
    })?;
    // The documentation shows a number; the service sends text.
    let body = json!({
        "token_type": "Bearer",
        "access_token": given.token,
        "expires_on": given.expires_on().to_string(),
        "resource": resource,
    });
    Ok(Outcome {
        reply: Reply::json(StatusCode::OK, &body),
        principal: Some(given.principal),
    })
}

fn not_found() -> Box<Reply> {
    Box::new(error(
        StatusCode::NOT_FOUND,
        "ManagedIdentityNotFound",
        "Managed identity not found for the specified application host.",
    ))
}
