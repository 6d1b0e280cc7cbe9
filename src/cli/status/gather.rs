//! Reads what is told of: all kinds, and the operators.

use std::collections::BTreeSet;
use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::core::{ApiResource, Object};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::operator::{LEASE, Look, Operator, SELECTOR, lease_name};
use super::render::Report;
use super::standing::{Standing, Told, Wanted};
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity, IdentityKind};
use crate::cli::objects::TIMEOUT;
use crate::data_lake_account::api::DataLakeAccount;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync::api::VaultSecretSync;

/// Objects that are asked for at once.
const PAGE: u32 = 500;
const FORBIDDEN: u16 = 403;
const NOT_FOUND: u16 = 404;

/// As much of an object as is looked at; so one in the form of another version can be told of, too.
type Seen = Object<Wanted, Told>;

/// Where is looked.
pub(super) struct Field<'a> {
    /// The cluster.
    pub(super) client: &'a Client,
    /// The namespace; none for all of them.
    pub(super) namespace: Option<&'a str>,
    /// That of the operators.
    pub(super) operator_namespace: &'a str,
    /// Now.
    pub(super) now: Timestamp,
}

impl Field<'_> {
    /// Reads everything.
    pub(super) async fn report(&self) -> Report {
        let (operators, identities, vaults, accounts, syncs) = tokio::join!(
            self.operators(),
            self.list::<AzureIdentity>(self.namespace),
            self.list::<KeyVault>(self.namespace),
            self.list::<DataLakeAccount>(self.namespace),
            self.list::<VaultSecretSync>(self.namespace),
        );
        let mut objects = Vec::new();
        let (mut unread, mut lent) = (Vec::new(), BTreeSet::new());
        let all = [
            ("AzureIdentity", identities),
            ("KeyVault", vaults),
            ("DataLakeAccount", accounts),
            ("VaultSecretSync", syncs),
        ];
        for (kind, listed) in all {
            match listed {
                Ok(found) => {
                    lent.extend(found.iter().filter_map(lender));
                    objects.extend(found.iter().map(|object| self.standing(kind, object)));
                }
                Err(error) => unread.push(error.of(kind)),
            }
        }
        let (of_cluster, missing) = self.cluster_identities(&lent).await;
        unread.extend(missing);
        objects.splice(0..0, of_cluster);
        objects.sort_by(|a, b| a.namespace.cmp(&b.namespace));
        Report {
            operators,
            objects,
            unread,
        }
    }

    fn standing(&self, kind: &'static str, object: &Seen) -> Standing {
        let told = object.status.clone().unwrap_or_default();
        Standing::of(kind, &object.metadata, &object.spec, &told, self.now)
    }

    /// Those of the whole cluster; of one namespace those that it uses. Not everybody may read them, and that is no trouble.
    async fn cluster_identities(&self, lent: &BTreeSet<String>) -> (Vec<Standing>, Option<String>) {
        if self.namespace.is_some() && lent.is_empty() {
            return (Vec::new(), None);
        }
        match self.list::<ClusterAzureIdentity>(None).await {
            Ok(found) => {
                let used = found
                    .iter()
                    .filter(|object| self.namespace.is_none() || lent.contains(&object.name_any()));
                let standing = used.map(|object| self.standing("ClusterAzureIdentity", object));
                (standing.collect(), None)
            }
            Err(error) if error.code == Some(FORBIDDEN) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error.of("ClusterAzureIdentity"))),
        }
    }

    async fn list<K: Resource<DynamicType = ()>>(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<Seen>, Unread> {
        let resource = ApiResource::erase::<K>(&());
        let api: Api<Seen> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        all(&api, &ListParams::default()).await
    }

    /// One for each Deployment; where there is none, by the Lease of one that runs elsewhere.
    async fn operators(&self) -> Vec<Operator> {
        let namespace = self.operator_namespace;
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let found = match all(&api, &ListParams::default().labels(SELECTOR)).await {
            Ok(found) => found,
            Err(error) => {
                let deployment = Look::Unread(error.said);
                let lease = self.lease(LEASE).await;
                return vec![Operator::of(namespace, &deployment, Some(&lease), self.now)];
            }
        };
        let mut operators = Vec::new();
        for deployment in found {
            let lease = match lease_name(&deployment) {
                Some(name) => Some(self.lease(&name).await),
                None => None,
            };
            let deployment = Look::Found(deployment);
            operators.push(Operator::of(
                namespace,
                &deployment,
                lease.as_ref(),
                self.now,
            ));
        }
        if operators.is_empty() {
            let lease = self.lease(LEASE).await;
            operators.push(Operator::of(
                namespace,
                &Look::Absent,
                Some(&lease),
                self.now,
            ));
        }
        operators
    }

    async fn lease(&self, name: &str) -> Look<Lease> {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), self.operator_namespace);
        match tokio::time::timeout(TIMEOUT, api.get_opt(name)).await {
            Ok(Ok(Some(lease))) => Look::Found(lease),
            Ok(Ok(None)) => Look::Absent,
            Ok(Err(error)) => Look::Unread(Unread::from(error).said),
            Err(_) => Look::Unread(Unread::late().said),
        }
    }
}

/// The identity of the cluster that an object uses.
fn lender(object: &Seen) -> Option<String> {
    let identity = object.spec.identity_ref.as_ref()?;
    (identity.kind == IdentityKind::ClusterAzureIdentity).then(|| identity.name.clone())
}

/// Why something could not be read.
struct Unread {
    /// What the API server answered.
    code: Option<u16>,
    /// For people.
    said: String,
}

impl Unread {
    fn late() -> Self {
        Self {
            code: None,
            said: "the API server did not answer in time".to_owned(),
        }
    }

    fn of(self, kind: &str) -> String {
        format!("{kind}: failed to read: {}", self.said)
    }
}

impl From<kube::Error> for Unread {
    fn from(error: kube::Error) -> Self {
        let (code, said) = if let kube::Error::Api(status) = &error {
            let said = if status.code == NOT_FOUND {
                "the cluster does not know this kind. Mend: kubectl apply --server-side -f crds/"
            } else {
                status.message.as_str()
            };
            (Some(status.code), said.to_owned())
        } else if matches!(error, kube::Error::SerdeError(_)) {
            // Its text may quote the object.
            (None, "it is in no form that is known".to_owned())
        } else {
            (None, error.to_string())
        };
        Self { code, said }
    }
}

/// All objects, page by page.
async fn all<K>(api: &Api<K>, params: &ListParams) -> Result<Vec<K>, Unread>
where
    K: Clone + Debug + DeserializeOwned,
{
    let mut found = Vec::new();
    let mut params = params.clone().limit(PAGE);
    loop {
        let page = tokio::time::timeout(TIMEOUT, api.list(&params)).await;
        let page = page.map_err(|_| Unread::late())??;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}
