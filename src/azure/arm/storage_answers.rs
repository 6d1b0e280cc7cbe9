//! Resource Manager's answers about storage accounts ("Storage Accounts - REST API", Microsoft.Storage). Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{is_on, list, location, one_of, said, text};
use super::storage::bypass;
use super::{Reply, groups, incomplete, operation};
use crate::azure_resource::api::DefaultAction;
use crate::azure_resource::values::{Cidr, Word};
use crate::data_lake_account::account::{
    CustomerKey, Encryption, Identities, Network, ResourceRule, Settings, StorageAccount,
};
use crate::data_lake_account::api::Bypass;
use crate::problem::Problem;
use crate::secret::SecretValue;

/// The account in an answer.
pub fn read(reply: &Reply) -> Result<StorageAccount, Problem> {
    account(&reply.body).ok_or_else(|| {
        incomplete(
            "a storage account",
            "its id, location, kind, sku and properties in a form that is understood",
        )
    })
}

fn word(value: &Value, name: &str, unsaid: &str) -> Word {
    let said = value.get(name).and_then(Value::as_str);
    Word::new(said.filter(|text| !text.is_empty()).unwrap_or(unsaid))
}

/// A switch that is on where nothing is said of it.
fn is_not_off(value: &Value, name: &str) -> Option<bool> {
    said(value, name).map_or(Some(true), Value::as_bool)
}

fn account(body: &Value) -> Option<StorageAccount> {
    let properties = body.get("properties").filter(|all| all.is_object())?;
    let on = |name: &str| is_on(properties, name);
    Some(StorageAccount {
        id: text(body, "id")?,
        location: location(body)?,
        tags: groups::tags(body),
        kind: Word::new(&text(body, "kind")?),
        hierarchical: on("isHnsEnabled")?,
        nfs_v3: on("isNfsV3Enabled")?,
        settings: settings(body, properties)?,
        identities: identities(body)?,
        endpoints: endpoints(properties),
        keys_made: keys_made(properties),
        state: operation::state(body).map(str::to_owned),
        migrating: on("accountMigrationInProgress")?,
    })
}

/// What an account that was made by older versions does not tell is as Azure takes it then ("Storage Accounts - Get Properties").
fn settings(body: &Value, properties: &Value) -> Option<Settings> {
    Some(Settings {
        sku: Word::new(&text(body.get("sku")?, "name")?),
        access_tier: text(properties, "accessTier").map(|tier| Word::new(&tier)),
        minimum_tls: word(properties, "minimumTlsVersion", "TLS1_0"),
        shared_keys: is_not_off(properties, "allowSharedKeyAccess")?,
        blob_public_access: is_on(properties, "allowBlobPublicAccess")?,
        https_only: is_not_off(properties, "supportsHttpsTrafficOnly")?,
        sftp: is_on(properties, "isSftpEnabled")?,
        network: said(properties, "networkAcls")
            .map_or_else(|| Some(Network::default()), network)?,
        public_access: word(properties, "publicNetworkAccess", "Enabled"),
        encryption: said(properties, "encryption")
            .map_or(Some(Encryption::Microsoft), encryption)?,
    })
}

fn network(rules: &Value) -> Option<Network> {
    let actions = [
        ("Allow", DefaultAction::Allow),
        ("Deny", DefaultAction::Deny),
    ];
    rules.as_object()?;
    let addresses = list(rules, "ipRules")?
        .iter()
        .map(|rule| Cidr::parse(rule.get("value")?.as_str()?));
    let addresses: Vec<Cidr> = addresses.collect::<Option<_>>()?;
    let subnets = list(rules, "virtualNetworkRules")?.iter();
    let subnets = subnets.map(|rule| Some(text(rule, "id")?.to_ascii_lowercase()));
    let resources = list(rules, "resourceAccessRules")?.iter().map(|rule| {
        Some(ResourceRule {
            tenant: text(rule, "tenantId")?.to_ascii_lowercase(),
            id: text(rule, "resourceId")?.to_ascii_lowercase(),
        })
    });
    Some(Network {
        default: one_of(rules, "defaultAction", actions)?,
        bypass: around(rules)?,
        addresses: addresses.into_iter().flat_map(Cidr::apart).collect(),
        subnets: subnets.collect::<Option<_>>()?,
        resources: resources.collect::<Option<_>>()?,
    })
}

