//! A vault as it is, or as it is to be, in forms that compare by meaning. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::api::{Authorization, Bypass, DefaultAction, Sku, Switch};

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// A vault as Resource Manager tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Vault {
    /// Its id.
    pub id: String,
    /// Its region, in lower case and without spaces.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// Its tenant, in lower case.
    pub tenant: String,
    /// What can be said of it in a spec.
    pub settings: Settings,
    /// Access policies.
    pub policies: Policies,
    /// For how many days what is deleted can be recovered; none where the cloud does not know that.
    pub retention: Option<u16>,
    /// Whether it is protected from being purged.
    pub purge_protection: bool,
    /// Where its objects are.
    pub uri: Option<String>,
    /// What is going on; `Succeeded` where nothing is.
    pub state: Option<String>,
}

impl Vault {
    /// Whether Azure has ended its work on it, well or not. A vault that tells no state is at rest.
    pub fn is_at_rest(&self) -> bool {
        let at_rest = ["Succeeded", "Failed", "Canceled"];
        let state = self.state.as_deref().unwrap_or("Succeeded");
        at_rest.iter().any(|rest| rest.eq_ignore_ascii_case(state))
    }
}

/// What can be changed of a vault at any time, besides tags, policies and purge protection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Its kind.
    pub sku: SkuName,
    /// Who decides about access.
    pub authorization: Authority,
    /// Who may reach it.
    pub network: Network,
    /// Whether it has a public endpoint.
    pub public_access: Onoff,
    /// For virtual machines.
    pub for_deployment: bool,
    /// For disk encryption.
    pub for_disk_encryption: bool,
    /// For deployments.
    pub for_template_deployment: bool,
}

/// A vault in deleted state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deleted {
    /// Its id before.
    pub id: String,
    /// Its region.
    pub location: String,
    /// Its tags before.
    pub tags: Tags,
    /// Whether nobody may purge it.
    pub purge_protection: bool,
    /// When it goes for good.
    pub scheduled_purge: Option<Timestamp>,
}

/// Whom a policy is for: object id, and application where one acts for it. In lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// Object id.
    pub object: String,
    /// Application.
    pub application: Option<String>,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.application {
            Some(application) => write!(f, "{}/{application}", self.object),
            None => f.write_str(&self.object),
        }
    }
}

/// Permissions by kind of object, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// For secrets.
    pub secrets: BTreeSet<String>,
    /// For keys.
    pub keys: BTreeSet<String>,
    /// For certificates.
    pub certificates: BTreeSet<String>,
    /// For storage accounts, which no spec says.
    pub storage: BTreeSet<String>,
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("secrets", &self.secrets),
            ("keys", &self.keys),
            ("certificates", &self.certificates),
            ("storage", &self.storage),
        ];
        let said = kinds.iter().filter(|(_, words)| !words.is_empty());
        let said: Vec<String> = said
            .map(|(kind, words)| {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                format!("{kind}: {}", words.join(" "))
            })
            .collect();
        f.write_str(if said.is_empty() { "nothing" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}

/// Access policies by principal.
pub type Policies = BTreeMap<Principal, Permissions>;

/// Who may reach a vault.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Network {
    /// What becomes of callers that no rule names.
    pub default: DefaultAction,
    /// Whom the rules do not concern.
    pub bypass: Bypass,
    /// Addresses.
    pub addresses: BTreeSet<Cidr>,
    /// Subnets by id in lower case, and whether they may lack a service endpoint.
    pub subnets: BTreeMap<String, bool>,
}

impl Default for Network {
    /// Azure's, where nothing is said.
    fn default() -> Self {
        Self {
            default: DefaultAction::Allow,
            bypass: Bypass::AzureServices,
            addresses: BTreeSet::new(),
            subnets: BTreeMap::new(),
        }
    }
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
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident($inner:ty) { $($variant:pat => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self.0 { $($variant => $word,)* })
            }
        }
    };
}

words! {
    /// A [`Sku`] that prints as the spec says it.
    SkuName(Sku) { Sku::Standard => "Standard", Sku::Premium => "Premium", }
}
words! {
    /// An [`Authorization`] that prints as the spec says it.
    Authority(Authorization) { Authorization::RBAC => "RBAC", Authorization::AccessPolicies => "AccessPolicies", }
}
words! {
    /// A [`Switch`] that prints as the spec says it.
    Onoff(Switch) { Switch::Enabled => "Enabled", Switch::Disabled => "Disabled", }
}
words! {
    /// A [`DefaultAction`] that prints as the spec says it.
    Action(DefaultAction) { DefaultAction::Deny => "Deny", DefaultAction::Allow => "Allow", }
}
words! {
    /// A [`Bypass`] that prints as the spec says it.
    Around(Bypass) { Bypass::AzureServices => "AzureServices", Bypass::None => "None", }
}

/// All that can be said of a vault in a spec.
pub fn described(vault: &Vault) -> Vec<(String, String)> {
    let settings = &vault.settings;
    let network = &settings.network;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut say = |path: &str, value: String| all.push((path.to_owned(), value));
    say("location", vault.location.clone());
    say("tenantId", vault.tenant.clone());
    for (name, value) in &vault.tags {
        say(&format!("tags.{name}"), value.clone());
    }
    say("sku", settings.sku.to_string());
    say("authorization", settings.authorization.to_string());
    for (who, permissions) in &vault.policies {
        say(&format!("accessPolicies[{who}]"), permissions.to_string());
    }
    if let Some(days) = vault.retention {
        say("softDeleteRetentionDays", days.to_string());
        say("purgeProtection", vault.purge_protection.to_string());
        let action = Action(network.default).to_string();
        say("networkRules.defaultAction", action);
        say("networkRules.bypass", Around(network.bypass).to_string());
        for range in &network.addresses {
            say(
                &format!("networkRules.ipRules[{range}]"),
                "there".to_owned(),
            );
        }
        for id in network.subnets.keys() {
            say(&format!("networkRules.subnets[{id}]"), "there".to_owned());
        }
        say("publicNetworkAccess", settings.public_access.to_string());
    }
    all
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
    fn permissions_print_as_a_spec_says_them() {
        let some = Permissions {
            secrets: BTreeSet::from(["get".to_owned(), "list".to_owned()]),
            keys: BTreeSet::from(["sign".to_owned()]),
            ..Permissions::default()
        };
        assert_eq!(some.to_string(), "secrets: get list, keys: sign");
        assert_eq!(Permissions::default().to_string(), "nothing");
    }
}
