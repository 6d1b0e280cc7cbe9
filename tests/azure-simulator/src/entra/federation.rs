//! Federated credentials: matching them, and fetching the keys of the issuer that they name.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet},
};
use parking_lot::{Mutex, RwLock};
use reqwest::Certificate;
use serde::{Deserialize, de::DeserializeOwned};

use super::{assertion::Assertion, errors::Denial};
use crate::world::{
    moment::Moment,
    spec::{FederatedCredential, IssuerSpec},
};

const FETCH_TIME: Duration = Duration::from_secs(10);
const KEYS_LIFE: Duration = Duration::from_mins(10);

/// How to reach the issuers, and their keys as last fetched.
#[derive(Debug)]
pub(crate) struct Issuers {
    /// With the system's roots, for issuers that nothing is said about.
    ordinary: reqwest::Client,
    known: RwLock<HashMap<String, reqwest::Client>>,
    keys: Mutex<HashMap<String, (Instant, JwkSet)>>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Matches a foreign token with an application's federated credentials: all three by exact comparison.
pub(crate) fn check_match(
    credentials: &[FederatedCredential],
    assertion: &Assertion<'_>,
) -> Result<(), Denial> {
    let claims = &assertion.claims;
    if credentials.is_empty() {
        return Err(Denial::no_federated_credential(
            &claims.iss,
            &claims.sub,
            &claims.aud.shown(),
        ));
    }
    let mut of_issuer = credentials
        .iter()
        .filter(|credential| credential.issuer == claims.iss)
        .peekable();
    if of_issuer.peek().is_none() {
        return Err(Denial::federated_issuer(&claims.iss));
    }
    let mut of_subject = of_issuer
        .filter(|credential| credential.subject == claims.sub)
        .peekable();
    if of_subject.peek().is_none() {
        return Err(Denial::federated_subject(&claims.sub));
    }
    let audience_fits =
        |credential: &FederatedCredential| claims.aud.iter().any(|one| one == credential.audience);
    if of_subject.any(audience_fits) {
        Ok(())
    } else {
        Err(Denial::federated_audience(&claims.aud.shown()))
    }
}

impl Issuers {
    pub(crate) fn new() -> reqwest::Result<Self> {
        let ordinary = reqwest::Client::builder().timeout(FETCH_TIME).build()?;
        Ok(Self {
            ordinary,
            known: RwLock::default(),
            keys: Mutex::default(),
        })
    }

    /// Learns how to trust an issuer's TLS; what was fetched from it before is forgotten.
    pub(crate) fn put(&self, spec: &IssuerSpec) -> Result<(), String> {
        let mut builder = reqwest::Client::builder().timeout(FETCH_TIME).no_proxy();
        if let Some(file) = &spec.ca_file {
            let pem = std::fs::read(file)
                .map_err(|error| format!("issuer {}: {}: {error}", spec.issuer, file.display()))?;
            let roots = Certificate::from_pem_bundle(&pem)
                .map_err(|error| format!("issuer {}: {}: {error}", spec.issuer, file.display()))?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder
            .build()
            .map_err(|error| format!("issuer {}: {error}", spec.issuer))?;
        self.known.write().insert(spec.issuer.clone(), client);
        self.keys.lock().remove(&spec.issuer);
        Ok(())
    }

    /// Checks signature and time of a foreign token that matched a credential.
    pub(crate) async fn check_signature(
        &self,
        assertion: &Assertion<'_>,
        now: Moment,
    ) -> Result<(), Denial> {
        // Entra takes no other algorithm from foreign issuers
        // (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>).
        if assertion.header.alg != "RS256" {
            let reason = format!(
                "The algorithm '{}' is not supported, RS256 is needed.",
                assertion.header.alg
            );
            return Err(Denial::federated_signature(&reason));
        }
        assertion.check_time(now)?;
        let issuer = &assertion.claims.iss;
        let cached = self
            .keys
            .lock()
            .get(issuer)
            .filter(|(at, _)| at.elapsed() < KEYS_LIFE)
            .map(|(_, keys)| keys.clone());
        if cached.is_some_and(|keys| is_signed_by_one(assertion, &keys)) {
            return Ok(());
        }
        // Not fetched yet, or the issuer has a new key.
        let keys = self.fetch(issuer).await?;
        let valid = is_signed_by_one(assertion, &keys);
        self.keys
            .lock()
            .insert(issuer.clone(), (Instant::now(), keys));
        if valid {
            Ok(())
        } else {
            Err(Denial::federated_signature(
                "The key was not found, or did not verify.",
            ))
        }
    }

    async fn fetch(&self, issuer: &str) -> Result<JwkSet, Denial> {
        let client = self
            .known
            .read()
            .get(issuer)
            .unwrap_or(&self.ordinary)
            .clone();
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let discovery: Discovery = get(&client, &address).await?;
        if discovery.issuer != *issuer {
            let reason = format!(
                "The discovery document at {address} is of issuer '{}'.",
                discovery.issuer
            );
            return Err(Denial::issuer_unreachable(&reason));
        }
        get(&client, &discovery.jwks_uri).await
    }
}

async fn get<T: DeserializeOwned>(client: &reqwest::Client, address: &str) -> Result<T, Denial> {
    let failed = |error: reqwest::Error| {
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        Denial::issuer_unreachable(&format!("GET {address}: {error}{cause}"))
    };
    let answer = client
        .get(address)
        .send()
        .await
        .map_err(failed)?
        .error_for_status()
        .map_err(failed)?;
    answer.json().await.map_err(failed)
}

/// Whether the key that the token names signed it; any key when it names none.
fn is_signed_by_one(assertion: &Assertion<'_>, keys: &JwkSet) -> bool {
    let named = |key: &&Jwk| match (&assertion.header.kid, &key.common.key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => true,
    };
    let signs = |key: &Jwk| {
        DecodingKey::from_jwk(key).is_ok_and(|key| assertion.is_signed_by(&key, Algorithm::RS256))
    };
    keys.keys.iter().filter(named).any(signs)
}
