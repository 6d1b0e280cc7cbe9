//! Waiting for a control plane to be ready.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use http::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::install_tls_provider;
use crate::poll::{seen, until};
use crate::process::Process;

/// Whether a client asks again by itself when the server says that it is not ready: kube's default, but whoever waits for the
/// server to be ready polls faster than that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    On,
    Off,
}

pub(super) async fn client(kubeconfig: &Path, retry: Retry) -> Result<Client> {
    install_tls_provider();
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = retry == Retry::On;
    Ok(Client::try_from(config)?)
}

pub(super) async fn wait_ready(
    api_server: &Process,
    client: &Client,
    within: Duration,
) -> Result<()> {
    let look = async || match client
        .request_text(Request::get("/readyz").body(Vec::new()).map_err(seen)?)
        .await
    {
        _ if !api_server.is_alive() => Ok(Err(api_server.failure("ended at its start"))),
        Ok(_) => Ok(Ok(())),
        Err(error) => Err(seen(error)),
    };
    until(within, "the API server to be ready", look)
        .await
        .map_err(|error| api_server.failure(&seen(error)))?
}

pub(super) async fn wait_established(client: &Client, within: Duration) -> Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let look = async || {
        let list = crds
            .list(&kube::api::ListParams::default())
            .await
            .map_err(seen)?;
        let waiting: Vec<String> = list
            .items
            .into_iter()
            .filter(|crd| !is_established(crd))
            .filter_map(|crd| crd.metadata.name)
            .collect();
        if waiting.is_empty() {
            Ok(())
        } else {
            Err(waiting.join(", "))
        }
    };
    until(within, "all CustomResourceDefinitions to be served", look).await
}

fn is_established(crd: &CustomResourceDefinition) -> bool {
    let conditions = crd
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// Waits for what other programs take for granted: the `default` ServiceAccount and the service range.
pub(super) async fn wait_furnished(
    manager: &Process,
    client: &Client,
    within: Duration,
) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    let ranges: Api<ServiceCIDR> = Api::all(client.clone());
    let look = async || {
        if !manager.is_alive() {
            return Ok(Err(manager.failure("ended at its start")));
        }
        accounts
            .get("default")
            .await
            .map_err(|error| format!("ServiceAccount default/default: {error}"))?;
        ranges
            .get("kubernetes")
            .await
            .map_err(|error| format!("ServiceCIDR kubernetes: {error}"))?;
        Ok(Ok(()))
    };
    until(within, "the control plane's own objects", look)
        .await
        .map_err(|error| manager.failure(&seen(error)))?
}
