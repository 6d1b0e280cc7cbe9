//! `lakevault import`: what is there in Azure, as YAML that wants nothing of it.

pub(super) mod render;

use std::collections::BTreeSet;

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
    self, ApiVersions, GroupId, GroupName, ResourceId, Scope, SubscriptionId, vaults,
};
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::Mode;
use crate::key_vault::desired::Capabilities;
use crate::key_vault::import::{About, manifest};
use crate::key_vault::vault::Vault;
use crate::names::ResourceName;
use crate::problem::Problem;

/// The type of vaults.
const VAULTS: &str = "Microsoft.KeyVault/vaults";
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
    KeyVault(Box<VaultArgs>),
}

/// Which vault, and as what.
#[derive(Debug, Args)]
#[command(after_help = "\
The YAML says all that the vault has: kind, authorization, access policies, network rules, tags, retention, purge protection,
and the roles that were given on the vault itself. Applied as it is, it changes nothing in Azure: in mode Observe the vault is read
and compared, and no tag is written. With --mode Manage the vault is taken over: lakevault plan shows that its owner tag is set, and
nothing else. Either way it stays when the object is deleted.

Exit codes: 0 done, 1 the vault could not be read, 2 wrong usage.

Examples:
  lakevault import keyvault kv-payments --subscription 44444444-4444-4444-4444-444444444444 \\
    --resource-group rg-payments --identity reader -n team > kv-payments.yaml
  lakevault plan -f kv-payments.yaml")]
struct VaultArgs {
    /// The vault: its id in Azure, or its name with --subscription and --resource-group.
    #[arg(value_name = "ID|NAME")]
    vault: String,

    /// The subscription of a vault that is given by its name.
    #[arg(long, value_name = "ID", env = "AZURE_SUBSCRIPTION_ID")]
    subscription: Option<SubscriptionId>,

    /// The resource group of a vault that is given by its name.
    #[arg(long, short = 'g', value_name = "NAME")]
    resource_group: Option<GroupName>,

    /// The identity that reads the vault, and that the KeyVault names: NAME, identity/NAME or clusteridentity/NAME.
    #[arg(long, value_name = "NAME", value_parser = who::identity)]
    identity: IdentityRef,

    /// What the KeyVault does: look only, or keep the vault as the YAML says.
    #[arg(long, value_enum, default_value = "Observe")]
    mode: Does,

    /// The name of the KeyVault. Default: that of the vault, in lower case.
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
    /// The vault is taken over.
    #[value(name = "Manage")]
    Manage,
}

/// Prints the YAML.
pub(super) async fn run(args: ImportArgs) -> Result<(), Failure> {
    let What::KeyVault(args) = args.what;
    let text = vault(&args).await?;
    terminal::print(&text)
}

async fn vault(args: &VaultArgs) -> Result<String, Failure> {
    let progress = Progress::new();
    let id = args.id()?;
    let http = args.reach.http()?;
    let cluster = args.cluster.open().await?;
    let lender = Lender::new(&cluster, http.clone());
    let namespace = cluster.namespace.as_str();
    let keys = BTreeSet::from([key_of(namespace, Some(&args.identity))]);
    let namespaces = BTreeSet::from([namespace.to_owned()]);
    let identities = known(&cluster, &lender, keys, namespaces).await?;
    let identity = identities.resolve(namespace, Some(&args.identity)).await?;
    may_manage(&identities, &identity, namespace, &id)?;
    progress.now(&format!("Reading vault {}", id.name()));
    let versions = ApiVersions::of(&identity.profile.cloud);
    let reader = Reader {
        arm: Arm::new(identities, http),
        identity,
        versions,
    };
    let vault = reader.vault(&id).await?;
    let given = reader.roles(&id).await?;
    let about = About {
        namespace: namespace.to_owned(),
        name: match &args.name {
            Some(name) => name.to_string(),
            None => id.name().to_ascii_lowercase(),
        },
        identity: args.identity.clone(),
        mode: match args.mode {
            Does::Observe => Mode::Observe,
            Does::Manage => Mode::Manage,
        },
        cloud: Capabilities::of(versions),
    };
    drop(progress);
    render(&manifest(&id, &vault, &given, &about))
        .map_err(|error| Failure::failed(format!("failed to write YAML: {error}")))
}

impl VaultArgs {
    /// The id of the vault that is meant.
    fn id(&self) -> Result<ResourceId, Failure> {
        let text = self.vault.as_str();
        if text.contains('/') {
            let id: ResourceId = text
                .parse()
                .map_err(|error| Failure::usage(format!("{error}")))?;
            let refused = || {
                Failure::usage(format!(
                    "{text} is the id of a {}, and not of a vault",
                    id.kind()
                ))
            };
            return id.is_a(VAULTS).then(|| id.clone()).ok_or_else(refused);
        }
        let place = self.subscription.clone().zip(self.resource_group.clone());
        let (subscription, group) = place.ok_or_else(|| {
            Failure::usage(format!(
                "{text} is a name: say --subscription and --resource-group, too, or give the vault's id (az keyvault show --name {text} --query id)"
            ))
        })?;
        GroupId::new(subscription, group)
            .resource("Microsoft.KeyVault", "vaults", text)
            .map_err(|error| Failure::usage(format!("{error}")))
    }
}

/// Whether the identity is lent for this group, since the KeyVault would be refused else.
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
    identity: Usable,
    versions: &'static ApiVersions,
}

impl Reader {
    async fn vault(&self, id: &ResourceId) -> Result<Vault, Failure> {
        let call = vaults::get(self.versions, id);
        let reply = self.arm.call(&self.identity, WHO, &call).await;
        let found = arm::absent(reply, vaults::ABSENT)?;
        let found = found.ok_or_else(|| Failure::failed(format!("there is no vault {id}")))?;
        Ok(vaults::read(&found)?)
    }

    /// The roles that hold on the vault.
    async fn roles(&self, id: &ResourceId) -> Result<Vec<Assignment>, Problem> {
        let first = roles::list(self.versions, &Scope::Resource(id.clone()));
        let (mut all, mut next) = (Vec::new(), Some(first));
        for _ in 0..MOST_PAGES {
            let Some(call) = next.take() else { break };
            let reply = self.arm.call(&self.identity, WHO, &call).await?;
            all.extend(roles::read_page(&reply)?);
            next = arm::next(&self.identity.profile, &call, &reply)?;
        }
        Ok(all)
    }
}
