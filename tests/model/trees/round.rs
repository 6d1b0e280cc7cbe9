//! The product's own plan of a lake, asked what comes next in a round that has met this.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use lakevault::azure::lake::access::{Failed, Swept};
use lakevault::azure::lake::paths::Thing;
use lakevault::azure::lake::{Acl, Properties};
use lakevault::azure_resource::api::Mode;
use lakevault::data_lake_account::api::{DataLakeAccountSpec, TreeStatus};
use lakevault::data_lake_account::lake::access::Told;
use lakevault::data_lake_account::lake::{
    Batch, Came, Content, Here, Inputs, Lake, Look, PathSeen, Place, Record, Seen, Stands, Step,
    came, outcome, plan, valid,
};
use lakevault::problem::{Problem, Reason};
use lakevault::retry::{Retry, after};
use serde_json::json;

use super::world::{Entry, Event, Kept, Run};

const ADA: &str = "aaaaaaaa-271f-439e-b031-25678907d381";

/// What files are to hold: there are none.
type Contents = BTreeMap<Place, Result<Content, Problem>>;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    LookFilesystem,
    LookPath,
    SetAccess,
    /// What a tree undoes is noted.
    Begin(Kept),
    Tree {
        from: Option<(u8, u8)>,
        /// The place that the round keeps.
        asked: Option<(u8, u8)>,
    },
    End {
        kept: Kept,
        whole: bool,
    },
}

/// What a round knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Knows {
    pub(super) next: Next,
    /// How far it is.
    pub(super) kept: Kept,
}

/// Both specs.
pub(super) struct Spec {
    lakes: [Lake; 2],
    lists: [Acl; 2],
}

fn rights(list: u8) -> &'static str {
    if list == 1 { "r-x" } else { "rwx" }
}

fn place() -> Place {
    Place::new(&"raw".parse().unwrap(), &"sales".parse().unwrap())
}

fn time(seconds: u32) -> Timestamp {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    after(begin, Duration::from_secs(u64::from(seconds)))
}

fn seconds(time: Timestamp) -> u32 {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    u32::try_from(time.duration_since(begin).as_secs()).unwrap()
}

fn token((at, epoch): (u8, u8)) -> String {
    format!("{at}-{epoch}")
}

fn untoken(text: &str) -> (u8, u8) {
    let (at, epoch) = text.split_once('-').unwrap();
    (at.parse().unwrap(), epoch.parse().unwrap())
}

fn trouble() -> Problem {
    Problem::new(Reason::TimedOut, Retry::Backoff, "no answer")
}

impl Spec {
    pub(super) fn new() -> Self {
        let entries = |list: u8| {
            let own = format!("user:{ADA}:{}", rights(list));
            [
                "user::rwx".to_owned(),
                own,
                "group::r-x".to_owned(),
                "other::---".to_owned(),
            ]
        };
        let lake = |list: u8| {
            let spec: DataLakeAccountSpec = serde_json::from_value(json!({
                "subscriptionId": "44444444-4444-4444-4444-444444444444",
                "resourceGroup": { "name": "rg" },
                "location": "westeurope",
                "filesystems": [{ "name": "raw", "directories": [
                    { "path": "sales", "acl": entries(list), "recursive": true },
                ] }],
            }))
            .unwrap();
            valid::parse(&spec).unwrap()
        };
        let list = |list: u8| {
            let rest = format!("mask::{}", rights(list));
            let text = format!("{},{rest}", entries(list).join(","));
            Acl::told(&text).unwrap()
        };
        Self {
            lakes: [lake(1), lake(2)],
            lists: [list(1), list(2)],
        }
    }

    fn lake(&self, generation: u8) -> &Lake {
        &self.lakes[usize::from(generation - 1)]
    }

    fn told(&self, entry: Entry) -> Told {
        let acl = match entry {
            Entry::List(list) => self.lists[usize::from(list - 1)].clone(),
            Entry::Gone | Entry::Old | Entry::Theirs => {
                Acl::told("user::rwx,group::r-x,other::---").unwrap()
            }
        };
        Told {
            owner: Some("$superuser".parse().unwrap()),
            group: Some("$superuser".parse().unwrap()),
            permissions: Some(acl.permissions(false)),
            acl: Some(acl),
        }
    }

    /// The list that a text of a status is of: mode and entries.
    fn list(text: &str) -> u8 {
        let is_first = text.contains(&format!("{ADA}:{}", rights(1)));
        if is_first { 1 } else { 2 }
    }

    fn record(&self, kept: Kept) -> Record {
        let mut record = Record::default();
        if kept.list > 0 {
            let tree = TreeStatus {
                filesystem: "raw".to_owned(),
                path: "sales".to_owned(),
                acl: self.text(kept.list),
                continuation: kept.place.map(token),
                since: Time(time(kept.since)),
                done: kept.done.map(|done| Time(time(done))),
                directories: i64::from(kept.changed),
                files: 0,
                failures: i64::from(kept.failures),
                failed: Vec::new(),
            };
            record.trees.insert(place(), tree);
        }
        record
    }

