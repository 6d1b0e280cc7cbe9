//! Rules of a firewall: those that are missing, and those that let in more than is wanted. Pure.
//!
//! Addresses compare by what they come to, not by how they are cut into rules: a rule that somebody has split in two, or named
//! otherwise, is none that differs.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use uuid::Uuid;

use super::{Firewall, Range};
use crate::azure_resource::difference::Difference;

/// Paths of what has rules.
const ADDRESSES: &str = "networkRules.ipRules";
const SUBNETS: &str = "networkRules.subnets";

/// Who is wanted to reach an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the firewall keeps out whom no rule names.
    pub on: bool,
    /// Whether Azure's own addresses are let in.
    pub azure: bool,
    /// Addresses, as [`joined`] gives them.
    pub ranges: Vec<Range>,
    /// Subnets, in lower case.
    pub subnets: BTreeSet<String>,
}

/// A write of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Addresses are let in.
    LetIn(Range),
    /// A subnet is let in, by its id.
    LetSubnetIn(String),
    /// A rule for addresses goes, by its name.
    Remove(String),
    /// A rule for a subnet goes, by its name.
    RemoveSubnet(String),
}

/// As `status.plan` says it.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LetIn(range) => write!(f, "let the addresses {range} in"),
            Self::LetSubnetIn(id) => write!(f, "let the subnet {id} in"),
            Self::Remove(name) => write!(f, "remove the firewall's rule {name:?}"),
            Self::RemoveSubnet(name) => write!(f, "remove the firewall's subnet rule {name:?}"),
        }
    }
}

/// The name of a rule for a subnet: the same for the same subnet, and no other's.
pub fn name_of(subnet: &str) -> String {
    let named = Uuid::new_v5(&Uuid::NAMESPACE_URL, subnet.as_bytes());
    format!("lakevault-{named}")
}

/// Ranges in order, without overlaps, those that touch each other made one.
pub fn joined(ranges: impl IntoIterator<Item = Range>) -> Vec<Range> {
    let mut ranges: Vec<Range> = ranges
        .into_iter()
        .filter(|one| one.first <= one.last)
        .collect();
    ranges.sort();
    let mut all: Vec<Range> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(before) if touches(*before, range) => before.last = before.last.max(range.last),
            _ => all.push(range),
        }
    }
    all
}

/// Whether nothing lies between a range and one that does not begin before it.
fn touches(before: Range, range: Range) -> bool {
    let next = u32::from(before.last).checked_add(1).map(Ipv4Addr::from);
    next.is_none_or(|next| range.first <= next)
}

fn holds(all: &[Range], range: Range) -> bool {
    let mut all = all.iter();
    range.first <= range.last && all.any(|one| one.first <= range.first && range.last <= one.last)
}

/// What is left to be written of a firewall's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Who is to be let in.
    pub missing: Vec<Rule>,
    /// What lets in whom the spec does not.
    pub extra: Vec<Rule>,
    differs: Vec<Difference>,
}

impl Left {
    /// The same for the status.
    pub fn differences(&self) -> &[Difference] {
        &self.differs
    }
}

/// What is left to be written.
pub fn left(wanted: &Wanted, has: &Firewall) -> Left {
    let mut left = Left::default();
    let fits = |range: &Range| holds(&wanted.ranges, *range);
    let covered = joined(has.ranges.values().copied().filter(fits));
    let mut differs = |path: &str, what: &str, missing: bool| {
        let (desired, observed) = if missing {
            ("there", "absent")
        } else {
            ("absent", "there")
        };
        left.differs.push(Difference::new(
            format!("{path}[{what}]"),
            desired,
            observed,
        ));
    };
    for range in wanted.ranges.iter().filter(|one| !holds(&covered, **one)) {
        differs(ADDRESSES, &range.to_string(), true);
        left.missing.push(Rule::LetIn(*range));
    }
    for (name, range) in has.ranges.iter().filter(|(_, range)| !fits(range)) {
        differs(ADDRESSES, &range.to_string(), false);
        left.extra.push(Rule::Remove(name.clone()));
    }
    let there: BTreeSet<&String> = has.subnets.values().collect();
    for subnet in wanted.subnets.iter().filter(|one| !there.contains(one)) {
        differs(SUBNETS, subnet, true);
        left.missing.push(Rule::LetSubnetIn(subnet.clone()));
    }
    let unwanted = has.subnets.iter();
    for (name, subnet) in unwanted.filter(|(_, one)| !wanted.subnets.contains(*one)) {
        differs(SUBNETS, subnet, false);
        left.extra.push(Rule::RemoveSubnet(name.clone()));
    }
    left
}

/// Whether a difference is one of rules, which an update of the account does not write.
pub fn is_of_rules(difference: &Difference) -> bool {
    let path = difference.path.as_str();
    [ADDRESSES, SUBNETS]
        .iter()
        .any(|rules| path.starts_with(rules))
}

/// A firewall after a write.
pub fn apply(rule: &Rule, firewall: &mut Firewall) {
    match rule {
        Rule::LetIn(range) => {
            firewall.ranges.insert(range.rule(), *range);
        }
        Rule::LetSubnetIn(id) => {
            firewall.subnets.insert(name_of(id), id.clone());
        }
        Rule::Remove(name) => {
            firewall.ranges.remove(name);
        }
        Rule::RemoveSubnet(name) => {
            firewall.subnets.remove(name);
        }
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
