//! From watch events to work: each event wakes just those whom it concerns.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;

use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity, IdentityKind, IdentityRef};
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::{Identity, IdentityKey};
use crate::azure_resource::engine::{Kind, Resources};
use crate::data_lake_account::api::DataLakeAccount;
use crate::data_lake_account::links::Links as AccountLinks;
use crate::data_lake_account::outputs::account_of;
use crate::data_lake_account::outputs::seen::Kind as Thing;
use crate::k8s::controller::Queue;
use crate::k8s::packed::Packed;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync::PLURAL;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::links::Named;
use crate::vault_secret_sync::vault_refs::Told;

/// Where events go.
pub struct Events {
    /// What is known of syncs and Secrets.
    pub ctx: Arc<Ctx>,
    /// Syncs to work on.
    pub syncs: Queue<Packed<VaultSecretSync>>,
    /// Identities to work on.
    pub identities: Queue<AzureIdentity>,
    /// Cluster identities to work on.
    pub cluster_identities: Queue<ClusterAzureIdentity>,
    /// KeyVaults.
    pub key_vaults: Resources<KeyVault>,
    /// DataLakeAccounts.
    pub accounts: Resources<DataLakeAccount>,
    /// What has been listed at least once.
    pub listed: Mutex<BTreeSet<&'static str>>,
}

impl Events {
    fn wake(&self, syncs: Vec<Named>) {
        for (namespace, name) in syncs {
            self.syncs.push(ObjectRef::new(&name).within(&namespace));
        }
    }

    fn wake_identity(&self, key: &IdentityKey) {
        match (key.kind, &key.namespace) {
            (IdentityKind::AzureIdentity, Some(namespace)) => {
                self.identities
                    .push(ObjectRef::new(&key.name).within(namespace));
            }
            _ => self.cluster_identities.push(ObjectRef::new(&key.name)),
        }
    }

    /// A list is complete and its cache holds it. After the first one, that means that a watch was broken: what went
    /// meanwhile was told by no event, and what changed was told before the cache held it. So everybody looks again, which
    /// costs nothing where nothing has changed.
    fn relisted(&self, what: &'static str) {
        let first = self
            .listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(what);
        if !first {
            self.everybody();
        }
    }

    /// Everybody looks: for whoever begins to lead, and has let names go by until then.
    pub fn everybody(&self) {
        self.wake(self.ctx.links.all_syncs());
        for key in self.ctx.links.all_identities() {
            self.wake_identity(&key);
        }
        self.key_vaults.wake_all();
        self.accounts.wake_all();
    }

    /// A sync came, changed or went: it, and those who claim the same Secret.
    pub fn sync(&self, event: &Event<VaultSecretSync>, store: &Store<Packed<VaultSecretSync>>) {
        let links = &self.ctx.links;
        match event {
            Event::Apply(sync) | Event::InitApply(sync) => {
                let named = (sync.namespace().unwrap_or_default(), sync.name_any());
                // While a list is under way the cache holds what it held before.
                if matches!(event, Event::Apply(_)) {
                    self.ctx.cached(sync);
                }
                let before = links.named_by(&named);
                self.wake(links.sync_seen(sync));
                self.let_go(before, &links.named_by(&named));
                self.wake(vec![named]);
            }
            Event::Delete(sync) => {
                let named = (sync.namespace().unwrap_or_default(), sync.name_any());
                let before = links.named_by(&named);
                self.wake(links.sync_gone(&named));
                self.let_go(before, &[]);
                self.ctx.gone(sync);
            }
            Event::Init => {}
            Event::InitDone => {
                self.wake(links.retain_syncs(|(namespace, name)| {
                    store.get(&ObjectRef::new(name).within(namespace)).is_some()
                }));
                let there: BTreeSet<String> =
                    store.state().iter().filter_map(|s| s.uid()).collect();
                self.ctx.logins.keep_syncs(|uid| there.contains(uid));
                self.ctx.pushes.keep(|uid| there.contains(uid));
                self.relisted(PLURAL);
            }
        }
        self.ctx.metrics.objects(PLURAL, links.syncs());
    }

