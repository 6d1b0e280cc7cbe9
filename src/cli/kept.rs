//! What a sign-in leaves behind: the refresh token and where it counts, in a file that only its owner reads.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Failure;
use crate::azure::auth::Profile;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::{CloudName, TokenEndpoint};
use crate::names::{ClientId, TenantId};
use crate::secret::SecretValue;

/// The form of the file. A newer program may write another one.
const VERSION: u32 = 1;
const LARGEST: u64 = 1 << 20;

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Where, and to which application. Of the cloud only what gives tokens is kept.
    pub(super) profile: Profile,
    /// Who, as far as it is known.
    pub(super) username: Option<String>,
    /// Gives tokens.
    pub(super) refresh: SecretValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Writing<'a> {
    version: u32,
    authority: &'a str,
    token_endpoint: TokenEndpoint,
    tenant: Option<&'a str>,
    client_id: &'a str,
    username: Option<&'a str>,
    refresh_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    version: u32,
    authority: String,
    token_endpoint: TokenEndpoint,
    tenant: Option<String>,
    client_id: String,
    username: Option<String>,
    refresh_token: String,
}

/// The file: `lakevault/login.json` below `XDG_CONFIG_HOME`, by default `~/.config` (XDG Base Directory Specification).
#[derive(Debug, Clone)]
pub(super) struct LoginFile(PathBuf);

impl LoginFile {
    /// Where it is for whoever calls.
    pub(super) fn of_user() -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        Self::below(variable("XDG_CONFIG_HOME"), variable("HOME")).ok_or_else(|| {
            Failure::usage("there is no place for the sign-in: set HOME or XDG_CONFIG_HOME to an absolute path")
        })
    }

    /// A relative path counts as none, as the specification wants it.
    fn below(config: Option<PathBuf>, home: Option<PathBuf>) -> Option<Self> {
        let folder = config
            .filter(|path| path.is_absolute())
            .or_else(|| Some(home.filter(|path| path.is_absolute())?.join(".config")))?;
        Some(Self(folder.join("lakevault").join("login.json")))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn failed(&self, what: &str, error: &dyn std::fmt::Display) -> Failure {
        Failure::failed(format!("failed to {what} {}: {error}", self.0.display()))
    }

    /// Puts a sign-in in the place of the one before, whole or not at all. The folder gets mode 0700, the file 0600.
    pub(super) fn write(&self, kept: &Kept) -> Result<(), Failure> {
        let unwritten = |error: std::io::Error| self.failed("write", &error);
        let folder = self.0.parent().unwrap_or_else(|| Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(unwritten)?;
        // The folder may have been there, with other rights.
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(unwritten)?;
        let refresh = kept.refresh.expose_str();
        let refresh_token =
            refresh.ok_or_else(|| self.failed("write", &"the refresh token is not text"))?;
        let writing = Writing {
            version: VERSION,
            authority: &kept.profile.cloud.authority,
            token_endpoint: kept.profile.cloud.token_endpoint,
            tenant: kept.profile.tenant.as_ref().map(TenantId::as_str),
            client_id: kept.profile.client.as_ref().map_or("", ClientId::as_str),
            username: kept.username.as_deref(),
            refresh_token,
        };
        let text = serde_json::to_vec_pretty(&writing).map(Zeroizing::new);
        let text = text.map_err(|error| self.failed("write", &error))?;
        let mut file = tempfile::Builder::new()
            .prefix(".login-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)
            .map_err(unwritten)?;
        file.write_all(&text).map_err(unwritten)?;
        file.as_file().sync_all().map_err(unwritten)?;
        file.persist(&self.0)
            .map_err(|error| unwritten(error.error))?;
        Ok(())
    }

    /// Who signed in. Nobody, or a file that others can read, is an error that says what to do.
    pub(super) fn read(&self) -> Result<Kept, Failure> {
        let path = self.0.display();
        let found = fs::metadata(&self.0).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                return Failure::failed("nobody is signed in. Mend: lakevault login");
            }
            self.failed("read", &error)
        })?;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(Failure::failed(format!(
                "{path} can be read by others, so its sign-in is not used. Mend: lakevault login, or chmod 600 {path} if only you can have read it"
            )));
        }
        if found.len() > LARGEST {
            return Err(self.failed("read", &"it is too large to be a sign-in"));
        }
        let text = fs::read(&self.0)
            .map(Zeroizing::new)
            .map_err(|error| self.failed("read", &error))?;
        parse(&text).ok_or_else(|| {
            Failure::failed(format!(
                "{path} is not a sign-in of this version of lakevault. Mend: lakevault login"
            ))
        })
    }

    /// Forgets who signed in. True where somebody was.
    pub(super) fn delete(&self) -> Result<bool, Failure> {
        match fs::remove_file(&self.0) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed("delete", &error)),
        }
    }
}

