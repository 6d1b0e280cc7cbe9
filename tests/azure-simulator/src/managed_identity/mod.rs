//! The endpoints by which a machine gives out tokens of the identities assigned to it: a virtual machine's metadata
//! service (IMDS), App Service, Azure Arc, Cloud Shell, Azure Machine Learning and Service Fabric. They stand on
//! listeners of their own, and each is told apart by its path.

mod app_service;
mod arc;
mod imds;
mod issue;
mod listen;
mod service_fabric;

use http::{Method, StatusCode};
use serde_json::json;

pub use self::listen::ManagedIdentityEndpoints;
pub(crate) use self::listen::{Machine, open};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, fault_spec::Effect, reply::Reply},
};

/// Name of the plain-HTTP listener.
const PLAIN_DOOR: &str = "managed-identity";
/// Name of the listener with TLS.
const TLS_DOOR: &str = "service-fabric";

/// One of the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Imds,
    AppService(app_service::Form),
    Arc,
    CloudShell,
    AzureMl,
    ServiceFabric,
}

/// The paths of the token endpoints.
const PATHS: [(&str, Endpoint); 7] = [
    ("/metadata/identity/oauth2/token", Endpoint::Imds),
    (
        "/appservice/msi/token",
        Endpoint::AppService(app_service::Form::Current),
    ),
    (
        "/appservice2017/msi/token",
        Endpoint::AppService(app_service::Form::OldOnLinux),
    ),
    (
        "/appservice2017windows/msi/token",
        Endpoint::AppService(app_service::Form::OldOnWindows),
    ),
    ("/arc/metadata/identity/oauth2/token", Endpoint::Arc),
    ("/cloudshell/oauth2/token", Endpoint::CloudShell),
    ("/azureml/token", Endpoint::AzureMl),
];
const SERVICE_FABRIC_PATH: &str = "/servicefabric/token";

impl Endpoint {
    /// The endpoint behind a listener, when the listener is the machine's. A path that is no endpoint's is the metadata
    /// service's to refuse, or Service Fabric's behind TLS.
    pub(crate) fn behind(door: &str, path: &str) -> Option<Self> {
        match door {
            PLAIN_DOOR => Some(
                PATHS
                    .iter()
                    .find(|(known, _)| *known == path)
                    .map_or(Self::Imds, |(_, endpoint)| *endpoint),
            ),
            TLS_DOOR => Some(Self::ServiceFabric),
            _ => None,
        }
    }

    /// What journal, counters and faults call it, in the place of a host name.
    pub(crate) fn host(self) -> &'static str {
        match self {
            Self::Imds => "imds",
            Self::AppService(_) => "appservice",
            Self::Arc => "arc",
            Self::CloudShell => "cloudshell",
            Self::AzureMl => "azureml",
            Self::ServiceFabric => "servicefabric",
        }
    }

    fn serves(self, path: &str) -> bool {
        if self == Self::ServiceFabric {
            path == SERVICE_FABRIC_PATH
        } else {
            PATHS.contains(&(path, self))
        }
    }
}

/// The journal's word for a request.
pub(crate) fn operation(endpoint: Endpoint, path: &str) -> &'static str {
    if endpoint.serves(path) {
        "GetManagedIdentityToken"
    } else {
        "Unknown"
    }
}

/// Answers a request to one of the endpoints.
pub(crate) fn answer(
    app: &App,
    call: &Call,
    endpoint: Endpoint,
    effect: Option<&Effect>,
) -> Outcome {
    if !endpoint.serves(&call.route.path) {
        return refused(
            endpoint,
            StatusCode::NOT_FOUND,
            "not_found",
            "The requested path is not served here.",
        )
        .into();
    }
    let method = if endpoint == Endpoint::CloudShell {
        Method::POST
    } else {
        Method::GET
    };
    if call.method != method {
        return refused(
            endpoint,
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            &format!("{method} is the only method here."),
        )
        .into();
    }
    let answered = match endpoint {
        Endpoint::Imds => imds::machine(app, call),
        Endpoint::CloudShell => imds::cloud_shell(app, call),
        Endpoint::Arc => arc::answer(app, call, effect),
        Endpoint::AppService(form) => app_service::answer(app, call, form),
        Endpoint::AzureMl => app_service::machine_learning(app, call),
        Endpoint::ServiceFabric => service_fabric::answer(app, call),
    };
    answered.unwrap_or_else(|reply| (*reply).into())
}

/// What an endpoint answers: the outcome, or the reply of a refusal.
type Answered = Result<Outcome, Box<Reply>>;

/// An error in the words of an endpoint.
fn refused(endpoint: Endpoint, status: StatusCode, code: &str, description: &str) -> Reply {
    match endpoint {
        Endpoint::AppService(_) | Endpoint::AzureMl => app_service::error(status, description),
        Endpoint::ServiceFabric => service_fabric::error(status, code, description),
        Endpoint::Imds | Endpoint::Arc | Endpoint::CloudShell => {
            imds::error(status, code, description)
        }
    }
}

/// A fault with a status, as an endpoint words it.
pub(crate) fn fault(
    endpoint: Endpoint,
    status: u16,
    code: Option<&str>,
    body: Option<&str>,
) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(body) = body {
        return if body.trim_start().starts_with(['{', '[']) {
            Reply::json_bytes(status, body.as_bytes().to_vec().into())
        } else {
            Reply::text(status, body.to_owned())
        };
    }
    let (usual, description) = match status {
        StatusCode::NOT_FOUND => ("not_found", "The identity endpoint is being updated."),
        StatusCode::GONE => ("gone", "The identity endpoint is being upgraded."),
        StatusCode::TOO_MANY_REQUESTS => ("too_many_requests", "Too many requests."),
        StatusCode::UNAUTHORIZED => ("unknown_source", "Unknown Source <address>"),
        StatusCode::BAD_REQUEST => ("invalid_request", "Identity not found"),
        _ => (
            "unknown",
            "Failed to retrieve token from the Active directory. For details see logs in <file path>",
        ),
    };
    refused(endpoint, status, code.unwrap_or(usual), description)
}

/// A new `correlationId`, as the errors of App Service and Service Fabric have.
fn correlation_id() -> serde_json::Value {
    json!(uuid::Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_and_a_path_name_the_endpoint() {
        let plain = |path| Endpoint::behind(PLAIN_DOOR, path);
        for (path, endpoint) in PATHS {
            assert_eq!(plain(path), Some(endpoint));
            assert_eq!(operation(endpoint, path), "GetManagedIdentityToken");
        }
        assert_eq!(plain("/metadata/instance"), Some(Endpoint::Imds));
        assert_eq!(operation(Endpoint::Imds, "/metadata/instance"), "Unknown");
        assert_eq!(
            plain(SERVICE_FABRIC_PATH),
            Some(Endpoint::Imds),
            "behind TLS only"
        );
        assert_eq!(
            Endpoint::behind(TLS_DOOR, "/arc"),
            Some(Endpoint::ServiceFabric)
        );
        assert_eq!(Endpoint::behind("login.sim.test", "/"), None);
    }
}
