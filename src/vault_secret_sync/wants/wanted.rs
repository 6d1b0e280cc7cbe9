//! What is asked for. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use jiff::Timestamp;

use crate::azure::auth::Token;
use crate::azure::key_vault::Object;
use crate::hub::want::Held;
use crate::vault_secret_sync::items::item::{Located, TokenOf};
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

/// The objects of vaults, each with what the Secret holds of it. Where nothing is held, or not all of its keys hold the same,
/// the value is needed.
pub fn objects(scene: &Scene<'_>, rejected: &Rejected) -> BTreeMap<Located, Option<Held>> {
    let nothing = Share::default();
    let share = scene.share().unwrap_or(&nothing);
    let mut objects = BTreeMap::new();
    let orphans = has_orphans(scene, share);
    for item in scene.wanting() {
        let held = states(item, share).filter(|_| !(item.is_open() && orphans));
        for (place, need) in item.needs().iter().enumerate() {
            let Some(object) = need.located() else {
                continue;
            };
            let state = rejected
                .of(item, object)
                .or_else(|| held.as_ref()?.get(place))
                .filter(|held| is_of(held, &object.object))
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
    scope: Scope,
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
        let Some(issued) = token_is_wanted(times, scope, seed(&scene.valid.uid), now) else {
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
