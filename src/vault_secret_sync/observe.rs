//! Reads: the Secret's metadata, the vault's objects and tokens. A thing that is not there is a fact, not an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;

use crate::azure::key_vault::{Kind, Object};
use crate::azure_identity::grant::{self, Borrower};
use crate::hub::Outcome;
use crate::hub::want::{Caller, Glance, Ticket, Want};
use crate::k8s::overlay::{Overlay, Seen};
use crate::names::VaultUri;
use crate::problem::Problem;
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::due::Due;
use crate::vault_secret_sync::items::found::{Listings, listed_kind};
use crate::vault_secret_sync::items::item::{Located, ObjectId};
use crate::vault_secret_sync::lender::Lender;
use crate::vault_secret_sync::links::Named;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::Scene;
use crate::vault_secret_sync::wants::wanted::{self, Extent};

/// Metadata of the Secrets that syncs have to do with, from the watch and from our own writes. No value is ever in it.
#[derive(Debug, Default)]
pub struct Secrets {
    watched: Mutex<BTreeMap<Named, Packed>>,
    written: Overlay<Arc<SecretMeta>>,
    /// Names seen since a new list began.
    listing: Mutex<Option<BTreeMap<Named, Packed>>>,
}

/// Metadata as text, which takes a quarter of the memory: a cluster has thousands of Secrets, and looks at few at a time.
#[derive(Debug)]
struct Packed(Box<[u8]>);

impl Packed {
    fn of(meta: &SecretMeta) -> Self {
        // What cannot be read is as good as unknown: the Secret itself is asked then.
        Self(serde_json::to_vec(meta).unwrap_or_default().into())
    }

    fn read(&self) -> Option<Arc<SecretMeta>> {
        serde_json::from_slice(&self.0).map(Arc::new).ok()
    }
}

impl Secrets {
    /// Takes a watch event over. Gives back the Secrets that it tells about.
    pub fn saw(&self, event: &Event<PartialObjectMeta<Secret>>) -> Vec<Named> {
        match event {
            Event::Apply(secret) => {
                let (named, meta) = (named(secret), SecretMeta::read(secret));
                // What was written is not kept when the watch has caught up, nor when somebody took our marks away since.
                if meta.concerns_us() {
                    lock(&self.watched).insert(named.clone(), Packed::of(&meta));
                    drop(self.written.newer(seen(&named, &meta)));
                } else if lock(&self.watched).remove(&named).is_some() {
                    self.written.passed(seen(&named, &meta));
                } else {
                    drop(self.written.newer(seen(&named, &meta)));
                }
                vec![named]
            }
            Event::Delete(secret) => {
                let named = named(secret);
                lock(&self.watched).remove(&named);
                let uid = secret.metadata.uid.as_deref().unwrap_or_default();
                self.written.forget(&named.0, &named.1, uid);
                vec![named]
            }
            Event::Init => {
                *lock(&self.listing) = Some(BTreeMap::new());
                Vec::new()
            }
            Event::InitApply(secret) => {
                let (named, meta) = (named(secret), SecretMeta::read(secret));
                if meta.concerns_us()
                    && let Some(listing) = lock(&self.listing).as_mut()
                {
                    listing.insert(named.clone(), Packed::of(&meta));
                }
                vec![named]
            }
            Event::InitDone => self.listed(),
        }
    }

    /// A new list is complete. Gives back what went while nobody watched: no event tells of it.
    fn listed(&self) -> Vec<Named> {
        let Some(listed) = lock(&self.listing).take() else {
            return Vec::new();
        };
        let mut watched = lock(&self.watched);
        let mut gone = Vec::new();
        for (named, packed) in watched.iter() {
            if !listed.contains_key(named) {
                if let Some(meta) = packed.read() {
                    self.written.forget(&named.0, &named.1, &meta.uid);
                }
                gone.push(named.clone());
            }
        }
        // What was written and is not listed is read where it matters.
        self.written.retain(|named| listed.contains_key(named));
        *watched = listed;
        gone
    }

    /// Takes over what a write of ours returned.
    pub fn wrote(&self, secret: &PartialObjectMeta<Secret>) -> Arc<SecretMeta> {
        let (named, meta) = (named(secret), Arc::new(SecretMeta::read(secret)));
        self.written.put(seen(&named, &meta), Arc::clone(&meta));
        meta
    }