    /// KeyVaults that a sync does not name any more: one that waits for that goes on.
    fn let_go(&self, before: Vec<Named>, now: &[Named]) {
        for (namespace, name) in before.into_iter().filter(|named| !now.contains(named)) {
            self.key_vaults.wake(&namespace, &name);
        }
    }

    /// Resources for which an identity, or the labels of a namespace, decide.
    fn wake_resources_of(&self, concerned: impl Fn(&str, Option<&IdentityRef>) -> bool) {
        self.key_vaults.wake_of(&concerned);
        self.accounts.wake_of(&concerned);
    }

    fn wake_who_uses(&self, key: &IdentityKey) {
        self.wake(self.ctx.links.of_identity(key));
        self.wake_resources_of(|namespace, named| key_of(namespace, named) == *key);
    }

    /// Whether an event changes what a KeyVault tells those who name it, seen before the event is stored.
    pub fn tells_news(event: &Event<KeyVault>, store: &Store<KeyVault>) -> bool {
        match event {
            Event::Apply(key_vault) => {
                let before = store.get(&ObjectRef::from_obj(key_vault));
                before.is_none_or(|before| Told::of(&before) != Told::of(key_vault))
            }
            Event::Delete(_) => true,
            // After a list everybody looks again.
            Event::Init | Event::InitApply(_) | Event::InitDone => false,
        }
    }

    /// A KeyVault came, changed or went: it, and where it matters to them the syncs and accounts that name it.
    pub fn key_vault(&self, event: &Event<KeyVault>, news: bool) {
        self.resource(&self.key_vaults, event);
        if matches!(event, Event::InitDone) {
            // What a KeyVault told while nobody watched is news to those who wait for it.
            for (namespace, name) in self.account_links().naming_any() {
                self.accounts.look(&namespace, &name);
            }
        }
        if let Event::Apply(key_vault) | Event::Delete(key_vault) = event
            && news
        {
            let namespace = key_vault.namespace().unwrap_or_default();
            let name = key_vault.name_any();
            let syncs = self.ctx.links.syncs_naming(&namespace, &name);
            let named = syncs.into_iter().map(|sync| (namespace.clone(), sync));
            self.wake(named.collect());
            for account in self.account_links().naming(&namespace, &name) {
                self.accounts.look(&namespace, &account);
            }
        }
    }

    fn account_links(&self) -> &AccountLinks {
        &self.accounts.ctx.own.links
    }

    /// A DataLakeAccount came, changed or went.
    pub fn account(&self, event: &Event<DataLakeAccount>) {
        let links = self.account_links();
        match event {
            Event::Apply(account) | Event::InitApply(account) => links.seen(account),
            Event::Delete(account) => {
                links.gone(&(account.namespace().unwrap_or_default(), account.name_any()));
            }
            Event::Init => {}
            Event::InitDone => links.retain(|(namespace, name)| {
                let named = ObjectRef::new(name).within(namespace);
                self.accounts.store.get(&named).is_some()
            }),
        }
        self.resource(&self.accounts, event);
    }

    /// A resource of Azure came, changed or went.
    fn resource<K: Kind>(&self, all: &Resources<K>, event: &Event<K>) {
        all.tell(event);
        if matches!(event, Event::InitDone) {
            self.relisted(K::PLURAL);
        }
        self.ctx.metrics.objects(K::PLURAL, all.store.len());
    }

    /// An identity came, changed or went: it, and those who use it where it matters to them.
    pub fn identity<I: Identity>(&self, event: &Event<I>, store: &Store<I>) {
        match event {
            Event::Apply(identity) | Event::InitApply(identity) => self.identity_seen(identity),
            Event::Delete(identity) => self.identity_gone(&identity.key()),
            Event::Init => {}
            Event::InitDone => {
                let listed: BTreeSet<IdentityKey> = store
                    .state()
                    .iter()
                    .map(|identity| identity.key())
                    .collect();
                let known = self.ctx.links.all_identities().into_iter();
                // What went while nobody watched is told by no event.
                for key in known.filter(|key| key.kind == I::KIND && !listed.contains(key)) {
                    self.identity_gone(&key);
                }
                self.relisted(I::PLURAL);
            }
        }
        self.ctx.metrics.objects(I::PLURAL, store.len());
    }

