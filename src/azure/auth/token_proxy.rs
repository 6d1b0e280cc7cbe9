//! AKS identity bindings: token requests of workload identity go to a proxy of the cluster, which knows which identities
//! are bound to it. Variables as Azure's SDKs read them: `AZURE_KUBERNETES_TOKEN_PROXY` (its https URL), `_SNI_NAME` (the
//! name that TLS asks for and checks in place of the URL's host), `_CA_FILE` or `_CA_DATA` (the only roots it is trusted
//! by, PEM). Only the URL of a request changes; path, query, form and assertion stay.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderValue, header};
use url::Url;

use super::environment::Environment;
use crate::azure::http::{Request, Route, TokenProxyRoute, roots};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

const URL: &str = "AZURE_KUBERNETES_TOKEN_PROXY";
const SNI_NAME: &str = "AZURE_KUBERNETES_SNI_NAME";
const CA_FILE: &str = "AZURE_KUBERNETES_CA_FILE";
const CA_DATA: &str = "AZURE_KUBERNETES_CA_DATA";
/// A bundle of roots has some KiB.
const LARGEST_CA: usize = 1 << 20;

/// The proxy that token requests go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
    sni: Option<String>,
    ca: Ca,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Ca {
    System,
    Data(String),
    File(PathBuf),
}

impl Proxy {
    /// The proxy that the environment names, if any. Half a configuration is an error: without the proxy the token would
    /// be asked for elsewhere than was meant.
    pub fn from(environment: &Environment) -> Result<Option<Self>, Problem> {
        let Some(text) = environment.get(URL) else {
            return match [SNI_NAME, CA_FILE, CA_DATA]
                .iter()
                .find(|name| environment.get(name).is_some())
            {
                Some(name) => Err(unusable(&format!("{name} is set, but {URL} is not"))),
                None => Ok(None),
            };
        };
        let ca = match (environment.get(CA_FILE), environment.get(CA_DATA)) {
            (Some(_), Some(_)) => {
                return Err(unusable(&format!(
                    "{CA_FILE} and {CA_DATA} are both set; unset one"
                )));
            }
            (Some(file), None) => Ca::File(PathBuf::from(file)),
            (None, Some(data)) => Ca::Data(
                usable(data.to_owned())
                    .map_err(|error| unusable(&format!("{CA_DATA}: {error}")))?,
            ),
            (None, None) => Ca::System,
        };
        Ok(Some(Self {
            url: proxy_url(text)?,
            sni: environment.get(SNI_NAME).map(sni_name).transpose()?,
            ca,
        }))
    }

    /// The request, sent to the proxy instead. The CA file is read each time, since its content is exchanged.
    pub async fn redirect(&self, request: Request) -> Result<Request, Problem> {
        let ca = match &self.ca {
            Ca::System => None,
            Ca::Data(pem) => Some(pem.clone()),
            Ca::File(path) => {
                let read = tokio::fs::read_to_string(path).await;
                let read = read.map_err(|error| error.to_string());
                Some(read.and_then(usable).map_err(|error| {
                    // It is being exchanged, or will be mounted.
                    let message = format!("{CA_FILE} ({}): {error}", path.display());
                    Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message)
                })?)
            }
        };
        self.redirected(request, ca)
    }

    fn redirected(&self, mut request: Request, ca: Option<String>) -> Result<Request, Problem> {
        let mut url = self.url.clone();
        let path = [self.url.path(), request.url.path()].map(|path| path.trim_matches('/'));
        url.set_path(&path.join("/"));
        url.set_query(request.url.query());
        let mut connect_to = None;
        if let Some(sni) = &self.sni {
            connect_to = url.host().map(|host| match host {
                url::Host::Domain(name) => name.to_owned(),
                url::Host::Ipv4(address) => IpAddr::from(address).to_string(),
                url::Host::Ipv6(address) => IpAddr::from(address).to_string(),
            });
            // `Host` stays the proxy's, as other clients send it.
            let host = authority(&self.url);
            let host = HeaderValue::from_str(&host).map_err(|_| invalid_url())?;
            request.headers.push((header::HOST, host));
            url.set_host(Some(sni)).map_err(|_| invalid_sni(sni))?;
        }
        request.url = url;
        request.route = Route::TokenProxy(Arc::new(TokenProxyRoute { connect_to, ca }));
        Ok(request)
    }
}

/// `host[:port]`, as the URL has it.
fn authority(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    format!("{host}{}", port.unwrap_or_default())
}

fn proxy_url(text: &str) -> Result<Url, Problem> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| url.scheme() == "https" && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or_else(invalid_url)
}

fn invalid_url() -> Problem {
    unusable(&format!(
        "{URL} is not an https URL without user, query and fragment"
    ))
}

fn sni_name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    match url::Host::parse(name) {
        Ok(url::Host::Domain(name)) => Ok(name),
        _ => Err(invalid_sni(name)),
    }
}

fn invalid_sni(name: &str) -> Problem {
    unusable(&format!("{SNI_NAME} ({name:?}) is no host name"))
}

/// Roots that can be trusted: without a certificate among them every connection would fail, and tell another reason.
fn usable(pem: String) -> Result<String, String> {
    if pem.len() > LARGEST_CA {
        return Err(format!("it has more than {LARGEST_CA} bytes"));
    }
    roots(&pem).map(|_| pem)
}

fn unusable(what: &str) -> Problem {
    let message =
        format!("{what}. AKS sets these variables in pods of workloads with an identity binding");
    Problem::new(Reason::EnvironmentUnusable, Retry::OnChange, message)
}
