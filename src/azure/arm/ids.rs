//! Names and ids of Azure's resources, parsed: a value of one of these types is safe to put into a URL. Pure.
//!
//! Azure compares ids without case and writes them in several, so equality and order here have no case; what is shown is what
//! was written ("Naming rules and restrictions for Azure resources").

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use uuid::Uuid;

use crate::names::{NameError, length_and_alphabet};

/// A text that is compared without case.
#[derive(Debug, Clone)]
struct Folded(String);

impl Folded {
    fn lower(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Folded {}

impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower().cmp(other.lower())
    }
}

impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.lower() {
            state.write_u8(byte);
        }
        state.write_u8(0xff);
    }
}

/// A subscription's id: a GUID, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(String);

impl SubscriptionId {
    /// The id in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `/subscriptions/{id}`.
    pub fn path(&self) -> String {
        format!("/subscriptions/{}", self.0)
    }
}

impl FromStr for SubscriptionId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // Other spellings of a GUID (braces, no hyphens) have other lengths.
        if text.len() == 36 && Uuid::try_parse(text).is_ok() {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        let expected = "a subscription id (a GUID such as 44444444-4444-4444-4444-444444444444)";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resource group's name; compared without case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Folded);

impl GroupName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl FromStr for GroupName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let known = length_and_alphabet(text, 90, |b| {
            b.is_ascii_alphanumeric() || b"-_.()".contains(&b)
        });
        if known && !text.ends_with('.') {
            return Ok(Self(Folded(text.to_owned())));
        }
        let expected =
            "a resource group's name (1 to 90 letters, digits and - _ . ( ), not ending in a dot)";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A region of Azure, in the form in which Azure compares them: `West Europe` is `westeurope`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(String);

impl Location {
    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Location {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name: String = text.chars().filter(|&c| c != ' ').collect();
        // Regions of Azure Stack Hub are named by whoever runs it, with hyphens at times.
        if length_and_alphabet(&name, 64, |b| b.is_ascii_alphanumeric() || b == b'-') {
            return Ok(Self(name.to_ascii_lowercase()));
        }
        let expected = "a region such as westeurope or \"West Europe\"";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The namespace of a resource provider, such as `Microsoft.KeyVault`; compared without case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Folded);

impl Namespace {
    /// The namespace as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl FromStr for Namespace {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_namespace(text) {
            return Ok(Self(Folded(text.to_owned())));
        }
        let expected = "the namespace of a resource provider such as Microsoft.KeyVault";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_namespace(text: &str) -> bool {
    length_and_alphabet(text, 128, |b| b.is_ascii_alphanumeric() || b == b'.')
        && text.split('.').all(|part| !part.is_empty())
}

/// A type or a name in an id. Names of other services may have more characters; none that is managed or referred to here does.
fn is_segment(text: &str) -> bool {
    length_and_alphabet(text, 260, |b| {
        b.is_ascii_alphanumeric() || b"-_.()".contains(&b)
    }) && !text.bytes().all(|b| b == b'.')
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its name.
    pub group: GroupName,
}

impl GroupId {
    /// A group of a subscription.
    pub fn new(subscription: SubscriptionId, group: GroupName) -> Self {
        Self {
            subscription,
            group,
        }
    }

    /// `/subscriptions/{s}/resourceGroups/{g}`.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// The id of a resource in this group, such as `resource("Microsoft.KeyVault", "vaults", "kv-a")`.
    pub fn resource(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
    ) -> Result<ResourceId, NameError> {
        // A name with slashes would be parsed as what lies in the resource.
        if !is_segment(name) {
            let expected = "a resource's name (letters, digits and - _ . ( ))";
            return Err(NameError::new(expected, name));
        }
        format!("{self}/providers/{namespace}/{kind}/{name}").parse()
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}",
            self.subscription, self.group
        )
    }
}

impl FromStr for GroupId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || {
            let expected = "the id of a resource group (/subscriptions/<id>/resourceGroups/<name>)";
            NameError::new(expected, text)
        };
        match parts(text).as_deref() {
            Some(&[subscriptions, subscription, groups, group])
                if subscriptions.eq_ignore_ascii_case("subscriptions")
                    && groups.eq_ignore_ascii_case("resourceGroups") =>
            {
                Ok(Self {
                    subscription: subscription.parse().map_err(|_| refused())?,
                    group: group.parse().map_err(|_| refused())?,
                })
            }
            _ => Err(refused()),
        }
    }
}

