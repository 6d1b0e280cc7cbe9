//! Looks at every state that can be reached, nearest first, so that the trace to the first bad one is a shortest one.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Something with states, what can happen in each, and what must never.
pub(crate) trait Model {
    type State: Clone + Eq + Hash + Debug;
    type Action: Copy + Debug;

    fn first(&self) -> Self::State;
    fn actions(&self, state: &Self::State) -> Vec<Self::Action>;
    /// What comes of an action; an error where a rule is broken by it.
    fn next(&self, state: &Self::State, action: Self::Action) -> Result<Self::State, String>;
    /// What must hold in every state.
    fn check(&self, state: &Self::State) -> Result<(), String>;
}

/// What was found.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) transitions: usize,
}

/// Explores all of a model. An error tells what broke, and how it came to that, one action a line.
pub(crate) fn explore<M: Model>(model: &M, most: usize) -> Result<Explored, String> {
    let first = model.first();
    // Of a state only its fingerprint is kept, and how it was reached first: traces are replayed.
    let mut from: HashMap<u64, Option<(u64, M::Action)>> = HashMap::new();
    let mut open = VecDeque::from([first.clone()]);
    from.insert(fingerprint(&first), None);
    let mut transitions = 0;
    while let Some(state) = open.pop_front() {
        let here = fingerprint(&state);
        if let Err(broken) = model.check(&state) {
            return Err(told(model, &from, here, None, &broken));
        }
        for action in model.actions(&state) {
            transitions += 1;
            let next = match model.next(&state, action) {
                Ok(next) => next,
                Err(broken) => return Err(told(model, &from, here, Some(action), &broken)),
            };
            let there = fingerprint(&next);
            if let std::collections::hash_map::Entry::Vacant(new) = from.entry(there) {
                new.insert(Some((here, action)));
                open.push_back(next);
            }
        }
        if from.len() > most {
            return Err(format!(
                "there are more than {most} states: the model has grown"
            ));
        }
    }
    let states = from.len();
    Ok(Explored {
        states,
        transitions,
    })
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn told<M: Model>(
    model: &M,
    from: &HashMap<u64, Option<(u64, M::Action)>>,
    end: u64,
    last: Option<M::Action>,
    broken: &str,
) -> String {
    let mut actions = Vec::from_iter(last);
    let mut at = end;
    while let Some(Some((before, action))) = from.get(&at) {
        actions.push(*action);
        at = *before;
    }
    actions.reverse();
    let mut state = model.first();
    let mut lines = vec![format!("     {state:?}")];
    for (n, action) in actions.iter().enumerate() {
        lines.push(format!("{:>3}. {action:?}", n + 1));
        match model.next(&state, *action) {
            Ok(next) => state = next,
            Err(_) => break,
        }
        lines.push(format!("     {state:?}"));
    }
    format!("{broken}\n{}", lines.join("\n"))
}
