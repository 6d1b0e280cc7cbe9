//! What a sync finds: its items, the Secret and what it holds, and who else writes it. Pure.

use std::collections::BTreeSet;

use crate::hub::want::Held;
use crate::vault_secret_sync::items::found::Past;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::origin;
use crate::vault_secret_sync::plan::claims::{Rival, claimed};
use crate::vault_secret_sync::target::{SecretMeta, Share};
use crate::vault_secret_sync::valid::Valid;

/// What the Secret holds, and who else writes it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The sync.
    pub valid: &'a Valid,
    /// What goes into the Secret, in the order of precedence.
    pub items: &'a [Item],
    /// What was found earlier.
    pub past: &'a Past,
    /// The Secret.
    pub secret: Option<&'a SecretMeta>,
    /// What it tells of values that templates are made of ([`crate::vault_secret_sync::wants::inputs`]).
    pub inputs: Option<&'a Share>,
    /// Other syncs of the same Secret.
    pub rivals: &'a [Rival],
}

impl<'a> Scene<'a> {
    /// With the items that stand in the spec itself.
    pub fn of(
        valid: &'a Valid,
        secret: Option<&'a SecretMeta>,
        inputs: Option<&'a Share>,
        rivals: &'a [Rival],
    ) -> Self {
        Self {
            valid,
            items: &valid.items,
            past: Past::NONE,
            secret,
            inputs,
            rivals,
        }
    }

    /// The sync's part in the Secret.
    pub fn part(&self) -> Option<&'a Share> {
        self.secret?.share(&self.valid.name)
    }

    /// What the Secret tells of the keys that items give, be it that they are only what its own are made of.
    pub fn share(&self) -> Option<&'a Share> {
        self.inputs.or_else(|| self.part())
    }

    /// Whether what the Secret holds of the sync's own vault came of another one. Lists tell times and no versions, so a secret of
    /// the same name and second would pass for the one that is held.
    pub fn has_moved(&self) -> bool {
        let recorded = self.share().and_then(|share| share.record.vault.as_deref());
        let both = recorded.zip(self.valid.own_host());
        both.is_some_and(|(recorded, own)| recorded != own)
    }

    /// The rival that a key of the Secret is left to.
    pub fn claimed(&self, key: &str) -> Option<&'a Rival> {
        claimed(self.valid, key, self.secret, self.rivals)
    }

    /// The rival that a key is left to, which an item gives.
    pub fn left_to(&self, key: &str) -> Option<&'a Rival> {
        self.claimed(key).filter(|_| self.valid.holds(key))
    }

    /// The items that give something: one whose keys are all left to rivals needs nothing.
    pub fn wanting(&self) -> impl Iterator<Item = &'a Item> {
        let scene = *self;
        let free = move |item: &Item| {
            let mut keys = item.keys().into_iter();
            item.is_open() || keys.any(|given| scene.left_to(given.key.as_str()).is_none())
        };
        self.items.iter().filter(move |item| free(item))
    }
}

/// The recorded keys that an item gave whose keys are not known without its value: those of it as it is now and, where no other
/// item has the better claim, those of it as it was.
pub fn opened<'a>(item: &Item, items: &[Item], share: &'a Share) -> Vec<&'a str> {
    let lines = share.record.keys.iter();
    let of_item = lines.filter(|(key, line)| {
        let fixed = |item: &Item| item.keys().iter().any(|given| given.key.as_str() == *key);
        let exactly = |item: &Item| item.is_open() && origin::states(item, line).is_some();
        !items.iter().any(fixed)
            && (exactly(item) || origin::expanded(item, line) && !items.iter().any(exactly))
    });
    of_item.map(|(key, _)| key.as_str()).collect()
}

/// Whether a key is recorded that nothing gives any more. What is taken apart may have that key, which another had before.
pub fn has_orphans(scene: &Scene<'_>, share: &Share) -> bool {
    let mut given: BTreeSet<String> = scene.past.kept.union(&scene.past.gone).cloned().collect();
    for item in scene.items {
        given.extend(item.keys().iter().map(|given| given.key.to_string()));
        if item.is_open() {
            let opened = opened(item, scene.items, share).into_iter();
            given.extend(opened.map(str::to_owned));
        }
    }
    share.record.keys.keys().any(|key| !given.contains(key))
}

/// The line of a key whose value in the Secret is as we left it.
pub fn held<'a>(key: &str, share: &'a Share) -> Option<&'a str> {
    let line = share.record.keys.get(key);
    line.filter(|_| share.intact.contains(key))
        .map(String::as_str)
}

/// The states of an item's objects that the Secret holds: those that all of its keys tell of. None where a key lacks, is not as
/// we left it, or was made in another way.
pub fn states(item: &Item, share: &Share) -> Option<Vec<Held>> {
    let mut all: Option<Vec<Held>> = None;
    if item.is_open() {
        for (key, line) in &share.record.keys {
            let Some(states) = origin::states(item, line) else {
                continue;
            };
            held(key, share)?;
            if all.as_ref().is_some_and(|all| *all != states) {
                return None;
            }
            all = Some(states);
        }
        return all;
    }
    for given in item.keys() {
        let key = given.key.as_str();
        if !given.always && !share.record.keys.contains_key(key) {
            continue;
        }
        let states = origin::states(item, held(key, share)?)?;
        if all.as_ref().is_some_and(|all| *all != states) {
            return None;
        }
        all = Some(states);
    }
    all
}
