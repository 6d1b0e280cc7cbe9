//! The kind `VaultSecretSync`: objects of a vault mirrored into one Kubernetes Secret.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

pub mod certificates;
pub mod sources;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure_identity::api::{IdentityRef, SecretKeyRef};
use crate::k8s::fields::is_default;
use crate::vault_secret_sync::api::certificates::{CertificateSource, PublicKeySource};
use crate::vault_secret_sync::api::sources::{
    DataFromEntry, KeyVaultRef, TemplateSpec, WindowSpec,
};
use crate::vault_secret_sync::push::api::{PushEntry, PushStatus};
use crate::vault_secret_sync::rollout::api::{RolloutStatus, RolloutTarget};

/// Objects of a Key Vault mirrored into one Kubernetes Secret.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "lakevault.dev",
    version = "v1alpha1",
    kind = "VaultSecretSync",
    namespaced,
    status = "VaultSecretSyncStatus",
    shortname = "vss",
    category = "lakevault",
    derive = "PartialEq",
    doc = "Objects of an Azure Key Vault mirrored into one Kubernetes Secret of the same namespace. What was synced once is kept whatever happens to the vault.",
    printcolumn(name = "Vault", type_ = "string", json_path = ".spec['vaultUri','vaultRef.name','data..vaultUri','data..vaultRef.name','dataFrom..vaultUri','dataFrom..vaultRef.name']"),
    printcolumn(name = "Secret", type_ = "string", json_path = ".status.target.name"),
    printcolumn(name = "Keys", type_ = "string", json_path = ".status.summary"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Synced", type_ = "string", json_path = ".status.conditions[?(@.type=='Synced')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Synced')].reason"),
    printcolumn(name = "Changed", type_ = "date", json_path = ".status.lastChanged"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Identity", type_ = "string", json_path = ".spec.identityRef.name", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Synced')].message",
        priority = 1
    ),
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters: it is part of an annotation on the Secret"),
    validation = Rule::new("has(self.spec.vaultUri) || has(self.spec.vaultRef) || (!(has(self.spec.data) && self.spec.data.exists(entry, !has(entry.accessToken) && !has(entry.vaultUri) && !has(entry.vaultRef))) && !(has(self.spec.dataFrom) && self.spec.dataFrom.exists(from, !has(from.vaultUri) && !has(from.vaultRef))))").message("vaultUri or vaultRef must be set where an entry is of a vault and names none of its own"),
    validation = Rule::new("has(self.spec.vaultUri) || has(self.spec.vaultRef) || !has(self.spec.push)").message("vaultUri or vaultRef must be set where push is"),
    validation = Rule::new("(has(self.spec.data) && size(self.spec.data) > 0) || (has(self.spec.dataFrom) && size(self.spec.dataFrom) > 0) || has(self.spec.push)").message("data, dataFrom or push must have an entry"),
    validation = Rule::new("(has(self.spec.data) && size(self.spec.data) > 0) || (has(self.spec.dataFrom) && size(self.spec.dataFrom) > 0) || !(has(self.spec.rollout) || has(self.spec.template) && has(self.spec.template.data))").message("template.data and rollout have no meaning without data or dataFrom")
)]
#[x_kube(validation = Rule::new("!has(self.vaultUri) || !has(self.vaultRef)").message("at most one of vaultUri and vaultRef may be set"))]
#[serde(rename_all = "camelCase")]
pub struct VaultSecretSyncSpec {
    /// The vault, by the origin of its data plane. It must belong to the cloud of the identity. Example:
    /// <https://kv-payments.vault.azure.net>. This or vaultRef is needed where an entry has an object of a vault and names none
    /// of its own, and for push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^https://[0-9A-Za-z][0-9A-Za-z-]*\.[0-9A-Za-z.-]+(:[0-9]+)?/?$"),
        length(max = 512)
    )]
    pub vault_uri: Option<String>,

    /// The vault, by the KeyVault of this namespace that stands for it. Until that tells where its vault is, the sync waits.
    /// Example: {name: kv-payments}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_ref: Option<KeyVaultRef>,

    /// The identity that reads the vault. Default: the ClusterAzureIdentity named `default`, where it allows this
    /// namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_ref: Option<IdentityRef>,

    /// How often the vault is looked at; spread by up to 10 %. 0s means once. At least 10s. Default: 5m. Example: 1h30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) == duration('0s') || duration(self) >= duration('10s')").message("refreshInterval must be 0s (once) or at least 10s"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub refresh_interval: Option<Duration>,

    /// The keys of the Secret, and where their values come from. Without data and dataFrom there must be push, and no Secret is
    /// written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = Rule::new("self.all(a, !has(a.key) || self.exists_one(b, has(b.key) && b.key == a.key))").message("each key may stand once in data"))]
    pub data: Vec<DataEntry>,

    /// Sources of many keys. Where two give one key, data goes before dataFrom, and what stands first before what comes later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub data_from: Vec<DataFromEntry>,

    /// What becomes of a key whose object is gone from the vault, or not found any more. Whatever it says, the last key is not
    /// removed, and where more than half of the keys would go, a second look one interval later must say the same.
    /// Default: Retain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_missing: OnMissing,

    /// What is done with a version that has expired or is not valid yet. Strict: it is not taken, and the key keeps what it has.
    /// Ignore: it is taken. Default: Strict.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validity: Validity,

    /// How long before a value ends the condition Expiring tells; where it lives shorter, in the last third of its life. 0s means
    /// never. Default: 720h. Example: 168h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub expiry_warning: Option<Duration>,

    /// Times in which changes may be applied. Outside of them a changed object is seen and told, and the Secret stays as it is;
    /// what lacks is written, what somebody spoilt is repaired, and tokens are renewed at any time. Default: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub windows: Vec<WindowSpec>,

    /// Values of Secrets that are written to the vault, and again whenever they change. The identity needs a role that may
    /// write; a ClusterAzureIdentity must lend it by allow[].push. Names have no case, and each may stand once, as a secret or
    /// as a certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, (has(a.to.secret) ? a.to.secret : a.to.certificate) == (has(b.to.secret) ? b.to.secret : b.to.certificate)))").message("each object may stand once in push"))]
    pub push: Vec<PushEntry>,

    /// Type, labels, annotations and values of the Secret, as templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateSpec>,

    /// The Secret that is written. Default: one with the name of this object, owned by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSpec>,

    /// Workloads that are restarted when an object or a version in the Secret changes, by an annotation of their pod template.
    /// The first sync restarts none, and neither do changed attributes, repairs and renewed access tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 16))]
    pub rollout: Vec<RolloutTarget>,

    /// Pauses the sync: the vault is not asked and the Secret is left as it is. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

