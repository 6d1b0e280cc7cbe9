//! Vaults in Resource Manager: calls and answers ("Vaults - REST API", Microsoft.KeyVault). Pure.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    ApiVersions, Call, Location, Reply, ResourceId, SubscriptionId, groups, incomplete, operation,
};
use crate::azure_resource::difference::Difference;
use crate::key_vault::api::{Authorization, Bypass, DefaultAction, Sku, Switch};
use crate::key_vault::vault::{
    Authority, Cidr, Deleted, Network, Onoff, Permissions, Policies, Principal, Settings, SkuName,
    Vault,
};
use crate::problem::Problem;

/// Codes of a 404 that say that there is no such vault.
pub const ABSENT: &[&str] = &["ResourceNotFound", "ResourceGroupNotFound"];
/// Codes of a 404 that say that there is no such deleted vault.
pub const NOT_DELETED: &[&str] = &["DeletedVaultNotFound", "VaultNotFound", "ResourceNotFound"];

const READ: &str = "Microsoft.KeyVault/vaults/read";
const WRITE: &str = "Microsoft.KeyVault/vaults/write";

fn call(
    versions: &ApiVersions,
    id: &ResourceId,
    (operation, method, action): (&'static str, Method, &'static str),
) -> Call {
    Call {
        operation,
        method,
        path: id.to_string(),
        query: Vec::new(),
        api_version: versions.vaults,
        subscription: id.subscription().clone(),
        what: format!("vault {:?}", id.name()),
        body: None,
        action,
    }
}

/// Reads a vault.
pub fn get(versions: &ApiVersions, id: &ResourceId) -> Call {
    call(versions, id, ("GetVault", Method::GET, READ))
}

/// Makes a vault; one that exists would be replaced.
pub fn put(versions: &ApiVersions, id: &ResourceId, vault: &Vault) -> Call {
    let mut properties = settings(versions, &vault.settings, |_| true);
    properties.insert("tenantId".to_owned(), json!(vault.tenant));
    let policies = entries(&vault.policies, &vault.tenant);
    properties.insert("accessPolicies".to_owned(), policies);
    if versions.has_soft_delete {
        properties.insert("enableSoftDelete".to_owned(), json!(true));
        if let Some(days) = vault.retention {
            properties.insert("softDeleteRetentionInDays".to_owned(), json!(days));
        }
    }
    // Azure refuses to be told false, even at creation.
    if vault.purge_protection && versions.has_purge_protection {
        properties.insert("enablePurgeProtection".to_owned(), json!(true));
    }
    let body = json!({ "location": vault.location, "tags": vault.tags, "properties": properties });
    Call {
        body: Some(body),
        ..call(versions, id, ("CreateOrUpdateVault", Method::PUT, WRITE))
    }
}

/// Brings a deleted vault back, as it was.
pub fn recover(versions: &ApiVersions, id: &ResourceId, vault: &Vault) -> Call {
    let properties = json!({
        "tenantId": vault.tenant,
        "sku": { "family": "A", "name": sku_word(vault.settings.sku) },
        "createMode": "recover",
    });
    let body = json!({ "location": vault.location, "tags": vault.tags, "properties": properties });
    Call {
        body: Some(body),
        ..call(versions, id, ("RecoverVault", Method::PUT, WRITE))
    }
}

