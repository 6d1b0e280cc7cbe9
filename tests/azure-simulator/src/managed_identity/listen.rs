//! The machine's listeners, the certificate of Service Fabric, and where all of it is.

use std::{fmt::Write as _, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs as provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde::Serialize;
use tokio_rustls::TlsAcceptor;

use super::{PLAIN_DOOR, SERVICE_FABRIC_PATH, TLS_DOOR, arc::Keys};
use crate::{
    Options,
    wire::{server::Listener, tls::write_private},
    world::tenant::derived_uuid,
};

/// Key and certificate of Service Fabric's listener: clients hold its thumbprint, so it is kept over restarts.
const CERTIFICATE_FILE: &str = "service-fabric.pem";

/// What the endpoints keep between requests.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Value of the header that App Service, Azure ML and Service Fabric ask for.
    pub(super) header: String,
    pub(super) arc: Keys,
}

/// A listener, and its TLS when it has one.
type Door = (Listener, Option<TlsAcceptor>);

/// Where the endpoints are, and what their clients need.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentityEndpoints {
    /// The metadata service in place of <http://169.254.169.254>.
    pub imds: String,
    /// `IDENTITY_ENDPOINT` of App Service, 2019-08-01.
    pub app_service: String,
    /// `MSI_ENDPOINT` of App Service, 2017-09-01.
    pub app_service_old: String,
    /// `IDENTITY_ENDPOINT` of Azure Arc.
    pub arc: String,
    /// `IMDS_ENDPOINT` of Azure Arc.
    pub arc_imds: String,
    /// `MSI_ENDPOINT` of Cloud Shell.
    pub cloud_shell: String,
    /// `MSI_ENDPOINT` of Azure Machine Learning.
    pub azure_ml: String,
    /// `IDENTITY_ENDPOINT` of Service Fabric.
    pub service_fabric: String,
    /// `IDENTITY_SERVER_THUMBPRINT`: SHA-1 of its certificate, hex.
    pub service_fabric_thumbprint: String,
    /// `IDENTITY_HEADER`, or `MSI_SECRET`.
    pub header: String,
}

/// Binds the listeners. `dir` keeps the certificate.
pub(crate) async fn open(
    options: &Options,
    dir: &Path,
) -> Result<(Machine, Vec<Door>, ManagedIdentityEndpoints)> {
    let plain = Listener::bind(options.managed_identity, Some(PLAIN_DOOR)).await?;
    let secure = Listener::bind(options.service_fabric, Some(TLS_DOOR)).await?;
    let pem = kept_certificate(&dir.join(CERTIFICATE_FILE))?;
    let (tls, thumbprint) = tls(&pem)?;
    let machine = Machine {
        header: derived_uuid(&["identity header", &pem]).to_string(),
        arc: Keys::in_folder(
            options
                .arc_tokens
                .clone()
                .unwrap_or_else(|| dir.join("arc-tokens")),
        ),
    };
    let base = format!("http://{}", plain.address()?);
    let at = |path: &str| format!("{base}{path}");
    let endpoints = ManagedIdentityEndpoints {
        app_service: at("/appservice/msi/token"),
        app_service_old: at("/appservice2017/msi/token"),
        arc: at("/arc/metadata/identity/oauth2/token"),
        arc_imds: base.clone(),
        cloud_shell: at("/cloudshell/oauth2/token"),
        azure_ml: at("/azureml/token"),
        service_fabric: format!("https://{}{SERVICE_FABRIC_PATH}", secure.address()?),
        service_fabric_thumbprint: thumbprint,
        header: machine.header.clone(),
        imds: base,
    };
    Ok((machine, vec![(plain, None), (secure, Some(tls))], endpoints))
}

/// Key and self-signed certificate in one PEM text, made at first start.
fn kept_certificate(file: &Path) -> Result<String> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            let certificate =
                CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?
                    .self_signed(&key)?;
            let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
            write_private(file, pem.as_bytes())?;
            Ok(pem)
        }
        read => read.with_context(|| format!("cannot read {}", file.display())),
    }
}

fn tls(pem: &str) -> Result<(TlsAcceptor, String)> {
    let bad = |error| anyhow::anyhow!("{CERTIFICATE_FILE}: {error}");
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(bad)?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(bad)?;
    let mut thumbprint = String::new();
    for byte in digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate).as_ref() {
        write!(thumbprint, "{byte:02X}")?;
    }
    let config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), thumbprint))
}
