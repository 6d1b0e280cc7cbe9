//! Carries single reads and writes of a lake out.

use super::lake::access::{Change, Told};
use super::lake::{Came, Contents, Here, Holds, Look, Needs, PathSeen, Place, Seen, Stands, Step};
use super::observe::Eyes;
use crate::azure::arm::storage_services;
use crate::azure::http::Answer;
use crate::azure::lake::access::{self, BATCH, Change as Rights, Sweep};
use crate::azure::lake::client::spared;
use crate::azure::lake::paths::{self, Creation, Thing};
use crate::azure::lake::refusal::{changed_since, exists, lost};
use crate::azure::lake::{
    self, Call, FilesystemName, Lake, Properties, files, filesystem, is_absent,
};
use crate::problem::{Problem, Reason};
use crate::secret::SecretValue;

/// What a look has shown.
pub(super) enum Saw {
    /// How a filesystem stands.
    Filesystem(Stands),
    /// What it holds.
    Contents(Contents),
    /// How a path stands.
    Path(PathSeen),
    /// That the filesystem of a path is not there, and how it stands then.
    NoFilesystem(Stands),
}

/// Adds it to what was seen.
pub(super) fn saw(seen: &mut Seen, look: &Look, shown: Result<Saw, Problem>) {
    match (look, shown) {
        (Look::Filesystem(name), Ok(Saw::Filesystem(stands))) => seen.saw_filesystem(name, stands),
        (Look::Contents(name), Ok(Saw::Contents(contents))) => seen.saw_contents(name, contents),
        (Look::Path(place, _), Ok(Saw::Path(path))) => seen.saw_path(place, path),
        (Look::Path(place, _), Ok(Saw::NoFilesystem(stands))) => {
            seen.saw_filesystem(&place.filesystem, stands);
        }
        // Each look shows what it is about.
        (_, Ok(_)) => {}
        (_, Err(problem)) => seen.failed_look(look, problem),
    }
}

/// What a look would show in an account that is only planned.
pub(super) fn imagined(look: &Look) -> Saw {
    match look {
        Look::Filesystem(_) => Saw::Filesystem(Stands::Absent { deleted: false }),
        Look::Contents(_) => Saw::Contents(Contents::Gone),
        Look::Path(..) => Saw::Path(PathSeen::Absent),
    }
}

fn at(lake: &Lake, place: &Place) -> lake::Place {
    lake.at(&place.filesystem, Some(&place.path))
}

/// Whether a problem says that the filesystem itself is not there.
fn no_filesystem(problem: &Problem) -> bool {
    let code = problem.azure_code.as_deref();
    is_absent(problem) && matches!(code, Some("FilesystemNotFound" | "ContainerNotFound"))
}

fn is_going(problem: &Problem) -> bool {
    let code = problem.azure_code.as_deref();
    matches!(
        code,
        Some("FilesystemBeingDeleted" | "ContainerBeingDeleted")
    )
}

/// What a refused write comes to. A 403 may be of somebody in between who has let the request through, so it is looked at again,
/// as whatever nobody knows the outcome of.
fn refused(call: Option<&Call>, problem: Problem) -> Came {
    let is_lost = call.is_some_and(|call| lost(call, &problem));
    let unsent = spared(&problem) || problem.http_status.is_none() && !is_of_network(&problem);
    match problem.http_status {
        _ if is_lost => Came::Lost(problem),
        _ if unsent => Came::Refused(problem),
        _ if exists(&problem) || changed_since(&problem) => Came::Unsure(problem),
        // An answer that was not understood tells nothing, either.
        None | Some(..300 | 403 | 408 | 500..) => Came::Unsure(problem),
        Some(_) => Came::Refused(problem),
    }
}

fn is_of_network(problem: &Problem) -> bool {
    matches!(
        problem.reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::MalformedAnswer
    )
}

