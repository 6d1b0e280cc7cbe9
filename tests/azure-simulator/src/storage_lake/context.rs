//! What the operations of an account work with.

use std::sync::Arc;

use http::{HeaderName, StatusCode, header};
use parking_lot::RwLock;

use super::{
    errors::Problem,
    identity::{ContainerVerb, Identity},
    lake::{Farewell, Filesystem, Lake},
    requests, shared_key,
    tree::{caller::Caller, conditions::Conditions, node::Node, path, refusal::Refusal},
};
use crate::{
    app::App,
    wire::{call::Call, reply::Reply},
    world::{moment::Moment, storage_account::StorageAccount},
};

/// RFC 9110, 5.6.7.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// A call to an account, by somebody who is known.
pub(super) struct Context<'a> {
    pub(super) app: &'a App,
    pub(super) call: &'a Call,
    pub(super) account: &'a StorageAccount,
    pub(super) lake: Arc<RwLock<Lake>>,
    pub(super) who: Identity,
    pub(super) now: Moment,
}

pub(super) type Done<T = Reply> = Result<T, Problem>;

/// The filesystem of a path at the host, and the rest of it.
pub(super) fn split(path: &str) -> (String, String) {
    let path = shared_key::decoded(path);
    let path = path.trim_start_matches('/');
    let (filesystem, rest) = path.split_once('/').unwrap_or((path, ""));
    (filesystem.to_owned(), rest.to_owned())
}

impl Context<'_> {
    /// The filesystem and the key that the request is about.
    pub(super) fn place(&self) -> Done<(String, Box<str>)> {
        let (filesystem, rest) = split(&self.call.route.path);
        Ok((filesystem, path::key(&rest)?))
    }

    pub(super) fn caller(&self, filesystem: &str) -> Done<Caller> {
        self.who
            .caller(self.app, self.account, filesystem, 'o', self.now)
    }

    /// Who lists what a container holds.
    pub(super) fn lister(&self, filesystem: &str) -> Done<Caller> {
        self.who
            .caller(self.app, self.account, filesystem, 'c', self.now)
    }

    pub(super) fn check_containers(
        &self,
        container: Option<&str>,
        verb: ContainerVerb,
    ) -> Done<()> {
        self.who
            .check_containers(self.app, self.account, container, verb, self.now)
    }

    /// Looks at a filesystem.
    pub(super) fn read<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Filesystem) -> Result<T, Refusal>,
    ) -> Done<T> {
        let lake = self.lake.read();
        Ok(look(lake.get(name, self.now)?)?)
    }

    /// Changes a filesystem.
    pub(super) fn write<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Filesystem) -> Result<T, Refusal>,
    ) -> Done<T> {
        let mut lake = self.lake.write();
        Ok(change(lake.get_mut(name, self.now)?)?)
    }

    pub(super) fn conditions(&self) -> Done<Conditions> {
        Ok(requests::conditions(self.call, "")?)
    }

    /// The id of the caller's lease.
    pub(super) fn lease(&self) -> Option<String> {
        requests::text(self.call, "x-ms-lease-id").map(str::to_owned)
    }

    /// How long a deletion takes, and for how long what is deleted can come back.
    pub(super) fn farewell(&self) -> Farewell {
        let retention = &self.account.spec.blob_service.container_delete_retention;
        Farewell {
            takes_ms: self.app.settings().filesystem_deletion_ms,
            retention_days: retention.enabled.then(|| retention.days.unwrap_or(7)),
        }
    }

    /// Whether names of users are to be shown in the place of ids.
    pub(super) fn names_wanted(&self) -> Done<bool> {
        Ok(requests::flag(self.call, "upn")?.unwrap_or(false))
    }

    /// Refuses what needs directories where there are none.
    pub(super) fn need_namespace(&self) -> Done<()> {
        if self.account.spec.has_namespace() {
            Ok(())
        } else {
            Err(Problem::of("HierarchicalNamespaceNotEnabled"))
        }
    }
}

/// An empty answer. Its length is told.
pub(super) fn empty(status: StatusCode) -> Reply {
    Reply::empty(status).with(header::CONTENT_LENGTH, "0")
}

/// With `ETag` and `Last-Modified`.
pub(super) fn stamped(reply: Reply, etag: &str, modified: Moment) -> Reply {
    reply
        .with(header::ETAG, &format!("\"{etag}\""))
        .with(header::LAST_MODIFIED, &http_date(modified))
}

/// With those of a path.
pub(super) fn of_node(reply: Reply, node: &Node) -> Reply {
    stamped(reply, &node.etag(), node.modified)
}

pub(super) fn http_date(moment: Moment) -> String {
    moment.timestamp().strftime(HTTP_DATE).to_string()
}

/// With a header of the service's own.
pub(super) fn with(reply: Reply, name: &'static str, value: &str) -> Reply {
    reply.with(HeaderName::from_static(name), value)
}