/// Changes a vault where it differs, to what `vault` has; the rest is left as it is.
pub fn patch(
    versions: &ApiVersions,
    id: &ResourceId,
    vault: &Vault,
    differences: &[Difference],
) -> Call {
    let differs = |path: &str| {
        let mut paths = differences.iter().map(|one| one.path.as_str());
        paths.any(|one| {
            one.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    let mut properties = settings(versions, &vault.settings, differs);
    if differs("purgeProtection") && vault.purge_protection {
        properties.insert("enablePurgeProtection".to_owned(), json!(true));
    }
    let mut body = Map::new();
    if differs("tags") {
        body.insert("tags".to_owned(), json!(vault.tags));
    }
    body.insert("properties".to_owned(), Value::Object(properties));
    Call {
        body: Some(Value::Object(body)),
        ..call(versions, id, ("UpdateVault", Method::PATCH, WRITE))
    }
}

/// Which settings there are depends on the version; who decides about access is always said, since versions differ in what
/// they take for granted.
fn settings(
    versions: &ApiVersions,
    settings: &Settings,
    wanted: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut say = |path: &str, name: &str, value: Value| {
        if wanted(path) {
            properties.insert(name.to_owned(), value);
        }
    };
    let sku = json!({ "family": "A", "name": sku_word(settings.sku) });
    say("sku", "sku", sku);
    let switches = [
        ("enabledForDeployment", settings.for_deployment),
        ("enabledForDiskEncryption", settings.for_disk_encryption),
        (
            "enabledForTemplateDeployment",
            settings.for_template_deployment,
        ),
    ];
    for (name, on) in switches {
        say(name, name, json!(on));
    }
    if versions.has_network_rules {
        say("networkRules", "networkAcls", network(&settings.network));
        let public = settings.public_access.to_string();
        say("publicNetworkAccess", "publicNetworkAccess", json!(public));
    }
    if versions.has_rbac {
        let rbac = settings.authorization == Authority(Authorization::RBAC);
        properties.insert("enableRbacAuthorization".to_owned(), json!(rbac));
    }
    properties
}

fn sku_word(sku: SkuName) -> &'static str {
    match sku.0 {
        Sku::Standard => "standard",
        Sku::Premium => "premium",
    }
}

fn network(network: &Network) -> Value {
    let addresses = network
        .addresses
        .iter()
        .map(|range| json!({ "value": range.to_string() }));
    let subnets = network
        .subnets
        .iter()
        .map(|(id, ignore)| json!({ "id": id, "ignoreMissingVnetServiceEndpoint": ignore }));
    json!({
        "defaultAction": match network.default { DefaultAction::Allow => "Allow", DefaultAction::Deny => "Deny" },
        "bypass": match network.bypass { Bypass::AzureServices => "AzureServices", Bypass::None => "None" },
        "ipRules": addresses.collect::<Vec<_>>(),
        "virtualNetworkRules": subnets.collect::<Vec<_>>(),
    })
}

/// What is done with access policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChange {
    /// They are added.
    Add,
    /// They are set in place of those of the same principals.
    Replace,
    /// They are taken back.
    Remove,
}

/// Changes some access policies and leaves the others alone.
pub fn policies(
    versions: &ApiVersions,
    id: &ResourceId,
    change: PolicyChange,
    (policies, tenant): (&Policies, &str),
) -> Call {
    let (operation, word) = match change {
        PolicyChange::Add => ("AddAccessPolicies", "add"),
        PolicyChange::Replace => ("ReplaceAccessPolicies", "replace"),
        PolicyChange::Remove => ("RemoveAccessPolicies", "remove"),
    };
    let action = "Microsoft.KeyVault/vaults/accessPolicies/write";
    let made = call(versions, id, (operation, Method::PUT, action));
    Call {
        path: format!("{}/accessPolicies/{word}", made.path),
        body: Some(json!({ "properties": { "accessPolicies": entries(policies, tenant) } })),
        ..made
    }
}

fn entries(policies: &Policies, tenant: &str) -> Value {
    let each = policies.iter().map(|(who, permissions)| {
        let mut entry = json!({
            "tenantId": tenant,
            "objectId": who.object,
            "permissions": {
                "secrets": permissions.secrets,
                "keys": permissions.keys,
                "certificates": permissions.certificates,
                "storage": permissions.storage,
            },
        });
        if let Some(application) = &who.application {
            entry["applicationId"] = json!(application);
        }
        entry
    });
    Value::Array(each.collect())
}

/// Deletes a vault softly.
pub fn delete(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.KeyVault/vaults/delete";
    call(versions, id, ("DeleteVault", Method::DELETE, action))
}

/// Reads a deleted vault.
pub fn deleted(versions: &ApiVersions, id: &ResourceId, location: &Location) -> Call {
    let action = "Microsoft.KeyVault/locations/deletedVaults/read";
    let made = call(versions, id, ("GetDeletedVault", Method::GET, action));
    Call {
        path: deleted_path(id, location),
        what: format!("deleted vault {:?}", id.name()),
        ..made
    }
}

fn deleted_path(id: &ResourceId, location: &Location) -> String {
    let subscription = id.subscription().path();
    format!(
        "{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{}",
        id.name()
    )
}

/// Lists all deleted vaults of a subscription. Further pages by [`super::next`].
pub fn all_deleted(versions: &ApiVersions, subscription: &SubscriptionId) -> Call {
    Call {
        operation: "ListDeletedVaults",
        method: Method::GET,
        path: format!(
            "{}/providers/Microsoft.KeyVault/deletedVaults",
            subscription.path()
        ),
        query: Vec::new(),
        api_version: versions.vaults,
        subscription: subscription.clone(),
        what: format!("the deleted vaults of subscription {subscription}"),
        body: None,
        action: "Microsoft.KeyVault/deletedVaults/read",
    }
}

/// Destroys a deleted vault.
pub fn purge(versions: &ApiVersions, id: &ResourceId, location: &Location) -> Call {
    let action = "Microsoft.KeyVault/locations/deletedVaults/purge/action";
    let made = call(versions, id, ("PurgeDeletedVault", Method::POST, action));
    Call {
        path: format!("{}/purge", deleted_path(id, location)),
        what: format!("deleted vault {:?}", id.name()),
        ..made
    }
}

/// Asks whether a name can be had.
pub fn check_name(versions: &ApiVersions, id: &ResourceId) -> Call {
    let subscription = id.subscription().path();
    let action = "Microsoft.KeyVault/checkNameAvailability/read";
    Call {
        path: format!("{subscription}/providers/Microsoft.KeyVault/checkNameAvailability"),
        body: Some(json!({ "name": id.name(), "type": "Microsoft.KeyVault/vaults" })),
        ..call(versions, id, ("CheckVaultName", Method::POST, action))
    }
}

/// The answer to [`check_name`]; where it cannot be had, Azure's words.
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

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

/// What Azure has said; none where it has said nothing, which it also does with null.
fn said<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| !value.is_null())
}

