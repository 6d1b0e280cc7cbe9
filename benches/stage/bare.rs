//! One of Azure's hosts, asked by a program that does nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;

use super::Stage;
use super::load::{CLIENT, CLIENT_SECRET, TENANT};

/// A host, by the HTTP client that the operator uses too, with one token.
pub struct Bare {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Bare {
    /// The host of this URL, with a token for this resource.
    pub async fn new(stage: &Stage, url: &str, resource: &str) -> Result<Self> {
        let endpoints = stage.simulator.endpoints();
        let address = SocketAddr::from(([127, 0, 0, 1], endpoints.port));
        let pem = std::fs::read(&endpoints.ca_file)?;
        let host = |url: &str| url.trim_start_matches("https://").to_owned();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?)
            .resolve(&host(&endpoints.authority_host), address)
            .resolve(&host(url), address)
            .build()?;
        let scope = format!("{resource}/.default");
        let form = BTreeMap::from([
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", CLIENT_SECRET),
            ("scope", &scope),
        ]);
        let authority = format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority_host);
        let answer = http.post(&authority).form(&form).send().await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        let token = answer.get("access_token").and_then(Value::as_str);
        Ok(Self {
            url: url.to_owned(),
            token: token.context("no token")?.to_owned(),
            http,
        })
    }

    /// A request for a path and query of the host.
    pub fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.url);
        self.http.request(method, url).bearer_auth(&self.token)
    }
}
