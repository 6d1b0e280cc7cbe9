//! Tokens of Entra: requests built and answers read by pure functions ([`entra`]), kept and renewed in slots ([`slots`]).

pub mod azure_cli;
pub mod device;
pub mod entra;
pub mod environment;
pub mod slots;
pub mod user;
#[cfg(test)]
mod user_fixtures;

use crate::names::{ClientId, TenantId};
use crate::secret::SecretValue;

use super::cloud::Cloud;

/// Who asks for a token, and where. Two profiles that differ in anything get tokens of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The cloud, with its authority.
    pub cloud: Cloud,
    /// The tenant.
    pub tenant: TenantId,
    /// The application.
    pub client: ClientId,
}

/// What tokens are asked for: an application's id or URI, such as `https://vault.azure.net`. The v1 endpoints and managed
/// identities call it resource, v2 says it as a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(String);

impl Resource {
    /// A resource as it is written, with or without the `/.default` of a scope. A slash at its end stays: it is part of
    /// the token's audience.
    pub fn new(text: &str) -> Self {
        Self(text.strip_suffix("/.default").unwrap_or(text).to_owned())
    }

    /// The v2 scope: all permissions that were granted for the resource.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.0)
    }

    /// The resource.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the application proves itself with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(SecretValue),
    /// A signed token of an issuer that the application trusts (RFC 7523).
    Assertion(SecretValue),
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The bearer token itself.
    pub value: SecretValue,
    /// When it was had.
    pub issued_at: jiff::Timestamp,
    /// When it ends.
    pub expires_at: jiff::Timestamp,
    /// From when on a new one should be asked for while this one is still used.
    pub refresh_at: jiff::Timestamp,
}
