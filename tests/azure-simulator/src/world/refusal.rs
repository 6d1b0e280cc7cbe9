//! Why the world does not do what it is asked. `key_vault::errors` gives each its wire form.

/// A refused operation on a vault's secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such secret or version; carries `name` or `name/version`.
    #[error("secret {0} not found")]
    NotFound(String),
    /// No deleted secret of that name (yet).
    #[error("deleted secret {0} not found")]
    DeletedNotFound(String),
    /// The version is disabled.
    #[error("secret is disabled")]
    Disabled,
    /// The name is taken by a deleted secret.
    #[error("secret {0} is deleted but recoverable")]
    DeletedButRecoverable(String),
    /// A deletion or purge is under way.
    #[error("secret {0} is being deleted")]
    BeingDeleted(String),
    /// A recovery is under way.
    #[error("secret {0} is being recovered")]
    BeingRecovered(String),
    /// The name is in use (restore).
    #[error("secret {0} exists")]
    Exists(String),
    /// Purge of a protected vault.
    #[error("purge protection is enabled")]
    PurgeProtected,
    /// The secret belongs to a certificate; carries the operation's word.
    #[error("{0} is not allowed on a managed secret")]
    Managed(&'static str),
    /// A field or name is not valid; carries Azure's message.
    #[error("{0}")]
    BadParameter(String),
}
