//! Clouds: where tokens come from, and which hosts are vaults. Pure.

use std::sync::{Arc, LazyLock};

use url::Url;

use super::auth::Resource;
use super::http::Route;
use crate::azure_identity::api::{
    CloudName, CloudSpec, CustomCloud, ResourceManagerProfile, TokenEndpoint,
};
use crate::names::{NameError, ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// The data-plane version of Key Vault that all of Microsoft's clouds speak.
const VAULT_API_VERSION: &str = "7.4";
/// Data Lake Store of the first generation was in the public cloud alone.
const DATA_LAKE_STORE: &str = "azuredatalakestore.net";

/// The endpoints of one cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cloud {
    /// Where tokens come from: an origin such as `https://login.microsoftonline.com`, with ADFS followed by `/adfs`.
    pub authority: String,
    /// The form of its token endpoint.
    pub token_endpoint: TokenEndpoint,
    /// Further hosts that the cloud's services name as its authority in challenges.
    pub authority_aliases: Vec<String>,
    /// Azure Resource Manager, where it is known.
    pub resource_manager: Option<ResourceManager>,
    /// What follows a vault's name in its host.
    pub vault_suffix: String,
    /// What vault tokens are asked for.
    pub vault_audience: Resource,
    /// Whether a vault's challenge may name another audience than the one that was derived.
    pub audience_by_challenge: bool,
    /// The data-plane version that its vaults speak.
    pub vault_api_version: String,
    /// Azure Storage, where it is known.
    pub storage: Option<Storage>,
    /// Data Lake Store of the first generation, where there is one.
    pub data_lake_store: Option<Storage>,
    /// How its endpoints are reached.
    pub route: Route,
}

/// Azure Resource Manager of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceManager {
    /// Its origin.
    pub endpoint: String,
    /// What its tokens are asked for.
    pub audience: Resource,
    /// Which versions of Azure's interfaces it speaks.
    pub profile: ResourceManagerProfile,
}

/// Where the accounts of a storage service are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Storage {
    /// What follows `<account>.dfs.` in a host; for Data Lake Store of the first generation, what follows `<account>.`.
    pub suffix: String,
    /// What follows `<account>.z<number>.dfs.` in the hosts of accounts whose names Azure keeps in zones of DNS.
    pub zones: Option<String>,
    /// What tokens are asked for.
    pub audience: Resource,
}

impl Storage {
    /// Azure Storage has one audience in all clouds ("Authorize access to blobs using Microsoft Entra ID").
    pub fn new(suffix: &str) -> Self {
        Self {
            suffix: self::suffix(suffix),
            zones: None,
            audience: Resource::new("https://storage.azure.com"),
        }
    }

    /// Data Lake Store of the first generation.
    pub fn first_generation(suffix: &str) -> Self {
        Self {
            // The slash is part of the audience.
            audience: Resource::new("https://datalake.azure.net/"),
            ..Self::new(suffix)
        }
    }
}

/// A cloud as a spec says it: some must still tell their endpoints, or bring roots that are read from a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloudSource {
    /// Its endpoints.
    pub endpoints: Endpoints,
    /// Where its root certificates are.
    pub ca_bundle: Option<CaBundle>,
}

/// Known endpoints, or who tells them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoints {
    /// Known.
    Given(Arc<Cloud>),
    /// The Resource Manager of this origin tells them (Azure Stack Hub).
    ToldBy(String),
}

/// A key of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaBundle {
    /// The ConfigMap.
    pub config_map: ResourceName,
    /// The key.
    pub key: SecretKey,
}

impl CloudSource {
    /// Reads a spec; none means Azure's public cloud.
    pub fn parse(spec: Option<&CloudSpec>) -> Result<Self, Problem> {
        let Some(spec) = spec else {
            return Ok(Self::given(Cloud::shared(CloudName::Public)));
        };
        let endpoints = match (&spec.name, &spec.resource_manager_endpoint, &spec.custom) {
            (Some(name), None, None) => Endpoints::Given(Cloud::shared(*name)),
            (None, Some(endpoint), None) => {
                Endpoints::ToldBy(origin("resourceManagerEndpoint", endpoint)?)
            }
            (None, None, Some(custom)) => Endpoints::Given(Arc::new(Cloud::custom(custom)?)),
            _ => {
                return Err(invalid(
                    "spec.cloud: exactly one of name, resourceManagerEndpoint and custom must be set"
                        .to_owned(),
                ));
            }
        };
        let field = |name: &'static str| {
            move |error: NameError| {
                invalid(format!("spec.cloud.caBundle.configMap.{name}: {error}"))
            }
        };
        let ca_bundle = spec.ca_bundle.as_ref().map(|bundle| {
            Ok(CaBundle {
                config_map: bundle.config_map.name.parse().map_err(field("name"))?,
                key: bundle.config_map.key.parse().map_err(field("key"))?,
            })
        });
        Ok(Self {
            endpoints,
            ca_bundle: ca_bundle.transpose()?,
        })
    }

    fn given(cloud: Arc<Cloud>) -> Self {
        Self {
            endpoints: Endpoints::Given(cloud),
            ca_bundle: None,
        }
    }
}

