//! Many identities: what a token slot costs in memory, what a look at a cached token costs in time.
//!
//! The operator's own code (`Identities`) runs in this process, against a real API server, which keeps the credential, and
//! the simulator's token endpoint.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::PostParams;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use lakevault::azure::auth::{Token, Want};
use lakevault::azure::http::{Http, HttpOptions};
use lakevault::azure::resource::Resource;
use lakevault::azure_identity::api::{
    AzureIdentity, ClusterAzureIdentity, IdentityKind, IdentityRef,
};
use lakevault::azure_identity::ask::Doors;
use lakevault::azure_identity::identities::{Identities, Stores};
use lakevault::azure_identity::valid::Usable;
use lakevault::k8s::api::Kube;
use lakevault::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use testbed::simulator::Endpoints;
use testbed::{ControlPlane, ControlPlaneOptions, Scratch, Simulator};

use crate::progress;
use crate::report::{Aim, Report, float};

pub const NAME: &str = "tokens";

const IDENTITIES: usize = 10_000;
const TASKS: usize = 100;
/// Looks at cached tokens that are timed.
const LOOKS: usize = 1_000_000;
const NAMESPACE: &str = "bench";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT_SECRET: &str = "bench-client-secret";

/// Runs the scenario. One round: the numbers of calls and bytes do not depend on the moment.
pub async fn run() -> Result<Report> {
    let scratch = Scratch::new("tokens")?;
    progress(&format!(
        "{NAME}: a control plane, and a tenant with {IDENTITIES} applications"
    ))?;
    let control_plane = ControlPlane::start(scratch.path(), ControlPlaneOptions::default()).await?;
    let simulator = Simulator::start(scratch.path(), seed()).await?;
    let client = control_plane.client().await?;
    control_plane
        .kubectl()
        .run(["create", "namespace", NAMESPACE])
        .await?;
    let secret = json!({"metadata": {"name": "sp"}, "stringData": {"secret": CLIENT_SECRET}});
    Api::<Secret>::namespaced(client.clone(), NAMESPACE)
        .create(&PostParams::default(), &serde_json::from_value(secret)?)
        .await?;
    let identities = Arc::new(identities(client, simulator.endpoints())?);
    let wants = wants(simulator.endpoints());
    let about = format!(
        "{IDENTITIES} identities × {} resources, {TASKS} tasks at once",
        wants.len()
    );
    let mut report = Report::new(NAME, about);
    let slots = fill(&identities, &wants, &simulator, &mut report).await?;
    looks(&identities, &slots, &mut report).await?;
    Ok(report)
}

fn client_id(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

fn seed() -> Value {
    let applications: Vec<Value> = (0..IDENTITIES)
        .map(|number| json!({"clientId": client_id(number), "secrets": [{"value": CLIENT_SECRET}]}))
        .collect();
    json!({"tenants": [{"id": TENANT, "name": "bench.test", "applications": applications}]})
}

fn wants(endpoints: &Endpoints) -> [Want; 2] {
    [&endpoints.key_vault_audience, &endpoints.resource_manager]
        .map(|resource| Want::ours(Resource::new(resource)))
}

/// The operator's identities, with as many objects in their cache as a watch would have brought.
fn identities(client: kube::Client, endpoints: &Endpoints) -> Result<Identities> {
    let (store, mut writer) = reflector::store::<AzureIdentity>();
    let cloud = json!({"custom": {
        "authorityHost": endpoints.authority_host,
        "keyVault": {"dnsSuffix": endpoints.key_vault_suffix, "audience": endpoints.key_vault_audience}
    }});
    writer.apply_watcher_event(&Event::Init);
    for number in 0..IDENTITIES {
        let identity = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity",
            "metadata": {"name": name(number), "namespace": NAMESPACE, "uid": client_id(number), "generation": 1},
            "spec": {"tenantId": TENANT, "clientId": client_id(number), "clientSecret": {"name": "sp", "key": "secret"}, "cloud": cloud}
        });
        writer.apply_watcher_event(&Event::InitApply(serde_json::from_value(identity)?));
    }
    writer.apply_watcher_event(&Event::InitDone);
    let stores = Stores {
        identities: store,
        cluster_identities: reflector::store::<ClusterAzureIdentity>().0,
        namespaces: reflector::store::<PartialObjectMeta<Namespace>>().0,
    };
    let metrics = Metrics::default();
    let options = HttpOptions {
        ca_file: Some(endpoints.ca_file.clone()),
        hosts_file: Some(endpoints.hosts_file.clone()),
    };
    let doors = Doors {
        http: Http::new(&options, metrics.clone()).map_err(anyhow::Error::msg)?,
        kube: Kube::new(client, "bench".to_owned(), metrics),
        environment: Arc::default(),
        throttles: Arc::default(),
    };
    Ok(Identities::new(
        stores,
        doors,
        "lakevault-system".to_owned(),
    ))
}

