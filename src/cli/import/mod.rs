//! `lakevault import`: what is there in Azure, as YAML that wants nothing of it.

mod account;
mod lake;
pub(super) mod render;
mod vault;

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use self::render::render;
use super::Failure;
use super::azure::Reach;
use super::cluster::ClusterArgs;
use super::lender::Lender;
use super::plan::desk::known;
use super::terminal::{self, Progress};
use super::who;
use crate::azure::arm::client::Arm;
use crate::azure::arm::roles::{self, Assignment};
use crate::azure::arm::{
    self, ApiVersions, Call, GroupId, GroupName, Reply, ResourceId, Scope, SubscriptionId,
};
use crate::azure::lake::client::Lakes;
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::Mode;
use crate::azure_resource::import::{About, Manifest};
use crate::names::ResourceName;
use crate::problem::Problem;

/// Pages of role assignments that are read at most.
const MOST_PAGES: usize = 40;
/// Under which name the budget of calls keeps a place.
const WHO: &str = "import";

/// What to import.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A Key Vault as a KeyVault.
    #[command(name = "keyvault", visible_alias = "kv")]
    KeyVault(Box<vault::VaultArgs>),
    /// A Data Lake storage account (Gen2) with its filesystems and directories as a DataLakeAccount.
    #[command(name = "datalakeaccount", visible_alias = "dla")]
    DataLakeAccount(Box<account::AccountArgs>),
}

/// Which resource, and as what.
#[derive(Debug, Args)]
struct Which {
    /// What is imported: its id in Azure, or its name with --subscription and --resource-group.
    #[arg(value_name = "ID|NAME")]
    resource: String,

    /// The subscription of what is given by its name.
    #[arg(long, value_name = "ID", env = "AZURE_SUBSCRIPTION_ID")]
    subscription: Option<SubscriptionId>,

    /// The resource group of what is given by its name.
    #[arg(long, short = 'g', value_name = "NAME")]
    resource_group: Option<GroupName>,

    /// The identity that reads, and that the object names: NAME, identity/NAME or clusteridentity/NAME.
    #[arg(long, value_name = "NAME", value_parser = who::identity)]
    identity: IdentityRef,

    /// What the object does: look only, or keep what is there as the YAML says.
    #[arg(long, value_enum, default_value = "Observe")]
    mode: Does,

    /// The name of the object. Default: the name in Azure, in lower case.
    #[arg(long)]
    name: Option<ResourceName>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Does {
    /// Nothing is written, not even a tag; differences are shown in the status.
    #[value(name = "Observe")]
    Observe,
    /// What is there is taken over.
    #[value(name = "Manage")]
    Manage,
}

/// A type of resources.
struct Type {
    provider: &'static str,
    plural: &'static str,
    noun: &'static str,
    /// How its id is found.
    az: &'static str,
}

/// Prints the YAML.
pub(super) async fn run(args: ImportArgs) -> Result<(), Failure> {
    let manifest = match args.what {
        What::KeyVault(args) => args.read().await?,
        What::DataLakeAccount(args) => args.read().await?,
    };
    print(&manifest)
}

fn print(manifest: &Manifest) -> Result<(), Failure> {
    let yaml = render(manifest)
        .map_err(|error| Failure::failed(format!("failed to write YAML: {error}")))?;
    terminal::print(&yaml)
}

/// A resource that was named, and the way to it.
struct Open {
    id: ResourceId,
    about: About,
    reader: Reader,
    progress: Progress,
}

impl Which {
    /// Finds the identity, which must be lent for the resource's group.
    async fn open(&self, type_: &Type) -> Result<Open, Failure> {
        let id = self.id(type_)?;
        let progress = Progress::new();
        let http = self.reach.http()?;
        let cluster = self.cluster.open().await?;
        let lender = Lender::new(&cluster, http.clone());
        let namespace = cluster.namespace.as_str();
        let keys = BTreeSet::from([key_of(namespace, Some(&self.identity))]);
        let namespaces = BTreeSet::from([namespace.to_owned()]);
        let identities = known(&cluster, &lender, keys, namespaces).await?;
        let identity = identities.resolve(namespace, Some(&self.identity)).await?;
        may_manage(&identities, &identity, namespace, &id)?;
        let versions = ApiVersions::of(&identity.profile.cloud);
        Ok(Open {
            about: self.about(namespace, &id),
            reader: Reader {
                lakes: Lakes::new(Arc::clone(&identities), http.clone()),
                arm: Arm::new(identities, http),
                identity,
                versions,
            },
            id,
            progress,
        })
    }