impl Eyes<'_> {
    async fn ask(&self, call: &Call) -> Result<Answer, Problem> {
        self.ctx.own.lakes.call(self.identity, call).await
    }

    /// Reads.
    pub(super) async fn see(&self, lake: &Lake, look: &Look) -> Result<Saw, Problem> {
        match look {
            Look::Filesystem(name) => self.see_filesystem(lake, name).await,
            Look::Contents(name) => Ok(Saw::Contents(self.contents(lake, name).await?)),
            Look::Path(place, needs) => {
                let seen = self.see_path(at(lake, place), *needs).await;
                match seen {
                    Ok(here) => Ok(Saw::Path(PathSeen::Here(here))),
                    Err(problem) if no_filesystem(&problem) => {
                        let deleted = self.is_soft_deleted(&place.filesystem).await?;
                        Ok(Saw::NoFilesystem(Stands::Absent { deleted }))
                    }
                    Err(problem) if is_absent(&problem) => Ok(Saw::Path(PathSeen::Absent)),
                    Err(problem) => Err(problem),
                }
            }
        }
    }

    async fn see_filesystem(&self, lake: &Lake, name: &FilesystemName) -> Result<Saw, Problem> {
        let call = filesystem::get(lake.at(name, None));
        let stands = match self.ask(&call).await {
            Ok(answer) => {
                let here = filesystem::read(&call, &answer)?;
                Stands::Here {
                    properties: here.properties,
                    scope: here.encryption_scope,
                    etag: here.etag,
                }
            }
            Err(problem) if is_going(&problem) => Stands::BeingDeleted,
            Err(problem) if is_absent(&problem) => {
                let deleted = self.is_soft_deleted(name).await?;
                Stands::Absent { deleted }
            }
            Err(problem) => return Err(problem),
        };
        Ok(Saw::Filesystem(stands))
    }

    /// Whether a deleted filesystem can still come back under this name. Whoever may not ask Resource Manager does not know.
    async fn is_soft_deleted(&self, name: &FilesystemName) -> Result<bool, Problem> {
        let call = storage_services::deleted_containers(self.versions, &self.valid.id, name);
        match self.call(&call).await {
            Ok(reply) => storage_services::has_deleted(&reply, name),
            Err(problem) if problem.http_status == Some(403) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    async fn see_path(&self, place: lake::Place, needs: Needs) -> Result<Here, Problem> {
        let mut here = Here::default();
        if needs.thing || !needs.list {
            let call = paths::get(place.clone());
            let status = paths::read(&call, &self.ask(&call).await?)?;
            here.thing = Some(status.thing);
            here.holds = (status.thing == Thing::File).then_some(Holds {
                length: status.length,
                md5: status.md5,
                etag: status.etag,
            });
            here.told = Told {
                owner: status.owner,
                group: status.group,
                permissions: status.permissions,
                acl: None,
            };
        }
        if needs.list {
            let call = access::get(place, false);
            let told = access::read(&call, &self.ask(&call).await?)?;
            here.told = Told {
                owner: Some(told.owner),
                group: Some(told.group),
                permissions: Some(told.permissions),
                acl: Some(told.acl),
            };
        }
        Ok(here)
    }

    /// Writes. `content` is what a file is to hold.
    pub(super) async fn carry(
        &self,
        lake: &Lake,
        step: &Step,
        content: Option<&SecretValue>,
    ) -> Came {
        match step {
            Step::CreateFilesystem {
                name,
                properties,
                scope,
            } => {
                let made = self.make_filesystem(lake, name, properties, scope.as_deref());
                done(made.await)
            }
            Step::SetProperties {
                name,
                properties,
                etag,
            } => {
                let call = filesystem::set_properties(lake.at(name, None), properties);
                let guarded = call.and_then(|call| match etag {
                    Some(etag) => call.if_match(etag),
                    None => Ok(call),
                });
                self.send(guarded).await
            }
            Step::DeleteFilesystem { name } => {
                let call = filesystem::delete(lake.at(name, None));
                match self.ask(&call).await {
                    Err(problem) if !is_absent(&problem) => refused(None, problem),
                    Ok(_) | Err(_) => Came::Done,
                }
            }
            Step::CreateDirectory { place, with } => {
                let how = creation(with.as_ref());
                let call = paths::create(at(lake, place), Thing::Directory, &how);
                self.send(call).await
            }
            Step::WriteFile {
                place, over, with, ..
            } => {
                let Some(content) = content else {
                    return Came::Done;
                };
                let how = creation(with.as_ref());
                let to = at(lake, place);
                done(self.write_file(to, content, over.as_deref(), &how).await)
            }
            Step::SetAccess { place, change } => {
                let (owner, group) = (change.owner.as_ref(), change.group.as_ref());
                let call = access::set(at(lake, place), owner, group, &change.rights);
                self.send(call).await
            }
            Step::Tree { place, sweep, from } => {
                self.sweep(at(lake, place), sweep, from.as_deref()).await
            }
        }
    }

    async fn send(&self, call: Result<Call, Problem>) -> Came {
        let call = match call {
            Ok(call) => call,
            Err(problem) => return Came::Refused(problem),
        };
        match self.ask(&call).await {
            Ok(_) => Came::Done,
            Err(problem) => refused(Some(&call), problem),
        }
    }

    /// A scope can only be said to Resource Manager, which takes properties of another kind.
    async fn make_filesystem(
        &self,
        lake: &Lake,
        name: &FilesystemName,
        properties: &Properties,
        scope: Option<&str>,
    ) -> Result<(), Problem> {
        let place = lake.at(name, None);
        let Some(scope) = scope else {
            let call = filesystem::create(place, properties)?;
            return self.ask(&call).await.map(drop);
        };
        let (versions, id) = (self.versions, &self.valid.id);
        let call = storage_services::put_container(versions, id, name, scope);
        self.call(&call).await?;
        if properties.all().is_empty() {
            return Ok(());
        }
        let call = filesystem::set_properties(place, properties)?;
        self.ask(&call).await.map(drop)
    }

    /// Readers see the new content, or the one before, or, for a moment, nothing.
    async fn write_file(
        &self,
        place: lake::Place,
        content: &SecretValue,
        over: Option<&str>,
        how: &Creation<'_>,
    ) -> Result<(), Problem> {
        let call = match over {
            Some(etag) => paths::empty(place.clone(), etag, how)?,
            None => paths::create(place.clone(), Thing::File, how)?,
        };
        self.ask(&call).await?;
        if content.is_empty() {
            return Ok(());
        }
        self.ask(&files::append(place.clone(), content)?).await?;
        let call = files::flush(place, content.len(), &files::md5(content))?;
        self.ask(&call).await.map(drop)
    }

    async fn sweep(&self, place: lake::Place, sweep: &Sweep, from: Option<&str>) -> Came {
        let call = match access::sweep(place, sweep, BATCH, from) {
            Ok(call) => call,
            Err(problem) => return Came::Refused(problem),
        };
        let answer = self.ask(&call).await;
        match answer.and_then(|answer| access::read_swept(&call, &answer)) {
            Ok(swept) => Came::Swept(swept),
            Err(problem) => refused(Some(&call), problem),
        }
    }
}

fn done(outcome: Result<(), Problem>) -> Came {
    match outcome {
        Ok(()) => Came::Done,
        Err(problem) => refused(None, problem),
    }
}

fn creation(with: Option<&Change>) -> Creation<'_> {
    let Some(Change {
        owner,
        group,
        rights,
    }) = with
    else {
        return Creation::default();
    };
    let (permissions, acl) = match rights {
        Rights::None => (None, None),
        Rights::Permissions(permissions) => (Some(*permissions), None),
        Rights::Acl(acl) => (None, Some(acl)),
    };
    Creation {
        permissions,
        umask: None,
        acl,
        owner: owner.as_ref(),
        group: group.as_ref(),
    }
}
