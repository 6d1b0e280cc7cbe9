//! What a spec wants of a storage account. What it does not say is left as it is. Pure.

use std::collections::BTreeMap;

use super::account::{
    CustomerKey, Encryption, Identities, Lifecycle, LifecycleRule, Network, Settings, SoftDelete,
    StorageAccount, is_migration, kind_of,
};
use crate::azure_resource::difference::{Difference, differs};
use crate::azure_resource::tags;
use crate::azure_resource::values::{Action, Tags, Word};

/// What is wanted of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its region.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// Kind of disks and replication.
    pub sku: Option<Word>,
    /// Tier of files that have none of their own.
    pub access_tier: Option<Word>,
    /// The oldest TLS.
    pub minimum_tls: Option<Word>,
    /// Whether keys give access.
    pub shared_keys: Option<bool>,
    /// Whether a container may be opened to everybody.
    pub blob_public_access: Option<bool>,
    /// Whether SFTP is spoken.
    pub sftp: Option<bool>,
    /// Whether NFS 3 is spoken.
    pub nfs_v3: Option<bool>,
    /// Who may reach it.
    pub network: Option<Network>,
    /// Whether it has public endpoints.
    pub public_access: Option<Word>,
    /// The key that data is encrypted with.
    pub key: Option<WantedKey>,
    /// For how long what is deleted can be restored.
    pub soft_delete: SoftDeletion,
    /// What becomes of files with time.
    pub lifecycle: Option<Lifecycle>,
}

/// A customer's key, in a vault that may have to be found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedKey {
    /// The vault.
    pub vault: Vault,
    /// The key, as if it were in no vault.
    pub key: CustomerKey,
}

/// Where a vault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vault {
    /// There.
    At(String),
    /// Where the `KeyVault` of this name says.
    Named(String),
}

/// What is wanted of soft deletion: days, none of them where what is deleted is to be gone at once. What is not said at all is
/// left as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoftDeletion {
    /// For files.
    pub blob_days: Option<Option<u16>>,
    /// For filesystems.
    pub container_days: Option<Option<u16>>,
}

impl SoftDeletion {
    /// Whether nothing is said.
    pub fn is_silent(self) -> bool {
        self == Self::default()
    }

    /// What is to be, where this is.
    #[must_use]
    pub fn over(self, now: SoftDelete) -> SoftDelete {
        SoftDelete {
            blob_days: self.blob_days.unwrap_or(now.blob_days),
            container_days: self.container_days.unwrap_or(now.container_days),
        }
    }
}

/// Kind of disks and replication of an account that is made without a word about it.
const FIRST_SKU: &str = "Standard_LRS";

const MIGRATION: &str = "between zone-redundant, premium and other kinds data moves, which no write of the account does: az storage account migration start, and see \"Change how a storage account is replicated\" of Azure";
const MIGRATING: &str = "Azure is moving the account to another kind of replication";
const FIXED: &str = "it is fixed when the account is created";

impl WantedKey {
    /// The key, once its vault is known. `uri` is what the `KeyVault` says.
    pub fn found(&self, uri: Option<&str>) -> Option<Encryption> {
        let vault = match &self.vault {
            Vault::At(uri) => uri.as_str(),
            Vault::Named(_) => uri?,
        };
        let CustomerKey {
            name,
            version,
            identity,
            ..
        } = &self.key;
        let key = CustomerKey::new(vault, name, version.as_deref(), identity.as_deref());
        Some(Encryption::Customer(key))
    }
}

impl Desired {
    /// The `KeyVault` that must tell where the key's vault is.
    pub fn vault_ref(&self) -> Option<&str> {
        match &self.key.as_ref()?.vault {
            Vault::At(_) => None,
            Vault::Named(name) => Some(name),
        }
    }

