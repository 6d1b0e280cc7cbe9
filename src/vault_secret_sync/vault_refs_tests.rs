#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "tests give JSON as it is written, and a look-up may find nothing"
)]

use super::*;
use crate::vault_secret_sync::fixtures::sync_with;
use crate::vault_secret_sync::valid::{Valid, parse, parse_among};

/// The sync of `fixtures`, whose own vault is that of KeyVault `kv`, and whose second entry is of KeyVault `shared`.
fn spec() -> VaultSecretSyncSpec {
    sync().spec
}

fn sync() -> crate::vault_secret_sync::api::VaultSecretSync {
    sync_with(|spec| {
        spec["vaultRef"] = serde_json::json!({"name": "kv"});
        spec["data"][1]["vaultRef"] = serde_json::json!({"name": "shared"});
        spec.as_object_mut().unwrap().remove("vaultUri");
    })
}

fn key_vault(status: serde_json::Value) -> Told {
    Told::of(&object(status))
}

fn object(status: serde_json::Value) -> KeyVault {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault", "metadata": {"name": "kv", "namespace": "team"},
        "spec": {
            "subscriptionId": "44444444-4444-4444-4444-444444444444", "resourceGroup": {"name": "rg"},
            "location": "westeurope"
        },
        "status": status
    }))
    .unwrap()
}

fn at(uri: &str) -> Told {
    key_vault(serde_json::json!({ "vaultUri": uri }))
}

fn both(name: &str) -> Option<Told> {
    Some(at(&format!("https://{name}-1.vault.azure.net")))
}

fn condition(type_: &str, status: &str) -> serde_json::Value {
    serde_json::json!({
        "type": type_, "status": status, "reason": "Forbidden", "message": "no role", "lastTransitionTime": "2026-11-20T07:00:00Z"
    })
}

fn waiting(valid: &Valid) -> Vec<&Problem> {
    valid.referred.waiting.values().collect()
}

/// Why the sync's own vault is waited for, by what its KeyVault tells.
fn why(told: Option<&Told>) -> Problem {
    let valid = parse_among(&sync(), |name| match name {
        "kv" => told.cloned(),
        _ => both(name),
    });
    let valid = valid.unwrap();
    assert_eq!(valid.referred.waiting.len(), 1, "{valid:?}");
    let problem = valid
        .referred
        .why_not(valid.vault.as_ref().unwrap())
        .unwrap();
    assert_eq!(problem.reason, Reason::WaitingForVault);
    problem.clone()
}

#[test]
fn names_become_the_uris_that_their_key_vaults_tell() {
    let spec = spec();
    let (resolved, referred) = resolve(&spec, both).unwrap();
    let uri = Some("https://kv-1.vault.azure.net");
    assert_eq!(resolved.vault_uri.as_deref(), uri);
    let uri = Some("https://shared-1.vault.azure.net");
    assert_eq!(resolved.data[1].vault_uri.as_deref(), uri);
    assert!(referred.waiting.is_empty());
    assert_eq!(names(&resolved).count(), 0, "a name is left");
    assert_eq!(names(&spec).collect::<Vec<_>>(), ["kv", "shared"]);
}

#[test]
fn a_spec_without_names_is_taken_as_it_is() {
    let spec = sync_with(|_| ()).spec;
    let (resolved, referred) = resolve(&spec, |_| None).unwrap();
    assert!(matches!(resolved, Cow::Borrowed(same) if *same == spec));
    assert_eq!(referred, Referred::default());
}

#[test]
fn sources_of_many_keys_name_key_vaults_as_well() {
    let sync = sync_with(|spec| {
        spec["data"] = serde_json::json!([]);
        spec["dataFrom"] = serde_json::json!([
            {"find": {"namePattern": "a"}, "vaultRef": {"name": "one"}},
            {"expand": {"secret": {"name": "s"}}, "vaultRef": {"name": "two"}}
        ]);
    });
    let valid = parse_among(&sync, both).unwrap();
    let vaults = valid.vaults();
    let vaults: Vec<&str> = vaults.iter().map(VaultUri::vault_name).collect();
    assert_eq!(vaults, ["one-1", "two-1"]);
}

#[test]
fn each_vault_is_waited_for_alone() {
    let one = |name: &str| both(name).filter(|_| name == "shared");
    let valid = parse_among(&sync(), one).unwrap();
    assert_eq!(waiting(&valid).len(), 1);
    let vaults = valid.vaults();
    let known = |vault: &&VaultUri| valid.referred.why_not(vault).is_none();
    let known: Vec<&str> = vaults
        .iter()
        .filter(known)
        .map(VaultUri::vault_name)
        .collect();
    assert_eq!(known, ["shared-1"]);
    assert_eq!(waiting(&parse(&sync()).unwrap()).len(), 2);
}

