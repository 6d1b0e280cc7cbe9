//! Where a machine gives tokens of its identities, and how it is asked. Pure: the environment is an argument.
//!
//! Variables, versions and parameters: Microsoft's "How to use managed identities … to acquire an access token" for
//! virtual machines, App Service, Azure Arc and Service Fabric; Azure ML and Cloud Shell have no document of the wire, so
//! there it is what Azure's SDKs send.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::Patience;
use crate::azure::auth::environment::Environment;
use crate::azure::http::{Request, Route, bytes};
use crate::azure::resource::Resource;
use crate::names::{ClientId, IdentityResourceId, ObjectId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The instance metadata service takes its time while it renews a token itself.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The instance metadata service of Azure's virtual machines: a link-local address, no name.
const METADATA_SERVICE: &str = "http://169.254.169.254";
const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

const METADATA: HeaderName = HeaderName::from_static("metadata");
const SECRET: HeaderName = HeaderName::from_static("secret");
const IDENTITY_HEADER: HeaderName = HeaderName::from_static("x-identity-header");

/// Which of the machine's identities is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The one that lives and dies with the machine.
    System,
    /// A user-assigned one, by its client id.
    ClientId(ClientId),
    /// A user-assigned one, by its object (principal) id.
    ObjectId(ObjectId),
    /// A user-assigned one, by its Azure resource id.
    ResourceId(IdentityResourceId),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => write!(f, "the system-assigned identity"),
            Self::ClientId(id) => write!(f, "the user-assigned identity with client id {id}"),
            Self::ObjectId(id) => write!(f, "the user-assigned identity with object id {id}"),
            Self::ResourceId(id) => write!(f, "the user-assigned identity {id}"),
        }
    }
}

/// What gives tokens here, with all that is needed to ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The instance metadata service (IMDS) of virtual machines, scale sets and AKS nodes.
    Imds {
        /// Its token endpoint.
        endpoint: Url,
    },
    /// App Service, Functions and Container Apps, protocol 2019-08-01.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
        /// `IDENTITY_HEADER`: shows that the caller runs in the app.
        header: SecretValue,
    },
    /// App Service, protocol 2017-09-01.
    AppService2017 {
        /// `MSI_ENDPOINT`.
        endpoint: Url,
        /// `MSI_SECRET`.
        header: SecretValue,
    },
    /// Azure Machine Learning, which speaks like App Service in 2017.
    MachineLearning {
        /// `MSI_ENDPOINT`.
        endpoint: Url,
        /// `MSI_SECRET`.
        header: SecretValue,
        /// `DEFAULT_IDENTITY_CLIENT_ID`: the identity of the compute, which must be named too.
        default: ClientId,
    },
    /// Cloud Shell: the identity of the user who opened it.
    CloudShell {
        /// `MSI_ENDPOINT`.
        endpoint: Url,
    },
    /// A server outside Azure with the Azure Arc agent.
    Arc {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
    },
    /// A Service Fabric cluster.
    ServiceFabric {
        /// `IDENTITY_ENDPOINT`, https.
        endpoint: Url,
        /// `IDENTITY_HEADER`.
        header: SecretValue,
        /// `IDENTITY_SERVER_THUMBPRINT`: SHA-1 of the endpoint's certificate.
        thumbprint: [u8; 20],
    },
}

impl Source {
    /// The source that the environment tells of, in the order of Azure's SDKs; without a word, the metadata service.
    pub fn from(environment: &Environment) -> Result<Self, Problem> {
        let secret = |name: &str| {
            environment
                .get(name)
                .map(|value| SecretValue::from(value.to_owned()))
        };
        if environment.get("IDENTITY_ENDPOINT").is_some() {
            let endpoint = endpoint(environment, "IDENTITY_ENDPOINT")?;
            let Some(header) = secret("IDENTITY_HEADER") else {
                return match environment.get("IMDS_ENDPOINT") {
                    Some(_) => Ok(Self::Arc { endpoint }),
                    None => Err(unusable(
                        "IDENTITY_ENDPOINT is set, but neither IDENTITY_HEADER (App Service, Service Fabric) nor IMDS_ENDPOINT (Azure Arc) is; set the one that belongs to this host, or unset IDENTITY_ENDPOINT",
                    )),
                };
            };
            return match environment.get("IDENTITY_SERVER_THUMBPRINT") {
                None => Ok(Self::AppService { endpoint, header }),
                Some(text) => service_fabric(endpoint, header, text),
            };
        }
        if environment.get("MSI_ENDPOINT").is_some() {
            let endpoint = endpoint(environment, "MSI_ENDPOINT")?;
            // App Service and Azure ML set the same variables, but for this one.
            return match (secret("MSI_SECRET"), default_identity(environment)?) {
                (None, _) => Ok(Self::CloudShell { endpoint }),
                (Some(header), None) => Ok(Self::AppService2017 { endpoint, header }),
                (Some(header), Some(default)) => Ok(Self::MachineLearning {
                    endpoint,
                    header,
                    default,
                }),
            };
        }
        let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
        let host = environment.get(name).unwrap_or(METADATA_SERVICE);
        let endpoint = parsed(name, &format!("{}{TOKEN_PATH}", host.trim_end_matches('/')))?;
        Ok(Self::Imds { endpoint })
    }

