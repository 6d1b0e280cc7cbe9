//! The certificates of a vault. Each finished version plants a version of the secret and of the key of the same name.

use std::sync::Arc;

use super::{
    certificate::{Certificate, CertificateVersion, Made, Pending, Progress, Unsigned},
    certificate_spec::CertificateSeed,
    key::{Key, KeyVersion},
    moment::Moment,
    object::{Changes, Deletion, Meta, Object, Versioned, check_name, check_tags},
    policy::Policy,
    refusal::Refusal,
    secret::{NewVersion, Secret, Version},
    shelf::{Pace, Shelf},
    vault::{Kept, Vault},
};

/// A certificate with its secret and its key, out of a backup.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) certificate: Certificate,
    pub(crate) secret: Option<Secret>,
    pub(crate) key: Option<Key>,
}

impl Vault {
    /// Why no certificate of that name can be made now, when that is so.
    pub(crate) fn refuse_unless_certifiable(&self, name: &str, now: Moment) -> Result<(), Refusal> {
        check_name(name)?;
        self.certificates.refuse_unless_writable(name, now)?;
        let pending = self
            .certificates
            .live(name, now)
            .ok()
            .and_then(|present| present.extra.pending.as_ref());
        if pending.is_some_and(Pending::is_in_progress) {
            return Err(Refusal::InProgress);
        }
        refuse_foreign(&self.secrets, name, now)?;
        refuse_foreign(&self.keys, name, now)
    }

    /// Writes a finished version, as an import or a seed does.
    pub(crate) fn put_certificate(
        &mut self,
        name: &str,
        made: Made,
        seed: Option<Arc<CertificateSeed>>,
        now: Moment,
    ) -> Result<(), Refusal> {
        check_tags(made.changes.tags.as_ref())?;
        self.refuse_unless_certifiable(name, now)?;
        self.finish(name, made, now)?;
        let manner = &mut self.certificates.live_mut(name, now)?.extra;
        manner.pending = None;
        manner.seed = seed.or_else(|| manner.seed.take());
        Ok(())
    }

    /// Begins to make a version.
    pub(crate) fn begin_certificate(
        &mut self,
        name: &str,
        pending: Pending,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.refuse_unless_certifiable(name, now)?;
        let (policy, unfinished) = match &pending.progress {
            Progress::Issuing { made, ready } => {
                check_tags(made.changes.tags.as_ref())?;
                self.due.push((name.to_owned(), *ready));
                (made.policy.clone(), made.meta(now, false))
            }
            Progress::Merging(unsigned) => (unsigned.policy.clone(), unsigned.meta(now)),
            Progress::Completed | Progress::Cancelled => return Err(Refusal::NotInProgress),
        };
        if self.certificates.live(name, now).is_err() {
            let mut meta = unfinished;
            meta.enabled = false;
            self.certificates.plant(
                name,
                CertificateVersion {
                    meta,
                    der: None,
                    in_order: false,
                },
                now,
            )?;
        }
        let manner = &mut self.certificates.live_mut(name, now)?.extra;
        replace(&mut manner.policy, policy);
        manner.pending = Some(pending);
        Ok(())
    }

    /// Whether [`Self::settle`] has something to do.
    pub(crate) fn has_due(&self, now: Moment) -> bool {
        self.due.iter().any(|(_, ready)| *ready <= now)
    }

