//! The committed `CustomResourceDefinitions` are those of the Rust types. `LAKEVAULT_BLESS=1` rewrites them.

use std::fs;
use std::path::Path;

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

#[test]
fn every_field_is_described() {
    for (plural, yaml) in lakevault::cli::crds().unwrap() {
        let crd: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut missing = Vec::new();
        undescribed(&schema["properties"], &plural, &mut missing);
        assert!(
            missing.is_empty(),
            "fields without a description: {missing:?}"
        );
    }
}

fn undescribed(properties: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
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
