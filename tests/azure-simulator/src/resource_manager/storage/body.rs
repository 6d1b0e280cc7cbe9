//! What the body of a PUT or PATCH says about an account, with the provider's checks.

use serde::Deserialize;
use serde_json::Value;

use super::{
    cannot_be_updated, encryption::EncryptionBody, invalid_values, network_body::AclsBody,
};
use crate::{
    resource_manager::{
        context::Context,
        tags::{self, check_tags},
    },
    world::{
        World,
        failure::Failure,
        object::Tags,
        storage_spec::{AccessTier, PublicAccess, StorageAccountSpec},
    },
};

const KINDS: [&str; 5] = [
    "Storage",
    "StorageV2",
    "BlobStorage",
    "FileStorage",
    "BlockBlobStorage",
];
const SKUS: [&str; 13] = [
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
];
/// Skus that nothing is changed to or from.
const FIXED_SKUS: [&str; 3] = ["Standard_ZRS", "Premium_LRS", "Premium_ZRS"];
/// As new accounts have it that say nothing.
const MINIMUM_TLS: &str = "TLS1_2";

/// A body.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) location: Option<String>,
    kind: Option<String>,
    sku: Option<SkuBody>,
    tags: Option<Tags>,
    identity: Option<Value>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct SkuBody {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    is_hns_enabled: Option<bool>,
    is_sftp_enabled: Option<bool>,
    is_local_user_enabled: Option<bool>,
    is_nfs_v3_enabled: Option<bool>,
    minimum_tls_version: Option<String>,
    allow_shared_key_access: Option<bool>,
    allow_blob_public_access: Option<bool>,
    supports_https_traffic_only: Option<bool>,
    #[serde(rename = "defaultToOAuthAuthentication")]
    default_to_oauth: Option<bool>,
    allow_cross_tenant_replication: Option<bool>,
    allowed_copy_scope: Option<String>,
    public_network_access: Option<String>,
    network_acls: Option<AclsBody>,
    access_tier: Option<String>,
    encryption: Option<EncryptionBody>,
    large_file_shares_state: Option<String>,
    dns_endpoint_type: Option<String>,
    key_policy: Option<Value>,
    sas_policy: Option<Value>,
    routing_preference: Option<Value>,
    immutable_storage_with_versioning: Option<Value>,
}

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Create,
    /// PUT on an account that is there: its tags are those of the body, what else the body leaves out stays.
    Put,
    Patch,
}

impl Body {
    /// Writes what the body says into a spec.
    pub(super) fn apply(
        self,
        context: &Context<'_>,
        world: &World,
        spec: &mut StorageAccountSpec,
        mode: Mode,
    ) -> Result<(), Failure> {
        check_tags(self.tags.as_ref(), tags::MAX_NAME_OF_STORAGE)?;
        if self.tags.is_some() || mode != Mode::Patch {
            spec.tags = self.tags.unwrap_or_default();
        }
        let given = self.properties.unwrap_or_default();
        kind(self.kind.as_deref(), spec, mode)?;
        sku(self.sku.map(|sku| sku.name).as_deref(), spec, mode)?;
        if let Some(identity) = &self.identity {
            spec.identity = super::encryption::identity(world, spec, identity)?;
        }
        fixed(&given, spec, mode)?;
        tier(given.access_tier.as_deref(), spec, mode)?;
        if mode == Mode::Create {
            MINIMUM_TLS.clone_into(&mut spec.minimum_tls);
        }
        given.switches(spec)?;
        given.policies(spec)?;
        if let Some(acls) = given.network_acls {
            spec.firewall = acls.read()?;
        }
        if let Some(encryption) = given.encryption {
            encryption.apply(context, world, spec, mode == Mode::Create)?;
        }
        whole(spec)
    }
}

