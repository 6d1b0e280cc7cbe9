//! `networkAcls` of a body (<https://learn.microsoft.com/azure/storage/common/storage-network-security>).

use std::net::Ipv4Addr;

use serde::Deserialize;

use super::{body::one_of, invalid_values};
use crate::world::{
    failure::Failure,
    networks::{DefaultAction, Range},
    storage_spec::{ResourceAccess, StorageFirewall},
};

/// Rules of each kind that an account takes.
const MAX_RULES: usize = 400;
const BYPASS: [&str; 4] = ["None", "Logging", "Metrics", "AzureServices"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AclsBody {
    bypass: Option<String>,
    default_action: Option<String>,
    ip_rules: Option<Vec<IpRule>>,
    virtual_network_rules: Option<Vec<SubnetBody>>,
    resource_access_rules: Option<Vec<ResourceAccess>>,
}

#[derive(Deserialize)]
struct IpRule {
    value: String,
}

#[derive(Deserialize)]
struct SubnetBody {
    id: String,
}

impl AclsBody {
    pub(super) fn read(self) -> Result<StorageFirewall, Failure> {
        let action = self.default_action.as_deref().unwrap_or("Allow");
        let default_action =
            match one_of(&["Allow", "Deny"], action, "networkAcls.defaultAction")?.as_str() {
                "Deny" => DefaultAction::Deny,
                _ => DefaultAction::Allow,
            };
        let address = |rule: IpRule| {
            if is_public(&rule.value) {
                Ok(rule.value)
            } else {
                Err(invalid_values("networkAcls.ipRule[*].value"))
            }
        };
        let ip_rules = self.ip_rules.unwrap_or_default();
        let subnets = self.virtual_network_rules.unwrap_or_default();
        if ip_rules.len() > MAX_RULES || subnets.len() > MAX_RULES {
            return Err(invalid_values("networkAcls"));
        }
        Ok(StorageFirewall {
            bypass: bypass(self.bypass.as_deref())?,
            default_action,
            ip_rules: ip_rules
                .into_iter()
                .map(address)
                .collect::<Result<_, _>>()?,
            virtual_network_rules: subnets.into_iter().map(|rule| rule.id).collect(),
            resource_access_rules: self.resource_access_rules.unwrap_or_default(),
        })
    }
}

/// A list of words, separated by commas.
fn bypass(given: Option<&str>) -> Result<String, Failure> {
    let given = given.unwrap_or("AzureServices").split(',');
    let words = given.map(|word| one_of(&BYPASS, word.trim(), "networkAcls.bypass"));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    Ok(words.join(", "))
}

/// An address or a range of the public internet. A range of one or two addresses is to be given as addresses, and
/// networks that are private by RFC 1918 are reached by subnets.
fn is_public(rule: &str) -> bool {
    let (address, bits) = rule.split_once('/').unwrap_or((rule, "0"));
    let small = bits.parse::<u32>().is_ok_and(|bits| bits > 30);
    let private = address
        .parse::<Ipv4Addr>()
        .is_ok_and(|one| one.is_private());
    Range::of(rule).is_some() && !small && !private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_taken() {
        for good in ["203.0.113.7", "198.51.100.0/24", "127.0.0.1"] {
            assert!(is_public(good), "{good}");
        }
        for bad in [
            "10.1.2.3",
            "192.168.0.0/16",
            "198.51.100.0/31",
            "203.0.113.7/32",
            "x",
        ] {
            assert!(!is_public(bad), "{bad}");
        }
    }

    #[test]
    fn what_passes_a_firewall_is_a_list_of_words() {
        assert_eq!(bypass(None).unwrap(), "AzureServices");
        assert_eq!(bypass(Some("logging,Metrics")).unwrap(), "Logging, Metrics");
        assert!(bypass(Some("All")).is_err());
    }
}
