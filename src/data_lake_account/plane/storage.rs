//! The data plane of a storage account: the dfs endpoint.

use super::super::lake::access::{Change, Told};
use super::super::lake::{Came, Contents, Here, Holds, Look, Needs, PathSeen, Place, Stands, Step};
use super::super::observe::Eyes;
use super::{Saw, done, refused};
use crate::azure::arm::storage_services;
use crate::azure::http::Answer;
use crate::azure::lake::access::{self, BATCH, Change as Rights, Sweep};
use crate::azure::lake::paths::{self, Creation, Thing};
use crate::azure::lake::refusal::lost;
use crate::azure::lake::{
    self, Call, FilesystemName, Lake, Properties, files, filesystem, is_absent,
};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Pages of filesystems that are read at most.
const MOST_PAGES: usize = 40;

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

/// The lake of one storage account.
pub(in crate::data_lake_account) struct Storage<'a> {
    eyes: &'a Eyes<'a>,
    lake: Lake,
}

impl<'a> Storage<'a> {
    pub(super) fn new(eyes: &'a Eyes<'a>, lake: Lake) -> Self {
        Self { eyes, lake }
    }

    async fn ask(&self, call: &Call) -> Result<Answer, Problem> {
        let eyes = self.eyes;
        eyes.ctx.own.lakes.call(eyes.identity, call).await
    }

    /// Reads.
    pub(super) async fn see(&self, look: &Look) -> Result<Saw, Problem> {
        match look {
            Look::Filesystem(name) => self.see_filesystem(name).await,
            Look::Contents(name) => Ok(Saw::Contents(self.contents(name).await?)),
            Look::Path(place, needs) => {
                let seen = self.see_path(at(&self.lake, place), *needs).await;
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

    async fn see_filesystem(&self, name: &FilesystemName) -> Result<Saw, Problem> {
        let call = filesystem::get(self.lake.at(name, None));
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
        let call =
            storage_services::deleted_containers(self.eyes.versions, &self.eyes.valid.id, name);
        match self.eyes.call(&call).await {
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
    pub(super) async fn carry(&self, step: &Step, content: Option<&SecretValue>) -> Came {
        match step {
            Step::CreateFilesystem {
                name,
                properties,
                scope,
            } => {
                let made = self.make_filesystem(name, properties, scope.as_deref());
                done(made.await)
            }
            Step::SetProperties {
                name,
                properties,
                etag,
            } => {
                let call = filesystem::set_properties(self.lake.at(name, None), properties);
                let guarded = call.and_then(|call| match etag {
                    Some(etag) => call.if_match(etag),
                    None => Ok(call),
                });
                self.send(guarded).await
            }
            Step::DeleteFilesystem { name } => {
                let call = filesystem::delete(self.lake.at(name, None));
                match self.ask(&call).await {
                    Err(problem) if !is_absent(&problem) => refused(problem),
                    Ok(_) | Err(_) => Came::Done,
                }
            }
            Step::CreateDirectory { place, with } => {
                let how = creation(with.as_ref());
                let call = paths::create(at(&self.lake, place), Thing::Directory, &how);
                self.send(call).await
            }
            Step::WriteFile {
                place, over, with, ..
            } => {
                let Some(content) = content else {
                    return Came::Done;
                };
                let how = creation(with.as_ref());
                let to = at(&self.lake, place);
                done(self.write_file(to, content, over.as_deref(), &how).await)
            }
            Step::SetAccess { place, change } => {
                let (owner, group) = (change.owner.as_ref(), change.group.as_ref());
                let call = access::set(at(&self.lake, place), owner, group, &change.rights);
                self.send(call).await
            }
            Step::Tree { place, sweep, from } => {
                self.sweep(at(&self.lake, place), sweep, from.as_deref())
                    .await
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
            Err(problem) => refused_of(&call, problem),
        }
    }

    /// A scope can only be said to Resource Manager, which takes properties of another kind.
    async fn make_filesystem(
        &self,
        name: &FilesystemName,
        properties: &Properties,
        scope: Option<&str>,
    ) -> Result<(), Problem> {
        let place = self.lake.at(name, None);
        let Some(scope) = scope else {
            let call = filesystem::create(place, properties)?;
            return self.ask(&call).await.map(drop);
        };
        let (versions, id) = (self.eyes.versions, &self.eyes.valid.id);
        let call = storage_services::put_container(versions, id, name, scope);
        self.eyes.call(&call).await?;
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
            Err(problem) => refused_of(&call, problem),
        }
    }

    /// Names of the account's filesystems, without those that Azure itself writes.
    pub(super) async fn filesystems(&self) -> Result<Vec<FilesystemName>, Problem> {
        let (mut all, mut from) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let call = lake::account::list(&self.lake, from.as_deref());
            let answer = self.ask(&call).await?;
            let page = lake::account::read(&call, &answer)?;
            for name in page.names {
                if lake::account::OF_AZURE.contains(&name.as_str()) {
                    continue;
                }
                all.push(name.parse().map_err(|_| strange(&name))?);
            }
            from = page.continuation;
            if from.is_none() {
                return Ok(all);
            }
        }
        Ok(all)
    }

    /// Whether a filesystem holds anything.
    pub(super) async fn contents(&self, name: &FilesystemName) -> Result<Contents, Problem> {
        let call = lake::list::list(self.lake.at(name, None), false, None);
        let answer = self.ask(&call).await;
        let Some(answer) = lake::absent(answer)? else {
            return Ok(Contents::Gone);
        };
        let page = lake::list::read(&call, &answer)?;
        // A page may be empty though there is another one.
        let nothing = page.paths.is_empty() && page.continuation.is_none();
        Ok(if nothing {
            Contents::Nothing
        } else {
            Contents::Something
        })
    }
}

/// One that no spec can name, such as `$web`: nobody says that it is empty.
fn strange(name: &str) -> Problem {
    let message = format!(
        "the account has a container {name:?}, whose contents are not looked into: delete that first, or set force: true to delete the account with all that is in it"
    );
    Problem::new(Reason::FilesystemNotEmpty, Retry::OnChange, message)
}

/// The same of a call that may have been one to go on with something that Azure does not know any more.
fn refused_of(call: &Call, problem: Problem) -> Came {
    if lost(call, &problem) {
        Came::Lost(problem)
    } else {
        refused(problem)
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
