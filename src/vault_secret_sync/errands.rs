//! Work for a sync that takes time, such as asking an authority: it runs as a task of its own, and the sync is woken when it
//! is done. No reconcile waits for it, so one authority that hangs holds up nobody else's.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::hub::Wake;
use crate::hub::want::Ticket;

/// What was asked for, in short: whoever asks for something else begins anew.
type Question = u64;

enum Errand<T> {
    Running(AbortHandle),
    Done(T),
}

type All<T> = BTreeMap<Ticket, (Question, Errand<T>)>;

/// The errands of all syncs, at most one each.
pub struct Errands<T> {
    running: Arc<Mutex<All<T>>>,
    wake: Wake,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + 'static> Errands<T> {
    /// No errands yet. Whoever's is done is told by `wake`.
    pub fn new(wake: Wake) -> Self {
        Self {
            running: Arc::default(),
            wake,
        }
    }

    /// What came of the work, or nothing while it is under way. The first who asks a question begins the work for it; the
    /// answer is kept until it is forgotten, or something else is asked.
    pub fn run<F>(
        &self,
        ticket: &Ticket,
        question: &impl Hash,
        work: impl FnOnce() -> F,
    ) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        let question = hasher.finish();
        let mut running = lock(&self.running);
        match running.get(ticket) {
            Some((asked, Errand::Done(answer))) if *asked == question => {
                return Some(answer.clone());
            }
            Some((asked, Errand::Running(_))) if *asked == question => return None,
            Some((_, Errand::Running(task))) => task.abort(),
            Some((_, Errand::Done(_))) | None => {}
        }
        let (all, wake) = (Arc::clone(&self.running), Arc::clone(&self.wake));
        let (work, whose) = (work(), Ticket::clone(ticket));
        // It cannot be done before it is noted: the lock is held.
        let task = tokio::spawn(async move {
            let answer = work.await;
            if let Some((asked, errand)) = lock(&all).get_mut(&whose)
                && *asked == question
            {
                *errand = Errand::Done(answer);
            }
            wake(&whose);
        });
        let errand = Errand::Running(task.abort_handle());
        running.insert(Ticket::clone(ticket), (question, errand));
        None
    }

    /// Ends what is done for a sync, and drops what came of it.
    pub fn forget(&self, ticket: &Ticket) {
        if let Some((_, Errand::Running(task))) = lock(&self.running).remove(ticket) {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;
    use crate::hub::want::Caller;

    fn ticket(uid: &str) -> Ticket {
        Ticket::new(Caller {
            uid: uid.to_owned(),
            namespace: "team".to_owned(),
            name: uid.to_owned(),
        })
    }

    fn errands() -> (Errands<u8>, mpsc::UnboundedReceiver<String>) {
        let (sender, woken) = mpsc::unbounded_channel();
        let wake = Arc::new(move |ticket: &Ticket| sender.send(ticket.name.clone()).unwrap());
        (Errands::new(wake), woken)
    }

    #[tokio::test]
    async fn the_sync_is_woken_for_an_answer_which_is_kept_until_it_is_forgotten() {
        let (errands, mut woken) = errands();
        let app = ticket("app");
        assert_eq!(errands.run(&app, &1, || async { 7 }), None);
        assert_eq!(woken.recv().await.as_deref(), Some("app"));
        assert_eq!(errands.run(&app, &1, pending::<u8>), Some(7));
        assert_eq!(errands.run(&app, &1, pending::<u8>), Some(7));
        errands.forget(&app);
        assert_eq!(errands.run(&app, &1, pending::<u8>), None);
    }

    #[tokio::test]
    async fn work_under_way_is_not_begun_again_and_another_question_ends_it() {
        let (errands, mut woken) = errands();
        let app = ticket("app");
        assert_eq!(errands.run(&app, &1, pending::<u8>), None);
        assert_eq!(errands.run(&app, &1, || async { 1 }), None);
        assert_eq!(errands.run(&app, &2, || async { 2 }), None);
        assert_eq!(woken.recv().await.as_deref(), Some("app"));
        assert_eq!(errands.run(&app, &2, pending::<u8>), Some(2));
    }

    #[tokio::test]
    async fn one_that_hangs_holds_up_no_other() {
        let (errands, mut woken) = errands();
        assert_eq!(errands.run(&ticket("slow"), &1, pending::<u8>), None);
        assert_eq!(errands.run(&ticket("fast"), &1, || async { 1 }), None);
        assert_eq!(woken.recv().await.as_deref(), Some("fast"));
        errands.forget(&ticket("slow"));
        assert!(
            lock(&errands.running)
                .keys()
                .all(|ticket| ticket.name == "fast")
        );
    }
}
