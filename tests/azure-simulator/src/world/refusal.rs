//! Why the world does not do what it is asked. `key_vault::errors` gives each its wire form.

/// A refused operation on an object of a vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such object or version; carries `name` or `name/version`.
    #[error("{0} is not there")]
    NotFound(String),
    /// No deleted object of that name (yet).
    #[error("there is no deleted {0}")]
    DeletedNotFound(String),
    /// The version is disabled.
    #[error("it is disabled")]
    Disabled,
    /// The name is taken by a deleted object.
    #[error("{0} is deleted but recoverable")]
    DeletedButRecoverable(String),
    /// A deletion or purge is under way.
    #[error("{0} is being deleted")]
    BeingDeleted(String),
    /// A recovery is under way.
    #[error("{0} is being recovered")]
    BeingRecovered(String),
    /// The name is in use.
    #[error("{0} exists")]
    Exists(String),
    /// Purge of a protected vault.
    #[error("purge protection is enabled")]
    PurgeProtected,
    /// The vault does not delete softly; carries the operation's word.
    #[error("{0} is not enabled")]
    NotEnabled(&'static str),
    /// The secret or key belongs to a certificate; carries the operation's word.
    #[error("{0} is not allowed on what belongs to a certificate")]
    Managed(&'static str),
    /// No certificate of that name is being made.
    #[error("no certificate {0} is being made")]
    PendingNotFound(String),
    /// A certificate of that name is being made.
    #[error("a certificate of that name is being made")]
    InProgress,
    /// Only what is being made can be cancelled.
    #[error("the certificate is not being made any more")]
    NotInProgress,
    /// The certificate is being made by an issuer that needs no merge; carries the issuer's name.
    #[error("the certificate is made by {0}")]
    MergeForbidden(String),
    /// A field or name is not valid; carries Azure's message.
    #[error("{0}")]
    BadParameter(String),
}
