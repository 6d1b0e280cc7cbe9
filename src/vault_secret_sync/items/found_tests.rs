use super::*;
use crate::azure::key_vault::Listed as Seen;
use crate::problem::Reason;
use crate::vault_secret_sync::fixtures::{key_of, recorded, sync_with};
use crate::vault_secret_sync::valid::parse;

fn valid(change: impl FnOnce(&mut serde_json::Value)) -> Valid {
    let sync = sync_with(|spec| {
        spec["dataFrom"] = serde_json::json!([{"find": {"namePattern": "^payments-"}}]);
        change(spec);
    });
    parse(&sync).unwrap()
}

fn seen(name: &str) -> Seen {
    Seen {
        name: name.parse().unwrap(),
        enabled: true,
        updated: None,
        not_before: None,
        expires: None,
        tags: BTreeMap::new(),
        content_type: None,
        managed: false,
    }
}

fn listings(names: &[&str]) -> Listings {
    let listing: Listing = names
        .iter()
        .map(|name| ((*name).to_owned(), seen(name)))
        .collect();
    Listings::from([((None, Kind::Secret), Ok(Arc::new(listing)))])
}

fn share(items: &[Item]) -> Share {
    let mut share = Share::default();
    for item in items {
        share.record.keys.insert(key_of(item), recorded(item, "v1"));
        share.intact.insert(key_of(item));
    }
    share
}

fn keys(items: &[Item]) -> Vec<String> {
    items.iter().map(key_of).collect()
}

#[test]
fn what_a_list_tells_comes_behind_what_stands_in_the_spec() {
    let valid = valid(|_| ());
    let lists = listings(&["payments-b", "orders", "payments-a"]);
    let (items, past) = resolve(&valid, &Share::default(), &lists, |_| true);
    assert_eq!(
        keys(&items),
        ["DB_PASSWORD", "API_KEY", "payments-a", "payments-b"]
    );
    assert_eq!(past, Past::default());
    let lent = |object: &Located| object.object.name.as_str() != "payments-a";
    let (items, _) = resolve(&valid, &Share::default(), &lists, lent);
    assert_eq!(keys(&items).len(), 3, "what is not lent was told");
}

#[test]
fn without_a_list_the_record_tells_what_is_followed() {
    let valid = valid(|_| ());
    let (items, _) = resolve(
        &valid,
        &Share::default(),
        &listings(&["payments-a"]),
        |_| true,
    );
    let share = share(&items);
    let (again, past) = resolve(&valid, &share, &Listings::new(), |_| true);
    assert_eq!(again, items);
    assert_eq!(past, Past::default());
    let refused = Problem::new(Reason::Forbidden, Retry::Backoff, "no");
    let failing = Listings::from([((None, Kind::Secret), Err(refused))]);
    let (again, past) = resolve(&valid, &share, &failing, |_| true);
    assert_eq!(again, items);
    assert_eq!(past.told[0].at, "spec.dataFrom[0]");
}

#[test]
fn what_is_found_no_more_stays_or_goes_as_the_spec_says() {
    let found = |valid: &Valid| {
        let (items, _) = resolve(valid, &Share::default(), &listings(&["payments-a"]), |_| {
            true
        });
        share(&items)
    };
    let retain = valid(|_| ());
    let (_, past) = resolve(&retain, &found(&retain), &listings(&[]), |_| true);
    assert!(past.kept.contains("payments-a") && past.gone.is_empty());
    let remove = valid(|spec| spec["onMissing"] = "Remove".into());
    let (_, past) = resolve(&remove, &found(&remove), &listings(&[]), |_| true);
    assert!(past.gone.contains("payments-a") && past.kept.is_empty());
    // A pattern that does not fit it any more lets it go like any key that left the spec.
    let other = valid(|spec| spec["dataFrom"][0]["find"]["namePattern"] = "^orders".into());
    let (_, past) = resolve(&other, &found(&retain), &listings(&[]), |_| true);
    assert_eq!(past, Past::default());
}

#[test]
fn a_key_of_the_spec_is_not_taken_by_what_is_found() {
    let valid = valid(|spec| {
        spec["dataFrom"][0]["rename"] =
            serde_json::json!({"from": "^payments-db$", "to": "API_KEY"});
    });
    let (items, past) = resolve(
        &valid,
        &Share::default(),
        &listings(&["payments-db"]),
        |_| true,
    );
    assert_eq!(keys(&items), ["DB_PASSWORD", "API_KEY"]);
    assert_eq!(past.told[0].problem.reason, Reason::KeyCollision);
    assert!(
        past.told[0].problem.message.contains("spec.data[1]"),
        "{past:?}"
    );
}

#[test]
fn while_a_vault_is_waited_for_nothing_is_taken_to_have_left_the_spec() {
    let sync = |change: fn(&mut serde_json::Value)| {
        sync_with(|spec| {
            spec["onMissing"] = "Remove".into();
            spec["dataFrom"] = serde_json::json!([
                {"find": {"namePattern": "^payments-"}, "vaultRef": {"name": "kv2"}},
                {"expand": {"secret": {"name": "config"}}}
            ]);
            change(spec);
        })
    };
    let lines = [
        ("found", "kv2.vault.azure.net!payments-a/v1#find"),
        ("taken-apart", "config/v1#expand:Auto"),
    ];
    let mut held = Share::default();
    for (key, line) in lines {
        held.record.keys.insert(key.to_owned(), line.to_owned());
        held.intact.insert(key.to_owned());
    }
    let kept = |sync| {
        let (_, past) = resolve(&parse(&sync).unwrap(), &held, &listings(&[]), |_| true);
        assert!(past.gone.is_empty(), "{past:?}");
        past.kept.into_iter().collect::<Vec<_>>()
    };
    // What an item of a known vault gave is its own concern.
    assert_eq!(kept(sync(|_| ())), ["found"]);
    let known = |spec: &mut serde_json::Value| {
        spec["dataFrom"].as_array_mut().unwrap().remove(0);
    };
    assert!(
        kept(sync(known)).is_empty(),
        "what left the spec does not go"
    );
}