impl VaultSecretSyncSpec {
    /// Whether there is a Secret to write. Otherwise all that is done is to push.
    pub fn reads(&self) -> bool {
        !self.data.is_empty() || !self.data_from.is_empty()
    }
}

/// What becomes of a key whose object is gone.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// It keeps the last value.
    #[default]
    Retain,
    /// It goes, too.
    Remove,
}

/// What is done with a version outside of its time.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// It is not taken.
    #[default]
    Strict,
    /// It is taken.
    Ignore,
}

/// One key of the Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("[has(self.secret), has(self.certificate), has(self.publicKey), has(self.accessToken)].filter(is, is).size() == 1").message("exactly one of secret, certificate, publicKey and accessToken must be set"))]
#[x_kube(validation = Rule::new("has(self.key) || has(self.certificate)").message("key must be set, unless the entry has certificate"))]
#[x_kube(validation = Rule::new("!(has(self.vaultUri) || has(self.vaultRef)) || !has(self.accessToken)").message("vaultUri and vaultRef have no meaning beside accessToken"))]
#[x_kube(validation = Rule::new("!has(self.vaultUri) || !has(self.vaultRef)").message("at most one of vaultUri and vaultRef may be set"))]
#[serde(rename_all = "camelCase")]
pub struct DataEntry {
    /// Key in the Secret's data: letters, digits, `-`, `_` and `.`. Of a certificate it is what its keys begin with, instead of tls:
    /// web gives web.crt, web.key and web.ca.crt. Example: `DB_PASSWORD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[-._a-zA-Z0-9]+$"), length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self != '.' && !self.startsWith('..')").message("key must not be '.' and must not start with '..'"))]
    pub key: Option<String>,