    /// A Secret's metadata as far as it is known here.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<SecretMeta>> {
        let named = (namespace.to_owned(), name.to_owned());
        let watched = lock(&self.watched).get(&named).and_then(Packed::read);
        let Some(watched) = watched else {
            return self.written.get(namespace, name);
        };
        let newer = self.written.newer(seen(&named, &watched));
        Some(newer.unwrap_or(watched))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seen<'a>(named: &'a Named, meta: &'a SecretMeta) -> Seen<'a> {
    Seen {
        namespace: &named.0,
        name: &named.1,
        uid: &meta.uid,
        version: &meta.version,
    }
}

fn named(secret: &PartialObjectMeta<Secret>) -> Named {
    (secret.namespace().unwrap_or_default(), secret.name_any())
}

/// The Secret's metadata: as it is known here, else by one live read, since what is unknown here may be somebody else's.
pub async fn secret(
    ctx: &Ctx,
    namespace: &str,
    name: &str,
) -> Result<Option<Arc<SecretMeta>>, Problem> {
    if let Some(known) = ctx.secrets.get(namespace, name) {
        return Ok(Some(known));
    }
    let read = ctx.kube.secret_metadata(namespace, name).await?;
    Ok(read.map(|secret| Arc::new(SecretMeta::read(&secret))))
}

/// What the vault says to a sync.
#[derive(Debug, Default)]
pub struct Sight {
    /// Whether an answer is waited for; the sync is woken when it is there.
    pub pending: bool,
    /// Whether the vault may say something else than last time.
    pub news: bool,
    /// Whether a value waits to be fetched.
    pub given: bool,
    /// What was asked for and could not be had, and values once they are fetched.
    pub objects: BTreeMap<ObjectId, Outcome>,
    /// What lists told.
    pub listings: Listings,
    /// When what was looked at longest ago was looked at.
    pub looked: Option<Timestamp>,
    /// When the vault is looked at next.
    pub next: Option<Timestamp>,
}

/// Says at the hub what a sync wants, and what there is apart from values. Objects that the identity does not lend are refused
/// before any call; without an identity, or a vault that may be asked, nothing is wanted.
pub fn vault(
    ctx: &Ctx,
    scene: &Scene<'_>,
    lender: &Lender,
    (rejected, extent): (&Rejected, Extent),
    due: Due,
) -> Sight {
    let valid = scene.valid;
    let ticket = ticket(valid);
    let Some(identity) = lender
        .identity
        .as_ref()
        .filter(|_| lender.problem.is_none())
    else {
        ctx.hub.forget(&ticket);
        return Sight::default();
    };
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let (mut refused, mut wanted) = (BTreeMap::new(), BTreeMap::new());
    for (object, held) in wanted::objects(scene, rejected, extent) {
        let Some(uri) = valid.vault_of(&object) else {
            continue;
        };
        let may = lender.vaults.get(uri).cloned().unwrap_or(Ok(()));
        let may =
            may.and_then(|()| grant::allows_object(&identity.valid, borrower, uri, &object.object));
        match may {
            Ok(()) => {
                let of_vault: &mut Vec<_> = wanted.entry(uri.clone()).or_default();
                of_vault.push((Arc::new(object.object), held));
            }
            Err(problem) => {
                refused.insert(ObjectId::Object(object), Err(problem));
            }
        }
    }
    let (mut lists, mut listings) = (BTreeMap::new(), Listings::new());
    for find in &valid.finds {
        let Some(uri) = find.vault.as_ref().or(valid.vault.as_ref()) else {
            continue;
        };
        let kinds = find.finder.kinds().iter().map(|kind| listed_kind(*kind));
        if let Some(Err(problem)) = lender.vaults.get(uri) {
            let told = kinds.map(|kind| ((find.vault.clone(), kind), Err(problem.clone())));
            listings.extend(told);
        } else {
            let of_vault: &mut BTreeSet<Kind> = lists.entry(uri.clone()).or_default();
            of_vault.extend(kinds);
            wanted.entry(uri.clone()).or_default();
        }
    }
    let wants = wanted.into_iter().map(|(uri, objects)| {
        let lists = lists.get(&uri).into_iter().flatten().copied();
        let want = Want {
            objects,
            lists: lists.collect(),
            every: valid.interval,
            // What is refused as a whole, or made of several, is needed as a whole.
            together: rejected.whole.is_some() || valid.together(),
            fresh: due.fresh,
            retry: due.retry,
        };
        (identity.clone(), uri, want)
    });
    let wants: Vec<_> = wants.collect();
    let vaults: Vec<VaultUri> = wants.iter().map(|(_, uri, _)| uri.clone()).collect();
    let mut sight = gathered(valid, vaults, ctx.hub.see(&ticket, wants));
    sight.objects.extend(refused);
    sight.listings.extend(listings);
    sight
}

/// Whether the identity lends an object of a list. What it does not lend is not even told to be there.
pub fn lends(ctx: &Ctx, valid: &Valid, lender: &Lender, object: &Located) -> bool {
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let identity = lender.identity.as_ref().zip(valid.vault_of(object));
    identity.is_some_and(|(identity, vault)| {
        grant::allows_object(&identity.valid, borrower, vault, &object.object).is_ok()
    })
}

/// The values that a sync was given; none while it waits for something.
pub fn fetch(ctx: &Ctx, valid: &Valid) -> Option<BTreeMap<ObjectId, Outcome>> {
    let fetched = ctx.hub.fetch(&ticket(valid))?;
    let named = fetched.into_iter().flat_map(|(vault, values)| {
        let vault = foreign(valid, vault);
        let values = values.into_iter();
        values.map(move |(object, value)| (located(vault.clone(), &object), Ok(value)))
    });
    Some(named.collect())
}

/// The vault, where it is not the sync's own.
fn foreign(valid: &Valid, vault: VaultUri) -> Option<VaultUri> {
    Some(vault).filter(|vault| valid.vault.as_ref() != Some(vault))
}

fn located(vault: Option<VaultUri>, object: &Object) -> ObjectId {
    ObjectId::Object(Located {
        vault,
        object: object.clone(),
    })
}

/// What several vaults say, as one.
fn gathered(valid: &Valid, vaults: Vec<VaultUri>, glances: Vec<Glance>) -> Sight {
    let mut sight = Sight::default();
    let never = glances.iter().any(|glance| glance.looked.is_none());
    for (vault, glance) in vaults.into_iter().zip(glances) {
        sight.pending |= glance.pending;
        sight.news |= glance.news;
        sight.given |= glance.given > 0;
        if !never {
            let looked = sight.looked.into_iter().chain(glance.looked);
            sight.looked = looked.min();
        }
        sight.next = sight.next.into_iter().chain(glance.next).min();
        let vault = foreign(valid, vault);
        let lists = glance.lists.into_iter();
        sight
            .listings
            .extend(lists.map(|(kind, told)| ((vault.clone(), kind), told)));
        let problems = glance.problems.into_iter();
        let problems =
            problems.map(|(object, problem)| (located(vault.clone(), &object), Err(problem)));
        sight.objects.extend(problems);
    }
    sight
}

/// Who a sync is, to the hub.
pub fn ticket(valid: &Valid) -> Ticket {
    Ticket::new(Caller {
        uid: valid.uid.clone(),
        namespace: valid.namespace.clone(),
        name: valid.name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(version: &str, marks: bool) -> PartialObjectMeta<Secret> {
        let annotations = if marks {
            serde_json::json!({"sync.lakevault.dev/app": "{\"keys\":{}}"})
        } else {
            serde_json::json!({})
        };
        serde_json::from_value(serde_json::json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "app", "namespace": "team", "uid": "s", "resourceVersion": version, "annotations": annotations}
        }))
        .unwrap()
    }

