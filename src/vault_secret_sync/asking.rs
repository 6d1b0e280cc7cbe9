//! Asks vaults and authorities for all that a sync is made of, and waits for nobody: what is under way wakes the sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::hub::Outcome;
use crate::problem::Reason;
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::due::{Due, Memory};
use crate::vault_secret_sync::items::found::{Listings, Past, resolve};
use crate::vault_secret_sync::items::item::{Item, Located, ObjectId, TokenOf};
use crate::vault_secret_sync::lender::Lender;
use crate::vault_secret_sync::observe::{self, Sight};
use crate::vault_secret_sync::plan::claims::blocked;
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::tokens;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::Scene;
use crate::vault_secret_sync::wants::wanted::{self, Extent, Issued, Scope};

/// What is asked with.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What reconciling needs.
    pub ctx: &'a Arc<Ctx>,
    /// The identity, and what it lends.
    pub lender: &'a Lender,
    /// What could not be used.
    pub rejected: &'a Rejected,
    /// What is to be done.
    pub due: Due,
    /// Whether there is nothing to be done, apart from what the vault may bring.
    pub rests: bool,
}

/// What there is, apart from values.
pub struct Seen {
    /// The items, of which some are told by lists.
    pub items: Vec<Item>,
    /// What became of earlier ones.
    pub past: Past,
    /// What vaults and authorities say.
    pub sight: Sight,
}

type Tokens = BTreeMap<TokenOf, Issued>;

impl Asking<'_> {
    /// What vaults and authorities say; nothing while something is under way. The lists come back in any case: what they told is
    /// not asked for twice.
    pub fn all(&self, scene: &Scene<'_>, memory: &Memory) -> (Arc<Listings>, Option<Seen>) {
        let (listings, seen) = self.lists(scene, memory);
        let Some((mut seen, mut extent)) = seen else {
            return (listings, None);
        };
        let scene = &Scene {
            items: &seen.items,
            past: &seen.past,
            ..*scene
        };
        // Where several values make one, what is new in one vault makes those of the others needed.
        let wakes = seen.sight.given && scene.valid.together_across();
        let gone = |object: &ObjectId| {
            let told = seen.sight.objects.get(object);
            let problem = told.and_then(|outcome| outcome.as_ref().err());
            problem.is_some_and(|problem| problem.reason == Reason::ObjectNotFound)
        };
        let all = wakes
            || wanted::extent(scene, self.rejected, &self.due_tokens(scene), gone)
                == Extent::Everything;
        if all && extent == Extent::Lacking {
            extent = Extent::Everything;
            let sight = self.look(scene, extent);
            if sight.pending {
                return (listings, None);
            }
            seen.sight = Sight {
                news: true,
                ..sight
            };
        }
        let wanted = match extent {
            Extent::Everything => self.tokens(scene, extent),
            Extent::Lacking => self.due_tokens(scene),
        };
        let Some(tokens) = self.given(scene, &wanted) else {
            return (listings, None);
        };
        seen.sight.objects.extend(tokens);
        (listings, Some(seen))
    }

    /// The same without tokens, and how far it went.
    fn lists(&self, scene: &Scene<'_>, memory: &Memory) -> (Arc<Listings>, Option<(Seen, Extent)>) {
        let valid = scene.valid;
        let nothing = Share::default();
        let share = scene.share().unwrap_or(&nothing);
        let lends = |object: &Located| observe::lends(self.ctx, valid, self.lender, object);
        let listings = Arc::clone(&memory.listings);
        let (items, past) = resolve(valid, share, &listings, lends);
        // Before the first lists are there, values would come too early to be used with what is found.
        let first = memory.is_new() && listings.is_empty() && !valid.finds.is_empty();
        let shown = if first { &[] } else { items.as_slice() };
        let (mut sight, extent) = self.as_needed(scene, shown, &past);
        if sight.pending {
            return (listings, None);
        }
        let told = Arc::new(std::mem::take(&mut sight.listings));
        if told == listings && !first {
            return (told, Some((Seen { items, past, sight }, extent)));
        }
        let (items, past) = resolve(valid, share, &told, lends);
        let (sight, extent) = self.as_needed(scene, &items, &past);
        if sight.pending {
            return (told, None);
        }
        let sight = Sight {
            news: true,
            ..sight
        };
        (told, Some((Seen { items, past, sight }, extent)))
    }

    /// Looks at what is needed, be it that it is everything.
    fn as_needed(&self, scene: &Scene<'_>, items: &[Item], past: &Past) -> (Sight, Extent) {
        let scene = &Scene {
            items,
            past,
            ..*scene
        };
        let extent = wanted::extent(scene, self.rejected, &self.due_tokens(scene), |_| false);
        (self.look(scene, extent), extent)
    }

    /// What the vaults say. Where the Secret must not be written anyway, they are not asked.
    fn look(&self, scene: &Scene<'_>, extent: Extent) -> Sight {
        if blocked(scene.valid, scene.secret, scene.rivals).is_some() {
            self.ctx.hub.forget(&observe::ticket(scene.valid));
            return Sight::default();
        }
        let asked = (self.rejected, extent);
        observe::vault(self.ctx, scene, self.lender, asked, self.due)
    }

    /// The tokens whose time has come.
    fn due_tokens(&self, scene: &Scene<'_>) -> Tokens {
        if self.rests {
            Tokens::new()
        } else {
            self.tokens(scene, Extent::Lacking)
        }
    }

    fn tokens(&self, scene: &Scene<'_>, extent: Extent) -> Tokens {
        let asked = (self.due.scope, extent);
        wanted::tokens(scene, asked, self.rejected, Timestamp::now())
    }

    /// What authorities say; nothing while they are asked.
    fn given(&self, scene: &Scene<'_>, wanted: &Tokens) -> Option<BTreeMap<ObjectId, Outcome>> {
        let (valid, due) = (scene.valid, self.due);
        if wanted.is_empty() || blocked(valid, scene.secret, scene.rivals).is_some() {
            return Some(BTreeMap::new());
        }
        let question = (wanted, due.scope, due.retry, valid.generation);
        let ticket = observe::ticket(valid);
        let given = self.ctx.errands.run(&ticket, &question, || {
            let (ctx, valid, wanted) = (Arc::clone(self.ctx), valid.clone(), wanted.clone());
            let (identity, anew) = (self.lender.identity.clone(), due.scope == Scope::Anew);
            async move { tokens::tokens(&ctx, &valid, identity.as_ref(), wanted, anew).await }
        })?;
        let given = given.into_iter();
        let named = given.map(|(token, outcome)| (ObjectId::Token(token), outcome));
        Some(named.collect())
    }
}
