//! What plans are made of: objects of a file or of a namespace, with what the cluster knows of them. Only read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::applied::{Kind, applied};
use crate::azure::arm::client::Arm;
use crate::azure::http::Http;
use crate::azure::lake::client::Lakes;
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::IdentityKey;
use crate::azure_resource::engine::Shared;
use crate::cli::Failure;
use crate::cli::cluster::Cluster;
use crate::cli::lender::Lender;
use crate::cli::objects;
use crate::data_lake_account::api::DataLakeAccount;
use crate::data_lake_account::kind::{Ctx as AccountCtx, Own};
use crate::data_lake_account::links::Links as AccountLinks;
use crate::k8s::api::Kube;
use crate::key_vault::api::KeyVault;
use crate::key_vault::kind::Ctx;
use crate::telemetry::metrics::Metrics;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::links::Links;
use crate::vault_secret_sync::push::Pushes;
use crate::vault_secret_sync::vault_refs::{self, Told};

/// The namespace whose uid tells clusters apart.
const SYSTEM: &str = "kube-system";
/// What the command is called where a client must have a name.
const INSTANCE: &str = "lakevault-command-line";

/// Namespace and name.
type Named = (String, String);

/// Everything that is read before plans are made, and the ways to read more.
pub(super) struct Desk {
    /// The KeyVaults.
    pub(super) vaults: Vec<KeyVault>,
    /// The DataLakeAccounts.
    pub(super) accounts: Vec<DataLakeAccount>,
    /// The syncs.
    pub(super) syncs: Vec<VaultSecretSync>,
    /// What rounds about vaults need.
    pub(super) ctx: Ctx,
    /// What rounds about accounts need.
    pub(super) account_ctx: AccountCtx,
    /// Looks at what is pushed.
    pub(super) pushes: Pushes,
    /// The cluster's own objects; none where there is no cluster.
    pub(super) live: Option<Kube>,
    told: Arc<BTreeMap<Named, Told>>,
}

