//! Data Lake Store of the first generation in Resource Manager: calls and answers ("Accounts", "Firewall Rules", "Virtual Network
//! Rules - REST API", Microsoft.DataLakeStore, 2016-11-01). Pure.

use http::Method;
use serde_json::{Map, Value, json};

use super::fields::{list, location, said, text};
pub use super::vault_answers::read_name;
use super::{ApiVersions, Call, Location, Reply, ResourceId, groups, incomplete, operation};
use crate::azure_resource::difference::{Difference, touches};
use crate::data_lake_account::store::{Firewall, Range, StoreAccount, StoreEncryption, StoreKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Codes of a 404 that say that there is no such account.
pub const ABSENT: &[&str] = &["ResourceNotFound", "ResourceGroupNotFound"];

const READ: &str = "Microsoft.DataLakeStore/accounts/read";
const WRITE: &str = "Microsoft.DataLakeStore/accounts/write";
const RULES: &str = "Microsoft.DataLakeStore/accounts/firewallRules/write";
const SUBNETS: &str = "Microsoft.DataLakeStore/accounts/virtualNetworkRules/write";

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
        api_version: versions.data_lake_store,
        subscription: id.subscription().clone(),
        what: format!("Data Lake Store {:?}", id.name()),
        body: None,
        action,
    }
}

/// Reads an account.
pub fn get(versions: &ApiVersions, id: &ResourceId) -> Call {
    call(versions, id, ("GetDataLakeStore", Method::GET, READ))
}

/// Makes an account; one that exists would be replaced.
pub fn put(versions: &ApiVersions, id: &ResourceId, account: &StoreAccount) -> Call {
    let firewall = &account.firewall;
    let ranges = firewall.ranges.iter();
    let ranges = ranges.map(|(name, range)| json!({ "name": name, "properties": ends(*range) }));
    let subnets = firewall.subnets.iter();
    let subnets =
        subnets.map(|(name, id)| json!({ "name": name, "properties": { "subnetId": id } }));
    let mut properties = switches(firewall);
    properties.insert("firewallRules".to_owned(), Value::Array(ranges.collect()));
    properties.insert(
        "virtualNetworkRules".to_owned(),
        Value::Array(subnets.collect()),
    );
    properties.insert("newTier".to_owned(), json!("Consumption"));
    let on = account.encryption != StoreEncryption::Off;
    let state = if on { "Enabled" } else { "Disabled" };
    properties.insert("encryptionState".to_owned(), json!(state));
    let mut body = json!({ "location": account.location, "tags": account.tags });
    match &account.encryption {
        StoreEncryption::Off => {}
        StoreEncryption::Service => {
            let config = json!({ "type": "ServiceManaged" });
            properties.insert("encryptionConfig".to_owned(), config);
        }
        StoreEncryption::Customer(key) => {
            let vault = json!({
                "keyVaultResourceId": key.vault,
                "encryptionKeyName": key.name,
                "encryptionKeyVersion": key.version,
            });
            let config = json!({ "type": "UserManaged", "keyVaultMetaInfo": vault });
            properties.insert("encryptionConfig".to_owned(), config);
            // The account's own identity unwraps the key.
            body["identity"] = json!({ "type": "SystemAssigned" });
        }
    }
    body["properties"] = Value::Object(properties);
    Call {
        body: Some(body),
        ..call(versions, id, ("CreateDataLakeStore", Method::PUT, WRITE))
    }
}

fn switches(firewall: &Firewall) -> Map<String, Value> {
    let word = |on| json!(if on { "Enabled" } else { "Disabled" });
    Map::from_iter([
        ("firewallState".to_owned(), word(firewall.on)),
        ("firewallAllowAzureIps".to_owned(), word(firewall.azure)),
    ])
}

fn ends(range: Range) -> Value {
    json!({ "startIpAddress": range.first.to_string(), "endIpAddress": range.last.to_string() })
}

/// Changes an account where it differs: tags, the firewall's switches, the version of a customer's key. Rules have calls of their own.
pub fn patch(
    versions: &ApiVersions,
    id: &ResourceId,
    account: &StoreAccount,
    differences: &[Difference],
) -> Call {
    let differs = |path: &str| touches(differences, path);
    let mut body = Map::new();
    if differs("tags") {
        body.insert("tags".to_owned(), json!(account.tags));
    }
    let mut properties = Map::new();
    if differs("networkRules") {
        properties.extend(switches(&account.firewall));
    }
    if differs("encryption")
        && let StoreEncryption::Customer(key) = &account.encryption
    {
        let vault = json!({ "encryptionKeyVersion": key.version });
        let config = json!({ "keyVaultMetaInfo": vault });
        properties.insert("encryptionConfig".to_owned(), config);
    }
    if !properties.is_empty() {
        body.insert("properties".to_owned(), Value::Object(properties));
    }
    let named = ("UpdateDataLakeStore", Method::PATCH, WRITE);
    Call {
        body: Some(Value::Object(body)),
        ..call(versions, id, named)
    }
}

/// Deletes an account with all that is in it.
pub fn delete(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.DataLakeStore/accounts/delete";
    call(
        versions,
        id,
        ("DeleteDataLakeStore", Method::DELETE, action),
    )
}

