//! The data plane of a Data Lake Store: `WebHDFS`.
//!
//! It is one filesystem, which is always there. Nothing is made with a list or an owner, so those are set right afterwards; a file
//! with a list of its own is filled only then. There are no `ETag`s and no digests: what a file holds is known by reading it.

use tokio::sync::Semaphore;

use super::super::lake::access::{Change, Told};
use super::super::lake::valid::GEN1_FILESYSTEM;
use super::super::lake::{Came, Contents, Here, Holds, Look, Needs, PathSeen, Place, Stands, Step};
use super::super::observe::Eyes;
use super::sweep::sweep;
use super::{Saw, done, refused};
use crate::azure::http::Answer;
use crate::azure::lake::access::{Access, Change as Rights, Sweep};
use crate::azure::lake::client::UNDER_WAY;
use crate::azure::lake::list::Page;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{
    FilesystemName, Lake, LakePath, Owner, Properties, absent, files, is_absent,
};
use crate::azure::webhdfs::{self, Call, answers};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// One Data Lake Store.
pub(in crate::data_lake_account) struct Store<'a> {
    eyes: &'a Eyes<'a>,
    lake: Lake,
    /// Places for calls of trees, so that many of them do not crowd out the rest.
    trees: Semaphore,
}

impl<'a> Store<'a> {
    pub(super) fn new(eyes: &'a Eyes<'a>, lake: Lake) -> Self {
        Self {
            eyes,
            lake,
            trees: Semaphore::new(UNDER_WAY),
        }
    }

    async fn ask(&self, call: &Call) -> Result<Answer, Problem> {
        let eyes = self.eyes;
        eyes.ctx.own.lakes.call_store(eyes.identity, call).await
    }

    /// The same for a tree.
    async fn ask_in_turn(&self, call: &Call) -> Result<Answer, Problem> {
        // It is never closed; were it, the bound of the client would still hold.
        let _place = self.trees.acquire().await.ok();
        self.ask(call).await
    }

    /// Reads. `content` is what a file is to hold.
    pub(super) async fn see(
        &self,
        look: &Look,
        content: Option<&SecretValue>,
    ) -> Result<Saw, Problem> {
        match look {
            // Whether it is really there is seen with its paths.
            Look::Filesystem(_) => Ok(Saw::Filesystem(Stands::Here {
                properties: Properties::default(),
                scope: None,
                etag: None,
            })),
            Look::Contents(_) => Ok(Saw::Contents(self.contents().await?)),
            Look::Path(place, needs) => {
                let seen = absent(self.see_path(&place.path, *needs, content).await)?;
                Ok(Saw::Path(seen.map_or(PathSeen::Absent, PathSeen::Here)))
            }
        }
    }

    async fn see_path(
        &self,
        path: &LakePath,
        needs: Needs,
        content: Option<&SecretValue>,
    ) -> Result<Here, Problem> {
        let mut here = Here::default();
        if needs.thing || !needs.list {
            let call = webhdfs::get(&self.lake, path);
            let status = answers::status(&call, &self.ask(&call).await?)?;
            here.thing = Some(status.thing);
            if status.thing == Thing::File {
                here.holds = Some(Holds {
                    length: status.length,
                    md5: self.digest(path, status.length, content).await?,
                    etag: Some(status.etag.unwrap_or_default()),
                });
            }
            here.told = Told {
                owner: status.owner,
                group: status.group,
                permissions: status.permissions,
                acl: None,
            };
        }
        if needs.list {
            let told = self.access(path).await?;
            here.told = Told {
                owner: Some(told.owner),
                group: Some(told.group),
                permissions: Some(told.permissions),
                acl: Some(told.acl),
            };
        }
        Ok(here)
    }

    async fn access(&self, path: &LakePath) -> Result<Access, Problem> {
        let call = webhdfs::get_acl(&self.lake, path);
        answers::access(&call, &self.ask(&call).await?)
    }

    /// The digest of what a file holds, where that may be what is wanted: of another length it is another one. So nobody's large
    /// file is ever read.
    async fn digest(
        &self,
        path: &LakePath,
        length: u64,
        content: Option<&SecretValue>,
    ) -> Result<Option<String>, Problem> {
        let wanted = content.map(|content| u64::try_from(content.len()).unwrap_or(u64::MAX));
        if wanted != Some(length) || length == 0 {
            return Ok(None);
        }
        // One byte more shows that it has grown since.
        let call = webhdfs::open(&self.lake, path, length.saturating_add(1));
        let answer = self.ask(&call).await?;
        Ok(Some(files::md5(&files::read(&answer))))
    }

    /// Its one filesystem.
    pub(super) fn filesystems() -> Vec<FilesystemName> {
        GEN1_FILESYSTEM.parse().into_iter().collect()
    }

    /// Whether it holds anything.
    pub(super) async fn contents(&self) -> Result<Contents, Problem> {
        let page = absent(self.list(&LakePath::root(), None).await)?;
        Ok(match page {
            None => Contents::Gone,
            // A page may be empty though there is another one.
            Some(page) if page.paths.is_empty() && page.continuation.is_none() => Contents::Nothing,
            Some(_) => Contents::Something,
        })
    }

    /// A page of what is in a directory.
    pub(super) async fn list(
        &self,
        path: &LakePath,
        behind: Option<&str>,
    ) -> Result<Page, Problem> {
        let call = webhdfs::list(&self.lake, path, behind);
        answers::page(&call, &self.ask_in_turn(&call).await?)
    }

