//! A vault and the life of its secrets.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    moment::Moment,
    refusal::Refusal,
    secret::{self, Deletion, NewVersion, Phase, Secret, Update, Version},
    spec::VaultSpec,
};

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;
const LONGEST_RETENTION_DAYS: u16 = 90;

/// A vault. Its `spec` holds no secrets.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    /// Shared, so that a request can hold it without a lock.
    pub(crate) spec: Arc<VaultSpec>,
    /// By lower-case name; some may be gone: ask through the methods.
    secrets: BTreeMap<String, Secret>,
}

impl Vault {
    pub(crate) fn new(spec: VaultSpec) -> Self {
        Self {
            spec: Arc::new(spec),
            secrets: BTreeMap::new(),
        }
    }

    /// Azure's word for how deleted objects can come back.
    pub(crate) fn recovery_level(&self) -> &'static str {
        if !self.deletes_softly() {
            return "Purgeable";
        }
        let customized = self.spec.soft_delete_retention_days < LONGEST_RETENTION_DAYS;
        match (customized, self.spec.purge_protection) {
            (false, false) => "Recoverable+Purgeable",
            (false, true) => "Recoverable",
            (true, false) => "CustomizedRecoverable+Purgeable",
            (true, true) => "CustomizedRecoverable",
        }
    }

    /// On a stack, what is deleted is gone.
    pub(crate) fn deletes_softly(&self) -> bool {
        self.spec.stack.is_none()
    }

    /// The named version of a live secret, disabled ones too.
    pub(crate) fn version(
        &self,
        name: &str,
        id: Option<&str>,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        let secret = self
            .live(name, now)
            .map_err(|refusal| with_version(refusal, id))?;
        Ok((secret, secret.version(id)?))
    }

    /// As [`Self::version`], for a read of the value.
    pub(crate) fn readable(
        &self,
        name: &str,
        id: Option<&str>,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        let found = self.version(name, id, now)?;
        if found.1.enabled {
            Ok(found)
        } else {
            Err(Refusal::Disabled)
        }
    }

    /// Live secrets by name, those after `marker` (lower-case name).
    pub(crate) fn live_after(
        &self,
        marker: Option<&str>,
        now: Moment,
    ) -> impl Iterator<Item = (&String, &Secret)> {
        self.after(marker)
            .filter(move |(_, secret)| secret.is_live(now))
    }

    /// Deleted secrets by name, those after `marker` (lower-case name).
    pub(crate) fn deleted_after(
        &self,
        marker: Option<&str>,
        now: Moment,
    ) -> impl Iterator<Item = (&String, &Secret, Deletion)> {
        self.after(marker)
            .filter(move |(_, secret)| !secret.is_gone(now))
            .filter_map(move |(key, secret)| {
                secret
                    .shown_deletion(now)
                    .map(|deletion| (key, secret, deletion))
            })
    }

    fn after(&self, marker: Option<&str>) -> impl Iterator<Item = (&String, &Secret)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = marker.map_or(Unbounded, Excluded);
        self.secrets.range::<str, _>((from, Unbounded))
    }

    /// A secret that is live and shows.
    pub(crate) fn live(&self, name: &str, now: Moment) -> Result<&Secret, Refusal> {
        self.secrets
            .get(&name.to_ascii_lowercase())
            .filter(|secret| secret.is_live(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    /// A deleted secret that shows.
    pub(crate) fn deleted(&self, name: &str, now: Moment) -> Result<(&Secret, Deletion), Refusal> {
        self.secrets
            .get(&name.to_ascii_lowercase())
            .filter(|secret| !secret.is_gone(now))
            .and_then(|secret| {
                secret
                    .shown_deletion(now)
                    .map(|deletion| (secret, deletion))
            })
            .ok_or_else(|| Refusal::DeletedNotFound(name.to_owned()))
    }

    /// Writes a new version as a client of the vault: a certificate's secret is refused.
    pub(crate) fn set(
        &mut self,
        name: &str,
        new: NewVersion,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        if self.live(name, now).is_ok_and(is_managed) {
            return Err(Refusal::Managed("set"));
        }
        self.plant(name, new, now)
    }

    /// Writes a new version, managed or not.
    pub(crate) fn plant(
        &mut self,
        name: &str,
        new: NewVersion,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        secret::check_name(name)?;
        new.check()?;
        let key = name.to_ascii_lowercase();
        if self
            .secrets
            .get(&key)
            .is_some_and(|secret| secret.is_gone(now))
        {
            self.secrets.remove(&key);
        }
        let secret = self.secrets.entry(key).or_insert_with(|| Secret {
            name: name.to_owned(),
            versions: Vec::new(),
            phase: Phase::Live { from: now },
        });
        refuse_unless_live(secret, now)?;
        secret.versions.push(new.into_version(now));
        let secret = &*secret;
        Ok((secret, secret.latest()?))
    }

    /// Changes the attributes of a version.
    pub(crate) fn update(
        &mut self,
        name: &str,
        id: Option<&str>,
        update: Update,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        let secret = self
            .live_mut(name, now)
            .map_err(|refusal| with_version(refusal, id))?;
        let wanted = secret.version(id)?.id.clone();
        let Some(index) = secret
            .versions
            .iter()
            .position(|version| version.id == wanted)
        else {
            return Err(Refusal::NotFound(format!("{name}/{wanted}")));
        };
        let secret_name = secret.name.clone();
        let Some(version) = secret.versions.get_mut(index) else {
            return Err(Refusal::NotFound(secret_name));
        };
        version.update(update, now)?;
        let secret = &*secret;
        Ok((secret, secret.version(Some(&wanted))?))
    }

    /// Deletes softly; it shows `delay_ms` later.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        now: Moment,
        delay_ms: u32,
    ) -> Result<(&Secret, Deletion), Refusal> {
        if is_managed(self.live(name, now)?) {
            return Err(Refusal::Managed("delete"));
        }
        self.delete_any(name, now, delay_ms)
    }

    /// As [`Self::delete`], of a certificate's secret too.
    pub(crate) fn delete_any(
        &mut self,
        name: &str,
        now: Moment,
        delay_ms: u32,
    ) -> Result<(&Secret, Deletion), Refusal> {
        let retention = i64::from(self.spec.soft_delete_retention_days) * MILLIS_PER_DAY;
        let secret = self.live_mut(name, now)?;
        let deletion = Deletion {
            at: now,
            from: now.plus_millis(i64::from(delay_ms)),
            scheduled_purge: now.plus_millis(retention),
            gone: None,
        };
        secret.phase = Phase::Deleted(deletion);
        Ok((secret, deletion))
    }

    /// Brings a deleted secret back; it shows `delay_ms` later.
    pub(crate) fn recover(
        &mut self,
        name: &str,
        now: Moment,
        delay_ms: u32,
    ) -> Result<&Secret, Refusal> {
        let secret = self.deleted_mut(name, now)?;
        secret.phase = Phase::Live {
            from: now.plus_millis(i64::from(delay_ms)),
        };
        Ok(secret)
    }

    /// Ends a deleted secret for good; its name is free `delay_ms` later.
    pub(crate) fn purge(&mut self, name: &str, now: Moment, delay_ms: u32) -> Result<(), Refusal> {
        let protected = self.spec.purge_protection;
        let secret = self.deleted_mut(name, now)?;
        if protected {
            return Err(Refusal::PurgeProtected);
        }
        if let Phase::Deleted(deletion) = &mut secret.phase {
            deletion.gone = Some(now.plus_millis(i64::from(delay_ms)));
        }
        Ok(())
    }

    /// Takes a secret away as if it had never been, whatever its state.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let removed = self.secrets.remove(&name.to_ascii_lowercase());
        removed
            .map(|_| ())
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    /// Puts a whole secret back from a backup.
    pub(crate) fn restore(
        &mut self,
        secret: Secret,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        secret::check_name(&secret.name)?;
        let key = secret.name.to_ascii_lowercase();
        if let Some(present) = self
            .secrets
            .get(&key)
            .filter(|present| !present.is_gone(now))
        {
            refuse_unless_live(present, now)?;
            return Err(Refusal::Exists(present.name.clone()));
        }
        self.secrets.remove(&key);
        let secret = &*self.secrets.entry(key).or_insert(secret);
        Ok((secret, secret.latest()?))
    }

    fn live_mut(&mut self, name: &str, now: Moment) -> Result<&mut Secret, Refusal> {
        self.secrets
            .get_mut(&name.to_ascii_lowercase())
            .filter(|secret| secret.is_live(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    fn deleted_mut(&mut self, name: &str, now: Moment) -> Result<&mut Secret, Refusal> {
        let secret = self
            .secrets
            .get_mut(&name.to_ascii_lowercase())
            .filter(|secret| !secret.is_gone(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))?;
        match secret.phase {
            Phase::Live { .. } => Err(Refusal::NotFound(name.to_owned())),
            Phase::Deleted(deletion) if deletion.from > now || deletion.gone.is_some() => {
                Err(Refusal::BeingDeleted(name.to_owned()))
            }
            Phase::Deleted(_) => Ok(secret),
        }
    }
}

fn is_managed(secret: &Secret) -> bool {
    secret
        .versions
        .last()
        .is_some_and(|version| version.managed)
}

fn refuse_unless_live(secret: &Secret, now: Moment) -> Result<(), Refusal> {
    match secret.phase {
        Phase::Live { from } if from > now => Err(Refusal::BeingRecovered(secret.name.clone())),
        Phase::Live { .. } => Ok(()),
        Phase::Deleted(deletion) if deletion.from > now || deletion.gone.is_some() => {
            Err(Refusal::BeingDeleted(secret.name.clone()))
        }
        Phase::Deleted(_) => Err(Refusal::DeletedButRecoverable(secret.name.clone())),
    }
}

fn with_version(refusal: Refusal, id: Option<&str>) -> Refusal {
    match (refusal, id) {
        (Refusal::NotFound(name), Some(id)) => Refusal::NotFound(format!("{name}/{id}")),
        (refusal, _) => refusal,
    }
}
