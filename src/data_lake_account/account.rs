//! A storage account as it is, or as it is to be, in forms that compare by meaning. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::api::Bypass;
use crate::azure_resource::api::DefaultAction;
use crate::azure_resource::values::{self, Cidr, Tags, Word};

/// A storage account as Resource Manager tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageAccount {
    /// Its id.
    pub id: String,
    /// Its region, in lower case and without spaces.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// What sort of account it is, such as `StorageV2`.
    pub kind: Word,
    /// Whether it has directories and access control lists. It stays so.
    pub hierarchical: bool,
    /// Whether it speaks NFS 3. It stays so.
    pub nfs_v3: bool,
    /// What can be changed of it.
    pub settings: Settings,
    /// Its managed identities.
    pub identities: Identities,
    /// Where its services are, by name: `dfs`, `blob`, ….
    pub endpoints: BTreeMap<String, String>,
    /// When its keys were made, by name.
    pub keys_made: BTreeMap<String, Timestamp>,
    /// What is going on; `Succeeded` where nothing is.
    pub state: Option<String>,
    /// Whether Azure moves it to another kind of replication.
    pub migrating: bool,
}

impl StorageAccount {
    /// Whether Azure has ended its work on it, well or not. An account that tells no state is at rest.
    pub fn is_at_rest(&self) -> bool {
        values::is_at_rest(self.state.as_deref())
    }
}

/// What can be changed of an account at any time, besides tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Kind of disks and replication.
    pub sku: Word,
    /// Tier of files that have none of their own; none where the account's kind has none.
    pub access_tier: Option<Word>,
    /// The oldest TLS.
    pub minimum_tls: Word,
    /// Whether keys give access.
    pub shared_keys: bool,
    /// Whether a container may be opened to everybody.
    pub blob_public_access: bool,
    /// Whether it is reached by TLS alone.
    pub https_only: bool,
    /// Whether SFTP is spoken.
    pub sftp: bool,
    /// Who may reach it.
    pub network: Network,
    /// Whether it has public endpoints.
    pub public_access: Word,
    /// By which key data is encrypted.
    pub encryption: Encryption,
}

impl Settings {
    /// Those of an account that is made without a word about them, but for what is safer closed (Azure, "Azure Storage
    /// security recommendations").
    pub fn new(sku: Word) -> Self {
        // What is on fast disks has no other tier.
        let tiers = !is_premium(&sku);
        Self {
            sku,
            access_tier: tiers.then(|| Word::new("Hot")),
            minimum_tls: Word::new("TLS1_2"),
            shared_keys: false,
            blob_public_access: false,
            https_only: true,
            sftp: false,
            network: Network::default(),
            public_access: Word::new("Enabled"),
            encryption: Encryption::Microsoft,
        }
    }
}

/// The sort of account that has lakes on disks of this kind.
pub fn kind_of(sku: &Word) -> Word {
    Word::new(if is_premium(sku) {
        "BlockBlobStorage"
    } else {
        "StorageV2"
    })
}

/// Whether a change from one kind of disks and replication to another moves data, which no write of the account does.
pub fn is_migration(from: &Word, to: &Word) -> bool {
    let zones = |sku: &Word| sku.as_str().to_ascii_uppercase().contains("ZRS");
    is_premium(from) != is_premium(to) || zones(from) != zones(to)
}

fn is_premium(sku: &Word) -> bool {
    let begin = sku.as_str().split(['_', 'V']).next();
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case("Premium"))
}

/// Who may reach an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Network {
    /// What becomes of callers that no rule names.
    pub default: DefaultAction,
    /// What the rules do not concern.
    pub bypass: BTreeSet<Bypass>,
    /// Addresses, as [`Cidr::apart`] gives them.
    pub addresses: BTreeSet<Cidr>,
    /// Subnets by id in lower case.
    pub subnets: BTreeSet<String>,
    /// Resources that are let in.
    pub resources: BTreeSet<ResourceRule>,
}

impl Default for Network {
    /// Azure's, where nothing is said.
    fn default() -> Self {
        Self {
            default: DefaultAction::Allow,
            bypass: BTreeSet::from([Bypass::AzureServices]),
            addresses: BTreeSet::new(),
            subnets: BTreeSet::new(),
            resources: BTreeSet::new(),
        }
    }
}

/// A resource that is let in. Both parts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceRule {
    /// Its tenant.
    pub tenant: String,
    /// Its id; parts may be `*`.
    pub id: String,
}

impl fmt::Display for ResourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of tenant {}", self.id, self.tenant)
    }
}

/// By which key data is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Microsoft's own.
    Microsoft,
    /// A customer's.
    Customer(CustomerKey),
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Microsoft => f.write_str("Microsoft's own key"),
            Self::Customer(key) => key.fmt(f),
        }
    }
}