impl Properties {
    fn switches(&self, spec: &mut StorageAccountSpec) -> Result<(), Failure> {
        let set = |here: &mut Option<bool>, given: Option<bool>| *here = given.or(*here);
        set(&mut spec.is_sftp_enabled, self.is_sftp_enabled);
        set(&mut spec.is_local_user_enabled, self.is_local_user_enabled);
        set(
            &mut spec.allow_shared_key_access,
            self.allow_shared_key_access,
        );
        set(
            &mut spec.default_to_o_auth_authentication,
            self.default_to_oauth,
        );
        let flag = |here: &mut bool, given: Option<bool>| *here = given.unwrap_or(*here);
        flag(
            &mut spec.allow_blob_public_access,
            self.allow_blob_public_access,
        );
        flag(
            &mut spec.supports_https_traffic_only,
            self.supports_https_traffic_only,
        );
        flag(
            &mut spec.allow_cross_tenant_replication,
            self.allow_cross_tenant_replication,
        );
        if let Some(given) = &self.minimum_tls_version {
            let known = ["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"];
            spec.minimum_tls = one_of(&known, given, "minimumTlsVersion")?;
        }
        if let Some(given) = &self.allowed_copy_scope {
            let scope = one_of(&["PrivateLink", "AAD"], given, "allowedCopyScope")?;
            spec.allowed_copy_scope = Some(scope);
        }
        if let Some(given) = &self.public_network_access {
            let known = ["Enabled", "Disabled", "SecuredByPerimeter"];
            let word = one_of(&known, given, "publicNetworkAccess")?;
            spec.public_network_access = Some(match word.as_str() {
                "Enabled" => PublicAccess::Enabled,
                "Disabled" => PublicAccess::Disabled,
                _ => PublicAccess::SecuredByPerimeter,
            });
        }
        Ok(())
    }

    fn policies(&self, spec: &mut StorageAccountSpec) -> Result<(), Failure> {
        if let Some(policy) = &self.key_policy {
            let days = policy["keyExpirationPeriodInDays"].as_i64();
            if !days.is_some_and(|days| (0..=365).contains(&days)) {
                return Err(invalid_values("keyPolicy.keyExpirationPeriodInDays"));
            }
            spec.key_policy = Some(policy.clone());
        }
        if let Some(policy) = &self.sas_policy {
            if !policy["sasExpirationPeriod"].is_string() {
                return Err(invalid_values("sasPolicy.sasExpirationPeriod"));
            }
            spec.sas_policy = Some(policy.clone());
        }
        let keep = |here: &mut Option<Value>, given: &Option<Value>| {
            if given.is_some() {
                here.clone_from(given);
            }
        };
        keep(&mut spec.routing_preference, &self.routing_preference);
        if let Some(given) = &self.large_file_shares_state {
            spec.large_file_shares_state = Some(one_of(
                &["Disabled", "Enabled"],
                given,
                "largeFileSharesState",
            )?);
        }
        Ok(())
    }
}

/// One of the words, in any case.
pub(super) fn one_of(known: &[&str], given: &str, field: &str) -> Result<String, Failure> {
    known
        .iter()
        .find(|word| word.eq_ignore_ascii_case(given))
        .map(|&word| word.to_owned())
        .ok_or_else(|| invalid_values(field))
}

/// An account becomes a `StorageV2` account, and nothing else.
fn kind(given: Option<&str>, spec: &mut StorageAccountSpec, mode: Mode) -> Result<(), Failure> {
    let Some(given) = given else {
        return if mode == Mode::Create {
            Err(invalid_values("kind"))
        } else {
            Ok(())
        };
    };
    let given = one_of(&KINDS, given, "kind")?;
    let upgrade = given == "StorageV2" && matches!(spec.kind.as_str(), "Storage" | "BlobStorage");
    if mode != Mode::Create && given != spec.kind && !upgrade {
        return Err(cannot_be_updated("kind"));
    }
    spec.kind = given;
    Ok(())
}

fn sku(given: Option<&str>, spec: &mut StorageAccountSpec, mode: Mode) -> Result<(), Failure> {
    let Some(given) = given else {
        return if mode == Mode::Create {
            Err(invalid_values("sku"))
        } else {
            Ok(())
        };
    };
    let given = one_of(&SKUS, given, "sku.name")?;
    let fixed = |name: &str| FIXED_SKUS.contains(&name);
    if mode != Mode::Create && given != spec.sku && (fixed(&given) || fixed(&spec.sku)) {
        return Err(cannot_be_updated("sku.name"));
    }
    spec.sku = given;
    Ok(())
}

