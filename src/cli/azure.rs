//! Arguments that several commands share: how Azure is reached, and which cloud is meant.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;

use super::Failure;
use crate::azure::auth::Profile;
use crate::azure::cloud::Cloud;
use crate::azure::cloud::source::{CloudSource, Endpoints};
use crate::azure::http::{Http, HttpOptions, Route};
use crate::azure::resource::Resource;
use crate::azure::stack;
use crate::azure_identity::api::{
    CloudName, CloudSpec, CustomCloud, CustomKeyVault, TokenEndpoint,
};
use crate::names::{ClientId, TenantId};
use crate::telemetry::metrics::Metrics;

/// The word for "the tenant of whoever signs in, if it is an organisation's".
const ANY_ORGANISATION: &str = "organizations";

/// How Azure is reached.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Reach {
    /// A PEM file with root certificates to trust besides the system's.
    #[arg(long, env = "LAKEVAULT_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// A file like /etc/hosts for Azure's names, where an address may carry a port. Names in it are not looked up elsewhere.
    #[arg(long, env = "LAKEVAULT_HOSTS_FILE", value_name = "FILE")]
    hosts_file: Option<PathBuf>,
}

impl Reach {
    /// The client.
    pub(super) fn http(&self) -> Result<Http, Failure> {
        let options = HttpOptions {
            ca_file: self.ca_file.clone(),
            hosts_file: self.hosts_file.clone(),
        };
        Http::new(&options, Metrics::default()).map_err(Failure::usage)
    }
}

/// Which cloud people sign in to.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "which cloud", multiple = false)]
pub(super) struct CloudArgs {
    /// A cloud that Microsoft runs.
    #[arg(long, value_enum, default_value = "Public")]
    cloud: Name,

    /// An Azure Stack Hub, by its Resource Manager, which tells the rest. Example: <https://management.local.azurestack.external>.
    #[arg(long, value_name = "URL")]
    resource_manager: Option<String>,

    /// Where tokens are issued, for a cloud that is not known by name: an https origin, for ADFS with the path /adfs.
    /// Needs --resource.
    #[arg(long, requires = "resource", value_name = "URL")]
    authority_host: Option<String>,
}

/// The clouds as they are typed: as in an identity's `spec.cloud.name`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    #[value(name = "Public")]
    Public,
    #[value(name = "USGovernment")]
    UsGovernment,
    #[value(name = "China")]
    China,
}

impl From<Name> for CloudName {
    fn from(name: Name) -> Self {
        match name {
            Name::Public => Self::Public,
            Name::UsGovernment => Self::USGovernment,
            Name::China => Self::China,
        }
    }
}

/// Where people sign in.
pub(super) struct Place {
    cloud: Arc<Cloud>,
    /// The tenant that an Azure Stack Hub named.
    tenant: Option<TenantId>,
}

impl CloudArgs {
    /// Finds the cloud; an Azure Stack Hub is asked for its endpoints.
    pub(super) async fn place(&self, http: &Http) -> Result<Place, Failure> {
        let spec = match (&self.resource_manager, &self.authority_host) {
            (Some(_), _) => CloudSpec {
                name: None,
                resource_manager_endpoint: self.resource_manager.clone(),
                custom: None,
                ca_bundle: None,
            },
            (None, Some(host)) => by_authority(host),
            (None, None) => CloudSpec {
                name: Some(self.cloud.into()),
                resource_manager_endpoint: None,
                custom: None,
                ca_bundle: None,
            },
        };
        let source = CloudSource::parse(Some(&spec)).map_err(|problem| {
            // The same rules as those of a spec, under the names of the flags.
            let told = problem
                .message
                .replace("spec.cloud.custom.authorityHost", "--authority-host")
                .replace("spec.cloud.resourceManagerEndpoint", "--resource-manager");
            Failure::usage(told)
        })?;
        match source.endpoints {
            Endpoints::Given(cloud) => Ok(Place {
                cloud,
                tenant: None,
            }),
            Endpoints::ToldBy(endpoint) => told_by(http, &endpoint).await,
        }
    }
}

fn by_authority(host: &str) -> CloudSpec {
    let adfs = host.trim_end_matches('/').ends_with("/adfs");
    CloudSpec {
        name: None,
        resource_manager_endpoint: None,
        custom: Some(CustomCloud {
            authority_host: host.to_owned(),
            token_endpoint: if adfs {
                TokenEndpoint::ADFS
            } else {
                TokenEndpoint::V2
            },
            // What a token is for must be said anyway.
            key_vault: CustomKeyVault {
                dns_suffix: "vault.invalid".to_owned(),
                audience: None,
                api_version: None,
            },
            resource_manager: None,
            storage: None,
        }),
        ca_bundle: None,
    }
}

async fn told_by(http: &Http, endpoint: &str) -> Result<Place, Failure> {
    for form in stack::Form::ALL {
        let request = stack::request(endpoint, form, &Route::Default)?;
        let answer = http.send("GetMetadataEndpoints", endpoint, request).await?;
        if let Some(told) = stack::read(endpoint, form, &answer, &Route::Default)? {
            return Ok(Place {
                cloud: Arc::new(told.cloud),
                tenant: told.tenant,
            });
        }
    }
    Err(stack::not_served(endpoint).into())
}

impl Place {
    /// Who signs in to what.
    pub(super) fn profile(
        &self,
        tenant: Option<TenantId>,
        client: ClientId,
    ) -> Result<Profile, Failure> {
        let any = ANY_ORGANISATION
            .parse()
            .map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
        let tenant = tenant.or_else(|| self.tenant.clone()).unwrap_or(any);
        Ok(Profile {
            tenant: self.cloud.has_tenants().then_some(tenant),
            client: Some(client),
            cloud: Arc::clone(&self.cloud),
        })
    }

    /// Key Vault.
    pub(super) fn vaults(&self) -> Resource {
        self.cloud.vault_audience.clone()
    }
}

/// A resource as it is typed.
pub(super) fn resource(text: &str) -> Result<Resource, Failure> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if text.is_empty() || text.contains(odd) {
        return Err(Failure::usage(format!(
            "--resource: {text:?} is not an application's id or URI such as https://vault.azure.net"
        )));
    }
    Ok(Resource::new(text))
}