/// A rule of an account's firewall. Its name is that of a rule that was read, or one of this program's own.
fn rule(made: Call, kind: &str, name: &str, body: Option<Value>) -> Result<Call, Problem> {
    let path = format!("{}/{kind}/{name}", made.path);
    // A rule that somebody else named oddly is not put into a path.
    let whole = path.parse::<ResourceId>().ok();
    let whole = whole.filter(|whole| whole.name() == name).ok_or_else(|| {
        let message = format!(
            "{}: the rule {name:?} has a name that no request can carry: delete it by hand",
            made.what
        );
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    Ok(Call {
        path: whole.path(),
        body: body.map(|properties| json!({ "properties": properties })),
        ..made
    })
}

/// Lets addresses in.
pub fn put_range(
    versions: &ApiVersions,
    id: &ResourceId,
    name: &str,
    range: Range,
) -> Result<Call, Problem> {
    let made = call(versions, id, ("SetFirewallRule", Method::PUT, RULES));
    rule(made, "firewallRules", name, Some(ends(range)))
}

/// Takes a rule for addresses away.
pub fn delete_range(versions: &ApiVersions, id: &ResourceId, name: &str) -> Result<Call, Problem> {
    let action = "Microsoft.DataLakeStore/accounts/firewallRules/delete";
    let made = call(versions, id, ("DeleteFirewallRule", Method::DELETE, action));
    rule(made, "firewallRules", name, None)
}

/// Lets a subnet in.
pub fn put_subnet(
    versions: &ApiVersions,
    id: &ResourceId,
    name: &str,
    subnet: &str,
) -> Result<Call, Problem> {
    let made = call(versions, id, ("SetSubnetRule", Method::PUT, SUBNETS));
    let properties = json!({ "subnetId": subnet });
    rule(made, "virtualNetworkRules", name, Some(properties))
}

/// Takes a rule for a subnet away.
pub fn delete_subnet(versions: &ApiVersions, id: &ResourceId, name: &str) -> Result<Call, Problem> {
    let action = "Microsoft.DataLakeStore/accounts/virtualNetworkRules/delete";
    let made = call(versions, id, ("DeleteSubnetRule", Method::DELETE, action));
    rule(made, "virtualNetworkRules", name, None)
}

/// Takes a customer's key into use, after the account's identity was let into the vault.
pub fn enable_key_vault(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.DataLakeStore/accounts/enableKeyVault/action";
    let made = call(versions, id, ("EnableKeyVault", Method::POST, action));
    Call {
        path: format!("{}/enableKeyVault", made.path),
        ..made
    }
}

/// Asks whether a name can be had; the answer is read by [`read_name`].
pub fn check_name(versions: &ApiVersions, id: &ResourceId, location: &Location) -> Call {
    let subscription = id.subscription().path();
    let action = "Microsoft.DataLakeStore/locations/checkNameAvailability/action";
    Call {
        path: format!(
            "{subscription}/providers/Microsoft.DataLakeStore/locations/{location}/checkNameAvailability"
        ),
        body: Some(json!({ "name": id.name(), "type": "Microsoft.DataLakeStore/accounts" })),
        ..call(versions, id, ("CheckStoreName", Method::POST, action))
    }
}

/// The account in an answer.
pub fn read(reply: &Reply) -> Result<StoreAccount, Problem> {
    let lacks = "its id, location and properties in a form that is understood";
    account(&reply.body).ok_or_else(|| incomplete("a Data Lake Store", lacks))
}

fn account(body: &Value) -> Option<StoreAccount> {
    let properties = body.get("properties").filter(|all| all.is_object())?;
    Some(StoreAccount {
        id: text(body, "id")?,
        location: location(body)?,
        tags: groups::tags(body),
        firewall: firewall(properties)?,
        encryption: encryption(properties)?,
        key_in_use: text(properties, "encryptionProvisioningState")
            .is_none_or(|state| state.eq_ignore_ascii_case("Succeeded")),
        principal: said(body, "identity").and_then(|identity| text(identity, "principalId")),
        endpoint: text(properties, "endpoint"),
        state: operation::state(body).map(str::to_owned),
    })
}

fn enabled(value: &Value, name: &str) -> bool {
    let word = value.get(name).and_then(Value::as_str);
    word.is_some_and(|word| word.eq_ignore_ascii_case("Enabled"))
}

fn firewall(properties: &Value) -> Option<Firewall> {
    let ranges = list(properties, "firewallRules")?.iter().map(|rule| {
        let ends = rule.get("properties")?;
        let range = Range {
            first: text(ends, "startIpAddress")?.parse().ok()?,
            last: text(ends, "endIpAddress")?.parse().ok()?,
        };
        Some((text(rule, "name")?, range))
    });
    let subnets = list(properties, "virtualNetworkRules")?.iter().map(|rule| {
        let subnet = text(rule.get("properties")?, "subnetId")?;
        Some((text(rule, "name")?, subnet.to_ascii_lowercase()))
    });
    Some(Firewall {
        on: enabled(properties, "firewallState"),
        azure: enabled(properties, "firewallAllowAzureIps"),
        ranges: ranges.collect::<Option<_>>()?,
        subnets: subnets.collect::<Option<_>>()?,
    })
}

/// An account of the first days tells an empty configuration, and is not encrypted.
fn encryption(properties: &Value) -> Option<StoreEncryption> {
    let config = said(properties, "encryptionConfig");
    let kind = config.and_then(|config| text(config, "type"));
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("UserManaged")) {
        let vault = said(config?, "keyVaultMetaInfo")?;
        let lower = |name| text(vault, name).map(|text| text.to_ascii_lowercase());
        return Some(StoreEncryption::Customer(StoreKey {
            vault: lower("keyVaultResourceId")?,
            name: lower("encryptionKeyName")?,
            version: lower("encryptionKeyVersion")?,
        }));
    }
    Some(if enabled(properties, "encryptionState") {
        StoreEncryption::Service
    } else {
        StoreEncryption::Off
    })
}

#[cfg(test)]
#[path = "data_lake_store_tests.rs"]
mod tests;
