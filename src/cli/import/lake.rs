//! Reads what lies in an account: filesystems, and their directories level by level.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::{Open, Reader};
use crate::azure::http::Answer;
use crate::azure::lake::access::Access;
use crate::azure::lake::account::OF_AZURE;
use crate::azure::lake::client::UNDER_WAY;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{
    self, Call, FilesystemName, Lake, LakePath, LakeUri, access, filesystem, list,
};
use crate::cli::Failure;
use crate::data_lake_account::account::StorageAccount;
use crate::data_lake_account::import::lake::Filesystem;
use crate::problem::Problem;

/// Filesystems of a DataLakeAccount, by its definition.
const MOST_FILESYSTEMS: usize = 100;
/// Directories of all filesystems together: an object of Kubernetes has no place for many more.
const MOST_DIRECTORIES: usize = 1000;
/// Pages of one list that are read at most.
const MOST_PAGES: usize = 100;

/// What lies in an account, and what of it was not read.
#[derive(Default)]
pub(super) struct Found {
    pub(super) filesystems: Vec<Filesystem>,
    pub(super) notes: Vec<String>,
}

/// Reads directories so many levels deep.
pub(super) async fn read(
    open: &Open,
    account: &StorageAccount,
    depth: u8,
) -> Result<Found, Failure> {
    let told = account.endpoints.get("dfs").map_or("", String::as_str);
    let uri: LakeUri = told.parse().map_err(|error| {
        let why = "Resource Manager does not tell where its data lake is";
        Failure::failed(format!("storage account {}: {why}: {error}", open.id))
    })?;
    let desk = Desk {
        reader: &open.reader,
        lake: Lake {
            uri,
            id: open.id.to_string(),
        },
    };
    let mut found = Found::default();
    let names = desk.names(&mut found.notes).await?;
    let mut left = MOST_DIRECTORIES;
    for name in names {
        open.progress.now(&format!("Reading filesystem {name}"));
        let filesystem = desk.filesystem(name, depth, &mut left, &mut found.notes);
        found.filesystems.push(filesystem.await?);
    }
    Ok(found)
}

struct Desk<'a> {
    reader: &'a Reader,
    lake: Lake,
}

impl Desk<'_> {
    async fn ask(&self, call: &Call) -> Result<Answer, Problem> {
        let Reader {
            lakes, identity, ..
        } = self.reader;
        lakes.call(identity, call).await
    }

    /// Names of the filesystems, without those that Azure itself writes.
    async fn names(&self, notes: &mut Vec<String>) -> Result<Vec<FilesystemName>, Problem> {
        let (mut all, mut from) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let call = lake::account::list(&self.lake, from.as_deref());
            let page = lake::account::read(&call, &self.ask(&call).await?)?;
            for name in page.names {
                match name.parse() {
                    Ok(parsed) => all.push(parsed),
                    Err(_) if OF_AZURE.contains(&name.as_str()) => {}
                    Err(_) => notes.push(format!(
                        "container {name:?} is left out: no DataLakeAccount names it. It stays as it is."
                    )),
                }
            }
            from = page.continuation;
            if from.is_none() {
                break;
            }
        }
        if all.len() > MOST_FILESYSTEMS || from.is_some() {
            notes.push(format!(
                "the first {MOST_FILESYSTEMS} filesystems are imported: a DataLakeAccount has no more. The others stay as they are."
            ));
            all.truncate(MOST_FILESYSTEMS);
        }
        Ok(all)
    }

    async fn filesystem(
        &self,
        name: FilesystemName,
        depth: u8,
        left: &mut usize,
        notes: &mut Vec<String>,
    ) -> Result<Filesystem, Problem> {
        let call = filesystem::get(self.lake.at(&name, None));
        let here = filesystem::read(&call, &self.ask(&call).await?)?;
        let root = self.access(&name, &LakePath::root()).await?;
        let paths = self.directories(&name, depth, left, notes).await?;
        let each = paths.into_iter().map(|path| {
            let name = &name;
            async move {
                // Somebody may have deleted it in between.
                let read = lake::absent(self.access(name, &path).await)?;
                Ok::<_, Problem>(read.map(|access| (path, access)))
            }
        });
        let read: Vec<_> = stream::iter(each).buffered(UNDER_WAY).try_collect().await?;
        Ok(Filesystem {
            directories: read.into_iter().flatten().collect(),
            properties: here.properties,
            scope: here.encryption_scope,
            root,
            name,
        })
    }

    async fn access(&self, name: &FilesystemName, path: &LakePath) -> Result<Access, Problem> {
        let call = access::get(self.lake.at(name, Some(path)), false);
        access::read(&call, &self.ask(&call).await?)
    }

    /// Paths of directories, level by level.
    async fn directories(
        &self,
        name: &FilesystemName,
        depth: u8,
        left: &mut usize,
        notes: &mut Vec<String>,
    ) -> Result<Vec<LakePath>, Problem> {
        let (mut all, mut level) = (Vec::new(), vec![LakePath::root()]);
        for _ in 0..depth {
            let mut below = Vec::new();
            for above in &level {
                let whole = self.inside(name, above, *left, &mut below, notes).await?;
                if !whole {
                    *left = 0;
                    notes.push(format!(
                        "not all directories are imported: {MOST_DIRECTORIES} at most, and {name} has more. A smaller --depth leaves whole levels out. What is left out stays as it is."
                    ));
                    all.append(&mut below);
                    return Ok(all);
                }
            }
            *left = left.saturating_sub(below.len());
            all.extend(below.iter().cloned());
            level = below;
        }
        Ok(all)
    }

    /// Adds the directories in a directory. Whether there was place for all of them.
    async fn inside(
        &self,
        name: &FilesystemName,
        above: &LakePath,
        most: usize,
        found: &mut Vec<LakePath>,
        notes: &mut Vec<String>,
    ) -> Result<bool, Problem> {
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let call = list::list(self.lake.at(name, Some(above)), false, from.as_deref());
            let Some(answer) = lake::absent(self.ask(&call).await)? else {
                return Ok(true);
            };
            let page = list::read(&call, &answer)?;
            let directories = page
                .paths
                .iter()
                .filter(|one| one.thing == Thing::Directory);
            for one in directories {
                match one.name.parse::<LakePath>() {
                    Ok(_) if found.len() >= most => return Ok(false),
                    Ok(path) if !one.name.contains('\\') => found.push(path),
                    Ok(_) | Err(_) => notes.push(format!(
                        "directory {:?} of {name} is left out: no DataLakeAccount names it. It stays as it is.",
                        one.name
                    )),
                }
            }
            from = page.continuation;
            if from.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
