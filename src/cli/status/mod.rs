//! `lakevault status`: how the operator and all objects stand, what is wrong, and what mends it.

mod gather;
mod operator;
mod render;
mod standing;

use jiff::Timestamp;

use self::gather::Field;
use self::render::{Form, Manner, render};
use super::Failure;
use super::cluster::{ClusterArgs, Connect};
use super::terminal::{self, Progress};

/// What to look at, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything is read from the conditions that the operator writes, with your own rights in the cluster; Azure is not asked. To have
something tried now, use `lakevault diagnose` and `lakevault plan`. Of ClusterAzureIdentities, a namespace's status has those that
the namespace uses.

Exit codes: 0 nothing is wrong (waiting and warnings are not), 1 something is, or could not be read, 2 wrong usage.

Examples:
  lakevault status                          the namespace of the kubeconfig's context
  lakevault status -n team -o wide          with the identity, and when it is looked at next
  lakevault status -A --problems            what is wrong, or about to be, anywhere
  lakevault status -A -o json")]
pub(super) struct StatusArgs {
    /// All namespaces.
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Only objects with a problem or a warning.
    #[arg(long)]
    problems: bool,

    /// How it is shown.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Form,

    #[command(flatten)]
    connect: Connect,
}

/// Looks, and shows. Where something is wrong, everything has been said when this returns.
pub(super) async fn run(args: StatusArgs, program: &str) -> Result<(), Failure> {
    let cluster = ClusterArgs::from(args.connect).open().await?;
    let now = Timestamp::now();
    let field = Field {
        client: &cluster.client,
        namespace: (!args.all_namespaces).then_some(cluster.namespace.as_str()),
        operator_namespace: &cluster.operator_namespace,
        now,
    };
    let report = {
        let progress = Progress::new();
        progress.now("Reading objects");
        Box::pin(field.report()).await
    };
    let manner = Manner {
        form: args.output,
        namespaces: args.all_namespaces,
        problems: args.problems,
        program,
        now,
    };
    let text = render(&report, manner)
        .map_err(|error| Failure::failed(format!("failed to write the status: {error}")))?;
    terminal::print(&text)?;
    if report.objects.is_empty() && report.unread.is_empty() {
        let place = match field.namespace {
            Some(namespace) => format!("namespace {namespace}"),
            None => "the cluster".to_owned(),
        };
        terminal::tell(&format!("No objects of Lakevault in {place}."))?;
    }
    if report.has_problem() {
        Err(Failure::failed(""))
    } else {
        Ok(())
    }
}
