//! The command line: one file per command. Everything that is printed goes through `terminal`, and every command ends with
//! one of the codes that `docs/cli.md` lists.

mod azure;
mod cluster;
mod completions;
mod diagnose;
mod form;
mod import;
mod kept;
mod lender;
mod login;
mod logout;
mod man;
mod manifests;
mod migrate;
mod objects;
mod person;
mod plan;
mod status;
mod terminal;
mod token;
mod who;

use std::ffi::OsStr;
use std::future::Future;
use std::path::Path;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use kube::CustomResourceExt;

use crate::app;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::data_lake_account::api::DataLakeAccount;
use crate::key_vault::api::KeyVault;
use crate::problem::Problem;
use crate::vault_secret_sync::api::VaultSecretSync;

/// A program of this name on the `PATH` is what `kubectl lakevault` runs (Kubernetes, "Extend kubectl with plugins").
const PLUGIN: &str = "kubectl-lakevault";

/// Mirrors Azure Key Vault into Kubernetes Secrets.
#[derive(Debug, Parser)]
#[command(name = "lakevault", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator until SIGTERM.
    Run(Box<app::RunArgs>),
    /// Print the `CustomResourceDefinitions` as YAML.
    Crds,
    /// Sign in as a person: by a code that is typed into a browser, or by name and password.
    Login(login::LoginArgs),
    /// Forget who signed in.
    Logout,
    /// Print an access token of whoever signed in, or of an identity in a file.
    Token(token::TokenArgs),
    /// Tell how the operator and all objects stand, what is wrong, and what mends it.
    Status(status::StatusArgs),
    /// Try what an identity or a sync needs, step by step, and say what mends the first that fails.
    Diagnose(diagnose::DiagnoseArgs),
    /// Tell what would be done to Azure and to Kubernetes for `KeyVaults`, `DataLakeAccounts` and `VaultSecretSyncs`, and do nothing.
    Plan(plan::PlanArgs),
    /// Print what is there in Azure as YAML that wants nothing of it.
    Import(import::ImportArgs),
    /// Print a script that completes commands and flags in a shell.
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write those of all commands into a folder.
    Man(man::ManArgs),
    /// Convert objects of the External Secrets Operator, akv2k8s and the Secrets Store CSI driver.
    Migrate(migrate::MigrateArgs),
}

/// How a command ends that did not do what it should.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// For the person who called it; empty where everything was said already.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// It was tried and failed: code 1.
    fn failed(message: impl AsRef<str>) -> Self {
        Self::new(message.as_ref(), 1)
    }

    /// It could not be tried as it was asked for: code 2, like clap's own.
    fn usage(message: impl AsRef<str>) -> Self {
        Self::new(message.as_ref(), 2)
    }

    /// With any code. Messages quote what servers and files say, and a terminal obeys control characters.
    fn new(message: &str, code: u8) -> Self {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            message: message.chars().map(plain).collect(),
            code,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::failed(problem.to_string())
    }
}

/// Runs the command that was asked for.
pub fn main() -> Result<(), Failure> {
    let matches = matches()?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| Failure::usage(error.to_string()))?;
    match cli.command {
        Command::Run(args) => run(*args).map_err(Failure::failed),
        Command::Crds => {
            let documents = crds().map_err(Failure::failed)?;
            let documents: Vec<String> = documents.into_iter().map(|(_, yaml)| yaml).collect();
            terminal::print(&documents.join("---\n"))
        }
        Command::Login(args) => wait_for(login::run(args)),
        Command::Logout => logout::run(),
        Command::Token(args) => wait_for(token::run(args)),
        Command::Status(args) => wait_for(status::run(args, called())),
        Command::Diagnose(args) => wait_for(diagnose::run(args)),
        Command::Plan(args) => wait_for(plan::run(args)),
        Command::Import(args) => wait_for(import::run(args)),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
        Command::Migrate(args) => migrate::run(&args),
    }
}

/// What was typed. Wrong usage ends in clap's code 2, but for `plan`, where that means that something would be done.
fn matches() -> Result<ArgMatches, Failure> {
    let mut typed = std::env::args_os();
    let command = named(typed.next().as_deref());
    let plans = typed.next().as_deref() == Some(OsStr::new("plan"));
    match command.try_get_matches() {
        Ok(matches) => Ok(matches),
        Err(error) if plans && error.use_stderr() => {
            terminal::tell(error.render().to_string().trim_end())?;
            Err(Failure::failed(""))
        }
        Err(error) => error.exit(),
    }
}

/// A manifest as `import` prints it, for the test that it can be read back.
#[cfg(test)]
pub(crate) fn imported(
    manifest: &crate::azure_resource::import::Manifest,
) -> Result<String, String> {
    import::render::render(manifest)
}

/// The command under the name that it was called by: as a plugin, its usage is that of `kubectl lakevault`.
fn named(program: Option<&OsStr>) -> clap::Command {
    let command = Cli::command();
    if is_plugin(program) {
        command
            .bin_name("kubectl lakevault")
            .display_name("kubectl lakevault")
    } else {
        command
    }
}

fn is_plugin(program: Option<&OsStr>) -> bool {
    let stem = program.and_then(|program| Path::new(program).file_stem());
    stem == Some(OsStr::new(PLUGIN))
}

/// What is typed for this program, for the lines that it tells to run.
fn called() -> &'static str {
    if is_plugin(std::env::args_os().next().as_deref()) {
        "kubectl lakevault"
    } else {
        "lakevault"
    }
}

fn run(args: app::RunArgs) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("failed to start: {error}"))?;
    let traces = args.traces(runtime.handle())?;
    crate::telemetry::logs::start(args.log_format, &args.log_level, traces.as_ref())?;
    runtime.block_on(async {
        let ended = app::run(args).await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        ended
    })
}

/// Waits for a command that talks to the network; one thread is enough for it.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return Err(Failure::failed("another TLS provider is installed already"));
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("failed to start: {error}")))?
        .block_on(command)
}

/// The command line as clap has it, for those who only look at what it understands.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The `CustomResourceDefinitions` as YAML, by plural name.
pub fn crds() -> Result<Vec<(String, String)>, String> {
    let all = [
        AzureIdentity::crd(),
        ClusterAzureIdentity::crd(),
        DataLakeAccount::crd(),
        KeyVault::crd(),
        VaultSecretSync::crd(),
    ];
    all.into_iter()
        .map(|crd| {
            let yaml = serde_saphyr::to_string(&crd)
                .map_err(|error| format!("failed to write YAML: {error}"))?;
            Ok((crd.spec.names.plural, yaml))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_message_holds_nothing_that_a_terminal_obeys() {
        let failure = Failure::failed("Entra refused: \u{1b}[2Jgone");
        assert_eq!(failure.message, "Entra refused:  [2Jgone");
    }

    #[test]
    fn as_a_plugin_the_usage_is_that_of_kubectl() {
        let usage = |program: &str| {
            let mut command = named(Some(OsStr::new(program)));
            command.build();
            let login = command.find_subcommand_mut("login").unwrap();
            login.render_usage().to_string()
        };
        assert!(usage("/usr/local/bin/kubectl-lakevault").contains("kubectl lakevault login"));
        let own = usage("/usr/local/bin/lakevault");
        assert!(own.contains("lakevault login") && !own.contains("kubectl"));
    }
}