    /// As the product writes it.
    fn text(&self, list: u8) -> String {
        let (mut record, mut seen) = (Record::default(), Seen::default());
        let inputs = Inputs {
            lake: self.lake(list),
            contents: &BTreeMap::new(),
            record: &Record::default(),
            turn: None,
            mode: Mode::Manage,
            now: time(0),
        };
        self.meet(&mut seen, Event::Filesystem);
        self.meet(&mut seen, Event::Path(Entry::List(list)));
        for step in plan(&inputs, &seen).steps {
            let lake = self.lake(list);
            came(lake, &step, Came::Done, &mut seen, (&mut record, time(0)));
        }
        record.trees[&place()].acl.clone()
    }

    fn kept(record: &Record) -> Kept {
        let Some(tree) = record.trees.get(&place()) else {
            return Kept::default();
        };
        Kept {
            list: Self::list(&tree.acl),
            place: tree.continuation.as_deref().map(untoken),
            since: seconds(tree.since.0),
            done: tree.done.as_ref().map(|done| seconds(done.0)),
            changed: u8::try_from(tree.directories).unwrap(),
            failures: u8::try_from(tree.failures).unwrap(),
        }
    }

    /// What a look has shown.
    fn meet(&self, seen: &mut Seen, event: Event) {
        match event {
            Event::Filesystem => {
                let here = Stands::Here {
                    properties: Properties::default(),
                    scope: None,
                    etag: None,
                };
                seen.saw_filesystem(&place().filesystem, here);
            }
            Event::Path(entry) => {
                let here = Here {
                    thing: Some(Thing::Directory),
                    told: self.told(entry),
                    ..Here::default()
                };
                seen.saw_path(&place(), PathSeen::Here(here));
            }
            Event::Set | Event::Begun | Event::Swept { .. } | Event::Lost | Event::Unsure => {}
        }
    }
}

fn swept(changed: u8, failed: u8, next: Option<(u8, u8)>) -> Swept {
    let entry = Failed {
        name: "sales/2".to_owned(),
        kind: "FILE".to_owned(),
        error_message: "no".to_owned(),
    };
    Swept {
        directories: u64::from(changed),
        files: 0,
        failures: u64::from(failed),
        failed_entries: vec![entry; usize::from(failed)],
        continuation: next.map(token),
    }
}

/// What comes next in a round. `silent` where a tree that begins notes nothing.
pub(super) fn next(spec: &Spec, run: &Run, now: u32, silent: bool) -> Knows {
    let lake = spec.lake(run.generation);
    let (mut record, mut seen) = (spec.record(run.began), Seen::default());
    let contents = BTreeMap::new();
    for event in &run.events {
        let step = planned(lake, &contents, &record, &seen, now)
            .steps
            .into_iter()
            .next();
        let Some(step) = step else {
            spec.meet(&mut seen, *event);
            continue;
        };
        let what = match *event {
            Event::Begun => {
                record.begins(&step, time(now));
                continue;
            }
            Event::Set => Came::Done,
            Event::Swept {
                changed,
                failed,
                next,
            } => Came::Swept(swept(changed, failed, next)),
            Event::Lost => Came::Lost(trouble()),
            Event::Unsure => Came::Unsure(trouble()),
            Event::Filesystem | Event::Path(_) => {
                spec.meet(&mut seen, *event);
                continue;
            }
        };
        came(lake, &step, what, &mut seen, (&mut record, time(now)));
    }
    let kept = Spec::kept(&record);
    let batch = planned(lake, &contents, &record, &seen, now);
    let next = match (batch.looks.first(), batch.steps.first()) {
        (_, Some(Step::SetAccess { .. })) => Next::SetAccess,
        (_, Some(step @ Step::Tree { from, .. })) => {
            let mut begun = record.clone();
            if !silent && begun.begins(step, time(now)) {
                Next::Begin(Spec::kept(&begun))
            } else {
                let from = from.as_deref().map(untoken);
                let asked = kept.place;
                Next::Tree { from, asked }
            }
        }
        (Some(Look::Filesystem(_)), _) => Next::LookFilesystem,
        (Some(Look::Path(..)), _) => Next::LookPath,
        (None, None) => {
            let whole = outcome(&with(lake, &contents, &record, now), &seen).whole;
            record.settle(lake, &seen);
            Next::End {
                kept: Spec::kept(&record),
                whole,
            }
        }
        other => panic!("{other:?} is no part of this model"),
    };
    Knows { next, kept }
}

fn with<'a>(lake: &'a Lake, contents: &'a Contents, record: &'a Record, now: u32) -> Inputs<'a> {
    Inputs {
        lake,
        contents,
        record,
        turn: None,
        mode: Mode::Manage,
        now: time(now),
    }
}

fn planned(lake: &Lake, contents: &Contents, record: &Record, seen: &Seen, now: u32) -> Batch {
    plan(&with(lake, contents, record, now), seen)
}
