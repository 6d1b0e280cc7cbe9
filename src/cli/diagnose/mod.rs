//! `lakevault diagnose`: tries what an identity or a sync needs, step by step, and says what mends the first that fails.

mod check;
mod render;
mod steps;
pub(super) mod target;

use crate::azure_identity::api::IdentityKind;

use self::check::Findings;
use self::render::render;
use self::steps::Steps;
use self::target::{Target, Wish};
use super::Failure;
use super::azure::Reach;
use super::cluster::{Cluster, ClusterArgs};
use super::form::Form;
use super::objects;
use super::terminal;

/// What to look at, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Steps, one line each: spec, cloud, DNS, TLS, token, vault, role. The first that fails is told with its mend; those after it
build upon it and are not looked at. Everything is tried from where the command runs: to see what the operator sees, run it in
the operator's pod. No secret and no token is ever printed.

Exit codes: 0 nothing failed, 1 a step failed, 2 wrong usage or no such object.

Examples:
  lakevault diagnose -n team                        every identity and sync of the namespace
  lakevault diagnose -n team sync/payments          one sync, with the identity that it uses
  lakevault diagnose clusteridentity/shared
  lakevault diagnose -f identity.yaml -o json       objects, and Secrets, of a file")]
pub(super) struct DiagnoseArgs {
    /// What: sync/NAME, identity/NAME, clusteridentity/NAME, or a kind alone for all of it. Default: every identity and sync of the
    /// namespace, or of the file.
    #[arg(value_name = "KIND/NAME", num_args = 0..=2)]
    what: Vec<String>,

    /// How the findings are shown.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Form,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    reach: Reach,
}

/// Tries, and shows. Where a step failed, everything has been said when this returns.
pub(super) async fn run(args: DiagnoseArgs) -> Result<(), Failure> {
    let wish = Wish::parse(&args.what).map_err(Failure::usage)?;
    let http = args.reach.http()?;
    let cluster = args.cluster.open().await?;
    let targets = targets(&cluster, &wish).await?;
    let steps = Steps::new(&cluster, http);
    let mut all = Vec::new();
    for target in &targets {
        all.push(steps.look(target).await?);
    }
    let text = render(&all, args.output)
        .map_err(|error| Failure::failed(format!("failed to write the findings: {error}")))?;
    terminal::print(&text)?;
    if all.iter().all(Findings::well) {
        Ok(())
    } else {
        Err(Failure::failed(""))
    }
}

/// The objects that are meant: the one that is named, those of the file, or those of the namespace.
async fn targets(cluster: &Cluster, wish: &Wish) -> Result<Vec<Target>, Failure> {
    if let Some(target) = wish.named(&cluster.namespace) {
        return Ok(vec![target]);
    }
    let (found, place) = if let Some(manifests) = &cluster.manifests {
        (wish.of_file(manifests), "the file".to_owned())
    } else {
        let place = format!("namespace {}", cluster.namespace);
        (of_cluster(cluster, wish).await?, place)
    };
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "{place} has no {} to diagnose",
            wish.word()
        )));
    }
    Ok(found)
}

async fn of_cluster(cluster: &Cluster, wish: &Wish) -> Result<Vec<Target>, Failure> {
    let (client, namespace) = (&cluster.client, &cluster.namespace);
    let mut found = Vec::new();
    if wish.wants_identities(IdentityKind::AzureIdentity) {
        let keys = objects::identities(client, namespace).await?;
        found.extend(keys.into_iter().map(Target::Identity));
    }
    // Those of the whole cluster are an administrator's, and looked at when they are asked for.
    if wish.is_narrowed() && wish.wants_identities(IdentityKind::ClusterAzureIdentity) {
        let keys = objects::cluster_identities(client).await?;
        found.extend(keys.into_iter().map(Target::Identity));
    }
    if wish.wants_syncs() {
        let names = objects::syncs(client, namespace).await?;
        found.extend(names.into_iter().map(|name| Target::Sync {
            namespace: namespace.clone(),
            name,
        }));
    }
    Ok(found)
}
