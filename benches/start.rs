//! How soon a process that has just been started does its work.

use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, ObjectList};
use kube::{Api, Client};
use lakevault::azure_identity::api::AzureIdentity;
use lakevault::vault_secret_sync::MANAGED;
use lakevault::vault_secret_sync::api::VaultSecretSync;
use testbed::binaries;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::restart::restart;
use crate::settings::Settings;
use crate::stage::load::{Load, NAMESPACE};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "start";

/// Objects on a page of a list, as Kubernetes' own clients ask for them.
const PAGE: u32 = 500;
/// Of younger objects no time is recorded, and a start reads them.
const AGE: Duration = Duration::from_secs(3);

/// Seconds from the start of the process on.
struct Seen {
    ready: f64,
    /// Of Lakevault only, by its metrics. It is asked for them from `ready` on.
    first: Option<f64>,
    /// What a program takes that only lists the same objects.
    floor: Option<f64>,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let about = "from the start of the process to its first reconcile, with one sync and with many";
    let mut report = Report::new(NAME, about);
    for (syncs, most) in [(1, 1.0), (settings.scaled(10_000), 5.0)] {
        let seen = watch(settings, syncs).await?;
        let with = |what: &str| format!("{syncs} sync(s): {what}");
        report.tell(with("start until /readyz"), seen.ready, "s");
        if let Some(first) = seen.first {
            let what = with("start until the first reconcile");
            report.judge(what, first, "s", Aim::AtMost(most));
        }
        if let Some(floor) = seen.floor {
            report.tell("  floor: the same objects, listed alone", floor, "s");
        }
    }
    if let Some(image) = image()? {
        report.tell("the image, as nodes pull it", image, "MiB");
    }
    Ok(report)
}

/// The size of the image that was made last, in MiB. Its layers are compressed.
fn image() -> Result<Option<f64>> {
    let Ok(files) = std::fs::read_dir(binaries::repository().join("dist")) else {
        return Ok(None);
    };
    for file in files {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let version = name.strip_prefix("lakevault-");
        let version = version.and_then(|rest| rest.strip_suffix(".oci.tar"));
        if version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        {
            let kib = usize::try_from(file.metadata()?.len() / 1024)?;
            return Ok(Some(float(kib) / 1024.0));
        }
    }
    Ok(None)
}

async fn watch(settings: &Settings, syncs: usize) -> Result<Seen> {
    let load = Load {
        vaults: syncs.min(10),
        ..Load::new(syncs, 1, settings.interval(300))
    };
    progress(&format!("{NAME}: until {syncs} are Ready"))?;
    let stage = Stage::new(settings, load).await?;
    let mut subject = Subject::start(&stage).await?;
    stage.settle(&subject).await?;
    tokio::time::sleep(AGE).await;
    progress(&format!("{NAME}: the start"))?;
    let times = restart(&stage, &mut subject, 1).await?;
    subject.stop().await?;
    let mut floor = None;
    if !settings.without_floors {
        floor = Some(listed(&stage.client).await?);
    }
    stage.stop().await?;
    Ok(Seen {
        ready: times.ready,
        first: times.reconciled,
        floor,
    })
}

/// Lists what the operator has to know before it can decide anything. Gives back seconds.
async fn listed(client: &Client) -> Result<f64> {
    let began = Instant::now();
    let identities: Api<AzureIdentity> = Api::namespaced(client.clone(), NAMESPACE);
    let syncs: Api<VaultSecretSync> = Api::namespaced(client.clone(), NAMESPACE);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let all = ListParams::default().limit(PAGE);
    let mut seen = pages(&all, async |page| identities.list(page).await).await?;
    seen += pages(&all, async |page| syncs.list(page).await).await?;
    let ours = all.labels(MANAGED);
    seen += pages(&ours, async |page| secrets.list_metadata(page).await).await?;
    progress(&format!("{NAME}: {seen} objects were listed"))?;
    Ok(began.elapsed().as_secs_f64())
}

/// Reads a list to its end. Gives back how many objects it has.
async fn pages<T: Clone>(
    of: &ListParams,
    page: impl AsyncFn(&ListParams) -> kube::Result<ObjectList<T>>,
) -> Result<usize> {
    let (mut seen, mut params) = (0, of.clone());
    loop {
        let list = page(&params).await?;
        seen += list.items.len();
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = of.clone().continue_token(&token),
            None => return Ok(seen),
        }
    }
}
