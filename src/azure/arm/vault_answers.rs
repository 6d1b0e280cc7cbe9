//! Resource Manager's answers about vaults ("Vaults - REST API", Microsoft.KeyVault). Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{is_on, list, location, one_of, said, text};
use super::{Reply, groups, incomplete, operation};
use crate::key_vault::api::{Authorization, Bypass, DefaultAction, Sku, Switch};
use crate::key_vault::vault::{
    Authority, Cidr, Deleted, Network, Onoff, Permissions, Policies, Principal, Settings, SkuName,
    Vault,
};
use crate::problem::Problem;

/// The answer to [`super::vaults::check_name`]; where it cannot be had, Azure's words.
pub fn read_name(reply: &Reply) -> Result<Result<(), String>, Problem> {
    let free = reply.body.get("nameAvailable").and_then(Value::as_bool);
    match free {
        Some(true) => Ok(Ok(())),
        Some(false) => {
            let said = text(&reply.body, "message").or_else(|| text(&reply.body, "reason"));
            Ok(Err(said.unwrap_or_else(|| "no reason".to_owned())))
        }
        None => Err(incomplete("whether a name can be had", "nameAvailable")),
    }
}

/// The vault in an answer.
pub fn read(reply: &Reply) -> Result<Vault, Problem> {
    vault(&reply.body).ok_or_else(|| incomplete("a vault", "its id, location, tenant and sku"))
}

fn vault(body: &Value) -> Option<Vault> {
    let properties = body.get("properties")?;
    let on = |name: &str| is_on(properties, name);
    let rbac = if on("enableRbacAuthorization")? {
        Authorization::RBAC
    } else {
        Authorization::AccessPolicies
    };
    let public = text(properties, "publicNetworkAccess");
    let closed = public.is_some_and(|word| word.eq_ignore_ascii_case("Disabled"));
    let skus = [("standard", Sku::Standard), ("premium", Sku::Premium)];
    let sku = said(properties, "sku").filter(|sku| said(sku, "name").is_some())?;
    Some(Vault {
        id: text(body, "id")?,
        location: location(body)?,
        tags: groups::tags(body),
        tenant: text(properties, "tenantId")?.to_ascii_lowercase(),
        settings: Settings {
            sku: SkuName(one_of(sku, "name", skus)?),
            authorization: Authority(rbac),
            network: said(properties, "networkAcls")
                .map_or_else(|| Some(Network::default()), read_network)?,
            public_access: Onoff(if closed {
                Switch::Disabled
            } else {
                Switch::Enabled
            }),
            for_deployment: on("enabledForDeployment")?,
            for_disk_encryption: on("enabledForDiskEncryption")?,
            for_template_deployment: on("enabledForTemplateDeployment")?,
        },
        policies: read_policies(properties)?,
        retention: match said(properties, "softDeleteRetentionInDays") {
            Some(days) => Some(u16::try_from(days.as_u64()?).ok()?),
            None => None,
        },
        purge_protection: on("enablePurgeProtection")?,
        uri: text(properties, "vaultUri"),
        state: operation::state(body).map(str::to_owned),
    })
}

fn read_network(rules: &Value) -> Option<Network> {
    let actions = [
        ("Allow", DefaultAction::Allow),
        ("Deny", DefaultAction::Deny),
    ];
    let around = [
        ("AzureServices", Bypass::AzureServices),
        ("None", Bypass::None),
    ];
    rules.as_object()?;
    let addresses = list(rules, "ipRules")?
        .iter()
        .map(|rule| Cidr::parse(rule.get("value")?.as_str()?));
    let subnets = list(rules, "virtualNetworkRules")?.iter().map(|rule| {
        let ignore = is_on(rule, "ignoreMissingVnetServiceEndpoint")?;
        Some((text(rule, "id")?.to_ascii_lowercase(), ignore))
    });
    Some(Network {
        default: one_of(rules, "defaultAction", actions)?,
        bypass: one_of(rules, "bypass", around)?,
        addresses: addresses.collect::<Option<BTreeSet<_>>>()?,
        subnets: subnets.collect::<Option<BTreeMap<_, _>>>()?,
    })
}

fn read_policies(properties: &Value) -> Option<Policies> {
    let each = list(properties, "accessPolicies")?.iter().map(|entry| {
        let who = Principal {
            object: text(entry, "objectId")?.to_ascii_lowercase(),
            application: text(entry, "applicationId").map(|id| id.to_ascii_lowercase()),
        };
        let permissions = entry.get("permissions").filter(|all| all.is_object())?;
        let words = |kind: &str| -> Option<BTreeSet<String>> {
            let words = list(permissions, kind)?.iter();
            words
                .map(|word| word.as_str().map(str::to_ascii_lowercase))
                .collect()
        };
        let permissions = Permissions {
            secrets: words("secrets")?,
            keys: words("keys")?,
            certificates: words("certificates")?,
            storage: words("storage")?,
        };
        Some((who, permissions))
    });
    each.collect()
}

/// The deleted vault in the answer to [`super::vaults::deleted`].
pub fn read_deleted(reply: &Reply) -> Result<Deleted, Problem> {
    one_deleted(&reply.body)
        .ok_or_else(|| incomplete("a deleted vault", "its vaultId and location"))
}

/// The deleted vault of a name on a page of [`super::vaults::all_deleted`].
pub fn find_deleted(reply: &Reply, name: &str) -> Result<Option<Deleted>, Problem> {
    let all = reply.body.get("value").and_then(Value::as_array);
    let all = all.ok_or_else(|| incomplete("the deleted vaults", "value"))?;
    let named = all
        .iter()
        .find(|one| text(one, "name").is_some_and(|other| other.eq_ignore_ascii_case(name)));
    named
        .map(|one| one_deleted(one).ok_or_else(|| incomplete("a deleted vault", "its vaultId")))
        .transpose()
}

fn one_deleted(body: &Value) -> Option<Deleted> {
    let properties = body.get("properties")?;
    let purge = text(properties, "scheduledPurgeDate");
    Some(Deleted {
        id: text(properties, "vaultId")?,
        location: location(properties)?,
        tags: groups::tags(properties),
        purge_protection: is_on(properties, "purgeProtectionEnabled")?,
        scheduled_purge: purge.and_then(|date| date.parse::<Timestamp>().ok()),
    })
}
