//! A vault and what it holds. Certificates are in `vault_certificates`.

use std::sync::Arc;

use super::{
    certificate::CertificateVersion,
    key::{KeyUpdate, KeyVersion, NewKey},
    moment::Moment,
    object::{Deletion, Object, Versioned},
    refusal::Refusal,
    secret::{NewVersion, Secret, Update, Version},
    shelf::{Pace, Shelf},
    spec::VaultSpec,
    vault_record::Record,
};

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;
const LONGEST_RETENTION_DAYS: u16 = 90;

/// A vault. Its `spec` holds no secrets, certificates or keys.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    /// Shared, so that a request can hold it without a lock.
    pub(crate) spec: Arc<VaultSpec>,
    pub(crate) record: Record,
    pub(crate) secrets: Shelf<Version>,
    pub(crate) certificates: Shelf<CertificateVersion>,
    pub(crate) keys: Shelf<KeyVersion>,
    /// Names of the certificates that are being made, with when that ends.
    pub(super) due: Vec<(String, Moment)>,
}

impl Vault {
    pub(crate) fn new(spec: VaultSpec) -> Self {
        Self {
            spec: Arc::new(spec),
            record: Record::default(),
            secrets: Shelf::default(),
            certificates: Shelf::default(),
            keys: Shelf::default(),
            due: Vec::new(),
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

    pub(super) fn retention_millis(&self) -> i64 {
        i64::from(self.spec.soft_delete_retention_days) * MILLIS_PER_DAY
    }

    /// A version of a live secret, for a read of the value.
    pub(crate) fn readable(
        &self,
        name: &str,
        id: Option<&str>,
        now: Moment,
    ) -> Result<(&Secret, &Version), Refusal> {
        let found = self.secrets.version(name, id, now)?;
        if found.1.meta.enabled {
            Ok(found)
        } else {
            Err(Refusal::Disabled)
        }
    }

    /// Writes a new version of a secret as a client of the vault: a certificate's secret is refused.
    pub(crate) fn set(&mut self, name: &str, new: NewVersion, now: Moment) -> Result<(), Refusal> {
        refuse_managed(&self.secrets, name, now, "set")?;
        self.plant(name, new, now)
    }

    /// Writes a new version of a secret, managed or not.
    pub(crate) fn plant(
        &mut self,
        name: &str,
        new: NewVersion,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.secrets.plant(name, new.into_version(now)?, now)?;
        Ok(())
    }

    /// Changes the attributes of a version of a secret.
    pub(crate) fn update(
        &mut self,
        name: &str,
        id: Option<&str>,
        update: Update,
        now: Moment,
    ) -> Result<(), Refusal> {
        // For the refusal that names the version, too.
        self.secrets.version(name, id, now)?;
        let secret = self.secrets.live_mut(name, now)?;
        secret.version_mut(id)?.update(update, now)
    }

    /// Writes a new version of a key as a client of the vault: a certificate's key is refused.
    pub(crate) fn put_key(
        &mut self,
        name: &str,
        new: NewKey,
        operation: &'static str,
        now: Moment,
    ) -> Result<(), Refusal> {
        refuse_managed(&self.keys, name, now, operation)?;
        self.keys.plant(name, new.into_version(now)?, now)?;
        Ok(())
    }

    /// Changes the attributes of a version of a key.
    pub(crate) fn update_key(
        &mut self,
        name: &str,
        id: Option<&str>,
        update: KeyUpdate,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.keys.version(name, id, now)?;
        refuse_managed(&self.keys, name, now, "update")?;
        let key = self.keys.live_mut(name, now)?;
        key.version_mut(id)?.update(update, now)
    }
}

/// Refuses what only the certificate may do.
pub(crate) fn refuse_managed<V: Versioned>(
    shelf: &Shelf<V>,
    name: &str,
    now: Moment,
    operation: &'static str,
) -> Result<(), Refusal> {
    if shelf.live(name, now).is_ok_and(Object::is_managed) {
        return Err(Refusal::Managed(operation));
    }
    Ok(())
}

/// A kind of object that a vault keeps, with how its objects come and go. A client's deletion of what belongs to a
/// certificate is refused; a certificate takes its secret and its key along.
pub(crate) trait Kept: Versioned {
    fn shelf(vault: &Vault) -> &Shelf<Self>;
    fn shelf_mut(vault: &mut Vault) -> &mut Shelf<Self>;

    /// Deletes softly as a client.
    fn delete(
        vault: &mut Vault,
        name: &str,
        pace: Pace,
    ) -> Result<(Object<Self>, Deletion), Refusal> {
        Self::shelf(vault).live(name, pace.now)?;
        refuse_managed(Self::shelf(vault), name, pace.now, "delete")?;
        Self::delete_any(vault, name, pace)
    }

    /// Deletes softly, managed or not.
    fn delete_any(
        vault: &mut Vault,
        name: &str,
        pace: Pace,
    ) -> Result<(Object<Self>, Deletion), Refusal> {
        let retention = vault.retention_millis();
        Self::shelf_mut(vault)
            .delete(name, pace, retention)
            .map(|(object, deletion)| (object.clone(), deletion))
    }

    fn recover(vault: &mut Vault, name: &str, pace: Pace) -> Result<Object<Self>, Refusal> {
        refuse_managed_deleted(Self::shelf(vault), name, pace.now, "recover")?;
        Self::shelf_mut(vault).recover(name, pace).cloned()
    }

    fn purge(vault: &mut Vault, name: &str, pace: Pace) -> Result<(), Refusal> {
        refuse_managed_deleted(Self::shelf(vault), name, pace.now, "purge")?;
        let protected = vault.spec.purge_protection;
        Self::shelf_mut(vault).purge(name, pace, protected)
    }

    /// Takes an object away as if it had never been.
    fn remove(vault: &mut Vault, name: &str) -> Result<(), Refusal> {
        Self::shelf_mut(vault).remove(name).map(|_| ())
    }
}

fn refuse_managed_deleted<V: Versioned>(
    shelf: &Shelf<V>,
    name: &str,
    now: Moment,
    operation: &'static str,
) -> Result<(), Refusal> {
    if shelf
        .deleted(name, now)
        .is_ok_and(|(object, _)| object.is_managed())
    {
        return Err(Refusal::Managed(operation));
    }
    Ok(())
}

impl Kept for Version {
    fn shelf(vault: &Vault) -> &Shelf<Self> {
        &vault.secrets
    }

    fn shelf_mut(vault: &mut Vault) -> &mut Shelf<Self> {
        &mut vault.secrets
    }
}

impl Kept for KeyVersion {
    fn shelf(vault: &Vault) -> &Shelf<Self> {
        &vault.keys
    }

    fn shelf_mut(vault: &mut Vault) -> &mut Shelf<Self> {
        &mut vault.keys
    }
}
