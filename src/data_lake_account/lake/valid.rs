//! What a spec says of a lake, parsed: a value of these types can be carried out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::lake::acl::{self, Acl, Key, Scope};
use crate::azure::lake::{FilesystemName, LakePath, Owner, Permissions, Properties, Removal};
use crate::data_lake_account::api::{
    AccessSpec, AclMode, DataLakeAccountSpec, DeletionPolicy, FileSource, FilesystemSpec,
    Generation,
};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// The one filesystem of a Data Lake Store.
pub const GEN1_FILESYSTEM: &str = "root";

/// A lake as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    /// Which service it is.
    pub generation: Generation,
    /// Whether filesystems that hold data may be deleted.
    pub force: bool,
    /// Its filesystems.
    pub filesystems: BTreeMap<FilesystemName, Filesystem>,
}

/// A filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    /// Properties that it is to have, besides those of others.
    pub properties: Properties,
    /// The encryption scope of files that name none.
    pub scope: Option<String>,
    /// What becomes of it when it goes from the spec.
    pub policy: DeletionPolicy,
    /// What is to be in it. Paths sort behind those they lie in.
    pub nodes: BTreeMap<LakePath, Node>,
}

/// A directory or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Which of both.
    pub kind: Kind,
    /// Who may do what with it.
    pub access: Access,
}

/// Directory or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file, and what it holds.
    File(FileSource),
}

/// What is said of access. What is not said is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The owner.
    pub owner: Option<Owner>,
    /// The owning group.
    pub group: Option<Owner>,
    /// Rights.
    pub what: What,
    /// Whether the rights go to everything beneath as well.
    pub recursive: bool,
}

/// What is done with the rights of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum What {
    /// They are left as they are.
    #[default]
    Leave,
    /// Owner, group and others get these.
    Permissions(Permissions),
    /// The list is this one, as Azure stores it.
    Set(Acl),
    /// These entries are in the list.
    Modify(Acl),
    /// These are not.
    Remove(Removal),
}

impl Access {
    /// Whether nothing is said.
    pub fn is_silent(&self) -> bool {
        self.owner.is_none() && self.group.is_none() && self.what == What::Leave
    }
}

