//! What kubectl, kustomize and kstatus want of the definitions.

use serde_json::Value;

use crate::definitions;

/// How the API server merges each list where several managers apply it. A list that is not named here is taken as a whole by who
/// applied it last (`atomic`); of a spec these are they.
#[test]
fn every_list_of_a_spec_says_how_it_is_merged() {
    let atomic = [
        // Order counts, or nothing tells entries apart that every entry has.
        "clusterazureidentities.spec.allow",
        "datalakeaccounts.spec.outputs.sas",
        "keyvaults.spec.accessPolicies",
        "vaultsecretsyncs.spec.data",
        "vaultsecretsyncs.spec.dataFrom",
        "vaultsecretsyncs.spec.push",
        "vaultsecretsyncs.spec.rollout",
        "vaultsecretsyncs.spec.windows",
        // An access list is one sentence.
        "datalakeaccounts.spec.filesystems.directories.acl",
        "datalakeaccounts.spec.filesystems.files.acl",
        "datalakeaccounts.spec.filesystems.root.acl",
        "datalakeaccounts.spec.lifecycleRules.prefixes",
    ];
    let (mut whole, mut merged) = (Vec::new(), 0);
    for crd in definitions() {
        let plural = &crd["spec"]["names"]["plural"];
        let plural = plural.as_str().unwrap_or_default();
        let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        lists(spec, &format!("{plural}.spec"), &mut whole, &mut merged);
    }
    whole.sort_unstable();
    let mut atomic = atomic.to_vec();
    atomic.sort_unstable();
    assert_eq!(whole, atomic);
    assert!(merged > 8, "{merged}");
}

/// Lists that are taken as a whole; what lies in one goes with it.
fn lists(schema: &Value, path: &str, whole: &mut Vec<String>, merged: &mut usize) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let items = &field["items"];
        match field["x-kubernetes-list-type"].as_str() {
            Some("map" | "set") => *merged += 1,
            _ if items.is_object() => {
                whole.push(path);
                continue;
            }
            _ => {}
        }
        let inner = if items.is_object() { items } else { field };
        lists(inner, &path, whole, merged);
    }
}

#[test]
fn every_field_that_the_api_server_fills_in_says_so() {
    for crd in definitions() {
        let plural = &crd["spec"]["names"]["plural"];
        let plural = plural.as_str().unwrap_or_default();
        let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut silent = Vec::new();
        silently_filled(spec, plural, &mut silent);
        assert!(silent.is_empty(), "no `Default:` is told of {silent:?}");
    }
}

fn silently_filled(schema: &Value, path: &str, silent: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let told = field["description"].as_str().unwrap_or_default();
        if let Some(filled) = field.get("default")
            && !told.contains(&format!("Default: {}", word(filled)))
        {
            silent.push(path.clone());
        }
        silently_filled(field, &path, silent);
        silently_filled(&field["items"], &path, silent);
    }
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// kstatus takes an object without `observedGeneration` for one that is as it should be.
#[test]
fn an_object_that_nobody_has_seen_says_so() {
    for crd in definitions() {
        let plural = &crd["spec"]["names"]["plural"];
        let plural = plural.as_str().unwrap_or_default();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let status = &schema["properties"]["status"]["default"];
        assert_eq!(status["observedGeneration"], -1, "{plural}");
    }
}
