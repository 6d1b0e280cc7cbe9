//! Azure Arc's challenge: the agent names a file that only the machine's administrators may read, and gives a token to
//! whoever can say what is in it (Microsoft's "Authenticate against Azure resources with Azure Arc-enabled servers").
//!
//! Whoever answers in the agent's place would like us to read another file and send it. So the name is taken only where
//! it is that of a key directly in the agent's folder, and the file only where it is the agent's.

pub mod key_file;

use std::path::{Path, PathBuf};

use http::{HeaderValue, StatusCode, header};

use crate::azure::http::{Answer, Request};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Where the agent puts its keys on Linux.
const FOLDER: &str = "/var/opt/azcmagent/tokens";
const ENDING: &str = ".key";
/// Azure's SDKs read no larger key either.
const LARGEST_KEY: u64 = 4096;

/// The folder of the agent's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFolder(PathBuf);

impl Default for KeyFolder {
    fn default() -> Self {
        Self(PathBuf::from(FOLDER))
    }
}

impl KeyFolder {
    /// Another folder than the agent's real one.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A key in it could not be read.
    pub(super) fn unreadable(&self, seen: &str) -> Problem {
        let message = format!(
            "the key that the Azure Arc agent names in {} cannot be read ({seen}): may this process read that folder? On a machine: sudo usermod -a -G himds <user>. In a pod: mount it read-only from the host, and add the gid of the group himds to supplementalGroups",
            self.0.display()
        );
        Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message)
    }
}

/// The name of a key: letters, digits and hyphens before `.key`, so that it leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

/// What the agent's first answer asks for: the key of this name, or nothing, since it is no challenge but says what is
/// wrong. A token without a challenge is not the agent's.
pub fn challenge(answer: &Answer, folder: &KeyFolder) -> Result<Option<KeyName>, Problem> {
    if answer.status.is_success() {
        return Err(foreign("it gave a token without asking for a key").answered(200, None));
    }
    if answer.status != StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let asked = answer
        .headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .find_map(|value| realm(value.to_str().ok()?))
        .ok_or_else(|| foreign("its 401 names no key (WWW-Authenticate: Basic realm=…)"));
    asked
        .and_then(|path| {
            key_name(path, folder).ok_or_else(|| {
                foreign(&format!(
                    "it asks for a file that is not a {ENDING} file directly in {}, and got nothing",
                    folder.0.display()
                ))
            })
        })
        .map(Some)
        .map_err(|problem| problem.answered(401, None))
}

/// The realm of a Basic challenge (RFC 7617), with or without quotes.
fn realm(header: &str) -> Option<&str> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let (name, value) = rest.trim().split_once('=')?;
    let basic = scheme.eq_ignore_ascii_case("basic") && name.trim().eq_ignore_ascii_case("realm");
    Some(value.trim().trim_matches('"')).filter(|_| basic)
}

fn key_name(path: &str, folder: &KeyFolder) -> Option<KeyName> {
    let inside = path.strip_prefix(folder.0.to_str()?)?;
    let name = inside.strip_prefix('/')?;
    let stem = name.strip_suffix(ENDING)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let valid = (1..=128).contains(&stem.len()) && stem.bytes().all(plain);
    valid.then(|| KeyName(name.to_owned()))
}

fn foreign(seen: &str) -> Problem {
    let message = format!(
        "what answers at IDENTITY_ENDPOINT is not the Azure Arc agent: {seen}. Check the variable, and azcmagent show on the machine"
    );
    Problem::new(Reason::AuthenticationFailed, Retry::Backoff, message)
}

/// The request that answers the challenge.
pub fn answered(mut request: Request, key: &SecretValue) -> Result<Request, Problem> {
    let unusable = || {
        let message = "the key of the Azure Arc agent is not text that a header can carry";
        Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message)
    };
    let key = key
        .expose_str()
        .map(str::trim)
        .filter(|key| !key.is_empty());
    let mut value = HeaderValue::from_str(&format!("Basic {}", key.ok_or_else(unusable)?))
        .map_err(|_| unusable())?;
    value.set_sensitive(true);
    request.headers.push((header::AUTHORIZATION, value));
    Ok(request)
}

/// What is to be known of a key file before its content is sent.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// A file, and neither a link nor a folder nor a device; the one that was opened.
    pub regular: bool,
    /// Bytes.
    pub size: u64,
    /// User id of its owner.
    pub owner: u32,
    /// User id of the owner of its folder: the agent's own, or root.
    pub folder_owner: u32,
    /// Permission bits of its folder.
    pub folder_mode: u32,
}

/// Whether the file is a key of the agent's: made by root or by the user that the folder belongs to, in a folder where
/// nobody else can put one.
pub fn check(seen: &Seen) -> Result<(), &'static str> {
    if !seen.regular {
        return Err("it is a link, or no file");
    }
    if seen.size > LARGEST_KEY {
        return Err("it has more than 4096 bytes");
    }
    if seen.owner != 0 && seen.owner != seen.folder_owner {
        return Err("it belongs neither to root nor to the agent, whose the folder is");
    }
    if seen.folder_mode & 0o002 != 0 {
        return Err("everybody may write to the folder");
    }
    Ok(())
}

#[cfg(test)]
#[path = "arc_tests.rs"]
mod tests;
