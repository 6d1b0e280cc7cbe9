//! Clouds of identities: known by their spec, told by an Azure Stack Hub, with roots from a ConfigMap.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::ask::Doors;
use super::valid::Valid;
use crate::azure::cloud::Cloud;
use crate::azure::cloud::source::{CaBundle, CloudSource, Endpoints};
use crate::azure::http::Route;
use crate::azure::slots::{Lease, Slots};
use crate::azure::stack::{self, Form, Told};
use crate::k8s::api::Kube;
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};

/// Endpoints and roots are asked for again after this time; what is known serves meanwhile, and for a day when nobody answers.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// Roots that were read this recently are not read again because a certificate was not trusted.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// A spec's cloud, and the namespace that its ConfigMap is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    source: CloudSource,
    namespace: String,
}

/// A cloud as it was found out.
#[derive(Debug)]
struct Found {
    cloud: Arc<Cloud>,
    tenant: Option<TenantId>,
    at: Timestamp,
    refresh_at: Timestamp,
}

impl Lease for Found {
    fn expires_at(&self) -> Timestamp {
        self.at.checked_add(LIFE).unwrap_or(self.at)
    }

    fn refresh_at(&self) -> Timestamp {
        self.refresh_at
    }
}

/// The clouds.
#[derive(Default)]
pub struct Clouds {
    slots: Slots<Key, Found>,
}

impl Clouds {
    /// The cloud of an identity, and its tenant where the cloud named one. Mostly known; else asked for once for everybody
    /// who waits.
    pub async fn of(
        &self,
        doors: &Doors,
        valid: &Valid,
    ) -> Result<(Arc<Cloud>, Option<TenantId>), Problem> {
        if let Endpoints::Given(cloud) = &valid.cloud.endpoints
            && valid.cloud.ca_bundle.is_none()
        {
            if valid.names_cloud || !valid.method.brings_itself() {
                return Ok((Arc::clone(cloud), None));
            }
            // The environment that brings the credential brings its cloud as well.
            let authority = doors.environment.get("AZURE_AUTHORITY_HOST");
            let cloud = authority.map_or_else(|| Ok(Arc::clone(cloud)), Cloud::of_authority);
            return Ok((cloud?, None));
        }
        let key = key(valid);
        let asker = || {
            let (doors, key) = (doors.clone(), key.clone());
            async move { find(&doors, &key).await }
        };
        let found = self.slots.get(&key, Timestamp::now(), asker).await;
        let found = found.map_err(|problem| Problem {
            message: format!("{}: {}", valid.key, problem.message),
            ..problem
        })?;
        Ok((Arc::clone(&found.cloud), found.tenant.clone()))
    }

    /// A certificate was not trusted: the roots may have been replaced, and are read again.
    pub fn distrusted(&self, valid: &Valid, now: Timestamp) {
        if valid.cloud.ca_bundle.is_some() {
            self.slots
                .drop_if(&key(valid), |found| now.duration_since(found.at) > FRESH);
        }
    }
}

fn key(valid: &Valid) -> Key {
    Key {
        source: valid.cloud.clone(),
        namespace: valid.credential_namespace.clone(),
    }
}

async fn find(doors: &Doors, key: &Key) -> Result<Found, Problem> {
    let route = match &key.source.ca_bundle {
        Some(bundle) => Route::Trusting(roots(&doors.kube, &key.namespace, bundle).await?),
        None => Route::Default,
    };
    let (cloud, tenant) = match &key.source.endpoints {
        Endpoints::Given(cloud) => (cloud.reached_by(route), None),
        Endpoints::ToldBy(endpoint) => {
            let Told { cloud, tenant } = ask(doors, endpoint, &route).await?;
            (cloud, tenant)
        }
    };
    let at = Timestamp::now();
    let refresh = retry::jitter(
        REFRESH.unsigned_abs(),
        retry::seed(&cloud.authority, "cloud"),
    );
    Ok(Found {
        cloud: Arc::new(cloud),
        tenant,
        at,
        refresh_at: at.checked_add(refresh).unwrap_or(at),
    })
}

async fn ask(doors: &Doors, endpoint: &str, route: &Route) -> Result<Told, Problem> {
    for form in Form::ALL {
        let request = stack::request(endpoint, form, route)?;
        let answer = doors
            .http
            .send("GetMetadataEndpoints", endpoint, request)
            .await?;
        if let Some(told) = stack::read(endpoint, form, &answer, route)? {
            return Ok(told);
        }
    }
    Err(stack::not_served(endpoint))
}

/// Root certificates in PEM form, from a ConfigMap.
async fn roots(kube: &Kube, namespace: &str, bundle: &CaBundle) -> Result<Arc<str>, Problem> {
    let CaBundle { config_map, key } = bundle;
    let absent = |what: String| {
        Problem::new(
            Reason::CaBundleNotFound,
            Retry::Backoff,
            format!(
                "{what}. Mend: kubectl -n {namespace} create configmap {config_map} --from-file={key}=<file with root certificates in PEM form>"
            ),
        )
    };
    let found = kube.config_map(namespace, config_map.as_str()).await?;
    let found =
        found.ok_or_else(|| absent(format!("there is no ConfigMap {namespace}/{config_map}")))?;
    let text = found.data.unwrap_or_default().remove(key.as_str());
    let text = text.unwrap_or_default();
    check(&text).map_err(|what| {
        absent(format!(
            "ConfigMap {namespace}/{config_map}, key {key}: {what}"
        ))
    })?;
    Ok(Arc::from(text))
}

/// Whether a text holds root certificates that can be trusted, and nothing in PEM frames that is none.
fn check(text: &str) -> Result<(), String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("its PEM is broken: {error}"))?;
        store.add(certificate).map_err(|error| {
            format!("one of its certificates is none that can be read: {error}")
        })?;
    }
    if store.is_empty() {
        return Err("there is no certificate in PEM form".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../tests/fixtures/certificates/certificate.pem");

    #[test]
    fn a_bundle_holds_certificates_and_all_of_them_can_be_read() {
        assert_eq!(check(GOOD), Ok(()));
        assert_eq!(check(&format!("# a comment\n{GOOD}{GOOD}")), Ok(()));
        let framed = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        for (text, word) in [
            (String::new(), "no certificate in PEM form"),
            ("no certificate".to_owned(), "no certificate in PEM form"),
            (format!("{GOOD}{}", framed("AAAA")), "can be read"),
            (framed("?"), "PEM is broken"),
        ] {
            let seen = check(&text).unwrap_err();
            assert!(seen.contains(word), "{text:?}: {seen}");
        }
    }
}