/// A key in a vault. All parts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CustomerKey {
    /// The vault, without a slash at its end.
    pub vault: String,
    /// The key's name.
    pub name: String,
    /// Its version; none for the newest.
    pub version: Option<String>,
    /// The user-assigned identity that unwraps it; none for the account's own.
    pub identity: Option<String>,
}

impl CustomerKey {
    /// A key as a spec, or Azure, writes it.
    pub fn new(vault: &str, name: &str, version: Option<&str>, identity: Option<&str>) -> Self {
        let lower = |text: &str| text.to_ascii_lowercase();
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(lower);
        Self {
            vault: lower(vault.trim_end_matches('/')),
            name: lower(name),
            version: said(version),
            identity: said(identity),
        }
    }
}

impl fmt::Display for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}", self.vault, self.name)?;
        if let Some(version) = &self.version {
            write!(f, "/{version}")?;
        }
        match &self.identity {
            Some(identity) => write!(f, " by {identity}"),
            None => f.write_str(" by the account's own identity"),
        }
    }
}

/// Managed identities of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identities {
    /// Whether it has one of its own.
    pub own: bool,
    /// Those that are assigned to it, by id in lower case.
    pub assigned: BTreeSet<String>,
}

/// What is done with deleted files and filesystems. Days; none where they are gone at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SoftDelete {
    /// Of files.
    pub blob_days: Option<u16>,
    /// Of filesystems.
    pub container_days: Option<u16>,
}

/// What becomes of files with time: rules by name.
pub type Lifecycle = BTreeMap<String, LifecycleRule>;

/// A rule of what becomes of files with time. Days count from the last change; those of snapshots from their creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LifecycleRule {
    /// Whether it is not applied.
    pub disabled: bool,
    /// What paths begin with; empty for all.
    pub prefixes: BTreeSet<String>,
    /// When a file moves to the tier Cool.
    pub cool: Option<u32>,
    /// When a file moves to the tier Cold.
    pub cold: Option<u32>,
    /// When a file moves to the tier Archive.
    pub archive: Option<u32>,
    /// When a file is deleted.
    pub delete: Option<u32>,
    /// When a snapshot is deleted.
    pub delete_snapshots: Option<u32>,
    /// Parts that no spec says, which somebody else has set.
    pub beyond: BTreeSet<String>,
}

impl fmt::Display for LifecycleRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = [
            ("tierToCoolAfterDays", self.cool),
            ("tierToColdAfterDays", self.cold),
            ("tierToArchiveAfterDays", self.archive),
            ("deleteAfterDays", self.delete),
            ("deleteSnapshotsAfterDays", self.delete_snapshots),
        ];
        let mut said: Vec<String> = days
            .iter()
            .filter_map(|(name, days)| Some(format!("{name}: {}", (*days)?)))
            .collect();
        if self.disabled {
            said.push("disabled: true".to_owned());
        }
        if !self.prefixes.is_empty() {
            let prefixes: Vec<&str> = self.prefixes.iter().map(String::as_str).collect();
            said.push(format!("prefixes: {}", prefixes.join(" ")));
        }
        said.extend(self.beyond.iter().map(|part| format!("{part}: …")));
        f.write_str(&said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_fast_disks_are_migrations() {
        for (from, to, migration) in [
            ("Standard_LRS", "Standard_RAGRS", false),
            ("Standard_LRS", "Standard_ZRS", true),
            ("Standard_GZRS", "Standard_GRS", true),
            ("standard_zrs", "Standard_RAGZRS", false),
            ("Standard_LRS", "Premium_LRS", true),
            ("Premium_LRS", "Premium_ZRS", true),
        ] {
            assert_eq!(
                is_migration(&Word::new(from), &Word::new(to)),
                migration,
                "{from} {to}"
            );
        }
        assert_eq!(
            kind_of(&Word::new("PremiumV2_LRS")).as_str(),
            "BlockBlobStorage"
        );
        assert_eq!(kind_of(&Word::new("Standard_LRS")).as_str(), "StorageV2");
    }

    #[test]
    fn a_key_is_the_same_however_it_is_written() {
        let one = CustomerKey::new(
            "https://KV-a.vault.azure.net/",
            "Lake",
            Some(""),
            Some("/Sub/Id"),
        );
        let other = CustomerKey::new(
            "https://kv-a.vault.azure.net",
            "lake",
            None,
            Some("/sub/id"),
        );
        assert_eq!(one, other);
        assert_eq!(
            one.to_string(),
            "https://kv-a.vault.azure.net/keys/lake by /sub/id"
        );
    }

    #[test]
    fn a_rule_prints_as_a_spec_says_it() {
        let rule = LifecycleRule {
            disabled: true,
            prefixes: BTreeSet::from(["raw/logs/".to_owned()]),
            delete: Some(365),
            beyond: BTreeSet::from(["version".to_owned()]),
            ..LifecycleRule::default()
        };
        assert_eq!(
            rule.to_string(),
            "deleteAfterDays: 365, disabled: true, prefixes: raw/logs/, version: …"
        );
    }
}
