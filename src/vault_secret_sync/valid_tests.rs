use super::*;
use crate::vault_secret_sync::fixtures::{sync, sync_with};

#[test]
fn defaults_are_filled_in() {
    let valid = parse(&sync()).unwrap();
    assert_eq!(valid.interval, Some(DEFAULT_INTERVAL));
    assert_eq!(valid.target.name.as_str(), "app");
    assert_eq!(
        (valid.target.ownership, valid.target.deletion_policy),
        (Ownership::Own, DeletionPolicy::Delete)
    );
}

#[test]
fn no_secret_becomes_a_credential_of_the_cluster() {
    for never in NEVER_WRITTEN {
        let (half, rest) = never.split_at(5);
        // Said plainly, and made by a template.
        for type_ in [never.to_owned(), format!("{half}{{{{ '{rest}' }}}}")] {
            let sync = sync_with(|spec| spec["template"] = serde_json::json!({"type": type_}));
            let problem = parse(&sync).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec, "{type_}");
            assert!(problem.message.contains(never), "{}", problem.message);
        }
    }
}

#[test]
fn a_sync_that_only_pushes_reads_nothing_and_makes_nothing() {
    let pushes = |more: serde_json::Value| {
        let push =
            serde_json::json!([{"from": {"secret": "s", "key": "k"}, "to": {"secret": "db"}}]);
        parse(&sync_with(|spec| {
            spec.as_object_mut().unwrap().remove("data");
            spec["push"] = push;
            for (name, value) in more.as_object().unwrap() {
                spec[name] = value.clone();
            }
        }))
    };
    let valid = pushes(serde_json::json!({})).unwrap();
    assert!(!valid.reads() && valid.vaults().is_empty());
    for more in [
        serde_json::json!({"template": {"data": {"x": "y"}}}),
        serde_json::json!({"rollout": [{"kind": "Deployment", "name": "web"}]}),
    ] {
        let refused = pushes(more).unwrap_err();
        assert!(refused.message.contains("no meaning"), "{refused}");
    }
}

#[test]
fn tokens_alone_need_no_vault() {
    let tokens = sync_with(|spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["data"] = serde_json::json!([{"key": "T", "accessToken": {"resource": "api://x"}}]);
    });
    assert_eq!(parse(&tokens).unwrap().vault, None);
}

#[test]
fn an_entry_may_name_a_vault_of_its_own() {
    let other = "https://kv-shared.vault.azure.net";
    let several = sync_with(|spec| spec["data"][1]["vaultUri"] = other.into());
    let vaults = parse(&several).unwrap().vaults();
    let names: Vec<&str> = vaults.iter().map(VaultUri::vault_name).collect();
    assert_eq!(names, ["kv-shared", "kv"]);
    // The sync's own vault is the same vault, in whatever way it is written.
    let own = sync_with(|spec| spec["data"][1]["vaultUri"] = "https://KV.vault.azure.net/".into());
    assert_eq!(parse(&own).unwrap().items, parse(&sync()).unwrap().items);
    let alone = sync_with(|spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["data"].as_array_mut().unwrap().remove(0);
        spec["data"][0]["vaultUri"] = other.into();
    });
    assert_eq!(parse(&alone).unwrap().vaults().len(), 1);
}

#[test]
fn zero_means_once() {
    let once = sync_with(|spec| spec["refreshInterval"] = "0s".into());
    assert_eq!(parse(&once).unwrap().interval, None);
}

#[test]
fn what_cannot_be_is_refused_by_field() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 10] = [
        (
            |s| drop(s.as_object_mut().unwrap().remove("vaultUri")),
            "vaultUri",
        ),
        (
            |s| s["vaultUri"] = "http://kv.vault.azure.net".into(),
            "vaultUri",
        ),
        (
            |s| s["vaultUri"] = "https://user@kv.vault.azure.net".into(),
            "vaultUri",
        ),
        (|s| s["refreshInterval"] = "1s".into(), "refreshInterval"),
        (|s| s["data"] = serde_json::json!([]), "data"),
        (|s| s["data"][0]["key"] = "a/b".into(), "data[0].key"),
        (
            |s| s["data"][0]["secret"]["name"] = "../keys".into(),
            "data[0].secret.name",
        ),
        (
            |s| s["data"][0]["secret"]["version"] = "a/b".into(),
            "data[0].secret.version",
        ),
        (
            |s| s["data"][1]["key"] = s["data"][0]["key"].clone(),
            "data[1].key",
        ),
        (
            |s| s["template"] = serde_json::json!({"labels": {"lakevault.dev/managed": "no"}}),
            "template",
        ),
    ];
    for (change, named) in cases {
        let problem = parse(&sync_with(change)).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec);
        assert!(
            problem.message.contains(named),
            "{problem} does not name {named}"
        );
    }
}
