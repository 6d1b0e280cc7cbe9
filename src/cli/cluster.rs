//! A client of the API server that looks into a file first: what the file has is taken from there, everything else from the
//! cluster of the caller's kubeconfig, if there is one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tower::service_fn;

use super::Failure;
use super::manifests::Manifests;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Larger than any manifest that is written by hand.
const LARGEST_FILE: u64 = 8 << 20;

/// Which cluster, and where in it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Connect {
    /// The namespace. Default: that of the kubeconfig's context.
    #[arg(long, short)]
    namespace: Option<String>,

    /// The kubeconfig. Default: as kubectl finds it.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig. Default: its current one.
    #[arg(long)]
    context: Option<String>,

    /// The operator's namespace, which has the credentials of every ClusterAzureIdentity.
    #[arg(long, env = "LAKEVAULT_NAMESPACE", default_value = "lakevault-system")]
    operator_namespace: String,
}

/// Where objects are read.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ClusterArgs {
    /// Read the objects from this file, as kubectl apply would. What it does not have is read from the cluster.
    #[arg(long, short)]
    filename: Option<PathBuf>,

    #[command(flatten)]
    connect: Connect,
}

impl From<Connect> for ClusterArgs {
    fn from(connect: Connect) -> Self {
        Self {
            filename: None,
            connect,
        }
    }
}

/// Where objects are.
pub(super) struct Cluster {
    /// Answers from the file, then from the cluster.
    pub(super) client: Client,
    /// Answers from the cluster alone; none where there is none.
    pub(super) live: Option<Client>,
    /// What the file has.
    pub(super) manifests: Option<Arc<Manifests>>,
    /// Of objects that name none.
    pub(super) namespace: String,
    /// Of `ClusterAzureIdentities`.
    pub(super) operator_namespace: String,
}

impl ClusterArgs {
    /// Whether a file was named.
    pub(super) fn has_file(&self) -> bool {
        self.filename.is_some()
    }

    /// What the file has, with no look at a cluster. Objects that name no namespace get the one that was typed; none where none was.
    pub(super) fn manifests(&self) -> Result<Manifests, Failure> {
        let path = self.filename.as_ref();
        let path = path.ok_or_else(|| Failure::usage("name the file with -f"))?;
        read(path, self.connect.namespace.as_deref().unwrap_or_default())
    }

    /// Finds the cluster and reads the file.
    pub(super) async fn open(&self) -> Result<Cluster, Failure> {
        let config = self.config().await;
        let namespace = match (&self.connect.namespace, &config) {
            (Some(namespace), _) => namespace.clone(),
            (None, Ok(config)) => config.default_namespace.clone(),
            (None, Err(_)) => "default".to_owned(),
        };
        let manifests = match &self.filename {
            Some(path) => Some(Arc::new(read(path, &namespace)?)),
            None => None,
        };
        let (live, missing) = match config {
            Ok(config) => (Some(connect(config)?), None),
            Err(error) => (None, Some(error)),
        };
        let client = match (&live, &manifests) {
            (Some(live), None) => live.clone(),
            (live, Some(manifests)) => layered(manifests, live.clone()),
            (None, None) => {
                let error = missing.unwrap_or_default();
                return Err(Failure::failed(format!(
                    "failed to find a cluster: {error}. Mend: set KUBECONFIG or --kubeconfig, or read a file with -f"
                )));
            }
        };
        Ok(Cluster {
            client,
            live,
            manifests,
            namespace,
            operator_namespace: self.connect.operator_namespace.clone(),
        })
    }

    async fn config(&self) -> Result<Config, String> {
        let options = KubeConfigOptions {
            context: self.connect.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match (&self.connect.kubeconfig, &self.connect.context) {
            (Some(path), _) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
                Config::from_custom_kubeconfig(kubeconfig, &options)
                    .await
                    .map_err(|error| error.to_string())
            }
            (None, Some(_)) => Config::from_kubeconfig(&options)
                .await
                .map_err(|error| error.to_string()),
            (None, None) => Config::infer().await.map_err(|error| error.to_string()),
        };
        config.map(|mut config| {
            config.default_retry = false;
            config.connect_timeout = Some(CONNECT_TIMEOUT);
            config
        })
    }
}

fn connect(config: Config) -> Result<Client, Failure> {
    Client::try_from(config)
        .map_err(|error| Failure::failed(format!("failed to build the Kubernetes client: {error}")))
}

fn read(path: &PathBuf, namespace: &str) -> Result<Manifests, Failure> {
    let unread =
        |what: String| Failure::usage(format!("failed to read {}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unread(error.to_string()))?;
    if size.len() > LARGEST_FILE {
        return Err(unread(format!("it is larger than {LARGEST_FILE} bytes")));
    }
    let text = std::fs::read_to_string(path)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| unread(error.to_string()))?;
    Manifests::parse(&text, namespace).map_err(unread)
}

/// A client whose GETs are answered from the file where it has the object.
fn layered(manifests: &Arc<Manifests>, cluster: Option<Client>) -> Client {
    let manifests = Arc::clone(manifests);
    let service = service_fn(move |request: Request<Body>| {
        let (manifests, cluster) = (Arc::clone(&manifests), cluster.clone());
        async move {
            let found = (request.method() == Method::GET)
                .then(|| manifests.at(request.uri().path()))
                .flatten();
            match (found, cluster) {
                (Some(object), _) => Ok(answer(StatusCode::OK, object.to_string())),
                (None, Some(cluster)) => cluster.send(request).await,
                (None, None) => Ok(absent(request.method())),
            }
        }
    });
    Client::new(service, "default")
}

/// What a cluster without this object answers; and to anything but a question, what one answers that is not there.
fn absent(method: &Method) -> Response<Body> {
    let (code, reason, message) = if method == Method::GET {
        (
            StatusCode::NOT_FOUND,
            "NotFound",
            "the file does not have it, and there is no cluster",
        )
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "there is no cluster to ask",
        )
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code.as_u16(), "reason": reason, "message": message,
    });
    answer(code, status.to_string())
}

fn answer(code: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into_bytes()));
    *response.status_mut() = code;
    response
}