/// Microsoft's clouds exist once in memory, however many identities use them.
static NAMED: LazyLock<Vec<(CloudName, Arc<Cloud>)>> = LazyLock::new(|| {
    let all = [CloudName::Public, CloudName::USGovernment, CloudName::China];
    all.map(|name| (name, Arc::new(Cloud::named(name))))
        .to_vec()
});

impl Cloud {
    /// The one [`Cloud::named`] of a name.
    pub fn shared(name: CloudName) -> Arc<Self> {
        let known = NAMED.iter().find(|(known, _)| *known == name);
        known.map_or_else(
            || Arc::new(Self::named(name)),
            |(_, cloud)| Arc::clone(cloud),
        )
    }

    /// The cloud whose authority has this origin (`AZURE_AUTHORITY_HOST`): one of Microsoft's, or the public one with another
    /// authority.
    pub fn of_authority(text: &str) -> Result<Arc<Self>, Problem> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "https" && matches!(url.path(), "" | "/") && plain(url))
            .ok_or_else(|| {
                let message = format!(
                    "the operator's environment variable AZURE_AUTHORITY_HOST: {text:?} is not an https origin such as https://login.microsoftonline.com"
                );
                Problem::new(Reason::EnvironmentUnusable, Retry::OnChange, message)
            })?;
        let known = NAMED.iter().find(|(_, cloud)| cloud.knows_authority(&url));
        Ok(known.map_or_else(
            || {
                Arc::new(Self {
                    authority: url.origin().ascii_serialization(),
                    authority_aliases: Vec::new(),
                    ..Self::named(CloudName::Public)
                })
            },
            |(_, cloud)| Arc::clone(cloud),
        ))
    }

    /// A cloud of Microsoft's. Endpoints: "Azure national clouds" and the Key Vault docs.
    pub fn named(name: CloudName) -> Self {
        let (authority, aliases, manager, suffix, storage): (_, &[&str], _, _, _) = match name {
            CloudName::Public => (
                "login.microsoftonline.com",
                PUBLIC_ALIASES,
                "management.azure.com",
                "vault.azure.net",
                "core.windows.net",
            ),
            CloudName::USGovernment => (
                "login.microsoftonline.us",
                &["login.usgovcloudapi.net"],
                "management.usgovcloudapi.net",
                "vault.usgovcloudapi.net",
                "core.usgovcloudapi.net",
            ),
            CloudName::China => (
                "login.partner.microsoftonline.cn",
                &["login.chinacloudapi.cn"],
                "management.chinacloudapi.cn",
                "vault.azure.cn",
                "core.chinacloudapi.cn",
            ),
        };
        let manager = format!("https://{manager}");
        let public = name == CloudName::Public;
        Self {
            authority: format!("https://{authority}"),
            token_endpoint: TokenEndpoint::V2,
            authority_aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            resource_manager: Some(ResourceManager {
                audience: Resource::new(&manager),
                endpoint: manager,
                profile: ResourceManagerProfile::Public,
            }),
            vault_suffix: suffix.to_owned(),
            vault_audience: Resource::new(&format!("https://{suffix}")),
            audience_by_challenge: false,
            vault_api_version: VAULT_API_VERSION.to_owned(),
            storage: Some(Storage {
                zones: public.then(|| "storage.azure.net".to_owned()),
                ..Storage::new(storage)
            }),
            data_lake_store: public.then(|| Storage::first_generation(DATA_LAKE_STORE)),
            route: Route::Default,
        }
    }

    fn custom(custom: &CustomCloud) -> Result<Self, Problem> {
        let authority = authority(&custom.authority_host, custom.token_endpoint)?;
        let suffix = suffix(&custom.key_vault.dns_suffix);
        let audience = custom.key_vault.audience.as_deref().map_or_else(
            || format!("https://{suffix}"),
            |text| text.trim_end_matches('/').to_owned(),
        );
        let manager = custom.resource_manager.as_ref().map(|manager| {
            let endpoint = origin("custom.resourceManager.endpoint", &manager.endpoint)?;
            Ok(ResourceManager {
                audience: Resource::new(manager.audience.as_deref().unwrap_or(&endpoint)),
                endpoint,
                profile: manager.profile.unwrap_or_default(),
            })
        });
        let api_version = custom.key_vault.api_version.as_deref();
        let storage = custom.storage.as_ref();
        let first_generation = storage.and_then(|told| told.data_lake_store_suffix.as_deref());
        Ok(Self {
            authority,
            token_endpoint: custom.token_endpoint,
            authority_aliases: Vec::new(),
            resource_manager: manager.transpose()?,
            vault_suffix: suffix,
            vault_audience: Resource::new(&audience),
            audience_by_challenge: false,
            vault_api_version: api_version.unwrap_or(VAULT_API_VERSION).to_owned(),
            storage: storage.map(|told| Storage::new(&told.suffix)),
            data_lake_store: first_generation.map(Storage::first_generation),
            route: Route::Default,
        })
    }

    /// The same cloud, reached by another route.
    #[must_use]
    pub fn reached_by(&self, route: Route) -> Self {
        Self {
            route,
            ..self.clone()
        }
    }

    /// Whether a challenge's authority is this cloud's own.
    pub fn knows_authority(&self, url: &Url) -> bool {
        let same_origin =
            Url::parse(&self.authority).is_ok_and(|authority| authority.origin() == url.origin());
        same_origin
            || url.scheme() == "https"
                && url
                    .host_str()
                    .is_some_and(|host| self.authority_aliases.iter().any(|a| a == host))
    }

    /// Whether its tokens come from ADFS, which has no tenants.
    pub fn has_tenants(&self) -> bool {
        self.token_endpoint != TokenEndpoint::ADFS
    }
}

