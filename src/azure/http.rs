//! The one HTTP client for Azure: timeouts on everything, no redirects, answers bounded in size, causes told apart.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::Instrument;
use url::Url;
use zeroize::Zeroizing;

use super::dns::{Names, NoAddress};
use super::tls;
use crate::lease::effects;
use crate::lease::fence::{Fence, Refused, not_leading};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans;

/// Nothing that Azure answers to us is larger: a secret has at most 25 KiB, a page of 2,000 paths of a data lake 3 MiB.
const LARGEST_ANSWER: usize = 4 << 20;
/// Clients that are kept besides the default one.
const MOST_ROUTES: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Azure's own clients give a managed identity endpoint so long to show that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How the client reaches Azure.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// A PEM file with further root certificates to trust.
    pub ca_file: Option<PathBuf>,
    /// A file like `/etc/hosts`, where an address may carry a port; names in it are not looked up elsewhere.
    pub hosts_file: Option<PathBuf>,
}

/// How a request travels, and whose certificates it trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Through the proxy of the environment, if any, trusting the system's roots and those of `--ca-file`.
    #[default]
    Default,
    /// The same, trusting further roots (PEM): those of a private cloud.
    Trusting(Arc<str>),
    /// Past any proxy: for endpoints of the machine itself.
    Direct,
    /// The same, with a second to connect: to find out whether there is such an endpoint at all.
    Probe,
    /// Past any proxy, to the server whose certificate has this SHA-1 thumbprint and to no other, whoever signed it.
    Pinned([u8; 20]),
    /// Past any proxy of the environment, to a token proxy of the cluster.
    TokenProxy(Arc<TokenProxyRoute>),
}

/// How a token proxy is reached. The host of the request's URL is the name that TLS asks for and checks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenProxyRoute {
    /// The host to connect to, where it is not the URL's: a name or an address.
    pub connect_to: Option<String>,
    /// The only roots to trust (PEM); without, those of [`Route::Default`].
    pub ca: Option<String>,
}

/// A request to Azure.
#[derive(Debug)]
pub struct Request {
    /// How it travels.
    pub route: Route,
    /// HTTP method.
    pub method: Method,
    /// Absolute URL. Its path was made of parsed names.
    pub url: Url,
    /// Headers. Those that carry credentials are marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body; wiped after use, since it may carry a credential.
    pub body: Option<Zeroizing<Vec<u8>>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// An answer of Azure, of any status.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; wiped after use, since it may carry a secret.
    pub body: Body,
}

/// The bytes of a text that is sent; no copy stays behind.
pub fn bytes(mut text: Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

/// A body that does not print.
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// Takes over the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Answer {
    /// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most an hour.
    pub fn retry_after(&self, now: jiff::Timestamp) -> Option<Duration> {
        let text = self
            .headers
            .get(http::header::RETRY_AFTER)?
            .to_str()
            .ok()?
            .trim();
        let asked = text
            .parse::<u64>()
            .map(Duration::from_secs)
            .ok()
            .or_else(|| {
                let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
                Duration::try_from(date.duration_since(now)).ok()
            })?;
        Some(asked.min(Duration::from_hours(1)))
    }

    /// When the server answered, by its own clock (RFC 9110 §6.6.1).
    pub fn date(&self) -> Option<jiff::Timestamp> {
        let text = self.headers.get(http::header::DATE)?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
    }
}

/// The client. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    default: reqwest::Client,
    others: Arc<Mutex<BTreeMap<Route, reqwest::Client>>>,
    options: HttpOptions,
    metrics: Metrics,
    fence: Fence,
}

impl Http {
    /// Builds the client; fails where the CA file cannot be read.
    pub fn new(options: &HttpOptions, metrics: Metrics) -> Result<Self, String> {
        Ok(Self {
            default: client(options, &Route::Default)?,
            others: Arc::default(),
            options: options.clone(),
            metrics,
            fence: Fence::none(),
        })
    }

    /// The same, where what changes something passes a fence.
    #[must_use]
    pub fn behind(self, fence: Fence) -> Self {
        Self { fence, ..self }
    }

