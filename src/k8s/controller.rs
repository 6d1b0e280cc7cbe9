//! The controller loop, written once: names come out of a queue, each is reconciled in a task of its own.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{FutureExt, StreamExt};
use kube::Resource;
use kube::runtime::controller::{self, Action, ReconcileRequest};
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// A reconcile that ended in a panic is tried again after this.
const AFTER_PANIC: Duration = Duration::from_mins(1);
/// Running reconciles get this long to end when the operator stops. Each of their writes is whole in itself.
const FAREWELL: Duration = Duration::from_secs(4);

/// The end of a queue that names are put into. Putting one in twice before it is taken out counts once.
#[derive(Debug)]
pub struct Queue<K: Resource>(UnboundedSender<ObjectRef<K>>);

impl<K: Resource> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Resource> Queue<K> {
    /// A queue and its other end.
    pub fn new() -> (Self, UnboundedReceiver<ObjectRef<K>>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Asks for a reconcile. After the end of the loop nobody listens, and that is fine.
    pub fn push(&self, name: ObjectRef<K>) {
        if self.0.unbounded_send(name).is_err() {
            tracing::debug!("queue is closed");
        }
    }
}

/// Runs until `stop`. `concurrency` bounds how many objects are worked on at once; one object never is worked on twice at
/// once. A reconcile says itself when it wants to be called again.
pub async fn run<K, Ctx, F>(
    store: Store<K>,
    names: UnboundedReceiver<ObjectRef<K>>,
    concurrency: u16,
    ctx: Arc<Ctx>,
    reconcile: impl Fn(Arc<K>, Arc<Ctx>) -> F + Send + Sync + 'static,
    stop: CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    (): Debug + Eq + Hash + Clone,
    Ctx: Send + Sync + 'static,
    F: Future<Output = Action> + Send + 'static,
{
    let queue = names
        .map(|name| Ok::<_, Infallible>(ReconcileRequest::from(name)))
        .take_until(stop.clone().cancelled_owned());
    let reconcile = move |object: Arc<K>, ctx: Arc<Ctx>| {
        // A task of its own lets reconciles use all cores, and keeps a panic to itself.
        let task = tokio::spawn(reconcile(object, ctx));
        async move {
            let action = task.await.unwrap_or_else(|panic| {
                error!(%panic, "Reconcile panicked");
                Action::requeue(AFTER_PANIC)
            });
            Ok::<_, Infallible>(action)
        }
        .boxed()
    };
    let never = |_: Arc<K>, error: &Infallible, _: Arc<Ctx>| match *error {};
    let config = controller::Config::default().concurrency(concurrency);
    let mut outcomes = std::pin::pin!(controller::applier(
        reconcile, never, ctx, store, queue, config
    ));
    let work = async { while outcomes.next().await.is_some() {} };
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        () = work => {}
        () = deadline => {}
    }
}