    /// Changes one list of a tree.
    pub(super) async fn change(&self, path: &LakePath, sweep: &Sweep) -> Result<(), Problem> {
        let call = match sweep {
            Sweep::Set(acl) => webhdfs::set_acl(&self.lake, path, acl),
            Sweep::Modify(acl) => webhdfs::modify_acl(&self.lake, path, acl),
            Sweep::Remove(removal) => webhdfs::remove_entries(&self.lake, path, removal),
        };
        self.ask_in_turn(&call).await.map(drop)
    }

    /// Writes. `content` is what a file is to hold.
    pub(super) async fn carry(&self, step: &Step, content: Option<&SecretValue>) -> Came {
        match step {
            Step::CreateFilesystem { .. }
            | Step::SetProperties { .. }
            | Step::DeleteFilesystem { .. } => Came::Refused(not_in_a_store(step)),
            Step::CreateDirectory { place, with } => {
                done(self.make_directory(place, with.as_ref()).await)
            }
            Step::WriteFile {
                place, over, with, ..
            } => {
                let Some(content) = content else {
                    return Came::Done;
                };
                match self.is_still(&place.path, over.as_deref()).await {
                    Ok(true) => {}
                    Ok(false) => return Came::Unsure(changed(place)),
                    Err(problem) => return refused(problem),
                }
                let to = (&place.path, over.is_some());
                done(self.write_file(to, content, with.as_ref()).await)
            }
            Step::SetAccess { place, change } => done(self.set(&place.path, change).await),
            Step::Tree {
                place,
                sweep: what,
                from,
            } => sweep(self, place, what, from.as_deref()).await,
        }
    }

    async fn make_directory(&self, place: &Place, with: Option<&Change>) -> Result<(), Problem> {
        let call = webhdfs::make_directory(&self.lake, &place.path, None);
        if !answers::done(&call, &self.ask(&call).await?)? {
            let message = format!(
                "the Data Lake Store made no directory at {place}, and does not say why: does a file stand there, or above it?"
            );
            return Err(Problem::new(Reason::PathConflict, Retry::Backoff, message));
        }
        match with {
            Some(with) => self.set(&place.path, with).await,
            None => Ok(()),
        }
    }

    /// Sets owner, group and rights, where they are said. Rights come first: who gives something away may not set them any more.
    async fn set(&self, path: &LakePath, change: &Change) -> Result<(), Problem> {
        let rights = match &change.rights {
            Rights::None => None,
            Rights::Permissions(permissions) => {
                Some(webhdfs::set_permissions(&self.lake, path, *permissions))
            }
            Rights::Acl(acl) => Some(webhdfs::set_acl(&self.lake, path, acl)),
        };
        if let Some(call) = rights {
            self.ask(&call).await?;
        }
        let (owner, group) = (change.owner.as_ref(), change.group.as_ref());
        if owner.is_some() || group.is_some() {
            let call = webhdfs::set_owner(&self.lake, path, owner, group);
            self.ask(&call).await?;
        }
        Ok(())
    }

    /// Whether a file is still the one that was seen. A store takes no condition, so this is as near to the write as it can be.
    async fn is_still(&self, path: &LakePath, state: Option<&str>) -> Result<bool, Problem> {
        let Some(state) = state else {
            // One that is there already is not replaced: that is a condition that a store knows.
            return Ok(true);
        };
        let call = webhdfs::get(&self.lake, path);
        let answer = self.ask(&call).await;
        let now = answer.and_then(|answer| answers::status(&call, &answer));
        Ok(match absent(now)? {
            Some(now) => now.thing == Thing::File && now.etag.unwrap_or_default() == state,
            None => false,
        })
    }

    /// Readers see the new content, or the one before, or, for a moment, nothing. Nobody reads it who may not: a list is
    /// set before the content comes.
    async fn write_file(
        &self,
        (path, replace): (&LakePath, bool),
        content: &SecretValue,
        with: Option<&Change>,
    ) -> Result<(), Problem> {
        let Some(with) = with else {
            let call = webhdfs::create(&self.lake, path, (content, replace), None);
            return self.ask(&call).await.map(drop);
        };
        let nothing = SecretValue::new(Vec::new());
        let call = webhdfs::create(&self.lake, path, (&nothing, replace), None);
        self.ask(&call).await?;
        let told = self.access(path).await?;
        self.set(path, &left(with, &told)).await?;
        if content.is_empty() {
            return Ok(());
        }
        let call = webhdfs::append(&self.lake, path, content, 0);
        self.ask(&call).await.map(drop)
    }
}

/// What of a change is not so already. Who owns a file may not always give it to itself.
fn left(change: &Change, told: &Access) -> Change {
    let other = |wanted: &Option<Owner>, is: &Owner| wanted.clone().filter(|wanted| wanted != is);
    let fits = match &change.rights {
        Rights::None => true,
        Rights::Acl(acl) => acl.means_same(&told.acl),
        Rights::Permissions(permissions) => *permissions == told.permissions,
    };
    Change {
        owner: other(&change.owner, &told.owner),
        group: other(&change.group, &told.group),
        rights: if fits {
            Rights::None
        } else {
            change.rights.clone()
        },
    }
}

fn not_in_a_store(step: &Step) -> Problem {
    let message =
        format!("{step}: a Data Lake Store is one filesystem, which is never made or deleted");
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

fn changed(place: &Place) -> Problem {
    let message = format!("somebody else has changed {place} since it was looked at");
    Problem::new(Reason::AzureBusy, Retry::Backoff, message)
}

/// Whether a problem is one of a path alone, so that others of its tree may be changed all the same.
pub(super) fn is_of_path(problem: &Problem) -> bool {
    let told = matches!(
        problem.reason,
        Reason::Forbidden | Reason::PathConflict | Reason::RequestRefused
    );
    told && problem.http_status.is_some() && !is_absent(problem)
}
