//! Values that resources of several kinds have, in forms that compare by meaning and print as a spec says them. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use super::api::{DefaultAction, Switch};

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Whether Azure has ended its work on a resource in this state, well or not. One that tells no state is at rest.
pub fn is_at_rest(state: Option<&str>) -> bool {
    let at_rest = ["Succeeded", "Failed", "Canceled"];
    let state = state.unwrap_or("Succeeded");
    at_rest.iter().any(|rest| rest.eq_ignore_ascii_case(state))
}

/// A range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    first: Ipv4Addr,
    bits: u8,
}

impl Cidr {
    /// Reads `a.b.c.d` or `a.b.c.d/n`; what lies behind the mask is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.trim().parse().ok()?;
        let bits: u8 = bits.trim().parse().ok().filter(|bits| *bits <= 32)?;
        let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
        Some(Self {
            first: Ipv4Addr::from(u32::from(address) & mask),
            bits,
        })
    }

    /// Its first and its last address.
    pub fn bounds(self) -> (Ipv4Addr, Ipv4Addr) {
        let rest = u32::MAX.checked_shr(u32::from(self.bits)).unwrap_or(0);
        (self.first, Ipv4Addr::from(u32::from(self.first) | rest))
    }

    /// The same as Azure Storage takes it: a range of two addresses as two ("Configure Azure Storage firewalls").
    pub fn apart(self) -> Vec<Self> {
        if self.bits != 31 {
            return vec![self];
        }
        let first = u32::from(self.first);
        [first, first | 1]
            .map(|address| Self {
                first: Ipv4Addr::from(address),
                bits: 32,
            })
            .to_vec()
    }

    /// As Azure Storage writes it: an address alone without its length.
    pub fn short(self) -> String {
        if self.bits == 32 {
            self.first.to_string()
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// A word of Azure's that may be one of a newer version: told as it was written, compared without case.
#[derive(Debug, Clone)]
pub struct Word(String);

impl Word {
    /// As Azure, or a spec, writes it.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A word of a spec, whose variants are named as Azure names them.
    pub fn of(variant: impl fmt::Debug) -> Self {
        Self(format!("{variant:?}"))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Types that print a field of a spec as it is written there.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident($inner:ty) { $($variant:pat => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self.0 { $($variant => $word,)* })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A [`Switch`] that prints as the spec says it.
    Onoff(Switch) { Switch::Enabled => "Enabled", Switch::Disabled => "Disabled", }
}
words! {
    /// A [`DefaultAction`] that prints as the spec says it.
    Action(DefaultAction) { DefaultAction::Deny => "Deny", DefaultAction::Allow => "Allow", }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_one_meaning_are_equal() {
        let cidr = |text| Cidr::parse(text).unwrap();
        assert_eq!(cidr("203.0.113.7"), cidr("203.0.113.7/32"));
        assert_eq!(cidr("198.51.100.9/24"), cidr("198.51.100.0/24"));
        assert_eq!(cidr("1.2.3.4/0").to_string(), "0.0.0.0/0");
        assert_ne!(cidr("198.51.100.0/24"), cidr("198.51.100.0/25"));
        for bad in ["", "1.2.3", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/x", "::1"] {
            assert_eq!(Cidr::parse(bad), None, "{bad:?} was accepted");
        }
    }

    #[test]
    fn storage_takes_no_range_of_one_or_two() {
        let apart = |text| {
            let each = Cidr::parse(text).unwrap().apart();
            each.into_iter().map(Cidr::short).collect::<Vec<_>>()
        };
        assert_eq!(apart("10.0.0.3/31"), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(apart("10.0.0.3"), ["10.0.0.3"]);
        assert_eq!(apart("10.0.0.3/24"), ["10.0.0.0/24"]);
    }

    #[test]
    fn words_have_no_case_and_are_told_as_they_were_written() {
        assert_eq!(Word::new("enabled"), Word::of(Switch::Enabled));
        assert_ne!(Word::new("StandardV2_LRS"), Word::new("Standard_LRS"));
        assert_eq!(Word::new("TLS1_4").to_string(), "TLS1_4");
    }

    #[test]
    fn what_failed_is_at_rest_and_what_is_made_is_not() {
        assert!(is_at_rest(None) && is_at_rest(Some("failed")));
        assert!(!is_at_rest(Some("ResolvingDNS")));
    }
}
