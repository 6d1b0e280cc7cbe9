//! `lakevault plan`: what would be done to Azure and to Kubernetes, by the operator's own planners. Nothing is written.

mod applied;
pub(super) mod desk;
mod planned;
mod render;
mod resources;
mod secret;
mod syncs;
mod to_gen2;

use kube::ResourceExt;

use self::desk::Desk;
use self::planned::{Planned, Verdict};
use self::render::render;
use super::Failure;
use super::azure::Reach;
use super::cluster::ClusterArgs;
use super::form::Form;
use super::terminal::{self, Progress};
use super::who;
use crate::azure_identity::api::IdentityRef;

/// What to plan for, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Plans are made by the operator's own planners, of what Azure and the cluster have now. An object that the cluster has brings its
uid and its record with it. Everything is read with your own rights in the cluster and with the identity that the objects name;
nothing is written, neither there nor in Azure.

Exit codes: 0 nothing would be done, 2 something would be done, 1 something stands in the way, or the plan could not be made.

Examples:
  lakevault plan -f vault.yaml                      KeyVaults and VaultSecretSyncs of a file
  lakevault plan -f vault.yaml --identity reader    the same, seen with another identity
  lakevault plan -n team                            those of a namespace, as they are
  lakevault plan -f vault.yaml -o json
  lakevault plan --to-gen2 -f lake.yaml             DataLakeAccounts of generation Gen1 as those of Gen2, as YAML")]
pub(super) struct PlanArgs {
    /// The identity to look with, in place of those that the objects name: NAME, identity/NAME or clusteridentity/NAME.
    #[arg(long, value_name = "NAME", value_parser = who::identity)]
    identity: Option<IdentityRef>,

    /// Plan nothing: print each DataLakeAccount of generation Gen1 in the file as one of generation Gen2, and say what has no equal.
    #[arg(long, requires = "filename", conflicts_with_all = ["identity", "output"])]
    to_gen2: bool,

    /// How the plans are shown.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Form,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    reach: Reach,
}

/// Exit code where something would be done.
const DIFFERS: u8 = 2;

/// Plans, and shows. What differs ends in a code of its own, so no failure ends in that.
pub(super) async fn run(args: PlanArgs) -> Result<(), Failure> {
    if args.to_gen2 {
        let manifests = args.cluster.manifests();
        return manifests
            .and_then(|manifests| to_gen2::run(&manifests))
            .map_err(|failure| Failure::failed(failure.message));
    }
    let all = Box::pin(all(&args)).await;
    let all = all.map_err(|failure| Failure::failed(failure.message))?;
    let text = render(&all, args.output)
        .map_err(|error| Failure::failed(format!("failed to write the plans: {error}")))?;
    terminal::print(&text)?;
    match all.iter().map(Planned::verdict).max() {
        None | Some(Verdict::Same) => Ok(()),
        Some(Verdict::Differs) => Err(Failure::new("", DIFFERS)),
        Some(Verdict::Blocked) => Err(Failure::failed("")),
    }
}

async fn all(args: &PlanArgs) -> Result<Vec<Planned>, Failure> {
    let progress = Progress::new();
    let http = args.reach.http()?;
    let cluster = args.cluster.open().await?;
    progress.now("Reading objects");
    let desk = Desk::open(&cluster, http, args.identity.as_ref()).await?;
    let mut all = Vec::new();
    for vault in &desk.vaults {
        progress.now(&format!("Planning KeyVault {}", vault.name_any()));
        all.push(resources::plan(&desk.ctx, vault).await);
    }
    for account in &desk.accounts {
        progress.now(&format!("Planning DataLakeAccount {}", account.name_any()));
        all.push(resources::plan(&desk.account_ctx, account).await);
    }
    for sync in &desk.syncs {
        progress.now(&format!("Planning VaultSecretSync {}", sync.name_any()));
        all.push(syncs::plan(&desk, sync).await);
    }
    if all.is_empty() {
        let place = if args.cluster.has_file() {
            "the file".to_owned()
        } else {
            format!("namespace {}", cluster.namespace)
        };
        return Err(Failure::failed(format!(
            "{place} has no KeyVault, DataLakeAccount or VaultSecretSync to plan for"
        )));
    }
    Ok(all)
}
