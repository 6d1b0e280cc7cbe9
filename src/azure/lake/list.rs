//! What is in a filesystem, page by page ("Path - List"). Pure.

use http::Method;
use serde::Deserialize;

use super::paths::Thing;
use super::{Call, LakePath, Owner, Permissions, Place, continuation, incomplete};
use crate::azure::http::Answer;
use crate::problem::Problem;

/// Paths on a page. Azure gives up to 5,000, which may be more than an answer may have bytes here.
pub const PAGE: u32 = 2000;

/// A file or directory of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path. Others may have given names that this program would not.
    pub name: String,
    /// What it is.
    pub thing: Thing,
    /// By which its state is told from others.
    pub etag: Option<String>,
    /// Bytes of a file.
    pub length: u64,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Its owning group.
    pub group: Option<Owner>,
    /// Its permissions.
    pub permissions: Option<Permissions>,
    /// Whether there are entries besides those that the permissions say. Whether default entries count is not documented.
    pub has_entries: bool,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What is on it.
    pub paths: Vec<Listed>,
    /// Where the next page begins; none where this is the last.
    pub continuation: Option<String>,
}

/// Lists what is in a directory, or in all that is in it.
pub fn list(place: Place, recursive: bool, from: Option<&str>) -> Call {
    let directory = place.path.clone().filter(|path| !path.is_root());
    let whole = Place {
        path: None,
        ..place
    };
    Call::new("ListPaths", Method::GET, whole)
        .with("resource", "filesystem")
        .with("recursive", recursive.to_string())
        .with_some("directory", directory.as_ref().map(LakePath::to_string))
        .with("maxResults", PAGE.to_string())
        .with_some("continuation", from)
}

#[derive(Deserialize)]
struct Body {
    paths: Vec<Wire>,
}

/// Everything is a text, and a file is not said to be no directory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    name: String,
    #[serde(default)]
    is_directory: Option<Word>,
    #[serde(default)]
    content_length: Option<Word>,
    etag: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    permissions: Option<String>,
}

/// Emulators write numbers and truths as such.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Truth(bool),
    Number(u64),
}

impl Word {
    fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case("true"),
            Self::Truth(truth) => *truth,
            Self::Number(_) => false,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => Some(*number),
            Self::Truth(_) => None,
        }
    }
}

/// The answer to [`list`].
pub fn read(call: &Call, answer: &Answer) -> Result<Page, Problem> {
    let body: Option<Body> = serde_json::from_slice(answer.body.bytes()).ok();
    let body = body.ok_or_else(|| incomplete(&call.place, "a list of paths", answer))?;
    Ok(Page {
        paths: body.paths.into_iter().map(listed).collect(),
        continuation: continuation(answer),
    })
}

fn listed(wire: Wire) -> Listed {
    let told = wire.permissions.as_deref().and_then(Permissions::told);
    let directory = wire.is_directory.is_some_and(|word| word.is_true());
    Listed {
        thing: if directory {
            Thing::Directory
        } else {
            Thing::File
        },
        etag: wire.etag,
        length: wire
            .content_length
            .and_then(|word| word.number())
            .unwrap_or(0),
        owner: wire.owner.as_deref().map(Owner::told),
        group: wire.group.as_deref().map(Owner::told),
        permissions: told.map(|(permissions, _)| permissions),
        has_entries: told.is_some_and(|(_, more)| more),
        name: wire.name,
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