    /// The token endpoint, without a query.
    pub fn endpoint(&self) -> &Url {
        match self {
            Self::Imds { endpoint }
            | Self::AppService { endpoint, .. }
            | Self::AppService2017 { endpoint, .. }
            | Self::MachineLearning { endpoint, .. }
            | Self::CloudShell { endpoint }
            | Self::Arc { endpoint }
            | Self::ServiceFabric { endpoint, .. } => endpoint,
        }
    }

    /// What hosts the program, in words.
    pub fn host(&self) -> &'static str {
        match self {
            Self::Imds { .. } => "the instance metadata service",
            Self::AppService { .. } | Self::AppService2017 { .. } => "App Service",
            Self::MachineLearning { .. } => "Azure Machine Learning",
            Self::CloudShell { .. } => "Cloud Shell",
            Self::Arc { .. } => "the Azure Arc agent",
            Self::ServiceFabric { .. } => "Service Fabric",
        }
    }

    /// The peer, as messages name it.
    pub fn what(&self) -> String {
        let origin = self.endpoint().origin().ascii_serialization();
        format!("{} ({origin})", self.host())
    }
}

fn service_fabric(endpoint: Url, header: SecretValue, text: &str) -> Result<Source, Problem> {
    if endpoint.scheme() != "https" {
        return Err(unusable(
            "IDENTITY_ENDPOINT of Service Fabric must be an https URL",
        ));
    }
    let thumbprint = thumbprint(text).ok_or_else(|| {
        unusable("IDENTITY_SERVER_THUMBPRINT is not a SHA-1 thumbprint (40 hexadecimal digits)")
    })?;
    Ok(Source::ServiceFabric {
        endpoint,
        header,
        thumbprint,
    })
}

/// Hexadecimal digits, as certificate tools write them: also in pairs with colons or spaces.
fn thumbprint(text: &str) -> Option<[u8; 20]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':' && !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16)?).ok())
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
        .collect();
    bytes.try_into().ok().filter(|_| digits.len() == 40)
}

fn default_identity(environment: &Environment) -> Result<Option<ClientId>, Problem> {
    let name = "DEFAULT_IDENTITY_CLIENT_ID";
    environment
        .get(name)
        .map(|text| text.trim().parse())
        .transpose()
        .map_err(|error| unusable(format!("{name}: {error}")))
}

fn endpoint(environment: &Environment, name: &str) -> Result<Url, Problem> {
    parsed(name, environment.get(name).unwrap_or_default())
}

fn parsed(name: &str, text: &str) -> Result<Url, Problem> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| {
            unusable(format!(
                "{name} is not an http or https URL without a user, such as {METADATA_SERVICE}"
            ))
        })
}

fn unusable(message: impl Into<String>) -> Problem {
    // The environment of a process changes with its restart only.
    Problem::new(Reason::EnvironmentUnusable, Retry::OnChange, message)
}

/// Names of the parameters that choose a user-assigned identity.
struct Parameters {
    client: Option<&'static str>,
    object: Option<&'static str>,
    resource: Option<&'static str>,
    /// Why one that has no name cannot be asked for, and the mend.
    refusal: &'static str,
}

