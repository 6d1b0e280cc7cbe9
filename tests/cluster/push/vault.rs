//! A look into a vault, as a client of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use reqwest::{Certificate, Client, StatusCode};
use serde_json::Value;
use testbed::Endpoints;

use crate::kit::{Kit, TENANT};

/// A secret of the vault.
#[derive(Debug)]
pub struct Held {
    pub value: String,
    pub version: String,
    pub content_type: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub expires: Option<i64>,
}

/// The vault of one test, read by an application that may read and nothing else.
pub struct Vault {
    endpoints: Endpoints,
    url: String,
    client_id: String,
    client_secret: String,
    http: Client,
}

impl Vault {
    pub fn new(kit: &Kit) -> Result<Self> {
        let endpoints = kit.endpoints();
        let root = Certificate::from_pem(&std::fs::read(&endpoints.ca_file)?)?;
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, endpoints.port));
        let host = |url: &str| -> Result<String> {
            let url = reqwest::Url::parse(url)?;
            Ok(url.host_str().context("no host")?.to_owned())
        };
        let http = Client::builder()
            .no_proxy()
            .tls_certs_merge([root])
            .resolve(&host(&endpoints.vault_url(&kit.vault))?, here)
            .resolve(&host(&endpoints.authority_host)?, here)
            .build()?;
        Ok(Self {
            endpoints: endpoints.clone(),
            url: endpoints.vault_url(&kit.vault),
            client_id: kit.client_id.clone(),
            client_secret: kit.client_secret.clone(),
            http,
        })
    }

    async fn token(&self) -> Result<String> {
        let endpoints = &self.endpoints;
        let url = format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority_host);
        let scope = format!("{}/.default", endpoints.key_vault_audience);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", &scope),
        ];
        let answer = self.http.post(url).form(&form).send().await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        let token = answer["access_token"].as_str();
        token.map(str::to_owned).context("no token")
    }

    /// The newest version of a secret; none where there is none.
    pub async fn secret(&self, name: &str) -> Result<Option<Held>> {
        let url = format!("{}/secrets/{name}/?api-version=7.4", self.url);
        let asked = self.http.get(url).bearer_auth(self.token().await?);
        let answer = asked.send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        ensure!(answer.status().is_success(), "{}", answer.status());
        let bundle: Value = answer.json().await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&bundle["id"]).context("no id")?;
        Ok(Some(Held {
            value: text(&bundle["value"]).context("no value")?,
            version: id.rsplit('/').next().unwrap_or_default().to_owned(),
            content_type: text(&bundle["contentType"]),
            tags: serde_json::from_value::<Option<_>>(bundle["tags"].clone())?.unwrap_or_default(),
            expires: bundle["attributes"]["exp"].as_i64(),
        }))
    }
}
