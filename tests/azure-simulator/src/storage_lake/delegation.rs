//! User delegation keys: with one, somebody with a token signs links that need no key of the account
//! (<https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key>).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::sas::{Sas, seconds};
use crate::world::{moment::Moment, storage_account::StorageAccount};

/// The longest that a key is good for.
const LONGEST_SECONDS: i64 = 7 * 24 * 60 * 60;

/// From what all keys are made.
pub(crate) struct Delegation(hmac::Key);

impl std::fmt::Debug for Delegation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Delegation")
    }
}

impl Delegation {
    /// With a secret of chance: keys do not outlive a restart.
    pub(crate) fn new() -> Self {
        let secret = rand::random::<[u8; 32]>();
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// The key of these terms, base64.
    pub(super) fn key(&self, account: &StorageAccount, terms: &Terms<'_>) -> String {
        let text = [
            &account.spec.name,
            &account.life.created.0.to_string(),
            &terms.object_id.to_ascii_lowercase(),
            &terms.tenant_id.to_ascii_lowercase(),
            terms.start,
            terms.expiry,
            terms.service,
            terms.version,
        ]
        .join("\n");
        STANDARD.encode(hmac::sign(&self.0, text.as_bytes()))
    }
}

/// To whom a key was given, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) object_id: &'a str,
    pub(super) tenant_id: &'a str,
    pub(super) start: &'a str,
    pub(super) expiry: &'a str,
    pub(super) service: &'a str,
    pub(super) version: &'a str,
}

impl Terms<'_> {
    /// Whether a key may be given for that time.
    pub(super) fn fit(&self, now: Moment) -> bool {
        let (Some(start), Some(expiry)) = (seconds(self.start), seconds(self.expiry)) else {
            return false;
        };
        let now = now.seconds();
        start < expiry && now < expiry && expiry - now <= LONGEST_SECONDS
    }
}

/// The key that must have signed, when it is still good.
pub(super) fn key_of_signature(
    delegation: &Delegation,
    account: &StorageAccount,
    sas: Sas<'_>,
    now: Moment,
) -> Option<String> {
    let terms = Terms {
        object_id: sas.get("skoid"),
        tenant_id: sas.get("sktid"),
        start: sas.get("skt"),
        expiry: sas.get("ske"),
        service: sas.get("sks"),
        version: sas.get("skv"),
    };
    let (start, expiry) = (seconds(terms.start)?, seconds(terms.expiry)?);
    (start..expiry)
        .contains(&now.seconds())
        .then(|| delegation.key(account, &terms))
}
