//! Specs and looks for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Told;
use super::*;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{Acl, FilesystemName, Properties};
use crate::data_lake_account::api::DataLakeAccountSpec;

pub(super) const ADA: &str = "aaaaaaaa-271f-439e-b031-25678907d381";
pub(super) const BOB: &str = "bbbbbbbb-271f-439e-b031-25678907d381";
pub(super) const OPERATOR: &str = "00000000-271f-439e-b031-25678907d381";

/// A spec with these fields besides those that every one has.
pub(super) fn spec(fields: Value) -> DataLakeAccountSpec {
    let mut all = json!({
        "subscriptionId": "44444444-4444-4444-4444-444444444444",
        "resourceGroup": { "name": "rg" },
        "location": "westeurope",
    });
    let Value::Object(fields) = fields else {
        panic!("fields of a spec: {fields}");
    };
    all.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(all).unwrap()
}

/// One filesystem, raw, with these fields.
pub(super) fn raw(fields: Value) -> Lake {
    let mut filesystem = json!({ "name": "raw" });
    let Value::Object(fields) = fields else {
        panic!("fields of a filesystem: {fields}");
    };
    filesystem.as_object_mut().unwrap().extend(fields);
    valid::parse(&spec(json!({ "filesystems": [filesystem] }))).unwrap()
}

/// A list, with `$A` and `$B` for ids.
pub(super) fn acl(text: &str) -> Acl {
    Acl::told(&text.replace("$A", ADA).replace("$B", BOB)).unwrap()
}

pub(super) fn entries(text: &str) -> Value {
    let text = text.replace("$A", ADA).replace("$B", BOB);
    json!(text.split(',').collect::<Vec<_>>())
}

pub(super) fn name() -> FilesystemName {
    "raw".parse().unwrap()
}

pub(super) fn at(path: &str) -> Place {
    Place::new(&name(), &path.parse().unwrap())
}

pub(super) fn here() -> Stands {
    Stands::Here {
        properties: Properties::default(),
        scope: None,
        etag: Some("\"1\"".to_owned()),
    }
}

/// A directory with a list of operator's.
pub(super) fn directory(list: &str) -> PathSeen {
    PathSeen::Here(Here {
        thing: Some(Thing::Directory),
        told: told(list),
        ..Here::default()
    })
}

pub(super) fn file(content: &Content, list: &str) -> PathSeen {
    PathSeen::Here(Here {
        thing: Some(Thing::File),
        holds: Some(Holds {
            length: content.length,
            md5: Some(content.md5.clone()),
            etag: Some("\"7\"".to_owned()),
        }),
        told: told(list),
        ..Here::default()
    })
}

pub(super) fn told(list: &str) -> Told {
    let acl = acl(list);
    Told {
        owner: Some(OPERATOR.parse().unwrap()),
        group: Some("$superuser".parse().unwrap()),
        permissions: Some(acl.permissions(false)),
        acl: Some(acl),
    }
}

/// What a file is to hold, by a word.
pub(super) fn content(word: &str) -> Content {
    Content {
        length: u64::try_from(word.len()).unwrap(),
        md5: format!("md5 of {word}"),
    }
}

pub(super) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

/// Everything that a decision follows from, and what was seen.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) lake: Lake,
    pub(super) contents: BTreeMap<Place, Result<Content, Problem>>,
    pub(super) record: Record,
    pub(super) turn: Option<Turn>,
    pub(super) mode: Mode,
    pub(super) now: Timestamp,
    pub(super) seen: Seen,
}

impl Case {
    pub(super) fn new(lake: Lake) -> Self {
        Self {
            lake,
            contents: BTreeMap::new(),
            record: Record::default(),
            turn: None,
            mode: Mode::Manage,
            now: second(0),
            seen: Seen::default(),
        }
    }

    /// With the filesystem there.
    pub(super) fn there(lake: Lake) -> Self {
        let mut case = Self::new(lake);
        case.seen.saw_filesystem(&name(), here());
        case
    }

    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            lake: &self.lake,
            contents: &self.contents,
            record: &self.record,
            turn: self.turn,
            mode: self.mode,
            now: self.now,
        }
    }

    pub(super) fn plan(&self) -> Batch {
        plan(&self.inputs(), &self.seen)
    }

    pub(super) fn outcome(&self) -> Outcome {
        outcome(&self.inputs(), &self.seen)
    }

    pub(super) fn saw(&mut self, path: &str, seen: PathSeen) {
        self.seen.saw_path(&at(path), seen);
    }

    /// What came of a step.
    pub(super) fn came(&mut self, step: &Step, what: Came) {
        let kept = (&mut self.record, self.now);
        came(&self.lake, step, what, &mut self.seen, kept);
    }

    /// Carries out all steps of a plan that has no looks.
    pub(super) fn does(&mut self) -> Vec<String> {
        let batch = self.plan();
        assert_eq!(batch.looks, [], "reads are wanted first");
        for step in &batch.steps {
            self.came(step, Came::Done);
        }
        batch.steps.iter().map(told_ids).collect()
    }
}

/// A step in words, with `$A` and `$B` for ids.
pub(super) fn told_ids(step: &Step) -> String {
    step.to_string().replace(ADA, "$A").replace(BOB, "$B")
}
