//! Tokens: requests built and answers read by pure functions ([`entra`]), kept and renewed in [slots](super::slots).

pub mod assertion;
pub mod azure_cli;
pub mod certificate;
pub mod chain;
pub mod device;
pub mod entra;
pub mod environment;
mod id_token;
pub mod managed;
mod refusal;
pub mod token_proxy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cloud::Cloud;
use super::resource::Resource;
use super::slots::Lease;
use crate::names::{ClientId, TenantId};
use crate::retry;
use crate::secret::SecretValue;

/// Who asks for a token, and where. Two profiles that differ in anything get tokens of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Profile {
    /// The cloud, with its authority.
    pub cloud: Arc<Cloud>,
    /// The tenant; none with ADFS, which has none, and where the environment or the machine brings its own.
    pub tenant: Option<TenantId>,
    /// The application; none where the environment or the machine brings its own.
    pub client: Option<ClientId>,
}

impl Profile {
    /// Whether a challenge's tenant can be its own: a tenant named by its domain, and one that the environment brings, are not
    /// known by id.
    pub fn can_be_of(&self, authority: &url::Url) -> bool {
        let Some(tenant) = self.tenant.as_ref().filter(|_| self.cloud.has_tenants()) else {
            return true;
        };
        let named = authority.path_segments().and_then(|mut path| path.next());
        uuid::Uuid::try_parse(tenant.as_str()).is_err()
            || named.is_some_and(|named| named.eq_ignore_ascii_case(tenant.as_str()))
    }
}

/// For messages: `client 2222… in tenant 1111…`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.client, &self.tenant) {
            (Some(client), Some(tenant)) => write!(f, "client {client} in tenant {tenant}"),
            (Some(client), None) => write!(f, "client {client}"),
            (None, _) => f.write_str("the operator's own identity"),
        }
    }
}

/// A token that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Want {
    /// For what.
    pub resource: Resource,
    /// Whether whoever uses it answers claims challenges (continuous access evaluation). Entra gives such tokens a day of
    /// life and revokes them by a challenge, so a token for somebody else's application is never of this kind.
    pub answers_challenges: bool,
}

impl Want {
    /// A token for our own calls.
    pub fn ours(resource: Resource) -> Self {
        Self {
            resource,
            answers_challenges: true,
        }
    }

    /// A token that is handed to an application.
    pub fn handed_out(resource: Resource) -> Self {
        Self {
            resource,
            answers_challenges: false,
        }
    }
}

/// Claims of a challenge (JSON), which the next token must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims(pub String);

/// What a client proves itself with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(SecretValue),
    /// A signed assertion: a token of an issuer that the application trusts, or one signed with its own certificate (RFC 7523).
    Assertion(SecretValue),
    /// A user's name and password (RFC 6749 §4.3).
    Password {
        /// Who signs in.
        username: String,
        /// With what.
        password: SecretValue,
    },
    /// A refresh token of a user who has signed in (RFC 6749 §6).
    RefreshToken(SecretValue),
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The bearer token itself.
    pub value: SecretValue,
    /// When it was had.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// From when on a new one should be asked for while this one is still used.
    pub refresh_at: Timestamp,
}

/// Part of a token's life after which a new one is asked for, where nobody says when.
const REFRESH_AT: f64 = 0.8;

impl Token {
    /// A token that lives for `life` from `now` on and should be renewed after `refresh`, by default four fifths of it.
    pub fn new(
        value: SecretValue,
        now: Timestamp,
        life: Duration,
        refresh: Option<Duration>,
    ) -> Option<Self> {
        let refresh = refresh
            .filter(|refresh| *refresh < life)
            .unwrap_or_else(|| life.mul_f64(REFRESH_AT));
        Some(Self {
            value,
            issued_at: now,
            expires_at: now.checked_add(life).ok()?,
            refresh_at: now.checked_add(refresh).ok()?,
        })
    }

    /// Renewal moved ahead by up to a fifth of the time until then, so that tokens that were had together are not renewed
    /// together.
    #[must_use]
    pub fn spread(self, seed: u64) -> Self {
        let until =
            Duration::try_from(self.refresh_at.duration_since(self.issued_at)).unwrap_or_default();
        let earlier = retry::jitter(until, seed).mul_f64(1.0 / 1.1);
        Self {
            refresh_at: self
                .issued_at
                .checked_add(earlier)
                .unwrap_or(self.refresh_at),
            ..self
        }
    }
}

impl Lease for Token {
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn refresh_at(&self) -> Timestamp {
        self.refresh_at
    }
}

/// What a token endpoint grants.
#[derive(Debug)]
pub struct Granted {
    /// The token.
    pub token: Token,
    /// What gets the next one without the user, where a user has signed in.
    pub refresh_token: Option<SecretValue>,
    /// Who has signed in, where a user has; to be shown, nothing is decided by it.
    pub username: Option<String>,
}
