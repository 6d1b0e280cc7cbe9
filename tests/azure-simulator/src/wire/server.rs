//! Listeners and connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::exchange::{self, Peer};
use crate::app::App;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// What requests under way may still take when a connection is asked to end.
const FAREWELL_TIME: Duration = Duration::from_millis(500);

/// A bound listener; with `host` it serves that host alone.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    host: Option<Arc<str>>,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr, host: Option<&str>) -> Result<Self> {
        let socket = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        Ok(Self {
            socket,
            host: host.map(Arc::from),
        })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// Accepts connections until the app stops; `tls` is absent for plain HTTP.
    pub(crate) async fn serve(self, app: Arc<App>, tls: Option<TlsAcceptor>) {
        loop {
            let accepted = tokio::select! {
                () = app.stop.cancelled() => return,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(
                        Arc::clone(&app),
                        stream,
                        peer,
                        tls.clone(),
                        self.host.clone(),
                    );
                    app.connections.spawn(connection);
                }
                Err(error) => {
                    // Out of file handles, most likely: accepting at once again would spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn connection(
    app: Arc<App>,
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    own_host: Option<Arc<str>>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let Some(acceptor) = tls else {
        let name = own_host
            .clone()
            .unwrap_or_else(|| app.journal.intern("plain-http"));
        let peer = Arc::new(Peer::new(&app, address, own_host, &name));
        return exchanges(app, stream, peer, None).await;
    };
    match timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let sni = stream
                .get_ref()
                .1
                .server_name()
                .map(|name| app.journal.intern(name));
            let name = sni
                .clone()
                .or_else(|| own_host.clone())
                .unwrap_or_else(|| app.journal.intern("no-sni"));
            let peer = Arc::new(Peer::new(&app, address, own_host, &name));
            exchanges(app, stream, peer, sni).await;
        }
        // A client that does not trust the certificate ends here: expected under a fault.
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// Serves one connection until it ends, the app stops, or its host is taken away.
async fn exchanges<S>(app: Arc<App>, stream: S, peer: Arc<Peer>, sni: Option<Arc<str>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut names_changed = app.names_changed.subscribe();
    let service_app = Arc::clone(&app);
    let service = service_fn(move |request: Request<Incoming>| {
        exchange::answer(Arc::clone(&service_app), Arc::clone(&peer), request)
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    loop {
        tokio::select! {
            result = served.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = app.stop.cancelled() => break,
            changed = names_changed.changed() => {
                if changed.is_err() || sni.as_deref().is_some_and(|host| app.is_cut_off(host)) {
                    break;
                }
            }
        }
    }
    served.as_mut().graceful_shutdown();
    if timeout(FAREWELL_TIME, served).await.is_err() {
        tracing::debug!("a request was cut off");
    }
}
