//! The plan for a VaultSecretSync: what is wanted is read, one object after the other and no list for many syncs as the
//! operator would make it, and the operator's planner decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use kube::ResourceExt;

use super::desk::{Desk, is_leaving};
use super::planned::Planned;
use super::secret::{let_go, tell, tell_push};
use crate::azure::auth::{Token, Want};
use crate::azure::http::Answer;
use crate::azure::key_vault::{self, Kind};
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::owner::Owner;
use crate::hub::Outcome;
use crate::hub::reader::Reader;
use crate::hub::want::{Held, Listing};
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::items::found::{Listings, listed_kind, resolve};
use crate::vault_secret_sync::items::item::{Item, Located, ObjectId, TokenOf};
use crate::vault_secret_sync::lender::{Lender, is_needed};
use crate::vault_secret_sync::plan::claims::blocked;
use crate::vault_secret_sync::plan::{self, Observed};
use crate::vault_secret_sync::push::status::jobs;
use crate::vault_secret_sync::target::{SecretMeta, Share};
use crate::vault_secret_sync::tokens::times::bundle;
use crate::vault_secret_sync::valid::{Valid, parse_among};
use crate::vault_secret_sync::wants::inputs;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::Scene;
use crate::vault_secret_sync::wants::wanted::{self, Extent, Scope};

/// Objects that are read at once.
const AT_ONCE: usize = 8;
/// Pages of a list that are read at most.
const MOST_PAGES: usize = 1000;
/// For how long a token is taken to live that is not asked for.
const LIFE: std::time::Duration = std::time::Duration::from_hours(1);

/// What would be done for a VaultSecretSync.
pub(super) async fn plan(desk: &Desk, sync: &VaultSecretSync) -> Planned {
    let (namespace, name) = (sync.namespace().unwrap_or_default(), sync.name_any());
    let mut planned = Planned::new(format!("VaultSecretSync {namespace}/{name}"));
    if is_leaving(sync) {
        let note = "the object is being deleted: no value is written any more";
        planned.notes.push(note.to_owned());
        return planned;
    }
    let valid = match parse_among(sync, |vault| desk.told(&namespace, vault)) {
        Ok(valid) => valid,
        Err(problem) => {
            planned.meets(None, &problem);
            return planned;
        }
    };
    let secret = format!("Secret {namespace}/{}", valid.target.name);
    planned.target = valid.reads().then_some(secret);
    if is_needed(&valid) || !valid.pushes.is_empty() {
        let key = key_of(&namespace, valid.identity.as_ref());
        planned.identity = Some(key.to_string());
    }
    if valid.suspend {
        planned.notes.push("suspend is true: it rests".to_owned());
        return planned;
    }
    push(desk, sync, &valid, &mut planned).await;
    if !valid.reads() {
        let_go(sync, &mut planned);
        return planned;
    }
    if let Err(problem) = mirror(desk, &valid, &mut planned).await {
        planned.meets(None, &problem);
    }
    planned
}

/// What would be written to vaults.
async fn push(desk: &Desk, sync: &VaultSecretSync, valid: &Valid, planned: &mut Planned) {
    let records = sync.status.as_ref().map(|status| status.push.as_slice());
    let waits = valid.vault.as_ref().filter(|_| !valid.pushes.is_empty());
    if let Some(problem) = waits.and_then(|vault| valid.referred.why_not(vault)) {
        planned.meets(None, problem);
        return;
    }
    let jobs = jobs(
        valid.vault.as_ref(),
        &valid.pushes,
        records.unwrap_or_default(),
    );
    if jobs.is_empty() {
        return;
    }
    let owner = Owner {
        cluster: desk.ctx.identities.cluster(),
        namespace: valid.namespace.clone(),
        name: valid.name.clone(),
        uid: valid.uid.clone(),
    };
    let generation = sync.metadata.generation.unwrap_or_default();
    let looked = desk
        .pushes
        .look(owner, valid.identity.clone(), generation, jobs);
    for (job, outcome) in looked.await {
        tell_push(planned, &job, &outcome);
    }
}

