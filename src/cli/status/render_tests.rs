use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::super::operator::Look;
use super::super::standing::{Told, Wanted};
use super::*;

const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn object(kind: &'static str, namespace: Option<&str>, name: &str, status: Value) -> Standing {
    let metadata = json!({"name": name, "namespace": namespace, "generation": 1, "creationTimestamp": "2026-11-20T12:00:00Z"});
    let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
    let wanted: Wanted =
        serde_json::from_value(json!({"identityRef": {"kind": "AzureIdentity", "name": "sp"}}))
            .unwrap();
    let told: Told = serde_json::from_value(status).unwrap();
    Standing::of(kind, &metadata, &wanted, &told, now())
}

fn said(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-22T11:00:00Z"})
}

fn report() -> Report {
    let well = json!({"observedGeneration": 1, "lastChecked": "2026-11-22T11:55:00Z", "nextCheck": "2026-11-22T12:05:00Z",
        "conditions": [said("Synced", "True", "UpToDate", "m"), said("Ready", "True", "AllKeysPresent", "m")]});
    let wrong = json!({"observedGeneration": 1,
        "conditions": [said("Synced", "False", "Forbidden", "no \u{1b}[31mrole. Mend: give it one")]});
    let waiting = json!({"observedGeneration": 1, "conditions": [said("Ready", "False", "Provisioning", "Azure makes it")]});
    let objects = vec![
        object(
            "ClusterAzureIdentity",
            None,
            "shared",
            json!({"observedGeneration": 1, "conditions": [said("Ready", "True", "TokenAcquired", "m")]}),
        ),
        object("KeyVault", Some("team"), "kv", waiting),
        object("VaultSecretSync", Some("team"), "app", well),
        object("VaultSecretSync", Some("team"), "db", wrong),
    ];
    let operator = Operator::of(
        "lakevault-system",
        &Look::Unread("forbidden".to_owned()),
        None,
        now(),
    );
    Report {
        operators: vec![operator],
        objects,
        unread: Vec::new(),
    }
}

fn manner(form: Form) -> Manner<'static> {
    Manner {
        form,
        namespaces: true,
        problems: false,
        program: "kubectl lakevault",
        now: now(),
    }
}

#[test]
fn a_table_has_a_line_for_each_object_and_below_it_what_is_wrong() {
    let expected = "\
! Operator in lakevault-system
    NotReadable: Deployments in namespace lakevault-system could not be read: forbidden

NAMESPACE   KIND                   NAME     STATE     REASON          LOOKED   AGE
<none>      ClusterAzureIdentity   shared   Ok        TokenAcquired   <none>   2d
team        KeyVault               kv       Waiting   Provisioning    <none>   2d
team        VaultSecretSync        app      Ok        UpToDate        5m ago   2d
team        VaultSecretSync        db       Problem   Forbidden       <none>   2d

… KeyVault team/kv
    Ready, Provisioning for 60m: Azure makes it

✗ VaultSecretSync team/db
    Synced, Forbidden for 60m: no  [31mrole.
    Mend: give it one
    More: docs/troubleshooting.md#forbidden; kubectl lakevault diagnose -n team sync/db

2 ok, 1 waiting, 1 with a problem
";
    assert_eq!(render(&report(), manner(Form::Table)).unwrap(), expected);
}

#[test]
fn wide_tells_identity_and_the_next_look() {
    let text = render(&report(), manner(Form::Wide)).unwrap();
    let line = text.lines().find(|line| line.contains(" app ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(8).collect();
    assert_eq!(
        words,
        ["True", "True", "in", "5m", "AzureIdentity/sp"],
        "{line}"
    );
}

#[test]
fn problems_alone_leave_out_what_is_well_or_waits_and_count_it() {
    let only = Manner {
        problems: true,
        namespaces: false,
        ..manner(Form::Table)
    };
    let text = render(&report(), only).unwrap();
    assert!(text.contains("db") && !text.contains("shared"), "{text}");
    assert!(!text.contains("NAMESPACE") && text.contains("2 ok, 1 waiting, 1 with a problem"));
}

#[test]
fn json_and_yaml_say_the_same() {
    let json: Value =
        serde_json::from_str(&render(&report(), manner(Form::Json)).unwrap()).unwrap();
    let yaml: Value =
        serde_saphyr::from_str(&render(&report(), manner(Form::Yaml)).unwrap()).unwrap();
    assert_eq!(json, yaml);
    let db = &json["objects"][3];
    assert_eq!(
        (&db["kind"], &db["state"], &db["findings"][0]["mend"]),
        (
            &"VaultSecretSync".into(),
            &"Problem".into(),
            &"give it one".into()
        )
    );
}

#[test]
fn what_could_not_be_read_is_a_problem() {
    let mut report = report();
    report.objects.retain(|object| object.state == State::Ok);
    assert!(!report.has_problem());
    report
        .unread
        .push("KeyVault: failed to read: forbidden".to_owned());
    assert!(report.has_problem());
    let text = render(&report, manner(Form::Table)).unwrap();
    assert!(
        text.contains("✗ KeyVault: failed to read: forbidden"),
        "{text}"
    );
}

#[test]
fn spans_are_told_in_their_largest_unit() {
    for (seconds, told) in [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7_200, "2h"),
        (172_800, "2d"),
    ] {
        assert_eq!(span(SignedDuration::from_secs(seconds)), told);
    }
}
