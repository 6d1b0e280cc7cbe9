//! Breadth first through all states.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::world::{Act, World};

#[derive(Debug, Default)]
pub struct Found {
    /// What is broken, and the shortest way there.
    pub broken: Option<String>,
    pub states: usize,
    /// Hard situations that were met.
    pub met: BTreeSet<&'static str>,
}

/// Explores all that can happen within so many ticks.
pub fn explore(begin: World, ticks: u8) -> Found {
    let mut found = Found::default();
    let mut places = HashMap::from([(begin.clone(), 0)]);
    let mut ways: Vec<(usize, Option<Act>)> = vec![(0, None)];
    let mut open = VecDeque::from([(begin, 0)]);
    while let Some((world, place)) = open.pop_front() {
        for act in world.acts(ticks) {
            let mut next = world.clone();
            let said = next.act(act, &mut found.met);
            let said = said.or_else(|| next.wrong());
            if let Some(wrong) = said {
                ways.push((place, Some(act)));
                found.broken = Some(format!("{wrong}: {:?}", way(&ways, ways.len() - 1)));
                found.states = places.len();
                return found;
            }
            if places.contains_key(&next) {
                continue;
            }
            ways.push((place, Some(act)));
            let here = ways.len() - 1;
            places.insert(next.clone(), here);
            // Where nobody would lead ever again, nobody does at the end of the path.
            if next.is_at(ticks) && !next.heals() {
                found.broken = Some(format!("nobody leads in the end: {:?}", way(&ways, here)));
                found.states = places.len();
                return found;
            }
            open.push_back((next, here));
        }
    }
    found.states = places.len();
    found
}

fn way(ways: &[(usize, Option<Act>)], mut at: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    while let (before, Some(act)) = ways[at] {
        acts.push(act);
        at = before;
    }
    acts.reverse();
    acts
}