/// What an account has from its making on.
fn fixed(given: &Properties, spec: &mut StorageAccountSpec, mode: Mode) -> Result<(), Failure> {
    let is_new = mode == Mode::Create;
    let flag = |here: &mut Option<bool>, given: Option<bool>, field: &str| {
        let Some(given) = given else { return Ok(()) };
        if !is_new && given != here.unwrap_or(false) {
            return Err(cannot_be_updated(field));
        }
        if is_new {
            *here = Some(given);
        }
        Ok(())
    };
    flag(
        &mut spec.is_hns_enabled,
        given.is_hns_enabled,
        "isHnsEnabled",
    )?;
    flag(
        &mut spec.is_nfs_v3_enabled,
        given.is_nfs_v3_enabled,
        "isNfsV3Enabled",
    )?;
    if let Some(kind) = &given.dns_endpoint_type {
        let kind = one_of(&["Standard", "AzureDnsZone"], kind, "dnsEndpointType")?;
        if !is_new && kind != spec.dns_endpoint_type.as_deref().unwrap_or("Standard") {
            return Err(cannot_be_updated("dnsEndpointType"));
        }
        if is_new {
            spec.dns_endpoint_type = Some(kind);
        }
    }
    if let Some(versioning) = &given.immutable_storage_with_versioning {
        let on = |value: &Option<Value>| value.as_ref().is_some_and(|one| one["enabled"] == true);
        let changes = on(&Some(versioning.clone())) != on(&spec.immutable_storage_with_versioning);
        if !is_new && changes {
            return Err(cannot_be_updated("immutableStorageWithVersioning.enabled"));
        }
        spec.immutable_storage_with_versioning = Some(versioning.clone());
    }
    Ok(())
}

fn tier(given: Option<&str>, spec: &mut StorageAccountSpec, mode: Mode) -> Result<(), Failure> {
    let blocks = spec.kind == "BlockBlobStorage";
    if mode == Mode::Create {
        spec.access_tier = match spec.kind.as_str() {
            "StorageV2" => Some(AccessTier::Hot),
            "BlockBlobStorage" => Some(AccessTier::Premium),
            _ => None,
        };
        if spec.kind == "BlobStorage" && given.is_none() {
            return Err(invalid_values("accessTier"));
        }
    }
    let Some(given) = given else { return Ok(()) };
    let word = one_of(&["Hot", "Cool", "Cold", "Premium"], given, "accessTier")?;
    let wanted = match word.as_str() {
        "Hot" => AccessTier::Hot,
        "Cool" => AccessTier::Cool,
        "Cold" => AccessTier::Cold,
        _ => AccessTier::Premium,
    };
    let has_tier = matches!(
        spec.kind.as_str(),
        "StorageV2" | "BlobStorage" | "BlockBlobStorage"
    );
    if !has_tier || blocks != (wanted == AccessTier::Premium) {
        return Err(invalid_values("accessTier"));
    }
    spec.access_tier = Some(wanted);
    Ok(())
}

/// What must go together.
fn whole(spec: &StorageAccountSpec) -> Result<(), Failure> {
    let premium = spec.sku.starts_with("Premium");
    let lakes = spec.kind == "StorageV2" && !premium || spec.kind == "BlockBlobStorage" && premium;
    if spec.kind == "BlockBlobStorage" && !premium || spec.kind == "BlobStorage" && premium {
        return Err(invalid_values("sku.name"));
    }
    if spec.has_namespace() && !lakes {
        return Err(invalid_values("isHnsEnabled"));
    }
    if spec.is_sftp_enabled == Some(true) && !spec.has_namespace() {
        return Err(invalid_values("isSftpEnabled"));
    }
    let closed = !spec.firewall.virtual_network_rules.is_empty();
    if spec.is_nfs_v3_enabled == Some(true) && !(spec.has_namespace() && closed) {
        return Err(invalid_values("isNfsV3Enabled"));
    }
    Ok(())
}