fn parse(text: &[u8]) -> Option<Kept> {
    let read: Reading = serde_json::from_slice(text).ok()?;
    let refresh = SecretValue::from(read.refresh_token);
    // The refresh token is sent there, so it must be what was written: nothing but TLS.
    let safe = read.authority.starts_with("https://");
    (read.version == VERSION && safe && !refresh.is_empty()).then_some(())?;
    Some(Kept {
        profile: Profile {
            cloud: cloud(read.authority, read.token_endpoint),
            tenant: read.tenant.map(|tenant| tenant.parse()).transpose().ok()?,
            client: Some(read.client_id.parse().ok()?),
        },
        username: read.username,
        refresh,
    })
}

/// A cloud of which only the place of its tokens is known.
fn cloud(authority: String, token_endpoint: TokenEndpoint) -> Arc<Cloud> {
    Arc::new(Cloud {
        authority,
        token_endpoint,
        authority_aliases: Vec::new(),
        resource_manager: None,
        ..Cloud::named(CloudName::Public)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(refresh: &str) -> Kept {
        Kept {
            profile: Profile {
                cloud: cloud("https://login.example".to_owned(), TokenEndpoint::V1),
                tenant: Some("t".parse().unwrap()),
                client: Some("04b07795-8ddb-461a-bbee-02f9e1bf7b46".parse().unwrap()),
            },
            username: Some("ada@x.test".to_owned()),
            refresh: SecretValue::from(refresh.to_owned()),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_place_is_that_of_the_specification() {
        let below = |config: Option<&str>, home: Option<&str>| {
            let file = LoginFile::below(config.map(PathBuf::from), home.map(PathBuf::from))?;
            Some(file.path().to_str().unwrap().to_owned())
        };
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(below(Some("/c"), Some("/h")), at("/c/lakevault/login.json"));
        assert_eq!(
            below(Some("c"), Some("/h")),
            at("/h/.config/lakevault/login.json")
        );
        assert_eq!(below(None, Some("")), None);
    }

    #[test]
    fn a_sign_in_is_kept_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("lakevault");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let file = LoginFile(folder.join("login.json"));
        file.write(&kept("first")).unwrap();
        file.write(&kept("second")).unwrap();
        assert_eq!(file.read().unwrap(), kept("second"));
        assert_eq!((mode(&folder), mode(file.path())), (0o700, 0o600));
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 1, "something was left beside the file");
        assert_eq!((file.delete(), file.delete()), (Ok(true), Ok(false)));
        assert!(file.read().unwrap_err().message.contains("lakevault login"));
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let file = LoginFile(home.path().join("lakevault/login.json"));
        file.write(&kept("secret")).unwrap();
        fs::set_permissions(file.path(), Permissions::from_mode(0o640)).unwrap();
        let failure = file.read().unwrap_err();
        assert!(failure.message.contains("chmod 600"), "{failure:?}");
    }

    #[test]
    fn a_file_of_another_form_is_refused_without_quoting_it() {
        let home = tempfile::tempdir().unwrap();
        let file = LoginFile(home.path().join("lakevault/login.json"));
        file.write(&kept("hunter2")).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        for broken in [
            text.replace("\"version\": 1", "\"version\": 2"),
            text.replace("https://", "http://"),
            text.replace('}', ""),
        ] {
            assert_ne!(broken, text);
            fs::write(file.path(), broken).unwrap();
            let failure = file.read().unwrap_err();
            assert!(failure.message.contains("lakevault login"), "{failure:?}");
            assert!(!failure.message.contains("hunter2"), "{failure:?}");
        }
    }
}
