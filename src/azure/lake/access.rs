//! Owners, permissions and access control lists: read, set, and set over whole trees ("Path - Get Properties", "Path - Update").
//! Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, Method};
use serde::Deserialize;

use super::acl::ids_of_names;
use super::{Acl, Call, Owner, Permissions, Place, Removal, continuation, etag, incomplete, said};
use crate::azure::http::Answer;
use crate::problem::Problem;

/// Paths that one call over a tree changes at most (the service's own bound).
pub const BATCH: u32 = 2000;
/// Azure works on a tree for so long before it answers where to go on.
const TREE_TIMEOUT: Duration = Duration::from_secs(90);

/// Who may do what with a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// By which its state is told from others. A change of access does not change it.
    pub etag: Option<String>,
    /// Its owner.
    pub owner: Owner,
    /// Its owning group.
    pub group: Owner,
    /// Its permissions.
    pub permissions: Permissions,
    /// Its access control list.
    pub acl: Acl,
    /// The list as it was told, for [`ids`].
    pub told: String,
}

/// Reads who may do what; users by their names, where they have one and that is asked for.
pub fn get(place: Place, names: bool) -> Call {
    let call = Call::new("GetAccessControl", Method::HEAD, place);
    let call = call.with("action", "getAccessControl");
    call.with_some("upn", names.then_some("true"))
}

/// The answer to [`get`].
pub fn read(call: &Call, answer: &Answer) -> Result<Access, Problem> {
    let lacks = |what| incomplete(&call.place, what, answer);
    let told = said(answer, "x-ms-permissions").and_then(Permissions::told);
    let (permissions, _) = told.ok_or_else(|| lacks("permissions"))?;
    let list = said(answer, "x-ms-acl").unwrap_or_default();
    let owner = |name| said(answer, name).map(Owner::told);
    Ok(Access {
        etag: etag(answer),
        owner: owner("x-ms-owner").ok_or_else(|| lacks("an owner"))?,
        group: owner("x-ms-group").ok_or_else(|| lacks("an owning group"))?,
        permissions,
        acl: Acl::told(list)
            .filter(|acl| !acl.is_empty())
            .ok_or_else(|| lacks("an access control list that is understood"))?,
        told: list.to_owned(),
    })
}

/// Ids of users by their names, out of two answers about one path.
pub fn ids(by_id: &Access, by_name: &Access) -> BTreeMap<String, String> {
    let mut ids = ids_of_names(&by_id.told, &by_name.told);
    let name = by_name.owner.as_str();
    if name.contains('@') {
        ids.insert(name.to_owned(), by_id.owner.as_str().to_owned());
    }
    ids
}

/// What becomes of permissions: a list, or the three classes and the sticky bit. Azure takes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// They stay.
    None,
    /// They are set; where there is a list its mask is what is said of the group.
    Permissions(Permissions),
    /// The list is replaced as a whole.
    Acl(Acl),
}

/// Sets owner, owning group and who may do what, where they are said.
pub fn set(
    place: Place,
    owner: Option<&Owner>,
    group: Option<&Owner>,
    change: &Change,
) -> Result<Call, Problem> {
    let call = Call::new("SetAccessControl", Method::PATCH, place);
    let mut call = call.with("action", "setAccessControl");
    let (permissions, acl) = match change {
        Change::None => (None, None),
        Change::Permissions(permissions) => (Some(permissions.octal()), None),
        Change::Acl(acl) => (None, Some(acl.to_string())),
    };
    let said = [
        ("x-ms-owner", owner.map(Owner::to_string)),
        ("x-ms-group", group.map(Owner::to_string)),
        ("x-ms-permissions", permissions),
        ("x-ms-acl", acl),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            call = call.header(HeaderName::from_static(name), &value)?;
        }
    }
    Ok(call)
}

/// What is done over a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sweep {
    /// Lists are replaced.
    Set(Acl),
    /// Entries are added, or set in place of those for the same.
    Modify(Acl),
    /// Entries go.
    Remove(Removal),
}

impl Sweep {
    fn mode(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Modify(_) => "modify",
            Self::Remove(_) => "remove",
        }
    }

    fn entries(&self) -> String {
        match self {
            Self::Set(acl) | Self::Modify(acl) => acl.to_string(),
            Self::Remove(removal) => removal.to_string(),
        }
    }
}

/// Changes lists of a directory and all that is in it, from where an earlier call ended. Files get no default entries.
pub fn sweep(
    place: Place,
    sweep: &Sweep,
    records: u32,
    from: Option<&str>,
) -> Result<Call, Problem> {
    let call = Call::new("SetAccessControlRecursive", Method::PATCH, place)
        .with("action", "setAccessControlRecursive")
        .with("mode", sweep.mode())
        .with("maxRecords", records.clamp(1, BATCH).to_string())
        // Without it the first path that refuses ends the whole.
        .with("forceFlag", "true")
        .with_some("continuation", from);
    let call = call.header(HeaderName::from_static("x-ms-acl"), &sweep.entries())?;
    Ok(Call {
        timeout: TREE_TIMEOUT,
        ..call
    })
}

/// What one call over a tree came to.
#[derive(Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Directories that were changed.
    #[serde(rename = "directoriesSuccessful")]
    pub directories: u64,
    /// Files that were changed.
    #[serde(rename = "filesSuccessful")]
    pub files: u64,
    /// Paths that were not.
    #[serde(rename = "failureCount")]
    pub failures: u64,
    /// Which.
    #[serde(default)]
    pub failed_entries: Vec<Failed>,
    /// Where the next call goes on; none at the end.
    #[serde(skip)]
    pub continuation: Option<String>,
}

/// A path that was not changed.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The path in its filesystem.
    pub name: String,
    /// What it is: DIRECTORY or FILE.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What Azure says.
    #[serde(default)]
    pub error_message: String,
}

/// The answer to [`sweep`].
pub fn read_swept(call: &Call, answer: &Answer) -> Result<Swept, Problem> {
    let swept: Option<Swept> = serde_json::from_slice(answer.body.bytes()).ok();
    let swept = swept.ok_or_else(|| incomplete(&call.place, "what was changed", answer))?;
    Ok(Swept {
        continuation: continuation(answer),
        ..swept
    })
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
