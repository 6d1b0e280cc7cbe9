//! Owners of files and directories, and entries that are to go from lists. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::acl::{AclError, Key, is_guid, is_name, named};
use crate::names::NameError;

/// Who owns a file or directory, or which group does: an object id, `$superuser` or, of a user, a user principal name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

impl Owner {
    /// Whoever made it with the account's key; Azure's default.
    pub const SUPERUSER: &str = "$superuser";

    /// The id in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What Azure tells, which may be anybody.
    pub fn told(text: &str) -> Self {
        Self(text.to_lowercase())
    }
}

impl FromStr for Owner {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let owner = text.to_lowercase();
        if owner == Self::SUPERUSER || is_guid(&owner) || is_name(&owner) {
            return Ok(Self(owner));
        }
        let expected =
            "an owner (an object id, $superuser, or a user principal name such as ada@contoso.com)";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Entries that are to go, without their rights.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Removal(BTreeSet<Key>);

impl Removal {
    /// Reads `user:<id>,default:group:<id>,mask`.
    pub fn parse(text: &str) -> Result<Self, AclError> {
        let keys = text.split(',').map(str::trim).map(|entry| {
            let rest = entry.strip_suffix(':').unwrap_or(entry);
            named(entry, rest)
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// Of these keys.
    pub fn of(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            write!(f, "{}{key}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "EC3595D6-2c17-4696-8caa-7e139758d24a";

    #[test]
    fn owners_are_ids_names_or_the_superuser() {
        let owner: Owner = ID.parse().unwrap();
        assert_eq!(owner, Owner::told(&ID.to_lowercase()));
        assert!(
            "$superuser".parse::<Owner>().is_ok() && "Ada@contoso.com".parse::<Owner>().is_ok()
        );
        for bad in ["", "ada", "$root", "ada@contoso.com,x", "a b@c.d"] {
            assert!(bad.parse::<Owner>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_to_go_is_named_without_rights() {
        let text = format!("mask,user:{ID},default:group:{ID},default:other:");
        let removal = Removal::parse(&text).unwrap();
        let lower = ID.to_lowercase();
        assert_eq!(
            removal.to_string(),
            format!("user:{lower},mask,default:group:{lower},default:other")
        );
        assert_eq!(Removal::parse(&removal.to_string()), Ok(removal));
        for bad in ["user:x", "user::rwx", "", "mask:a", "who"] {
            assert!(Removal::parse(bad).is_err(), "{bad}");
        }
    }
}