/// Further names of the public cloud's authority (its discovery document, `metadata[].aliases`).
pub const PUBLIC_ALIASES: &[&str] = &[
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
];

/// A suffix without a leading dot, in lower case.
pub fn suffix(text: &str) -> String {
    text.trim_start_matches('.').to_ascii_lowercase()
}

fn authority(text: &str, token_endpoint: TokenEndpoint) -> Result<String, Problem> {
    let (expected, example): (&[&str], _) = match token_endpoint {
        TokenEndpoint::V2 | TokenEndpoint::V1 => (&["", "/"], "https://login.example.net"),
        TokenEndpoint::ADFS => (&["/adfs", "/adfs/"], "https://adfs.example.net/adfs"),
    };
    let url = Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "https" && expected.contains(&url.path()) && plain(url));
    let url = url.ok_or_else(|| {
        invalid(format!(
            "spec.cloud.custom.authorityHost: {text:?} does not have the form {example}, which goes with tokenEndpoint {token_endpoint:?}"
        ))
    })?;
    let path = url.path().trim_end_matches('/');
    Ok(format!("{}{path}", url.origin().ascii_serialization()))
}

fn origin(field: &str, text: &str) -> Result<String, Problem> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "https" && matches!(url.path(), "" | "/") && plain(url));
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            invalid(format!(
                "spec.cloud.{field}: {text:?} is not an https origin such as https://management.example.net"
            ))
        })
}

