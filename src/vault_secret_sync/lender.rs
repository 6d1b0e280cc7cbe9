//! The identity of a sync and what it lends, from caches: whatever is not lent is refused before any call.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;

use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::{Usable as Identity, Valid as Spec};
use crate::names::VaultUri;
use crate::problem::Problem;
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::due::Inputs;
use crate::vault_secret_sync::items::item::{Item, ObjectId, TokenOf};
use crate::vault_secret_sync::observe::ticket;
use crate::vault_secret_sync::plan::claims::Rival;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::Valid;

/// The identity and what it lends, as they were before the look: news that come while it is made must not pass for known.
pub struct Lender {
    revision: u64,
    /// The identity; none where it cannot be used, or is not needed.
    pub identity: Option<Identity>,
    /// The vaults that something comes from, and why the identity may not be used for one.
    pub vaults: BTreeMap<VaultUri, Result<(), Problem>>,
    /// Why the identity cannot be used: at all, or for the only vault that there is.
    pub problem: Option<Problem>,
    lends: Vec<bool>,
}

/// Looks the identity up. None while its cloud is being discovered; the sync is woken when that is done.
pub fn lender(ctx: &Arc<Ctx>, valid: &Valid) -> Option<Lender> {
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    let revision =
        ctx.identities.revision(&key) + ctx.links.password_revision(&valid.namespace, &valid.name);
    let resolved = if is_needed(valid) {
        resolve(ctx, valid)?.map(Some)
    } else {
        Ok(None)
    };
    Some(Lender::of(&ctx.identities, valid, resolved, revision))
}

/// Whether a sync needs an identity at all.
pub fn is_needed(valid: &Valid) -> bool {
    valid.items.iter().any(needs_identity) || !valid.finds.is_empty()
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
    /// What an identity lends to a sync: the one that was found, if one is needed, or why none can be used.
    pub fn of(
        identities: &Identities,
        valid: &Valid,
        resolved: Result<Option<Identity>, Problem>,
        revision: u64,
    ) -> Self {
        let labels = identities.namespace_labels(&valid.namespace);
        let borrower = Borrower {
            namespace: &valid.namespace,
            labels: &labels,
        };
        let (identity, unresolved) = match resolved {
            Ok(identity) => (identity, None),
            Err(problem) => (None, Some(problem)),
        };
        let vaults = identity.iter().flat_map(|identity| {
            let vaults = valid.vaults().into_iter();
            vaults.map(|vault| {
                let may = match valid.referred.why_not(&vault) {
                    Some(problem) => Err(problem.clone()),
                    None => may_ask(identity, borrower, &vault),
                };
                (vault, may)
            })
        });
        let vaults: BTreeMap<VaultUri, Result<(), Problem>> = vaults.collect();
        let refused = vaults.values().find_map(|may| may.clone().err());
        let lends = identity.iter().flat_map(|identity| {
            let items = valid.items.iter();
            items.map(|item| {
                let needs = item.needs();
                let objects = needs.iter().filter_map(ObjectId::located);
                let mut asked = objects.filter_map(|object| vaults.get(valid.vault_of(object)?));
                asked.all(Result::is_ok) && allows(&identity.valid, borrower, valid, item).is_ok()
            })
        });
        Self {
            revision,
            lends: lends.collect(),
            problem: unresolved.or_else(|| refused.filter(|_| vaults.len() == 1)),
            identity,
            vaults,
        }
    }

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

/// Whether an item comes by an identity.
pub fn needs_identity(item: &Item) -> bool {
    item.needs().iter().any(|need| match need {
        ObjectId::Object(_) | ObjectId::Token(TokenOf::Identity { .. }) => true,
        ObjectId::Token(TokenOf::MlServer(_)) => false,
    })
}

/// Whether the identity may be used for this vault.
fn may_ask(identity: &Identity, borrower: Borrower<'_>, vault: &VaultUri) -> Result<(), Problem> {
    grant::allows_vault(&identity.valid, borrower, vault)?;
    grant::vault_in_cloud(identity, vault).map_err(|problem| Problem {
        message: format!("spec.vaultUri (or vaultRef): {}", problem.message),
        ..problem
    })
}

/// Whether the identity lends all that an item needs.
pub fn allows(
    identity: &Spec,
    borrower: Borrower<'_>,
    valid: &Valid,
    item: &Item,
) -> Result<(), Problem> {
    let needs = item.needs();
    needs.iter().try_for_each(|need| match need {
        ObjectId::Object(id) => valid.vault_of(id).map_or(Ok(()), |vault| {
            grant::allows_object(identity, borrower, vault, &id.object)
        }),
        ObjectId::Token(TokenOf::Identity { resource, .. }) => {
            grant::allows_resource(identity, borrower, resource)
        }
        ObjectId::Token(TokenOf::MlServer(_)) => Ok(()),
    })
}