impl Desk {
    /// Reads what is planned for. `identity` stands in for those that the objects name.
    pub(super) async fn open(
        cluster: &Cluster,
        http: Http,
        identity: Option<&IdentityRef>,
    ) -> Result<Self, Failure> {
        let [vault_names, account_names, sync_names] = names(cluster).await?;
        let (mut vaults, mut accounts, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
        for named in &account_names {
            accounts.extend(account(cluster, named).await?);
        }
        for named in &vault_names {
            vaults.extend(vault(cluster, named).await?);
        }
        for named in &sync_names {
            syncs.extend(sync(cluster, named).await?);
        }
        let told = Arc::new(told(cluster, &vaults, &accounts, &syncs).await?);
        if let Some(identity) = identity {
            for vault in &mut vaults {
                *vault.identity() = Some(identity.clone());
            }
            for account in &mut accounts {
                *account.identity() = Some(identity.clone());
            }
            for sync in &mut syncs {
                *sync.identity() = Some(identity.clone());
            }
        }
        let links = Links::default();
        let concerned = vaults.iter().filter(|vault| is_leaving(*vault));
        let concerned = concerned.map(|vault| space(vault.namespace()));
        let concerned: BTreeSet<String> = concerned
            .chain(syncs.iter().map(|sync| space(sync.namespace())))
            .collect();
        for namespace in &concerned {
            for sync in others(cluster, namespace).await? {
                links.sync_seen(&sync);
            }
        }
        for sync in &syncs {
            links.sync_seen(sync);
        }
        let lender = Lender::new(cluster, http.clone());
        let all = (vaults.as_slice(), accounts.as_slice(), syncs.as_slice());
        let identities = identities(cluster, &lender, all).await?;
        let kube = lender.kube().clone();
        let shared = Shared {
            arm: Arm::new(Arc::clone(&identities), http.clone()),
            identities: Arc::clone(&identities),
            http: http.clone(),
            kube: kube.clone(),
            metrics: Metrics::default(),
            epoch: INSTANCE.to_owned(),
        };
        Ok(Self {
            account_ctx: AccountCtx::new(shared.clone(), {
                let told = Arc::clone(&told);
                Own {
                    lakes: Lakes::new(Arc::clone(&identities), http.clone()),
                    vaults: Box::new(move |namespace, name| {
                        let named = (namespace.to_owned(), name.to_owned());
                        told.get(&named).cloned()
                    }),
                    links: AccountLinks::default(),
                }
            }),
            pushes: Pushes::new(identities, kube, http, Arc::new(|_| ())),
            ctx: Ctx::new(shared, Arc::new(links)),
            live: cluster
                .live
                .clone()
                .map(|client| Kube::new(client, INSTANCE.to_owned(), Metrics::default())),
            vaults,
            accounts,
            syncs,
            told,
        })
    }

    /// What a KeyVault tells those who name it.
    pub(super) fn told(&self, namespace: &str, name: &str) -> Option<Told> {
        let named = (namespace.to_owned(), name.to_owned());
        self.told.get(&named).cloned()
    }
}

/// Whether an object is being deleted.
pub(super) fn is_leaving(object: &impl ResourceExt) -> bool {
    object.meta().deletion_timestamp.is_some()
}

fn space(namespace: Option<String>) -> String {
    namespace.unwrap_or_default()
}

/// The objects that are planned for: those of the file, else those of the namespace.
async fn names(cluster: &Cluster) -> Result<[Vec<Named>; 3], Failure> {
    if let Some(manifests) = &cluster.manifests {
        return Ok([
            manifests.key_vaults(),
            manifests.accounts(),
            manifests.syncs(),
        ]);
    }
    let here = |name| (cluster.namespace.clone(), name);
    let vaults = objects::key_vaults(&cluster.client, &cluster.namespace).await?;
    let accounts = objects::accounts(&cluster.client, &cluster.namespace).await?;
    let syncs = objects::syncs(&cluster.client, &cluster.namespace).await?;
    Ok([vaults, accounts, syncs].map(|names| names.into_iter().map(here).collect()))
}

async fn vault(cluster: &Cluster, (namespace, name): &Named) -> Result<Option<KeyVault>, Failure> {
    let Some(said) = objects::key_vault(&cluster.client, namespace, name).await? else {
        return Ok(None);
    };
    let live = match &cluster.live {
        Some(live) => objects::key_vault(live, namespace, name).await?,
        None => None,
    };
    Ok(Some(applied(said, live, Timestamp::now())))
}

async fn account(
    cluster: &Cluster,
    (namespace, name): &Named,
) -> Result<Option<DataLakeAccount>, Failure> {
    let Some(said) = objects::account(&cluster.client, namespace, name).await? else {
        return Ok(None);
    };
    let live = match &cluster.live {
        Some(live) => objects::account(live, namespace, name).await?,
        None => None,
    };
    Ok(Some(applied(said, live, Timestamp::now())))
}

async fn sync(
    cluster: &Cluster,
    (namespace, name): &Named,
) -> Result<Option<VaultSecretSync>, Failure> {
    let Some(said) = objects::sync(&cluster.client, namespace, name).await? else {
        return Ok(None);
    };
    let live = match &cluster.live {
        Some(live) => objects::sync(live, namespace, name).await?,
        None => None,
    };
    Ok(Some(applied(said, live, Timestamp::now())))
}

/// What the KeyVaults tell that others name.
async fn told(
    cluster: &Cluster,
    vaults: &[KeyVault],
    accounts: &[DataLakeAccount],
    syncs: &[VaultSecretSync],
) -> Result<BTreeMap<Named, Told>, Failure> {
    let mut told = BTreeMap::new();
    for vault in vaults {
        told.insert(
            (space(vault.namespace()), vault.name_any()),
            Told::of(vault),
        );
    }
    let of_accounts = accounts.iter().filter_map(|account| {
        let name = account.vault_ref()?;
        Some((space(account.namespace()), name.to_owned()))
    });
    let of_syncs = syncs.iter().flat_map(|sync| {
        let names = vault_refs::names(&sync.spec);
        names.map(|name| (space(sync.namespace()), name.to_owned()))
    });
    let named: BTreeSet<Named> = of_accounts.chain(of_syncs).collect();
    for named in named {
        if !told.contains_key(&named)
            && let Some(found) = vault(cluster, &named).await?
        {
            told.insert(named, Told::of(&found));
        }
    }
    Ok(told)
}

/// All syncs that the cluster has in a namespace.
async fn others(cluster: &Cluster, namespace: &str) -> Result<Vec<VaultSecretSync>, Failure> {
    match &cluster.live {
        Some(live) => objects::whole_syncs(live, namespace).await,
        None => Ok(Vec::new()),
    }
}

/// The identities that are named, and the namespaces that decide to whom they are lent.
async fn identities(
    cluster: &Cluster,
    lender: &Lender,
    (vaults, accounts, syncs): (&[KeyVault], &[DataLakeAccount], &[VaultSecretSync]),
) -> Result<Arc<Identities>, Failure> {
    let of_vaults = vaults.iter().map(|vault| {
        let reference = vault.spec.resource.identity_ref.as_ref();
        (space(vault.namespace()), reference)
    });
    let of_accounts = accounts.iter().map(|account| {
        let reference = account.spec.resource.identity_ref.as_ref();
        (space(account.namespace()), reference)
    });
    let of_syncs = syncs
        .iter()
        .map(|sync| (space(sync.namespace()), sync.spec.identity_ref.as_ref()));
    let (mut spaces, mut keys) = (BTreeSet::new(), BTreeSet::<IdentityKey>::new());
    for (namespace, reference) in of_vaults.chain(of_accounts).chain(of_syncs) {
        keys.insert(key_of(&namespace, reference));
        spaces.insert(namespace);
    }
    known(cluster, lender, keys, spaces).await
}

/// These identities, for these namespaces.
pub(in crate::cli) async fn known(
    cluster: &Cluster,
    lender: &Lender,
    keys: BTreeSet<IdentityKey>,
    mut namespaces: BTreeSet<String>,
) -> Result<Arc<Identities>, Failure> {
    namespaces.insert(SYSTEM.to_owned());
    let (mut identities, mut spaces) = (Vec::new(), Vec::new());
    for key in &keys {
        identities.extend(objects::identity(&cluster.client, key).await?);
    }
    for namespace in &namespaces {
        spaces.extend(objects::namespace(&cluster.client, namespace).await);
    }
    Ok(lender.identities(identities, spaces))
}
