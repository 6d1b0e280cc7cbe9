//! What an item gives, by what was given for its objects. Pure.

use jiff::Timestamp;

use crate::azure::key_vault::Bundle;
use crate::hub::want::Held;
use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::api::Validity;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::origin::{self, origin};
use crate::vault_secret_sync::items::render::render;
use crate::vault_secret_sync::plan::{Observed, Times};
use crate::vault_secret_sync::wants::scene::Scene;

/// An item after looking at what was given.
pub enum Looked {
    /// New values.
    Fresh {
        /// The keys and values.
        values: Vec<(SecretKey, SecretValue)>,
        /// What is odd about them.
        note: Option<String>,
        /// What was left out.
        told: Vec<Problem>,
        /// The line that tells where they come from.
        line: String,
        /// Times of the first object.
        times: Times,
    },
    /// Nothing was given: the values in the Secret are as we left them.
    Unasked,
    /// There are no new values, for this reason.
    Failed(Problem),
    /// The vault says that there is no such object.
    Missing(Problem),
}

impl Looked {
    /// What is odd about the value of a key: it is told with the first key that has it.
    pub fn note(&self, key: &str) -> Option<String> {
        match self {
            Self::Fresh { values, note, .. } => {
                let first = values.first()?;
                note.clone().filter(|_| first.0.as_str() == key)
            }
            Self::Unasked | Self::Failed(_) | Self::Missing(_) => None,
        }
    }
}

/// Looks at what was given for an item.
pub fn look(item: &Item, observed: &Observed<'_>, now: Timestamp) -> Looked {
    let needs = item.needs();
    let given = || needs.iter().filter_map(|need| observed.objects.get(need));
    let first = needs.first().and_then(|need| observed.objects.get(need));
    let gone = first.and_then(|outcome| outcome.as_ref().err());
    if let Some(problem) = gone.filter(|problem| problem.reason == Reason::ObjectNotFound) {
        return Looked::Missing(problem.clone());
    }
    if let Some(problem) = given().find_map(|outcome| outcome.as_ref().err()) {
        return Looked::Failed(problem.clone());
    }
    let bundles: Vec<&Bundle> = given().flatten().map(AsRef::as_ref).collect();
    match bundles.as_slice() {
        // With a part of them alone nothing can be made.
        [first, ..] if bundles.len() == needs.len() => {
            let values =
                usable(item, &bundles, &observed.scene, now).and_then(|()| render(item, &bundles));
            values.map_or_else(Looked::Failed, |rendered| Looked::Fresh {
                values: rendered.values,
                note: (!rendered.notes.is_empty()).then(|| rendered.notes.join("; ")),
                told: rendered.told,
                line: line(item, &bundles),
                times: Times {
                    updated: first.updated,
                    expires: rendered.expires.or(first.expires),
                },
            })
        }
        _ => {
            let problem = observed.rejected.problem(item);
            problem.map_or(Looked::Unasked, |problem| Looked::Failed(problem.clone()))
        }
    }
}

fn line(item: &Item, bundles: &[&Bundle]) -> String {
    let states = bundles.iter().map(|bundle| Held::of(&bundle.facts()));
    origin(item, &states.collect::<Vec<_>>())
}

/// Key Vault hands out a secret before its time and after its end (its attributes are informational); we do not pass it on, unless
/// that is asked for. What the Secret holds already may be written again: then it is a repair.
fn usable(
    item: &Item,
    bundles: &[&Bundle],
    scene: &Scene<'_>,
    now: Timestamp,
) -> Result<(), Problem> {
    if scene.valid.validity == Validity::Ignore || item.token().is_some() {
        return Ok(());
    }
    let needs = item.needs();
    for (need, bundle) in needs.iter().zip(bundles) {
        if let Some(start) = bundle.not_before.filter(|start| *start > now) {
            let wait = std::time::Duration::try_from(start.duration_since(now)).unwrap_or_default();
            let message = format!(
                "{need} is not valid before {start}, and is taken then; set its not-before time in the vault to have it earlier, or spec.validity to Ignore"
            );
            return Err(Problem::new(
                Reason::NotYetValid,
                Retry::After(wait.min(crate::retry::RESYNC)),
                message,
            ));
        }
        if let Some(end) = bundle.expires.filter(|end| *end <= now)
            && !has_had(item, bundles, scene)
        {
            let message = format!(
                "{need} has expired on {end}, and is not taken; set a new version in the vault, or another expiry date, or spec.validity to Ignore"
            );
            return Err(Problem::new(Reason::Expired, Retry::OnChange, message));
        }
    }
    Ok(())
}

/// Whether a key of the item is recorded with these versions.
fn has_had(item: &Item, bundles: &[&Bundle], scene: &Scene<'_>) -> bool {
    let lines = scene.share().map(|share| &share.record.keys);
    let mut states = lines.into_iter().flat_map(|lines| lines.values());
    states.any(|line| {
        origin::states(item, line).is_some_and(|states| {
            let mut pairs = states.iter().zip(bundles);
            pairs.all(|(state, bundle)| state.version == bundle.version)
        })
    })
}
