use std::collections::BTreeMap;

use serde_json::json;

use super::*;

/// Fields that say how something is done that is done in another way here, or that Azure makes no use of.
const FORGOTTEN: [&str; 17] = [
    // A Stack's Resource Manager tells where its tokens come from.
    ".customCloudConfig.activeDirectoryEndpoint",
    "apiVersion",
    ".controller",
    ".refreshInterval",
    ".retrySettings.maxRetries",
    ".retrySettings.retryInterval",
    ".useAzureSDK",
    ".customCloudConfig.keyVaultEndpoint",
    ".audiences[0]",
    ".output.secret.chainOrder",
    ".metadata.apiVersion",
    ".metadata.kind",
    // Of a class with the node's identity, the tenant is told by that.
    ".parameters.tenantID",
    ".usePodIdentity",
    ".useVMManagedIdentity",
    ".provider.aws.service",
    ".provider.aws.region",
];

fn documents() -> Vec<(String, Value)> {
    let all = CORPUS.iter().flat_map(|(file, text)| {
        let read: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
        read.into_iter().map(|value| ((*file).to_owned(), value))
    });
    all.collect()
}

fn came(documents: &[(String, Value)]) -> Came {
    let mut input = Input::default();
    for (file, value) in documents {
        input.add(file, &value.to_string(), "team").unwrap();
    }
    Came::from(&input)
}

/// All places within a value: pointers, and whether an object stands there.
fn places(value: &Value, at: &str, found: &mut Vec<(String, bool)>) {
    match value {
        Value::Object(fields) => {
            found.push((at.to_owned(), true));
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{number}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push((at.to_owned(), false));
        }
    }
}

/// The objects that something is made of.
fn own(value: &Value) -> bool {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    version.contains('.') && !version.starts_with("apps") && !version.starts_with("batch")
}

/// As remarks write it.
fn shown(pointer: &str) -> String {
    let mut shown = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let is_index = part.parse::<usize>().is_ok();
        let (before, after) = if is_index { ("[", "]") } else { (".", "") };
        shown.extend([before, &part, after]);
    }
    shown
}

#[test]
fn the_corpus_becomes_what_lakevault_takes() {
    let came = Came::of(&CORPUS);
    let schemas: BTreeMap<String, Value> = crate::cli::crds()
        .unwrap()
        .into_iter()
        .map(|(_, yaml)| {
            let crd: Value = serde_saphyr::from_str(&yaml).unwrap();
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            (
                crd["spec"]["names"]["kind"].as_str().unwrap().to_owned(),
                schema.clone(),
            )
        })
        .collect();
    let text = came.printed();
    let read: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    assert_eq!(read.len(), came.0.made.len());
    for (made, read) in came.0.made.iter().zip(&read) {
        assert_eq!(&made.object, read);
        let kind = read["kind"].as_str().unwrap();
        known(
            &read["spec"],
            &schemas[kind]["properties"]["spec"],
            made.name(),
        );
        check::taken(read).unwrap_or_else(|why| panic!("{kind} {}: {why}", made.name()));
    }
    let refused: Vec<String> = came
        .remarks()
        .into_iter()
        .filter(|remark| remark.contains("Lakevault refuses"))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
    assert!(
        !text.contains("not-to-be-printed"),
        "a value of a Secret was printed"
    );
}

fn known(value: &Value, schema: &Value, place: &str) {
    for item in value.as_array().into_iter().flatten() {
        known(item, &schema["items"], place);
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let known_as = [&schema["properties"][name], &schema["additionalProperties"]];
        let schema = known_as.into_iter().find(|schema| !schema.is_null());
        known(
            field,
            schema.unwrap_or_else(|| panic!("no field {name:?} in {place}")),
            place,
        );
    }
}

#[test]
fn a_field_that_nobody_knows_is_told_wherever_it_stands() {
    let documents = documents();
    let mut tried = 0;
    for (number, (_, value)) in documents
        .iter()
        .enumerate()
        .filter(|(_, (_, value))| own(value))
    {
        let mut found = Vec::new();
        places(&value["spec"], "/spec", &mut found);
        for (place, _) in found.into_iter().filter(|(_, is_object)| *is_object) {
            let mut changed = documents.clone();
            changed[number].1.pointer_mut(&place).unwrap()["bogusField"] = json!("bogus-value");
            let came = came(&changed);
            let told = came
                .remarks()
                .iter()
                .any(|remark| remark.contains("bogusField"));
            let kept = came
                .0
                .made
                .iter()
                .any(|made| made.object.to_string().contains("bogusField"));
            let name = value["metadata"]["name"].as_str().unwrap();
            // What is of another provider, or told as a whole, is told before its fields are read.
            let whole = came
                .remarks()
                .iter()
                .any(|remark| remark.contains(&format!("{name}: ")) && told_whole(remark, &place));
            assert!(
                told || kept || whole,
                "{} {name} {place}: {:#?}",
                value["kind"],
                came.remarks()
            );
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

/// Whether a remark is on the field in which a place is, or on one around it.
fn told_whole(remark: &str, place: &str) -> bool {
    let shown = shown(place);
    let shown = shown.trim_start_matches('.');
    let at = remark.split(": ").nth(2).unwrap_or_default();
    let at = at
        .split(' ')
        .next()
        .unwrap_or_default()
        .trim_end_matches(':');
    !at.is_empty() && (at == "kind" || shown.starts_with(at))
}

#[test]
fn each_field_of_the_corpus_makes_a_difference_or_is_told() {
    let documents = documents();
    let said = |documents: &[(String, Value)]| {
        let came = came(documents);
        (came.printed(), came.remarks())
    };
    let before = said(&documents);
    let mut idle = Vec::new();
    for (number, (_, value)) in documents
        .iter()
        .enumerate()
        .filter(|(_, (_, value))| own(value))
    {
        let mut found = Vec::new();
        places(&value["spec"], "/spec", &mut found);
        for (place, _) in found.into_iter().filter(|(_, is_object)| !*is_object) {
            let field = shown(&place);
            let whole = before.1.iter().any(|remark| {
                remark.contains(&format!(
                    "{}: ",
                    value["metadata"]["name"].as_str().unwrap()
                )) && told_whole(remark, &place)
            });
            if whole || FORGOTTEN.iter().any(|forgotten| field.ends_with(forgotten)) {
                continue;
            }
            let mut changed = documents.clone();
            let leaf = changed[number].1.pointer_mut(&place).unwrap();
            *leaf = match &*leaf {
                Value::Bool(flag) => json!(!flag),
                Value::Number(_) => json!(7),
                Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    json!("changed")
                }
            };
            if said(&changed) == before {
                idle.push(format!(
                    "{} {} {field}",
                    value["kind"], value["metadata"]["name"]
                ));
            }
        }
    }
    assert_eq!(idle, Vec::<String>::new());
}

#[test]
fn remarks_name_file_object_field_and_what_was_seen() {
    let came = Came::of(&CORPUS);
    came.tells(&["externalsecret.yaml: ExternalSecret team/odd: spec.target.manifest ({\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}): "]);
    let lines = written::told(&came.0, &Input::default());
    assert_eq!(lines.len(), came.remarks().len() + 1);
    let text = came.printed();
    for remark in &came
        .0
        .made
        .iter()
        .flat_map(|made| made.remarks.clone())
        .collect::<Vec<_>>()
    {
        assert!(
            text.contains(&remark.note.what),
            "{remark:?} is in no comment"
        );
    }
}
