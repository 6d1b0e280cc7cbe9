//! What an operation works with, and what all kinds of objects do alike: lists, deletion and recovery.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::{
    bundles::{Shaper, Shown, View},
    operations::Act,
    paging::Wanted,
};
use crate::{
    app::App,
    wire::{call::Call, reply::Reply},
    world::{moment::Moment, object::Object, refusal::Refusal, shelf::Pace, vault::Vault},
};

/// A call to a vault at a moment.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) call: &'a Call,
    /// Lower-case name.
    pub(crate) vault: &'a str,
    pub(crate) now: Moment,
}

impl Context<'_> {
    /// Ends the making of certificates whose time has come.
    pub(crate) fn settle(&self) {
        let due = self
            .app
            .world
            .read()
            .vault(self.vault)
            .is_some_and(|vault| vault.has_due(self.now));
        if due && let Some(vault) = self.app.world.write().vaults.get_mut(self.vault) {
            vault.settle(self.now);
        }
    }

    /// Looks at the vault.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Vault, &Shaper<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let world = self.app.world.read();
        let vault = world.vault(self.vault).ok_or_else(gone)?;
        look(vault, &self.shaper(vault))
    }

    /// Changes the vault, then shows it as it is afterwards.
    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&mut Vault, Pace) -> Result<T, Refusal>,
        show: impl FnOnce(&Vault, &Shaper<'_>, T) -> Result<Reply, Refusal>,
    ) -> Result<Reply, Refusal> {
        let mut world = self.app.world.write();
        let pace = Pace {
            now: self.now,
            delay_ms: world.settings.deletion_delay_ms,
        };
        let vault = world.vaults.get_mut(self.vault).ok_or_else(gone)?;
        let changed = change(vault, pace)?;
        show(vault, &self.shaper(vault), changed)
    }

    fn shaper<'a>(&self, vault: &'a Vault) -> Shaper<'a> {
        Shaper {
            vault,
            base: self.call.route.identity(self.app.names.scheme),
        }
    }

    /// What all kinds do alike; an act that is none of these is refused.
    pub(crate) fn common<V: Shown>(&self, act: Act<'_>) -> Result<Reply, Refusal> {
        match act {
            Act::List => self.list::<V>(),
            Act::ListVersions(name) => self.list_versions::<V>(name),
            Act::ListDeleted => self.list_deleted::<V>(),
            Act::GetDeleted(name) => self.read(|vault, shaper| {
                let (object, deletion) = V::shelf(vault).deleted(name, self.now)?;
                let view = View::WHOLE.deleted(deletion);
                Ok(ok(&V::bundle(shaper, object, object.latest()?, view)))
            }),
            Act::Delete(name) => self.delete::<V>(name),
            Act::Recover(name) => self.write(
                |vault, pace| V::recover(vault, name, pace),
                |_, shaper, object| {
                    Ok(ok(&V::bundle(
                        shaper,
                        &object,
                        object.latest()?,
                        View::WHOLE,
                    )))
                },
            ),
            Act::Purge(name) => self.write(
                |vault, pace| V::purge(vault, name, pace),
                |_, _, ()| Ok(Reply::empty(StatusCode::NO_CONTENT)),
            ),
            Act::Set(_)
            | Act::Create(_)
            | Act::Import(_)
            | Act::Get(..)
            | Act::Update(..)
            | Act::Backup(_)
            | Act::Restore
            | Act::GetPolicy(_)
            | Act::UpdatePolicy(_)
            | Act::GetPending(_)
            | Act::UpdatePending(_)
            | Act::DeletePending(_)
            | Act::Merge(_) => Err(Refusal::BadParameter(
                "This operation is not for this kind of object.".to_owned(),
            )),
        }
    }

    fn list<V: Shown>(&self) -> Result<Reply, Refusal> {
        let wanted = Wanted::of(self.call)?;
        self.read(|vault, shaper| {
            let rows = V::shelf(vault)
                .live_after(wanted.marker.as_deref(), self.now)
                .filter(|(_, object)| V::is_listed(object, self.call))
                .filter_map(|(key, object)| {
                    let row = V::bundle(shaper, object, object.latest().ok()?, View::ROW);
                    Some((key.as_str(), row))
                });
            Ok(ok(&wanted.page(rows, self.call, self.app.names.scheme)))
        })
    }

    fn list_versions<V: Shown>(&self, name: &str) -> Result<Reply, Refusal> {
        let wanted = Wanted::of(self.call)?;
        self.read(|vault, shaper| {
            let object = V::shelf(vault).live(name, self.now)?;
            let mut versions: Vec<_> = object
                .versions
                .iter()
                .filter(|version| V::is_version_listed(version))
                .collect();
            versions.sort_by(|left, right| left.meta().id.cmp(&right.meta().id));
            let rows = versions
                .into_iter()
                .filter(|version| {
                    wanted
                        .marker
                        .as_ref()
                        .is_none_or(|marker| version.meta().id > *marker)
                })
                .map(|version| {
                    let row = V::bundle(shaper, object, version, View::VERSION_ROW);
                    (version.meta().id.as_str(), row)
                });
            Ok(ok(&wanted.page(rows, self.call, self.app.names.scheme)))
        })
    }

    fn list_deleted<V: Shown>(&self) -> Result<Reply, Refusal> {
        let wanted = Wanted::of(self.call)?;
        self.read(|vault, shaper| {
            let rows = V::shelf(vault)
                .deleted_after(wanted.marker.as_deref(), self.now)
                .filter(|(_, object, _)| V::is_listed(object, self.call))
                .filter_map(|(key, object, deletion)| {
                    let view = View::ROW.deleted(deletion);
                    let row = V::bundle(shaper, object, object.latest().ok()?, view);
                    Some((key.as_str(), row))
                });
            Ok(ok(&wanted.page(rows, self.call, self.app.names.scheme)))
        })
    }

    fn delete<V: Shown>(&self, name: &str) -> Result<Reply, Refusal> {
        let delete = |vault: &mut Vault, pace: Pace| {
            let deleted = V::delete(vault, name, pace)?;
            if !vault.deletes_softly() {
                V::remove(vault, name)?;
            }
            Ok(deleted)
        };
        self.write(delete, |vault, shaper, (object, deletion)| {
            let object: Object<V> = object;
            let view = if vault.deletes_softly() {
                View::WHOLE.deleted(deletion)
            } else {
                View::WHOLE
            };
            Ok(ok(&V::bundle(shaper, &object, object.latest()?, view)))
        })
    }
}

fn gone() -> Refusal {
    Refusal::NotFound(String::new())
}

pub(crate) fn ok(body: &impl Serialize) -> Reply {
    with_status(StatusCode::OK, body)
}

pub(crate) fn with_status(status: StatusCode, body: &impl Serialize) -> Reply {
    match serde_json::to_vec(body) {
        Ok(json) => Reply::json_bytes(status, Bytes::from(json)),
        Err(error) => Reply::text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the simulator failed: {error}"),
        ),
    }
}

/// Makes keys and certificates away from the threads that serve.
pub(crate) async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Refusal::BadParameter(format!(
                "the simulator failed: {error}"
            )))
        })
}
