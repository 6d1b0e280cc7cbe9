//! Who may write what: other syncs of the same Secret, and what stands against writing it at all. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::Ownership;
use crate::vault_secret_sync::items::item::{Item, Source};
use crate::vault_secret_sync::plan::dress::Write;
use crate::vault_secret_sync::target::{Record, Relation, SecretMeta, relation};
use crate::vault_secret_sync::valid::Valid;

/// The type of Secrets with a certificate.
pub const TLS: &str = "kubernetes.io/tls";

/// Another sync that writes into the same Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rival {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it wants the whole Secret.
    pub ownership: Ownership,
    /// The keys that it claims.
    pub keys: BTreeSet<String>,
}

/// The rival that a key is left to.
pub fn claimed<'a>(
    valid: &Valid,
    key: &str,
    secret: Option<&SecretMeta>,
    rivals: &'a [Rival],
) -> Option<&'a Rival> {
    rivals.iter().find(|rival| beats(rival, valid, key, secret))
}

/// Whether one of two wants the whole Secret.
fn wants_whole(rival: &Rival, valid: &Valid) -> bool {
    rival.ownership == Ownership::Own || valid.target.ownership == Ownership::Own
}

/// Whether a rival has the better claim to a key: who holds it, else who came first. Both sides come to the same answer.
fn beats(rival: &Rival, valid: &Valid, key: &str, secret: Option<&SecretMeta>) -> bool {
    let whole = wants_whole(rival, valid);
    let recorded = || {
        let share = secret.and_then(|secret| secret.share(&rival.name));
        share.is_some_and(|share| share.record.keys.contains_key(key))
    };
    if !whole && !rival.keys.contains(key) && !recorded() {
        return false;
    }
    let holds = |sync: &str| {
        let share = secret.and_then(|secret| secret.share(sync));
        share.is_some_and(|share| whole || share.record.keys.contains_key(key))
    };
    match (holds(&rival.name), holds(&valid.name)) {
        (true, false) => true,
        (false, true) => false,
        _ => (rival.created, &rival.name) < (valid.created, &valid.name),
    }
}

/// Why the Secret must not be written, whatever the vault says. Asked before the vault is.
pub fn blocked(valid: &Valid, secret: Option<&SecretMeta>, rivals: &[Rival]) -> Option<Problem> {
    // First, since a Secret that a rival has written is also somebody else's, which would tell less.
    let winner = rivals
        .iter()
        .find(|rival| wants_whole(rival, valid) && beats(rival, valid, "", secret));
    if let Some(rival) = winner {
        let message = format!(
            "Secret {} is claimed by VaultSecretSync {}, which came first: name another Secret in spec.target.name, or let both put keys into one with spec.target.ownership Merge",
            valid.target.name, rival.name
        );
        return Some(Problem::new(
            Reason::TargetClaimed,
            Retry::OnChange,
            message,
        ));
    }
    match relation(valid, secret) {
        Relation::Foreign(problem) => return Some(problem),
        Relation::Absent if valid.target.ownership == Ownership::Merge => {
            let message = format!(
                "Secret {} does not exist yet; keys are merged into it when it does, with the annotation {}={}",
                valid.target.name,
                crate::vault_secret_sync::ALLOW_SYNC,
                valid.name
            );
            return Some(Problem::new(
                Reason::TargetNotFound,
                Retry::Backoff,
                message,
            ));
        }
        Relation::Absent | Relation::Ours | Relation::Allowed => {}
    }
    let recorded = &secret?.share(&valid.name)?.record;
    let (has, wants) = (recorded.type_.as_deref()?, type_of(valid)?);
    (has != wants && !valid.target.recreate).then(|| {
        let message = format!(
            "Secret {} has type {has:?} and Kubernetes lets nobody change it to {wants:?}: name a new Secret in spec.target.name, set spec.template.type back, or let the Secret be deleted and made anew by spec.target.recreate",
            valid.target.name
        );
        Problem::new(Reason::TargetTypeImmutable, Retry::OnChange, message)
    })
}

/// Whether a Secret that was recorded like this can only be made anew to be written like that: it has another type, or nobody
/// may change it and a value, or that itself, is to be another.
pub fn needs_anew(valid: &Valid, recorded: &Record, write: &Write) -> bool {
    let (has, wants) = (&recorded.type_, &write.type_);
    let other_type = has.is_some() && wants.is_some() && has != wants;
    let same = |key: &String| recorded.keys.get(key) == write.record.keys.get(key);
    let keys = || recorded.keys.keys().chain(write.record.keys.keys());
    let changes = !valid.target.immutable || !keys().all(same);
    other_type || recorded.immutable && changes
}

/// The problem of a Secret that would have to be made anew, and may not be.
pub fn immutable(valid: &Valid) -> Problem {
    let message = format!(
        "Secret {} is immutable, and what it should hold has changed: let it be deleted and made anew by spec.target.recreate, or name a new Secret in spec.target.name",
        valid.target.name
    );
    Problem::new(Reason::TargetImmutable, Retry::OnChange, message)
}

/// The type that the Secret gets.
pub fn type_of(valid: &Valid) -> Option<String> {
    let is_tls =
        |item: &Item| matches!(&item.source, Source::Certificate(part) if part.prefix.is_none());
    let holds = valid.templates.as_ref().is_none_or(|made| made.merge);
    let default = if holds && valid.items.iter().any(is_tls) {
        TLS
    } else {
        "Opaque"
    };
    let default = (valid.target.ownership == Ownership::Own).then(|| default.to_owned());
    valid.target.type_.clone().or(default)
}
