//! What the status keeps of outputs, and what a write adds to it. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::seen::Keys;
use super::wanted::Wanted;
use crate::azure_resource::note::WINDOW;
use crate::data_lake_account::api::{
    AccountKey, KeysStatus, RenewingStatus, SasStatus, SignedByStatus,
};
use crate::names::ResourceName;
use crate::retry::after;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// How the account's keys stand.
    pub keys: Option<KeysStatus>,
    /// Signatures that were made.
    pub sas: Vec<SasStatus>,
}

/// A time as it is kept: Azure and Kubernetes write it with more or fewer digits.
pub fn second(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

impl Record {
    /// The key that is in use.
    pub fn in_use(&self) -> Option<AccountKey> {
        self.keys.as_ref().map(|keys| keys.in_use)
    }

    /// What is signed with the key in use is marked with this.
    pub fn signed_by(&self) -> Option<SignedByStatus> {
        self.keys.as_ref().map(|keys| SignedByStatus {
            key: keys.in_use,
            created: keys.created.clone(),
        })
    }

    /// A key is in use, as the Secret shows or because it was just written. What may still happen to the other stays noted.
    pub fn uses(&mut self, key: AccountKey, keys: &Keys, now: Timestamp) {
        let mut before = self.keys.take();
        if let Some(known) = &mut before
            && let Some(noted) = &known.renewing
        {
            // Where Azure does not tell when keys were made, nobody knows whether the other one stood in the Secret for a while.
            if keys.of(noted.key).made.is_none() {
                known.since = None;
            }
            self.doubts_signatures();
        }
        let same = before.as_ref().filter(|before| before.in_use == key);
        let since = same.and_then(|same| same.since.clone());
        self.keys = Some(KeysStatus {
            in_use: key,
            created: keys.of(key).made.map(second),
            since: Some(since.unwrap_or_else(|| second(now))),
            renewing: before
                .and_then(|before| before.renewing)
                .filter(|renewing| renewing.key != key && now < renewing.until.0),
        });
    }

    /// The Secret was written with a key. Where it was not known what becomes of the other, it may have had that one before, so its
    /// time begins anew.
    pub fn wrote(&mut self, key: AccountKey, keys: &Keys, now: Timestamp) {
        if let Some(before) = &mut self.keys
            && before.renewing.is_some()
        {
            before.since = None;
        }
        self.uses(key, keys, now);
    }

    /// The status may be older than the Secrets: each signature by a key of the account may be by the other one.
    fn doubts_signatures(&mut self) {
        for sas in &mut self.sas {
            sas.signed_by = None;
        }
    }

    /// The other key is about to be made anew.
    pub fn renews(&mut self, key: AccountKey, was: Option<Timestamp>, now: Timestamp) {
        if let Some(keys) = &mut self.keys {
            keys.renewing = Some(RenewingStatus {
                key,
                was: was.map(second),
                until: Time(after(now, WINDOW)),
            });
        }
    }

    /// Whether a key that is noted may be asked for still. A request that is sent late could take effect when nobody reckons with it
    /// any more: whoever was held up, or stopped, between the note and the request leaves it.
    pub fn may_be_sent(&self, now: Timestamp) -> bool {
        let noted = self.keys.as_ref().and_then(|keys| keys.renewing.as_ref());
        noted.is_some_and(|noted| after(now, WINDOW / 2) <= noted.until.0)
    }

    /// The request can have no effect any more.
    pub fn is_over(&mut self, now: Timestamp) {
        let keys = self.keys.as_mut();
        if let Some(renewing) = keys.and_then(|keys| keys.renewing.as_mut()) {
            renewing.until = Time(now);
        }
    }

    /// Nothing goes on with the other key.
    pub fn forgets_renewal(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.renewing = None;
        }
    }

    /// A Secret was written with these signatures and no others.
    pub fn signed(&mut self, secret: &ResourceName, made: Vec<SasStatus>) {
        self.sas.retain(|sas| sas.secret != secret.as_str());
        self.sas.extend(made);
        self.sas
            .sort_by(|a, b| (&a.secret, &a.key).cmp(&(&b.secret, &b.key)));
    }

    /// Forgets the signatures of Secrets that are neither wanted nor there.
    pub fn prune(&mut self, wanted: &Wanted, is_left: impl Fn(&str) -> bool) {
        self.sas.retain(|sas| {
            let mut names = wanted.secrets.keys();
            names.any(|name| name.as_str() == sas.secret) || is_left(&sas.secret)
        });
    }
}

/// The key that is not this one.
pub fn other(key: AccountKey) -> AccountKey {
    match key {
        AccountKey::Key1 => AccountKey::Key2,
        AccountKey::Key2 => AccountKey::Key1,
    }
}

/// Its name in Azure.
pub fn name_of(key: AccountKey) -> &'static str {
    match key {
        AccountKey::Key1 => "key1",
        AccountKey::Key2 => "key2",
    }
}
