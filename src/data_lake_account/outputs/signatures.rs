//! Which signatures are due. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Inputs;
use super::record::{moment, second};
use super::seen::Seen;
use super::wanted::{Sas, Sheet, is_by_account};
use crate::data_lake_account::api::{AccountKey, SasKind, SasStatus, SignedByStatus};
use crate::names::ResourceName;

/// A signature counts from so long before it is made, since clocks differ (Azure, "Best practices when using SAS").
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// From when a signature counts that is made now.
pub(super) fn begins(now: Timestamp) -> Timestamp {
    second(now.checked_sub(SKEW).unwrap_or(now)).0
}

/// The longest lifetime of signatures by the identity.
pub(super) fn longest(inputs: &Inputs<'_>) -> Duration {
    let sheets = inputs.wanted.secrets.values();
    let all = sheets.flat_map(|sheet| sheet.sas.values());
    let delegated = all.filter(|sas| sas.kind == SasKind::UserDelegation);
    delegated.map(|sas| sas.lifetime).max().unwrap_or_default()
}

/// Whether any signature of a Secret is due.
pub(super) fn any_due(inputs: &Inputs<'_>, name: &ResourceName, sheet: &Sheet) -> bool {
    let mut all = sheet.sas.iter();
    all.any(|(entry, sas)| is_due(inputs, (name, entry), sas))
}

fn is_due(inputs: &Inputs<'_>, at: (&ResourceName, &str), sas: &Sas) -> bool {
    let Some(made) = made(inputs, at).filter(|made| made.of == sas.of()) else {
        return true;
    };
    let stale = sas.kind == SasKind::Service && made.signed_by != inputs.record.signed_by();
    stale || renews(sas, made) <= inputs.now
}

/// When a signature is made anew, as the last one is.
fn renews(sas: &Sas, made: &SasStatus) -> Timestamp {
    let spare = SignedDuration::try_from(sas.spare()).unwrap_or_default();
    let due = made.expires.0.checked_sub(spare);
    due.unwrap_or(made.expires.0)
}

/// When the first of all signatures is made anew.
pub(super) fn next(inputs: &Inputs<'_>) -> Option<Timestamp> {
    let all = inputs.wanted.secrets.iter().flat_map(|(name, sheet)| {
        let entries = sheet.sas.iter();
        entries.filter_map(move |(entry, sas)| Some(renews(sas, made(inputs, (name, entry))?)))
    });
    all.min()
}

/// Whether a signature by this key of the account may be out that still holds. One that is in doubt may be by either.
pub(super) fn holds(inputs: &Inputs<'_>, key: AccountKey) -> bool {
    let mut all = inputs.record.sas.iter();
    all.any(|made| {
        let may_be_by = match &made.signed_by {
            Some(by) => by.key == key,
            None => is_by_account(&made.of),
        };
        may_be_by && inputs.now < made.expires.0
    })
}

fn made<'a>(inputs: &Inputs<'a>, (name, entry): (&ResourceName, &str)) -> Option<&'a SasStatus> {
    let mut all = inputs.record.sas.iter();
    all.find(|made| made.secret == name.as_str() && made.key == entry)
}

/// What a signature is marked with that is made now.
pub(super) fn signed_by(sas: &Sas, seen: &Seen, key: AccountKey) -> Option<SignedByStatus> {
    let keys = seen
        .keys
        .as_ref()
        .filter(|_| sas.kind == SasKind::Service)?;
    Some(SignedByStatus {
        key,
        created: keys.of(key).made.map(moment),
    })
}
