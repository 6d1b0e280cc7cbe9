//! What a token is for. Pure.

use std::fmt;
use std::sync::Arc;

/// What tokens are asked for: an application's id or URI, such as `https://vault.azure.net`. The v1 endpoints and managed
/// identities call it resource, v2 says it as a scope. Cheap to clone: it is part of every look at a token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(Arc<str>);

impl Resource {
    /// A resource as it is written, with or without the `/.default` of a scope. A slash at its end stays: it is part of
    /// the token's audience.
    pub fn new(text: &str) -> Self {
        Self(text.strip_suffix("/.default").unwrap_or(text).into())
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

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
