//! What goes wrong, in one form that a condition, an Event, a metric and the scheduler all understand.

use std::fmt;

use crate::retry::Retry;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One stable word for each thing that can go wrong. It is the reason of conditions and Events, the `reason` of a
        /// key's error and a label of metrics; `docs/troubleshooting.md` has an entry for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

reasons! {
    /// The spec says something that cannot be.
    InvalidSpec,
    /// The vault's host does not belong to the cloud of the identity.
    VaultNotInCloud,
    /// The identity does not exist.
    IdentityNotFound,
    /// The identity is being deleted.
    IdentityDeleting,
    /// The identity is not lent to this namespace, vault or object.
    IdentityNotAllowed,
    /// The Secret with the credential, or its key, does not exist or is empty.
    CredentialNotFound,
    /// The certificate, its key or its container cannot be read: empty, no PEM, no PKCS#12, or of a kind that is not supported.
    CertificateUnreadable,
    /// The password does not open the certificate's key or container, or is missing.
    CertificatePasswordWrong,
    /// The private key does not belong to the certificate.
    CertificateKeyMismatch,
    /// The certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The vault gave the certificate without its private key.
    PrivateKeyMissing,
    /// The certificate's issuers do not fit together.
    CertificateChainBroken,
    /// The password for a keystore is none that Java and OpenSSL both take.
    KeystorePasswordUnusable,
    /// The key has no public half, or one of a kind that is not supported.
    KeyTypeUnsupported,
    /// The application does not know the certificate (AADSTS700027).
    CertificateNotRegistered,
    /// Entra finds an assertion outside its time: the operator's clock is wrong (AADSTS700024).
    ClockSkewed,
    /// Name or password of the user are wrong (AADSTS50034, AADSTS50126).
    InvalidUserPassword,
    /// The user must sign in with a second factor, which a program cannot (AADSTS50076, AADSTS50079).
    MultiFactorRequired,
    /// No managed identity endpoint answers here.
    ManagedIdentityUnavailable,
    /// The machine has no such managed identity.
    ManagedIdentityNotAssigned,
    /// Every credential of the default chain was passed over.
    ChainExhausted,
    /// A file or variable of the operator's environment that a credential needs is missing or unusable.
    EnvironmentUnusable,
    /// Entra does not know the resource that a token was asked for (AADSTS500011, AADSTS70011).
    ResourceNotFound,
    /// The ConfigMap with the cloud's root certificates, or its key, does not exist or holds none.
    CaBundleNotFound,
    /// The cloud's Resource Manager did not tell its endpoints in a form that is understood.
    CloudNotDiscovered,
    /// The identity's cloud does not say where its Resource Manager is.
    ResourceManagerUnknown,
    /// The identity's cloud does not say where its storage accounts are.
    StorageUnknown,
    /// The data lake's host does not belong to the cloud of the identity.
    LakeNotInCloud,
    /// A Machine Learning Server refused the login.
    LoginRefused,
    /// The ServiceAccount does not exist.
    ServiceAccountNotFound,
    /// The operator may not create tokens for the ServiceAccount.
    TokenRequestForbidden,
    /// Entra does not know the client secret (AADSTS7000215).
    InvalidClientSecret,
    /// The client secret has expired (AADSTS7000222).
    ClientSecretExpired,
    /// Entra does not know the tenant (AADSTS90002, AADSTS900023).
    TenantNotFound,
    /// The tenant does not know the application (AADSTS700016).
    ApplicationNotFound,
    /// No federated credential of the application fits the ServiceAccount's token (AADSTS70021, 700211–700213).
    FederationMismatch,
    /// Entra refused for another reason.
    AuthenticationFailed,
    /// The host has no address: for a vault this means that there is none of this name.
    HostNotFound,
    /// The server's certificate is not trusted.
    CertificateNotTrusted,
    /// No connection, or it broke.
    ConnectionFailed,
    /// No answer in time.
    TimedOut,
    /// Azure answered 5xx.
    AzureUnavailable,
    /// The answer could not be understood.
    MalformedAnswer,
    /// Azure answered 429.
    Throttled,
    /// The vault did not accept the token.
    Unauthorized,
    /// The vault belongs to another tenant, or sends its callers to another authority.
    ForeignChallenge,
    /// The identity lacks the role or access policy.
    Forbidden,
    /// The vault's firewall or network settings shut the operator out.
    ForbiddenByNetwork,
    /// The vault refused the request as such.
    RequestRefused,
    /// The storage account is disabled.
    AccountDisabled,
    /// The storage account has no hierarchical namespace, so there are no directories in it.
    HierarchyMissing,
    /// Something else stands at a path in a data lake, or above it.
    PathConflict,
    /// Somebody holds a lease on a file or directory.
    LeaseHeld,
    /// A filesystem that is to be deleted holds data.
    FilesystemNotEmpty,
    /// Access lists of a tree were changed, but not those of all paths.
    TreeIncomplete,
    /// The ConfigMap or Secret that a file is to be made of, or its key, does not exist.
    FileSourceNotFound,
    /// The Secret does not consent to become a file.
    FileNotAllowed,
    /// Azure cannot use the customer's key that data is to be encrypted with.
    KeyUnusable,
    /// Azure has no such resource.
    AzureResourceNotFound,
    /// The subscription has no such resource group.
    ResourceGroupNotFound,
    /// There is no such subscription, or none that the identity may see.
    SubscriptionNotFound,
    /// The subscription is disabled, and may be read at most.
    SubscriptionDisabled,
    /// A policy of Azure denies it.
    DisallowedByPolicy,
    /// A lock of Azure forbids it.
    ScopeLocked,
    /// The subscription is not registered for the resource provider.
    ProviderNotRegistered,
    /// A quota of the subscription is used up.
    QuotaExceeded,
    /// Azure is changing the resource already, or somebody else changed it at the same moment.
    AzureBusy,
    /// The cloud does not speak the version of the interface that it was asked in.
    ApiVersionUnsupported,
    /// The region, or what is wanted in it, is not to be had.
    LocationUnavailable,
    /// The name is taken, by somebody whom Azure does not tell.
    NameTaken,
    /// A deleted vault that is still kept holds the name.
    NameHeldByDeleted,
    /// Azure does not take the name.
    NameInvalid,
    /// There is no deleted vault of this name to recover.
    NothingToRecover,
    /// The role is assigned already, under another name.
    RoleAssignmentExists,
    /// The directory does not know the principal, or not yet.
    PrincipalNotFound,
    /// What Azure had begun to do failed.
    OperationFailed,
    /// The object, or the pinned version of it, is not in the vault.
    ObjectNotFound,
    /// The object is disabled.
    ObjectDisabled,
    /// The secret's not-before time lies ahead.
    NotYetValid,
    /// The object's expiry date has passed.
    Expired,
    /// The KeyVault that stands for the vault does not exist, or does not tell where its vault is.
    WaitingForVault,
    /// A change waits until a window for changes opens.
    WaitingForWindow,
    /// The secret has an empty value.
    EmptyValue,
    /// The secret is not JSON, but a property was asked for.
    NotJson,
    /// The JSON has no such property.
    PropertyNotFound,
    /// The value could not be decoded.
    DecodeFailed,
    /// The value is not the object, mapping or list of lines that it is to be taken apart as.
    NotExpandable,
    /// Two objects come to one key of the Secret, or a name to none.
    KeyCollision,
    /// A template is not well-formed, or says what no template may.
    InvalidTemplate,
    /// A template could not be rendered with the values there are.
    TemplateFailed,
    /// The values are more than a Secret may hold.
    TooLarge,
    /// The Secret exists and belongs to somebody else.
    TargetNotOurs,
    /// The Secret is being deleted, or goes with the object that it belonged to.
    TargetLeaving,
    /// An older sync claims the same Secret or key.
    TargetClaimed,
    /// The Secret has another type, which Kubernetes lets nobody change.
    TargetTypeImmutable,
    /// The Secret is immutable, and would have to change.
    TargetImmutable,
    /// The Secret's type wants keys that are not there yet.
    TargetIncomplete,
    /// Objects of many keys are gone, and the keys wait for a second look before they go.
    RemovalHeld,
    /// The Secret to merge into does not exist yet.
    TargetNotFound,
    /// The API server found the Secret invalid.
    TargetRefused,
    /// A workload that is to be restarted does not exist.
    WorkloadNotFound,
    /// The change of a workload's pod template was refused.
    WorkloadRefused,
    /// A workload's own controller says that the rollout failed.
    RolloutFailed,
    /// A workload's pods have not been replaced for long.
    RolloutStalled,
    /// The Secret, or the key in it, that is to be pushed does not exist.
    PushSourceNotFound,
    /// The Secret does not consent to be pushed by this sync.
    PushNotAllowed,
    /// The object is in the vault already, and is not to be replaced.
    PushTargetExists,
    /// The object in the vault belongs to another sync, or to a certificate.
    PushTargetNotOurs,
    /// Somebody else changed what was pushed, and it is not to be replaced.
    PushTargetChanged,
    /// The object in the vault is just being deleted or recovered.
    PushTargetBusy,
    /// The value is no text, and a vault keeps only text.
    ValueNotText,
    /// The spec names another subscription, group or name than the resource that it stands for.
    ResourceIdChanged,
    /// The resource in Azure belongs to another tenant.
    TenantMismatch,
    /// The resource in Azure is in another region.
    LocationMismatch,
    /// The resource in Azure is somebody else's, or nobody's that this object may take over.
    ResourceNotOurs,
    /// Azure is busy with the resource.
    Provisioning,
    /// A write is under way in Azure, or its outcome is not known.
    OperationUnderWay,
    /// A deleted resource has the name.
    SoftDeleted,
    /// The deleted resource may not be purged yet.
    PurgeProtected,
    /// Others still name the resource that is to be deleted.
    StillNamed,
    /// What differs is fixed for as long as the resource exists.
    CannotChange,
    /// There is no role of this name.
    RoleNotFound,
    /// A role was given a moment ago, and is not known everywhere in Azure yet.
    RolePropagating,
    /// The operator lacks a permission in Kubernetes.
    KubernetesForbidden,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// Somebody else wrote at the same moment.
    Conflict,
    /// The API server could not be asked.
    KubernetesUnavailable,
    /// Another replica leads, or this one ends: it writes nothing.
    NotLeading,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong: a stable reason, a message for people, and when to try again.
///
/// The message names the object, what was seen and what to do. It holds no secret and nothing that differs from try to
/// try (no time, no request id), since a changed message is a write of the status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Problem {
    /// The stable word.
    pub reason: Reason,
    /// What was seen and what to do.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
    /// HTTP status of Azure's answer.
    pub http_status: Option<u16>,
    /// Azure's own code.
    pub azure_code: Option<String>,
    /// By which Azure's support finds the answer (`x-ms-correlation-request-id`). It differs from try to try, so it is no part of
    /// the message, and no reason to write a status.
    pub correlation_id: Option<String>,
}

impl Problem {
    /// A problem without an answer from Azure.
    pub fn new(reason: Reason, retry: Retry, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry,
            http_status: None,
            azure_code: None,
            correlation_id: None,
        }
    }

    /// Adds what Azure answered.
    #[must_use]
    pub fn answered(mut self, status: u16, code: Option<&str>) -> Self {
        self.http_status = Some(status);
        self.azure_code = code.map(str::to_owned);
        self
    }
}
