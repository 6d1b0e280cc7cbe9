//! Somebody else who uses an account: an application with all rights, or whoever has a signature.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use reqwest::{Certificate, Client, Method, Response, Url};
use serde_json::Value;

use super::lakes::Lake;
use crate::kit::TENANT;

/// A client of one account's own endpoint.
pub struct Other {
    http: Client,
    base: String,
    token: String,
}

impl Lake {
    /// The test's own application, past the operator.
    pub async fn other(&self) -> Result<Other> {
        let (endpoints, host) = (self.kit.endpoints(), self.host());
        let pem = std::fs::read(&endpoints.ca_file)?;
        let login: Url = endpoints.authority_host.parse()?;
        let login_host = login.host_str().context("login host")?;
        let here = ([127, 0, 0, 1], endpoints.port).into();
        let http = Client::builder()
            .no_proxy()
            .add_root_certificate(Certificate::from_pem(&pem)?)
            .resolve(&host, here)
            .resolve(login_host, here)
            .build()?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.kit.client_id),
            ("client_secret", &self.kit.client_secret),
            ("scope", "https://storage.azure.com/.default"),
        ];
        let url = format!("https://{login_host}/{TENANT}/oauth2/v2.0/token");
        let form = form.map(|(name, value)| format!("{name}={}", value.replace('/', "%2F")));
        let asked = http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.join("&"));
        let answer: Value = serde_json::from_str(&asked.send().await?.text().await?)?;
        let token = answer["access_token"].as_str();
        Ok(Other {
            http,
            base: format!("https://{host}"),
            token: token.with_context(|| format!("{answer}"))?.to_owned(),
        })
    }
}

impl Other {
    /// Sets all properties of a filesystem.
    pub async fn set_properties(&self, filesystem: &str, all: &[(&str, &str)]) -> Result<()> {
        let base64 = base64::engine::general_purpose::STANDARD;
        let all = all
            .iter()
            .map(|(name, value)| format!("{name}={}", base64.encode(value)));
        let all: Vec<String> = all.collect();
        let url = format!("{}/{filesystem}?resource=filesystem", self.base);
        let answer = self
            .http
            .request(Method::PATCH, url)
            .bearer_auth(&self.token)
            .header("x-ms-version", "2023-11-03")
            .header("x-ms-properties", all.join(","))
            .header("content-length", "0")
            .send()
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        Ok(())
    }

    /// A request without a body, with these headers.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Result<()> {
        let url = format!("{}/{path}", self.base);
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .bearer_auth(&self.token)
            .header("x-ms-version", "2023-11-03")
            .header("content-length", "0");
        let answer = request.send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        Ok(())
    }

    /// Reads a path with nothing but a signature.
    pub async fn read_signed(&self, path: &str, signature: &str) -> Result<Response> {
        let signature = signature.trim_start_matches('?');
        let url = format!("{}/{path}?{signature}", self.base);
        Ok(self.http.get(url).send().await?)
    }
}