/// A switch, off where nothing is said of it; none where what is said is no switch.
fn is_on(value: &Value, name: &str) -> Option<bool> {
    said(value, name).map_or(Some(false), Value::as_bool)
}

/// A list, empty where nothing is said of it; none where what is said is no list.
fn list<'a>(value: &'a Value, name: &str) -> Option<&'a [Value]> {
    said(value, name).map_or(Some(&[]), |list| list.as_array().map(Vec::as_slice))
}

/// One of two words, the first where nothing is said; none where it is another.
fn one_of<T>(value: &Value, name: &str, [first, second]: [(&str, T); 2]) -> Option<T> {
    let Some(word) = said(value, name) else {
        return Some(first.1);
    };
    let word = word.as_str()?;
    let mut known = [first, second].into_iter();
    known
        .find(|(known, _)| word.eq_ignore_ascii_case(known))
        .map(|(_, meaning)| meaning)
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

fn location(body: &Value) -> Option<String> {
    let parsed: Location = body.get("location")?.as_str()?.parse().ok()?;
    Some(parsed.to_string())
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

/// The deleted vault in the answer to [`deleted`].
pub fn read_deleted(reply: &Reply) -> Result<Deleted, Problem> {
    one_deleted(&reply.body)
        .ok_or_else(|| incomplete("a deleted vault", "its vaultId and location"))
}

/// The deleted vault of a name on a page of [`all_deleted`].
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

#[cfg(test)]
#[path = "vaults_tests.rs"]
mod tests;
