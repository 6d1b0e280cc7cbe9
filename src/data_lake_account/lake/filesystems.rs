//! What is next for filesystems. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Made;
use super::seen::{Contents, FilesystemSeen, Look, Seen, Stands};
use super::step::Step;
use super::valid::Filesystem;
use super::{Found, Inputs, paths, told};
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::azure_resource::api::Mode;
use crate::data_lake_account::api::{DeletionPolicy, Generation};
use crate::names::NameError;

/// The field of a filesystem.
pub(super) fn field(name: &FilesystemName) -> String {
    format!("filesystems[{name}]")
}

/// What is next for a filesystem of the spec, and for what is in it.
pub(super) fn wanted(
    inputs: &Inputs<'_>,
    seen: &Seen,
    (name, wanted): (&FilesystemName, &Filesystem),
    found: &mut Found,
) {
    let nothing = FilesystemSeen::default();
    let seen = seen.of(name).unwrap_or(&nothing);
    // A Data Lake Store is one filesystem, which is there.
    if inputs.lake.generation == Generation::Gen1 {
        return paths::wanted(inputs, seen, (name, wanted), found);
    }
    match &seen.stands {
        None if is_due(inputs, name, seen) => {
            found.batch.looks.push(Look::Filesystem(name.clone()));
            return;
        }
        None => {}
        Some(Err(problem)) => {
            found.problems.push((field(name), problem.clone()));
            return;
        }
        Some(Ok(Stands::BeingDeleted)) => {
            found.waits.push((field(name), told::being_deleted(name)));
            return;
        }
        Some(Ok(Stands::Absent { deleted: true })) => {
            found.problems.push((field(name), told::soft_deleted(name)));
            return;
        }
        Some(Ok(Stands::Absent { deleted: false })) => {
            found.batch.steps.push(Step::CreateFilesystem {
                name: name.clone(),
                properties: wanted.properties.clone(),
                scope: wanted.scope.clone(),
            });
            return;
        }
        Some(Ok(Stands::Here {
            properties, etag, ..
        })) => {
            let made = inputs.record.filesystems.get(name);
            match merged(wanted, made, properties) {
                Ok(target) if target == *properties => {}
                Ok(target) => found.batch.steps.push(Step::SetProperties {
                    name: name.clone(),
                    properties: target,
                    etag: etag.clone(),
                }),
                Err(error) => {
                    let problem = told::strange_property(name, &error.to_string());
                    found.problems.push((field(name), problem));
                }
            }
        }
    }
    paths::wanted(inputs, seen, (name, wanted), found);
}

fn is_due(inputs: &Inputs<'_>, name: &FilesystemName, seen: &FilesystemSeen) -> bool {
    let turn = inputs.turn;
    turn.is_none_or(|turn| turn.has(name, &LakePath::root())) || seen.again_whole > 0
}

/// All properties that a filesystem is to have: those of the spec, and those that are neither the spec's nor were set for an earlier
/// one. Names have no case; they keep the one in which they are there.
pub(super) fn merged(
    wanted: &Filesystem,
    made: Option<&Made>,
    there: &Properties,
) -> Result<Properties, NameError> {
    let none = BTreeSet::new();
    let set = made.map_or(&none, |made| &made.properties);
    let said = |name: &str| {
        let mut all = wanted.properties.all().iter();
        all.find(|(one, _)| one.eq_ignore_ascii_case(name))
    };
    let mut target = BTreeMap::new();
    for (name, value) in there.all() {
        match said(name) {
            Some((_, value)) => target.insert(name.clone(), value.clone()),
            None if set.iter().any(|one| one.eq_ignore_ascii_case(name)) => None,
            None => target.insert(name.clone(), value.clone()),
        };
    }
    for (name, value) in wanted.properties.all() {
        let has = target.keys().any(|one| one.eq_ignore_ascii_case(name));
        if !has {
            target.insert(name.clone(), value.clone());
        }
    }
    if target == *there.all() {
        return Ok(there.clone());
    }
    Properties::new(target)
}

/// What is next for filesystems that went from the spec. They are looked at with everything else, since a spec from which one goes
/// is another generation; nothing goes while Azure is only observed.
pub(super) fn dropped(inputs: &Inputs<'_>, seen: &Seen, found: &mut Found) {
    let quiet = inputs.mode == Mode::Observe || inputs.turn.is_some();
    if quiet || inputs.lake.generation == Generation::Gen1 {
        return;
    }
    for (name, made) in &inputs.record.filesystems {
        let goes = !made.found && made.policy == DeletionPolicy::Delete;
        if !goes || inputs.lake.filesystems.contains_key(name) {
            continue;
        }
        let contents = seen.of(name).and_then(|seen| seen.contents.as_ref());
        let delete = || Step::DeleteFilesystem { name: name.clone() };
        match contents {
            None => found.batch.looks.push(Look::Contents(name.clone())),
            Some(Err(problem)) => found.problems.push((field(name), problem.clone())),
            Some(Ok(Contents::Gone)) => {}
            Some(Ok(Contents::Nothing)) => found.batch.steps.push(delete()),
            Some(Ok(Contents::Something)) if inputs.lake.force => found.batch.steps.push(delete()),
            Some(Ok(Contents::Something)) => {
                let problem = told::not_empty(name);
                found.problems.push((field(name), problem));
            }
        }
    }
}
