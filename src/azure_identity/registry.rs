//! What is remembered of each identity besides its tokens: how often its credential changed, and what was last reported.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ask::Report;
use super::valid::IdentityKey;
use crate::azure::auth::chain::Link;

/// What is remembered of one identity.
#[derive(Debug, Default)]
struct Memory {
    /// How often its credential was seen to change.
    revision: u64,
    /// Whose report this is: uid and generation.
    reported_by: Option<(String, i64)>,
    report: Report,
}

/// The identities by name.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<IdentityKey, Memory>>);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<IdentityKey, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often an identity's credential has changed.
    pub fn revision(&self, key: &IdentityKey) -> u64 {
        self.lock().get(key).map_or(0, |memory| memory.revision)
    }

    /// The credential of the default chain that an identity stays with.
    pub fn winner(&self, key: &IdentityKey, uid: &str, generation: i64) -> Option<Link> {
        self.report(key, uid, generation)?.winner()
    }

    /// What was last reported of an identity as it is now.
    pub fn report(&self, key: &IdentityKey, uid: &str, generation: i64) -> Option<Report> {
        let all = self.lock();
        let memory = all.get(key)?;
        let by = memory.reported_by.as_ref()?;
        (by.0 == uid && by.1 == generation).then(|| memory.report.clone())
    }

    /// Takes over what was learned while a token was asked for. What an identity stayed with keeps the reasons why others
    /// were passed over.
    pub fn reported(&self, key: &IdentityKey, uid: &str, generation: i64, mut report: Report) {
        let mut all = self.lock();
        let memory = all.entry(key.clone()).or_default();
        let same = memory
            .reported_by
            .as_ref()
            .is_some_and(|by| by.0 == uid && by.1 == generation);
        if same
            && memory.report.attempts.len() > report.attempts.len()
            && memory.report.winner().is_some()
        {
            report.attempts = std::mem::take(&mut memory.report.attempts);
        }
        memory.report = report;
        memory.reported_by = Some((uid.to_owned(), generation));
    }

    /// Forgets an identity that is gone.
    pub fn forget(&self, key: &IdentityKey) {
        self.lock().remove(key);
    }

    /// Notes a state of the Secret (none: deleted). True where it is not the one that the credential was read from.
    pub fn credential_seen(&self, key: &IdentityKey, version: Option<&str>) -> bool {
        let mut all = self.lock();
        let memory = all.entry(key.clone()).or_default();
        if version.is_some() && memory.report.read_from.as_deref() == version {
            return false;
        }
        memory.revision += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::auth::chain::{Attempt, Outcome};
    use crate::azure_identity::api::IdentityKind;

    fn key() -> IdentityKey {
        IdentityKey {
            kind: IdentityKind::ClusterAzureIdentity,
            namespace: None,
            name: "default".to_owned(),
        }
    }

    fn report(outcomes: &[(Link, Outcome)]) -> Report {
        let attempts = outcomes.iter().cloned();
        Report {
            attempts: attempts
                .map(|(link, outcome)| Attempt { link, outcome })
                .collect(),
            ..Report::default()
        }
    }

    #[test]
    fn a_winner_is_kept_with_the_reasons_of_those_before_it_until_the_identity_changes() {
        let registry = Registry::default();
        let passed = (Link::Environment, Outcome::PassedOver("not set".to_owned()));
        let won = (Link::ManagedIdentity, Outcome::Won);
        registry.reported(&key(), "u", 1, report(&[passed, won.clone()]));
        registry.reported(&key(), "u", 1, report(&[won]));
        assert_eq!(registry.report(&key(), "u", 1).unwrap().attempts.len(), 2);
        assert_eq!(registry.winner(&key(), "u", 1), Some(Link::ManagedIdentity));
        assert_eq!(registry.winner(&key(), "u", 2), None);
        assert_eq!(registry.winner(&key(), "other", 1), None);
    }

    #[test]
    fn a_secret_as_it_was_read_is_no_news() {
        let registry = Registry::default();
        let read = Report {
            read_from: Some("7".to_owned()),
            ..Report::default()
        };
        registry.reported(&key(), "u", 1, read);
        assert!(!registry.credential_seen(&key(), Some("7")));
        assert!(registry.credential_seen(&key(), Some("8")));
        assert!(registry.credential_seen(&key(), None));
        assert_eq!(registry.revision(&key()), 2);
    }
}