fn parameters(source: &Source) -> Parameters {
    let none = |refusal| Parameters {
        client: None,
        object: None,
        resource: None,
        refusal,
    };
    let by_client = |refusal| Parameters {
        client: Some("clientid"),
        ..none(refusal)
    };
    let by_all = |resource| Parameters {
        client: Some("client_id"),
        object: Some("object_id"),
        resource: Some(resource),
        refusal: "",
    };
    match source {
        Source::Imds { .. } | Source::Arc { .. } => by_all("msi_res_id"),
        Source::AppService { .. } => by_all("mi_res_id"),
        Source::AppService2017 { .. } => by_client(
            "App Service in its protocol of 2017 knows user-assigned identities by client id only: set spec.managedIdentity.clientId",
        ),
        Source::MachineLearning { .. } => by_client(
            "Azure Machine Learning knows user-assigned identities by client id only: set spec.managedIdentity.clientId",
        ),
        Source::CloudShell { .. } => none(
            "Cloud Shell gives tokens of the user who opened it and of no managed identity: leave spec.managedIdentity empty ({})",
        ),
        Source::ServiceFabric { .. } => none(
            "Service Fabric chooses the identity by the configuration of the cluster: name it there, and leave spec.managedIdentity empty ({})",
        ),
    }
}

/// The parameter that chooses an identity, if one is needed.
fn choice(source: &Source, which: &Which) -> Result<Option<(&'static str, String)>, Problem> {
    let names = parameters(source);
    let (name, id) = match which {
        Which::System => {
            return Ok(match source {
                Source::MachineLearning { default, .. } => {
                    names.client.map(|name| (name, default.to_string()))
                }
                Source::Imds { .. }
                | Source::AppService { .. }
                | Source::AppService2017 { .. }
                | Source::CloudShell { .. }
                | Source::Arc { .. }
                | Source::ServiceFabric { .. } => None,
            });
        }
        Which::ClientId(id) => (names.client, id.to_string()),
        Which::ObjectId(id) => (names.object, id.to_string()),
        Which::ResourceId(id) => (names.resource, id.to_string()),
    };
    // Asking without the parameter would give a token of another identity than the one that was named.
    let name =
        name.ok_or_else(|| Problem::new(Reason::InvalidSpec, Retry::OnChange, names.refusal))?;
    Ok(Some((name, id)))
}

/// The request for a token; of Azure Arc, the one that brings the challenge.
pub fn request(
    source: &Source,
    which: &Which,
    resource: &Resource,
    patience: Patience,
) -> Result<Request, Problem> {
    let metadata = || Ok((METADATA, HeaderValue::from_static("true")));
    let (version, header) = match source {
        Source::Imds { .. } => (Some("2018-02-01"), metadata()),
        Source::Arc { .. } => (Some("2020-06-01"), metadata()),
        Source::CloudShell { .. } => (None, metadata()),
        Source::AppService { header, .. } => (
            Some("2019-08-01"),
            proof(IDENTITY_HEADER, header, "IDENTITY_HEADER"),
        ),
        Source::AppService2017 { header, .. } | Source::MachineLearning { header, .. } => {
            (Some("2017-09-01"), proof(SECRET, header, "MSI_SECRET"))
        }
        Source::ServiceFabric { header, .. } => (
            Some("2019-07-01-preview"),
            proof(SECRET, header, "IDENTITY_HEADER"),
        ),
    };
    let accept = (header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut request = Request {
        route: route(source, patience),
        method: Method::GET,
        url: source.endpoint().clone(),
        headers: vec![header?, accept],
        body: None,
        timeout: TIMEOUT,
    };
    let choice = choice(source, which)?;
    match version {
        Some(version) => {
            let mut query = request.url.query_pairs_mut();
            query
                .append_pair("api-version", version)
                .append_pair("resource", resource.as_str())
                .extend_pairs(choice);
        }
        None => post(&mut request, resource),
    }
    Ok(request)
}

/// Cloud Shell takes a form.
fn post(request: &mut Request, resource: &Resource) {
    let mut form = Serializer::new(String::new());
    form.append_pair("resource", resource.as_str());
    request.method = Method::POST;
    request.headers.push((
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    ));
    request.body = Some(bytes(Zeroizing::new(form.finish())));
}

fn route(source: &Source, patience: Patience) -> Route {
    match (source, patience) {
        (Source::ServiceFabric { thumbprint, .. }, _) => Route::Pinned(*thumbprint),
        // The other sources are there: the environment says so.
        (Source::Imds { .. }, Patience::Probe) => Route::Probe,
        _ => Route::Direct,
    }
}

/// The header that shows that the caller runs where the endpoint is.
fn proof(
    name: HeaderName,
    value: &SecretValue,
    variable: &str,
) -> Result<(HeaderName, HeaderValue), Problem> {
    let mut value = HeaderValue::from_bytes(value.expose())
        .map_err(|_| unusable(format!("{variable} cannot be sent in a header")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