fn name(number: usize) -> String {
    format!("identity-{number}")
}

/// Asks for every token once, and tells what that cost.
async fn fill(
    identities: &Arc<Identities>,
    wants: &[Want],
    simulator: &Simulator,
    report: &mut Report,
) -> Result<Vec<(Usable, Want)>> {
    let mut slots = Vec::new();
    for number in 0..IDENTITIES {
        let reference = IdentityRef {
            kind: IdentityKind::AzureIdentity,
            name: name(number),
        };
        let usable = identities.resolve(NAMESPACE, Some(&reference)).await?;
        slots.extend(wants.iter().map(|want| (usable.clone(), want.clone())));
    }
    progress(&format!("{NAME}: {} tokens", slots.len()))?;
    let (before, started) = (resident()?, Instant::now());
    let asked = stream::iter(slots.iter().map(|(usable, want)| async move {
        let token = identities.token(usable, want).await?;
        anyhow::Ok(token.value.len())
    }));
    let sizes: Vec<usize> = asked.buffer_unordered(TASKS).try_collect().await?;
    let seconds = started.elapsed().as_secs_f64();
    let grown = resident()?.saturating_sub(before);
    let calls = simulator.admin().counters().await?.of("login", "GetToken");
    let each = |sum: usize| float(sum) / float(slots.len());
    report.tell("time to have all tokens", seconds, "s");
    report.judge(
        "token requests per slot",
        each(usize::try_from(calls)?),
        "calls",
        Aim::Exactly(1.0),
    );
    report.tell("length of a token", each(sizes.iter().sum()), "bytes");
    report.tell("memory per slot, the token in it", each(grown), "bytes");
    Ok(slots)
}

/// Times looks at tokens that are there, alone and with many tasks at once, beside a bare look at a map of the same tokens.
async fn looks(
    identities: &Arc<Identities>,
    slots: &[(Usable, Want)],
    report: &mut Report,
) -> Result<()> {
    progress(&format!("{NAME}: {LOOKS} looks at cached tokens"))?;
    let started = Instant::now();
    for at in 0..LOOKS {
        let (usable, want) = pick(slots, at)?;
        black_box(identities.token(usable, want).await?);
    }
    let one = nanoseconds(started, LOOKS);
    report.judge("a cached look, one task", one, "ns", Aim::AtMost(1000.0));
    report.tell(
        "  × a look at a bare map behind a lock",
        one / bare(slots)?,
        "×",
    );
    let started = Instant::now();
    let tasks = (0..TASKS).map(|task| {
        let (identities, slots) = (Arc::clone(identities), slots.to_vec());
        tokio::spawn(async move {
            for at in 0..LOOKS / TASKS {
                let (usable, want) = pick(&slots, at * TASKS + task)?;
                black_box(identities.token(usable, want).await?);
            }
            anyhow::Ok(())
        })
    });
    for done in futures::future::join_all(tasks).await {
        done??;
    }
    report.tell(
        "a cached look, 100 tasks at once",
        nanoseconds(started, LOOKS),
        "ns",
    );
    Ok(())
}

/// The least that a shared cache can cost: one lock, one map, one key that is compared.
fn bare(slots: &[(Usable, Want)]) -> Result<f64> {
    let map: HashMap<String, Arc<Option<Token>>> = slots
        .iter()
        .map(|(usable, want)| (key(usable, want), Arc::default()))
        .collect();
    let keys: Vec<String> = slots
        .iter()
        .map(|(usable, want)| key(usable, want))
        .collect();
    let map = Mutex::new(map);
    let started = Instant::now();
    for at in 0..LOOKS {
        let key = keys.get(stride(at, keys.len())).context("no slot")?;
        let found = map
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        ensure!(black_box(found).is_some());
    }
    Ok(nanoseconds(started, LOOKS))
}

fn key(usable: &Usable, want: &Want) -> String {
    format!("{} {}", usable.valid.key, want.resource)
}

/// Far from the one before, so that the processor's caches do not help.
fn stride(at: usize, length: usize) -> usize {
    at.wrapping_mul(7919) % length
}

fn pick(slots: &[(Usable, Want)], at: usize) -> Result<&(Usable, Want)> {
    slots.get(stride(at, slots.len())).context("no slot")
}

fn nanoseconds(started: Instant, times: usize) -> f64 {
    started.elapsed().as_secs_f64() * 1e9 / float(times)
}

/// Resident memory of this process in bytes (proc(5), `statm`).
fn resident() -> Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages = text
        .split_whitespace()
        .nth(1)
        .context("statm has no resident size")?;
    Ok(pages.parse::<usize>()? * 4096)
}