    /// The settings of an account that has none yet, or with what is wanted in place of what it has. A key whose vault is not known
    /// is left out.
    pub fn settings(&self, now: Option<&Settings>, vault: Option<&str>) -> Settings {
        let sku = self.sku.clone();
        let first = Settings::new(sku.clone().unwrap_or_else(|| Word::new(FIRST_SKU)));
        let now = now.unwrap_or(&first);
        let key = self.key.as_ref().and_then(|key| key.found(vault));
        Settings {
            sku: sku.unwrap_or_else(|| now.sku.clone()),
            access_tier: self.access_tier.clone().or_else(|| now.access_tier.clone()),
            minimum_tls: self
                .minimum_tls
                .clone()
                .unwrap_or_else(|| now.minimum_tls.clone()),
            shared_keys: self.shared_keys.unwrap_or(now.shared_keys),
            blob_public_access: self.blob_public_access.unwrap_or(now.blob_public_access),
            https_only: now.https_only,
            sftp: self.sftp.unwrap_or(now.sftp),
            network: self.network.clone().unwrap_or_else(|| now.network.clone()),
            public_access: self
                .public_access
                .clone()
                .unwrap_or_else(|| now.public_access.clone()),
            encryption: key.unwrap_or_else(|| now.encryption.clone()),
        }
    }
}

impl Desired {
    /// The account that a spec makes where there is none.
    pub fn created(&self, id: String, tags: Tags, vault: Option<&str>) -> StorageAccount {
        let settings = self.settings(None, vault);
        StorageAccount {
            id,
            location: self.location.clone(),
            tags,
            kind: kind_of(&settings.sku),
            hierarchical: true,
            nfs_v3: self.nfs_v3.unwrap_or(false),
            settings,
            identities: Identities::default(),
            endpoints: BTreeMap::new(),
            keys_made: BTreeMap::new(),
            state: None,
            migrating: false,
        }
    }

    /// An account with what is wanted of its settings and tags. What cannot be changed stays.
    pub fn update(&self, account: &mut StorageAccount, tags: Tags, vault: Option<&str>) {
        account.tags = tags;
        let sku = account.settings.sku.clone();
        account.settings = self.settings(Some(&account.settings), vault);
        let stays = account.migrating || is_migration(&sku, &account.settings.sku);
        if stays {
            account.settings.sku = sku;
        }
    }
}

/// Where an account is not as it is wanted, in the order of the spec's fields. `set` are tags that were set before, `vault` is
/// where the key's `KeyVault` says it is.
pub fn differences(
    desired: &Desired,
    account: &StorageAccount,
    (set, owner): (&[String], &str),
    vault: Option<&str>,
) -> Vec<Difference> {
    let mut found = tags::differences(&desired.tags, &account.tags, set, owner);
    let (has, wanted) = (
        &account.settings,
        desired.settings(Some(&account.settings), vault),
    );
    let sku = differs("sku", Some(&wanted.sku), &has.sku);
    found.extend(sku.map(|differs| match account.migrating {
        true => differs.stuck(MIGRATING),
        false if is_migration(&has.sku, &wanted.sku) => differs.stuck(MIGRATION),
        false => differs,
    }));
    if let (Some(wanted), Some(has)) = (&wanted.access_tier, &has.access_tier) {
        found.extend(differs("accessTier", Some(wanted), has));
    }
    let tls = Some(&wanted.minimum_tls);
    found.extend(differs("minimumTlsVersion", tls, &has.minimum_tls));
    let switches = [
        ("sharedKeyAccess", wanted.shared_keys, has.shared_keys),
        (
            "blobPublicAccess",
            wanted.blob_public_access,
            has.blob_public_access,
        ),
        ("sftp", wanted.sftp, has.sftp),
    ];
    for (path, wanted, has) in switches {
        found.extend(differs(path, Some(&wanted), &has));
    }
    let nfs = differs("nfsV3", desired.nfs_v3.as_ref(), &account.nfs_v3);
    found.extend(nfs.map(|differs| differs.stuck(FIXED)));
    network_differences(&wanted.network, &has.network, &mut found);
    let public = Some(&wanted.public_access);
    found.extend(differs("publicNetworkAccess", public, &has.public_access));
    let key = Some(&wanted.encryption);
    found.extend(differs("encryption", key, &has.encryption));
    found
}

