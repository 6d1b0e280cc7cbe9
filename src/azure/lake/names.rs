//! Names of a data lake, parsed: a value of one of these types is safe to put into a URL ("Naming and Referencing Containers,
//! Blobs, and Metadata"; Azure Data Lake Storage, "Path - Create"). Pure.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::azure::cloud::Storage;
use crate::names::{NameError, length_and_alphabet};

/// What stays as it is in a part of a path (RFC 3986 §2.3).
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const LONGEST_PART: usize = 255;
const LONGEST_PATH: usize = 1024;
const DEEPEST: usize = 63;

/// The name of a storage account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

impl AccountName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if text.len() >= 3 && length_and_alphabet(text, 24, lower) {
            return Ok(Self(text.to_owned()));
        }
        let expected = "a storage account's name (3 to 24 lower-case letters and digits)";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a filesystem. Those that begin with `$` are Azure's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilesystemName(String);

impl FilesystemName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilesystemName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let known = length_and_alphabet(text, 63, |b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
        });
        let bordered = !text.starts_with('-') && !text.ends_with('-');
        if text.len() >= 3 && known && bordered && !text.contains("--") {
            return Ok(Self(text.to_owned()));
        }
        let expected = "a filesystem's name (3 to 63 lower-case letters, digits and hyphens, with no hyphen at an end or beside another)";
        Err(NameError::new(expected, text))
    }
}

impl fmt::Display for FilesystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path in a filesystem, without a slash at its begin; the root has no parts. Paths sort behind those they lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LakePath(Vec<String>);

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is no path: {why}")]
pub struct PathError {
    path: String,
    why: &'static str,
}

impl LakePath {
    /// The root of a filesystem.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands between its slashes.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// What it lies in; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// What lies in it under this name, which may be a path itself.
    pub fn join(&self, below: &str) -> Result<Self, PathError> {
        let below: Self = below.parse()?;
        let joined = [self.0.as_slice(), below.0.as_slice()].concat().join("/");
        joined.parse()
    }

    /// Whether it is `other` or lies in it.
    pub fn is_in(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// As it stands in a URL behind the filesystem's slash, encoded once.
    pub fn encoded(&self) -> String {
        let parts = self.0.iter();
        let encoded = parts.map(|part| utf8_percent_encode(part, PART).to_string());
        encoded.collect::<Vec<_>>().join("/")
    }
}

impl FromStr for LakePath {
    type Err = PathError;

    /// Reads `a/b` and `/a/b`; nothing, and a slash alone, is the root.
    fn from_str(text: &str) -> Result<Self, PathError> {
        let whole = text.strip_prefix('/').unwrap_or(text);
        if whole.is_empty() {
            return Ok(Self::root());
        }
        let parts: Vec<&str> = whole.split('/').collect();
        let problem = parts.iter().find_map(|part| wrong(part));
        let problem = problem.or_else(|| {
            if whole.chars().count() > LONGEST_PATH {
                Some("it has more than 1,024 characters")
            } else if parts.len() > DEEPEST {
                Some("it is more than 63 directories deep")
            } else {
                None
            }
        });
        if let Some(why) = problem {
            let path = text.chars().take(80).collect();
            return Err(PathError { path, why });
        }
        Ok(Self(parts.into_iter().map(str::to_owned).collect()))
    }
}

/// What is wrong with a part of a path.
fn wrong(part: &str) -> Option<&'static str> {
    if part.is_empty() {
        return Some("a part of it is empty (no two slashes in a row, and none at its end)");
    }
    if part == "." || part == ".." {
        return Some("a part of it is . or .., which lead elsewhere");
    }
    // Azure leaves such dots out at times, so the name would be another one.
    if part.ends_with('.') {
        return Some("a part of it ends in a dot");
    }
    if part.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    (part.chars().count() > LONGEST_PART).then_some("a part of it has more than 255 characters")
}

impl fmt::Display for LakePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str("/");
        }
        f.write_str(&self.0.join("/"))
    }
}

/// The origin of one account's lake, such as `https://lakepayments.dfs.core.windows.net`, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LakeUri {
    origin: String,
    account: AccountName,
}

const SCHEME: &str = "https://";

impl LakeUri {
    /// The lake of an account of a cloud.
    pub fn of(account: &AccountName, storage: &Storage) -> Self {
        Self {
            origin: format!("{SCHEME}{account}.dfs.{}", storage.suffix),
            account: account.clone(),
        }
    }

    /// `https://host[:port]` without a trailing slash.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The account.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// Whether it is an account's lake in a cloud whose storage is this: exactly the account's name stands before the rest.
    pub fn is_in(&self, storage: &Storage) -> bool {
        self.behind_account().is_some_and(|rest| {
            let zoned = storage.zones.as_deref().zip(zone(rest));
            rest.strip_prefix("dfs.") == Some(storage.suffix.as_str())
                || zoned.is_some_and(|(zones, rest)| rest.strip_prefix("dfs.") == Some(zones))
        })
    }

    /// Whether it is an account of the first generation in a cloud whose Data Lake Store is this.
    pub fn is_first_generation_in(&self, store: &Storage) -> bool {
        self.behind_account() == Some(store.suffix.as_str())
    }

    fn behind_account(&self) -> Option<&str> {
        self.origin
            .strip_prefix(SCHEME)?
            .strip_prefix(self.account.as_str())?
            .strip_prefix('.')
    }
}

/// What follows the zone in a host.
fn zone(rest: &str) -> Option<&str> {
    let (zone, rest) = rest.split_once('.')?;
    let number = zone.strip_prefix('z')?;
    length_and_alphabet(number, 3, |b| b.is_ascii_digit()).then_some(rest)
}

impl FromStr for LakeUri {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let expected =
            "the endpoint of a data lake (such as https://lakepayments.dfs.core.windows.net)";
        let refused = || NameError::new(expected, text);
        let url = Url::parse(text).map_err(|_| refused())?;
        let plain = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(url::Host::Domain(host)) = url.host().filter(|_| plain) else {
            return Err(refused());
        };
        let (account, _) = host.split_once('.').ok_or_else(refused)?;
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            origin: format!("{SCHEME}{host}{port}"),
            account: account.parse().map_err(|_| refused())?,
        })
    }
}

impl fmt::Display for LakeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