    /// Where its requests are counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The client of a route, with connections of its own: those that trust other roots are never shared.
    fn client(&self, route: &Route) -> Result<reqwest::Client, String> {
        if *route == Route::Default {
            return Ok(self.default.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(route) {
            return Ok(known.clone());
        }
        // Bundles come and go as private clouds rotate their roots. Those in use come back at their next request.
        if others.len() >= MOST_ROUTES {
            others.clear();
        }
        let made = client(&self.options, route)?;
        others.insert(route.clone(), made.clone());
        Ok(made)
    }

    /// Sends a request and reads the whole answer. `operation` names it in metrics and traces; `what` names the peer in messages.
    pub async fn send(
        &self,
        operation: &'static str,
        what: &str,
        request: Request,
    ) -> Result<Answer, Problem> {
        let host = request.url.host_str().unwrap_or_default();
        let span = spans::azure(operation, &request.method, host);
        let result = self.counted(operation, what, request);
        let result = result.instrument(span.clone()).await;
        match &result {
            Ok(answer) => spans::answered(&span, answer.status.as_u16(), &answer.headers),
            Err(_) => spans::ended(&span, &result),
        }
        result
    }

    async fn counted(
        &self,
        operation: &'static str,
        what: &str,
        request: Request,
    ) -> Result<Answer, Problem> {
        let started = Instant::now();
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let client = self.client(&request.route).map_err(|error| {
            let message = format!("{what}: {error}");
            Problem::new(Reason::CaBundleNotFound, Retry::OnChange, message)
        })?;
        let mend = certificate_mend(&request.route);
        let effect = effects::in_azure(&request.method, operation);
        // On the heap, since it is a part of many futures and large.
        let exchange = Box::pin(tokio::time::timeout(
            request.timeout,
            exchange(&client, request),
        ));
        let carried = if effect {
            self.fence.carry(exchange).await
        } else {
            Ok(exchange.await)
        };
        let result = match carried {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(explain(what, mend, &error)),
            // One that was cut off may have been done, like one without an answer.
            Ok(Err(_)) | Err(Refused::CutOff) => Err(timed_out(what)),
            Err(Refused::NotLeading) => return Err(not_leading(operation)),
        };
        let outcome = match &result {
            Ok(answer) => answer.status.as_str().to_owned(),
            Err(problem) => problem.reason.to_string(),
        };
        self.metrics
            .azure_call(&host, operation, outcome, started.elapsed());
        result
    }
}

async fn exchange(client: &reqwest::Client, request: Request) -> Result<Answer, TransportError> {
    let mut builder = client.request(request.method, request.url);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    if let Some(body) = request.body {
        builder = builder.body(body.to_vec());
    }
    let mut response = builder.send().await.map_err(TransportError::Reqwest)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(TransportError::Reqwest)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: Body::new(body),
    })
}

/// A client for peers that are not Azure's: it trusts and resolves as that for Azure does, and takes part in no fence.
pub fn transport(options: &HttpOptions) -> Result<reqwest::Client, String> {
    client(options, &Route::Default)
}

fn client(options: &HttpOptions, route: &Route) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("lakevault/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        // A connection that died without a word is found out and replaced, not waited for by every request on it.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(90))
        .tcp_keepalive(Duration::from_secs(30));
    let mut resolver = Names::new(options.hosts_file.clone());
    if let Some(file) = &options.ca_file {
        let named =
            |error: &dyn StdError| format!("failed to read CA file {}: {error}", file.display());
        let pem = std::fs::read(file).map_err(|e| named(&e))?;
        let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| named(&e))?;
        // Where a token proxy has a CA of its own, no other is trusted.
        let trusted = !matches!(route, Route::TokenProxy(proxy) if proxy.ca.is_some());
        builder = builder.tls_certs_merge(roots.into_iter().filter(|_| trusted));
    }
    match route {
        Route::Default => {}
        Route::Trusting(pem) => builder = builder.tls_certs_merge(roots(pem)?),
        Route::Direct => builder = builder.no_proxy(),
        Route::Probe => builder = builder.no_proxy().connect_timeout(PROBE_TIMEOUT),
        Route::Pinned(thumbprint) => {
            let tls = tls::pinned(*thumbprint)?;
            builder = builder.no_proxy().tls_backend_preconfigured(tls);
        }
        Route::TokenProxy(proxy) => {
            // HTTP/1.1 alone says the host of the proxy in `Host` where the URL has the name for TLS.
            builder = builder.no_proxy().http1_only();
            resolver = resolver.redirected(proxy.connect_to.clone());
            if let Some(pem) = &proxy.ca {
                builder = builder.tls_certs_only(roots(pem)?);
            }
        }
    }
    builder
        .dns_resolver(Arc::new(resolver))
        .build()
        .map_err(|error| format!("failed to build the HTTP client: {error}"))
}

