//! What would be done for one object, and what stands in the way. Pure data: [`super::render`] shows it.

use serde::Serialize;

use crate::azure_resource::api::DifferenceStatus;
use crate::azure_resource::difference::Difference as Differs;
use crate::problem::{Problem, Reason};

/// What is not there.
const ABSENT: &str = "(absent)";

/// A plan for one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Planned {
    /// Kind, namespace and name.
    pub(super) object: String,
    /// What it stands for: the id of a vault, or a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// The identity that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    /// What is to be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    /// What would be done, in order.
    pub(super) steps: Vec<String>,
    /// Where the vault is not as it would be then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) differences: Vec<Difference>,
    /// What becomes of each key of a Secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<Key>,
    /// What is waited for, and comes by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<Obstacle>,
    /// What stands in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) obstacles: Vec<Obstacle>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Difference {
    /// The field, as the spec names it.
    pub(super) path: String,
    /// What it is.
    pub(super) is: String,
    /// What it would be.
    pub(super) will_be: String,
}

/// A key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    /// Its name.
    #[serde(rename = "key")]
    pub(super) name: String,
    /// What becomes of it.
    pub(super) action: Action,
    /// The object that it comes from.
    pub(super) from: String,
    /// The version that the Secret holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<String>,
    /// The version that it would hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Action {
    /// It is new.
    Add,
    /// It gets another value, or one that is made in another way.
    Change,
    /// Somebody has changed it, and it is set back.
    Repair,
    /// It goes.
    Remove,
    /// It stays.
    Keep,
    /// There is no value for it.
    Lack,
}

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Obstacle {
    /// The key, or the part of the spec, that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    /// The reason that conditions would have.
    pub(super) reason: String,
    /// What was seen.
    pub(super) message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// How a plan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing would be done.
    Same,
    /// Something would be done.
    Differs,
    /// Something stands in the way.
    Blocked,
}

/// What a problem is about that mends itself.
fn passes(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::WaitingForVault
            | Reason::WaitingForWindow
            | Reason::NotYetValid
            | Reason::OperationUnderWay
            | Reason::Provisioning
    )
}

impl Planned {
    /// Nothing known yet.
    pub(super) fn new(object: String) -> Self {
        Self {
            object,
            ..Self::default()
        }
    }

    /// Something stands in the way, here or as a whole. Told once, whatever it stops.
    pub(super) fn meets(&mut self, at: Option<&str>, problem: &Problem) {
        let obstacle = Obstacle::new(at, problem);
        let told = if passes(problem.reason) {
            &mut self.waits
        } else {
            &mut self.obstacles
        };
        let same =
            |one: &Obstacle| one.message == obstacle.message && one.reason == obstacle.reason;
        if !told.iter().any(same) {
            told.push(obstacle);
        }
    }

    /// Differences as a status tells them.
    pub(super) fn differs(&mut self, differences: &[DifferenceStatus]) {
        let all = differences.iter().map(|one| Difference {
            path: one.path.clone(),
            is: one.observed.clone(),
            will_be: one.desired.clone(),
        });
        self.differences.extend(all);
    }

    /// What a resource will be that is not there yet.
    pub(super) fn creates(&mut self, described: Vec<(String, String)>) {
        let all = described.into_iter().map(|(path, value)| {
            // Cut as those of resources that are there.
            let told = Differs::new(path, value, ABSENT).told();
            Difference {
                path: told.path,
                is: told.observed,
                will_be: told.desired,
            }
        });
        self.differences.extend(all);
    }

    /// How it ends.
    pub(super) fn verdict(&self) -> Verdict {
        let moves = |key: &Key| key.action != Action::Keep;
        if !self.obstacles.is_empty() {
            Verdict::Blocked
        } else if self.steps.is_empty()
            && self.differences.is_empty()
            && self.waits.is_empty()
            && !self.keys.iter().any(moves)
        {
            Verdict::Same
        } else {
            Verdict::Differs
        }
    }
}

impl Obstacle {
    /// Problems mostly carry their mend in the message.
    fn new(at: Option<&str>, problem: &Problem) -> Self {
        let (message, mend) = match problem.message.split_once(" Mend: ") {
            Some((seen, mend)) => (seen, Some(mend.to_owned())),
            None => (problem.message.as_str(), None),
        };
        Self {
            at: at.map(str::to_owned),
            reason: problem.reason.to_string(),
            // What is read, is read with the rights of whoever asks.
            message: message.replacen("the operator may not", "you may not", 1),
            mend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::Retry;

    fn problem(reason: Reason, message: &str) -> Problem {
        Problem::new(reason, Retry::OnChange, message)
    }

    #[test]
    fn what_comes_by_itself_is_no_failure() {
        let mut planned = Planned::new("KeyVault team/kv".to_owned());
        assert_eq!(planned.verdict(), Verdict::Same);
        planned.meets(None, &problem(Reason::WaitingForVault, "not yet"));
        assert_eq!(planned.verdict(), Verdict::Differs);
        planned.meets(Some("K"), &problem(Reason::Forbidden, "no. Mend: ask"));
        assert_eq!(planned.verdict(), Verdict::Blocked);
        let told = &planned.obstacles[0];
        assert_eq!(
            (told.message.as_str(), told.mend.as_deref()),
            ("no.", Some("ask"))
        );
    }

    #[test]
    fn a_problem_of_many_keys_is_told_once() {
        let mut planned = Planned::default();
        for key in ["A", "B"] {
            planned.meets(Some(key), &problem(Reason::Forbidden, "no"));
        }
        assert_eq!(planned.obstacles.len(), 1);
    }

    #[test]
    fn a_key_that_stays_is_no_difference() {
        let key = |action| Key {
            name: "K".to_owned(),
            action,
            from: "s".to_owned(),
            held: None,
            version: None,
        };
        let with = |action| Planned {
            keys: vec![key(action)],
            ..Planned::default()
        };
        assert_eq!(with(Action::Keep).verdict(), Verdict::Same);
        for action in [
            Action::Add,
            Action::Change,
            Action::Repair,
            Action::Remove,
            Action::Lack,
        ] {
            assert_eq!(with(action).verdict(), Verdict::Differs, "{action:?}");
        }
    }
}
