use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::*;
use crate::data_lake_account::api::SasStatus;
use crate::data_lake_account::outputs::fixtures::{account, owner, wanted};
use crate::data_lake_account::outputs::record::Record;
use crate::data_lake_account::outputs::seen::Labelled;
use crate::data_lake_account::outputs::wanted::Wanted;

const NOW: &str = "2026-11-22T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ours(keys: &[&str]) -> Target {
    Target {
        uid: "u".to_owned(),
        version: "1".to_owned(),
        whose: Whose::Ours,
        dressed: true,
        intact: keys.iter().map(|key| (*key).to_owned()).collect(),
        data: BTreeMap::new(),
    }
}

fn decide(wanted: &Wanted, record: &Record, targets: Targets) -> Next {
    let (account, owner) = (account(), owner());
    let inputs = Inputs {
        account: &account,
        wanted,
        owner: &owner,
        record,
        now: at(NOW),
    };
    let seen = Seen {
        targets: Some(targets),
        ..Seen::default()
    };
    next(&inputs, &seen)
}

fn map_of(data: BTreeMap<String, String>) -> Targets {
    let keys: Vec<String> = data.keys().cloned().collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    Targets {
        config_map: Some(Target {
            data,
            ..ours(&keys)
        }),
        ..Targets::default()
    }
}

#[test]
fn a_config_map_is_written_where_it_is_not_as_wanted() {
    let wanted = wanted(serde_json::json!({"configMap": "lake-connection"}));
    let record = Record::default();
    let right = config_map(&account());
    assert_eq!(decide(&wanted, &record, map_of(right.clone())), Next::Rest);

    let write = Next::Do(Step::WriteConfigMap("lake-connection".parse().unwrap()));
    let mut changed = right.clone();
    changed.insert("location".to_owned(), "elsewhere".to_owned());
    let mut further = right;
    further.insert("gone".to_owned(), "was ours".to_owned());
    for data in [changed, further, BTreeMap::new()] {
        assert_eq!(decide(&wanted, &record, map_of(data)), write);
    }
    assert_eq!(decide(&wanted, &record, Targets::default()), write);
}

fn signed(expires: &str, of: &str) -> Record {
    Record {
        keys: None,
        sas: vec![SasStatus {
            secret: "lake-reader".to_owned(),
            key: "sas".to_owned(),
            of: of.to_owned(),
            expires: Time(at(expires)),
            signed_by: None,
        }],
    }
}

#[test]
fn a_signature_is_due_by_its_text_its_time_and_its_damage() {
    let wanted = wanted(
        serde_json::json!({"sas": [{"secret": "lake-reader", "filesystem": "raw", "lifetime": "24h"}]}),
    );
    let there = |keys: &[&str]| Targets {
        secrets: BTreeMap::from([("lake-reader".parse().unwrap(), ours(keys))]),
        ..Targets::default()
    };
    let of = "UserDelegation rl 86400s raw";
    let fresh = signed("2026-11-22T20:00:01Z", of);
    assert_eq!(decide(&wanted, &fresh, there(&["sas"])), Next::Rest);

    let asks = Next::Look(Look::Delegation {
        from: at("2026-11-22T11:55:00Z"),
        until: at("2026-11-23T11:55:00Z"),
    });
    let third = signed("2026-11-22T20:00:00Z", of);
    let other = signed("2026-11-22T20:00:01Z", "UserDelegation r 86400s raw");
    for (record, targets) in [
        (&third, there(&["sas"])),
        (&other, there(&["sas"])),
        (&fresh, there(&[])),
        (&fresh, Targets::default()),
    ] {
        assert_eq!(decide(&wanted, record, targets), asks);
    }
}

