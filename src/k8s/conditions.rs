//! Conditions (Kubernetes API conventions, "Typical status properties"). Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::kstatus::{self, RECONCILING, STALLED};

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// The condition's type.
    pub type_: &'static str,
    /// True, False, or Unknown for none.
    pub status: Option<bool>,
    /// One stable word.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// `old` with `says` set, and with what they come to for tools that wait (`Reconciling`, `Stalled`). `lastTransitionTime` moves
/// only where the status does; types that are not ours are kept.
pub fn set(
    old: &[Condition],
    says: Vec<Says>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = old.to_vec();
    for new in says {
        put(&mut conditions, new, generation, now);
    }
    let pace = kstatus::pace(old, &conditions, generation);
    let is_left = |type_: &str| pace.as_ref().is_none_or(|says| says.type_ != type_);
    conditions.retain(|condition| {
        let ours = [RECONCILING, STALLED].contains(&condition.type_.as_str());
        !(ours && is_left(&condition.type_))
    });
    if let Some(says) = pace {
        put(&mut conditions, says, generation, now);
    }
    conditions
}

fn put(conditions: &mut Vec<Condition>, new: Says, generation: Option<i64>, now: Timestamp) {
    let status = match new.status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let place = conditions
        .iter()
        .position(|condition| condition.type_ == new.type_);
    let since = place
        .and_then(|at| conditions.get(at))
        .filter(|condition| condition.status == status)
        .map_or(Time(now), |condition| {
            condition.last_transition_time.clone()
        });
    let condition = Condition {
        type_: new.type_.to_owned(),
        status: status.to_owned(),
        reason: new.reason.to_owned(),
        message: new.message,
        observed_generation: generation,
        last_transition_time: since,
    };
    match place.and_then(|at| conditions.get_mut(at)) {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}

/// A condition of this type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a condition of this type is True.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}

/// Something that an Event should tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Whether it is trouble (a Warning) or recovery (Normal).
    pub trouble: bool,
    /// The condition's reason.
    pub reason: String,
    /// The condition's message.
    pub message: String,
}

/// What changed in the condition `type_`, for an Event: trouble that is new or of a new kind, and recovery from it. The
/// first success is routine and tells nothing.
pub fn edge(old: &[Condition], new: &[Condition], type_: &str) -> Option<Edge> {
    let new = find(new, type_)?;
    let old = find(old, type_);
    let trouble = new.status == "False";
    let told = match old {
        Some(old) if trouble => old.status != "False" || old.reason != new.reason,
        Some(old) => new.status == "True" && old.status == "False",
        None => trouble,
    };
    told.then(|| Edge {
        trouble,
        reason: new.reason.clone(),
        message: new.message.clone(),
    })
}

/// A condition of a type that is bad news when it is True, and has become so.
pub fn alarm(old: &[Condition], new: &[Condition], type_: &str) -> Option<Edge> {
    let new = find(new, type_).filter(|new| new.status == "True")?;
    (!is_true(old, type_)).then(|| Edge {
        trouble: true,
        reason: new.reason.clone(),
        message: new.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn says(status: bool, reason: &'static str) -> Vec<Says> {
        vec![Says {
            type_: "Synced",
            status: Some(status),
            reason,
            message: reason.to_owned(),
        }]
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = set(&[], says(true, "Synced"), Some(1), at(1));
        let second = set(&first, says(true, "Other"), Some(2), at(2));
        assert_eq!(second[0].last_transition_time, Time(at(1)));
        assert_eq!(
            (second[0].reason.as_str(), second[0].observed_generation),
            ("Other", Some(2))
        );
        let third = set(&second, says(false, "Bad"), Some(2), at(3));
        assert_eq!(third[0].last_transition_time, Time(at(3)));
    }

    #[test]
    fn conditions_of_others_are_kept() {
        let foreign = Condition {
            type_: "Foreign".to_owned(),
            ..set(&[], says(true, "x"), None, at(1))[0].clone()
        };
        let both = set(
            std::slice::from_ref(&foreign),
            says(true, "Synced"),
            None,
            at(2),
        );
        assert_eq!(both[0], foreign);
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn events_tell_trouble_and_recovery_but_not_routine() {
        let good = set(&[], says(true, "Synced"), None, at(1));
        let bad = set(&good, says(false, "Forbidden"), None, at(2));
        let worse = set(&bad, says(false, "Throttled"), None, at(3));
        assert_eq!(edge(&[], &good, "Synced"), None);
        assert!(edge(&good, &bad, "Synced").unwrap().trouble);
        assert_eq!(edge(&bad, &bad, "Synced"), None);
        assert_eq!(edge(&bad, &worse, "Synced").unwrap().reason, "Throttled");
        assert!(!edge(&worse, &good, "Synced").unwrap().trouble);
        assert!(edge(&[], &bad, "Synced").unwrap().trouble);
    }
}
