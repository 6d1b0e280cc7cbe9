use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::data_lake_account::generation;
use crate::data_lake_account::plan::fixtures::{SUBSCRIPTION, object, versions};
use crate::data_lake_account::plan::next;
use crate::data_lake_account::plan::{Next, Step, fixtures};
use crate::data_lake_account::valid::desired;

fn gen1(mut spec: Value) -> DataLakeAccount {
    spec["generation"] = json!("Gen1");
    object(spec)
}

fn moved(spec: Value) -> Moved {
    to_gen2(&gen1(spec)).unwrap()
}

fn notes(moved: &Moved, word: &str) -> usize {
    moved
        .notes
        .iter()
        .filter(|note| note.contains(word))
        .count()
}

#[test]
fn the_new_form_is_another_object_of_the_same_name_in_azure() {
    let mut old = gen1(json!({ "tags": { "team": "pay" }, "deletionPolicy": "Delete" }));
    let annotations = [
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
        ("lakevault.dev/detach", "true"),
        ("example.com/ours", "x"),
    ];
    old.metadata.annotations = Some(
        annotations
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    );
    let moved = to_gen2(&old).unwrap();
    let new = &moved.object;
    assert_eq!(new.name_any(), "lakea-gen2");
    assert_eq!(new.namespace().as_deref(), Some("team"));
    assert_eq!(new.spec.azure_name.as_deref(), Some("lakea"));
    assert_eq!(new.spec.generation, Generation::Gen2);
    assert_eq!(new.spec.resource, old.spec.resource);
    assert_eq!(
        new.annotations().keys().collect::<Vec<_>>(),
        ["example.com/ours"]
    );
    assert_eq!((&new.metadata.uid, &new.status), (&None, &None));
    assert_eq!(new.spec.filesystems[0].name, "root");
    assert_eq!(notes(&moved, "check-name --name lakea"), 1);
    assert_eq!(notes(&moved, "abfss://root@lakea.dfs"), 1);
}

#[test]
fn a_long_name_is_cut_so_that_it_is_one_still() {
    let name = named(&format!("{}.-b", "a".repeat(57)));
    assert_eq!(name, format!("{}-gen2", "a".repeat(57)));
    assert_eq!(named(&"a".repeat(63)).len(), 63);
}

#[test]
fn what_has_no_equal_is_told_and_left_out() {
    let subnet = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/net/subnets/pods"
    );
    let moved = moved(json!({
        "networkRules": { "ipRules": ["10.0.0.0/24", "10.0.1.0/24", "203.0.113.7"], "subnets": [subnet] },
        "encryption": { "key": { "vaultRef": { "name": "kv" }, "name": "lake", "version": "0123456789abcdef0123456789abcdef" } },
        "outputs": { "configMap": "facts" },
        "roleAssignments": [{ "principalId": fixtures::ALICE, "role": "Owner" }],
        "filesystems": [{ "name": "root", "files": [{ "path": "a", "from": { "secret": { "name": "s", "key": "k" } } }] }],
    }));
    let spec = &moved.object.spec;
    let rules = spec.network_rules.as_ref().unwrap();
    assert_eq!(rules.ip_rules, ["203.0.113.7"]);
    assert_eq!(rules.subnets.len(), 1);
    assert_eq!(spec.encryption, None);
    let outputs = spec.outputs.as_ref().unwrap();
    assert_eq!(outputs.config_map.as_deref(), Some("facts-gen2"));
    for word in [
        "10.0.0.0-10.0.1.255 left out",
        "service endpoint Microsoft.Storage",
        "trusted services alone",
        "spec.encryption is left out",
        "facts-gen2",
        "Storage Blob Data Owner, Contributor",
        "add lakea-gen2 to the annotation lakevault.dev/allow-file of s",
    ] {
        assert_eq!(notes(&moved, word), 1, "{word}: {:#?}", moved.notes);
    }
}

#[test]
fn what_is_no_right_object_is_not_moved() {
    let problem = to_gen2(&gen1(json!({ "sku": "Standard_LRS" }))).unwrap_err();
    assert!(problem.message.starts_with("spec.sku"), "{problem}");
}

fn specs() -> impl Strategy<Value = Value> {
    let addresses = prop::sample::subsequence(
        vec![
            "10.0.0.0/8",
            "203.0.113.0/24",
            "203.0.113.2/31",
            "192.168.1.1",
            "0.0.0.0/0",
        ],
        0..4,
    );
    let rules = (addresses, any::<bool>(), any::<bool>()).prop_map(|(rules, open, azure)| {
        json!({
            "ipRules": rules, "defaultAction": if open { "Allow" } else { "Deny" },
            "bypass": if azure { json!(["AzureServices"]) } else { json!([]) },
        })
    });
    let key = json!({ "key": { "vaultRef": { "name": "kv" }, "name": "k", "version": "0123456789abcdef0123456789abcdef" } });
    let lake = json!([{ "name": "root", "root": { "permissions": "0750" }, "directories": [
        { "path": "a/b", "acl": ["user::rwx", "group::r-x", "other::---"], "recursive": true },
    ] }]);
    let fields = [
        ("encryption", key),
        ("filesystems", lake),
        ("outputs", json!({ "configMap": "facts" })),
        ("tags", json!({ "team": "pay" })),
        ("mode", json!("Observe")),
        ("adopt", json!("Always")),
        ("deletionPolicy", json!("Delete")),
        ("force", json!(true)),
        ("azureName", json!("another1")),
    ];
    let some = prop::sample::subsequence(fields.to_vec(), 0..fields.len());
    (some, prop::option::of(rules)).prop_map(|(fields, rules)| {
        let mut spec: serde_json::Map<String, Value> = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        spec.extend(rules.map(|rules| ("networkRules".to_owned(), rules)));
        Value::Object(spec)
    })
}

proptest! {
    /// What is written is a spec of the second generation that can be planned for.
    #[test]
    fn what_is_written_is_right_as_it_is(spec in specs()) {
        let mut new = moved(spec).object;
        new.metadata.uid = Some("uid-2".to_owned());
        // As a file carries it.
        let new: DataLakeAccount = serde_json::from_value(serde_json::to_value(&new).unwrap()).unwrap();
        let valid = parse(&new).unwrap();
        let wanted = desired(&new.spec, &valid, versions()).unwrap();
        prop_assert!(matches!(wanted, generation::Desired::Gen2(_)));
        let case = fixtures::Case { valid, desired: wanted, ..fixtures::Case::new(json!({})) };
        prop_assert_eq!(next(&case.inputs(), &fixtures::free()), Next::Do(Step::Create));
    }
}
