//! The controller loop, written once: names come out of a queue, each is reconciled in a task of its own.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{FutureExt, Stream, StreamExt, stream};
use kube::Resource;
use kube::runtime::controller::{self, Action, ReconcileRequest};
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error};

use super::line::{Lane, Line};
use crate::telemetry::spans;

/// A reconcile that ended in a panic is tried again after this.
const AFTER_PANIC: Duration = Duration::from_mins(1);
/// Running reconciles get this long to end when the operator stops. Each of their writes is whole in itself.
const FAREWELL: Duration = Duration::from_secs(4);

/// The end of a queue that names are put into. Putting one in twice before it is taken out counts once.
#[derive(Debug)]
pub struct Queue<K: Resource>(UnboundedSender<(Lane, ObjectRef<K>)>);

/// The other end.
pub type Names<K> = UnboundedReceiver<(Lane, ObjectRef<K>)>;

impl<K: Resource> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Resource> Queue<K> {
    /// A queue and its other end.
    pub fn new() -> (Self, Names<K>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Asks for a reconcile. After the end of the loop nobody listens, and that is fine.
    pub fn push(&self, name: ObjectRef<K>) {
        self.put(Lane::Asking, name);
    }

    /// Asks for a reconcile that fetches an answer.
    pub fn answer(&self, name: ObjectRef<K>) {
        self.put(Lane::Answered, name);
    }

    fn put(&self, lane: Lane, name: ObjectRef<K>) {
        if self.0.unbounded_send((lane, name)).is_err() {
            tracing::debug!("queue is closed");
        }
    }
}

/// What lets names in, in order.
struct Door<K: Resource<DynamicType = ()>> {
    line: Mutex<Line<ObjectRef<K>>>,
    /// Rings when there may be a place.
    bell: Notify,
}

impl<K: Resource<DynamicType = ()> + Send + 'static> Door<K> {
    fn line(&self) -> MutexGuard<'_, Line<ObjectRef<K>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names, each when there is a place for it.
    fn admit(door: Arc<Self>, names: Names<K>) -> impl Stream<Item = ObjectRef<K>> + Send {
        stream::unfold((door, names), |(door, mut names)| async move {
            loop {
                while let Some(Some((lane, name))) = names.next().now_or_never() {
                    door.line().push(lane, name);
                }
                let next = door.line().pop();
                if let Some(name) = next {
                    return Some((name, (door, names)));
                }
                tokio::select! {
                    come = names.next() => {
                        let (lane, name) = come?;
                        door.line().push(lane, name);
                    }
                    () = door.bell.notified() => {}
                }
            }
        })
    }
}

/// Lets names go by: for whoever does not work on them yet, and asks for all of them when it does.
pub async fn idle<K: Resource>(names: &mut Names<K>) {
    while names.next().await.is_some() {}
}

/// Runs until `stop`. `concurrency` bounds how many objects are worked on at once; one object never is worked on twice at
/// once. A reconcile says itself when it wants to be called again.
pub async fn run<K, Ctx, F>(
    store: Store<K>,
    names: Names<K>,
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
    let door = Arc::new(Door {
        line: Mutex::new(Line::new(usize::from(concurrency))),
        bell: Notify::new(),
    });
    let queue = Door::admit(Arc::clone(&door), names)
        .map(|name| Ok::<_, Infallible>(ReconcileRequest::from(name)))
        .take_until(stop.clone().cancelled_owned());
    let inside = Arc::clone(&door);
    let reconcile = move |object: Arc<K>, ctx: Arc<Ctx>| {
        let door = Arc::clone(&inside);
        door.line().began(&ObjectRef::from_obj(&object));
        // A task of its own lets reconciles use all cores, and keeps a panic to itself.
        let span = {
            let (kind, meta) = (K::kind(&()), object.meta());
            let name = meta.name.as_deref().unwrap_or_default();
            spans::reconcile(&kind, meta.namespace.as_deref(), name)
        };
        let task = tokio::spawn(reconcile(object, ctx).instrument(span));
        async move {
            let action = task.await.unwrap_or_else(|panic| {
                error!(%panic, "Reconcile panicked");
                Action::requeue(AFTER_PANIC)
            });
            door.line().ended();
            door.bell.notify_one();
            Ok::<_, Infallible>(action)
        }
        .boxed()
    };
    let never = |_: Arc<K>, error: &Infallible, _: Arc<Ctx>| match *error {};
    let config = controller::Config::default().concurrency(concurrency);
    let mut outcomes = std::pin::pin!(controller::applier(
        reconcile, never, ctx, store, queue, config
    ));
    let work = async {
        while let Some(outcome) = outcomes.next().await {
            if let Err(controller::Error::ObjectNotFound(name)) = outcome {
                let gone = ObjectRef::new(&name.name);
                let gone = name.namespace.iter().fold(gone, |gone, at| gone.within(at));
                door.line().vain(&gone);
                door.bell.notify_one();
            }
        }
    };
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        () = work => {}
        () = deadline => {}
    }
}
