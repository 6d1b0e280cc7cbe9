//! Errors of `WebHDFS`: `RemoteException`.

use http::{HeaderName, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::super::{errors::time, tree::refusal::Refusal};
use crate::{
    app::App,
    wire::reply::Reply,
    world::{lake_store::LakeStore, moment::Moment},
};

const NOT_ALLOWED: &str = "Either the resource does not exist or the current user is not authorized to perform \
                           the requested operation";

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    status: u16,
    class: &'static str,
    message: String,
    /// The header `Status`.
    pub(super) number: &'static str,
    /// The challenge of a 401, which has another body.
    challenge: Option<String>,
}

impl Exception {
    fn new(status: u16, class: &'static str, number: &'static str, message: String) -> Self {
        Self {
            status,
            class,
            message,
            number,
            challenge: None,
        }
    }

    /// A request that makes no sense.
    pub(super) fn argument(message: &str) -> Self {
        let class = "java.lang.IllegalArgumentException";
        Self::new(400, class, "0x83090015", message.to_owned())
    }

    pub(super) fn forbidden(message: &str) -> Self {
        let class = "org.apache.hadoop.security.AccessControlException";
        Self::new(403, class, "0x83090AA2", message.to_owned())
    }

    /// An append that does not begin where the file ends.
    pub(super) fn bad_offset(path: &str, length: u64) -> Self {
        let message = format!("The file {path} ends at {length}.");
        let class = "org.apache.hadoop.fs.adl.BadOffsetException";
        Self::new(400, class, "0x83090015", message)
    }

    /// What the tree says of a path.
    pub(super) fn of(refusal: Refusal, path: &str) -> Self {
        let named = |what: &str| format!("{what}: /{}", path.trim_start_matches('/'));
        let (absent, present) = (
            [
                Refusal::PathNotFound,
                Refusal::SourcePathNotFound,
                Refusal::RenameDestinationParentPathNotFound,
            ],
            [
                Refusal::PathAlreadyExists { directory: false },
                Refusal::PathAlreadyExists { directory: true },
                Refusal::RenameDestinationExists,
                Refusal::PathConflict,
            ],
        );
        let (status, class, number, message) = if absent.contains(&refusal) {
            let message = named("File/Folder does not exist");
            (404, "java.io.FileNotFoundException", "0x8309000A", message)
        } else if present.contains(&refusal) {
            let message = named("File/Folder already exists, or is of another type");
            let class = "org.apache.hadoop.fs.FileAlreadyExistsException";
            (403, class, "0x83090017", message)
        } else if refusal == Refusal::AuthorizationPermissionMismatch {
            return Self::forbidden(&named(NOT_ALLOWED));
        } else if refusal == Refusal::DirectoryNotEmpty {
            let message = named("The directory is not empty");
            let class = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
            (403, class, "0x83090010", message)
        } else if [Refusal::InvalidAcl, Refusal::AclBaseMissing].contains(&refusal) {
            let class = "org.apache.hadoop.hdfs.protocol.AclException";
            (400, class, "0x83090015", refusal.words().2.to_owned())
        } else {
            return Self::argument(refusal.words().2);
        };
        Self::new(status, class, number, message)
    }

    /// The 401 of a token that is none, or not for this.
    pub(super) fn unauthorized(app: &App, store: &LakeStore) -> Self {
        let names = &app.names;
        let message = "Failed to validate the access token in the 'Authorization' header.";
        let challenge = format!(
            "Bearer authorization_uri=\"{}://{}/{}\", error=\"invalid_token\", error_description=\"{message}\"",
            names.scheme,
            names.login(),
            store.spec.tenant_id
        );
        Self {
            challenge: Some(challenge),
            ..Self::new(401, "", "0x83090191", message.to_owned())
        }
    }

    pub(super) fn reply(&self, id: Uuid, now: Moment) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        if let Some(challenge) = &self.challenge {
            let body = json!({"error": {"code": "AuthenticationFailed", "message": self.message}});
            return Reply::json(status, &body).with(header::WWW_AUTHENTICATE, challenge);
        }
        let exception = self.class.rsplit('.').next().unwrap_or_default();
        let message = format!("{} [{id}][{}]", self.message, time(now));
        Reply::json(
            status,
            &json!({"RemoteException": {
                "exception": exception, "message": message, "javaClassName": self.class
            }}),
        )
    }
}

/// The answer of a fault.
pub(crate) fn fault(status: u16, code: Option<&str>, body: Option<&str>) -> Reply {
    let kind = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(body) = body {
        return Reply::text(kind, body.to_owned());
    }
    let (exception, message) = match status {
        401 => ("SecurityException", "The token is not valid."),
        403 => ("AccessControlException", "The operation is not allowed."),
        404 => ("FileNotFoundException", "File/Folder does not exist."),
        429 => ("ThrottledException", "The request is throttled."),
        _ => ("RuntimeException", "The service failed."),
    };
    let exception = code.unwrap_or(exception);
    let class = format!("org.apache.hadoop.fs.adl.{exception}");
    let body = json!({"RemoteException": {
        "exception": exception, "message": message, "javaClassName": class
    }});
    let id = Uuid::new_v4().to_string();
    Reply::json(kind, &body).with(HeaderName::from_static("x-ms-request-id"), &id)
}
