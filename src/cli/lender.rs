//! The operator's identities, as if its watches had seen nothing but the objects that the command line was given.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector;
use kube::runtime::watcher::Event;

use super::cluster::Cluster;
use super::objects::AnyIdentity;
use crate::azure::auth::environment::Environment;
use crate::azure::http::Http;
use crate::azure_identity::ask::Doors;
use crate::azure_identity::identities::{Identities, Stores};
use crate::azure_identity::valid::{self, Valid};
use crate::k8s::api::Kube;
use crate::problem::Problem;
use crate::telemetry::metrics::Metrics;

/// Makes identities that give tokens.
pub(super) struct Lender {
    doors: Doors,
    operator_namespace: String,
}

impl Lender {
    /// Credentials are read from `cluster`, with the caller's rights, and from the environment of this process.
    pub(super) fn new(cluster: &Cluster, http: Http) -> Self {
        let instance = "lakevault-command-line".to_owned();
        let kube = Kube::new(cluster.client.clone(), instance, Metrics::default());
        Self {
            doors: Doors {
                kube,
                http,
                environment: Arc::new(Environment::new(std::env::vars())),
                throttles: Arc::default(),
            },
            operator_namespace: cluster.operator_namespace.clone(),
        }
    }

    /// An identity that can be worked on.
    pub(super) fn parse(&self, identity: &AnyIdentity) -> Result<Valid, Problem> {
        match identity {
            AnyIdentity::Own(identity) => valid::parse(identity, &self.operator_namespace),
            AnyIdentity::Lent(identity) => valid::parse(identity, &self.operator_namespace),
        }
    }

    /// The door to the API server, with the caller's rights.
    pub(super) fn kube(&self) -> &Kube {
        &self.doors.kube
    }

    /// Identities as if these, and these namespaces, were all that there is.
    pub(super) fn identities(
        &self,
        identities: impl IntoIterator<Item = AnyIdentity>,
        namespaces: impl IntoIterator<Item = PartialObjectMeta<Namespace>>,
    ) -> Arc<Identities> {
        let (own_store, mut own) = reflector::store();
        let (lent_store, mut lent) = reflector::store();
        let (labels_store, mut labels) = reflector::store();
        for identity in identities {
            match identity {
                AnyIdentity::Own(identity) => own.apply_watcher_event(&Event::Apply(identity)),
                AnyIdentity::Lent(identity) => lent.apply_watcher_event(&Event::Apply(identity)),
            }
        }
        for namespace in namespaces {
            labels.apply_watcher_event(&Event::Apply(namespace));
        }
        let stores = Stores {
            identities: own_store,
            cluster_identities: lent_store,
            namespaces: labels_store,
        };
        let doors = self.doors.clone();
        Arc::new(Identities::new(
            stores,
            doors,
            self.operator_namespace.clone(),
        ))
    }
}
