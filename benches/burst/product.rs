//! The operator under the load.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use lakevault::vault_secret_sync::api::VaultSecretSync;
use testbed::{Operator, OperatorOptions, audit, operator};

use super::stage::{CREDENTIAL, NAMESPACE, Stage, VAULT, key, name, value};
use super::{OBJECTS, OF_IDENTITY, SYNCS, float};

/// Far longer than it takes.
const LIMIT: Duration = Duration::from_mins(5);

/// What the operator's part of a round was seen to do. Times in seconds, memory in MiB.
pub struct Run {
    /// From the first create to the last Ready.
    pub seconds: f64,
    /// From the first create to the last answer to one.
    pub created: f64,
    pub vault_calls: f64,
    pub token_calls: f64,
    /// Writes of the operator by verb and kind.
    pub writes: BTreeMap<String, usize>,
    /// Reads of the operator by verb and kind; its watches go on and are none of them.
    pub reads: BTreeMap<String, usize>,
    pub cpu: Cpu,
    pub rss_idle: f64,
    pub rss: f64,
    pub rss_peak: f64,
}

/// CPU time, user and system, in seconds.
#[derive(Clone, Copy)]
pub struct Cpu {
    pub operator: f64,
    pub api_server: f64,
    pub etcd: f64,
    pub simulator: f64,
}

impl Cpu {
    fn now(stage: &Stage, operator: &Operator) -> Result<Self> {
        Ok(Self {
            operator: operator.cpu_seconds()?,
            api_server: stage.control_plane.api_server().cpu_seconds()?,
            etcd: stage.control_plane.etcd().cpu_seconds()?,
            simulator: stage.simulator.process().cpu_seconds()?,
        })
    }

    fn since(self, before: Self) -> Self {
        Self {
            operator: self.operator - before.operator,
            api_server: self.api_server - before.api_server,
            etcd: self.etcd - before.etcd,
            simulator: self.simulator - before.simulator,
        }
    }
}

fn user() -> String {
    format!("system:serviceaccount:{}:lakevault", operator::NAMESPACE)
}

pub async fn run() -> Result<Run> {
    let stage = Stage::new().await?;
    stage.create_credential().await?;
    let groups = format!("system:serviceaccounts:{}", operator::NAMESPACE);
    let kubeconfig = stage
        .control_plane
        .user_kubeconfig(&user(), &["system:serviceaccounts", &groups])?;
    let options = OperatorOptions::new(&kubeconfig, stage.scratch.path())
        .with_azure(stage.simulator.endpoints());
    let operator = Operator::start(options).await?;
    let rss_idle = mib(operator.rss_kib()?);
    stage.simulator.admin().clear_counters().await?;
    let before = stage.control_plane.audit()?.len();
    let cpu = Cpu::now(&stage, &operator)?;
    let (seconds, created) = tokio::time::timeout(LIMIT, burst(&stage))
        .await
        .context("not all syncs became Ready")??;
    let cpu = Cpu::now(&stage, &operator)?.since(cpu);
    let (rss, rss_peak) = (
        mib(operator.rss_kib()?),
        mib(operator.process().peak_rss_kib()?),
    );
    verify(&stage).await?;
    let (writes, reads) = calls(&stage.control_plane.audit()?, before);
    let counters = stage.simulator.admin().counters().await?;
    let count = |of: &str, operation| usize::try_from(counters.of(of, operation)).map(float);
    let run = Run {
        seconds,
        created,
        vault_calls: count(VAULT, "GetSecret")?,
        token_calls: count("login", "GetToken")?,
        writes,
        reads,
        cpu,
        rss_idle,
        rss,
        rss_peak,
    };
    operator.terminate(Duration::from_secs(10)).await?;
    stage.stop().await?;
    Ok(run)
}

/// Creates all and waits for the last Ready. Both times are from the first create on.
async fn burst(stage: &Stage) -> Result<(f64, f64)> {
    let began = Instant::now();
    let create = async {
        stage.create_identity().await?;
        stage.create_all_syncs().await?;
        Ok::<_, anyhow::Error>(began.elapsed().as_secs_f64())
    };
    let ready = async {
        all_ready(stage).await?;
        Ok(began.elapsed().as_secs_f64())
    };
    let (created, ready) = tokio::try_join!(create, ready)?;
    Ok((ready, created))
}

async fn all_ready(stage: &Stage) -> Result<()> {
    let mut waiting: BTreeSet<String> = (0..SYNCS).map(name).collect();
    let stream = watcher(stage.syncs(), watcher::Config::default()).applied_objects();
    let mut stream = pin!(stream);
    while let Some(sync) = stream.try_next().await? {
        if is_ready(&sync) {
            waiting.remove(&sync.name_any());
            if waiting.is_empty() {
                return Ok(());
            }
        }
    }
    bail!("the watch ended")
}

fn is_ready(sync: &VaultSecretSync) -> bool {
    sync.status.as_ref().is_some_and(|status| {
        status.observed_generation == sync.metadata.generation
            && status
                .conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

/// A fast answer that is wrong is worth nothing: each Secret holds each value.
async fn verify(stage: &Stage) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let listed = secrets.list(&ListParams::default()).await?;
    let found: BTreeMap<String, Secret> = listed
        .into_iter()
        .map(|secret| (secret.name_any(), secret))
        .collect();
    for number in 0..SYNCS {
        let data = found
            .get(&name(number))
            .and_then(|secret| secret.data.as_ref());
        let right = |at| {
            let held = data.and_then(|data| data.get(&key(at)));
            held.is_some_and(|held| held.0 == value(number, at).into_bytes())
        };
        ensure!(
            (0..OBJECTS).all(right),
            "Secret {} does not hold what the vault has",
            name(number)
        );
    }
    Ok(())
}

/// The operator's answered requests from entry `before` of the audit log on: writes and reads.
fn calls(
    audit: &[audit::Entry],
    before: usize,
) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut writes, mut reads) = (BTreeMap::new(), BTreeMap::new());
    let user = user();
    for entry in audit.iter().skip(before).filter(|entry| entry.user == user) {
        let into = match entry.verb.as_str() {
            "watch" => continue,
            "get" | "list" => &mut reads,
            _ => &mut writes,
        };
        let mut what = format!("{} {}", entry.verb, entry.resource);
        if !entry.subresource.is_empty() {
            what = format!("{what}/{}", entry.subresource);
        }
        if entry.code >= 400 {
            what = format!("{what}, answered {}", entry.code);
        }
        if entry.resource.ends_with("identities") || entry.name == CREDENTIAL {
            what = format!("{what} {OF_IDENTITY}");
        }
        *into.entry(what).or_default() += 1;
    }
    (writes, reads)
}

fn mib(kib: u64) -> f64 {
    usize::try_from(kib).map_or(f64::NAN, float) / 1024.0
}