    /// The vault of this entry, where it is another than the sync's. It is read with the same identity. Default: that of the
    /// sync. Example: <https://kv-shared.vault.azure.net>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^https://[0-9A-Za-z][0-9A-Za-z-]*\.[0-9A-Za-z.-]+(:[0-9]+)?/?$"),
        length(max = 512)
    )]
    pub vault_uri: Option<String>,

    /// The vault of this entry, by the KeyVault of this namespace that stands for it. Example: {name: kv-shared}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_ref: Option<KeyVaultRef>,

    /// A secret of the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,

    /// A certificate of the vault: tls.crt, tls.key, and ca.crt where the vault has its authority. Without key the Secret is of
    /// type kubernetes.io/tls, unless template.type says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Box<CertificateSource>>,

    /// The public half of a key of the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Box<PublicKeySource>>,

    /// Whether the object may be absent from the vault: then the key is, too, and nothing is wrong. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,

    /// A bearer token, renewed before it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Box<AccessTokenSource>>,
}

/// A value that is a bearer token. It is renewed at about 80 % of its life, whatever refreshInterval says; while it cannot
/// be, the old one stays.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.resource) != has(self.mlServer)").message("exactly one of resource and mlServer must be set"))]
#[serde(rename_all = "camelCase")]
pub struct AccessTokenSource {
    /// An access token of the sync's identity for this application or Azure service: its id or URI. A ClusterAzureIdentity
    /// must lend it by allow[].resources. Example:
    /// `api://22222222-2222-2222-2222-222222222222`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[!-~]+$"), length(max = 512))]
    pub resource: Option<String>,

    /// The token of a Machine Learning Server's own login. It needs no identity. The user is logged out when the entry or
    /// the sync goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ml_server: Option<MlServerSource>,
}

/// A user of a Machine Learning Server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MlServerSource {
    /// The server's URL. Example: `https://mls.example.net:12800`.
    #[schemars(regex(pattern = r"^https://[^/?#@]+(/[^?#]*)?$"), length(max = 512))]
    pub url: String,

    /// The user. Example: ada.
    #[schemars(length(min = 1, max = 256))]
    pub username: String,

    /// The password, in a Secret of the same namespace. A changed Secret is used at once where the login had failed.
    pub password_from: SecretKeyRef,
}

/// A value that comes from a secret of the vault.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretSource {
    /// Name of the secret in the vault. Example: db-password.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// Pins one version. Default: the newest one, followed. Example: 4387e9f3d6e14c459867679a90fd0f79.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z]+$"), length(min = 1, max = 64))]
    pub version: Option<String>,

    /// Takes one value out of a secret that is JSON: a JSON path (RFC 9535), with or without the leading `$.`. Where the
    /// path finds nothing, a member of exactly this name is taken, dots and all. Example: database.password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub property: Option<String>,

    /// Decodes the value before it is stored. Default: None.
    #[serde(default, skip_serializing_if = "is_default")]
    pub decode: Decode,
}

/// How a value is decoded before it is stored.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decode {
    /// As it is.
    #[default]
    None,
    /// Base64 (RFC 4648 §4), with or without padding; line breaks are ignored.
    Base64,
    /// Base64 with the alphabet for URLs (RFC 4648 §5), with or without padding; line breaks are ignored.
    Base64Url,
}

