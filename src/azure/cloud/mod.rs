//! Clouds: where tokens come from, and which hosts are vaults. Pure.

pub mod source;

use std::sync::{Arc, LazyLock};

use url::Url;

use super::http::Route;
use super::resource::Resource;
use crate::azure_identity::api::{CloudName, ResourceManagerProfile, TokenEndpoint};
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

/// Neither user nor query nor fragment.
fn plain(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

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
