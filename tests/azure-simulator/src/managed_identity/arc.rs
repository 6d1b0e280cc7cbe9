//! Azure Arc (<https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>): a caller proves that
//! it runs on the machine, with rights to the agent's files, by reading a key from a file that the challenge names.

use std::{
    collections::VecDeque,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use http::{StatusCode, header};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Answered, imds, issue::give};
use crate::{
    app::App,
    wire::{call::Call, fault_spec::Effect, reply::Reply, tls::write_private},
    world::managed_identity::Wanted,
};

const API_VERSIONS: [&str; 2] = ["2019-11-01", "2020-06-01"];
/// Key files that may wait for their use; beyond it the oldest goes.
const MAX_WAITING: usize = 64;

/// The keys that were given out and not yet shown.
#[derive(Debug)]
pub(super) struct Keys {
    folder: PathBuf,
    waiting: Mutex<VecDeque<(PathBuf, String)>>,
}

impl Keys {
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            waiting: Mutex::default(),
        }
    }

    /// Writes a new key, that only the owner may read, and gives the file's path.
    fn challenge(&self) -> io::Result<PathBuf> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let file = self.folder.join(format!("{}.key", Uuid::new_v4()));
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        write_private(&file, key.as_bytes()).map_err(io::Error::other)?;
        let mut waiting = self.waiting.lock();
        waiting.push_back((file.clone(), key));
        if waiting.len() > MAX_WAITING
            && let Some((oldest, _)) = waiting.pop_front()
        {
            remove(&oldest);
        }
        Ok(file)
    }

    /// Whether the key waits for its use; it does no more after this, and its file is gone.
    fn redeem(&self, key: &str) -> bool {
        let mut waiting = self.waiting.lock();
        let found = waiting.iter().position(|(_, known)| known == key);
        match found.and_then(|index| waiting.remove(index)) {
            Some((file, _)) => {
                remove(&file);
                true
            }
            None => false,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        for (file, _) in self.waiting.get_mut() {
            remove(file);
        }
    }
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file) {
        tracing::debug!(file = %file.display(), %error, "a key file could not be removed");
    }
}

pub(super) fn answer(app: &App, call: &Call, effect: Option<&Effect>) -> Answered {
    imds::check_headers(call)?;
    imds::check_api_version(call, &API_VERSIONS)?;
    let resource = imds::resource(call)?;
    if let Some(Effect::ForeignChallenge(to)) = effect {
        return Err(Box::new(challenge(&to.authorization)));
    }
    let key = call
        .header(header::AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Basic "));
    if !key.is_some_and(|key| app.machine.arc.redeem(key)) {
        return Err(Box::new(match app.machine.arc.challenge() {
            Ok(file) => challenge(&file.display().to_string()),
            Err(error) => imds::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unknown",
                &format!("The key file could not be written: {error}"),
            ),
        }));
    }
    let wanted = imds::identity(call)?;
    let given = give(app, wanted, resource).map_err(|refusal| imds::refused(resource, refusal))?;
    // A client that named an identity checks that it was understood: old agents ignored the name.
    let echo = match wanted {
        Wanted::Any | Wanted::System | Wanted::Client(_) => None,
        Wanted::Object(_) => Some(("object_id", given.identity.object_id.clone())),
        Wanted::Resource(_) => Some(("msi_res_id", given.identity.resource_id.clone())),
    };
    Ok(match echo {
        Some(field) => imds::success(resource, &given, [field]),
        None => imds::success(resource, &given, []),
    })
}

fn challenge(realm: &str) -> Reply {
    imds::error(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The key in the file that the challenge names is needed.",
    )
    .with(header::WWW_AUTHENTICATE, &format!("Basic realm={realm}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_for_one_use_and_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::in_folder(dir.path().join("a/tokens"));
        let file = keys.challenge().unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let key = std::fs::read_to_string(&file).unwrap();
        assert!(!keys.redeem("other"));
        assert!(keys.redeem(&key));
        assert!(!file.exists());
        assert!(!keys.redeem(&key));
    }

    #[test]
    fn keys_that_nobody_uses_do_not_pile_up() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::in_folder(dir.path().to_owned());
        let first = keys.challenge().unwrap();
        for _ in 0..MAX_WAITING {
            keys.challenge().unwrap();
        }
        assert!(!first.exists());
        assert_eq!(dir.path().read_dir().unwrap().count(), MAX_WAITING);
        drop(keys);
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }
}
