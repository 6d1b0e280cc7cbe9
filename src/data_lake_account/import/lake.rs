//! What lies in an account, as a spec says it. Pure.

use std::collections::BTreeMap;

use crate::azure::lake::access::Access;
use crate::azure::lake::{Acl, FilesystemName, LakePath, Owner, Properties};
use crate::data_lake_account::api::{
    AccessSpec, AclMode, DeletionPolicy, DirectorySpec, FilesystemSpec,
};

/// Properties that a spec may have, by its definition.
const MOST_PROPERTIES: usize = 50;

/// A filesystem that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    /// Its name.
    pub name: FilesystemName,
    /// Its properties.
    pub properties: Properties,
    /// The encryption scope of its files, where Azure tells.
    pub scope: Option<String>,
    /// Who may do what in its root.
    pub root: Access,
    /// Its directories, as many as were looked at.
    pub directories: Vec<(LakePath, Access)>,
}

/// What a spec says of them.
pub(super) fn specs(all: &[Filesystem], notes: &mut Vec<String>) -> Vec<FilesystemSpec> {
    let each = all.iter().map(|one| spec(one, notes));
    each.collect()
}

fn spec(one: &Filesystem, notes: &mut Vec<String>) -> FilesystemSpec {
    let at = format!("filesystems[{}]", one.name);
    let directories = one.directories.iter().map(|(path, told)| DirectorySpec {
        path: path.to_string(),
        access: access(&format!("{at}.directories[{path}]"), told, notes),
    });
    let directories = directories.collect();
    FilesystemSpec {
        name: one.name.to_string(),
        properties: properties(&at, &one.properties, notes),
        default_encryption_scope: scope(one.scope.as_deref()),
        root: Some(access(&format!("{at}.root"), &one.root, notes)),
        directories,
        files: Vec::new(),
        deletion_policy: DeletionPolicy::Retain,
    }
}

/// Those that a spec may say. The others stay, since nobody asks for their removal.
fn properties(at: &str, there: &Properties, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    let mut left = 0_usize;
    for (name, value) in there.all() {
        let alone = BTreeMap::from([(name.clone(), value.clone())]);
        let twice = said.keys().any(|other| other.eq_ignore_ascii_case(name));
        if said.len() >= MOST_PROPERTIES || twice || Properties::new(alone).is_err() {
            left += 1;
        } else {
            said.insert(name.clone(), value.clone());
        }
    }
    if left > 0 {
        notes.push(format!(
            "{left} of the properties of {at} are left out: a DataLakeAccount has at most {MOST_PROPERTIES}, and names them with letters, digits and underscores. They stay as they are."
        ));
    }
    said
}

/// A scope of the filesystem's own; one that begins with `$` is the account's key.
fn scope(told: Option<&str>) -> Option<String> {
    told.filter(|scope| !scope.starts_with('$'))
        .map(str::to_owned)
}

/// Owner, owning group and the whole list. The sticky bit can be said with permissions alone, which are all that there is to say
/// where nobody is named.
fn access(at: &str, told: &Access, notes: &mut Vec<String>) -> AccessSpec {
    let mut owner = |field: &str, owner: &Owner| {
        let text = owner.as_str();
        // A name is an object id for Azure, so it would differ for ever.
        if text.parse::<Owner>().is_ok() && !text.contains('@') {
            return Some(text.to_owned());
        }
        notes.push(format!(
            "{at}.{field} is left out: {text:?} is neither an object id nor $superuser. It stays as it is."
        ));
        None
    };
    let (owner, group) = (owner("owner", &told.owner), owner("group", &told.group));
    let plain = told.acl.means_same(&Acl::of(told.permissions)) && !told.acl.has_defaults();
    if told.permissions.sticky && plain {
        return AccessSpec {
            owner,
            group,
            permissions: Some(told.permissions.to_string()),
            ..AccessSpec::default()
        };
    }
    if told.permissions.sticky {
        notes.push(format!(
            "{at} has the sticky bit, which cannot be said beside acl. It stays as it is."
        ));
    }
    AccessSpec {
        owner,
        group,
        acl: list(at, &told.acl, notes),
        acl_mode: AclMode::Set,
        ..AccessSpec::default()
    }
}

fn list(at: &str, told: &Acl, notes: &mut Vec<String>) -> Option<Vec<String>> {
    let text = told.to_string();
    let sayable = |acl: Acl| acl.complete().is_ok() && !acl.has_names();
    if Acl::parse(&text).is_ok_and(sayable) {
        return Some(text.split(',').map(str::to_owned).collect());
    }
    notes.push(format!(
        "{at}.acl is left out: the list names somebody in a form that no DataLakeAccount says. It stays as it is."
    ));
    None
}