#[test]
fn an_entry_of_the_syncs_own_key_vault_is_of_its_own_vault_before_that_is_known_and_after() {
    let sync = sync_with(|spec| {
        spec["vaultRef"] = serde_json::json!({"name": "kv"});
        spec["data"][1]["vaultRef"] = serde_json::json!({"name": "kv"});
        spec.as_object_mut().unwrap().remove("vaultUri");
    });
    let before = parse(&sync).unwrap();
    let after = parse_among(&sync, both).unwrap();
    assert_eq!(before.items, after.items);
    assert_ne!(before.vault, after.vault);
}

#[test]
fn what_stands_in_for_a_vault_is_in_no_cloud() {
    let valid = parse(&sync()).unwrap();
    for vault in valid.vaults() {
        assert!(
            vault.authority().ends_with(".keyvault.invalid"),
            "{vault} leads somewhere"
        );
        assert!(!vault.is_in("vault.azure.net"));
    }
}

#[test]
fn who_waits_is_told_for_what_and_where_to_look() {
    let says = |told: Option<Told>, words: &[&str]| {
        let problem = why(told.as_ref());
        for word in words.iter().chain(&["what was synced before stays"]) {
            assert!(problem.message.contains(word), "{problem} lacks {word:?}");
        }
    };
    says(None, &["there is no KeyVault kv in this namespace"]);
    let nothing = key_vault(serde_json::json!({}));
    says(Some(nothing), &["kubectl describe keyvault kv"]);
    let conditions =
        serde_json::json!([condition("Ready", "False"), condition("Synced", "Unknown")]);
    let refused = key_vault(serde_json::json!({ "conditions": conditions }));
    says(Some(refused), &["Synced=Unknown, Forbidden: no role"]);
    let conditions = serde_json::json!([condition("Ready", "False"), condition("Synced", "True")]);
    let unready = key_vault(serde_json::json!({ "conditions": conditions }));
    says(Some(unready), &["Ready=False, Forbidden: no role"]);
    says(
        Some(at("http://kv")),
        &["status.vaultUri", "is not a vault URI"],
    );
}

#[test]
fn a_uri_once_told_stays_usable_whatever_the_conditions_say() {
    let conditions = serde_json::json!([condition("Ready", "False"), condition("Synced", "False")]);
    let uri = "https://kv-1.vault.azure.net";
    let troubled = serde_json::json!({"vaultUri": uri, "conditions": conditions});
    assert_eq!(key_vault(troubled), at(uri), "news that concern nobody");
}

#[test]
fn a_secret_that_is_made_up_or_renewed_is_news_to_those_who_name_its_vault() {
    let brief = |versions: &[&str]| {
        let made = |version: &&str| serde_json::json!({"name": "db", "version": version, "created": "2026-11-20T07:00:00Z"});
        let secrets: Vec<_> = versions.iter().map(made).collect();
        let told = key_vault(
            serde_json::json!({"vaultUri": "https://kv-1.vault.azure.net", "secrets": secrets}),
        );
        let valid = parse_among(&sync(), |_| Some(told.clone())).unwrap();
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&valid.referred.brief(), &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    let (none, first, second) = (brief(&[]), brief(&["1"]), brief(&["2"]));
    assert!(none != first && first != second && first == brief(&["1"]));
}

#[test]
fn a_key_vault_that_is_being_deleted_is_used_while_it_tells_where_its_vault_is() {
    let leaving = |status: serde_json::Value| {
        let mut object = object(status);
        object.metadata.deletion_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        );
        Told::of(&object)
    };
    let uri = serde_json::json!({"vaultUri": "https://kv-1.vault.azure.net"});
    let told = leaving(uri);
    let valid = parse_among(&sync(), |name| match name {
        "kv" => Some(told.clone()),
        _ => both(name),
    });
    let valid = valid.unwrap();
    assert!(waiting(&valid).is_empty());
    let note = valid.referred.note().unwrap();
    assert!(note.contains("KeyVault kv is being deleted"), "{note}");
    let problem = why(Some(&leaving(serde_json::json!({}))));
    assert!(problem.message.contains("is being deleted"), "{problem}");
}

#[test]
fn a_spec_that_was_stored_before_a_rule_is_refused_by_field() {
    let both = sync_with(|spec| spec["vaultRef"] = serde_json::json!({"name": "kv"}));
    let problem = parse(&both).unwrap_err();
    assert_eq!(problem.reason, Reason::InvalidSpec);
    assert!(problem.message.contains("spec.vaultRef"), "{problem}");
    let wrong = sync_with(|spec| spec["data"][0]["vaultRef"] = serde_json::json!({"name": "a/b"}));
    let problem = parse(&wrong).unwrap_err();
    assert!(
        problem.message.contains("spec.data[0].vaultRef.name"),
        "{problem}"
    );
}