fn network_differences(wanted: &Network, has: &Network, found: &mut Vec<Difference>) {
    let action = Action(wanted.default);
    found.extend(differs(
        "networkRules.defaultAction",
        Some(&action),
        &Action(has.default),
    ));
    let lists = [
        (
            "networkRules.bypass",
            texts(wanted.bypass.iter().map(|one| format!("{one:?}"))),
            texts(has.bypass.iter().map(|one| format!("{one:?}"))),
        ),
        (
            "networkRules.ipRules",
            texts(&wanted.addresses),
            texts(&has.addresses),
        ),
        (
            "networkRules.subnets",
            texts(&wanted.subnets),
            texts(&has.subnets),
        ),
        (
            "networkRules.resources",
            texts(&wanted.resources),
            texts(&has.resources),
        ),
    ];
    for (path, wanted, has) in lists {
        let missing = wanted.iter().filter(|one| !has.contains(one));
        found.extend(
            missing.map(|one| Difference::new(format!("{path}[{one}]"), "there", "absent")),
        );
        let extra = has.iter().filter(|one| !wanted.contains(one));
        found.extend(extra.map(|one| Difference::new(format!("{path}[{one}]"), "absent", "there")));
    }
}

fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

/// Where soft deletion is not as it is wanted.
pub fn soft_delete_differences(wanted: SoftDeletion, now: SoftDelete) -> Vec<Difference> {
    let days = |days: Option<u16>| days.unwrap_or(0);
    let target = wanted.over(now);
    let pairs = [
        ("softDelete.blobDays", target.blob_days, now.blob_days),
        (
            "softDelete.containerDays",
            target.container_days,
            now.container_days,
        ),
    ];
    let each = pairs
        .into_iter()
        .filter_map(|(path, wanted, has)| differs(path, Some(&days(wanted)), &days(has)));
    each.collect()
}

/// Where rules of what becomes of files are not as they are wanted.
pub fn lifecycle_differences(wanted: &Lifecycle, now: &Lifecycle) -> Vec<Difference> {
    const NONE: &str = "(none)";
    let text =
        |rule: Option<&LifecycleRule>| rule.map_or_else(|| NONE.to_owned(), ToString::to_string);
    let names: std::collections::BTreeSet<&String> = wanted.keys().chain(now.keys()).collect();
    let each = names.into_iter().filter_map(|name| {
        let (wanted, has) = (wanted.get(name), now.get(name));
        let path = format!("lifecycleRules[{name}]");
        (wanted != has).then(|| Difference::new(path, text(wanted), text(has)))
    });
    each.collect()
}

/// All that can be said of an account in a spec.
pub fn described(account: &StorageAccount) -> Vec<(String, String)> {
    let Settings {
        sku,
        access_tier,
        minimum_tls,
        shared_keys,
        blob_public_access,
        https_only: _,
        sftp,
        network,
        public_access,
        encryption,
    } = &account.settings;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut say = |path: &str, value: String| all.push((path.to_owned(), value));
    say("location", account.location.clone());
    for (name, value) in &account.tags {
        say(&format!("tags.{name}"), value.clone());
    }
    say("sku", sku.to_string());
    if let Some(tier) = access_tier {
        say("accessTier", tier.to_string());
    }
    say("minimumTlsVersion", minimum_tls.to_string());
    say("sharedKeyAccess", shared_keys.to_string());
    say("blobPublicAccess", blob_public_access.to_string());
    say("sftp", sftp.to_string());
    say("nfsV3", account.nfs_v3.to_string());
    let action = Action(network.default).to_string();
    say("networkRules.defaultAction", action);
    let lists = [
        (
            "bypass",
            texts(network.bypass.iter().map(|one| format!("{one:?}"))),
        ),
        ("ipRules", texts(&network.addresses)),
        ("subnets", texts(&network.subnets)),
        ("resources", texts(&network.resources)),
    ];
    for (name, each) in lists {
        for one in each {
            say(&format!("networkRules.{name}[{one}]"), "there".to_owned());
        }
    }
    say("publicNetworkAccess", public_access.to_string());
    say("encryption", encryption.to_string());
    all
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