/// Words with commas between them; `None` for nothing.
fn around(rules: &Value) -> Option<BTreeSet<Bypass>> {
    let Some(said) = said(rules, "bypass") else {
        return Some(Network::default().bypass);
    };
    let words = said.as_str()?.split(',').map(str::trim);
    let words = words.filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("None"));
    let known = [Bypass::AzureServices, Bypass::Logging, Bypass::Metrics];
    words
        .map(|word| {
            let mut known = known.iter();
            known
                .find(|one| bypass(**one).eq_ignore_ascii_case(word))
                .copied()
        })
        .collect()
}

fn encryption(told: &Value) -> Option<Encryption> {
    let customers = word(told, "keySource", "Microsoft.Storage") == Word::new("Microsoft.Keyvault");
    if !customers {
        return Some(Encryption::Microsoft);
    }
    let key = said(told, "keyvaultproperties")?;
    let identity = said(told, "identity").and_then(|one| text(one, "userAssignedIdentity"));
    Some(Encryption::Customer(CustomerKey::new(
        &text(key, "keyvaulturi")?,
        &text(key, "keyname")?,
        text(key, "keyversion").as_deref(),
        identity.as_deref(),
    )))
}

fn identities(body: &Value) -> Option<Identities> {
    let Some(told) = said(body, "identity") else {
        return Some(Identities::default());
    };
    let kind = text(told, "type")?.to_ascii_lowercase();
    let assigned = said(told, "userAssignedIdentities").and_then(Value::as_object);
    let assigned = assigned.into_iter().flatten();
    Some(Identities {
        own: kind.contains("systemassigned"),
        assigned: assigned.map(|(id, _)| id.to_ascii_lowercase()).collect(),
    })
}

fn endpoints(properties: &Value) -> BTreeMap<String, String> {
    let told = properties
        .get("primaryEndpoints")
        .and_then(Value::as_object);
    let each = told.into_iter().flatten();
    // Other ways to the same services are objects of their own.
    each.filter_map(|(name, url)| Some((name.clone(), url.as_str()?.to_owned())))
        .collect()
}

fn keys_made(properties: &Value) -> BTreeMap<String, Timestamp> {
    let told = properties.get("keyCreationTime").and_then(Value::as_object);
    let each = told.into_iter().flatten();
    each.filter_map(|(name, time)| Some((name.clone(), time.as_str()?.parse().ok()?)))
        .collect()
}

/// A key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `key1` or `key2`.
    pub name: String,
    /// The key, in base64.
    pub value: SecretValue,
    /// When it was made.
    pub made: Option<Timestamp>,
}

/// The keys in the answer to [`super::storage::keys`], whose values are taken out of it. What it is read from, the transport wipes.
pub fn read_keys(mut reply: Reply) -> Result<Vec<Key>, Problem> {
    let missing = || incomplete("the keys of a storage account", "their names and values");
    let all = reply.body.get_mut("keys").and_then(Value::as_array_mut);
    let keys = all.ok_or_else(missing)?.iter_mut().map(|one| {
        // Moved, and not copied: no other place in memory has it.
        let Value::String(value) = one.get_mut("value")?.take() else {
            return None;
        };
        Some(Key {
            name: text(one, "keyName")?,
            value: SecretValue::from(value),
            made: text(one, "creationTime").and_then(|time| time.parse().ok()),
        })
    });
    let keys: Option<Vec<Key>> = keys.collect();
    keys.filter(|keys| !keys.is_empty()).ok_or_else(missing)
}
