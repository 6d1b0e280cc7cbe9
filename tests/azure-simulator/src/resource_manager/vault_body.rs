//! What the body of a PUT or PATCH says about a vault, with the provider's checks.

use serde::Deserialize;

use super::{
    context::Context,
    policy_body::{self, PolicyBody},
    tags::{self, check_tags},
};
use crate::world::{
    failure::Failure,
    networks::{Access, Bypass, DefaultAction, Firewall, Range, SubnetRule},
    object::Tags,
    spec::{Authorization, Sku, VaultSpec},
};

/// A body.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) location: Option<String>,
    pub(super) tags: Option<Tags>,
    pub(super) properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Properties {
    tenant_id: Option<String>,
    sku: Option<SkuBody>,
    pub(super) access_policies: Option<Vec<PolicyBody>>,
    enabled_for_deployment: Option<bool>,
    enabled_for_disk_encryption: Option<bool>,
    enabled_for_template_deployment: Option<bool>,
    pub(super) enable_rbac_authorization: Option<bool>,
    enable_soft_delete: Option<bool>,
    soft_delete_retention_in_days: Option<i64>,
    enable_purge_protection: Option<bool>,
    create_mode: Option<String>,
    network_acls: Option<AclsBody>,
    public_network_access: Option<String>,
}

#[derive(Deserialize)]
struct SkuBody {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AclsBody {
    bypass: Option<String>,
    default_action: Option<String>,
    ip_rules: Vec<IpRule>,
    virtual_network_rules: Vec<SubnetRule>,
}

#[derive(Deserialize)]
struct IpRule {
    value: String,
}

/// Whether what a body leaves out is set back or stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Create,
    Replace,
    Merge,
}

impl Properties {
    pub(super) fn hides_retention(&self) -> bool {
        self.enable_soft_delete.is_some() && self.soft_delete_retention_in_days.is_none()
    }

    pub(super) fn recovers(&self) -> bool {
        self.create_mode
            .as_deref()
            .is_some_and(|mode| mode.eq_ignore_ascii_case("recover"))
    }
}

impl Body {
    /// Writes what the body says into a spec.
    pub(super) fn apply(
        self,
        context: &Context<'_>,
        spec: &mut VaultSpec,
        mode: Mode,
    ) -> Result<(), Failure> {
        check_tags(self.tags.as_ref(), tags::MAX_NAME)?;
        let given = self.properties;
        if mode != Mode::Merge && (given.tenant_id.is_none() || given.sku.is_none()) {
            return Err(Failure::bad_request(
                "The parameters tenantId and sku of the vault's properties are required.",
            ));
        }
        let keeps = mode == Mode::Merge;
        if self.tags.is_some() || !keeps {
            spec.tags = self.tags.unwrap_or_default();
        }
        if let Some(tenant) = &given.tenant_id {
            spec.tenant_id.clone_from(tenant);
        }
        if let Some(sku) = &given.sku {
            spec.sku = sku.read(context)?;
        }
        protect(context, &given, spec, mode)?;
        if let Some(rbac) = given.enable_rbac_authorization
            && context.stack.is_none()
        {
            spec.authorization = if rbac {
                Authorization::Rbac
            } else {
                Authorization::AccessPolicies
            };
        }
        match given.access_policies {
            Some(policies) => spec.access_policies = policy_body::read(policies)?,
            None if mode == Mode::Create && spec.authorization == Authorization::AccessPolicies => {
                return Err(Failure::bad_request(
                    "The parameter accessPolicies is not specified.",
                ));
            }
            None if keeps => {}
            None => spec.access_policies.clear(),
        }
        if given.enabled_for_deployment.is_some() || !keeps {
            spec.enabled_for_deployment = given.enabled_for_deployment.unwrap_or(false);
        }
        if given.enabled_for_disk_encryption.is_some() || !keeps {
            spec.enabled_for_disk_encryption = given.enabled_for_disk_encryption;
        }
        if given.enabled_for_template_deployment.is_some() || !keeps {
            spec.enabled_for_template_deployment = given.enabled_for_template_deployment;
        }
        if context.stack.is_some() {
            return Ok(());
        }
        if given.network_acls.is_some() || !keeps {
            spec.firewall = given.network_acls.map(AclsBody::read).transpose()?;
        }
        match given.public_network_access.as_deref() {
            None if keeps => {}
            None => spec.public_network_access = Access::Enabled,
            Some(word) if word.eq_ignore_ascii_case("enabled") => {
                spec.public_network_access = Access::Enabled;
            }
            Some(word) if word.eq_ignore_ascii_case("disabled") => {
                spec.public_network_access = Access::Disabled;
            }
            Some(word) => return Err(invalid("publicNetworkAccess", word)),
        }
        Ok(())
    }
}

