//! The AADSTS errors. Codes, statuses and texts as seen on the wire; where the exact text is not known, the code is.

use http::{HeaderName, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::{wire::reply::Reply, world::moment::Moment};

const FEDERATION_HELP: &str =
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// A refusal of the login host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    status: StatusCode,
    /// OAuth's error word.
    error: &'static str,
    text: String,
    /// What a client may do about it, in one word.
    suberror: Option<&'static str>,
}

impl Denial {
    pub(super) fn new(code: u32, status: StatusCode, error: &'static str, text: String) -> Self {
        Self {
            code,
            status,
            error,
            text,
            suberror: None,
        }
    }

    pub(super) fn with_suberror(self, word: &'static str) -> Self {
        Self {
            suberror: Some(word),
            ..self
        }
    }

    /// OAuth's error word.
    pub(crate) fn error(&self) -> &'static str {
        self.error
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn request(code: u32, text: String) -> Self {
        Self::new(code, StatusCode::BAD_REQUEST, "invalid_request", text)
    }

    pub(super) fn client(code: u32, text: String) -> Self {
        Self::new(code, StatusCode::UNAUTHORIZED, "invalid_client", text)
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::request(
            900_144,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    pub(crate) fn only_post(method: &http::Method) -> Self {
        Self::request(
            900_561,
            format!("The endpoint only accepts POST requests. Received a {method} request."),
        )
    }

    pub(crate) fn unsupported_grant(grant: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        Self::new(
            70_003,
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            text,
        )
    }

    pub(crate) fn unknown_tenant(name: &str, discovery: bool) -> Self {
        let looks_right = Uuid::try_parse(name).is_ok() || name.contains('.');
        if !looks_right {
            let text = format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            );
            return Self::request(900_023, text);
        }
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        let error = if discovery {
            "invalid_tenant"
        } else {
            "invalid_request"
        };
        Self::new(90_002, StatusCode::BAD_REQUEST, error, text)
    }

    pub(crate) fn no_tenant() -> Self {
        let text = "No tenant-identifying information found in either the request or implied by any provided \
                    credentials.";
        Self::request(50_059, text.to_owned())
    }

    pub(crate) fn unknown_application(client_id: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new(
            700_016,
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            text,
        )
    }

    pub(crate) fn no_credential() -> Self {
        let text = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant \
                    type.";
        Self::client(7_000_216, text.to_owned())
    }

    pub(crate) fn wrong_secret(client_id: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        Self::client(7_000_215, text)
    }

    pub(crate) fn expired_secret(client_id: &str) -> Self {
        let text = format!(
            "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new \
             keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
             security: https://aka.ms/certCreds."
        );
        Self::client(7_000_222, text)
    }

    pub(crate) fn wrong_assertion_type(given: &str) -> Self {
        let text =
            format!("The 'client_assertion_type' parameter value '{given}' is not supported.");
        Self::request(900_144, text)
    }

    pub(crate) fn malformed_assertion(reason: &str) -> Self {
        Self::request(
            50_027,
            format!("JWT token is invalid or malformed. {reason}"),
        )
    }

    pub(crate) fn certificate_not_registered(print: &str, client_id: &str) -> Self {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - The key was not found., Thumbprint of key used by client: '{print}', Please visit the Azure \
             Portal to determine the keys of application '{client_id}'.]"
        );
        Self::client(700_027, text)
    }

    pub(crate) fn wrong_assertion_signature(print: &str) -> Self {
        let text = format!(
            "Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify \
             the signature failed., Thumbprint of key used by client: '{print}']"
        );
        Self::client(700_027, text)
    }

    pub(crate) fn certificate_out_of_time() -> Self {
        let text = "The provided certificate is not within its specified validity time range.";
        Self::client(1_000_502, text.to_owned())
    }

    pub(crate) fn assertion_audience() -> Self {
        Self::client(
            700_023,
            "Client assertion audience claim does not match Realm issuer.".to_owned(),
        )
    }

    /// As reported in <https://github.com/zitadel/oidc/issues/887>: an assertion by a certificate has one audience.
    pub(crate) fn assertion_audiences(count: usize) -> Self {
        let text = format!(
            "Number of audience values in the provided client credential exceed maximum allowed. {count} audience \
             values provided, maximum allowed is 1."
        );
        Self::client(5_002_741, text)
    }

    /// Entra does not take keys on elliptic curves: see [`super::assertion`]. The status is not known.
    pub(crate) fn elliptic_curve() -> Self {
        let text = "A server error has occurred.".to_owned();
        Self::new(5_000, StatusCode::BAD_REQUEST, "server_error", text)
    }

    pub(crate) fn assertion_application() -> Self {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        Self::client(700_021, text.to_owned())
    }

    pub(crate) fn assertion_out_of_time(now: Moment, expires: Option<i64>) -> Self {
        let shown = |at: Moment| {
            at.timestamp()
                .strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
                .to_string()
        };
        let expiry = expires.map_or_else(|| "none".to_owned(), |at| shown(Moment(at * 1000)));
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {}, expiry time of assertion {expiry}. \
             Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            shown(now)
        );
        Self::client(700_024, text)
    }

    pub(crate) fn no_federated_credential(issuer: &str, subject: &str, audience: &str) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. \
             Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. {FEDERATION_HELP}"
        );
        Self::client(70_021, text)
    }

    pub(crate) fn federated_issuer(issuer: &str) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion issuer '{issuer}'. Please check your \
             federated identity credential Subject, Audience and Issuer against the presented assertion. \
             {FEDERATION_HELP}"
        );
        Self::client(700_211, text)
    }

    pub(crate) fn federated_subject(subject: &str) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion subject '{subject}'. Check your \
             federated identity credential Subject, Audience and Issuer against the presented assertion. \
             {FEDERATION_HELP}"
        );
        Self::client(700_213, text)
    }

    pub(crate) fn federated_audience(audience: &str) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion audience '{audience}'. Please check \
             your federated identity credential Subject, Audience and Issuer against the presented assertion. \
             {FEDERATION_HELP}"
        );
        Self::client(700_212, text)
    }

    pub(crate) fn issuer_unreachable(reason: &str) -> Self {
        Self::request(
            90_061,
            format!("Request to External OIDC endpoint failed. {reason}"),
        )
    }

    pub(crate) fn federated_signature(reason: &str) -> Self {
        Self::client(
            50_013,
            format!("Assertion failed signature validation. [Reason - {reason}]"),
        )
    }

    pub(crate) fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {scope} is not valid."
        );
        Self::new(70_011, StatusCode::BAD_REQUEST, "invalid_scope", text)
    }

    pub(crate) fn unknown_resource(resource: &str, tenant: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You might have sent your authentication request to the wrong tenant."
        );
        Self::new(500_011, StatusCode::BAD_REQUEST, "invalid_resource", text)
    }

    pub(crate) fn unknown_instance() -> Self {
        let text = "Unknown or invalid instance.".to_owned();
        Self::new(50_049, StatusCode::BAD_REQUEST, "invalid_instance", text)
    }

    pub(crate) fn no_such_page(path: &str) -> Self {
        let text = format!("The requested page {path} does not exist.");
        Self::new(900_971, StatusCode::NOT_FOUND, "invalid_request", text)
    }

    pub(crate) fn server(reason: &str) -> Self {
        Self::new(
            90_014,
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            reason.to_owned(),
        )
    }

    /// The answer; the correlation id is the sender's, when it gave one.
    pub(crate) fn reply(&self, now: Moment, correlation: Option<&str>) -> Reply {
        let trace = Uuid::new_v4().to_string();
        let correlation = correlation.map_or_else(|| Uuid::new_v4().to_string(), ToOwned::to_owned);
        let timestamp = now.timestamp().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
            self.code, self.text
        );
        let mut body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let (Some(word), Some(fields)) = (self.suberror, body.as_object_mut()) {
            fields.insert("suberror".to_owned(), json!(word));
        }
        Reply::json(self.status, &body).with(HeaderName::from_static("x-ms-request-id"), &trace)
    }
}

/// A fault with a status, as the login host words it.
pub(crate) fn fault(status: u16, code: Option<&str>, body: Option<&str>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match (body, code) {
        (Some(body), _) if body.trim_start().starts_with(['{', '[']) => {
            Reply::json_bytes(status, body.as_bytes().to_vec().into())
        }
        (Some(body), _) => Reply::text(status, body.to_owned()),
        (None, None) if status == StatusCode::TOO_MANY_REQUESTS => {
            Reply::text(status, "Too Many Requests")
        }
        (None, code) => {
            let word = code.unwrap_or(if status == StatusCode::SERVICE_UNAVAILABLE {
                "temporarily_unavailable"
            } else {
                "server_error"
            });
            let description = "AADSTS90033: A transient error has occurred. Please try again.";
            Reply::json(
                status,
                &json!({"error": word, "error_description": description, "error_codes": [90033]}),
            )
        }
    }
}