    fn team(name: &str) -> Named {
        ("team".to_owned(), name.to_owned())
    }

    #[test]
    fn what_went_while_nobody_watched_is_told_by_the_next_list() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.wrote(&app("8", true));
        assert!(secrets.saw(&Event::Init).is_empty());
        assert_eq!(secrets.saw(&Event::InitDone), [team("app")]);
        assert_eq!(secrets.get("team", "app"), None);
    }

    #[test]
    fn what_was_deleted_before_our_write_was_answered_is_not_taken_for_there() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.saw(&Event::Delete(app("9", true)));
        secrets.wrote(&app("8", true));
        assert_eq!(secrets.get("team", "app"), None);
    }

    #[test]
    fn marks_that_were_taken_before_our_write_was_answered_are_not_taken_for_there() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.saw(&Event::Apply(app("9", false)));
        secrets.wrote(&app("8", true));
        assert_eq!(secrets.get("team", "app"), None);
    }

    #[test]
    fn a_list_that_holds_what_was_known_tells_nothing_more() {
        let secrets = Secrets::default();
        secrets.saw(&Event::Apply(app("7", true)));
        secrets.saw(&Event::Init);
        assert_eq!(
            secrets.saw(&Event::InitApply(app("9", true))),
            [team("app")]
        );
        assert!(secrets.saw(&Event::InitDone).is_empty());
        assert_eq!(secrets.get("team", "app").unwrap().version, "9");
    }

    #[test]
    fn what_we_wrote_is_kept_until_the_watch_has_caught_up_and_no_longer() {
        let secrets = Secrets::default();
        secrets.wrote(&app("8", true));
        secrets.saw(&Event::Apply(app("7", true)));
        assert_eq!(secrets.get("team", "app").unwrap().version, "8");
        secrets.saw(&Event::Apply(app("8", true)));
        assert!(secrets.written.get("team", "app").is_none());
        assert_eq!(secrets.get("team", "app").unwrap().version, "8");
    }

    #[test]
    fn marks_that_were_taken_away_are_not_remembered_from_our_own_write() {
        let secrets = Secrets::default();
        secrets.wrote(&app("8", true));
        secrets.saw(&Event::Apply(app("7", false)));
        assert!(
            secrets.get("team", "app").is_some(),
            "an older event hid a newer write"
        );
        secrets.saw(&Event::Apply(app("9", false)));
        assert_eq!(secrets.get("team", "app"), None);
    }
}
