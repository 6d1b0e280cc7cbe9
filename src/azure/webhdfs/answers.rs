//! Answers of Data Lake Store. Pure.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Call, PAGE};
use crate::azure::http::Answer;
use crate::azure::lake::access::Access;
use crate::azure::lake::list::{Listed, Page};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{Acl, Owner, Permissions};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// What stands at a path.
#[derive(Deserialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
struct FileStatus {
    #[serde(default)]
    length: u64,
    #[serde(default)]
    path_suffix: String,
    #[serde(rename = "type")]
    kind: String,
    permission: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    #[serde(default)]
    acl_bit: Option<bool>,
    /// In milliseconds.
    #[serde(default)]
    modification_time: Option<i64>,
}

#[derive(Deserialize)]
struct One {
    #[serde(rename = "FileStatus")]
    status: FileStatus,
}

#[derive(Deserialize)]
struct Many {
    #[serde(rename = "FileStatuses")]
    statuses: Statuses,
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(rename = "FileStatus")]
    all: Vec<FileStatus>,
    /// Empty where this is the last page. Older services say nothing.
    #[serde(default, rename = "continuationToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct AclAnswer {
    #[serde(rename = "AclStatus")]
    status: AclStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AclStatus {
    entries: Vec<String>,
    owner: String,
    group: String,
    permission: String,
    #[serde(default)]
    sticky_bit: bool,
}

#[derive(Deserialize)]
struct Done {
    boolean: bool,
}

fn body<T: DeserializeOwned>(call: &Call, answer: &Answer, lacks: &str) -> Result<T, Problem> {
    serde_json::from_slice(answer.body.bytes()).map_err(|_| incomplete(call, answer, lacks))
}

fn incomplete(call: &Call, answer: &Answer, lacks: &str) -> Problem {
    let message = format!(
        "the Data Lake Store answered for {} without {lacks}; it is asked again. Does a proxy stand in between?",
        call.what()
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        .answered(answer.status.as_u16(), None)
}

/// Permissions as they are told: up to four octal digits, without zeros at their begin.
fn permissions(text: &str) -> Option<Permissions> {
    format!("{text:0>3}").parse().ok()
}

fn listed(status: FileStatus) -> Option<Listed> {
    Some(Listed {
        name: status.path_suffix,
        thing: match status.kind.as_str() {
            "DIRECTORY" => Thing::Directory,
            "FILE" => Thing::File,
            _ => return None,
        },
        // There is no `ETag`: a file's state is told from others by the time of its last change.
        etag: status.modification_time.map(|time| time.to_string()),
        length: status.length,
        owner: status.owner.as_deref().map(Owner::told),
        group: status.group.as_deref().map(Owner::told),
        permissions: status.permission.as_deref().and_then(permissions),
        has_entries: status.acl_bit.unwrap_or(true),
    })
}

/// What stands at a path, in the answer to [`super::get`]. Its name is empty.
pub fn status(call: &Call, answer: &Answer) -> Result<Listed, Problem> {
    const LACKS: &str = "what stands there";
    let one: One = body(call, answer, LACKS)?;
    listed(one.status).ok_or_else(|| incomplete(call, answer, LACKS))
}

/// A page of a list, with names in the directory that was asked for. The next one follows the last name.
pub fn page(call: &Call, answer: &Answer) -> Result<Page, Problem> {
    const LACKS: &str = "a list of paths";
    let Many { statuses } = body(call, answer, LACKS)?;
    let paths: Option<Vec<Listed>> = statuses.all.into_iter().map(listed).collect();
    let paths = paths.ok_or_else(|| incomplete(call, answer, LACKS))?;
    let goes_on = match &statuses.next {
        Some(next) => !next.is_empty(),
        None => paths.len() >= PAGE,
    };
    let last = paths.last().map(|last| last.name.clone());
    Ok(Page {
        continuation: last.filter(|_| goes_on),
        paths,
    })
}

/// Who may do what, in the answer to [`super::get_acl`].
pub fn access(call: &Call, answer: &Answer) -> Result<Access, Problem> {
    const LACKS: &str = "permissions and an access control list that are understood";
    let AclAnswer { status } = body(call, answer, LACKS)?;
    let told = status.entries.join(",");
    let acl = Acl::told(&told).filter(|acl| !acl.is_empty());
    let read = permissions(&status.permission).zip(acl);
    let (permissions, acl) = read.ok_or_else(|| incomplete(call, answer, LACKS))?;
    Ok(Access {
        etag: None,
        owner: Owner::told(&status.owner),
        group: Owner::told(&status.group),
        permissions: Permissions {
            sticky: permissions.sticky || status.sticky_bit,
            ..permissions
        },
        acl,
        told,
    })
}

/// Whether it was done, in the answer to [`super::make_directory`], [`super::rename`] and [`super::delete`].
pub fn done(call: &Call, answer: &Answer) -> Result<bool, Problem> {
    let done: Done = body(call, answer, "whether it was done")?;
    Ok(done.boolean)
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
