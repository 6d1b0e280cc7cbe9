//! A cloud as the spec of an identity says it. Pure.

use std::sync::Arc;

use url::Url;

use super::{Cloud, ResourceManager, Storage, VAULT_API_VERSION, plain, suffix};
use crate::azure::http::Route;
use crate::azure::resource::Resource;
use crate::azure_identity::api::{CloudName, CloudSpec, CustomCloud, TokenEndpoint};
use crate::names::{NameError, ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

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

impl Cloud {
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

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure_identity::api::ResourceManagerProfile;

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
}
