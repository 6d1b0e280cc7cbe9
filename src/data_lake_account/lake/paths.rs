//! What is next for what is in a filesystem. Pure.

use super::access::{Verdict, at_creation, compare, kept, needs_list, unseen};
use super::place::Place;
use super::seen::{FilesystemSeen, Here, Look, Needs, PathSeen};
use super::step::Step;
use super::trees::{self, Stand};
use super::valid::{Filesystem, Kind, Node, What, field};
use super::{Found, Inputs, told};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath};
use crate::data_lake_account::api::Generation;
use crate::problem::Problem;

type Item<'a> = (&'a LakePath, &'a Node);

/// How a path stands in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is as the spec wants it, or it is not its turn.
    Whole,
    /// Something is to be done about it first.
    Waiting,
    /// Something stands in the way.
    Trouble,
}

/// What a path means for those that lie in it.
#[derive(Debug, Clone, Copy)]
struct Stage {
    state: State,
    /// Nothing can lie in it: it is not there, or this round has made it.
    fresh: bool,
    /// What lies in it waits for a tree.
    held: bool,
}

struct At<'a> {
    inputs: &'a Inputs<'a>,
    seen: &'a FilesystemSeen,
    name: &'a FilesystemName,
}

/// What is next for the paths of a filesystem that is there.
pub(super) fn wanted(
    inputs: &Inputs<'_>,
    seen: &FilesystemSeen,
    (name, wanted): (&FilesystemName, &Filesystem),
    found: &mut Found,
) {
    let top = Stage {
        state: State::Whole,
        fresh: seen.made,
        held: false,
    };
    let at = At { inputs, seen, name };
    let nodes: Vec<Item<'_>> = wanted.nodes.iter().collect();
    let above = above(&nodes);
    let due = at.due(&nodes, &above);
    let mut stages: Vec<Stage> = Vec::with_capacity(nodes.len());
    for ((item, above), due) in nodes.iter().zip(&above).zip(due) {
        let parent = above.and_then(|above| stages.get(above).copied());
        stages.push(at.stage(parent.unwrap_or(top), due, *item, found));
    }
}

/// For each path the nearest one of the spec that it lies in. Paths sort behind those they lie in.
fn above(nodes: &[Item<'_>]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let each = nodes.iter().enumerate().map(|(at, (path, _))| {
        while let Some(last) = open.last().and_then(|last| nodes.get(*last)) {
            if path.is_in(last.0) {
                break;
            }
            open.pop();
        }
        let above = open.last().copied();
        open.push(at);
        above
    });
    each.collect()
}