/// What would become of the Secret.
async fn mirror(desk: &Desk, valid: &Valid, planned: &mut Planned) -> Result<(), Problem> {
    let (namespace, target) = (valid.namespace.as_str(), valid.target.name.as_str());
    let secret = match &desk.live {
        Some(kube) => kube.secret_metadata(namespace, target).await?,
        None => None,
    };
    let secret = secret.map(|secret| SecretMeta::read(&secret));
    let identities = &desk.ctx.identities;
    let resolved = if is_needed(valid) {
        let found = identities.resolve(namespace, valid.identity.as_ref());
        found.await.map(Some)
    } else {
        Ok(None)
    };
    let asking = Asking {
        desk,
        valid,
        lender: Lender::of(identities, valid, resolved, 0),
        now: Timestamp::now(),
    };
    let rivals = desk.ctx.own.rivals(namespace, target, &valid.name);
    let made_of = inputs::inputs(valid, secret.as_ref());
    let scene = Scene::of(valid, secret.as_ref(), made_of.as_ref(), &rivals);
    let may = blocked(valid, secret.as_ref(), &rivals).is_none();
    let listings = if may {
        asking.lists().await
    } else {
        Listings::new()
    };
    let nothing = Share::default();
    let share = scene.share().unwrap_or(&nothing);
    let (items, past) = resolve(valid, share, &listings, |object| asking.lends(object));
    let scene = Scene {
        items: &items,
        past: &past,
        ..scene
    };
    let rejected = Rejected::default();
    let objects = if may {
        asking.objects(&scene, &rejected).await
    } else {
        BTreeMap::new()
    };
    let observed = Observed {
        scene,
        objects: &objects,
        rejected: &rejected,
        removal: None,
    };
    let plan = plan::plan(&observed, asking.now);
    tell(planned, &scene, &plan);
    if let Some(problem) = &asking.lender.problem {
        planned.meets(None, problem);
    }
    let untried = scene.wanting().find_map(Item::login);
    if untried.is_some() {
        let note = "logins at Machine Learning Servers are not tried: each would be one more session there";
        planned.notes.push(note.to_owned());
    }
    Ok(())
}

/// Asks vaults and authorities for one sync.
struct Asking<'a> {
    desk: &'a Desk,
    valid: &'a Valid,
    lender: Lender,
    now: Timestamp,
}

