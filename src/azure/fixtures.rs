//! What tests of this folder share.

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kube::runtime::reflector::store;

use super::auth::Profile;
use super::auth::environment::Environment;
use super::auth::managed::Which;
use super::cloud::Cloud;
use super::cloud::source::CloudSource;
use super::http::{Answer, Body, Http, HttpOptions};
use crate::azure_identity::api::IdentityKind;
use crate::azure_identity::ask::Doors;
use crate::azure_identity::identities::{Identities, Stores};
use crate::azure_identity::valid::{IdentityKey, Method, Usable, Valid};
use crate::k8s::api::Kube;
use crate::telemetry::metrics::Metrics;

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(name.to_ascii_lowercase()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: Body::new(body.as_bytes().to_vec()),
    }
}

/// A folder of the optional data beside the repository, or none, which is said aloud.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("LAKEVAULT_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("LAKEVAULT_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "{} is required and not there", folder.display());
    println!(
        "SKIPPED: {} is not there (LAKEVAULT_SHARED names another place)",
        folder.display()
    );
    None
}

/// Identities whose tokens come from `{origin}/msi`, as App Service gives them.
pub(super) fn served(origin: &str) -> (Arc<Identities>, Http) {
    let metrics = Metrics::default();
    let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
    let http = Http::new(&HttpOptions::default(), metrics.clone()).unwrap();
    let variables = [
        ("IDENTITY_ENDPOINT", format!("{origin}/msi")),
        ("IDENTITY_HEADER", "x".to_owned()),
    ];
    let doors = Doors {
        kube: Kube::new(
            kube::Client::try_from(config).unwrap(),
            "test".to_owned(),
            metrics,
        ),
        http: http.clone(),
        environment: Arc::new(Environment::new(
            variables.map(|(name, value)| (name.to_owned(), value)),
        )),
        throttles: Arc::default(),
    };
    let stores = Stores {
        identities: store().0,
        cluster_identities: store().0,
        namespaces: store().0,
    };
    let identities = Identities::new(stores, doors, "system".to_owned());
    (Arc::new(identities), http)
}

/// A managed identity in a cloud.
pub(super) fn usable(cloud: Cloud) -> Usable {
    let valid = Valid {
        key: IdentityKey {
            kind: IdentityKind::ClusterAzureIdentity,
            namespace: None,
            name: "main".to_owned(),
        },
        uid: "uid".to_owned(),
        generation: 1,
        cloud: CloudSource::parse(None).unwrap(),
        names_cloud: false,
        tenant: None,
        client: None,
        method: Method::ManagedIdentity(Which::System),
        credential_namespace: "system".to_owned(),
        grants: None,
    };
    Usable {
        valid: Arc::new(valid),
        profile: Arc::new(Profile {
            cloud: Arc::new(cloud),
            tenant: None,
            client: None,
        }),
    }
}
