//! Which operation a request is, and doing it.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use super::{bundles::Shaper, paging::Wanted, requests};
use crate::{
    app::App,
    wire::{call::Call, reply::Reply},
    world::{access::Action, moment::Moment, refusal::Refusal, secret, vault::Vault},
};

/// From this version on, a certificate's secret names the version before it.
const PREVIOUS_VERSION_SINCE: &str = "2025-07-01";

/// An operation with what its path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Set(&'a str),
    Get(&'a str, Option<&'a str>),
    List,
    ListVersions(&'a str),
    Update(&'a str, Option<&'a str>),
    Delete(&'a str),
    GetDeleted(&'a str),
    ListDeleted,
    Recover(&'a str),
    Purge(&'a str),
    Backup(&'a str),
    Restore,
}

impl<'a> Operation<'a> {
    /// By method and path; a trailing slash is no version.
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["secrets"]) => Some(Self::List),
            ("POST", ["secrets", "restore"]) => Some(Self::Restore),
            ("PUT", ["secrets", name]) => Some(Self::Set(name)),
            ("GET", ["secrets", name]) => Some(Self::Get(name, None)),
            ("PATCH", ["secrets", name]) => Some(Self::Update(name, None)),
            ("DELETE", ["secrets", name]) => Some(Self::Delete(name)),
            ("GET", ["secrets", name, "versions"]) => Some(Self::ListVersions(name)),
            ("POST", ["secrets", name, "backup"]) => Some(Self::Backup(name)),
            ("GET", ["secrets", name, version]) => Some(Self::Get(name, Some(version))),
            ("PATCH", ["secrets", name, version]) => Some(Self::Update(name, Some(version))),
            ("GET", ["deletedsecrets"]) => Some(Self::ListDeleted),
            ("GET", ["deletedsecrets", name]) => Some(Self::GetDeleted(name)),
            ("DELETE", ["deletedsecrets", name]) => Some(Self::Purge(name)),
            ("POST", ["deletedsecrets", name, "recover"]) => Some(Self::Recover(name)),
            _ => None,
        }
    }

    /// The journal's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Set(_) => "SetSecret",
            Self::Get(..) => "GetSecret",
            Self::List => "ListSecrets",
            Self::ListVersions(_) => "ListSecretVersions",
            Self::Update(..) => "UpdateSecret",
            Self::Delete(_) => "DeleteSecret",
            Self::GetDeleted(_) => "GetDeletedSecret",
            Self::ListDeleted => "ListDeletedSecrets",
            Self::Recover(_) => "RecoverDeletedSecret",
            Self::Purge(_) => "PurgeDeletedSecret",
            Self::Backup(_) => "BackupSecret",
            Self::Restore => "RestoreSecret",
        }
    }

    /// What it takes to be allowed.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Set(_) => Action::Set,
            Self::Get(..) => Action::Get,
            Self::List | Self::ListVersions(_) | Self::ListDeleted => Action::List,
            Self::Update(..) => Action::Update,
            Self::Delete(_) => Action::Delete,
            Self::GetDeleted(_) => Action::GetDeleted,
            Self::Recover(_) => Action::Recover,
            Self::Purge(_) => Action::Purge,
            Self::Backup(_) => Action::Backup,
            Self::Restore => Action::Restore,
        }
    }

    /// The secret that it is about, when it is one.
    pub(crate) fn secret(self) -> Option<&'a str> {
        match self {
            Self::Set(name)
            | Self::Get(name, _)
            | Self::ListVersions(name)
            | Self::Update(name, _)
            | Self::Delete(name)
            | Self::GetDeleted(name)
            | Self::Recover(name)
            | Self::Purge(name)
            | Self::Backup(name) => Some(name),
            Self::List | Self::ListDeleted | Self::Restore => None,
        }
    }

    fn writes(self) -> bool {
        match self {
            Self::Set(_)
            | Self::Update(..)
            | Self::Delete(_)
            | Self::Recover(_)
            | Self::Purge(_)
            | Self::Restore => true,
            Self::Get(..)
            | Self::List
            | Self::ListVersions(_)
            | Self::GetDeleted(_)
            | Self::ListDeleted
            | Self::Backup(_) => false,
        }
    }

    /// Does it. The caller has been allowed to.
    pub(crate) fn run(
        self,
        app: &App,
        call: &Call,
        vault: &str,
        now: Moment,
    ) -> Result<Reply, Refusal> {
        if let Some(name) = self.secret() {
            secret::check_name(name)?;
        }
        let gone = || Refusal::NotFound(self.secret().unwrap_or_default().to_owned());
        if self.writes() {
            let mut world = app.world.write();
            let delay = world.settings.deletion_delay_ms;
            self.write(
                world.vaults.get_mut(vault).ok_or_else(gone)?,
                app,
                call,
                Tick { now, delay },
            )
        } else {
            let world = app.world.read();
            self.read(world.vault(vault).ok_or_else(gone)?, app, call, now)
        }
    }

    fn read(self, vault: &Vault, app: &App, call: &Call, now: Moment) -> Result<Reply, Refusal> {
        let shaper = shaper(vault, app, call);
        match self {
            Self::Get(name, id) => {
                let (secret, version) = vault.readable(name, id, now)?;
                check_out_content_type(call, version.content_type.as_deref())?;
                let with_previous = call.query("api-version").is_some_and(|given| {
                    given >= PREVIOUS_VERSION_SINCE && given.starts_with("20")
                });
                Ok(ok(&shaper.value(secret, version, with_previous)))
            }
            Self::List => {
                let wanted = Wanted::of(call)?;
                let rows =
                    vault
                        .live_after(wanted.marker.as_deref(), now)
                        .filter_map(|(key, secret)| {
                            Some((key.as_str(), shaper.row(secret, secret.latest().ok()?)))
                        });
                Ok(ok(&wanted.page(rows, call, app.names.scheme)))
            }
            Self::ListVersions(name) => {
                let wanted = Wanted::of(call)?;
                let secret = vault.live(name, now)?;
                let mut versions: Vec<_> = secret.versions.iter().collect();
                versions.sort_by(|left, right| left.id.cmp(&right.id));
                let rows = versions
                    .into_iter()
                    .filter(|version| {
                        wanted
                            .marker
                            .as_ref()
                            .is_none_or(|marker| version.id > *marker)
                    })
                    .map(|version| (version.id.as_str(), shaper.version(secret, version)));
                Ok(ok(&wanted.page(rows, call, app.names.scheme)))
            }
            Self::ListDeleted => {
                let wanted = Wanted::of(call)?;
                let rows = vault
                    .deleted_after(wanted.marker.as_deref(), now)
                    .filter_map(|(key, secret, deletion)| {
                        Some((
                            key.as_str(),
                            shaper.deleted_row(secret, secret.latest().ok()?, deletion),
                        ))
                    });
                Ok(ok(&wanted.page(rows, call, app.names.scheme)))
            }
            Self::GetDeleted(name) => {
                let (secret, deletion) = vault.deleted(name, now)?;
                Ok(ok(&shaper.deleted(secret, secret.latest()?, deletion)))
            }
            Self::Backup(name) => Ok(ok(&requests::backup(vault.live(name, now)?)?)),
            Self::Set(_)
            | Self::Update(..)
            | Self::Delete(_)
            | Self::Recover(_)
            | Self::Purge(_)
            | Self::Restore => Err(Refusal::BadParameter("The request writes.".to_owned())),
        }
    }

    fn write(
        self,
        vault: &mut Vault,
        app: &App,
        call: &Call,
        tick: Tick,
    ) -> Result<Reply, Refusal> {
        let Tick { now, delay } = tick;
        // Changed first, shown then: the shaper looks at the vault as it is afterwards.
        match self {
            Self::Set(name) => {
                let new = requests::new_version(&call.body, Uuid::new_v4().simple().to_string())?;
                vault.set(name, new, now)?;
                let (secret, version) = vault.version(name, None, now)?;
                Ok(ok(&shaper(vault, app, call).value(secret, version, false)))
            }
            Self::Update(name, id) => {
                vault.update(name, id, requests::update(&call.body)?, now)?;
                let (secret, version) = vault.version(name, id, now)?;
                Ok(ok(&shaper(vault, app, call).version(secret, version)))
            }
            Self::Delete(name) => {
                let (secret, deletion) = vault
                    .delete(name, now, delay)
                    .map(|(secret, at)| (secret.clone(), at))?;
                if !vault.deletes_softly() {
                    vault.remove(name)?;
                    let shaper = shaper(vault, app, call);
                    return Ok(ok(&shaper.version(&secret, secret.latest()?)));
                }
                Ok(ok(&shaper(vault, app, call).deleted(
                    &secret,
                    secret.latest()?,
                    deletion,
                )))
            }
            Self::Recover(name) => {
                let secret = vault.recover(name, now, delay)?.clone();
                Ok(ok(
                    &shaper(vault, app, call).version(&secret, secret.latest()?)
                ))
            }
            Self::Purge(name) => {
                vault.purge(name, now, delay)?;
                Ok(Reply::empty(StatusCode::NO_CONTENT))
            }
            Self::Restore => {
                let name = vault
                    .restore(requests::restore(&call.body, now)?, now)?
                    .0
                    .name
                    .clone();
                let (secret, version) = vault.version(&name, None, now)?;
                Ok(ok(&shaper(vault, app, call).version(secret, version)))
            }
            Self::Get(..)
            | Self::List
            | Self::ListVersions(_)
            | Self::GetDeleted(_)
            | Self::ListDeleted
            | Self::Backup(_) => Err(Refusal::BadParameter("The request reads.".to_owned())),
        }
    }
}

/// Now, and how long a deletion, recovery or purge takes to show.
#[derive(Clone, Copy)]
struct Tick {
    now: Moment,
    delay: u32,
}

fn shaper<'a>(vault: &'a Vault, app: &App, call: &Call) -> Shaper<'a> {
    Shaper {
        vault,
        base: call.route.identity(app.names.scheme),
    }
}

fn ok(body: &impl Serialize) -> Reply {
    match serde_json::to_vec(body) {
        Ok(json) => Reply::json_bytes(StatusCode::OK, Bytes::from(json)),
        Err(error) => Reply::text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the simulator failed: {error}"),
        ),
    }
}

/// A client may ask for a certificate's secret in another form; the simulator keeps what was seeded and converts none.
fn check_out_content_type(call: &Call, content_type: Option<&str>) -> Result<(), Refusal> {
    match call.query("outContentType") {
        Some(wanted) if !wanted.is_empty() && Some(wanted) != content_type => {
            Err(Refusal::BadParameter(format!(
                "Property outContentType has invalid value {wanted}: this secret is kept as {}.",
                content_type.unwrap_or("none")
            )))
        }
        _ => Ok(()),
    }
}
