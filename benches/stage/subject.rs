//! The operator that is measured: Lakevault, or another one by a command and manifests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::api::{DynamicObject, GroupVersionKind};
use kube::discovery;
use testbed::{Operator, OperatorOptions, Process, operator};

use super::Stage;
use super::load::{CLIENT, CLIENT_SECRET, CREDENTIAL, Load, NAMESPACE, TENANT, vault};
use crate::settings::{Other, Settings};

/// Who another operator is to the API server. It may do everything.
const OTHER: &str = "system:serviceaccount:bench-operator:operator";
const OTHER_RIGHTS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: 'system:serviceaccount:bench-operator:operator'}]
";

/// A running operator.
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub enum Subject {
    Lakevault(Operator),
    Other(Process),
}

impl Subject {
    /// Starts the operator of a stage. Lakevault is ready then; of another one it is not known.
    pub async fn start(stage: &Stage) -> Result<Self> {
        if let Some(other) = &stage.other {
            return Ok(Self::Other(spawn(stage, other)?));
        }
        let groups = format!("system:serviceaccounts:{}", operator::NAMESPACE);
        let groups = ["system:serviceaccounts", &groups];
        let kubeconfig = stage
            .control_plane
            .user_kubeconfig(&stage.user(), &groups)?;
        let options = OperatorOptions::new(&kubeconfig, stage.scratch.path())
            .with_azure(stage.simulator.endpoints());
        Ok(Self::Lakevault(Operator::start(options).await?))
    }

    pub fn process(&self) -> &Process {
        match self {
            Self::Lakevault(operator) => operator.process(),
            Self::Other(process) => process,
        }
    }

    /// Kills it and starts it again.
    pub async fn kill_and_start(&mut self, stage: &Stage) -> Result<()> {
        match self {
            Self::Lakevault(operator) => {
                operator.kill9().await?;
                operator.restart().await
            }
            Self::Other(process) => {
                process.signal(testbed::Signal::Kill)?;
                process.wait_exit(Duration::from_secs(10)).await?;
                let other = stage.other.as_ref().context("no other operator")?;
                *process = spawn(stage, other)?;
                Ok(())
            }
        }
    }

    /// Waits for what it is to do, for no longer than it runs.
    pub async fn doing<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let ended = async {
            while self.process().is_alive() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::select! {
            done = work => done,
            () = ended => Err(self.process().failure("ended in the middle of its work")),
        }
    }

    /// Its metrics; another operator's are not asked for.
    pub async fn metrics(&self) -> Result<Option<String>> {
        match self {
            Self::Lakevault(operator) => Ok(Some(operator.metrics().await?)),
            Self::Other(_) => Ok(None),
        }
    }

    pub async fn stop(self) -> Result<()> {
        self.process().end().await?;
        Ok(())
    }
}

impl Stage {
    /// The user that the operator is to the API server.
    pub fn user(&self) -> String {
        match self.other {
            None => format!("system:serviceaccount:{}:lakevault", operator::NAMESPACE),
            Some(_) => OTHER.to_owned(),
        }
    }
}

fn spawn(stage: &Stage, other: &Other) -> Result<Process> {
    let mut command = Command::new("sh");
    // The command takes the shell's place, so that it is what is measured.
    command.args(["-c", &format!("exec {}", other.command)]);
    command.envs(variables(stage)?);
    let log = stage.scratch.path().join("operator.log");
    Process::spawn("operator", command, &log)
}

/// What another operator is told of the stage: in its environment, and in its manifests as `${NAME}`.
fn variables(stage: &Stage) -> Result<BTreeMap<String, String>> {
    let endpoints = stage.simulator.endpoints();
    let kubeconfig = stage.control_plane.user_kubeconfig(OTHER, &[])?;
    let path = |path: &PathBuf| path.display().to_string();
    let mut variables: BTreeMap<String, String> = [
        ("KUBECONFIG", path(&kubeconfig)),
        ("SSL_CERT_FILE", path(&endpoints.ca_file)),
        ("BENCH_FOLDER", path(&stage.scratch.path().to_owned())),
        ("BENCH_NAMESPACE", NAMESPACE.to_owned()),
        ("BENCH_TENANT_ID", TENANT.to_owned()),
        ("BENCH_CLIENT_ID", CLIENT.to_owned()),
        ("BENCH_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("BENCH_CREDENTIAL", CREDENTIAL.to_owned()),
        ("BENCH_AUTHORITY_HOST", endpoints.authority_host.clone()),
        ("BENCH_VAULT_SUFFIX", endpoints.key_vault_suffix.clone()),
        ("BENCH_VAULT_AUDIENCE", endpoints.key_vault_audience.clone()),
        ("BENCH_AZURE_PORT", endpoints.port.to_string()),
        ("BENCH_CA_FILE", path(&endpoints.ca_file)),
        ("BENCH_HOSTS_FILE", path(&endpoints.hosts_file)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for number in 0..stage.load.vaults {
        let url = endpoints.vault_url(&vault(number));
        variables.insert(format!("BENCH_VAULT_URL_{number}"), url);
    }
    Ok(variables)
}

/// API groups that the audit log covers besides the usual ones: that of the other operator's syncs, and that of what a
/// rollout would touch.
pub fn audit_groups(settings: &Settings, load: &Load) -> Result<Vec<String>> {
    let mut groups = vec!["apps".to_owned()];
    if let Some(other) = settings.other() {
        let template = read(&other.sync_template)?;
        groups.push(kind(load, &template)?.group);
    }
    // It always is covered.
    groups.retain(|group| group != "lakevault.dev");
    Ok(groups)
}

/// Gives another operator its rights and manifests, and the stage the kind of its syncs.
pub async fn furnish(stage: &mut Stage, other: Other) -> Result<()> {
    let kubectl = stage.control_plane.kubectl().clone();
    kubectl.apply_yaml(OTHER_RIGHTS).await?;
    let variables = variables(stage)?;
    for file in manifests(&other)? {
        let text = variables.iter().fold(read(&file)?, |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        });
        kubectl
            .apply_yaml(&text)
            .await
            .with_context(|| format!("cannot apply {}", file.display()))?;
    }
    stage.template = read(&other.sync_template)?;
    let kind = kind(&stage.load, &stage.template)?;
    let look = async || {
        let found = discovery::pinned_kind(&stage.client, &kind).await;
        found.map_err(|error| error.to_string())
    };
    let within = Duration::from_secs(30);
    stage.kind = testbed::until(within, "the kind of the sync template", look)
        .await?
        .0;
    stage.other = Some(other);
    Ok(())
}

/// The files in the order of their names, so that definitions can stand before what they define.
fn manifests(other: &Other) -> Result<Vec<PathBuf>> {
    let Some(path) = &other.manifests else {
        return Ok(Vec::new());
    };
    if path.is_file() {
        return Ok(vec![path.clone()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("yaml" | "yml" | "json")) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("there are no manifests in {}", path.display());
    }
    Ok(files)
}

/// The kind of the syncs that a template makes.
fn kind(load: &Load, template: &str) -> Result<GroupVersionKind> {
    let sync: DynamicObject =
        serde_saphyr::from_str(&load.filled(0, "https://vault.example.net", template))
            .context("the sync template is no manifest")?;
    let types = sync
        .types
        .context("the sync template has no apiVersion and kind")?;
    Ok(GroupVersionKind::try_from(&types)?)
}

fn read(path: &std::path::Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
