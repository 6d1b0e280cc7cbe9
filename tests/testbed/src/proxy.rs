//! A way to the API server on which requests can be held, for what is sent in time and comes late, or refused.
//!
//! It speaks HTTP on loopback and asks the API server as the user whose kubeconfig it has. What it was given it carries to the API
//! server even where whoever sent it is gone: that is what a request on its way does.

use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Bodies of Kubernetes are smaller.
const LARGEST: usize = 8 << 20;

type Fits = dyn Fn(&Method, &str) -> bool + Send + Sync;

/// A running proxy. Dropping it ends it.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    fits: Mutex<Option<Box<Fits>>>,
    held: Mutex<Vec<Waiting>>,
    refused: Mutex<Option<Refused>>,
}

/// Requests that do not reach the API server.
struct Refused {
    fits: Box<Fits>,
    left: usize,
}

struct Waiting {
    held: Held,
    go: Option<oneshot::Sender<()>>,
}

/// A request that is or was held.
#[derive(Clone, Debug)]
pub struct Held {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What the API server answered when it got it.
    pub status: Option<u16>,
}

impl Proxy {
    /// Starts one that asks as the user of this kubeconfig, once for each request.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read, or no port can be had.
    pub async fn start(kubeconfig: &Path) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.default_retry = false;
        let client = Client::try_from(config)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            client,
            fits: Mutex::default(),
            held: Mutex::default(),
            refused: Mutex::default(),
        });
        let app = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends with the task, and by nothing else.
            drop(axum::serve(listener, app).await);
        });
        Ok(Self { port, shared, task })
    }

    /// Writes a kubeconfig that leads here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, folder: &Path) -> Result<PathBuf> {
        let server = format!("http://127.0.0.1:{}", self.port);
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": server}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        });
        fs::create_dir_all(folder)?;
        let file = folder.join("proxy.kubeconfig");
        fs::write(&file, config.to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// Holds requests from now on whose method and path fit.
    pub fn hold(&self, fits: impl Fn(&Method, &str) -> bool + Send + Sync + 'static) {
        *lock(&self.shared.fits) = Some(Box::new(fits));
    }

    /// Answers the next so many requests whose method and path fit as an API server that is too busy, which never sees them.
    pub fn refuse(
        &self,
        times: usize,
        fits: impl Fn(&Method, &str) -> bool + Send + Sync + 'static,
    ) {
        *lock(&self.shared.refused) = Some(Refused {
            fits: Box::new(fits),
            left: times,
        });
    }

    /// How many of those that are to be refused have not come yet.
    pub fn to_be_refused(&self) -> usize {
        lock(&self.shared.refused)
            .as_ref()
            .map_or(0, |refused| refused.left)
    }

    /// What is or was held, oldest first.
    pub fn held(&self) -> Vec<Held> {
        let held = lock(&self.shared.held);
        held.iter().map(|waiting| waiting.held.clone()).collect()
    }

    /// Lets all go that are held, and holds no more.
    pub fn release(&self) {
        *lock(&self.shared.fits) = None;
        for waiting in lock(&self.shared.held).iter_mut() {
            if let Some(go) = waiting.go.take() {
                // Nobody waits for it where the proxy ends.
                go.send(()).ok();
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let carried = tokio::spawn(async move { carry(&shared, request).await });
    match carried.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn carry(shared: &Shared, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await?;
    if is_refused(shared, &parts.method, parts.uri.path()) {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "too busy").into_response());
    }
    let held = pass(shared, &parts.method, parts.uri.path()).await;
    for header in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(header);
    }
    let path = parts.uri.path_and_query().context("a path")?;
    parts.uri = path.as_str().parse()?;
    let body = kube::client::Body::from(body.to_vec());
    let answer = shared
        .client
        .send(http::Request::from_parts(parts, body))
        .await?;
    if let Some(place) = held
        && let Some(waiting) = lock(&shared.held).get_mut(place)
    {
        waiting.held.status = Some(answer.status().as_u16());
    }
    let (mut parts, body) = answer.into_parts();
    // It is sent on in pieces of its own.
    parts.headers.remove(TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, Body::new(body)))
}

fn is_refused(shared: &Shared, method: &Method, path: &str) -> bool {
    let mut refused = lock(&shared.refused);
    let fitting = refused.as_mut().filter(|refused| refused.left > 0);
    match fitting.filter(|refused| (refused.fits)(method, path)) {
        Some(refused) => {
            refused.left -= 1;
            true
        }
        None => false,
    }
}

/// Waits where the request is to be held. Gives back its place among those.
async fn pass(shared: &Shared, method: &Method, path: &str) -> Option<usize> {
    let fits = lock(&shared.fits)
        .as_ref()
        .is_some_and(|fits| fits(method, path));
    if !fits {
        return None;
    }
    let (go, gone) = oneshot::channel();
    let place = {
        let mut held = lock(&shared.held);
        held.push(Waiting {
            held: Held {
                method: method.to_string(),
                path: path.to_owned(),
                status: None,
            },
            go: Some(go),
        });
        held.len() - 1
    };
    // A proxy that ends lets go as well.
    drop(gone.await);
    Some(place)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
