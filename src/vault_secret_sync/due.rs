//! Whether anything is to be done. Pure, and asked before any call: most reconciles end here.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::api::VaultSecretSyncStatus;
use super::plan::Rival;
use super::target::SecretMeta;
use super::valid::Valid;
use crate::k8s::conditions;

/// Everything that a sync depends on, apart from the vault and the clock.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The sync.
    pub valid: &'a Valid,
    /// Its identity: uid and generation, or why it cannot be used.
    pub identity: Result<(&'a str, i64), &'a str>,
    /// For each entry, whether the identity lends its object.
    pub lends: &'a [bool],
    /// How often the identity's credential had changed before the look.
    pub revision: u64,
    /// The Secret.
    pub secret: Option<&'a SecretMeta>,
    /// Other syncs of the same Secret.
    pub rivals: &'a [Rival],
}

/// What is remembered of the last look at the vault. No value and no name is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    spec: u64,
    secret: u64,
    revision: u64,
    /// When the vault is looked at next; none means when something changes.
    pub next: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Look at all objects.
    All,
    /// The Secret was changed by somebody else: look at the objects of the damaged keys.
    Damage,
    /// Nothing before this time.
    At(Timestamp),
    /// Nothing until something changes.
    OnChange,
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Memory {
    /// Remembers a look that was made on `inputs`, with the Secret as it is after the write.
    pub fn new(inputs: &Inputs<'_>, next: Option<Timestamp>, failures: u32) -> Self {
        Self {
            spec: spec(inputs),
            secret: secret(inputs),
            revision: inputs.revision,
            next,
            failures,
        }
    }
}

fn spec(inputs: &Inputs<'_>) -> u64 {
    let Inputs {
        valid,
        identity,
        lends,
        rivals,
        ..
    } = inputs;
    digest(&(valid.generation, &valid.sync_at, identity, lends, rivals))
}

fn secret(inputs: &Inputs<'_>) -> u64 {
    digest(&inputs.secret.map(|secret| (&secret.uid, &secret.facts)))
}

/// Decides.
pub fn due(
    inputs: &Inputs<'_>,
    memory: Option<&Memory>,
    status: &VaultSecretSyncStatus,
    now: Timestamp,
) -> Due {
    let Some(memory) = memory else {
        return after_start(inputs, status);
    };
    if memory.spec != spec(inputs) {
        return Due::All;
    }
    // A repaired credential is used at once where the last look failed; where all is well the next look will use it.
    if memory.failures > 0 && memory.revision != inputs.revision {
        return Due::All;
    }
    if memory.next.is_some_and(|next| next <= now) {
        return Due::All;
    }
    if memory.secret != secret(inputs) {
        // What failed before is looked at as well: else its failure would be forgotten with this look.
        return if memory.failures > 0 {
            Due::All
        } else {
            Due::Damage
        };
    }
    memory.next.map_or(Due::OnChange, Due::At)
}

