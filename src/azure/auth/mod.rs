//! Tokens of Entra: requests built and answers read by pure functions ([`entra`]), kept and renewed in slots ([`slots`]).

pub mod entra;
pub mod slots;

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