impl At<'_> {
    /// Which paths are looked at. Where one is not there, those that it is made in must be whole first, whose turn it may not be.
    fn due(&self, nodes: &[Item<'_>], above: &[Option<usize>]) -> Vec<bool> {
        let seen = self.seen;
        let all = self.inputs.turn.is_none() || seen.made;
        // Whether all that lies in a path is due with it: because it is new, or a tree has gone through it.
        let mut deep: Vec<bool> = Vec::with_capacity(nodes.len());
        let mut due: Vec<bool> = Vec::with_capacity(nodes.len());
        let of = |marks: &[bool], at: Option<usize>| at.and_then(|at| marks.get(at).copied());
        for ((path, _), above) in nodes.iter().zip(above) {
            let with = of(&deep, *above).unwrap_or(false);
            let is_new = match seen.paths.get(*path) {
                Some(Ok(PathSeen::Absent)) => true,
                Some(Ok(PathSeen::Here(here))) => here.made,
                Some(Err(_)) | None => false,
            };
            let ran = seen.trees.get(*path).is_some_and(|tree| tree.ran);
            deep.push(with || is_new || ran);
            let turn = self.inputs.turn;
            let is_due = all
                || with
                || seen.paths.contains_key(*path)
                || seen.again.contains_key(*path)
                || turn.is_some_and(|turn| turn.has(self.name, path));
            due.push(is_due);
        }
        for (at, (path, _)) in nodes.iter().enumerate().rev() {
            let absent = seen.paths.get(*path) == Some(&Ok(PathSeen::Absent));
            let mut up = above.get(at).copied().flatten().filter(|_| absent);
            while let Some(one) = up {
                if let Some(mark) = due.get_mut(one) {
                    *mark = true;
                }
                up = above.get(one).copied().flatten();
            }
        }
        due
    }

    fn stage(&self, parent: Stage, due: bool, item: Item<'_>, found: &mut Found) -> Stage {
        if parent.held {
            return Stage {
                state: State::Waiting,
                ..parent
            };
        }
        let (state, fresh) = if due {
            self.stands(parent, item, found)
        } else {
            (State::Whole, false)
        };
        let held = self.tree(state, item, found);
        Stage { state, fresh, held }
    }

    fn stands(&self, parent: Stage, item: Item<'_>, found: &mut Found) -> (State, bool) {
        let (path, node) = item;
        let imagined;
        let seen = match self.seen.paths.get(path) {
            Some(Ok(seen)) => seen,
            Some(Err(problem)) => return (self.trouble(item, problem.clone(), found), false),
            None if parent.fresh && !self.seen.again.contains_key(path) => {
                imagined = if path.is_root() {
                    new_root()
                } else {
                    PathSeen::Absent
                };
                &imagined
            }
            None => return (self.look(item, self.needs(node), found), false),
        };
        match seen {
            PathSeen::Absent if path.is_root() => {
                let problem = told::gone(self.name);
                (self.trouble(item, problem, found), false)
            }
            PathSeen::Absent => (self.create(parent, item, found), true),
            PathSeen::Here(here) => (self.here(here, item, found), here.made),
        }
    }

    fn needs(&self, node: &Node) -> Needs {
        let is_file = matches!(node.kind, Kind::File(_));
        let list = needs_list(&node.access) || !is_file && self.hides_sticky_bits(node);
        // That a directory is none is seen with everything else; in its turn one call for it is enough.
        let thing = is_file || !list || self.inputs.turn.is_none();
        Needs { thing, list }
    }

    /// A Data Lake Store tells the sticky bit of a directory beside its list alone.
    fn hides_sticky_bits(&self, node: &Node) -> bool {
        let store = self.inputs.lake.generation == Generation::Gen1;
        store && matches!(node.access.what, What::Permissions(_))
    }

    fn create(&self, parent: Stage, item: Item<'_>, found: &mut Found) -> State {
        let (path, node) = item;
        if parent.state != State::Whole {
            return parent.state;
        }
        let place = Place::new(self.name, path);
        let with = at_creation(&node.access).filter(|_| self.makes_with_access(node));
        let step = match &node.kind {
            Kind::Directory => Step::CreateDirectory { place, with },
            Kind::File(_) => match self.inputs.contents.get(&place) {
                Some(Ok(content)) => Step::WriteFile {
                    place,
                    content: content.clone(),
                    over: None,
                    with,
                },
                Some(Err(problem)) => return self.trouble(item, problem.clone(), found),
                None => return State::Trouble,
            },
        };
        found.batch.steps.push(step);
        State::Waiting
    }

    /// A Data Lake Store makes nothing with lists and owners. A file gets them all the same before it is filled.
    fn makes_with_access(&self, node: &Node) -> bool {
        self.inputs.lake.generation == Generation::Gen2 || matches!(node.kind, Kind::File(_))
    }

    fn here(&self, here: &Here, item: Item<'_>, found: &mut Found) -> State {
        let (path, node) = item;
        let wanted = match node.kind {
            Kind::Directory => Thing::Directory,
            Kind::File(_) => Thing::File,
        };
        if let Some(is) = here.thing.filter(|is| *is != wanted) {
            let problem = told::other_thing(&Place::new(self.name, path), wanted, is);
            return self.trouble(item, problem, found);
        }
        if let Some(state) = self.content(here, item, found) {
            return state;
        }
        self.access(here, item, found)
    }

    /// What is next for what a file holds; none where that is as it should be.
    fn content(&self, here: &Here, item: Item<'_>, found: &mut Found) -> Option<State> {
        let (path, node) = item;
        if node.kind == Kind::Directory {
            return None;
        }
        let place = Place::new(self.name, path);
        let content = match self.inputs.contents.get(&place)? {
            Ok(content) => content,
            Err(problem) => return Some(self.trouble(item, problem.clone(), found)),
        };
        let Some(holds) = &here.holds else {
            let needs = Needs {
                thing: true,
                list: false,
            };
            return Some(self.look(item, needs, found));
        };
        if content.is(holds) {
            return None;
        }
        match kept(&node.access, &here.told) {
            Err(error) => Some(self.trouble(item, told::list_too_long(&place, &error), found)),
            Ok(None) => Some(self.look(item, LIST, found)),
            Ok(with) => {
                found.batch.steps.push(Step::WriteFile {
                    place,
                    content: content.clone(),
                    over: holds.etag.clone(),
                    with,
                });
                Some(State::Waiting)
            }
        }
    }

    fn access(&self, here: &Here, item: Item<'_>, found: &mut Found) -> State {
        let (path, node) = item;
        if node.access.is_silent() || here.settled {
            return State::Whole;
        }
        let place = Place::new(self.name, path);
        let set = |change, found: &mut Found| {
            let place = place.clone();
            found.batch.steps.push(Step::SetAccess { place, change });
            State::Waiting
        };
        if let Some(change) = unseen(&node.access).filter(|_| here.made) {
            return set(change, found);
        }
        match compare(&node.access, &here.told) {
            Ok(Verdict::Fits) => State::Whole,
            Ok(Verdict::Differs(change)) => set(change, found),
            Ok(Verdict::Unknown) => self.look(item, LIST, found),
            Err(error) => self.trouble(item, told::list_too_long(&place, &error), found),
        }
    }

    /// What is next for the tree of a path; whether what lies in it has to wait for that.
    fn tree(&self, state: State, item: Item<'_>, found: &mut Found) -> bool {
        let (path, node) = item;
        let Some(sweep) = trees::sweep(&node.access).filter(|_| state != State::Trouble) else {
            return false;
        };
        let place = Place::new(self.name, path);
        let field = || field(self.name, path, node);
        match trees::stand(self.inputs, &place, &sweep, self.seen.trees.get(path)) {
            Stand::Goes(_) if state == State::Waiting => true,
            Stand::Goes(from) => {
                found.batch.steps.push(Step::Tree { place, sweep, from });
                true
            }
            Stand::Done => false,
            Stand::Stuck(problem) => {
                found.problems.push((field(), problem));
                false
            }
            Stand::Incomplete(problem) => {
                found.waits.push((field(), problem));
                false
            }
        }
    }

    fn look(&self, (path, _): Item<'_>, needs: Needs, found: &mut Found) -> State {
        let place = Place::new(self.name, path);
        found.batch.looks.push(Look::Path(place, needs));
        State::Waiting
    }

    fn trouble(&self, (path, node): Item<'_>, problem: Problem, found: &mut Found) -> State {
        let field = field(self.name, path, node);
        found.problems.push((field, problem));
        State::Trouble
    }
}

const LIST: Needs = Needs {
    thing: false,
    list: true,
};

/// The root of a filesystem that this round has made.
fn new_root() -> PathSeen {
    PathSeen::Here(Here {
        thing: Some(Thing::Directory),
        made: true,
        ..Here::default()
    })
}
