//! Who reaches a vault over the network.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

/// Enabled or disabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Access {
    /// Reachable.
    #[default]
    #[serde(alias = "enabled")]
    Enabled,
    /// Not reachable by public networks.
    #[serde(alias = "disabled")]
    Disabled,
}

/// What a firewall does with an address that no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum DefaultAction {
    /// Let it in.
    Allow,
    /// Refuse it.
    Deny,
}

/// A vault's firewall, which the resource manager calls `networkAcls`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Firewall {
    pub(crate) default_action: DefaultAction,
    #[serde(default)]
    pub(crate) bypass: Bypass,
    /// Addresses and ranges that are let in, as `10.0.0.0/8`.
    #[serde(default)]
    pub(crate) ip_rules: Vec<String>,
    #[serde(default)]
    pub(crate) virtual_network_rules: Vec<SubnetRule>,
}

impl Firewall {
    /// Whether an address is let in.
    pub(crate) fn lets_in(&self, address: IpAddr) -> bool {
        self.default_action == DefaultAction::Allow
            || self
                .ip_rules
                .iter()
                .filter_map(|rule| Range::of(rule))
                .any(|range| range.holds(address))
    }
}

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    start: Ipv4Addr,
    bits: u32,
}

impl Range {
    /// From `10.0.0.0/8`, or one address.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
        let start = address.parse().ok()?;
        Some(Self { start, bits })
    }

    pub(crate) fn holds(self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else {
            return false;
        };
        let above = |address: Ipv4Addr| u32::from(address).checked_shr(32 - self.bits);
        above(address) == above(self.start)
    }
}

/// From one IPv4 address to another, both with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

impl Span {
    /// None when an address is not one, or the last lies before the first.
    pub(crate) fn of(first: &str, last: &str) -> Option<Self> {
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(Self { first, last })
    }

    pub(crate) fn holds(self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if (self.first..=self.last).contains(&address))
    }
}

/// Who is let past a firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Bypass {
    #[default]
    AzureServices,
    None,
}

/// A subnet that is let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubnetRule {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ignore_missing_vnet_service_endpoint: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_lets_its_ranges_in() {
        let firewall = |rules: &[&str]| Firewall {
            default_action: DefaultAction::Deny,
            bypass: Bypass::default(),
            ip_rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
            virtual_network_rules: Vec::new(),
        };
        let lets =
            |rules: &[&str], address: &str| firewall(rules).lets_in(address.parse().unwrap());
        assert!(!lets(&[], "10.1.2.3"));
        assert!(lets(&["10.1.2.3"], "10.1.2.3") && !lets(&["10.1.2.3/32"], "10.1.2.4"));
        assert!(lets(&["10.0.0.0/8"], "10.200.0.1") && !lets(&["10.0.0.0/8"], "11.0.0.1"));
        assert!(lets(&["0.0.0.0/0"], "192.0.2.1"));
        assert!(!lets(&["0.0.0.0/0"], "::1"));
        let span = Span::of("10.0.0.1", "10.0.0.3").unwrap();
        assert!(span.holds("10.0.0.3".parse().unwrap()));
        assert!(!span.holds("10.0.0.4".parse().unwrap()));
        assert!(Span::of("10.0.0.3", "10.0.0.1").is_none());
        assert!(Range::of("10.0.0.0/33").is_none() && Range::of("x").is_none());
    }
}
