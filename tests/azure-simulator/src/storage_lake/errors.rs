//! Errors as the endpoints write them: JSON at `dfs`, XML at `blob`, and a header in both.

use http::{Method, StatusCode, header};
use jiff::fmt::strtime;
use serde_json::json;
use uuid::Uuid;

use super::tree::refusal::Refusal;
use crate::{
    wire::reply::Reply,
    world::{moment::Moment, storage_account::StorageService},
};

/// What the code of an error tells, for an endpoint to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            headers: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The error of a code, where the status and the text of it are known; otherwise with those of a fault.
    pub(super) fn named(code: &str) -> Option<Self> {
        let (status, message) = match code {
            "AccountIsDisabled" => (403, "The specified account is disabled."),
            "AuthenticationFailed" => (
                403,
                "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
            ),
            "AuthorizationFailure" => (
                403,
                "This request is not authorized to perform this operation.",
            ),
            "AuthorizationPermissionMismatch" => (
                403,
                "This request is not authorized to perform this operation using this permission.",
            ),
            "AuthorizationProtocolMismatch" => (
                403,
                "This request is not authorized to perform this operation using this protocol.",
            ),
            "AuthorizationResourceTypeMismatch" => (
                403,
                "This request is not authorized to perform this operation using this resource type.",
            ),
            "AuthorizationServiceMismatch" => (
                403,
                "This request is not authorized to perform this operation using this service.",
            ),
            "AuthorizationSourceIPMismatch" => (
                403,
                "This request is not authorized to perform this operation using this source IP.",
            ),
            "HierarchicalNamespaceNotEnabled" => (
                400,
                "Hierarchical namespace is not enabled for this account.",
            ),
            "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => (
                401,
                "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
            ),
            "KeyBasedAuthenticationNotPermitted" => (
                403,
                "Key based authentication is not permitted on this storage account.",
            ),
            "InternalError" => (
                500,
                "The server encountered an internal error. Please retry the request.",
            ),
            "OperationTimedOut" => (
                500,
                "The operation could not be completed within the permitted time.",
            ),
            "ServerBusy" => (
                503,
                "The server is currently unable to receive requests. Please retry your request.",
            ),
            "UnsupportedHttpVerb" => (405, "The resource doesn't support the specified HTTP verb."),
            _ => return None,
        };
        Some(Self::new(status, code, message))
    }

    /// The error of a code that [`Self::named`] knows.
    pub(super) fn of(code: &'static str) -> Self {
        Self::named(code).unwrap_or_else(|| Self::new(400, code, code))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code, message) = refusal.words();
        let problem = Self::new(status, code, message);
        if let Refusal::PathAlreadyExists { directory } = refusal {
            let kind = if directory { "directory" } else { "file" };
            return problem.with("x-ms-existing-resource-type", kind);
        }
        problem
    }
}

/// The name that the blob endpoint has for an error of the `dfs` endpoint.
pub(crate) fn blob_code(code: &str) -> (&str, Option<&'static str>) {
    match code {
        "FilesystemAlreadyExists" => (
            "ContainerAlreadyExists",
            Some("The specified container already exists."),
        ),
        "FilesystemBeingDeleted" => (
            "ContainerBeingDeleted",
            Some("The specified container is being deleted. Try operation later."),
        ),
        "FilesystemNotFound" => (
            "ContainerNotFound",
            Some("The specified container does not exist."),
        ),
        "PathAlreadyExists" => (
            "BlobAlreadyExists",
            Some("The specified blob already exists."),
        ),
        "PathNotFound" => ("BlobNotFound", Some("The specified blob does not exist.")),
        "DirectoryNotEmpty" => (
            "DirectoryIsNotEmpty",
            Some("This operation is not permitted on a non-empty directory."),
        ),
        "PathConflict" => ("ResourceTypeMismatch", None),
        other => (other, None),
    }
}

/// When an error came up, as its text tells it.
pub(super) fn time(now: Moment) -> String {
    let text = strtime::format("%Y-%m-%dT%H:%M:%S.%3f", now.timestamp());
    format!("{}0000Z", text.unwrap_or_default())
}

/// An error as an endpoint writes it. A `HEAD` has no body.
pub(super) fn reply(
    problem: &Problem,
    service: StorageService,
    method: &Method,
    id: Uuid,
    now: Moment,
) -> Reply {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let (code, text) = if service == StorageService::Dfs {
        (problem.code.as_str(), None)
    } else {
        blob_code(&problem.code)
    };
    let text = text.unwrap_or(&problem.message);
    let message = format!("{text}\nRequestId:{id}\nTime:{}", time(now));
    let bare = method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let mut reply = match (bare, service) {
        (true, _) => Reply::empty(status),
        (false, StorageService::Dfs) => Reply::json(
            status,
            &json!({"error": {"code": code, "message": message}}),
        )
        .with(header::CONTENT_TYPE, "application/json;charset=utf-8"),
        (false, _) => {
            let body = format!(
                "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
                super::blob::xml::escaped(code),
                super::blob::xml::escaped(&message)
            );
            Reply::text(status, body).with(header::CONTENT_TYPE, "application/xml")
        }
    };
    reply = reply.with(header::HeaderName::from_static("x-ms-error-code"), code);
    for (name, value) in &problem.headers {
        reply = reply.with(header::HeaderName::from_static(name), value);
    }
    reply
}

/// The answer of a fault.
pub(crate) fn fault(
    (status, code, body): (u16, Option<&str>, Option<&str>),
    call: &crate::wire::call::Call,
    service: StorageService,
    now: Moment,
) -> Reply {
    if let Some(body) = body {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Reply::text(status, body.to_owned());
    }
    let code = code.unwrap_or(match status {
        401 => "NoAuthenticationInformation",
        403 => "AuthorizationFailure",
        404 => "PathNotFound",
        412 => "ConditionNotMet",
        500 => "InternalError",
        503 => "ServerBusy",
        _ => "InvalidInput",
    });
    let mut problem = Problem::named(code).unwrap_or_else(|| Problem::new(status, code, code));
    problem.status = status;
    reply(&problem, service, &call.method, Uuid::new_v4(), now)
}
