//! What a spec wants of a Data Lake Store. What it does not say is left as it is. Pure.

use super::rules::{Wanted, left, name_of};
use super::{Firewall, StoreAccount, StoreEncryption, StoreKey};
use crate::azure_resource::api::DefaultAction;
use crate::azure_resource::difference::{Difference, differs};
use crate::azure_resource::tags;
use crate::azure_resource::values::{Action, Tags};

/// What is wanted of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its region.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// Who may reach it.
    pub firewall: Option<Wanted>,
    /// The key that data is encrypted with.
    pub key: Option<WantedKey>,
}

/// A customer's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedKey {
    /// The `KeyVault` that tells which vault holds it.
    pub vault: String,
    /// The key's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

const FIXED: &str = "of encryption nothing but the version of a customer's key can be changed once the account is created";
const AZURE: &str = "networkRules.bypass[AzureServices]";

impl WantedKey {
    /// The key, once the id of its vault is known.
    fn found(&self, vault: Option<&str>) -> Option<StoreKey> {
        let lower = str::to_ascii_lowercase;
        Some(StoreKey {
            vault: lower(vault?),
            name: lower(&self.name),
            version: lower(&self.version),
        })
    }
}

impl Desired {
    /// The account that a spec makes where there is none. `vault` is the id of the key's vault.
    pub fn created(&self, id: String, tags: Tags, vault: Option<&str>) -> StoreAccount {
        let key = self.key.as_ref().and_then(|key| key.found(vault));
        let firewall = self.firewall.as_ref().map(|wanted| Firewall {
            on: wanted.on,
            azure: wanted.azure,
            ranges: wanted.ranges.iter().map(|one| (one.rule(), *one)).collect(),
            subnets: wanted
                .subnets
                .iter()
                .map(|id| (name_of(id), id.clone()))
                .collect(),
        });
        StoreAccount {
            id,
            location: self.location.clone(),
            tags,
            firewall: firewall.unwrap_or_default(),
            key_in_use: key.is_none(),
            encryption: key.map_or(StoreEncryption::Service, StoreEncryption::Customer),
            principal: None,
            endpoint: None,
            state: None,
        }
    }

    /// An account with what is wanted of its tags and settings. Rules of its firewall stay: each has a write of its own.
    pub fn update(&self, account: &mut StoreAccount, tags: Tags, vault: Option<&str>) {
        account.tags = tags;
        if let Some(wanted) = &self.firewall {
            (account.firewall.on, account.firewall.azure) = (wanted.on, wanted.azure);
        }
        let key = self.key.as_ref().and_then(|key| key.found(vault));
        if let (Some(wanted), StoreEncryption::Customer(has)) = (key, &mut account.encryption)
            && is_renewed(&wanted, has)
        {
            *has = wanted;
        }
    }
}

/// Whether two keys differ in nothing but their version.
fn is_renewed(one: &StoreKey, other: &StoreKey) -> bool {
    (&one.vault, &one.name) == (&other.vault, &other.name)
}

/// Where an account is not as it is wanted. `set` are tags that were set before.
pub fn differences(
    desired: &Desired,
    account: &StoreAccount,
    (set, owner): (&[String], &str),
    vault: Option<&str>,
) -> Vec<Difference> {
    let mut found = tags::differences(&desired.tags, &account.tags, set, owner);
    if let Some(wanted) = &desired.firewall {
        let has = &account.firewall;
        let (action, observed) = (action(wanted.on), action(has.on));
        found.extend(differs(
            "networkRules.defaultAction",
            Some(&action),
            &observed,
        ));
        if wanted.azure != has.azure {
            let word = |on| if on { "there" } else { "absent" };
            found.push(Difference::new(AZURE, word(wanted.azure), word(has.azure)));
        }
        found.extend_from_slice(left(wanted, has).differences());
    }
    let key = desired.key.as_ref().and_then(|key| key.found(vault));
    if let Some(key) = key {
        let may =
            matches!(&account.encryption, StoreEncryption::Customer(has) if is_renewed(&key, has));
        let wanted = StoreEncryption::Customer(key);
        let one = differs("encryption", Some(&wanted), &account.encryption);
        found.extend(one.map(|one| if may { one } else { one.stuck(FIXED) }));
    }
    found
}

fn action(on: bool) -> Action {
    Action(if on {
        DefaultAction::Deny
    } else {
        DefaultAction::Allow
    })
}

/// All that can be said of an account in a spec.
pub fn described(account: &StoreAccount) -> Vec<(String, String)> {
    let mut all = vec![("location".to_owned(), account.location.clone())];
    let mut say = |path: String, value: String| all.push((path, value));
    for (name, value) in &account.tags {
        say(format!("tags.{name}"), value.clone());
    }
    let firewall = &account.firewall;
    say(
        "networkRules.defaultAction".to_owned(),
        action(firewall.on).to_string(),
    );
    if firewall.azure {
        say(AZURE.to_owned(), "there".to_owned());
    }
    for range in firewall.ranges.values() {
        say(format!("networkRules.ipRules[{range}]"), "there".to_owned());
    }
    for subnet in firewall.subnets.values() {
        say(
            format!("networkRules.subnets[{subnet}]"),
            "there".to_owned(),
        );
    }
    say("encryption".to_owned(), account.encryption.to_string());
    all
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
