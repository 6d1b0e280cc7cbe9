//! The life of a secret, by the clock.

use super::{
    World,
    moment::Moment,
    object::Changes,
    refusal::Refusal,
    secret::{NewVersion, Update, Version},
    shelf::Pace,
    spec::{RoleAssignment, SecretSpec, SecretText, Seed, VaultSpec},
    vault::{Kept as _, Vault},
};

const DELAY: u32 = 300;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn at(millis: i64) -> Moment {
    Moment(1_000_000_000_000 + millis)
}

fn pace(millis: i64, delay_ms: u32) -> Pace {
    Pace {
        now: at(millis),
        delay_ms,
    }
}

fn version(id: &str) -> NewVersion {
    NewVersion {
        id: id.to_owned(),
        value: SecretText(format!("value of {id}")),
        ..NewVersion::default()
    }
}

fn vault() -> Vault {
    let mut vault = Vault::new(VaultSpec {
        soft_delete_retention_days: 7,
        ..VaultSpec::default()
    });
    vault.set("Name", version("v1"), at(0)).unwrap();
    vault
}

#[test]
fn a_deletion_shows_after_its_delay_and_ends_with_the_retention() {
    let mut vault = vault();
    Version::delete(&mut vault, "name", pace(1000, DELAY)).unwrap();
    assert_eq!(
        vault.secrets.live("name", at(1000)).unwrap_err(),
        Refusal::NotFound("name".into())
    );
    assert!(vault.secrets.deleted("name", at(1299)).is_err());
    assert!(vault.secrets.deleted("name", at(1300)).is_ok());
    assert!(
        vault
            .secrets
            .deleted("name", at(1000 + 7 * DAY - 1))
            .is_ok()
    );
    assert!(vault.secrets.deleted("name", at(1000 + 7 * DAY)).is_err());
    vault
        .set("name", version("v2"), at(1000 + 7 * DAY))
        .unwrap();
    assert_eq!(
        vault
            .secrets
            .live("name", at(1000 + 7 * DAY))
            .unwrap()
            .versions
            .len(),
        1
    );
}

#[test]
fn a_name_is_taken_until_its_purge_shows() {
    let mut vault = vault();
    Version::delete(&mut vault, "name", pace(0, DELAY)).unwrap();
    let set = |vault: &mut Vault, millis| vault.set("name", version("v2"), at(millis));
    assert_eq!(
        set(&mut vault, 100),
        Err(Refusal::BeingDeleted("Name".into()))
    );
    assert_eq!(
        set(&mut vault, 300),
        Err(Refusal::DeletedButRecoverable("Name".into()))
    );
    Version::purge(&mut vault, "name", pace(400, DELAY)).unwrap();
    assert!(vault.secrets.deleted("name", at(401)).is_err());
    assert_eq!(
        set(&mut vault, 500),
        Err(Refusal::BeingDeleted("Name".into()))
    );
    assert_eq!(set(&mut vault, 700), Ok(()));
}

#[test]
fn a_recovery_brings_all_versions_back_after_its_delay() {
    let mut vault = vault();
    vault.set("name", version("v2"), at(0)).unwrap();
    Version::delete(&mut vault, "name", pace(0, 0)).unwrap();
    Version::recover(&mut vault, "name", pace(1, DELAY)).unwrap();
    assert!(vault.secrets.live("name", at(300)).is_err());
    assert_eq!(
        vault.set("name", version("v3"), at(300)),
        Err(Refusal::BeingRecovered("Name".into()))
    );
    assert_eq!(
        vault.secrets.live("name", at(301)).unwrap().versions.len(),
        2
    );
}

#[test]
fn what_is_under_way_cannot_be_recovered_or_purged() {
    let mut vault = vault();
    assert!(matches!(
        Version::purge(&mut vault, "name", pace(0, 0)),
        Err(Refusal::NotFound(_))
    ));
    Version::delete(&mut vault, "name", pace(0, DELAY)).unwrap();
    assert!(matches!(
        Version::recover(&mut vault, "name", pace(100, 0)),
        Err(Refusal::BeingDeleted(_))
    ));
    assert!(matches!(
        Version::purge(&mut vault, "name", pace(100, 0)),
        Err(Refusal::BeingDeleted(_))
    ));
}

#[test]
fn a_disabled_version_leaves_the_others_readable() {
    let mut vault = vault();
    vault.set("name", version("v2"), at(0)).unwrap();
    vault
        .update(
            "name",
            None,
            Update {
                changes: Changes {
                    enabled: Some(false),
                    ..Changes::default()
                },
                ..Update::default()
            },
            at(9000),
        )
        .unwrap();
    assert_eq!(
        vault.readable("name", None, at(0)).map(|_| ()),
        Err(Refusal::Disabled)
    );
    let (_, first) = vault.readable("name", Some("V1"), at(0)).unwrap();
    assert_eq!(first.meta.updated, at(0).seconds());
    assert_eq!(
        vault
            .secrets
            .version("name", None, at(0))
            .unwrap()
            .1
            .meta
            .updated,
        at(9000).seconds()
    );
}

#[test]
fn recovery_levels_follow_retention_and_protection() {
    let level = |days, purge_protection| {
        let spec = VaultSpec {
            soft_delete_retention_days: days,
            purge_protection,
            ..VaultSpec::default()
        };
        Vault::new(spec).recovery_level()
    };
    assert_eq!(level(90, false), "Recoverable+Purgeable");
    assert_eq!(level(90, true), "Recoverable");
    assert_eq!(level(7, false), "CustomizedRecoverable+Purgeable");
    assert_eq!(level(7, true), "CustomizedRecoverable");
}

#[test]
fn a_bad_secret_leaves_the_vault_as_it_was() {
    let mut world = World::default();
    let spec = |role: &str, secret: &str| VaultSpec {
        name: "kv-test".into(),
        tenant_id: "t".into(),
        role_assignments: vec![RoleAssignment {
            principal_id: "p".into(),
            role: role.into(),
            scope: None,
        }],
        secrets: vec![SecretSpec {
            name: secret.into(),
            value: Some(SecretText("x".into())),
            ..SecretSpec::default()
        }],
        ..VaultSpec::default()
    };
    world
        .put_vault(spec("Reader", "good"), at(0), || "v1".into())
        .unwrap();
    world
        .put_vault(spec("Administrator", "not_good"), at(0), || "v2".into())
        .unwrap_err();
    let kept = world.whole_spec(world.vault("kv-test").unwrap());
    assert_eq!(kept.role_assignments[0].role, "Key Vault Reader");
}

#[test]
fn a_seeds_debug_output_holds_no_secret() {
    let seed = r"
        tenants: [{id: t, applications: [{clientId: c, secrets: [{value: planted-one}]}]}]
        vaults: [{name: kv-test, tenantId: t, secrets: [{name: s, value: planted-two}]}]
    ";
    let seed: Seed = serde_saphyr::from_str(seed).unwrap();
    let shown = format!("{seed:?}");
    assert!(
        shown.contains("kv-test") && !shown.contains("planted"),
        "{shown}"
    );
}
