//! Files and directories: made, looked at, deleted ("Path" in the reference). Pure.

use http::{HeaderName, Method, header};

use super::{
    Acl, Call, Owner, Permissions, Place, Properties, continuation, etag, incomplete, said,
};
use crate::azure::http::Answer;
use crate::problem::Problem;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A directory.
    Directory,
    /// A file.
    File,
}

impl Thing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::File => "file",
        }
    }
}

/// How something is made. What is not said follows from the default entries of the directory that it is made in, else from
/// Azure's umask (0027).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Creation<'a> {
    /// Its permissions, before the umask.
    pub permissions: Option<Permissions>,
    /// What is taken from them, where the directory above has no default entries.
    pub umask: Option<Permissions>,
    /// Its access control list, in place of permissions.
    pub acl: Option<&'a Acl>,
    /// Its owner.
    pub owner: Option<&'a Owner>,
    /// Its owning group.
    pub group: Option<&'a Owner>,
}

/// Makes a directory or file, and the directories above it that are not there, unless something is there already: that is a 409
/// `PathAlreadyExists`; see [`super::refusal::exists`].
pub fn create(place: Place, thing: Thing, how: &Creation<'_>) -> Result<Call, Problem> {
    let operation = match thing {
        Thing::Directory => "CreateDirectory",
        Thing::File => "CreateFile",
    };
    let call = Call::new(operation, Method::PUT, place).with("resource", thing.word());
    made(call.header(header::IF_NONE_MATCH, "*")?, how)
}

/// Empties a file that is still the one that was seen. It is made anew, so it has the access that is said here, and no other.
pub fn empty(place: Place, etag: &str, how: &Creation<'_>) -> Result<Call, Problem> {
    let call = Call::new("EmptyFile", Method::PUT, place).with("resource", Thing::File.word());
    made(call.if_match(etag)?, how)
}

fn made(mut call: Call, how: &Creation<'_>) -> Result<Call, Problem> {
    let said = [
        ("x-ms-permissions", how.permissions.map(Permissions::octal)),
        ("x-ms-umask", how.umask.map(Permissions::octal)),
        ("x-ms-acl", how.acl.map(Acl::to_string)),
        ("x-ms-owner", how.owner.map(Owner::to_string)),
        ("x-ms-group", how.group.map(Owner::to_string)),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            call = call.header(HeaderName::from_static(name), &value)?;
        }
    }
    Ok(call)
}

/// What Azure tells of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub thing: Thing,
    /// By which its state is told from others.
    pub etag: Option<String>,
    /// Bytes of a file.
    pub length: u64,
    /// The MD5 of a file's content in base64, where whoever wrote it has said it.
    pub md5: Option<String>,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Its owning group.
    pub group: Option<Owner>,
    /// Its permissions.
    pub permissions: Option<Permissions>,
    /// Whether somebody holds a lease on it.
    pub leased: bool,
    /// Its properties.
    pub properties: Properties,
}

/// Looks at a file or directory, with all that is told of it.
pub fn get(place: Place) -> Call {
    Call::new("GetPath", Method::HEAD, place)
}

/// Looks at a file or directory as a part of a filesystem alone: without its content's MD5 and the properties that somebody has given.
pub fn get_status(place: Place) -> Call {
    Call::new("GetPathStatus", Method::HEAD, place).with("action", "getStatus")
}

/// The answer to [`get`] and [`get_status`].
pub fn read(call: &Call, answer: &Answer) -> Result<Status, Problem> {
    let lacks = |what| incomplete(&call.place, what, answer);
    let thing = match said(answer, "x-ms-resource-type") {
        Some("directory") => Thing::Directory,
        Some("file") => Thing::File,
        // The root of a filesystem is a directory, and Azure does not always say so.
        None if call
            .place
            .path
            .as_ref()
            .is_none_or(super::LakePath::is_root) =>
        {
            Thing::Directory
        }
        _ => return Err(lacks("what it is (x-ms-resource-type)")),
    };
    let length = said(answer, "content-length").and_then(|text| text.parse().ok());
    let told = said(answer, "x-ms-permissions").and_then(Permissions::told);
    Ok(Status {
        thing,
        etag: etag(answer),
        length: match thing {
            Thing::File => length.ok_or_else(|| lacks("its length"))?,
            Thing::Directory => 0,
        },
        md5: said(answer, "content-md5").map(str::to_owned),
        owner: said(answer, "x-ms-owner").map(Owner::told),
        group: said(answer, "x-ms-group").map(Owner::told),
        permissions: told.map(|(permissions, _)| permissions),
        leased: said(answer, "x-ms-lease-status") == Some("locked"),
        properties: Properties::told(said(answer, "x-ms-properties").unwrap_or_default()),
    })
}

/// Deletes a file or directory. What lies in a directory goes with it only where that is said; then more calls may be needed.
pub fn delete(place: Place, recursive: bool, from: Option<&str>) -> Call {
    let call = Call::new("DeletePath", Method::DELETE, place);
    if recursive {
        call.with("recursive", "true")
            .with("paginated", "true")
            .with_some("continuation", from)
    } else {
        call.with("recursive", "false")
    }
}

/// Where the next call to [`delete`] goes on; none where all is deleted.
pub fn read_deleted(answer: &Answer) -> Option<String> {
    continuation(answer)
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
