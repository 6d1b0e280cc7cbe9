//! Watches: a stream of events followed until the end, with trouble told once and recovery told once.

use std::fmt::Debug;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ready::Readiness;

/// A watch with a pause after each failure. Lists are quorum reads and a broken watch resumes where it was (the defaults),
/// so what is seen never goes back in time.
pub fn watch<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    watcher::watcher(api, config).default_backoff()
}

/// Hands every event to `on_event` until `stop`. The first complete list marks `what` as ready.
pub async fn follow<K>(
    what: &'static str,
    stream: impl Stream<Item = watcher::Result<Event<K>>>,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
    mut on_event: impl FnMut(Event<K>),
) {
    let mut stream = std::pin::pin!(stream.take_until(stop.cancelled_owned()));
    let mut failing = false;
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => {
                if std::mem::take(&mut failing) {
                    info!(watch = what, "Watch works again");
                }
                let listed = matches!(event, Event::InitDone);
                on_event(event);
                if listed {
                    readiness.done(what);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!(watch = what, %error, "Watch failed; it is tried again");
                }
            }
        }
    }
}