/// Root certificates of a bundle; there must be at least one.
pub(super) fn roots(pem: &str) -> Result<Vec<reqwest::Certificate>, String> {
    let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
        .map_err(|error| format!("the CA bundle holds no certificates in PEM form: {error}"))?;
    if roots.is_empty() {
        return Err("the CA bundle holds no certificate in PEM form".to_owned());
    }
    Ok(roots)
}

enum TransportError {
    Reqwest(reqwest::Error),
    TooLarge,
}

fn timed_out(what: &str) -> Problem {
    Problem::new(
        Reason::TimedOut,
        Retry::Backoff,
        format!(
            "{what} did not answer in time; it is tried again. May the operator reach it (network policy, firewall, proxy)?"
        ),
    )
}

/// Tells name errors, refused certificates, time-outs and broken connections apart; they have different mends.
fn explain(what: &str, certificate_mend: &str, error: &TransportError) -> Problem {
    let TransportError::Reqwest(error) = error else {
        let message = format!("{what} answered with more than {LARGEST_ANSWER} bytes");
        return Problem::new(Reason::MalformedAnswer, Retry::Backoff, message);
    };
    let first: &(dyn StdError + 'static) = error;
    let chain: Vec<_> = std::iter::successors(Some(first), |error| (*error).source()).collect();
    if let Some(NoAddress(host)) = chain
        .iter()
        .find_map(|cause| cause.downcast_ref::<NoAddress>())
    {
        let message =
            format!("{host} has no address in DNS: does it exist, and is its name right?");
        return Problem::new(Reason::HostNotFound, Retry::Backoff, message);
    }
    if let Some(cause) = chain.iter().find_map(|cause| certificate_error(*cause)) {
        let message =
            format!("the certificate of {what} is not trusted ({cause}): {certificate_mend}");
        return Problem::new(Reason::CertificateNotTrusted, Retry::Backoff, message);
    }
    if error.is_timeout() {
        return timed_out(what);
    }
    let how = if error.is_connect() {
        "no connection came about to"
    } else {
        "the connection broke to"
    };
    Problem::new(
        Reason::ConnectionFailed,
        Retry::Backoff,
        format!(
            "{how} {what}; it is tried again. May the operator reach it (network policy, firewall, proxy)?"
        ),
    )
}

/// What makes a certificate trusted differs by the way.
fn certificate_mend(route: &Route) -> &'static str {
    match route {
        Route::Default | Route::Direct | Route::Probe => "give the operator its CA with --ca-file",
        Route::Trusting(_) => {
            "put its CA into the ConfigMap of the cloud, or give it to the operator with --ca-file"
        }
        Route::Pinned(_) => "it is another one than the thumbprint names",
        Route::TokenProxy(_) => {
            "check AZURE_KUBERNETES_CA_FILE or AZURE_KUBERNETES_CA_DATA, and AZURE_KUBERNETES_SNI_NAME"
        }
    }
}

fn certificate_error(error: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidCertificate(_)).then(|| error.to_string());
    }
    // An `io::Error` hides what it wraps from the chain of sources, and each layer of the connection wraps anew.
    certificate_error(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_certificate_is_found_however_deep_it_is_wrapped() {
        use std::io::{Error, ErrorKind};
        let refused = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let once = Error::new(ErrorKind::InvalidData, refused());
        assert!(certificate_error(&once).is_some());
        assert!(certificate_error(&Error::other(once)).is_some());
        let other = Error::other(rustls::Error::HandshakeNotComplete);
        assert!(certificate_error(&other).is_none());
        assert!(certificate_error(&Error::from(ErrorKind::TimedOut)).is_none());
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_bounded() {
        let now: jiff::Timestamp = "2026-11-20T07:00:00Z".parse().unwrap();
        let after = |text: &'static str| {
            let headers =
                HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static(text))]);
            Answer {
                status: StatusCode::TOO_MANY_REQUESTS,
                headers,
                body: Body::new(Vec::new()),
            }
            .retry_after(now)
        };
        assert_eq!(after("5"), Some(Duration::from_secs(5)));
        assert_eq!(
            after("Fri, 20 Nov 2026 07:01:00 GMT"),
            Some(Duration::from_mins(1))
        );
        assert_eq!(after("999999"), Some(Duration::from_hours(1)));
        assert_eq!(after("soon"), None);
    }
}