    fn identity_seen<I: Identity>(&self, identity: &I) {
        let (key, ctx, meta) = (identity.key(), &self.ctx, identity.meta());
        let current = (
            meta.uid.as_deref().unwrap_or_default(),
            meta.generation.unwrap_or_default(),
        );
        let namespace = ctx.identities.operator_namespace();
        if ctx.links.identity_seen(identity, namespace) {
            self.identity_changed(&key, Some(current));
        }
        self.wake_identity(&key);
    }

    fn identity_gone(&self, key: &IdentityKey) {
        self.ctx.links.identity_gone(key);
        self.identity_changed(key, None);
    }

    fn identity_changed(&self, key: &IdentityKey, current: Option<(&str, i64)>) {
        self.ctx.identities.changed(key, current);
        self.ctx.hub.identity_changed(key, current);
        self.wake_who_uses(key);
    }

    /// The namespace whose labels an event changes, seen before the event is stored.
    pub fn relabelled(
        event: &Event<PartialObjectMeta<Namespace>>,
        store: &Store<PartialObjectMeta<Namespace>>,
    ) -> Option<String> {
        let Event::Apply(namespace) = event else {
            return None;
        };
        let name = namespace.name_any();
        let before = store.get(&ObjectRef::new(&name));
        let same = before.is_some_and(|before| before.metadata.labels == namespace.metadata.labels);
        (!same).then_some(name)
    }

    /// A namespace has other labels: what is lent to it may differ.
    pub fn namespace(
        &self,
        event: &Event<PartialObjectMeta<Namespace>>,
        relabelled: Option<String>,
    ) {
        if matches!(event, Event::InitDone) {
            self.relisted("namespaces");
        }
        if let Some(namespace) = relabelled {
            self.wake(self.ctx.links.of_namespace(&namespace));
            self.wake_resources_of(|other, _| other == namespace);
        }
    }

    /// A ConfigMap or Secret came, changed or went: accounts that make files of it, and those whose output it is.
    fn thing<K>(&self, kind: Thing, event: &Event<PartialObjectMeta<K>>) {
        let links = self.account_links();
        let (object, version) = match event {
            Event::Apply(object) | Event::InitApply(object) => {
                (object, object.metadata.resource_version.as_deref())
            }
            Event::Delete(object) => (object, None),
            Event::Init => return links.lists(kind),
            Event::InitDone => {
                for (namespace, name) in links.listed(kind) {
                    self.accounts.look(&namespace, &name);
                }
                return;
            }
        };
        let meta = &object.metadata;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, name) = (text(&meta.namespace), text(&meta.name));
        let told = links.told((kind, &namespace, &name), version);
        // One that is not wanted any more is known by its label alone.
        let is_new = !matches!(event, Event::InitApply(_));
        let labelled = account_of(meta).filter(|_| is_new).map(str::to_owned);
        let concerned: BTreeSet<String> = told.into_iter().chain(labelled).collect();
        for account in concerned {
            self.accounts.look(&namespace, &account);
        }
    }

    /// A ConfigMap came, changed or went.
    pub fn config_map(&self, event: &Event<PartialObjectMeta<ConfigMap>>) {
        self.thing(Thing::ConfigMap, event);
    }

    /// A Secret came, changed or went: the syncs that write it, those who authenticate with it, and the accounts that have to do
    /// with it.
    pub fn secret(&self, event: &Event<PartialObjectMeta<Secret>>) {
        self.thing(Thing::Secret, event);
        let ctx = &self.ctx;
        let version = match event {
            Event::Apply(secret) | Event::InitApply(secret) => {
                secret.metadata.resource_version.as_deref()
            }
            Event::Delete(_) | Event::Init | Event::InitDone => None,
        };
        for named in ctx.secrets.saw(event) {
            self.wake(ctx.links.of_secret(&named));
            self.wake(ctx.links.password_seen(&named));
            self.wake(ctx.pushes.source_seen(&named, version));
            for key in ctx.links.of_credential(&named) {
                if ctx.identities.credential_seen(&key, version) {
                    ctx.hub.credential_changed(&key);
                    self.wake_identity(&key);
                    self.wake_who_uses(&key);
                }
            }
        }
        if matches!(event, Event::InitDone) {
            self.relisted("secrets");
        }
    }
}
