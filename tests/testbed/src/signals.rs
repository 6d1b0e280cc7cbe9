//! Waiting to be told to end.

use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-C or SIGTERM. An error of the first means that neither will ever come; then ending now is the safe answer.
pub async fn asked_to_end() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = tokio::signal::ctrl_c() => drop(ended),
        () = terminated => {}
    }
}
