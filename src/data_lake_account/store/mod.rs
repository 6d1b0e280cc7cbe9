//! A Data Lake Store of the first generation, in forms that compare by meaning. Pure.
//!
//! `desired` what a spec wants of one · `rules` its firewall's rules · `change` what is to be written next · `valid` a spec parsed ·
//! `to_gen2` the same as an account of the second generation

pub mod change;
pub mod desired;
pub mod rules;
pub mod to_gen2;
pub mod valid;

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use crate::azure_resource::values::{self, Cidr, Tags};

/// An account as Resource Manager tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreAccount {
    /// Its id.
    pub id: String,
    /// Its region, in lower case and without spaces.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// Who may reach it.
    pub firewall: Firewall,
    /// By which key data is encrypted. Of a customer's key, only the version can be changed later.
    pub encryption: StoreEncryption,
    /// Whether that key is in use. A customer's is once the account's own identity was let into the vault, and that was said.
    pub key_in_use: bool,
    /// The account's own identity, by its id in Entra ID.
    pub principal: Option<String>,
    /// Its host.
    pub endpoint: Option<String>,
    /// What is going on; `Succeeded` where nothing is.
    pub state: Option<String>,
}

impl StoreAccount {
    /// Whether Azure has ended its work on it, well or not. An account that tells no state is at rest.
    pub fn is_at_rest(&self) -> bool {
        values::is_at_rest(self.state.as_deref())
    }
}

/// Who may reach an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Firewall {
    /// Whether it keeps out whom no rule names.
    pub on: bool,
    /// Whether Azure's own addresses are let in.
    pub azure: bool,
    /// Addresses that are let in, by the rule's name.
    pub ranges: BTreeMap<String, Range>,
    /// Subnets that are let in, in lower case, by the rule's name.
    pub subnets: BTreeMap<String, String>,
}

/// Addresses from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

impl Range {
    /// The name of a rule for it.
    pub fn rule(self) -> String {
        format!("lakevault-{self}").replace('.', "-")
    }
}

impl From<Cidr> for Range {
    fn from(cidr: Cidr) -> Self {
        let (first, last) = cidr.bounds();
        Self { first, last }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// By which key data is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StoreEncryption {
    /// It is not.
    Off,
    /// Azure's own.
    Service,
    /// A customer's.
    Customer(StoreKey),
}

impl fmt::Display for StoreEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("no key"),
            Self::Service => f.write_str("Azure's own key"),
            Self::Customer(StoreKey {
                vault,
                name,
                version,
            }) => write!(f, "{vault}/keys/{name}/{version}"),
        }
    }
}

/// A key in a vault. All parts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreKey {
    /// The vault's id in Resource Manager.
    pub vault: String,
    /// The key's name.
    pub name: String,
    /// Its version, which the first generation wants said.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_a_spec_has_ends_and_a_name() {
        let range = |text| Range::from(Cidr::parse(text).unwrap());
        assert_eq!(
            range("203.0.113.7/24").rule(),
            "lakevault-203-0-113-0-203-0-113-255"
        );
        assert_eq!(range("10.0.0.1").to_string(), "10.0.0.1-10.0.0.1");
        assert_eq!(range("1.2.3.4/0").to_string(), "0.0.0.0-255.255.255.255");
    }
}