/// The Secret that is written.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.ownership) || self.ownership == 'Own' || !(has(self.immutable) && self.immutable) && !(has(self.recreate) && self.recreate)").message("immutable and recreate are for a Secret of the sync's own (ownership Own)"))]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// Name of the Secret. Default: the name of this object. A changed name moves the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub name: Option<String>,

    /// Own: the Secret is this object's. Merge: the keys are put into a Secret that somebody else keeps, and that carries
    /// the annotation `lakevault.dev/allow-sync: <name of this object>`. Default: Own.
    #[serde(default)]
    pub ownership: Ownership,

    /// What happens to the Secret (Own) or to the keys in it (Merge) when this object is deleted. Default: Delete.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Whether Kubernetes lets nobody change the Secret's values any more. A change in the vault then needs recreate.
    /// Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,

    /// Whether the Secret may be deleted and made anew where it cannot be changed: an immutable one, or one of another type.
    /// All values are at hand before; between the two there is a moment without the Secret. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recreate: bool,
}

/// Whose the Secret is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// The sync's.
    #[default]
    Own,
    /// Somebody else's, who lets the sync put keys into it.
    Merge,
}

/// What deletion of the sync does to its target.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The Secret, or the keys merged into it, go with the sync.
    #[default]
    Delete,
    /// They stay.
    Retain,
}

/// What the operator knows of a sync.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
#[serde(rename_all = "camelCase")]
pub struct VaultSecretSyncStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the Secret holds a value for every key. `Synced`: the last look at the vault succeeded and the Secret
    /// equals it. `Degraded`: something is wrong; what was synced before is kept. `RolledOut`: the workloads of `rollout` have
    /// the Secret as it is. `Pushed`: the vault holds what spec.push asks for; absent where nothing is pushed. Where nothing is
    /// read, `Ready`, `Synced` and `Degraded` speak of what is pushed. `Reconciling`, while it is True: the spec was not carried
    /// out as a whole yet. `Stalled`, while it is True: somebody must mend something first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Keys that hold a value, of all keys; where nothing is read, objects that were pushed, of all. Example: 3/3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,

    /// The Secret that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetStatus>,

    /// State of each key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["key"]))]
    pub keys: Vec<KeyStatus>,

    /// What is wrong with sources of the spec, and with no single key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["source"]))]
    pub sources: Vec<SourceStatus>,

    /// Restarts of workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,

    /// State of each object that is pushed to the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["vault", "object"]))]
    pub push: Vec<PushStatus>,

    /// The last value of the annotation `lakevault.dev/sync-at` that was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_sync_at: Option<String>,

    /// When the vault was last looked at, as of the last change of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checked: Option<Time>,

    /// When the Secret was last written; where nothing is read, when a version was last made in the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_changed: Option<Time>,

    /// When the vault is next looked at, as of the last change of this status. Absent where nothing is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_check: Option<Time>,
}

/// The Secret that a sync has written.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TargetStatus {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// What deletion does.
    pub deletion_policy: DeletionPolicy,
}

/// State of one key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The key.
    pub key: String,

    /// The vault object that the value comes from, or what a token is for. Example: db-password.
    pub object: String,

    /// The version that the value in the Secret came from; a token's is made of its times. Absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// When that version was last updated in the vault, or the token was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Time>,

    /// When that version expires; of a certificate, when the certificate ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,

    /// What is odd about the value, though it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,

    /// Why the last look failed. The value in the Secret, if any, is the last good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<KeyError>,
}

/// What is wrong with a source of the spec.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Where it stands. Example: `spec.dataFrom[0]`.
    pub source: String,

    /// What is wrong.
    pub error: KeyError,
}

/// Why a key could not be brought up to date.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyError {
    /// One stable word. Example: Forbidden.
    pub reason: String,

    /// What was seen and what to do.
    pub message: String,

    /// HTTP status that Azure answered with, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,

    /// Azure's own code. Example: `SecretNotFound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_code: Option<String>,
}