fn invalid(at: &str, why: impl std::fmt::Display) -> Problem {
    let message = format!("spec.{at}: {why}");
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// Reads what a spec says of its lake.
pub fn parse(spec: &DataLakeAccountSpec) -> Result<Lake, Problem> {
    let mut filesystems = BTreeMap::new();
    for one in &spec.filesystems {
        let at = format!("filesystems[{}]", one.name);
        let name: FilesystemName = one
            .name
            .parse()
            .map_err(|error| invalid(&format!("{at}.name"), error))?;
        if spec.generation == Generation::Gen1 {
            of_gen1(&at, one)?;
        }
        if filesystems.insert(name, filesystem(&at, one)?).is_some() {
            return Err(invalid(&at, "it stands twice: leave one out"));
        }
    }
    Ok(Lake {
        generation: spec.generation,
        force: spec.force,
        filesystems,
    })
}

/// A Data Lake Store has one filesystem, which is always there and has nothing to set.
fn of_gen1(at: &str, spec: &FilesystemSpec) -> Result<(), Problem> {
    let more = [
        (!spec.properties.is_empty(), "properties"),
        (
            spec.default_encryption_scope.is_some(),
            "defaultEncryptionScope",
        ),
        (
            spec.deletion_policy != DeletionPolicy::Retain,
            "deletionPolicy",
        ),
    ];
    if spec.name != GEN1_FILESYSTEM {
        let why = format!(
            "with generation Gen1 there is one filesystem: name it {GEN1_FILESYSTEM} and put all directories there"
        );
        return Err(invalid(&format!("{at}.name"), why));
    }
    match more.iter().find(|(said, _)| *said) {
        Some((_, field)) => {
            let why = "generation Gen1 has none: leave it out";
            Err(invalid(&format!("{at}.{field}"), why))
        }
        None => Ok(()),
    }
}

fn filesystem(at: &str, spec: &FilesystemSpec) -> Result<Filesystem, Problem> {
    let mut nodes = BTreeMap::new();
    if let Some(root) = &spec.root {
        let access = access(&format!("{at}.root"), root, false)?;
        let kind = Kind::Directory;
        nodes.insert(LakePath::root(), Node { kind, access });
    }
    for directory in &spec.directories {
        let at = format!("{at}.directories[{}]", directory.path);
        let access = access(&at, &directory.access, false)?;
        let kind = Kind::Directory;
        add(&mut nodes, &at, &directory.path, Node { kind, access })?;
    }
    for file in &spec.files {
        let at = format!("{at}.files[{}]", file.path);
        let access = access(&at, &file.access, true)?;
        if file.from.config_map.is_some() == file.from.secret.is_some() {
            let why = "name one of configMap and secret";
            return Err(invalid(&format!("{at}.from"), why));
        }
        let kind = Kind::File(file.from.clone());
        add(&mut nodes, &at, &file.path, Node { kind, access })?;
    }
    nothing_in_files(at, &nodes)?;
    Ok(Filesystem {
        properties: properties(at, &spec.properties)?,
        scope: spec.default_encryption_scope.clone(),
        policy: spec.deletion_policy,
        nodes,
    })
}

fn add(
    nodes: &mut BTreeMap<LakePath, Node>,
    at: &str,
    path: &str,
    node: Node,
) -> Result<(), Problem> {
    let path: LakePath = path
        .parse()
        .map_err(|error| invalid(&format!("{at}.path"), error))?;
    if path.is_root() {
        let why = "this is the root, which is always there: say what you want of it in root";
        return Err(invalid(&format!("{at}.path"), why));
    }
    if nodes.insert(path, node).is_some() {
        let why = "the path stands twice: it is one directory or one file";
        return Err(invalid(&format!("{at}.path"), why));
    }
    Ok(())
}

fn nothing_in_files(at: &str, nodes: &BTreeMap<LakePath, Node>) -> Result<(), Problem> {
    for (path, node) in nodes {
        let mut above = path.parent();
        while let Some(parent) = above {
            let is_file = |node: &Node| matches!(node.kind, Kind::File(_));
            if nodes.get(&parent).is_some_and(is_file) {
                let why = format!(
                    "{parent:?} is a file of this spec, and nothing can lie in a file: move one of both",
                    parent = parent.to_string()
                );
                return Err(invalid(&field_in(at, path, node), why));
            }
            above = parent.parent();
        }
    }
    Ok(())
}

/// The name of a path's field.
pub fn field(filesystem: &FilesystemName, path: &LakePath, node: &Node) -> String {
    field_in(&format!("filesystems[{filesystem}]"), path, node)
}

fn field_in(at: &str, path: &LakePath, node: &Node) -> String {
    match node.kind {
        Kind::Directory if path.is_root() => format!("{at}.root"),
        Kind::Directory => format!("{at}.directories[{path}]"),
        Kind::File(_) => format!("{at}.files[{path}]"),
    }
}

/// Names have no case in Azure.
fn properties(at: &str, spec: &BTreeMap<String, String>) -> Result<Properties, Problem> {
    let at = format!("{at}.properties");
    let mut names = BTreeSet::new();
    for name in spec.keys() {
        if !names.insert(name.to_ascii_lowercase()) {
            let why = format!("{name:?} stands twice: names of properties have no case");
            return Err(invalid(&at, why));
        }
    }
    Properties::new(spec.clone()).map_err(|error| invalid(&at, error))
}

fn access(at: &str, spec: &AccessSpec, is_file: bool) -> Result<Access, Problem> {
    let owner = |name: &str, said: &Option<String>| {
        let said = said.as_deref();
        said.map(|text| owner(&format!("{at}.{name}"), text))
            .transpose()
    };
    let access = Access {
        owner: owner("owner", &spec.owner)?,
        group: owner("group", &spec.group)?,
        what: what(at, spec)?,
        recursive: spec.recursive,
    };
    let has_list = matches!(
        access.what,
        What::Set(_) | What::Modify(_) | What::Remove(_)
    );
    if access.recursive && is_file {
        let why = "nothing lies beneath a file: leave it out";
        return Err(invalid(&format!("{at}.recursive"), why));
    }
    if access.recursive && !has_list {
        let why = "it needs acl: the access list is what goes to everything beneath";
        return Err(invalid(&format!("{at}.recursive"), why));
    }
    if is_file && matches!(access.what, What::Permissions(said) if said.sticky) {
        let why =
            "the sticky bit guards what lies in a directory, and this is a file: leave it out";
        return Err(invalid(&format!("{at}.permissions"), why));
    }
    if is_file && hands_down(&access.what) {
        let why = "default: entries are handed down to what is made in a directory, and this is a file: leave them out";
        return Err(invalid(&format!("{at}.acl"), why));
    }
    Ok(access)
}

fn hands_down(what: &What) -> bool {
    match what {
        What::Leave | What::Permissions(_) => false,
        What::Set(acl) | What::Modify(acl) => acl.has_defaults(),
        What::Remove(removal) => removal.keys().any(|key| key.scope == Scope::Default),
    }
}

/// Azure tells object ids whatever it was given, so a name would differ for ever.
fn no_name(at: &str, id: &str) -> Result<(), Problem> {
    if !id.contains('@') {
        return Ok(());
    }
    let why = format!(
        "{id:?} is a user principal name: Azure keeps object ids. Write the id: az ad user show --id {id} --query id -o tsv"
    );
    Err(invalid(at, why))
}

fn owner(at: &str, text: &str) -> Result<Owner, Problem> {
    no_name(at, text)?;
    text.parse().map_err(|_| {
        let why = format!(
            "{text:?} is neither an object id (a GUID such as 33333333-3333-3333-3333-333333333333) nor $superuser"
        );
        invalid(at, why)
    })
}

fn what(at: &str, spec: &AccessSpec) -> Result<What, Problem> {
    let list = format!("{at}.acl");
    let entries = match (&spec.permissions, &spec.acl) {
        (Some(_), Some(_)) => {
            let why = "permissions and acl cannot both be set: acl says all that permissions say";
            return Err(invalid(&list, why));
        }
        (_, None) if spec.acl_mode != AclMode::Set => {
            let why = format!("aclMode {:?} needs it: name the entries", spec.acl_mode);
            return Err(invalid(&list, why));
        }
        (Some(text), None) => {
            let plain = text.strip_suffix('+').unwrap_or(text);
            let read = plain.parse();
            return read
                .map(What::Permissions)
                .map_err(|error| invalid(&format!("{at}.permissions"), error));
        }
        (None, None) => return Ok(What::Leave),
        (None, Some(entries)) => entries.join(","),
    };
    let said = |error| invalid(&list, error);
    match spec.acl_mode {
        AclMode::Set => {
            let acl = Acl::parse(&entries).map_err(said)?;
            names_nobody(&list, acl.entries().map(|(key, _)| key))?;
            acl.complete().map_err(said)?;
            Ok(What::Set(acl.as_stored()))
        }
        AclMode::Modify => {
            let acl = Acl::parse(&entries).map_err(said)?;
            names_nobody(&list, acl.entries().map(|(key, _)| key))?;
            Ok(What::Modify(acl))
        }
        AclMode::Remove => {
            let removal = Removal::parse(&entries).map_err(said)?;
            names_nobody(&list, removal.keys())?;
            may_go(&list, &removal)?;
            Ok(What::Remove(removal))
        }
    }
}

fn names_nobody<'a>(at: &str, keys: impl IntoIterator<Item = &'a Key>) -> Result<(), Problem> {
    let mut ids = keys.into_iter().filter_map(|key| key.id.as_deref());
    ids.try_for_each(|id| no_name(at, id))
}

/// Every list has entries for owner, owning group and others.
fn may_go(at: &str, removal: &Removal) -> Result<(), Problem> {
    let stays =
        |key: &&Key| key.scope == Scope::Access && key.id.is_none() && key.kind != acl::Kind::Mask;
    match removal.keys().find(stays) {
        Some(key) => {
            let why = format!(
                "the entry {key}: cannot be taken away, since every list has it: set it to --- with aclMode Modify"
            );
            Err(invalid(at, why))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