    /// Ends the operations whose time has come.
    pub(crate) fn settle(&mut self, now: Moment) {
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(_, ready)| *ready <= now);
        self.due = later;
        let due: Vec<(String, Moment)> = due;
        for (name, ready) in due {
            let Ok(certificate) = self.certificates.live_mut(&name, now) else {
                continue;
            };
            let Some(pending) = &mut certificate.extra.pending else {
                continue;
            };
            // Another operation may have taken the place of the one that was due.
            if !matches!(pending.progress, Progress::Issuing { ready, .. } if ready <= now) {
                continue;
            }
            if pending.cancellation_requested {
                pending.progress = Progress::Cancelled;
                continue;
            }
            let before = std::mem::replace(&mut pending.progress, Progress::Completed);
            if let Progress::Issuing { made, .. } = before {
                // A secret or key of that name may have come in the meantime: then there is no certificate.
                if self.finish(&name, *made, ready).is_err()
                    && let Some(pending) = self.pending_mut(&name, now)
                {
                    pending.progress = Progress::Cancelled;
                }
            }
        }
    }

    fn pending_mut(&mut self, name: &str, now: Moment) -> Option<&mut Pending> {
        let certificate = self.certificates.live_mut(name, now).ok()?;
        certificate.extra.pending.as_mut()
    }

    /// Plants certificate, secret and key of one version.
    fn finish(&mut self, name: &str, made: Made, now: Moment) -> Result<(), Refusal> {
        refuse_foreign(&self.secrets, name, now)?;
        refuse_foreign(&self.keys, name, now)?;
        let meta = made.meta(now, true);
        let secret = NewVersion {
            id: made.id.clone(),
            value: made.value.clone(),
            content_type: Some(made.content_type().to_owned()),
            tags: meta.tags.clone(),
            enabled: Some(meta.enabled),
            not_before: meta.not_before,
            expires: meta.expires,
            managed: true,
            kid: None,
        };
        self.plant(name, secret, now)?;
        let operations = made.key.kind.operations();
        let key = KeyVersion {
            meta,
            operations: operations.iter().map(|&word| word.to_owned()).collect(),
            key: made.key.clone(),
        };
        self.keys.plant(name, key, now)?;
        let version = CertificateVersion {
            meta: made.meta(now, false),
            der: Some(made.leaf.to_vec()),
            in_order: made.in_order,
        };
        let unfinished = self
            .certificates
            .live(name, now)
            .is_ok_and(|present| !present.is_complete());
        let certificate = if unfinished {
            let present = self.certificates.live_mut(name, now)?;
            present.versions = vec![version];
            present
        } else {
            self.certificates.plant(name, version, now)?
        };
        replace(&mut certificate.extra.policy, made.policy);
        Ok(())
    }

    /// The operation that makes a version, under way or over.
    pub(crate) fn pending(&self, name: &str, now: Moment) -> Result<&Pending, Refusal> {
        self.certificates
            .live(name, now)
            .ok()
            .and_then(|certificate| certificate.extra.pending.as_ref())
            .ok_or_else(|| Refusal::PendingNotFound(name.to_owned()))
    }

    /// Asks for a cancellation: it is granted when the issuer would have been done.
    pub(crate) fn cancel(&mut self, name: &str, wanted: bool, now: Moment) -> Result<(), Refusal> {
        self.pending(name, now)?;
        let pending = self
            .pending_mut(name, now)
            .filter(|pending| pending.is_in_progress())
            .ok_or(Refusal::NotInProgress)?;
        pending.cancellation_requested = wanted;
        if wanted && matches!(pending.progress, Progress::Merging(_)) {
            pending.progress = Progress::Cancelled;
        }
        Ok(())
    }

    /// Forgets the operation, and so what it was to make.
    pub(crate) fn delete_pending(&mut self, name: &str, now: Moment) -> Result<Pending, Refusal> {
        let pending = self.pending(name, now)?.clone();
        self.certificates.live_mut(name, now)?.extra.pending = None;
        Ok(pending)
    }

    /// The key that waits for a certificate from elsewhere.
    pub(crate) fn unsigned(&self, name: &str, now: Moment) -> Result<&Unsigned, Refusal> {
        let pending = self.pending(name, now)?;
        match &pending.progress {
            Progress::Merging(unsigned) => Ok(unsigned),
            Progress::Issuing { .. } => Err(Refusal::MergeForbidden(pending.issuer.clone())),
            Progress::Completed | Progress::Cancelled => Err(Refusal::NotInProgress),
        }
    }

    /// Ends an operation by a certificate from elsewhere.
    pub(crate) fn merge(&mut self, name: &str, made: Made, now: Moment) -> Result<(), Refusal> {
        self.unsigned(name, now)?;
        self.finish(name, made, now)?;
        if let Some(pending) = self.pending_mut(name, now) {
            pending.progress = Progress::Completed;
        }
        Ok(())
    }

    /// Changes the attributes of a version, and those of its secret and key with it.
    pub(crate) fn update_certificate(
        &mut self,
        name: &str,
        id: Option<&str>,
        changes: Changes,
        now: Moment,
    ) -> Result<(), Refusal> {
        let (_, version) = self.certificates.version(name, id, now)?;
        let id = version.meta.id.clone();
        self.certificates
            .change(name, Some(&id), changes.clone(), now)?;
        // Before the first version is finished they are not there.
        if self.secrets.version(name, Some(&id), now).is_ok() {
            self.secrets.change(name, Some(&id), changes.clone(), now)?;
        }
        if self.keys.version(name, Some(&id), now).is_ok() {
            self.keys.change(name, Some(&id), changes, now)?;
        }
        Ok(())
    }

    pub(crate) fn set_policy(
        &mut self,
        name: &str,
        policy: Policy,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.certificates.live_mut(name, now)?.extra.policy = policy;
        Ok(())
    }

    /// Puts a certificate back from a backup.
    pub(crate) fn restore_certificate(&mut self, whole: Whole, now: Moment) -> Result<(), Refusal> {
        let name = whole.certificate.name.clone();
        self.secrets.refuse_unless_free(&name, now)?;
        self.keys.refuse_unless_free(&name, now)?;
        self.certificates.restore(whole.certificate, now)?;
        if let Some(secret) = whole.secret {
            self.secrets.restore(secret, now)?;
        }
        if let Some(key) = whole.key {
            self.keys.restore(key, now)?;
        }
        Ok(())
    }

    fn has_managed<V: Kept>(&self, name: &str) -> bool {
        V::shelf(self).any(name).is_some_and(Object::is_managed)
    }
}

