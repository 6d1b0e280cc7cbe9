//! A storage account that is there as a DataLakeAccount that wants nothing of it. Pure.

pub mod lake;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::lake::Filesystem;
use super::account::{
    CustomerKey, Encryption, Lifecycle, LifecycleRule, Network, SoftDelete, StorageAccount,
};
use super::api::{
    DataLakeAccountSpec, DeletionPolicy, EncryptionSpec, Generation, KeyRef, LifecycleRuleSpec,
    NetworkRulesSpec, ResourceRuleSpec, SoftDeleteSpec,
};
use crate::azure::arm::ResourceId;
use crate::azure::arm::roles::Assignment;
use crate::azure_resource::import::{About, Manifest, There, Words};
use crate::azure_resource::values::{Cidr, Word};
use crate::names::VaultUri;

/// What a DataLakeAccount may have at most, by its definition. An account may have more, and keeps it.
const MOST_ADDRESSES: usize = 400;
const MOST_SUBNETS: usize = 400;
const MOST_RESOURCES: usize = 200;
const MOST_RULES: usize = 100;
const MOST_PREFIXES: usize = 10;
const LONGEST_PREFIX: usize = 1024;
const LONGEST_ID: usize = 512;
const MOST_DAYS: u32 = 99_999;

const WORDS: Words = Words {
    kind: "DataLakeAccount",
    noun: "storage account",
};

/// What is there.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// The account's id, as it was asked for.
    pub id: &'a ResourceId,
    /// The account.
    pub account: &'a StorageAccount,
    /// What is done with deleted files and filesystems.
    pub soft_delete: SoftDelete,
    /// What becomes of files with time.
    pub lifecycle: &'a Lifecycle,
    /// Roles that hold on it.
    pub given: &'a [Assignment],
    /// What lies in it.
    pub filesystems: &'a [Filesystem],
}

/// The manifest of an account: everything that it has is said, so that what changes later is seen. `notes` tell of what was not
/// looked at.
pub fn manifest(live: &Live<'_>, about: &About, mut notes: Vec<String>) -> Manifest {
    let account = live.account;
    let there = There {
        id: live.id,
        told_id: &account.id,
        location: &account.location,
        tags: &account.tags,
        given: live.given,
    };
    let settings = &account.settings;
    let network_rules = network(&settings.network, &mut notes);
    let spec = DataLakeAccountSpec {
        resource: WORDS.resource(&there, about, &mut notes),
        azure_name: Some(live.id.name().to_ascii_lowercase()),
        generation: Generation::Gen2,
        deletion_policy: DeletionPolicy::Retain,
        force: false,
        sku: known("sku", &settings.sku, &mut notes),
        access_tier: settings
            .access_tier
            .as_ref()
            .and_then(|tier| known("accessTier", tier, &mut notes)),
        minimum_tls_version: known("minimumTlsVersion", &settings.minimum_tls, &mut notes),
        shared_key_access: Some(settings.shared_keys),
        blob_public_access: Some(settings.blob_public_access),
        sftp: Some(settings.sftp),
        nfs_v3: network_rules.as_ref().map(|_| account.nfs_v3),
        public_network_access: known("publicNetworkAccess", &settings.public_access, &mut notes),
        network_rules,
        soft_delete: Some(SoftDeleteSpec {
            blob_days: Some(live.soft_delete.blob_days.unwrap_or(0)),
            container_days: Some(live.soft_delete.container_days.unwrap_or(0)),
        }),
        lifecycle_rules: lifecycle(live.lifecycle, &mut notes),
        encryption: encryption(&settings.encryption, &mut notes),
        filesystems: lake::specs(live.filesystems, &mut notes),
        outputs: None,
    };
    let mut said = json!(spec);
    if spec.network_rules.is_some() {
        said["networkRules"]["defaultAction"] = json!(settings.network.default);
    }
    WORDS.manifest(about, said, notes)
}

/// A word that a spec has, too.
fn known<T: DeserializeOwned>(field: &str, word: &Word, notes: &mut Vec<String>) -> Option<T> {
    let read = serde_json::from_value(Value::String(word.as_str().to_owned())).ok();
    if read.is_none() {
        notes.push(left_out(
            field,
            &format!("a DataLakeAccount knows no {:?}", word.as_str()),
        ));
    }
    read
}

fn left_out(field: &str, why: &str) -> String {
    format!("{field} is left out: {why}. What is there stays as it is.")
}

