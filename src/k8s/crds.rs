//! The custom resource definitions that must be there before anything can be watched.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ready::Readiness;

const PAUSE: Duration = Duration::from_secs(1);

/// Waits until the API server serves all `plurals` of `group_version` (`group/version`), naming those that are missing in the
/// log and on `/readyz`. Discovery needs no permission beyond what every account has. False when told to stop.
pub async fn wait_for(
    client: &Client,
    group_version: &str,
    plurals: &[&'static str],
    readiness: &Arc<Readiness>,
    stop: &CancellationToken,
) -> bool {
    let label = |plural: &str| {
        format!(
            "CustomResourceDefinition {plural}.{}",
            group_version.split('/').next().unwrap_or_default()
        )
    };
    for plural in plurals {
        readiness.wait_for(label(plural));
    }
    let mut told: Option<Vec<&str>> = None;
    loop {
        let served = served(client, group_version).await;
        let (there, missing): (Vec<&str>, Vec<&str>) = plurals
            .iter()
            .copied()
            .partition(|plural| served.iter().any(|name| name == plural));
        for plural in there {
            readiness.done(&label(plural));
        }
        if missing.is_empty() {
            if told.is_some() {
                info!("All CustomResourceDefinitions are there");
            }
            return true;
        }
        if told.as_ref() != Some(&missing) {
            let names: Vec<String> = missing.iter().map(|plural| label(plural)).collect();
            warn!(
                missing = names.join(", "),
                "Waiting for CustomResourceDefinitions: kubectl apply -f crds/"
            );
            told = Some(missing);
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn served(client: &Client, group_version: &str) -> Vec<String> {
    let Ok(request) = http::Request::get(format!("/apis/{group_version}")).body(Vec::new()) else {
        return Vec::new();
    };
    match client.request::<APIResourceList>(request).await {
        Ok(list) => list
            .resources
            .into_iter()
            .map(|resource| resource.name)
            .collect(),
        Err(kube::Error::Api(status)) if status.is_not_found() => Vec::new(),
        Err(error) => {
            warn!(%error, "Discovery failed; it is tried again");
            Vec::new()
        }
    }
}
