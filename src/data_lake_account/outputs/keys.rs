//! Which of an account's two keys is in use, and when the other is made anew. Pure.
//!
//! At all times the Secret has a key that is valid, whatever is lost on the way:
//!
//! 1. The other key is made anew, which is noted first. Nobody was given it, or everybody was told another one an interval ago.
//! 2. While the request may still take effect, the Secret is not written with that key.
//! 3. The Secret is written with what the key is then. The one before stays valid.
//! 4. Only an interval later the one before is made anew.
//!
//! Which key the Secret has is never taken from the status alone before a key is made anew: both are read and compared, in memory.
//! The status may be older than the Secret, since it is written after it.

use jiff::Timestamp;

use super::Inputs;
use super::plan::{Look, Next, Step, View};
use super::record::{Record, is_same, other};
use super::seen::{Keys, What};
use super::signatures;
use crate::data_lake_account::api::{AccountKey, KeysStatus, RenewingStatus, SasKind};
use crate::names::ResourceName;
use crate::retry::after;

/// Makes sure that it is known which key is in use, and that the Secret has it.
pub(super) fn settle(view: &View<'_>) -> Option<Next> {
    let Inputs { wanted, record, .. } = view.inputs;
    if !wanted.needs_key() {
        let forgotten = record.keys.is_some() && open(view).is_none();
        return forgotten.then_some(Next::Do(Step::Forget));
    }
    if !view.inputs.account.shared_keys || view.failed(&What::Keys) {
        return None;
    }
    match wanted.keys() {
        Some((name, _)) if !view.is_barred(name) => secret(view, name),
        _ => signing(view),
    }
}

/// The Secret with the key.
fn secret(view: &View<'_>, name: &ResourceName) -> Option<Next> {
    let noted = renewing(view.inputs.record);
    let broken = view.is_broken(name);
    let settled = open(view).is_some() || noted.is_none() && is_known(view);
    if settled && !broken {
        return None;
    }
    let Some(keys) = &view.seen.keys else {
        return Some(Next::Look(Look::Keys));
    };
    let held = view.seen.held;
    if let Some(fresh) = noted.filter(|noted| is_renewed(view, noted, keys)) {
        return Some(if held == Some(fresh.key) && !broken {
            Next::Do(Step::Use(fresh.key))
        } else {
            view.write(name, fresh.key)
        });
    }
    match held {
        Some(held) if !broken => Some(Next::Do(Step::Use(held))).filter(|_| {
            // Said once; what goes on with the other is over by now and came to nothing.
            noted.is_some() || !is_known(view) || view.inputs.record.in_use() != Some(held)
        }),
        _ => Some(view.write(name, pick(view, held))),
    }
}

/// Where signatures alone are made with the key.
fn signing(view: &View<'_>) -> Option<Next> {
    let mut sheets = view.inputs.wanted.secrets.values();
    if !sheets.any(|sheet| sheet.has(SasKind::Service)) {
        return None;
    }
    let noted = renewing(view.inputs.record);
    if open(view).is_some() || noted.is_none() && is_known(view) {
        return None;
    }
    if view.seen.keys.is_none() {
        return Some(Next::Look(Look::Keys));
    }
    let key = view.inputs.record.in_use().unwrap_or(AccountKey::Key1);
    Some(Next::Do(Step::Use(key)))
}

/// The key that the Secret is written with, where it has none that may stay: never one that may become invalid at any moment.
fn pick(view: &View<'_>, held: Option<AccountKey>) -> AccountKey {
    let barred = renewing(view.inputs.record).map(|noted| noted.key);
    let choice = held.or_else(|| view.inputs.record.in_use());
    match (choice.filter(|key| barred != Some(*key)), barred) {
        (Some(key), _) => key,
        (None, Some(barred)) => other(barred),
        (None, None) => AccountKey::Key1,
    }
}

/// Makes the other key anew, where that is due.
pub(super) fn renew(view: &View<'_>) -> Option<Next> {
    let Inputs {
        wanted,
        record,
        account,
        now,
        ..
    } = view.inputs;
    let (name, _) = wanted.keys()?;
    let in_use = record.keys.as_ref()?;
    let hindered = [What::Keys, What::Renewal, What::Secret(name.clone())];
    let may = account.shared_keys
        && in_use.renewing.is_none()
        && view.seen.renewed.is_none()
        && !view.is_broken(name)
        && !view.is_barred(name)
        // A Secret that could not be deleted may have any key.
        && !view.keeps_left()
        && !hindered.iter().any(|what| view.failed(what));
    if !may || due(view.inputs).is_none_or(|due| *now < due) {
        return None;
    }
    let Some(keys) = &view.seen.keys else {
        return Some(Next::Look(Look::Keys));
    };
    match view.seen.held {
        Some(held) if held == in_use.in_use => {}
        // The status is older than the Secret, which is not that old then.
        Some(held) => return Some(Next::Do(Step::Use(held))),
        None => return Some(view.write(name, pick(view, None))),
    }
    let next = other(in_use.in_use);
    // Whoever still has a signature by it would be shut out. It is made anew first, or runs out.
    (!signatures::holds(view.inputs, next)).then(|| {
        Next::Do(Step::Renew {
            key: next,
            was: keys.of(next).made,
        })
    })
}

/// When the other key is made anew: so long after the key in use was made, and after it was taken into use.
pub(super) fn due(inputs: &Inputs<'_>) -> Option<Timestamp> {
    let KeysStatus { created, since, .. } = inputs.record.keys.as_ref()?;
    let created = created.as_ref().map(|time| time.0);
    let begin = created.max(since.as_ref().map(|time| time.0))?;
    Some(after(begin, inputs.wanted.rotate_after?))
}

/// When what goes on with the other key is over.
pub(super) fn lapses(inputs: &Inputs<'_>) -> Option<Timestamp> {
    renewing(inputs.record).map(|noted| noted.until.0)
}

fn renewing(record: &Record) -> Option<&RenewingStatus> {
    record.keys.as_ref()?.renewing.as_ref()
}

/// A request for another key that may still take effect.
fn open<'a>(view: &View<'a>) -> Option<&'a RenewingStatus> {
    let now = view.inputs.now;
    renewing(view.inputs.record).filter(|noted| now < noted.until.0)
}

/// Whether a request is over and made the key anew.
fn is_renewed(view: &View<'_>, noted: &RenewingStatus, keys: &Keys) -> bool {
    let told = view.seen.renewed == Some(noted.key);
    let same = is_same(noted.was.as_ref(), keys.of(noted.key).made);
    view.inputs.now >= noted.until.0 && (told || !same)
}

/// Whether the key in use is the one that the status tells. Others can make it anew at any time.
fn is_known(view: &View<'_>) -> bool {
    let Some(known) = &view.inputs.record.keys else {
        return false;
    };
    let told = match &view.seen.keys {
        Some(keys) => keys.of(known.in_use).made,
        None => view.told(known.in_use),
    };
    let same = |told| is_same(known.created.as_ref(), Some(told));
    known.since.is_some() && told.is_none_or(same)
}
