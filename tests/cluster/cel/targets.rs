//! Pairs for the Secret of a VaultSecretSync, its templates, and when it may change.

use serde_json::{Value, json};

use super::{Pair, names, pair, text};

pub fn target_pairs() -> Vec<Pair> {
    let target = |name: String| json!({"spec": {"target": {"name": name}}});
    let template = |template: Value| json!({"spec": {"template": template}});
    vec![
        pair(
            target("a-b.c".to_owned()),
            target("A_b".to_owned()),
            "spec.target.name",
        ),
        pair(
            target(text(253)),
            target(text(254)),
            "spec.target.name: Too long",
        ),
        pair(
            json!({"spec": {"target": {"ownership": "Merge"}}}),
            json!({"spec": {"target": {"ownership": "Share"}}}),
            "spec.target.ownership: Unsupported value",
        ),
        pair(
            json!({"spec": {"target": {"deletionPolicy": "Retain"}}}),
            json!({"spec": {"target": {"deletionPolicy": "Keep"}}}),
            "spec.target.deletionPolicy: Unsupported value",
        ),
        pair(
            template(json!({"labels": {"example.com/a": "b"}})),
            template(json!({"labels": {"lakevault.dev/managed": "no"}})),
            "labels of lakevault.dev belong to the operator",
        ),
        pair(
            template(json!({"annotations": {"example.com/a": "b"}})),
            template(json!({"annotations": {"sync.lakevault.dev/x": "{}"}})),
            "annotations of lakevault.dev belong to the operator",
        ),
        pair(
            template(json!({"labels": names(64)})),
            template(json!({"labels": names(65)})),
            "spec.template.labels: Too many",
        ),
        pair(
            template(json!({"annotations": names(64)})),
            template(json!({"annotations": names(65)})),
            "spec.template.annotations: Too many",
        ),
        pair(
            template(json!({"type": "kubernetes.io/tls"})),
            template(json!({"type": ""})),
            "spec.template.type",
        ),
        pair(
            template(json!({"type": text(253)})),
            template(json!({"type": text(254)})),
            "spec.template.type: Too long",
        ),
        pair(
            template(json!({"data": {"a": "x"}, "mergePolicy": "Merge"})),
            template(json!({"labels": {"a": "b"}, "mergePolicy": "Merge"})),
            "mergePolicy has no meaning without data",
        ),
        pair(
            template(json!({"data": {"a": "x"}, "mergePolicy": "Merge"})),
            template(json!({"data": {"a": "x"}, "mergePolicy": "Join"})),
            "spec.template.mergePolicy: Unsupported value",
        ),
        pair(
            template(json!({"data": {"a.b-c_D": "x"}})),
            template(json!({"data": {"a/b": "x"}})),
            "keys must have letters, digits, '-', '_' and '.' only, at most 253, and must neither be '.' nor start with '..'",
        ),
        pair(
            template(json!({"data": names(256)})),
            template(json!({"data": names(257)})),
            "spec.template.data: Too many",
        ),
        pair(
            json!({"spec": {"target": {"immutable": true, "recreate": true}}}),
            json!({"spec": {"target": {"ownership": "Merge", "immutable": true}}}),
            "immutable and recreate are for a Secret of the sync's own (ownership Own)",
        ),
        pair(
            json!({"spec": {"target": {"ownership": "Merge"}}}),
            json!({"spec": {"target": {"ownership": "Merge", "recreate": true}}}),
            "immutable and recreate are for a Secret of the sync's own (ownership Own)",
        ),
    ]
}

pub fn time_pairs() -> Vec<Pair> {
    let window = |schedule: &str, duration: &str, zone: &str| json!({"schedule": schedule, "duration": duration, "timeZone": zone});
    let windows = |window: Value| json!({"spec": {"windows": [window]}});
    let of = |duration: &str| windows(window("0 2 * * SAT", duration, "Europe/Berlin"));
    let scheduled = |schedule: String| windows(json!({"schedule": schedule, "duration": "1h"}));
    let many =
        |count: usize| json!({"spec": {"windows": vec![window("0 2 * * *", "1h", "UTC"); count]}});
    let warning = |warning: &str| json!({"spec": {"expiryWarning": warning}});
    vec![
        pair(of("1m"), of("59s"), "duration must be from 1m to 168h"),
        pair(of("168h"), of("168h1s"), "duration must be from 1m to 168h"),
        pair(of("4h30m"), of("4 hours"), "spec.windows[0].duration"),
        pair(
            of("4h"),
            of(&"1m".repeat(17)),
            "spec.windows[0].duration: Too long",
        ),
        pair(
            scheduled("0 2 * * *".to_owned()),
            scheduled("0 2 * *".to_owned()),
            "spec.windows[0].schedule",
        ),
        pair(
            scheduled(format!("{} 2 * * *", vec!["1"; 60].join(","))),
            scheduled(format!("{} 2 * * *", vec!["1"; 61].join(","))),
            "spec.windows[0].schedule: Too long",
        ),
        pair(
            windows(window("0 2 * * *", "1h", "America/Argentina/Buenos_Aires")),
            windows(window("0 2 * * *", "1h", "+01:00")),
            "spec.windows[0].timeZone",
        ),
        pair(
            windows(window("0 2 * * *", "1h", &text(64))),
            windows(window("0 2 * * *", "1h", &text(65))),
            "spec.windows[0].timeZone: Too long",
        ),
        pair(many(16), many(17), "spec.windows: Too many"),
        pair(
            json!({"spec": {"validity": "Ignore"}}),
            json!({"spec": {"validity": "Loose"}}),
            "spec.validity: Unsupported value",
        ),
        pair(warning("0s"), warning("-1h"), "spec.expiryWarning"),
        pair(
            warning("720h"),
            warning(&"1m".repeat(17)),
            "spec.expiryWarning: Too long",
        ),
    ]
}
