//! Which objects are asked for. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::{Source, TokenOf, version_of};
use super::plan::{Rival, claimed, held};
use super::target::SecretMeta;
use super::token_times::{Times, is_newer, seed};
use super::valid::Valid;
use crate::azure::auth::Token;
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
    /// Tokens.
    pub tokens: BTreeMap<TokenOf, Issued>,
}

/// Which token will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
                let Some(issued) = token_is_wanted(times, scope, seed(&valid.uid), now) else {
                    continue;
                };
                let least = wanted.tokens.entry(token.clone()).or_insert(issued);
                *least = issued.max(*least);
            }
        }
    }
    wanted
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
        Scope::Lacking | Scope::Secrets => None,
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