#[test]
fn what_is_somebody_elses_is_left_and_told() {
    let wanted = wanted(
        serde_json::json!({"configMap": "lake", "sas": [{"secret": "lake", "filesystem": "raw"}]}),
    );
    let foreign = || Target {
        whose: Whose::Foreign(Some("VaultSecretSync app".to_owned())),
        ..ours(&[])
    };
    let targets = Targets {
        config_map: Some(foreign()),
        secrets: BTreeMap::from([("lake".parse().unwrap(), foreign())]),
        labelled: vec![],
    };
    let (account, owner, record) = (account(), owner(), Record::default());
    let inputs = Inputs {
        account: &account,
        wanted: &wanted,
        owner: &owner,
        record: &record,
        now: at(NOW),
    };
    let seen = Seen {
        targets: Some(targets),
        ..Seen::default()
    };
    assert_eq!(next(&inputs, &seen), Next::Rest);
    let told = problem(&inputs, &seen).unwrap();
    assert_eq!(told.reason, Reason::TargetNotOurs);
    assert!(
        told.message
            .contains("ConfigMap lake is controlled by VaultSecretSync app")
    );
}

#[test]
fn only_what_is_ours_goes_with_the_spec() {
    let labelled = |name: &str, whose| Labelled {
        kind: Kind::Secret,
        name: name.to_owned(),
        target: Target { whose, ..ours(&[]) },
    };
    let targets = Targets {
        labelled: vec![
            labelled("theirs", Whose::Foreign(None)),
            labelled("going", Whose::Deleting),
            labelled("old", Whose::Ours),
        ],
        ..Targets::default()
    };
    let step = Step::Delete {
        kind: Kind::Secret,
        name: "old".to_owned(),
        uid: "u".to_owned(),
    };
    assert_eq!(
        decide(&Wanted::default(), &Record::default(), targets),
        Next::Do(step)
    );
}

fn metadata(controller: Option<(&str, &str, &str)>, applied: bool) -> ObjectMeta {
    let owners = controller.map(|(kind, name, uid)| {
        serde_json::json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": true}])
    });
    let manager = if applied {
        "lakevault-outputs/lake"
    } else {
        "kubectl"
    };
    serde_json::from_value(serde_json::json!({
        "uid": "u", "resourceVersion": "7",
        "labels": {"lakevault.dev/managed": "true", "lakevault.dev/outputs-of": "lake"},
        "ownerReferences": owners,
        "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {"f:sas": {}}}}]
    }))
    .unwrap()
}

#[test]
fn whose_an_object_is() {
    let read = |controller, applied| Target::read(&metadata(controller, applied), &owner());
    let own = read(Some(("DataLakeAccount", "lake", "uid-lake")), true);
    assert_eq!(own.whose, Whose::Ours);
    assert!(own.dressed);
    assert_eq!(own.intact, BTreeSet::from(["sas".to_owned()]));

    let lost_owner = read(None, true);
    assert_eq!(lost_owner.whose, Whose::Ours);
    assert!(!lost_owner.dressed, "its owner is written again");

    let earlier = read(Some(("DataLakeAccount", "lake", "older")), true);
    assert_eq!(earlier.whose, Whose::Earlier);
    assert_eq!(read(None, false).whose, Whose::Foreign(None));
}

#[test]
fn who_does_not_know_what_became_of_a_key_comes_back_when_that_is_over() {
    use crate::data_lake_account::api::{AccountKey, KeysStatus, RenewingStatus};

    let wanted = wanted(serde_json::json!({"keys": {"secret": "lake", "rotateAfter": "1h"}}));
    let (account, owner) = (account(), owner());
    let time = |text: &str| Time(at(text));
    let mut record = Record {
        keys: Some(KeysStatus {
            in_use: AccountKey::Key1,
            created: None,
            since: Some(time("2026-11-22T10:00:00Z")),
            renewing: Some(RenewingStatus {
                key: AccountKey::Key2,
                was: None,
                until: time("2026-11-22T12:00:40Z"),
            }),
        }),
        sas: Vec::new(),
    };
    let due = |record: &Record| {
        again(&Inputs {
            account: &account,
            wanted: &wanted,
            owner: &owner,
            record,
            now: at(NOW),
        })
    };
    // The next key is overdue by then.
    assert_eq!(due(&record), Some(at("2026-11-22T12:00:40Z")));
    record.forgets_renewal();
    assert_eq!(due(&record), Some(at("2026-11-22T11:00:00Z")));
}
