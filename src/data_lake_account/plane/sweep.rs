//! Lists of a whole tree of a Data Lake Store, which has no call for that: path by path, in batches.

use std::time::{Duration, Instant};

use futures::stream::{FuturesOrdered, StreamExt};

use super::super::lake::{Came, Place};
use super::refused;
use super::store::{Store, is_of_path};
use super::walk::{Item, Next, Walk};
use crate::azure::lake::access::{Failed, Sweep, Swept};
use crate::azure::lake::acl::Scope;
use crate::azure::lake::client::UNDER_WAY;
use crate::azure::lake::list::Page;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{LakePath, Removal, is_absent};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Paths of a batch, at most.
const BATCH: u32 = 1000;
/// After this time a batch ends, so that how far it is can be noted.
const LONGEST: Duration = Duration::from_secs(10);

/// What is done with directories, and with files, which have no default entries.
struct Ways {
    directory: Sweep,
    file: Option<Sweep>,
}

impl Ways {
    fn new(sweep: &Sweep) -> Self {
        let file = match sweep {
            Sweep::Set(acl) => Some(Sweep::Set(acl.access())),
            Sweep::Modify(acl) => {
                let acl = acl.access();
                (!acl.is_empty()).then_some(Sweep::Modify(acl))
            }
            Sweep::Remove(removal) => {
                let keys = removal.keys().filter(|key| key.scope == Scope::Access);
                let keys: Vec<_> = keys.cloned().collect();
                (!keys.is_empty()).then(|| Sweep::Remove(Removal::of(keys)))
            }
        };
        Self {
            directory: sweep.clone(),
            file,
        }
    }
}

/// What came of one path.
enum Did {
    Changed(Thing),
    /// Somebody has deleted it.
    Gone,
    Failed(Failed),
    /// It is no use to go on.
    Stopped(Problem),
}

/// What came of a batch so far. Paths come in, in their order.
#[derive(Default)]
struct Tally {
    swept: Swept,
    /// Paths that are behind us.
    passed: u64,
    /// Where it goes on once what stands in the way is gone.
    stopped: Option<(Option<String>, Problem)>,
}

impl Tally {
    fn add(&mut self, place: Option<String>, did: Did) {
        match did {
            Did::Changed(Thing::Directory) => self.swept.directories += 1,
            Did::Changed(Thing::File) => self.swept.files += 1,
            Did::Gone => {}
            Did::Failed(failed) => {
                self.swept.failures += 1;
                self.swept.failed_entries.push(failed);
            }
            Did::Stopped(problem) => {
                self.stopped = Some((place, problem));
                return;
            }
        }
        self.passed += 1;
    }

    /// `ended` is where it goes on where nothing stands in the way.
    fn came(self, ended: Option<String>) -> Came {
        let continuation = match self.stopped {
            // The next batch meets it as its first, and then it is told.
            Some((place, _)) if self.passed > 0 => place,
            Some((_, problem)) => return refused(problem),
            None => ended,
        };
        Came::Swept(Swept {
            continuation,
            ..self.swept
        })
    }
}

/// Carries out a batch of a tree.
pub(super) async fn sweep(
    store: &Store<'_>,
    place: &Place,
    sweep: &Sweep,
    from: Option<&str>,
) -> Came {
    let Some(mut walk) = Walk::new(&place.path, from) else {
        return Came::Lost(nowhere(place));
    };
    let (ways, began) = (Ways::new(sweep), Instant::now());
    let (mut tally, mut going) = (Tally::default(), FuturesOrdered::new());
    let mut left = BATCH;
    let ended = loop {
        let here = walk.place();
        let late = left < BATCH && began.elapsed() >= LONGEST;
        if left == 0 || late {
            break here;
        }
        match walk.next() {
            Next::End => break None,
            Next::List(path, behind) => {
                // What others make in it from now on inherits what it has got.
                settle(&mut going, 0, &mut tally).await;
                if tally.stopped.is_some() {
                    break None;
                }
                let page = store.list(&path, behind.as_deref()).await;
                walk.listed(listed(&path, page, (here, &mut tally)));
            }
            Next::Change(item) => {
                left -= 1;
                settle(&mut going, UNDER_WAY - 1, &mut tally).await;
                going.push_back(change(store, &ways, item, here));
            }
        }
        if tally.stopped.is_some() {
            break None;
        }
    };
    settle(&mut going, 0, &mut tally).await;
    tally.came(ended)
}

/// Waits until no more than so many paths are under way, or something stands in the way of all of them.
async fn settle(
    going: &mut FuturesOrdered<impl Future<Output = (Option<String>, Did)>>,
    most: usize,
    tally: &mut Tally,
) {
    while going.len() > most
        && tally.stopped.is_none()
        && let Some((place, did)) = going.next().await
    {
        tally.add(place, did);
    }
}

/// Changes a path. `here` is the place that begins with it; only the tree's own directory has none.
async fn change(
    store: &Store<'_>,
    ways: &Ways,
    item: Item,
    here: Option<String>,
) -> (Option<String>, Did) {
    let Item { path, thing } = item;
    let sweep = match thing {
        Thing::Directory => Some(&ways.directory),
        Thing::File => ways.file.as_ref(),
    };
    let did = match (path, sweep) {
        (Err(name), _) => Did::Failed(failed(
            name,
            thing,
            "no request can be made for this name: give it another one",
        )),
        (Ok(_), None) => Did::Changed(thing),
        (Ok(path), Some(sweep)) => match store.change(&path, sweep).await {
            Ok(()) => Did::Changed(thing),
            Err(problem) if here.is_none() => Did::Stopped(problem),
            Err(problem) if is_absent(&problem) => Did::Gone,
            Err(problem) if is_of_path(&problem) => {
                Did::Failed(failed(path.to_string(), thing, &problem.message))
            }
            Err(problem) => Did::Stopped(problem),
        },
    };
    (here, did)
}

/// What a directory holds. One that is gone, or that nobody may look into, holds nothing.
fn listed(
    path: &LakePath,
    page: Result<Page, Problem>,
    (here, tally): (Option<String>, &mut Tally),
) -> Page {
    match page {
        Ok(page) => return page,
        Err(problem) if is_absent(&problem) => {}
        Err(problem) if is_of_path(&problem) => {
            let message = format!("what is in it cannot be listed: {}", problem.message);
            let failed = failed(path.to_string(), Thing::Directory, &message);
            tally.add(None, Did::Failed(failed));
        }
        Err(problem) => tally.add(here, Did::Stopped(problem)),
    }
    Page::default()
}

fn failed(name: String, thing: Thing, message: &str) -> Failed {
    Failed {
        name,
        kind: thing.word().to_ascii_uppercase(),
        error_message: message.to_owned(),
    }
}

/// Somebody has changed the status.
fn nowhere(place: &Place) -> Problem {
    let message =
        format!("status.trees tells of a place that does not lie in {place}: it is begun anew");
    Problem::new(Reason::RequestRefused, Retry::Backoff, message)
}
