use serde_json::{Value, json};

use super::*;
use crate::azure_resource::status::{DELETING, DRIFTED, SYNCED};
use crate::azure_resource::values::Word;
use crate::data_lake_account::lake::Outcome;
use crate::data_lake_account::plan::fixtures::{Case, at, seen_in, sees, trouble as fault};
use crate::data_lake_account::plan::{Record, Seen};

struct Told {
    case: Case,
    seen: Seen,
    problem: Option<Problem>,
}

impl Told {
    fn new(spec: Value) -> Self {
        let case = Case::new(spec);
        let seen = sees(Some(case.account()));
        Self {
            case,
            seen,
            problem: None,
        }
    }

    fn status(&self) -> DataLakeAccountStatus {
        let record = self.case.recorded(&self.seen, self.problem.is_some());
        let case = Case {
            record: record.clone(),
            ..self.case.clone()
        };
        let report = Look {
            inputs: Some(case.inputs()),
            seen: &self.seen,
            record: &record,
            planned: &[],
            problem: self.problem.as_ref(),
            leaving: self.case.leaving,
            sync_at: None,
        };
        status(&DataLakeAccountStatus::default(), Some(1), &report, at(0))
    }

    fn says(&self, type_: &str) -> String {
        let status = self.status();
        let found = find(&status.resource.conditions, type_);
        found.map_or_else(
            || "nothing".to_owned(),
            |one| format!("{} {}", one.status, one.reason),
        )
    }

    /// What the lake has come to.
    fn lake(mut self, reason: Option<Reason>) -> Self {
        self.problem = reason.map(fault);
        self.seen.came = Some(Outcome {
            problem: self.problem.clone(),
            ..Outcome::default()
        });
        self
    }
}

#[test]
fn an_account_that_is_as_declared_is_told_with_its_endpoints() {
    let told = Told::new(json!({}));
    let status = told.status();
    assert_eq!(
        status.endpoints.dfs.as_deref(),
        Some("https://lakea.dfs.core.windows.net/")
    );
    assert_eq!(
        status.resource.provisioning_state.as_deref(),
        Some("Succeeded")
    );
    for (type_, expected) in [
        (READY, "True Available"),
        (SYNCED, "True AsDeclared"),
        (DRIFTED, "False InSync"),
        (PLANE, "nothing"),
        (DELETING, "nothing"),
    ] {
        assert_eq!(told.says(type_), expected, "{type_}");
    }
}

#[test]
fn trouble_with_a_lake_leaves_its_account_ready() {
    let spec = json!({ "filesystems": [{ "name": "raw" }] });
    for (reason, plane, ready) in [
        (None, "True Answers", "True Available"),
        (Some(Reason::Forbidden), "True Forbidden", "True Available"),
        (
            Some(Reason::RolePropagating),
            "True RolePropagating",
            "True Available",
        ),
        (
            Some(Reason::ForbiddenByNetwork),
            "False ForbiddenByNetwork",
            "True Available",
        ),
        (
            Some(Reason::HostNotFound),
            "False HostNotFound",
            "False HostNotFound",
        ),
        (Some(Reason::PathConflict), "True Answers", "True Available"),
    ] {
        let told = Told::new(spec.clone()).lake(reason);
        assert_eq!(told.says(PLANE), plane, "{reason:?}");
        assert_eq!(told.says(READY), ready, "{reason:?}");
        let synced = reason.map_or_else(
            || "True AsDeclared".to_owned(),
            |reason| format!("False {}", reason.as_str()),
        );
        assert_eq!(told.says(SYNCED), synced);
    }
}

#[test]
fn what_cannot_be_changed_is_told_with_its_mend() {
    let mut told = Told::new(json!({ "sku": "Standard_ZRS" }));
    seen_in(&mut told.seen).settings.sku = Word::new("Standard_LRS");
    assert_eq!(told.says(SYNCED), "False CannotChange");
    let status = told.status();
    let synced = find(&status.resource.conditions, SYNCED).unwrap();
    assert!(
        synced
            .message
            .contains("az storage account migration start")
    );
    assert_eq!(status.resource.drift.len(), 1);
}

#[test]
fn a_lake_that_was_never_written_has_not_drifted() {
    let spec = json!({ "filesystems": [{ "name": "raw" }] });
    let mut told = Told::new(spec);
    assert_eq!(told.says(DRIFTED), "False NotApplied");
    told.case.record = Record {
        lake_applied: Some(1),
        ..Record::default()
    };
    assert_eq!(told.says(DRIFTED), "False InSync");
    told.seen.lake_differs = vec![Difference::new("filesystems[raw]", "a filesystem", "none")];
    assert_eq!(told.says(DRIFTED), "True Differs");
}

#[test]
fn what_is_waited_for_on_deletion_is_told() {
    let mut told = Told::new(json!({ "deletionPolicy": "Delete" }));
    told.case.leaving = true;
    told.problem = Some(fault(Reason::FilesystemNotEmpty));
    assert_eq!(told.says(DELETING), "True FilesystemNotEmpty");
    assert_eq!(told.says(READY), "True Available");
}
