//! The committed `CustomResourceDefinitions` are those of the Rust types, and the reference is what they say. `LAKEVAULT_BLESS=1`
//! rewrites both.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod conventions;
mod reference;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

#[test]
fn committed_definitions_equal_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let generated = lakevault::cli::crds().unwrap();
    if std::env::var_os("LAKEVAULT_BLESS").is_some() {
        for (plural, yaml) in &generated {
            fs::write(folder.join(format!("{plural}.yaml")), yaml).unwrap();
        }
    }
    for (plural, yaml) in &generated {
        let committed =
            fs::read_to_string(folder.join(format!("{plural}.yaml"))).unwrap_or_default();
        assert!(
            committed == *yaml,
            "crds/{plural}.yaml is not what the types say: run `make bless`"
        );
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        files,
        generated.len(),
        "crds/ holds a file that no type stands for"
    );
}

fn definitions() -> Vec<Value> {
    let all = lakevault::cli::crds().unwrap().into_iter();
    all.map(|(_, yaml)| serde_saphyr::from_str(&yaml).unwrap())
        .collect()
}

#[test]
fn the_reference_equals_the_definitions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let crds = definitions();
    let mut pages: Vec<(String, String)> = crds.iter().map(reference::page).collect();
    pages.push(("README.md".to_owned(), reference::index(&crds)));
    if std::env::var_os("LAKEVAULT_BLESS").is_some() {
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            committed == *text,
            "docs/reference/{name} is not what the definitions say: run `make bless`"
        );
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        files,
        pages.len(),
        "docs/reference/ holds a page of no kind"
    );
}

#[test]
fn the_reference_tells_every_rule_and_every_field_leads_somewhere() {
    for crd in definitions() {
        let (name, page) = reference::page(&crd);
        let anchors: Vec<&str> = between(&page, "<a id=\"", "\"");
        let different: BTreeSet<_> = anchors.iter().collect();
        assert_eq!(
            anchors.len(),
            different.len(),
            "{name}: an anchor is there twice"
        );
        let mut headings: Vec<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|heading| {
                heading
                    .replace(['.', '[', ']', '{', '}'], "")
                    .to_lowercase()
            })
            .collect();
        for led in between(&page, "](#", ")") {
            assert!(
                headings.iter().any(|heading| heading == led),
                "{name}: #{led}"
            );
        }
        let sections = headings.len();
        headings.sort();
        headings.dedup();
        assert_eq!(
            headings.len(),
            sections,
            "{name}: two headings with one anchor"
        );
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let wanted = rules(&schema["properties"]["spec"]);
        let told = page.replace("\\|", "|");
        assert!(
            wanted
                .iter()
                .all(|rule| told.contains(&format!("`{rule}`"))),
            "{name}"
        );
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(begin).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(end)?.0))
        .collect()
}

/// All that is checked by CEL, at any depth.
fn rules(schema: &Value) -> Vec<String> {
    let own = schema["x-kubernetes-validations"].as_array();
    let own = own.into_iter().flatten();
    let mut all: Vec<String> = own
        .filter_map(|rule| Some(rule["rule"].as_str()?.to_owned()))
        .collect();
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            all.extend(rules(&schema[inner]));
        }
    }
    for (_, field) in schema["properties"].as_object().into_iter().flatten() {
        all.extend(rules(field));
    }
    all
}

#[test]
fn every_field_is_described() {
    for (plural, yaml) in lakevault::cli::crds().unwrap() {
        let crd: Value = serde_saphyr::from_str(&yaml).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut missing = Vec::new();
        undescribed(&schema["properties"], &plural, &mut missing);
        assert!(
            missing.is_empty(),
            "fields without a description: {missing:?}"
        );
    }
}

fn undescribed(properties: &Value, path: &str, missing: &mut Vec<String>) {
    for (name, schema) in properties.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if schema["description"]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
        {
            missing.push(path.clone());
        }
        undescribed(&schema["properties"], &path, missing);
        undescribed(&schema["items"]["properties"], &path, missing);
    }
}