/// What stands between the slashes of an id, which begins with one.
fn parts(text: &str) -> Option<Vec<&str>> {
    Some(text.strip_prefix('/')?.split('/').collect())
}

/// The id of a resource in a resource group:
/// `/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}…]`. Shown as it was written, compared
/// without case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    // Stands first: the rest follows from it, so the derived comparisons are its own.
    text: Folded,
    group: GroupId,
}

impl ResourceId {
    /// The id as it was written.
    pub fn as_str(&self) -> &str {
        &self.text.0
    }

    /// The same, for requests.
    pub fn path(&self) -> String {
        self.text.0.clone()
    }

    /// Its subscription.
    pub fn subscription(&self) -> &SubscriptionId {
        &self.group.subscription
    }

    /// Its group.
    pub fn group(&self) -> &GroupId {
        &self.group
    }

    /// The provider's namespace, such as `Microsoft.KeyVault`.
    pub fn namespace(&self) -> &str {
        self.rest().next().unwrap_or_default()
    }

    /// The type with the namespace and those it lies in, such as `Microsoft.Network/virtualNetworks/subnets`.
    pub fn kind(&self) -> String {
        let mut kind = self.namespace().to_owned();
        for part in self.rest().skip(1).step_by(2) {
            kind.push('/');
            kind.push_str(part);
        }
        kind
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.as_str().rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is of this type; without case.
    pub fn is_a(&self, kind: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind)
    }

    /// What follows `/providers/`.
    fn rest(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('/').skip(6)
    }
}

impl FromStr for ResourceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || {
            let expected = "the id of an Azure resource (/subscriptions/<id>/resourceGroups/<group>/providers/<namespace>/<type>/<name>)";
            NameError::new(expected, text)
        };
        let parts = parts(text).ok_or_else(refused)?;
        let [_, _, _, _, providers, namespace, rest @ ..] = parts.as_slice() else {
            return Err(refused());
        };
        let known = providers.eq_ignore_ascii_case("providers")
            && is_namespace(namespace)
            && rest.len() >= 2
            && rest.len().is_multiple_of(2)
            && rest.iter().all(|part| is_segment(part));
        let group = format!("/{}", parts.get(..4).unwrap_or_default().join("/"));
        let group = group.parse().ok().filter(|_| known).ok_or_else(refused)?;
        Ok(Self {
            text: Folded(text.to_owned()),
            group,
        })
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a role is assigned or something is locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A subscription.
    Subscription(SubscriptionId),
    /// A resource group.
    Group(GroupId),
    /// One resource.
    Resource(ResourceId),
}

impl Scope {
    /// The subscription that it lies in.
    pub fn subscription(&self) -> &SubscriptionId {
        match self {
            Self::Subscription(subscription) => subscription,
            Self::Group(group) => &group.subscription,
            Self::Resource(resource) => resource.subscription(),
        }
    }

    /// Its id, for requests.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Whether `other` is this scope or lies in it.
    pub fn holds(&self, other: &Self) -> bool {
        let (outer, inner) = (self.path(), other.path());
        inner
            .get(..outer.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(&outer))
            && matches!(inner.as_bytes().get(outer.len()), None | Some(b'/'))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(subscription) => write!(f, "/subscriptions/{subscription}"),
            Self::Group(group) => group.fmt(f),
            Self::Resource(resource) => resource.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || {
            let expected = "a scope (the id of a subscription, of a resource group or of a resource, beginning with /subscriptions/)";
            NameError::new(expected, text)
        };
        match parts(text).as_deref() {
            Some(&[subscriptions, subscription])
                if subscriptions.eq_ignore_ascii_case("subscriptions") =>
            {
                let id = subscription.parse().map_err(|_| refused())?;
                Ok(Self::Subscription(id))
            }
            Some([_, _, _, _]) => text.parse().map(Self::Group).map_err(|_| refused()),
            _ => text.parse().map(Self::Resource).map_err(|_| refused()),
        }
    }
}

#[cfg(test)]
#[path = "ids_tests.rs"]
mod tests;
