//! A request as the services see it, whichever way it came.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use url::form_urlencoded;

use crate::{managed_identity::Endpoint, world::storage_account::StorageService};

/// Prefix of the path form: `/_host/<hostname>/<rest>`.
const HOST_PREFIX: &str = "/_host/";

/// Which service a host belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Login,
    Management,
    /// The resource manager of a stack, by region.
    StackManagement(String),
    /// The federation service of a stack, by the id of its tenant.
    Adfs(String),
    /// Lower-case vault name.
    Vault(String),
    /// A service of a storage account, by the account's lower-case name.
    Storage(String, StorageService),
    /// A Data Lake Store (Gen1), by its lower-case name.
    LakeStore(String),
    /// A Machine Learning Server, by its host.
    MlServer(String),
    /// An endpoint of the machine itself, which has no name.
    Machine(Endpoint),
    Unknown,
}

/// Where a request goes: host, and how its sender names the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Lower-case host name without port.
    pub(crate) host: String,
    /// What goes before a path in links that the sender shall follow.
    pub(crate) base: String,
    /// Path at the host.
    pub(crate) path: String,
    /// Port in the sender's authority.
    pub(crate) port: Option<u16>,
    /// By the path form.
    pub(crate) by_path: bool,
}

impl Route {
    /// Reads the route from the request line and headers; `own_host` is that of a listener with one host.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap, scheme: &str, own_host: Option<&str>) -> Self {
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| {
                headers
                    .get(header::HOST)
                    .and_then(|value| value.to_str().ok())
            })
            .unwrap_or_default();
        let (name, port) = split_port(authority);
        let base = format!("{scheme}://{authority}");
        if let Some((host, path)) = uri
            .path()
            .strip_prefix(HOST_PREFIX)
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        {
            let host = split_port(host).0.to_ascii_lowercase();
            let base = format!("{base}{HOST_PREFIX}{host}");
            return Self {
                host,
                base,
                path: format!("/{path}"),
                port,
                by_path: true,
            };
        }
        let host = own_host.map_or_else(|| name.to_ascii_lowercase(), ToOwned::to_owned);
        Self {
            host,
            base,
            path: uri.path().to_owned(),
            port,
            by_path: false,
        }
    }

    /// What ids of the host's objects start with: its name, and the port only when the sender wrote one after the name.
    pub(crate) fn identity(&self, scheme: &str) -> String {
        let plain = format!("{scheme}://{}", self.host);
        let base = self.base.to_ascii_lowercase();
        if !self.by_path
            && base
                .strip_prefix(&plain)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        {
            base
        } else {
            plain
        }
    }

    /// URL of another host, for a sender that names hosts as it named this one: in the path, with its port, or plainly.
    pub(crate) fn beside(&self, scheme: &str, host: &str) -> String {
        if self.by_path
            && let Some((base, _)) = self.base.rsplit_once(HOST_PREFIX)
        {
            return format!("{base}{HOST_PREFIX}{host}");
        }
        let named = format!("{scheme}://{}:", self.host);
        match self.port {
            Some(port) if self.base.to_ascii_lowercase().starts_with(&named) => {
                format!("{scheme}://{host}:{port}")
            }
            _ => format!("{scheme}://{host}"),
        }
    }

    /// The base of a vault's nextLink: Azure writes the port even when it is the scheme's own.
    pub(crate) fn base_with_port(&self, scheme: &str) -> String {
        match (self.port, scheme) {
            (Some(_), _) => self.base.clone(),
            (None, _) if self.by_path => self.base.clone(),
            (None, "http") => format!("{}:80", self.base),
            (None, _) => format!("{}:443", self.base),
        }
    }
}

fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((name, port)) => port
            .parse()
            .map_or((authority, None), |port| (name, Some(port))),
        None => (authority, None),
    }
}

/// A whole request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Address of the sender.
    pub(crate) peer: std::net::IpAddr,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first query parameter of that name, compared without case as Azure does.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Name and value pairs of a query or form.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(uri: &str, host: &str, own: Option<&str>) -> Route {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        Route::of(&uri.parse().unwrap(), &headers, "https", own)
    }

    #[test]
    fn a_name_without_port_gets_443_in_links() {
        let route = route("/secrets?x=1", "KV.vault.sim.test", None);
        assert_eq!(route.host, "kv.vault.sim.test");
        assert_eq!(
            route.base_with_port("https"),
            "https://KV.vault.sim.test:443"
        );
    }

    #[test]
    fn a_name_with_port_keeps_it() {
        assert_eq!(
            route("/", "kv.vault.sim.test:8443", None).base_with_port("https"),
            "https://kv.vault.sim.test:8443"
        );
    }

    #[test]
    fn the_path_form_names_the_host_and_stays_in_links() {
        let route = route("/_host/login.sim.test/t/oauth2", "127.0.0.1:9", None);
        assert_eq!(route.host, "login.sim.test");
        assert_eq!(route.path, "/t/oauth2");
        assert_eq!(
            route.base_with_port("https"),
            "https://127.0.0.1:9/_host/login.sim.test"
        );
    }

    #[test]
    fn a_listener_of_one_host_needs_no_name() {
        assert_eq!(
            route("/x", "127.0.0.1:9", Some("login.sim.test")).host,
            "login.sim.test"
        );
    }

    #[test]
    fn another_host_is_named_as_this_one_was() {
        let beside =
            |uri: &str, host: &str, own| route(uri, host, own).beside("https", "login.sim.test");
        assert_eq!(
            beside("/_host/management.sim.test/x", "127.0.0.1:9", None),
            "https://127.0.0.1:9/_host/login.sim.test"
        );
        assert_eq!(
            beside("/x", "Management.sim.test:9", None),
            "https://login.sim.test:9"
        );
        assert_eq!(
            beside("/x", "management.sim.test", None),
            "https://login.sim.test"
        );
        // The port of a listener of one host is no other host's.
        assert_eq!(
            beside("/x", "127.0.0.1:9", Some("management.sim.test")),
            "https://login.sim.test"
        );
    }
}
