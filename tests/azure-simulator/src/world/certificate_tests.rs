//! The life of a certificate with its secret and its key, by the clock.

use std::sync::Arc;

use super::{
    certificate::{CertificateVersion, Made, Pending, Progress},
    moment::Moment,
    object::Changes,
    policy::Policy,
    refusal::Refusal,
    secret::NewVersion,
    shelf::Pace,
    spec::{SecretText, VaultSpec},
    vault::{Kept as _, Vault},
};
use crate::pki::{
    issue::Validity,
    key::{Curve, KeyType, PrivateKey},
};

fn at(millis: i64) -> Moment {
    Moment(1_000_000_000_000 + millis)
}

fn made(id: &str) -> Made {
    Made {
        id: id.to_owned(),
        key: PrivateKey::generate(KeyType::Ec(Curve::P256)).unwrap(),
        leaf: Arc::from(id.as_bytes()),
        validity: Validity { from: 5, to: 6 },
        value: SecretText(format!("value of {id}")),
        policy: Policy::default(),
        changes: Changes::default(),
        in_order: false,
    }
}

fn pending(id: &str, ready: i64) -> Pending {
    Pending {
        request_id: format!("request of {id}"),
        issuer: "Self".to_owned(),
        request: Vec::new(),
        cancellation_requested: false,
        progress: Progress::Issuing {
            ready: at(ready),
            made: Box::new(made(id)),
        },
    }
}

fn vault() -> Vault {
    Vault::new(VaultSpec::default())
}

fn pace(millis: i64) -> Pace {
    Pace {
        now: at(millis),
        delay_ms: 0,
    }
}

#[test]
fn what_is_being_made_shows_disabled_until_it_is_done() {
    let mut vault = vault();
    vault
        .begin_certificate("c", pending("v1", 100), at(0))
        .unwrap();
    assert!(!vault.has_due(at(99)));
    vault.settle(at(99));
    let (certificate, version) = vault.certificates.version("c", None, at(99)).unwrap();
    assert!(!certificate.is_complete() && !version.meta.enabled);
    assert!(vault.secrets.live("c", at(99)).is_err());

    assert!(vault.has_due(at(100)));
    vault.settle(at(100));
    let (certificate, version) = vault.certificates.version("c", None, at(100)).unwrap();
    assert!(certificate.is_complete() && version.meta.enabled);
    assert_eq!(
        (version.meta.not_before, version.meta.expires),
        (Some(5), Some(6))
    );
    for meta in [
        &vault.secrets.version("c", None, at(100)).unwrap().1.meta,
        &vault.keys.version("c", None, at(100)).unwrap().1.meta,
    ] {
        assert_eq!((meta.id.as_str(), meta.managed), ("v1", true));
        assert_eq!(meta.expires, Some(6));
    }
    assert!(matches!(
        vault.pending("c", at(100)).unwrap().progress,
        Progress::Completed
    ));
}

#[test]
fn the_version_before_stays_the_newest_until_the_next_is_done() {
    let mut vault = vault();
    vault.put_certificate("c", made("v1"), None, at(0)).unwrap();
    vault
        .begin_certificate("c", pending("v2", 100), at(1))
        .unwrap();
    let newest = |vault: &Vault, millis| {
        let (_, version) = vault.certificates.version("c", None, at(millis)).unwrap();
        version.meta.id.clone()
    };
    assert_eq!(newest(&vault, 50), "v1");
    vault.settle(at(100));
    assert_eq!(newest(&vault, 100), "v2");
    assert_eq!(
        vault
            .certificates
            .live("c", at(100))
            .unwrap()
            .versions
            .len(),
        2
    );
}

