//! Changes that wait until a window for them opens. Pure.

use jiff::Timestamp;

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::OnMissing;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::origin;
use crate::vault_secret_sync::plan::look::Looked;
use crate::vault_secret_sync::plan::rows::{Put, Row};
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::scene::{Scene, held, opened};

/// An item whose objects have other versions than the Secret's values waits as a whole, while no window is open. What lacks or
/// was spoilt is written all the same: the old value of it is nowhere any more. So is what somebody asked for by the spec.
pub fn held_back(item: &Item, looked: Looked, scene: &Scene<'_>, now: Timestamp) -> Looked {
    let valid = scene.valid;
    if valid.windows.open(now) {
        return looked;
    }
    let nothing = Share::default();
    let share = scene.share().unwrap_or(&nothing);
    let fixed = item.keys();
    let keys: Vec<&str> = if item.is_open() {
        opened(item, scene.items, share)
    } else {
        let keys = fixed.iter().map(|given| given.key.as_str());
        keys.filter(|key| share.record.keys.contains_key(*key))
            .collect()
    };
    let old: Option<Vec<&str>> = keys.iter().map(|key| held(key, share)).collect();
    let Some([first, ..]) = old.as_deref() else {
        return looked;
    };
    let waits = match &looked {
        Looked::Fresh { line, .. } => origin::follows(first, line),
        Looked::Missing(_) => valid.on_missing == OnMissing::Remove,
        Looked::Unasked | Looked::Failed(_) => false,
    };
    if waits {
        Looked::Failed(waiting())
    } else {
        looked
    }
}

/// Keys that would go wait, too.
pub fn hold_removals(valid: &Valid, rows: &mut [Row], now: Timestamp) {
    if valid.windows.open(now) {
        return;
    }
    for row in rows {
        if let Put::Remove(line) = &row.put {
            row.put = Put::Keep(line.clone());
            row.plan.version.clone_from(&row.plan.held);
            row.plan.problem = Some(waiting());
            row.shown = true;
        }
    }
}

fn waiting() -> Problem {
    let message = "the vault has something new, which is applied when one of spec.windows opens";
    Problem::new(Reason::WaitingForWindow, Retry::OnChange, message)
}
