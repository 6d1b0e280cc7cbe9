//! Containers as the resource manager sees them.

use std::collections::BTreeMap;

use super::{World, moment::Moment};
use crate::storage_lake::{
    lake::{Farewell, Filesystem, NewFilesystem},
    tree::{conditions::Conditions, lease, node::SUPERUSER, refusal::Refusal},
};

/// A container.
#[derive(Clone, Debug)]
pub(crate) struct ContainerView {
    pub(crate) name: String,
    pub(crate) modified: Moment,
    /// Without quotes.
    pub(crate) etag: String,
    /// With plain values.
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) encryption_scope: String,
    pub(crate) deny_scope_override: bool,
    /// `container` or `blob`.
    pub(crate) public_access: Option<String>,
    pub(crate) lease: lease::State,
    /// Version, time and retention of one that was deleted and can come back.
    pub(crate) deleted: Option<(String, Moment, u16)>,
}

impl ContainerView {
    fn of(name: &str, found: &Filesystem, now: Moment) -> Self {
        let plain =
            |(name, value): (&String, &String)| (name.clone(), crate::storage_lake::plain(value));
        Self {
            name: name.to_owned(),
            modified: found.modified,
            etag: found.etag(),
            metadata: found.properties.iter().map(plain).collect(),
            encryption_scope: found.encryption_scope.clone(),
            deny_scope_override: found.deny_scope_override,
            public_access: found.public_access.clone(),
            lease: lease::state(found.lease.as_ref(), now),
            deleted: None,
        }
    }
}

impl World {
    /// The containers of an account, by name; those that were deleted come last.
    pub(crate) fn containers(&self, account: &str, now: Moment) -> Vec<ContainerView> {
        let Some(lake) = self.lake(account) else {
            return Vec::new();
        };
        let lake = lake.read();
        let live = lake
            .all()
            .map(|(name, found)| ContainerView::of(name, found, now));
        let deleted = lake.all_deleted(now).map(|(version, one)| ContainerView {
            deleted: Some((version.to_owned(), one.since, one.retention_days)),
            ..ContainerView::of(&one.name, &one.filesystem, now)
        });
        live.chain(deleted).collect()
    }

    /// Makes a container.
    pub(crate) fn make_container(
        &mut self,
        account: &str,
        name: &str,
        new: NewFilesystem,
        now: Moment,
    ) -> Result<(), Refusal> {
        let new = NewFilesystem {
            owner: SUPERUSER.to_owned(),
            ..new
        };
        let lake = self.lake_made(account);
        lake.write().create(name, new, now).map(|_| ())
    }

    /// Deletes a container; it can come back if the account says so.
    pub(crate) fn drop_container(
        &mut self,
        account: &str,
        name: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let spec = self.storage_account(account).map(|one| &one.spec);
        let retention = spec.map(|spec| &spec.blob_service.container_delete_retention);
        let how = Farewell {
            takes_ms: self.settings.filesystem_deletion_ms,
            retention_days: retention
                .filter(|one| one.enabled)
                .map(|one| one.days.unwrap_or(7)),
        };
        let lake = self.lake_made(account);
        lake.write()
            .delete(name, &Conditions::default(), None, how, now)
    }
}