#[test]
fn a_cancellation_is_granted_when_the_issuer_would_have_been_done() {
    let mut vault = vault();
    vault
        .begin_certificate("c", pending("v1", 100), at(0))
        .unwrap();
    assert_eq!(
        vault.put_certificate("c", made("v2"), None, at(1)),
        Err(Refusal::InProgress)
    );
    vault.cancel("c", true, at(1)).unwrap();
    assert!(vault.pending("c", at(1)).unwrap().is_in_progress());
    vault.settle(at(100));
    assert!(matches!(
        vault.pending("c", at(100)).unwrap().progress,
        Progress::Cancelled
    ));
    assert!(vault.secrets.live("c", at(100)).is_err());
    assert_eq!(
        vault.cancel("c", true, at(101)),
        Err(Refusal::NotInProgress)
    );
    vault.delete_pending("c", at(102)).unwrap();
    assert_eq!(
        vault.pending("c", at(102)).map(|_| ()),
        Err(Refusal::PendingNotFound("c".to_owned()))
    );
}

#[test]
fn a_deleted_operation_makes_nothing() {
    let mut vault = vault();
    vault
        .begin_certificate("c", pending("v1", 100), at(0))
        .unwrap();
    vault.delete_pending("c", at(1)).unwrap();
    vault.settle(at(100));
    assert!(vault.secrets.live("c", at(100)).is_err());
    assert!(!vault.certificates.live("c", at(100)).unwrap().is_complete());
}

#[test]
fn the_time_of_a_deleted_operation_is_not_that_of_the_next() {
    let mut vault = vault();
    vault
        .begin_certificate("c", pending("v1", 100), at(0))
        .unwrap();
    vault.delete_pending("c", at(1)).unwrap();
    vault
        .begin_certificate("c", pending("v2", 200), at(2))
        .unwrap();
    vault.settle(at(100));
    assert!(vault.pending("c", at(100)).unwrap().is_in_progress());
    vault.settle(at(200));
    assert!(vault.secrets.live("c", at(200)).is_ok());
}

#[test]
fn a_certificate_takes_no_name_of_a_secret() {
    let mut vault = vault();
    let secret = NewVersion {
        id: "s".to_owned(),
        ..NewVersion::default()
    };
    vault.set("taken", secret.clone(), at(0)).unwrap();
    assert_eq!(
        vault.put_certificate("taken", made("v1"), None, at(0)),
        Err(Refusal::Exists("taken".to_owned()))
    );
    // A secret that comes while the certificate is made keeps the name.
    vault
        .begin_certificate("late", pending("v1", 100), at(0))
        .unwrap();
    vault.set("late", secret, at(1)).unwrap();
    vault.settle(at(100));
    assert!(matches!(
        vault.pending("late", at(100)).unwrap().progress,
        Progress::Cancelled
    ));
}

#[test]
fn secret_and_key_come_and_go_with_their_certificate() {
    let mut vault = vault();
    vault.put_certificate("c", made("v1"), None, at(0)).unwrap();
    let there = |vault: &Vault, millis| {
        (
            vault.secrets.live("c", at(millis)).is_ok(),
            vault.keys.live("c", at(millis)).is_ok(),
        )
    };
    CertificateVersion::delete(&mut vault, "c", pace(1)).unwrap();
    assert_eq!(there(&vault, 1), (false, false));
    assert!(vault.secrets.deleted("c", at(1)).is_ok());
    CertificateVersion::recover(&mut vault, "c", pace(2)).unwrap();
    assert_eq!(there(&vault, 2), (true, true));
    CertificateVersion::delete(&mut vault, "c", pace(3)).unwrap();
    CertificateVersion::purge(&mut vault, "c", pace(4)).unwrap();
    assert!(vault.secrets.deleted("c", at(4)).is_err());
    assert_eq!(vault.put_certificate("c", made("v2"), None, at(5)), Ok(()));
}

#[test]
fn attributes_are_those_of_secret_and_key_too() {
    let mut vault = vault();
    vault.put_certificate("c", made("v1"), None, at(0)).unwrap();
    let changes = Changes {
        enabled: Some(false),
        ..Changes::default()
    };
    vault
        .update_certificate("c", None, changes, at(9000))
        .unwrap();
    assert_eq!(
        vault.readable("c", None, at(9000)).map(|_| ()),
        Err(Refusal::Disabled)
    );
    let (_, key) = vault.keys.version("c", None, at(9000)).unwrap();
    assert_eq!(
        (key.meta.enabled, key.meta.updated),
        (false, at(9000).seconds())
    );
}