    fn about(&self, namespace: &str, id: &ResourceId) -> About {
        About {
            namespace: namespace.to_owned(),
            name: match &self.name {
                Some(name) => name.to_string(),
                None => id.name().to_ascii_lowercase(),
            },
            identity: self.identity.clone(),
            mode: match self.mode {
                Does::Observe => Mode::Observe,
                Does::Manage => Mode::Manage,
            },
        }
    }

    /// The id of what is meant.
    fn id(&self, type_: &Type) -> Result<ResourceId, Failure> {
        let (text, noun) = (self.resource.as_str(), type_.noun);
        if text.contains('/') {
            let id: ResourceId = text
                .parse()
                .map_err(|error| Failure::usage(format!("{error}")))?;
            let refused = || {
                Failure::usage(format!(
                    "{text} is the id of a {}, and not of a {noun}",
                    id.kind()
                ))
            };
            let fits = id.is_a(&format!("{}/{}", type_.provider, type_.plural));
            return fits.then(|| id.clone()).ok_or_else(refused);
        }
        let place = self.subscription.clone().zip(self.resource_group.clone());
        let (subscription, group) = place.ok_or_else(|| {
            Failure::usage(format!(
                "{text} is a name: say --subscription and --resource-group, too, or give the {noun}'s id ({} show --name {text} --query id)",
                type_.az
            ))
        })?;
        GroupId::new(subscription, group)
            .resource(type_.provider, type_.plural, text)
            .map_err(|error| Failure::usage(format!("{error}")))
    }
}

/// Whether the identity is lent for this group, since the object would be refused else.
fn may_manage(
    identities: &Identities,
    identity: &Usable,
    namespace: &str,
    id: &ResourceId,
) -> Result<(), Problem> {
    let labels = identities.namespace_labels(namespace);
    let borrower = Borrower {
        namespace,
        labels: &labels,
    };
    let group = id.group();
    let place = (group.subscription.as_str(), group.group.as_str());
    grant::allows_manage(&identity.valid, borrower, place)
}

/// Reads with one identity.
struct Reader {
    arm: Arm,
    lakes: Lakes,
    identity: Usable,
    versions: &'static ApiVersions,
}

impl Reader {
    async fn call(&self, call: &Call) -> Result<Reply, Problem> {
        self.arm.call(&self.identity, WHO, call).await
    }

    /// What is there; it is a failure that it is not.
    async fn found(
        &self,
        call: &Call,
        absent: &[&str],
        what: impl FnOnce() -> String,
    ) -> Result<Reply, Failure> {
        let found = arm::absent(self.call(call).await, absent)?;
        found.ok_or_else(|| Failure::failed(format!("there is no {}", what())))
    }

    /// The roles that hold on a resource.
    async fn roles(&self, id: &ResourceId) -> Result<Vec<Assignment>, Problem> {
        let first = roles::list(self.versions, &Scope::Resource(id.clone()));
        let (mut all, mut next) = (Vec::new(), Some(first));
        for _ in 0..MOST_PAGES {
            let Some(call) = next.take() else { break };
            let reply = self.call(&call).await?;
            all.extend(roles::read_page(&reply)?);
            next = arm::next(&self.identity.profile, &call, &reply)?;
        }
        Ok(all)
    }
}