/// After a start nothing is remembered: the vault is looked at. A sync that wanted one look and has had it wants no other.
fn after_start(inputs: &Inputs<'_>, status: &VaultSecretSyncStatus) -> Due {
    let valid = inputs.valid;
    let share = inputs.secret.and_then(|secret| secret.share(&valid.name));
    let whole = share.is_some_and(|share| {
        let there = |key: &str| share.record.keys.contains_key(key) && share.intact.contains(key);
        valid.entries.iter().all(|entry| there(entry.key.as_str()))
    });
    let done = valid.interval.is_none()
        && status.observed_generation == Some(valid.generation)
        && status.handled_sync_at == valid.sync_at
        && conditions::is_true(&status.conditions, "Synced")
        && inputs.identity.is_ok()
        && whole;
    if done { Due::OnChange } else { Due::All }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::conditions::Says;
    use crate::vault_secret_sync::fixtures::{sync, sync_with};
    use crate::vault_secret_sync::target::{Record, Share};
    use crate::vault_secret_sync::valid::parse;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn inputs<'a>(valid: &'a Valid, secret: Option<&'a SecretMeta>) -> Inputs<'a> {
        Inputs {
            valid,
            identity: Ok(("uid", 1)),
            lends: &[true, true],
            revision: 0,
            secret,
            rivals: &[],
        }
    }

    fn intact(valid: &Valid) -> SecretMeta {
        let keys = valid
            .entries
            .iter()
            .map(|entry| (entry.key.to_string(), entry.source("v1")));
        let record = Record {
            keys: keys.collect(),
            ..Record::default()
        };
        let share = Share {
            intact: record.keys.keys().cloned().collect(),
            record,
        };
        let mut secret = SecretMeta {
            uid: "s".to_owned(),
            ..SecretMeta::default()
        };
        secret.facts.shares.insert(valid.name.clone(), share);
        secret
    }

    fn asked(inputs: &Inputs<'_>, memory: &Memory, now: i64) -> Due {
        due(
            inputs,
            Some(memory),
            &VaultSecretSyncStatus::default(),
            at(now),
        )
    }

    #[test]
    fn nothing_is_due_until_the_time_comes() {
        let valid = parse(&sync()).unwrap();
        let secret = intact(&valid);
        let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
        assert_eq!(
            asked(&inputs(&valid, Some(&secret)), &memory, 299),
            Due::At(at(300))
        );
        assert_eq!(
            asked(&inputs(&valid, Some(&secret)), &memory, 300),
            Due::All
        );
    }

    #[test]
    fn each_input_that_changes_is_acted_upon_at_once() {
        let valid = parse(&sync()).unwrap();
        let secret = intact(&valid);
        let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
        let mut edited = valid.clone();
        edited.generation += 1;
        assert_eq!(asked(&inputs(&edited, Some(&secret)), &memory, 1), Due::All);
        let mut forced = valid.clone();
        forced.sync_at = Some("now".to_owned());
        assert_eq!(asked(&inputs(&forced, Some(&secret)), &memory, 1), Due::All);
        let denied = Inputs {
            identity: Err("IdentityNotAllowed"),
            ..inputs(&valid, Some(&secret))
        };
        assert_eq!(asked(&denied, &memory, 1), Due::All);
        // A grant by the labels of a namespace comes and goes without a change of the identity.
        let lends_less = Inputs {
            lends: &[true, false],
            ..inputs(&valid, Some(&secret))
        };
        assert_eq!(asked(&lends_less, &memory, 1), Due::All);
        let mut damaged = secret.clone();
        damaged
            .facts
            .shares
            .get_mut("app")
            .unwrap()
            .intact
            .remove("API_KEY");
        assert_eq!(
            asked(&inputs(&valid, Some(&damaged)), &memory, 1),
            Due::Damage
        );
        assert_eq!(asked(&inputs(&valid, None), &memory, 1), Due::Damage);
        let failing = Memory {
            failures: 1,
            ..memory
        };
        assert_eq!(asked(&inputs(&valid, None), &failing, 1), Due::All);
        let rival = [Rival {
            name: "b".to_owned(),
            created: None,
            ownership: super::super::api::Ownership::Own,
            keys: [].into(),
        }];
        let rivalled = Inputs {
            rivals: &rival,
            ..inputs(&valid, Some(&secret))
        };
        assert_eq!(asked(&rivalled, &memory, 1), Due::All);
    }

    #[test]
    fn a_new_resource_version_alone_is_nothing() {
        let valid = parse(&sync()).unwrap();
        let secret = intact(&valid);
        let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
        let touched = SecretMeta {
            version: "99".to_owned(),
            ..secret
        };
        assert_eq!(
            asked(&inputs(&valid, Some(&touched)), &memory, 1),
            Due::At(at(300))
        );
    }

    #[test]
    fn a_repaired_credential_wakes_only_those_that_failed() {
        let valid = parse(&sync()).unwrap();
        let secret = intact(&valid);
        let before = inputs(&valid, Some(&secret));
        let repaired = Inputs {
            revision: 1,
            ..inputs(&valid, Some(&secret))
        };
        assert_eq!(
            asked(&repaired, &Memory::new(&before, Some(at(300)), 1), 1),
            Due::All
        );
        assert_eq!(
            asked(&repaired, &Memory::new(&before, Some(at(300)), 0), 1),
            Due::At(at(300))
        );
    }

    #[test]
    fn a_restart_looks_once_at_everything_but_what_wanted_one_look_and_had_it() {
        let once = parse(&sync_with(|spec| spec["refreshInterval"] = "0s".into())).unwrap();
        let secret = intact(&once);
        let synced = Says {
            type_: "Synced",
            status: Some(true),
            reason: "UpToDate",
            message: String::new(),
        };
        let status = VaultSecretSyncStatus {
            observed_generation: Some(1),
            conditions: conditions::set(&[], vec![synced], Some(1), at(0)),
            ..VaultSecretSyncStatus::default()
        };
        assert_eq!(
            due(&inputs(&once, Some(&secret)), None, &status, at(1)),
            Due::OnChange
        );
        assert_eq!(due(&inputs(&once, None), None, &status, at(1)), Due::All);
        let often = parse(&sync()).unwrap();
        assert_eq!(
            due(&inputs(&often, Some(&secret)), None, &status, at(1)),
            Due::All
        );
    }
}
