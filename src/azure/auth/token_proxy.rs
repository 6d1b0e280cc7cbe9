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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<Proxy>, Problem> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Proxy::from(&Environment::new(variables.iter().map(owned)))
    }

    fn request() -> Request {
        Request {
            route: Route::Default,
            method: Method::POST,
            url: Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token?dc=1").unwrap(),
            headers: Vec::new(),
            body: None,
            timeout: Duration::from_secs(1),
        }
    }

    async fn redirected(variables: &[(&str, &str)]) -> Request {
        let proxy = proxy(variables).unwrap().unwrap();
        proxy.redirect(request()).await.unwrap()
    }

    fn via(request: &Request) -> TokenProxyRoute {
        let Route::TokenProxy(route) = &request.route else {
            panic!("{request:?}");
        };
        route.as_ref().clone()
    }

    #[test]
    fn without_its_variables_there_is_no_proxy() {
        assert_eq!(proxy(&[("AZURE_TENANT_ID", "t")]).unwrap(), None);
    }

    #[test]
    fn half_a_configuration_is_refused_by_the_variables_name() {
        let url = (URL, "https://proxy");
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[(SNI_NAME, "a.b")], SNI_NAME),
            (&[(CA_FILE, "/ca")], CA_FILE),
            (&[(CA_DATA, PEM)], CA_DATA),
            (&[(URL, "http://proxy")], "https"),
            (&[(URL, "proxy")], URL),
            (&[(URL, "https://u@proxy")], URL),
            (&[(URL, "https://proxy?a")], URL),
            (&[(URL, "https://proxy#a")], URL),
            (&[url, (SNI_NAME, "a/b")], SNI_NAME),
            (&[url, (SNI_NAME, "10.0.0.1")], SNI_NAME),
            (&[url, (CA_DATA, "none")], CA_DATA),
            (&[url, (CA_DATA, PEM), (CA_FILE, "/ca")], "unset one"),
        ];
        for (variables, named) in cases {
            let problem = proxy(variables).unwrap_err();
            assert_eq!(problem.reason, Reason::EnvironmentUnusable);
            assert!(problem.message.contains(named), "{named}: {problem}");
        }
    }

    #[tokio::test]
    async fn a_request_goes_to_the_proxy_with_its_path_and_query() {
        let sent = redirected(&[(URL, "https://proxy:8443/base/")]).await;
        let url = "https://proxy:8443/base/t/oauth2/v2.0/token?dc=1";
        assert_eq!(sent.url.as_str(), url);
        let plain = TokenProxyRoute {
            connect_to: None,
            ca: None,
        };
        assert_eq!(via(&sent), plain);
        let bare = redirected(&[(URL, "https://proxy")]).await;
        assert_eq!(bare.url.as_str(), "https://proxy/t/oauth2/v2.0/token?dc=1");
    }

    #[tokio::test]
    async fn tls_asks_for_the_name_that_is_given_and_connects_to_the_proxy() {
        for (host, connect_to) in [
            ("kubernetes.default", "kubernetes.default"),
            ("[fd00::1]", "fd00::1"),
        ] {
            let url = format!("https://{host}:6443");
            let sent = redirected(&[(URL, &url), (SNI_NAME, "x.ests.aks"), (CA_DATA, PEM)]).await;
            assert_eq!(
                sent.url.as_str(),
                "https://x.ests.aks:6443/t/oauth2/v2.0/token?dc=1"
            );
            let host = HeaderValue::from_str(&format!("{host}:6443")).unwrap();
            assert_eq!(sent.headers, [(header::HOST, host)]);
            let route = via(&sent);
            assert_eq!(route.connect_to.as_deref(), Some(connect_to));
            assert_eq!(route.ca.as_deref(), Some(PEM));
        }
    }

    #[tokio::test]
    async fn a_ca_file_is_read_at_each_request() {
        let path = std::env::temp_dir().join(format!("lakevault-ca-{}.pem", std::process::id()));
        let file = path.to_str().unwrap();
        let proxy = proxy(&[(URL, "https://proxy"), (CA_FILE, file)])
            .unwrap()
            .unwrap();
        let problem = proxy.redirect(request()).await.unwrap_err();
        assert_eq!(
            (problem.reason, problem.retry),
            (Reason::EnvironmentUnusable, Retry::Backoff)
        );
        assert!(problem.message.contains(file), "{problem}");
        std::fs::write(&path, "").unwrap();
        assert!(proxy.redirect(request()).await.is_err());
        std::fs::write(&path, PEM).unwrap();
        let sent = proxy.redirect(request()).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(via(&sent).ca.as_deref(), Some(PEM));
    }
}
