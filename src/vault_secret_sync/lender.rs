//! The identity of a sync and what it lends, from caches: whatever is not lent is refused before any call.

use std::sync::Arc;

use futures::FutureExt;

use super::ctx::Ctx;
use super::due::Inputs;
use super::entry::{Entry, Source, TokenOf};
use super::observe::ticket;
use super::plan::Rival;
use super::target::SecretMeta;
use super::valid::Valid;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::{Usable as Identity, Valid as Spec};
use crate::names::VaultUri;
use crate::problem::Problem;

/// The identity and what it lends, as they were before the look: news that come while it is made must not pass for known.
pub struct Lender {
    revision: u64,
    /// The identity; none where it cannot be used, or is not needed.
    pub identity: Option<Identity>,
    /// The vault, where the identity may be used for it.
    pub vault: Option<VaultUri>,
    /// Why the identity cannot be used, for the vault or at all.
    pub problem: Option<Problem>,
    lends: Vec<bool>,
}

/// Looks the identity up. None while its cloud is being discovered; the sync is woken when that is done.
pub fn lender(ctx: &Arc<Ctx>, valid: &Valid) -> Option<Lender> {
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    let revision =
        ctx.identities.revision(&key) + ctx.links.password_revision(&valid.namespace, &valid.name);
    let resolved = if valid.entries.iter().any(needs_identity) {
        resolve(ctx, valid)?.map(Some)
    } else {
        Ok(None)
    };
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let (identity, mut problem) = match resolved {
        Ok(identity) => (identity, None),
        Err(problem) => (None, Some(problem)),
    };
    let vault = identity.as_ref().and_then(|identity| {
        let vault = needed_vault(valid)?;
        let refused = may_ask(identity, borrower, vault).err();
        let allowed = refused.is_none().then(|| vault.clone());
        problem = refused;
        allowed
    });
    let lends = identity.iter().flat_map(|identity| {
        let entries = valid.entries.iter();
        entries.map(|entry| allows(&identity.valid, borrower, valid, entry).is_ok())
    });
    Some(Lender {
        revision,
        lends: lends.collect(),
        identity,
        vault,
        problem,
    })
}

/// The identity, which mostly is known.
fn resolve(ctx: &Arc<Ctx>, valid: &Valid) -> Option<Result<Identity, Problem>> {
    let (namespace, reference) = (valid.namespace.as_str(), valid.identity.as_ref());
    let known = ctx.identities.resolve(namespace, reference).now_or_never();
    if known.is_none() {
        let (ctx, valid) = (Arc::clone(ctx), valid.clone());
        tokio::spawn(async move {
            let reference = valid.identity.as_ref();
            // What comes of it is kept where it is looked up.
            drop(ctx.identities.resolve(&valid.namespace, reference).await);
            (ctx.wake)(&ticket(&valid));
        });
    }
    known
}

impl Lender {
    /// What decides whether anything is due.
    pub fn inputs<'a>(
        &'a self,
        valid: &'a Valid,
        secret: Option<&'a SecretMeta>,
        rivals: &'a [Rival],
    ) -> Inputs<'a> {
        let identity = self.identity.as_ref();
        let identity = identity.map(|identity| {
            let valid = &identity.valid;
            (valid.uid.as_str(), valid.generation)
        });
        let problem = self.problem.as_ref();
        Inputs {
            valid,
            identity: match problem {
                None => Ok(identity.unwrap_or_default()),
                Some(problem) => Err(problem.message.as_str()),
            },
            lends: &self.lends,
            revision: self.revision,
            secret,
            rivals,
        }
    }
}

fn needs_identity(entry: &Entry) -> bool {
    match entry.source {
        Source::Secret(_) | Source::Token(TokenOf::Identity { .. }) => true,
        Source::Token(TokenOf::MlServer(_)) => false,
    }
}

/// The vault, where something comes from it.
fn needed_vault(valid: &Valid) -> Option<&VaultUri> {
    let of_vault = |entry: &Entry| entry.token().is_none();
    valid
        .vault
        .as_ref()
        .filter(|_| valid.entries.iter().any(of_vault))
}

/// Whether the identity may be used for this vault.
fn may_ask(identity: &Identity, borrower: Borrower<'_>, vault: &VaultUri) -> Result<(), Problem> {
    grant::allows_vault(&identity.valid, borrower, vault)?;
    grant::vault_in_cloud(identity, vault)
}

/// Whether the identity lends what an entry wants.
pub fn allows(
    identity: &Spec,
    borrower: Borrower<'_>,
    valid: &Valid,
    entry: &Entry,
) -> Result<(), Problem> {
    match (&entry.source, &valid.vault) {
        (Source::Secret(part), Some(vault)) => {
            grant::allows_object(identity, borrower, vault, &part.id)
        }
        (Source::Token(TokenOf::Identity { resource, .. }), _) => {
            grant::allows_resource(identity, borrower, resource)
        }
        (Source::Token(TokenOf::MlServer(_)), _) | (Source::Secret(_), None) => Ok(()),
    }
}
