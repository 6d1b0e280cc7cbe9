//! What the body of a PUT or PATCH says about a store.

use serde::Deserialize;
use serde_json::Value;

use super::children::{self, Kind};
use crate::{
    resource_manager::tags::{self, check_tags},
    world::{failure::Failure, lake_store::LakeStoreSpec, networks::Access, object::Tags},
};

const TIERS: [&str; 7] = [
    "Consumption",
    "Commitment_1TB",
    "Commitment_10TB",
    "Commitment_100TB",
    "Commitment_500TB",
    "Commitment_1PB",
    "Commitment_5PB",
];

/// A field that does not fit.
pub(super) fn invalid(field: &str) -> Failure {
    let message = format!("The value of the parameter '{field}' is not valid.");
    Failure::new(400, "InvalidParameter", message)
}

/// A body. What a PATCH leaves out stays; a PUT sets it back.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) location: Option<String>,
    tags: Option<Tags>,
    identity: Option<Value>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    default_group: Option<String>,
    encryption_state: Option<Access>,
    encryption_config: Option<Value>,
    firewall_state: Option<Access>,
    firewall_allow_azure_ips: Option<Access>,
    firewall_rules: Option<Vec<Child>>,
    virtual_network_rules: Option<Vec<Child>>,
    trusted_id_provider_state: Option<Access>,
    trusted_id_providers: Option<Vec<Child>>,
    new_tier: Option<String>,
}

#[derive(Deserialize)]
struct Child {
    name: String,
    #[serde(default)]
    properties: Value,
}

impl Body {
    /// Writes what the body says into a spec.
    pub(super) fn apply(self, spec: &mut LakeStoreSpec, made: bool) -> Result<(), Failure> {
        check_tags(self.tags.as_ref(), tags::MAX_NAME)?;
        spec.tags = self.tags.or_else(|| spec.tags.take());
        if let Some(identity) = self.identity {
            if identity["type"] != "SystemAssigned" {
                return Err(invalid("identity.type"));
            }
            spec.identity = Some(identity);
        }
        let given = self.properties.unwrap_or_default();
        spec.default_group = given.default_group.or_else(|| spec.default_group.take());
        let set = |here: &mut Access, given: Option<Access>| *here = given.unwrap_or(*here);
        set(&mut spec.firewall_state, given.firewall_state);
        set(
            &mut spec.firewall_allow_azure_ips,
            given.firewall_allow_azure_ips,
        );
        set(
            &mut spec.trusted_id_provider_state,
            given.trusted_id_provider_state,
        );
        if let Some(tier) = given.new_tier {
            if !TIERS.contains(&tier.as_str()) {
                return Err(invalid("newTier"));
            }
            spec.tier = tier;
        }
        if made {
            set(&mut spec.encryption_state, given.encryption_state);
        } else if given
            .encryption_state
            .is_some_and(|it| it != spec.encryption_state)
        {
            return Err(invalid("encryptionState"));
        }
        encryption(given.encryption_config, spec, made)?;
        for (kind, list) in [
            (Kind::Firewall, given.firewall_rules),
            (Kind::Subnet, given.virtual_network_rules),
            (Kind::Provider, given.trusted_id_providers),
        ] {
            for child in list.into_iter().flatten() {
                children::put(spec, kind, &child.name, &child.properties)?;
            }
        }
        Ok(())
    }
}

/// Whose key it is stays; a customer's key may get another version.
fn encryption(given: Option<Value>, spec: &mut LakeStoreSpec, made: bool) -> Result<(), Failure> {
    let Some(given) = given else {
        if made && spec.encryption_state == Access::Enabled {
            spec.encryption_config = Some(serde_json::json!({"type": "ServiceManaged"}));
        }
        return Ok(());
    };
    let kind = given["type"].as_str();
    if made {
        let key = &given["keyVaultMetaInfo"]["keyVaultResourceId"];
        let fits = match kind {
            Some("ServiceManaged") => true,
            Some("UserManaged") => key.is_string() && spec.identity.is_some(),
            _ => false,
        };
        if !fits {
            return Err(invalid("encryptionConfig"));
        }
        spec.encryption_config = Some(given);
        return Ok(());
    }
    let present = spec
        .encryption_config
        .get_or_insert_with(|| serde_json::json!({}));
    if kind.is_some_and(|kind| present["type"] != kind) {
        return Err(invalid("encryptionConfig.type"));
    }
    let version = &given["keyVaultMetaInfo"]["encryptionKeyVersion"];
    if version.is_string() && present["type"] == "UserManaged" {
        present["keyVaultMetaInfo"]["encryptionKeyVersion"] = version.clone();
    }
    Ok(())
}
