//! Why the resource manager, or a provider behind it, does not do what it is asked.

use std::ops::{Deref, DerefMut};

use serde_json::Value;

/// A refused call. Boxed, since all that can be refused carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure(Box<Envelope>);

/// What the error envelope tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    pub(crate) details: Vec<Value>,
    /// `additionalInfo`.
    pub(crate) info: Vec<Value>,
    /// Refused by the resource manager itself, before any provider was asked.
    pub(crate) gateway: bool,
    /// Seconds for `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

impl Deref for Failure {
    type Target = Envelope;

    fn deref(&self) -> &Envelope {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Envelope {
        &mut self.0
    }
}

impl Failure {
    /// Of a provider.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Envelope {
            status,
            code: code.to_owned(),
            message: message.into(),
            ..Envelope::default()
        }))
    }

    /// Of the resource manager itself.
    pub(crate) fn gateway(status: u16, code: &str, message: impl Into<String>) -> Self {
        let mut failure = Self::new(status, code, message);
        failure.gateway = true;
        failure
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn no_group(name: &str) -> Self {
        let message = format!("Resource group '{name}' could not be found.");
        Self::gateway(404, "ResourceGroupNotFound", message)
    }

    /// `kind` is the type, as `Microsoft.KeyVault/vaults`.
    pub(crate) fn no_resource(kind: &str, name: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::gateway(404, "ResourceNotFound", message)
    }
}
