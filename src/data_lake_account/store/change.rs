//! What is to be written next of a Data Lake Store that is there. Pure.

use super::desired::Desired;
use super::rules::{is_of_rules, left};
use super::{StoreAccount, StoreEncryption};
use crate::azure_resource::difference::Difference;
use crate::data_lake_account::plan::Step;

/// The next change of an account that differs so. Whoever is wanted is let in before anybody is shut out.
pub fn change(
    desired: &Desired,
    account: &StoreAccount,
    mut found: Vec<Difference>,
) -> Option<Step> {
    let firewall = desired.firewall.as_ref();
    let mut rules = firewall
        .map(|wanted| left(wanted, &account.firewall))
        .unwrap_or_default();
    if !rules.missing.is_empty() {
        return Some(Step::SetRule(rules.missing.swap_remove(0)));
    }
    found.retain(|one| !is_of_rules(one));
    if !found.is_empty() {
        return Some(Step::Update(found));
    }
    if !rules.extra.is_empty() {
        return Some(Step::SetRule(rules.extra.swap_remove(0)));
    }
    let customer = matches!(account.encryption, StoreEncryption::Customer(_));
    (desired.key.is_some() && customer && !account.key_in_use).then_some(Step::EnableKey)
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
