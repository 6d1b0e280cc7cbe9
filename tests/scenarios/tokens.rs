//! Reads access tokens as their receivers do: signature, time and audience are checked first.

use anyhow::{Context, Result, ensure};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use testbed::Endpoints;

use crate::kit::{TENANT, World};

/// A client that trusts the simulator. Hosts are named in the path: `/_host/<name>/…`.
pub fn http(endpoints: &Endpoints) -> Result<reqwest::Client> {
    let roots = std::fs::read(&endpoints.ca_file)?;
    Ok(reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(&roots)?])
        .build()?)
}

/// What a token of Entra says, when its audience is `audience`.
pub async fn of_entra(world: &World, token: &str, audience: &str) -> Result<Value> {
    let keys = format!("login.microsoftonline.com/{TENANT}/discovery/v2.0/keys");
    let claims = verified(world, &keys, token, audience).await?;
    ensure!(claims["tid"] == TENANT, "another tenant's token: {claims}");
    Ok(claims)
}

/// The same with the place of the issuer's keys: host and path.
pub async fn verified(world: &World, keys: &str, token: &str, audience: &str) -> Result<Value> {
    let endpoints = world.simulator.endpoints();
    let url = format!("{}/_host/{keys}", endpoints.azure);
    let answer = http(endpoints)?.get(url).send().await?;
    let keys: JwkSet = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
    let id = jsonwebtoken::decode_header(token)?
        .kid
        .context("the token names no key")?;
    let key = keys
        .find(&id)
        .context("the token's key is not its issuer's")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.validate_nbf = true;
    let token = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation);
    Ok(token
        .with_context(|| format!("a token for {audience}"))?
        .claims)
}

/// Two tokens speak of the same caller: the application, and whom it acts for.
pub fn same_caller(one: &Value, other: &Value) -> Result<()> {
    for claim in ["iss", "tid", "appid", "oid", "upn"] {
        ensure!(
            one[claim] == other[claim],
            "{claim} is {} in one and {} in the other",
            one[claim],
            other[claim]
        );
    }
    Ok(())
}