/// A new policy is as old as the first one of its certificate.
fn replace(policy: &mut Policy, new: Policy) {
    let created = policy.attributes.created;
    *policy = new;
    if created != 0 {
        policy.attributes.created = created;
    }
}

/// A certificate cannot take the name of a secret or key that is not a certificate's.
fn refuse_foreign<V: Versioned>(shelf: &Shelf<V>, name: &str, now: Moment) -> Result<(), Refusal> {
    shelf.refuse_unless_writable(name, now)?;
    match shelf.live(name, now) {
        Ok(present) if !present.is_managed() => Err(Refusal::Exists(present.name.clone())),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Kept for CertificateVersion {
    fn shelf(vault: &Vault) -> &Shelf<Self> {
        &vault.certificates
    }

    fn shelf_mut(vault: &mut Vault) -> &mut Shelf<Self> {
        &mut vault.certificates
    }

    fn delete_any(
        vault: &mut Vault,
        name: &str,
        pace: Pace,
    ) -> Result<(Certificate, Deletion), Refusal> {
        let retention = vault.retention_millis();
        // What was to be made is not made any more.
        let pending = &mut vault.certificates.live_mut(name, pace.now)?.extra.pending;
        *pending = pending.take().filter(|pending| !pending.is_in_progress());
        let (certificate, deletion) = vault
            .certificates
            .delete(name, pace, retention)
            .map(|(certificate, deletion)| (certificate.clone(), deletion))?;
        if vault.has_managed::<Version>(name) {
            Version::delete_any(vault, name, pace)?;
        }
        if vault.has_managed::<KeyVersion>(name) {
            KeyVersion::delete_any(vault, name, pace)?;
        }
        Ok((certificate, deletion))
    }

    fn recover(vault: &mut Vault, name: &str, pace: Pace) -> Result<Certificate, Refusal> {
        let certificate = vault.certificates.recover(name, pace)?.clone();
        if vault.has_managed::<Version>(name) {
            vault.secrets.recover(name, pace)?;
        }
        if vault.has_managed::<KeyVersion>(name) {
            vault.keys.recover(name, pace)?;
        }
        Ok(certificate)
    }

    fn purge(vault: &mut Vault, name: &str, pace: Pace) -> Result<(), Refusal> {
        let protected = vault.spec.purge_protection;
        vault.certificates.purge(name, pace, protected)?;
        if vault.has_managed::<Version>(name) {
            vault.secrets.purge(name, pace, protected)?;
        }
        if vault.has_managed::<KeyVersion>(name) {
            vault.keys.purge(name, pace, protected)?;
        }
        Ok(())
    }

    fn remove(vault: &mut Vault, name: &str) -> Result<(), Refusal> {
        vault.certificates.remove(name)?;
        if vault.has_managed::<Version>(name) {
            vault.secrets.remove(name)?;
        }
        if vault.has_managed::<KeyVersion>(name) {
            vault.keys.remove(name)?;
        }
        Ok(())
    }
}

impl Unsigned {
    fn meta(&self, now: Moment) -> Meta {
        Meta::new(self.id.clone(), self.changes.clone(), now)
    }
}