/// Soft deletion and purge protection, which go one way only.
fn protect(
    context: &Context<'_>,
    given: &Properties,
    spec: &mut VaultSpec,
    mode: Mode,
) -> Result<(), Failure> {
    if context.stack.is_some() {
        return Ok(());
    }
    if given.enable_soft_delete == Some(false) {
        return Err(Failure::bad_request(
            "The property \"enableSoftDelete\" cannot be set to false. Enabling the soft delete for a vault is an \
             irreversible action.",
        ));
    }
    if given.enable_purge_protection == Some(false) {
        return Err(Failure::bad_request(
            "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault \
             is an irreversible action.",
        ));
    }
    spec.purge_protection |= given.enable_purge_protection == Some(true);
    let Some(days) = given.soft_delete_retention_in_days else {
        return Ok(());
    };
    if mode != Mode::Create && days != i64::from(spec.soft_delete_retention_days) {
        return Err(Failure::bad_request(
            "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.",
        ));
    }
    spec.soft_delete_retention_days = u16::try_from(days)
        .ok()
        .filter(|days| (7..=90).contains(days))
        .ok_or_else(|| {
            Failure::bad_request(
                "The property \"softDeleteRetentionInDays\" must be between 7 and 90 days.",
            )
        })?;
    Ok(())
}

pub(super) fn invalid(field: &str, value: &str) -> Failure {
    Failure::bad_request(format!(
        "An invalid value was provided for '{field}': '{value}'."
    ))
}

impl SkuBody {
    fn read(&self, context: &Context<'_>) -> Result<Sku, Failure> {
        match (self.name.to_ascii_lowercase().as_str(), context.stack) {
            ("standard", _) => Ok(Sku::Standard),
            ("premium", None) => Ok(Sku::Premium),
            _ => Err(Failure::new(
                400,
                "SkuNotSupported",
                format!("The SKU '{}' is not supported.", self.name),
            )),
        }
    }
}

impl AclsBody {
    fn read(self) -> Result<Firewall, Failure> {
        let default_action = match self.default_action.as_deref() {
            None => DefaultAction::Allow,
            Some(word) if word.eq_ignore_ascii_case("allow") => DefaultAction::Allow,
            Some(word) if word.eq_ignore_ascii_case("deny") => DefaultAction::Deny,
            Some(word) => return Err(invalid("networkAcls.defaultAction", word)),
        };
        let bypass = match self.bypass.as_deref() {
            None => Bypass::AzureServices,
            Some(word) if word.eq_ignore_ascii_case("azureservices") => Bypass::AzureServices,
            Some(word) if word.eq_ignore_ascii_case("none") => Bypass::None,
            Some(word) => return Err(invalid("networkAcls.bypass", word)),
        };
        let address = |rule: IpRule| {
            if Range::of(&rule.value).is_none() {
                return Err(invalid("networkAcls.ipRules", &rule.value));
            }
            let whole = rule.value.contains('/');
            Ok(if whole {
                rule.value
            } else {
                format!("{}/32", rule.value)
            })
        };
        let subnet = |rule: SubnetRule| SubnetRule {
            id: rule.id.to_ascii_lowercase(),
            ..rule
        };
        Ok(Firewall {
            default_action,
            bypass,
            ip_rules: self
                .ip_rules
                .into_iter()
                .map(address)
                .collect::<Result<_, _>>()?,
            virtual_network_rules: self.virtual_network_rules.into_iter().map(subnet).collect(),
        })
    }
}

/// 3 to 24 letters, digits and hyphens: a letter first, none of two hyphens together, none last.
pub(super) fn is_vault_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_vaults() {
        for good in ["abc", "Kv-1", "a2345678901234567890123a"] {
            assert!(is_vault_name(good), "{good}");
        }
        for bad in [
            "ab",
            "1bc",
            "a--b",
            "ab-",
            "a_b",
            "a23456789012345678901234b",
        ] {
            assert!(!is_vault_name(bad), "{bad}");
        }
    }
}
