//! What is asked for. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use jiff::Timestamp;

use crate::azure::auth::Token;
use crate::azure::key_vault::Object;
use crate::hub::want::Held;
use crate::vault_secret_sync::api::OnMissing;
use crate::vault_secret_sync::items::item::{Item, Located, ObjectId, TokenOf};
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::tokens::times::{Times, is_newer, seed};
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::{Scene, has_orphans, states};

/// How far a look at tokens goes. One that lives and is as we left it is not asked for just because time goes by, or because
/// the operator was restarted: each would cost a call and a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those that the Secret lacks, and those whose time has come.
    Lacking,
    /// All: something that they depend on may have changed. One that was asked for before may do.
    All,
    /// All, and each must be a new one.
    Anew,
}

/// Which token will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Issued {
    /// Any that lives.
    Whenever,
    /// One that was issued later than this.
    After(Timestamp),
}

impl Issued {
    /// Whether this token will do.
    pub fn fits(self, token: &Token) -> bool {
        match self {
            Self::Whenever => true,
            Self::After(time) => is_newer(token, time),
        }
    }
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the Secret lacks.
    Lacking,
    /// All values: something is made of several, and one of them is another now.
    Everything,
}

/// Whether templates need all of their values, since one is needed, or one that they were made of is not there any more: it
/// left the spec, or by `gone` the vault.
pub fn extent(
    scene: &Scene<'_>,
    rejected: &Rejected,
    tokens: &BTreeMap<TokenOf, Issued>,
    gone: impl Fn(&ObjectId) -> bool,
) -> Extent {
    let lacks = || {
        let objects = objects(scene, rejected, Extent::Lacking);
        objects.values().any(Option::is_none)
    };
    let left = |share: &Share| {
        let removes = scene.valid.on_missing == OnMissing::Remove;
        let is_recorded = |item: &&Item| {
            let mut keys = item.keys().into_iter();
            keys.any(|key| share.record.keys.contains_key(key.key.as_str()))
        };
        let mut recorded = scene.items.iter().filter(is_recorded);
        let vanished = |item: &Item| item.needs().first().is_some_and(&gone);
        has_orphans(scene, share)
            || !scene.past.gone.is_empty()
            || removes && recorded.any(vanished)
    };
    let left = || !rejected.tried && scene.share().is_some_and(left);
    if scene.valid.templates.is_some() && (!tokens.is_empty() || lacks() || left()) {
        Extent::Everything
    } else {
        Extent::Lacking
    }
}

/// The objects of vaults, each with what the Secret holds of it. Where nothing is held, or not all of its keys hold the same,
/// the value is needed.
pub fn objects(
    scene: &Scene<'_>,
    rejected: &Rejected,
    extent: Extent,
) -> BTreeMap<Located, Option<Held>> {
    let nothing = Share::default();
    let share = scene.share().unwrap_or(&nothing);
    let mut objects = BTreeMap::new();
    let (orphans, moved) = (has_orphans(scene, share), scene.has_moved());
    for item in scene.wanting() {
        let held = states(item, share).filter(|_| !(item.is_open() && orphans));
        for (place, need) in item.needs().iter().enumerate() {
            let Some(object) = need.located() else {
                continue;
            };
            let state = rejected
                .of(item, object)
                .or_else(|| {
                    let held = held.as_ref()?.get(place);
                    held.filter(|_| !moved || object.vault.is_some())
                })
                .filter(|held| is_of(held, &object.object) && extent == Extent::Lacking)
                .cloned();
            match objects.entry(object.clone()) {
                Place::Vacant(place) => {
                    place.insert(state);
                }
                Place::Occupied(mut place) => {
                    if *place.get() != state {
                        place.insert(None);
                    }
                }
            }
        }
    }
    objects
}

/// Whether what is held is of the version that is pinned.
fn is_of(held: &Held, object: &Object) -> bool {
    object
        .version
        .as_ref()
        .is_none_or(|pinned| *pinned == held.version)
}

/// The tokens, but for those that could not be had and whose time to be tried again has not come.
pub fn tokens(
    scene: &Scene<'_>,
    (scope, extent): (Scope, Extent),
    rejected: &Rejected,
    now: Timestamp,
) -> BTreeMap<TokenOf, Issued> {
    let nothing = Share::default();
    let share = scene.share().unwrap_or(&nothing);
    let mut tokens = BTreeMap::new();
    for item in scene.wanting() {
        let Some(token) = item.token().filter(|_| rejected.problem(item).is_none()) else {
            continue;
        };
        // A record of another token, or by another identity, is no record of this one.
        let held = states(item, share).and_then(|states| states.into_iter().next());
        let times = held.and_then(|held| Times::read(held.version.as_str()));
        // Templates are made of tokens as they are.
        let along = extent == Extent::Everything && scene.valid.templates.is_some();
        let wanted = token_is_wanted(times, scope, seed(&scene.valid.uid), now);
        let Some(issued) = wanted.or_else(|| along.then_some(Issued::Whenever)) else {
            continue;
        };
        let least = tokens.entry(token.clone()).or_insert(issued);
        *least = issued.max(*least);
    }
    tokens
}

/// Which token is wanted, if one is.
fn token_is_wanted(
    times: Option<Times>,
    scope: Scope,
    seed: u64,
    now: Timestamp,
) -> Option<Issued> {
    let Some(times) = times else {
        return Some(Issued::Whenever);
    };
    if times.renewal(seed) <= now {
        return Some(Issued::After(times.issued));
    }
    match scope {
        Scope::Anew => Some(Issued::After(times.issued)),
        Scope::All => Some(Issued::Whenever),
        Scope::Lacking => None,
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
