//! Of several syncs that want one Secret or key: who has it.

use super::*;

fn rival(name: &str, created: i64, ownership: Ownership, keys: &[&str]) -> Rival {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Rival {
        name: name.to_owned(),
        created: Some(at(created)),
        ownership,
        keys,
    }
}

#[test]
fn of_two_that_own_one_secret_the_older_has_it() {
    let mut valid = valid();
    valid.created = Some(at(50));
    let objects = both(bundle("a", "v1"), bundle("b", "v1"));
    let older = planned(
        &valid,
        None,
        &objects,
        &[rival("other", 40, Ownership::Own, &["X"])],
    );
    assert_eq!(
        reasons(&older),
        [Some(Reason::TargetClaimed), Some(Reason::TargetClaimed)]
    );
    assert!(older.write.is_none());
    assert!(
        planned(
            &valid,
            None,
            &objects,
            &[rival("other", 60, Ownership::Own, &["X"])]
        )
        .write
        .is_some()
    );
    assert!(
        planned(
            &valid,
            None,
            &objects,
            &[rival("zzz", 50, Ownership::Own, &["X"])]
        )
        .write
        .is_some()
    );
}

#[test]
fn who_holds_a_secret_keeps_it_from_an_older_one_that_comes_later() {
    let mut valid = valid();
    valid.created = Some(at(50));
    let plan = planned(
        &valid,
        Some(&written(&valid, V1)),
        &both(bundle("a", "v2"), bundle("b", "v1")),
        &[rival("other", 40, Ownership::Own, &["X"])],
    );
    assert!(plan.write.is_some());
}

#[test]
fn a_secret_that_a_rival_has_written_is_told_as_claimed_and_no_vault_is_asked() {
    let valid = valid();
    let mut theirs = written(&valid, V1);
    let share = theirs.facts.shares.remove("app").unwrap();
    theirs.facts.shares.insert("other".to_owned(), share);
    theirs.facts.controller = Some(Controller {
        uid: "uid-other".to_owned(),
        named: "VaultSecretSync other".to_owned(),
    });
    let rivals = [rival("other", 40, Ownership::Own, &["X"])];
    let plan = planned(&valid, Some(&theirs), &BTreeMap::new(), &rivals);
    let blocked = plan.blocked.unwrap();
    assert_eq!(blocked.reason, Reason::TargetClaimed);
    assert!(
        blocked.message.contains("VaultSecretSync other"),
        "{blocked}"
    );
    assert!(needed(&valid, Some(&theirs), &rivals).is_empty());
}

#[test]
fn two_that_merge_share_a_secret_key_by_key() {
    let mut merge = parse(&sync_with(|spec| {
        spec["target"] = serde_json::json!({"ownership": "Merge"});
    }))
    .unwrap();
    merge.created = Some(at(50));
    let mut theirs = SecretMeta::default();
    theirs.facts.allows.insert("app".to_owned());
    let rivals = [rival("other", 40, Ownership::Merge, &["API_KEY", "X"])];
    let plan = planned(
        &merge,
        Some(&theirs),
        &both(bundle("a", "v1"), bundle("b", "v1")),
        &rivals,
    );
    assert_eq!(reasons(&plan), [None, Some(Reason::TargetClaimed)]);
    assert_eq!(
        plan.write.unwrap().fresh.keys().collect::<Vec<_>>(),
        ["DB_PASSWORD"]
    );
    assert_eq!(
        needed(&merge, Some(&theirs), &rivals),
        [id("db-password")],
        "a value is read that somebody else writes"
    );
}
