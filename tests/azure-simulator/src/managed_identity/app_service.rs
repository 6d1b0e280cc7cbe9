//! App Service and Functions
//! (<https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>), and Azure Machine
//! Learning, which kept the old protocol.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::StatusCode;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Answered, correlation_id,
    issue::{Given, Refusal, give, wanted},
};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, reply::Reply},
    world::managed_identity::{NoIdentity, Wanted},
};

const CURRENT: &str = "2019-08-01";
const OLD: &str = "2017-09-01";

/// Which host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Speaks 2019-08-01.
    Current,
    /// Speaks 2017-09-01, with the date text of Linux.
    OldOnLinux,
    /// Speaks 2017-09-01, with the date text of Windows.
    OldOnWindows,
}

pub(super) fn error(status: StatusCode, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"statusCode": status.as_u16(), "message": message, "correlationId": correlation_id()}),
    )
}

fn bad_request(message: &str) -> Box<Reply> {
    Box::new(error(StatusCode::BAD_REQUEST, message))
}

/// The header shows that the request comes from inside: who can make a server fetch a URL cannot set it.
fn check_header(app: &App, call: &Call, name: &str) -> Result<(), Box<Reply>> {
    let right = call.header(name).is_some_and(|given| {
        verify_slices_are_equal(given.as_bytes(), app.machine.header.as_bytes()).is_ok()
    });
    if right {
        Ok(())
    } else {
        Err(Box::new(error(
            StatusCode::UNAUTHORIZED,
            &format!("The header {name} is missing or has a wrong value."),
        )))
    }
}

fn check_api_version(call: &Call, known: &str) -> Result<(), Box<Reply>> {
    match call.query("api-version") {
        Some(given) if given == known => Ok(()),
        given => Err(bad_request(&format!(
            "Unsupported api-version '{}'. Supported is '{known}'.",
            given.unwrap_or_default()
        ))),
    }
}

fn resource(call: &Call) -> Result<&str, Box<Reply>> {
    call.query("resource")
        .filter(|resource| !resource.is_empty())
        .ok_or_else(|| bad_request("The query parameter 'resource' is missing."))
}

fn several() -> Box<Reply> {
    bad_request("Only one parameter may name the identity.")
}

/// Answers a request of an app.
pub(super) fn answer(app: &App, call: &Call, form: Form) -> Answered {
    let (header, version) = match form {
        Form::Current => ("x-identity-header", CURRENT),
        Form::OldOnLinux | Form::OldOnWindows => ("secret", OLD),
    };
    check_header(app, call, header)?;
    check_api_version(call, version)?;
    let resource = resource(call)?;
    let identity = match form {
        Form::Current => wanted(
            call,
            &["client_id"],
            &["object_id", "principal_id"],
            &["mi_res_id"],
            Wanted::System,
        ),
        Form::OldOnLinux | Form::OldOnWindows => {
            wanted(call, &["clientid"], &[], &[], Wanted::System)
        }
    }
    .map_err(|()| several())?;
    let given = give(app, identity, resource).map_err(|refusal| refused(resource, &refusal))?;
    let expires_on = match form {
        Form::Current => given.expires_on().to_string(),
        Form::OldOnLinux => date(given.expires_on(), "%m/%d/%Y %H:%M:%S +00:00"),
        Form::OldOnWindows => date(given.expires_on(), "%-m/%-d/%Y %-I:%M:%S %p +00:00"),
    };
    let client = (form == Form::Current).then(|| given.identity.client_id.clone());
    Ok(success(resource, &given, &expires_on, client))
}

/// Answers a request of a compute of Azure Machine Learning: the old protocol, with seconds since 1970.
pub(super) fn machine_learning(app: &App, call: &Call) -> Answered {
    check_header(app, call, "secret")?;
    check_api_version(call, OLD)?;
    let resource = resource(call)?;
    let identity = wanted(call, &["clientid"], &[], &[], Wanted::Any).map_err(|()| several())?;
    let given = give(app, identity, resource).map_err(|refusal| refused(resource, &refusal))?;
    let expires_on = given.expires_on().to_string();
    Ok(success(resource, &given, &expires_on, None))
}

fn date(seconds: i64, format: &str) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::UTC)
        .strftime(format)
        .to_string()
}

fn success(resource: &str, given: &Given, expires_on: &str, client: Option<String>) -> Outcome {
    let mut body = json!({
        "access_token": given.token,
        "expires_on": expires_on,
        "resource": resource,
        "token_type": "Bearer",
    });
    if let (Some(client), Some(fields)) = (client, body.as_object_mut()) {
        fields.insert("client_id".to_owned(), Value::String(client));
    }
    Outcome {
        reply: Reply::json(StatusCode::OK, &body),
        principal: Some(Arc::clone(&given.principal)),
    }
}

fn refused(resource: &str, refusal: &Refusal) -> Box<Reply> {
    match refusal {
        Refusal::Identity(NoIdentity::NotFound | NoIdentity::Several) => bad_request(
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        ),
        // The host hides what Entra said.
        Refusal::Resource { tenant } => Box::new(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!(
                "The resource principal named {resource} was not found in the tenant {tenant}."
            ),
        )),
        Refusal::Broken(reason) => Box::new(error(StatusCode::INTERNAL_SERVER_ERROR, reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_dates_are_as_on_each_system() {
        let at = 1_579_152_252;
        assert_eq!(
            date(at, "%m/%d/%Y %H:%M:%S +00:00"),
            "01/16/2020 05:24:12 +00:00"
        );
        assert_eq!(
            date(at, "%-m/%-d/%Y %-I:%M:%S %p +00:00"),
            "1/16/2020 5:24:12 AM +00:00"
        );
    }
}
