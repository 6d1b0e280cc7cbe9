//! Which objects are asked for. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::{Source, TokenOf, version_of};
use super::plan::{Rival, claimed, held};
use super::target::SecretMeta;
use super::token_times::{Times, seed};
use super::valid::Valid;
use crate::azure::key_vault::SecretId;

/// How far a look goes. A token that lives and is as we left it is not asked for just because time goes by, or because the
/// operator was restarted: each would cost a call and a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What the Secret lacks: objects of damaged keys, and tokens whose time has come.
    Lacking,
    /// All secrets of the vault, too.
    Secrets,
    /// All tokens, too: something that they depend on may have changed. One that was asked for before may do.
    All,
    /// All of it, and each token must be a new one.
    Anew,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Secrets of the vault.
    pub secrets: BTreeSet<SecretId>,
    /// Tokens; with a time, only one that was issued later will do.
    pub tokens: BTreeMap<TokenOf, Option<Timestamp>>,
}

/// Decides. Keys that are left to a rival need nothing.
pub fn wanted(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    rivals: &[Rival],
    scope: Scope,
    now: Timestamp,
) -> Wanted {
    let share = secret
        .and_then(|secret| secret.share(&valid.name))
        .cloned()
        .unwrap_or_default();
    let mut wanted = Wanted::default();
    for entry in &valid.entries {
        if claimed(valid, entry, secret, rivals).is_some() {
            continue;
        }
        let held = held(entry, &share);
        match &entry.source {
            Source::Secret(part) => {
                if held.is_none() || scope != Scope::Lacking {
                    wanted.secrets.insert(part.id.clone());
                }
            }
            Source::Token(token) => {
                // A record of another token, or by another identity, is no record of this one.
                let times = held
                    .map(version_of)
                    .filter(|version| held == Some(entry.recorded(version).as_str()))
                    .and_then(Times::read);
                let Some(newer_than) = token_is_wanted(times, scope, seed(&valid.uid), now) else {
                    continue;
                };
                let before = wanted.tokens.entry(token.clone()).or_default();
                *before = (*before).max(newer_than);
            }
        }
    }
    wanted
}

/// None where the token is not wanted; else the time after which it must have been issued, if any.
fn token_is_wanted(
    times: Option<Times>,
    scope: Scope,
    seed: u64,
    now: Timestamp,
) -> Option<Option<Timestamp>> {
    let Some(times) = times else {
        return Some(None);
    };
    if times.renewal(seed) <= now {
        return Some(Some(times.issued));
    }
    match scope {
        Scope::Anew => Some(Some(times.issued)),
        Scope::All => Some(None),
        Scope::Lacking | Scope::Secrets => None,
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