/// Neither user nor query nor fragment.
fn plain(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> CloudSpec {
        serde_json::from_value(json).unwrap()
    }

    fn parse(json: serde_json::Value) -> Result<CloudSource, Problem> {
        CloudSource::parse(Some(&spec(json)))
    }

    fn given(json: serde_json::Value) -> Cloud {
        match parse(json).unwrap().endpoints {
            Endpoints::Given(cloud) => cloud.as_ref().clone(),
            Endpoints::ToldBy(endpoint) => panic!("told by {endpoint}"),
        }
    }

    #[test]
    fn named_clouds_differ_in_authority_and_suffix() {
        let cloud = given(serde_json::json!({"name": "China"}));
        assert_eq!(cloud.authority, "https://login.partner.microsoftonline.cn");
        assert_eq!(cloud.vault_suffix, "vault.azure.cn");
        assert_eq!(cloud.storage, Some(Storage::new("core.chinacloudapi.cn")));
        assert_eq!(cloud.data_lake_store, None);
        assert_eq!(
            cloud.vault_audience.scope(),
            "https://vault.azure.cn/.default"
        );
        assert_eq!(
            CloudSource::parse(None).unwrap(),
            CloudSource::given(Cloud::shared(CloudName::Public))
        );
    }

    #[test]
    fn a_custom_cloud_may_have_ports_an_audience_and_an_old_endpoint() {
        let cloud = given(serde_json::json!({"custom": {
            "authorityHost": "https://login.localhost:8443/", "tokenEndpoint": "V1",
            "keyVault": {"dnsSuffix": ".Vault.localhost:8443", "audience": "https://vault.localhost/", "apiVersion": "2016-10-01"},
            "resourceManager": {"endpoint": "https://management.localhost:8443/", "profile": "AzureStack"},
            "storage": {"suffix": ".Core.localhost:8443", "dataLakeStoreSuffix": "store.localhost:8443"}
        }}));
        let storage = cloud.storage.unwrap();
        assert_eq!(storage.suffix, "core.localhost:8443");
        assert_eq!(storage.audience.as_str(), "https://storage.azure.com");
        let store = cloud.data_lake_store.unwrap();
        assert_eq!(store.suffix, "store.localhost:8443");
        assert_eq!(store.audience.as_str(), "https://datalake.azure.net/");
        assert_eq!(cloud.authority, "https://login.localhost:8443");
        assert_eq!(cloud.vault_suffix, "vault.localhost:8443");
        assert_eq!(cloud.vault_audience.as_str(), "https://vault.localhost");
        assert_eq!(cloud.token_endpoint, TokenEndpoint::V1);
        assert_eq!(cloud.vault_api_version, "2016-10-01");
        let manager = cloud.resource_manager.unwrap();
        assert_eq!(
            (manager.audience.as_str(), manager.profile),
            (
                "https://management.localhost:8443",
                ResourceManagerProfile::AzureStack
            )
        );
    }

    #[test]
    fn adfs_lies_under_its_path_and_entra_under_none() {
        let adfs = |endpoint: &str, host: &str| {
            parse(
                serde_json::json!({"custom": {"authorityHost": host, "tokenEndpoint": endpoint, "keyVault": {"dnsSuffix": "v.test"}}}),
            )
        };
        for (endpoint, host, accepted) in [
            ("ADFS", "https://adfs.test/adfs/", true),
            ("ADFS", "https://adfs.test", false),
            ("V2", "https://login.test/adfs", false),
            ("V2", "http://login.test", false),
            ("V2", "https://user@login.test", false),
            ("V2", "https://login.test/?x", false),
        ] {
            assert_eq!(adfs(endpoint, host).is_ok(), accepted, "{endpoint} {host}");
        }
    }

    #[test]
    fn a_stack_is_named_by_an_origin_and_may_bring_its_roots() {
        let source = parse(serde_json::json!({
            "resourceManagerEndpoint": "https://management.local.azurestack.external/",
            "caBundle": {"configMap": {"name": "stack-ca", "key": "ca.crt"}}
        }))
        .unwrap();
        assert_eq!(
            source.endpoints,
            Endpoints::ToldBy("https://management.local.azurestack.external".to_owned())
        );
        assert_eq!(source.ca_bundle.unwrap().key.as_str(), "ca.crt");
        let bad = parse(serde_json::json!({"resourceManagerEndpoint": "https://m.test/x"}));
        assert!(bad.unwrap_err().message.contains("resourceManagerEndpoint"));
    }

    #[test]
    fn an_authority_of_the_environment_names_a_cloud() {
        let of = |text: &str| Cloud::of_authority(text).unwrap();
        assert_eq!(
            of("https://login.microsoftonline.us/"),
            Cloud::shared(CloudName::USGovernment)
        );
        assert_eq!(
            of("https://login.windows.net"),
            Cloud::shared(CloudName::Public)
        );
        assert_eq!(
            of("https://login.sim.test/").authority,
            "https://login.sim.test"
        );
        assert!(Cloud::of_authority("login.microsoftonline.com").is_err());
    }

    #[test]
    fn challenges_of_the_clouds_own_authority_are_known() {
        let cloud = Cloud::named(CloudName::Public);
        let knows = |text: &str| cloud.knows_authority(&text.parse().unwrap());
        assert!(knows("https://login.microsoftonline.com/tenant"));
        assert!(knows("https://login.windows.net/tenant"));
        assert!(!knows("http://login.windows.net/tenant"));
        assert!(!knows("https://login.microsoftonline.us/tenant"));
    }
}
