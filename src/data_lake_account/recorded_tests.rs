use serde_json::json;

use super::*;
use crate::azure_resource::api::RoleAssignmentStatus;
use crate::azure_resource::note::begun;
use crate::azure_resource::values::Word;
use crate::data_lake_account::lake::Outcome;
use crate::data_lake_account::plan::fixtures::*;

#[test]
fn what_is_kept_comes_back_from_a_status() {
    let case = Case::new(json!({ "tags": { "team": "pay" } }));
    let mut record = case.recorded(&sees(Some(case.account())), false);
    assert_eq!((record.applied, record.tags.len()), (Some(1), 1));
    record.operation = Some(begun("CreateAccount", 1, "epoch", at(0)));
    record.lake_applied = Some(1);
    record.roles = vec![RoleAssignmentStatus {
        id: "/x".to_owned(),
        principal_id: ALICE.to_owned(),
        role: "Reader".to_owned(),
    }];
    let mut status = DataLakeAccountStatus::default();
    keep(&mut status, &record);
    assert_eq!(kept(&status), record);
}

#[test]
fn nothing_is_kept_of_a_lake_whose_account_is_made_anew() {
    let mut record = Record {
        applied: Some(1),
        lake_applied: Some(1),
        ..Record::default()
    };
    begins(&mut record, &Step::Delete);
    assert_eq!(record.lake_applied, Some(1));
    begins(&mut record, &Step::Create);
    assert_eq!((record.applied, record.lake_applied), (Some(1), None));
}

#[test]
fn a_spec_counts_as_written_when_nothing_is_left_to_write_of_the_account() {
    let case = Case::new(json!({ "sku": "Standard_ZRS", "accessTier": "Cool" }));
    let mut stuck = case.account();
    stuck.settings.sku = Word::new("Standard_LRS");
    let mut hot = stuck.clone();
    hot.settings.access_tier = Some(Word::new("Hot"));
    let lake = |account| Seen {
        came: Some(Outcome::default()),
        ..sees(Some(account))
    };
    let rows = [
        (sees(Some(stuck.clone())), false, Some(1)),
        (sees(Some(stuck.clone())), true, None),
        // It was the lake that was in trouble.
        (lake(stuck), true, Some(1)),
        (sees(Some(hot.clone())), false, None),
        (lake(hot), true, None),
        (sees(None), false, None),
    ];
    for (seen, problem, expected) in rows {
        assert_eq!(case.recorded(&seen, problem).applied, expected, "{seen:?}");
    }
}

#[test]
fn nothing_is_kept_of_what_is_somebody_elses() {
    let case = Case::new(json!({}));
    let seen = sees(Some(owned(case.account(), FOREIGN)));
    assert_eq!(case.recorded(&seen, true), Record::default());
}