impl Asking<'_> {
    /// The identity, where it can be used.
    fn identity(&self) -> Option<&Usable> {
        let identity = self.lender.identity.as_ref();
        identity.filter(|_| self.lender.problem.is_none())
    }

    /// Calls `act` with whom the identity is lent to.
    fn borrower<T>(&self, act: impl FnOnce(Borrower<'_>) -> T) -> T {
        let namespace = &self.valid.namespace;
        let labels = self.desk.ctx.identities.namespace_labels(namespace);
        act(Borrower {
            namespace,
            labels: &labels,
        })
    }

    /// Whether an object is lent, and its vault may be asked.
    fn may_read(
        &self,
        identity: &Usable,
        vault: &VaultUri,
        object: &Located,
    ) -> Result<(), Problem> {
        self.lender.vaults.get(vault).cloned().unwrap_or(Ok(()))?;
        self.borrower(|borrower| {
            grant::allows_object(&identity.valid, borrower, vault, &object.object)
        })
    }

    fn lends(&self, object: &Located) -> bool {
        let place = self
            .lender
            .identity
            .as_ref()
            .zip(self.valid.vault_of(object));
        place.is_some_and(|(identity, vault)| {
            self.borrower(|borrower| {
                grant::allows_object(&identity.valid, borrower, vault, &object.object)
            })
            .is_ok()
        })
    }

    fn reader(&self, identity: &Usable, vault: &VaultUri) -> Reader {
        let ctx = &self.desk.ctx;
        let identities = Arc::clone(&ctx.identities);
        Reader::new(
            identities,
            ctx.http.clone(),
            identity.clone(),
            vault.clone(),
        )
    }

    /// What lists tell.
    async fn lists(&self) -> Listings {
        let mut listings = Listings::new();
        for find in &self.valid.finds {
            let vault = find.vault.as_ref().or(self.valid.vault.as_ref());
            let Some((identity, vault)) = self.identity().zip(vault) else {
                continue;
            };
            for kind in find.finder.kinds() {
                let kind = listed_kind(*kind);
                let place = (find.vault.clone(), kind);
                if listings.contains_key(&place) {
                    continue;
                }
                let told = match self.lender.vaults.get(vault) {
                    Some(Err(problem)) => Err(problem.clone()),
                    Some(Ok(())) | None => self.list(identity, vault, kind).await,
                };
                listings.insert(place, told.map(Arc::new));
            }
        }
        listings
    }

    async fn list(
        &self,
        identity: &Usable,
        vault: &VaultUri,
        kind: Kind,
    ) -> Result<Listing, Problem> {
        let (profile, reader) = (&identity.profile, self.reader(identity, vault));
        let operation = match kind {
            Kind::Secret => "ListSecrets",
            Kind::Certificate => "ListCertificates",
            Kind::Key => "ListKeys",
        };
        let (mut all, mut next) = (Listing::new(), None);
        for _ in 0..MOST_PAGES {
            let from = next.take();
            let request =
                |token: &SecretValue| key_vault::list(profile, vault, kind, from.as_ref(), token);
            let read = |answer: &Answer| {
                key_vault::read_page(profile, vault, kind, answer, Timestamp::now())
            };
            let page = reader.ask(operation, request, read).await?;
            let items = page.items.into_iter();
            all.extend(items.map(|item| (item.name.to_string(), item)));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// What the operator would be given: of each object that is wanted, the value where the Secret holds another one.
    async fn objects(&self, scene: &Scene<'_>, rejected: &Rejected) -> BTreeMap<ObjectId, Outcome> {
        let lacking = wanted::objects(scene, rejected, Extent::Lacking);
        let read = self.read(lacking.keys()).await;
        let news = |(object, outcome): &(&Located, &Outcome)| match outcome {
            Ok(bundle) => lacking
                .get(*object)
                .is_none_or(|held| held.as_ref().is_none_or(|held| is_other(held, bundle))),
            Err(_) => false,
        };
        let given = read.iter().filter(news).count() > 0;
        let tokens = wanted::tokens(scene, (Scope::Lacking, Extent::Lacking), rejected, self.now);
        let gone = |object: &ObjectId| {
            let outcome = object.located().and_then(|object| read.get(object));
            let problem = outcome.and_then(|outcome| outcome.as_ref().err());
            problem.is_some_and(|problem| problem.reason == Reason::ObjectNotFound)
        };
        let everything = given && self.valid.together()
            || wanted::extent(scene, rejected, &tokens, gone) == Extent::Everything;
        let extent = if everything {
            Extent::Everything
        } else {
            Extent::Lacking
        };
        let counts = |object: &Located, outcome: &Outcome| {
            everything || outcome.is_err() || news(&(object, outcome))
        };
        let told = read
            .iter()
            .filter(|(object, outcome)| counts(object, outcome));
        let told =
            told.map(|(object, outcome)| (ObjectId::Object(object.clone()), outcome.clone()));
        let mut all: BTreeMap<ObjectId, Outcome> = told.collect();
        let tokens = wanted::tokens(scene, (Scope::Lacking, extent), rejected, self.now);
        for token in tokens.into_keys() {
            if let Some(outcome) = self.token(&token).await {
                all.insert(ObjectId::Token(token), outcome);
            }
        }
        all
    }

    /// Reads objects, some at once.
    async fn read(&self, wanted: impl Iterator<Item = &Located>) -> BTreeMap<Located, Outcome> {
        let Some(identity) = self.identity() else {
            return BTreeMap::new();
        };
        let reads = wanted.filter_map(|object| {
            let vault = self.valid.vault_of(object)?;
            Some(async move {
                let outcome = match self.may_read(identity, vault, object) {
                    Ok(()) => self.reader(identity, vault).get(&object.object).await,
                    Err(problem) => Err(problem),
                };
                (object.clone(), outcome.map(Arc::new))
            })
        });
        let reads: Vec<_> = reads.collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// A token; none where there is no identity to ask with. One of a Machine Learning Server is only assumed.
    async fn token(&self, token: &TokenOf) -> Option<Outcome> {
        let told = match token {
            TokenOf::Identity { resource, .. } => {
                let identity = self.identity()?;
                let lent = self.borrower(|borrower| {
                    grant::allows_resource(&identity.valid, borrower, resource)
                });
                match lent {
                    Ok(()) => {
                        let want = Want::handed_out(resource.clone());
                        let asked = self.desk.ctx.identities.token(identity, &want);
                        asked.await.and_then(|token| bundle(&token))
                    }
                    Err(problem) => Err(problem),
                }
            }
            TokenOf::MlServer(_) => assumed(self.now),
        };
        Some(told.map(Arc::new))
    }
}

/// A token that nobody has asked for: only that it would be another one counts.
fn assumed(now: Timestamp) -> Result<key_vault::Bundle, Problem> {
    let value = SecretValue::from("assumed".to_owned());
    let token = Token::new(value, now, LIFE, None).ok_or_else(|| {
        Problem::new(
            Reason::EnvironmentUnusable,
            Retry::OnChange,
            "the clock of this machine is at the end of time",
        )
    })?;
    bundle(&token)
}

/// Whether an object is not what a Secret holds.
fn is_other(held: &Held, there: &key_vault::Bundle) -> bool {
    let changed = held.updated.is_some() && held.updated != there.updated;
    held.version != there.version || changed
}
