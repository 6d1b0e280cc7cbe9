//! Which certificate issued which, and the way from a leaf to a root. Order in the file and names alone say little: files come
//! shuffled, an authority that got a new key keeps its name, and one that is cross-signed has several certificates for one
//! key. So an issuer must fit by name, by key id (RFC 5280, 4.2.1.1) where both tell it, and by signature where its algorithm
//! is known.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::signature::{self, Verdict};
use super::x509::Certificate;

/// Signatures that one file may have checked. A real file takes less than ten; whoever writes a file with hundreds of
/// certificates of the same name shall not keep the operator busy with it.
const MAX_CHECKS: usize = 1000;

/// A leaf's issuers, and what else there was.
#[derive(Debug)]
pub(super) struct Chain {
    /// Each issued by the next, the first one has issued the leaf.
    pub(super) issuers: Vec<Certificate>,
    /// Whether the last of these, or the leaf where there is none, is a root.
    pub(super) complete: bool,
    /// What the leaf does not lead to by any way. Other certificates of an issuer on the way are not among them.
    pub(super) strangers: Vec<Certificate>,
}

/// Finds the way up from `leaf` among `others`. The order of `others` does not matter.
///
/// At a fork the way goes over issuers that are proved by signature, that last as long as the leaf, that lead to a root of
/// the file, and to the nearest; then over the one that lasts longest. There is no clock here: the leaf's end stands for it.
///
/// An error is a message for people: there are too many certificates that might have issued each other.
pub(super) fn build(leaf: &Certificate, others: &[Certificate]) -> Result<Chain, &'static str> {
    let all: Vec<&Certificate> = std::iter::once(leaf).chain(others).collect();
    let graph = Graph::explore(&all)?;
    let way = graph.way(&all);
    let complete = graph.roots.contains(way.last().unwrap_or(&0));
    let strangers = (1..all.len()).filter(|place| !graph.reached.contains(place));
    let taken = |place: usize| all.get(place).map(|found| (*found).clone());
    Ok(Chain {
        complete,
        strangers: strangers.filter_map(taken).collect(),
        issuers: way.into_iter().filter_map(taken).collect(),
    })
}

/// Whether it signed itself. Its own name as the issuer's is not enough: an authority also signs its new key with its old one.
pub(super) fn is_root(certificate: &Certificate) -> bool {
    is_its_own_issuer(certificate) && signature::verify(certificate, certificate) != Verdict::Bad
}

/// Whether it says that it signed itself.
pub(super) fn is_its_own_issuer(certificate: &Certificate) -> bool {
    certificate.is_self_issued() && certificate.names(certificate)
}

struct Step {
    to: usize,
    proved: bool,
}

/// What can be reached from the certificate 0, the leaf.
struct Graph {
    reached: BTreeSet<usize>,
    /// Issuers of each certificate; none of a root and of what was not reached.
    issuers: Vec<Vec<Step>>,
    roots: BTreeSet<usize>,
}

impl Graph {
    fn explore(all: &[&Certificate]) -> Result<Self, &'static str> {
        let mut graph = Self {
            reached: BTreeSet::from([0]),
            issuers: all.iter().map(|_| Vec::new()).collect(),
            roots: BTreeSet::new(),
        };
        let (mut ahead, mut checks) = (vec![0], 0);
        while let Some((at, issued)) = ahead.pop().and_then(|at| Some((at, *all.get(at)?))) {
            checks += 1;
            if is_root(issued) {
                graph.roots.insert(at);
                continue;
            }
            for (to, issuer) in all.iter().enumerate() {
                if to == at || !issued.names(issuer) {
                    continue;
                }
                checks += 1;
                if checks > MAX_CHECKS {
                    return Err(
                        "it holds hundreds of certificates of the same name, and looking for the one that issued the next takes too long; leave the certificate and its issuers only",
                    );
                }
                let verdict = signature::verify(issued, issuer);
                if verdict == Verdict::Bad {
                    continue;
                }
                if let Some(steps) = graph.issuers.get_mut(at) {
                    let proved = verdict == Verdict::Good;
                    steps.push(Step { to, proved });
                }
                if graph.reached.insert(to) {
                    ahead.push(to);
                }
            }
        }
        Ok(graph)
    }

    /// How many steps each certificate is away from the nearest root; `usize::MAX` where it leads to none.
    fn distances(&self) -> Vec<usize> {
        let mut distances = vec![usize::MAX; self.issuers.len()];
        let mut reached: Vec<usize> = self.roots.iter().copied().collect();
        let mut distance = 0;
        while !reached.is_empty() {
            for place in reached.drain(..) {
                if let Some(known) = distances.get_mut(place) {
                    *known = distance;
                }
            }
            distance += 1;
            let near = |step: &Step| distances.get(step.to).is_some_and(|far| *far < usize::MAX);
            reached = (self.issuers.iter().enumerate())
                .filter(|(place, steps)| {
                    distances.get(*place) == Some(&usize::MAX) && steps.iter().any(near)
                })
                .map(|(place, _)| place)
                .collect();
        }
        distances
    }

    /// The places of the leaf's issuers in order.
    fn way(&self, all: &[&Certificate]) -> Vec<usize> {
        let distances = self.distances();
        let until = all.first().map(|leaf| leaf.not_after());
        let mut way: Vec<usize> = Vec::new();
        loop {
            let at = way.last().copied().unwrap_or(0);
            // What was passed already is left out, so that certificates that issued each other in a ring end.
            let steps = (self.issuers.get(at).into_iter().flatten())
                .filter(|step| step.to != 0 && !way.contains(&step.to));
            let best = steps.max_by_key(|step| {
                let issuer = all.get(step.to);
                let ends = issuer.map(|issuer| issuer.not_after());
                (
                    step.proved,
                    ends >= until,
                    Reverse(distances.get(step.to)),
                    ends,
                    // So that the same certificates in another order give the same way.
                    issuer.map(|issuer| issuer.der()),
                )
            });
            let Some(next) = best else {
                return way;
            };
            way.push(next.to);
        }
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
