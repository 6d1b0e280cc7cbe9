//! What the status keeps of outputs, and what a write adds to it. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

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

/// When a key was made, as it is kept: Azure tells it with digits behind the second, and a key may be made anew within one.
pub fn moment(made: Timestamp) -> MicroTime {
    let micro = Timestamp::from_microsecond(made.as_microsecond());
    MicroTime(micro.unwrap_or(made))
}

/// Whether what is kept of a key is of this very one. Where one of both was told to the second, they are compared to the second.
pub fn is_same(kept: Option<&MicroTime>, made: Option<Timestamp>) -> bool {
    let (Some(kept), Some(made)) = (kept, made.map(moment)) else {
        return kept.is_none() && made.is_none();
    };
    let is_whole = |time: Timestamp| time.subsec_nanosecond() == 0;
    let roughly = is_whole(kept.0) || is_whole(made.0);
    *kept == made || roughly && kept.0.as_second() == made.0.as_second()
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
            created: keys.of(key).made.map(moment),
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
                was: was.map(moment),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_made_anew_within_a_second_is_another() {
        let at = |text: &str| -> Timestamp { format!("2026-01-01T00:00:{text}Z").parse().unwrap() };
        for (kept, told, same) in [
            ("07.1234567", "07.1234567", true),
            ("07.123456", "07.1234569", true),
            ("07.1", "07.2", false),
            // Told to the second, by one of both or when it was kept.
            ("07", "07.9", true),
            ("07.9", "07", true),
            ("07", "08", false),
            ("07.9", "08.1", false),
        ] {
            let kept = moment(at(kept));
            assert_eq!(
                is_same(Some(&kept), Some(at(told))),
                same,
                "{kept:?} {told}"
            );
        }
        assert!(is_same(None, None) && !is_same(None, Some(at("07"))));
        assert!(!is_same(Some(&moment(at("07"))), None));
    }

    #[test]
    fn times_are_kept_as_they_are_compared() {
        let made: Timestamp = "2026-01-01T00:00:07.1234567Z".parse().unwrap();
        let text = serde_json::to_string(&moment(made)).unwrap();
        let kept: MicroTime = serde_json::from_str(&text).unwrap();
        assert!(is_same(Some(&kept), Some(made)), "{text}");
    }
}
