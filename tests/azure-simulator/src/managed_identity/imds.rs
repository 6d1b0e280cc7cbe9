//! The metadata service of a virtual machine
//! (<https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>), and Cloud Shell,
//! which answers in the same form.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answered,
    issue::{Given, Refusal, give, wanted},
};
use crate::{
    app::App,
    wire::{
        call::{Call, pairs},
        exchange::Outcome,
        reply::Reply,
    },
    world::managed_identity::{NoIdentity, Wanted},
};

const API_VERSIONS: [&str; 2] = ["2018-02-01", "2019-08-01"];

pub(super) fn error(status: StatusCode, code: &str, description: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": code, "error_description": description}),
    )
}

pub(super) fn bad_request(description: &str) -> Box<Reply> {
    Box::new(error(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        description,
    ))
}

/// A request that a proxy passed on, or a browser was tricked into, is refused.
pub(super) fn check_headers(call: &Call) -> Result<(), Box<Reply>> {
    if call.header("x-forwarded-for").is_some() {
        return Err(bad_request(
            "Requests with the header X-Forwarded-For are not served.",
        ));
    }
    let marked = call
        .header("metadata")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if marked {
        Ok(())
    } else {
        Err(Box::new(error(
            StatusCode::BAD_REQUEST,
            "bad_request_102",
            "Required metadata header not specified",
        )))
    }
}

pub(super) fn check_api_version(call: &Call, known: &[&str]) -> Result<(), Box<Reply>> {
    match call.query("api-version") {
        Some(given) if known.contains(&given) => Ok(()),
        Some(given) if !given.is_empty() => Err(bad_request(&format!(
            "The api-version {given} is not supported. Supported are: {}.",
            known.join(", ")
        ))),
        _ => Err(bad_request(
            "Required query variable 'api-version' is missing",
        )),
    }
}

pub(super) fn resource(call: &Call) -> Result<&str, Box<Reply>> {
    call.query("resource")
        .filter(|resource| !resource.is_empty())
        .ok_or_else(|| bad_request("Required query variable 'resource' is missing"))
}

/// The identity that the query of the metadata service names.
pub(super) fn identity(call: &Call) -> Result<Wanted<'_>, Box<Reply>> {
    wanted(
        call,
        &["client_id"],
        &["object_id", "principal_id"],
        &["msi_res_id", "mi_res_id"],
        Wanted::Any,
    )
    .map_err(|()| {
        bad_request("Only one of client_id, object_id and msi_res_id may be in the request")
    })
}

/// Answers a request of a virtual machine.
pub(super) fn machine(app: &App, call: &Call) -> Answered {
    check_headers(call)?;
    check_api_version(call, &API_VERSIONS)?;
    let resource = resource(call)?;
    let given =
        give(app, identity(call)?, resource).map_err(|refusal| refused(resource, refusal))?;
    Ok(success(resource, &given, []))
}

/// Answers a request of a Cloud Shell: a form, and the identity is that of whoever opened the shell.
pub(super) fn cloud_shell(app: &App, call: &Call) -> Answered {
    check_headers(call)?;
    let form = pairs(&call.body);
    let resource = form
        .iter()
        .find(|(name, value)| name == "resource" && !value.is_empty())
        .map(|(_, value)| value.as_str())
        .ok_or_else(|| bad_request("Required parameter 'resource' is missing"))?;
    let names = ["client_id", "object_id", "msi_res_id", "mi_res_id"];
    if form.iter().any(|(name, _)| names.contains(&name.as_str())) {
        return Err(bad_request(
            "Cloud Shell has no user-assigned identities to choose from",
        ));
    }
    let given = give(app, Wanted::Any, resource).map_err(|refusal| refused(resource, refusal))?;
    Ok(success(resource, &given, []))
}

/// Numbers are strings here. `more` are further fields.
pub(super) fn success<const N: usize>(
    resource: &str,
    given: &Given,
    more: [(&str, String); N],
) -> Outcome {
    let left = (given.lifetime_seconds - 1).to_string();
    let mut body = json!({
        "access_token": given.token,
        "client_id": given.identity.client_id,
        "expires_in": left,
        "expires_on": given.expires_on().to_string(),
        "ext_expires_in": left,
        "not_before": given.now.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), Value::String(value))));
    }
    Outcome {
        reply: Reply::json(StatusCode::OK, &body),
        principal: Some(Arc::clone(&given.principal)),
    }
}

pub(super) fn refused(resource: &str, refusal: Refusal) -> Box<Reply> {
    match refusal {
        Refusal::Identity(NoIdentity::NotFound) => bad_request("Identity not found"),
        Refusal::Identity(NoIdentity::Several) => bad_request(
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the \
             token request",
        ),
        Refusal::Resource { tenant } => Box::new(error(
            StatusCode::BAD_REQUEST,
            "invalid_resource",
            &format!(
                "AADSTS500011: The resource principal named {resource} was not found in the tenant named {tenant}. \
                 This can happen if the application has not been installed by the administrator of the tenant or \
                 consented to by any user in the tenant. You might have sent your authentication request to the \
                 wrong tenant."
            ),
        )),
        Refusal::Broken(error_text) => Box::new(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unknown",
            &error_text,
        )),
    }
}