fn network(network: &Network, notes: &mut Vec<String>) -> Option<NetworkRulesSpec> {
    let is_id = |id: &String| id.parse::<ResourceId>().is_ok() && id.len() <= LONGEST_ID;
    let mut resources = network.resources.iter();
    let why = if network.addresses.len() > MOST_ADDRESSES
        || network.subnets.len() > MOST_SUBNETS
        || network.resources.len() > MOST_RESOURCES
    {
        Some("there are more rules than a DataLakeAccount may have")
    } else if !network.subnets.iter().all(is_id) {
        Some("it names a subnet by something that is no resource id")
    } else if !resources
        .all(|rule| uuid::Uuid::try_parse(&rule.tenant).is_ok() && rule.id.len() <= LONGEST_ID)
    {
        Some("it lets in resources of a tenant that is no GUID")
    } else {
        None
    };
    if let Some(why) = why {
        notes.push(left_out("networkRules", why));
        return None;
    }
    let resources = network.resources.iter().map(|rule| ResourceRuleSpec {
        tenant_id: rule.tenant.clone(),
        resource_id: rule.id.clone(),
    });
    Some(NetworkRulesSpec {
        default_action: network.default,
        bypass: Some(network.bypass.iter().copied().collect()),
        ip_rules: network
            .addresses
            .iter()
            .map(|one| Cidr::short(*one))
            .collect(),
        subnets: network.subnets.iter().cloned().collect(),
        resources: resources.collect(),
    })
}

/// The rules of a spec are the whole policy: where one of them cannot be said, none is.
fn lifecycle(rules: &Lifecycle, notes: &mut Vec<String>) -> Option<Vec<LifecycleRuleSpec>> {
    if rules.is_empty() {
        return None;
    }
    if rules.len() > MOST_RULES {
        let why = format!("the policy has more than {MOST_RULES} rules");
        notes.push(left_out("lifecycleRules", &why));
        return None;
    }
    let said = rules.iter().map(|(name, rule)| said(name, rule));
    match said.collect::<Result<_, String>>() {
        Ok(all) => Some(all),
        Err(why) => {
            notes.push(left_out("lifecycleRules", &why));
            None
        }
    }
}

/// A rule as a spec says it, or why none can.
fn said(name: &str, rule: &LifecycleRule) -> Result<LifecycleRuleSpec, String> {
    let refused = |why: &str| Err(format!("the rule {name:?} {why}"));
    if let Some(part) = rule.beyond.first() {
        return refused(&format!("has a part that no DataLakeAccount says ({part})"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.starts_with('-') || !name.bytes().all(plain) || !(1..=255).contains(&name.len()) {
        return refused("has a name of other signs than letters, digits and hyphens");
    }
    let fits = |prefix: &String| (1..=LONGEST_PREFIX).contains(&prefix.chars().count());
    if rule.prefixes.len() > MOST_PREFIXES || !rule.prefixes.iter().all(fits) {
        return refused("has more or longer prefixes than a DataLakeAccount may have");
    }
    let days = [
        rule.cool,
        rule.cold,
        rule.archive,
        rule.delete,
        rule.delete_snapshots,
    ];
    let mut days = days.into_iter().flatten().peekable();
    if days.peek().is_none() || days.any(|days| days > MOST_DAYS) {
        return refused("does nothing within the days that a DataLakeAccount may say");
    }
    Ok(LifecycleRuleSpec {
        name: name.to_owned(),
        disabled: rule.disabled,
        prefixes: rule.prefixes.iter().cloned().collect(),
        tier_to_cool_after_days: rule.cool,
        tier_to_cold_after_days: rule.cold,
        tier_to_archive_after_days: rule.archive,
        delete_after_days: rule.delete,
        delete_snapshots_after_days: rule.delete_snapshots,
    })
}

fn encryption(told: &Encryption, notes: &mut Vec<String>) -> Option<EncryptionSpec> {
    let Encryption::Customer(key) = told else {
        return None;
    };
    let CustomerKey {
        vault,
        name,
        version,
        identity,
    } = key;
    let is_version =
        |text: &String| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let named = (1..=127).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let why = match identity {
        None => Some(
            "the key is unwrapped by the account's own identity, and a DataLakeAccount names one that is assigned to it",
        ),
        Some(id) if id.parse::<ResourceId>().is_err() => {
            Some("the identity that unwraps the key is named by something that is no resource id")
        }
        Some(_) if vault.parse::<VaultUri>().is_err() || !named => {
            Some("the key is named in a form that no DataLakeAccount says")
        }
        Some(_) if !version.as_ref().is_none_or(is_version) => {
            Some("the key's version is none of a Key Vault")
        }
        Some(_) => None,
    };
    if let Some(why) = why {
        notes.push(left_out("encryption", why));
        return None;
    }
    Some(EncryptionSpec {
        key: KeyRef {
            vault_ref: None,
            vault_uri: Some(vault.clone()),
            name: name.clone(),
            version: version.clone(),
        },
        user_assigned_identity: Some(identity.clone()?),
    })
}

#[cfg(test)]
mod tests;
