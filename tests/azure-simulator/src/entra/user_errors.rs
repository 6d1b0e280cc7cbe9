//! The AADSTS errors of sign-ins by users: passwords, refresh tokens, device codes, public clients.

use http::StatusCode;

use super::{Version, errors::Denial};
use crate::world::moment::Moment;

impl Denial {
    fn grant(code: u32, text: impl Into<String>) -> Self {
        Self::new(code, StatusCode::BAD_REQUEST, "invalid_grant", text.into())
    }

    /// An error of the device flow has a word of its own.
    fn device(code: u32, error: &'static str, text: &str) -> Self {
        Self::new(code, StatusCode::BAD_REQUEST, error, text.to_owned())
    }

    pub(crate) fn unknown_user(tenant: &str) -> Self {
        Self::grant(
            50_034,
            format!(
                "The user account {{EUII Hidden}} does not exist in the {tenant} directory. To sign into this \
                 application, the account must be added to the directory."
            ),
        )
    }

    pub(crate) fn wrong_password() -> Self {
        Self::grant(
            50_126,
            "Error validating credentials due to invalid username or password.",
        )
    }

    pub(crate) fn more_factors(resource: &str) -> Self {
        let text = format!(
            "Due to a configuration change made by your administrator, or because you moved to a new location, you \
             must use multi-factor authentication to access '{resource}'."
        );
        Self::grant(50_076, text).with_suberror("basic_action")
    }

    /// An application whose `passwordGrant` is off stands for one that Conditional Access keeps from passwords.
    pub(crate) fn blocked_by_policy() -> Self {
        let text = "Access has been blocked by Conditional Access policies. The access policy does not allow token \
                    issuance.";
        Self::grant(53_003, text).with_suberror("message_only")
    }

    pub(crate) fn confidential_client() -> Self {
        Self::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
                .to_owned(),
        )
    }

    pub(crate) fn public_client_with_credential() -> Self {
        Self::client(
            700_025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.".to_owned(),
        )
    }

    pub(crate) fn unknown_refresh_token() -> Self {
        Self::grant(
            70_008,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
             authorization request for this user and resource.",
        )
    }

    pub(crate) fn expired_refresh_token(issued: Moment) -> Self {
        let issued = issued
            .timestamp()
            .strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
            .to_string();
        Self::grant(
            700_082,
            format!(
                "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive \
                 for 90.00:00:00."
            ),
        )
    }

    pub(crate) fn revoked_refresh_token() -> Self {
        Self::grant(
            50_173,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might \
             have changed or reset their password.",
        )
    }

    pub(crate) fn malformed_grant() -> Self {
        Self::grant(70_000, "Provided grant is invalid or malformed.")
    }

    pub(crate) fn authorization_pending() -> Self {
        let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        Self::device(70_016, "authorization_pending", text)
    }

    pub(crate) fn authorization_declined() -> Self {
        let text = "User declined to consent to access the app.";
        Self::device(65_004, "authorization_declined", text)
    }

    /// v1 has another word than v2 for it.
    pub(crate) fn device_code_expired(version: Version) -> Self {
        let word = match version {
            Version::V1 => "code_expired",
            Version::V2 | Version::Adfs => "expired_token",
        };
        let text = "The provided value for the input parameter 'device_code' is not valid. This device code has \
                    expired.";
        Self::device(70_020, word, text)
    }

    pub(crate) fn bad_device_code() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid. Device codes supplied to \
                    the token endpoint must be those that the devicecode endpoint gave to this client.";
        Self::device(70_018, "bad_verification_code", text)
    }

    pub(crate) fn device_code_redeemed() -> Self {
        Self::grant(
            54_005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing \
             refresh token.",
        )
    }

    pub(crate) fn several_resources(scope: &str) -> Self {
        let text = format!(
            "Provided value for the input parameter scope is not valid because it contains more than one resource. \
             Scope {scope} is not valid."
        );
        Self::new(28_000, StatusCode::BAD_REQUEST, "invalid_scope", text)
    }

    pub(crate) fn malformed_request() -> Self {
        let text = "Invalid request. Request is malformed or invalid.";
        Self::new(
            9_002_313,
            StatusCode::BAD_REQUEST,
            "invalid_request",
            text.to_owned(),
        )
    }
}
