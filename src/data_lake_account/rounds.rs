//! How far a round goes into a lake, and what is said of where it stops. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::lake::{self, Turn};
use super::plan::Record;
use super::valid::Valid;
use crate::azure_resource::api::{DriftPolicy, Mode};
use crate::azure_resource::ground::{self, Ground};
use crate::azure_resource::told::{PROPAGATING, after};
use crate::problem::{Problem, Reason};
use crate::retry;

/// All of a lake that is as declared is looked at in so many rounds.
const TURNS: u32 = 12;
/// How far trees are is noted after so many batches, and after so long.
const BATCHES: u32 = 50;
const NOTED: Duration = Duration::from_secs(30);

/// How far a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Which part of the lake is looked at; none for all of it.
    pub(super) turn: Option<Turn>,
    /// Whether nothing is written.
    pub(super) dry: bool,
}

impl Reach {
    /// That of a round before its time: only what is asked for is looked at, unless all is.
    pub(super) fn early(self) -> Self {
        Self {
            turn: self.turn.map(|_| Turn::NOBODYS),
            ..self
        }
    }
}

/// How far a round goes. `plans` is whether nothing is written whatever the spec says, `handled` the value of the annotation that
/// was last acted upon.
pub(super) fn reach(
    valid: &Valid,
    record: &Record,
    plans: bool,
    (handled, now): (Option<&str>, Timestamp),
) -> Reach {
    let applied = record.lake_applied == Some(valid.generation);
    let reports = valid.drift_policy == DriftPolicy::Report && applied;
    let dry = plans || valid.mode == Mode::Observe || reports;
    let asked = valid.sync_at.as_deref() != handled;
    // What is only told must be told as a whole: what is not looked at would be told as if it were well.
    let whole = dry || asked || !applied;
    Reach {
        turn: (!whole).then(|| turn(valid, now)),
        dry,
    }
}

/// Whose turn it is. Rounds follow each other after the interval as it is spread for this object, so that is what is counted in.
fn turn(valid: &Valid, now: Timestamp) -> Turn {
    let pause = retry::jitter(valid.interval, retry::seed(&valid.uid, "interval"));
    let pause = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX).max(1);
    let rounds = now.as_second() / pause;
    Turn {
        turn: u32::try_from(rounds.rem_euclid(i64::from(TURNS))).unwrap_or(0),
        of: TURNS,
    }
}

/// Whether it is time to note how far trees are.
pub(super) fn progresses(batches: u32, pause: Duration) -> bool {
    batches >= BATCHES || batches > 0 && pause >= NOTED
}

/// Trees are not done yet: how much of them is, and how fast it goes.
pub(super) fn under_way(record: &lake::Record, now: Timestamp) -> Problem {
    let open = record.trees.values().filter(|tree| tree.done.is_none());
    let (mut trees, mut paths, mut since) = (0, 0, now);
    for tree in open {
        trees += 1;
        paths += tree.directories + tree.files + tree.failures;
        since = since.min(tree.since.0);
    }
    let seconds = now.duration_since(since).as_secs().max(1);
    let message = format!(
        "access lists are being changed in whole trees ({trees}): {paths} paths in {seconds} s, {} a second; status.trees tells how far each is",
        paths / seconds
    );
    after(
        Reason::OperationUnderWay,
        Duration::from_millis(100),
        message,
    )
}

/// A refusal that may mean no more than that a role, given for this spec a moment ago, is not known everywhere yet.
pub(super) fn waits_for_role(
    valid: &Valid,
    ground: &Ground,
    problem: Problem,
    now: Timestamp,
) -> Problem {
    let refused = problem.reason == Reason::Forbidden;
    let until = ground::propagates(valid, ground, now).filter(|_| refused);
    match until {
        None => problem,
        Some(until) => after(
            Reason::RolePropagating,
            PROPAGATING,
            format!(
                "what lies in the account is looked at once the roles that were given just now are known everywhere in Azure, which takes until {until} at most"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::azure_resource::fixtures::{at, trouble};
    use crate::data_lake_account::plan::fixtures::{ALICE, Case};

    #[test]
    fn a_lake_is_looked_at_as_a_whole_where_something_may_be_left() {
        let case = |spec, lake_applied| {
            let mut case = Case::new(spec);
            case.record.lake_applied = lake_applied;
            case
        };
        let rows = [
            (case(json!({}), None), false, None, (true, false)),
            (case(json!({}), Some(1)), false, None, (false, false)),
            (case(json!({}), Some(0)), false, None, (true, false)),
            (case(json!({}), Some(1)), true, None, (true, true)),
            (
                case(json!({}), Some(1)),
                false,
                Some("before"),
                (true, false),
            ),
            (
                case(json!({ "mode": "Observe" }), Some(1)),
                false,
                None,
                (true, true),
            ),
            (
                case(json!({ "driftPolicy": "Report" }), Some(1)),
                false,
                None,
                (true, true),
            ),
            (
                case(json!({ "driftPolicy": "Report" }), None),
                false,
                None,
                (true, false),
            ),
        ];
        for (case, plans, handled, (whole, dry)) in rows {
            let found = reach(&case.valid, &case.record, plans, (handled, at(0)));
            assert_eq!((found.turn.is_none(), found.dry), (whole, dry), "{case:?}");
        }
    }

    #[test]
    fn before_its_time_a_round_takes_nobodys_turn_unless_all_is_looked_at() {
        let part = Reach {
            turn: Some(Turn { turn: 3, of: 12 }),
            dry: false,
        };
        assert_eq!(part.early().turn, Some(Turn::NOBODYS));
        let whole = Reach { turn: None, ..part };
        assert_eq!(whole.early(), whole);
        let path = "a".parse().unwrap();
        assert!(!Turn::NOBODYS.has(&"raw".parse().unwrap(), &path));
    }

    #[test]
    fn each_part_has_its_turn_in_as_many_rounds() {
        let case = Case::new(json!({}));
        let pause = retry::jitter(
            case.valid.interval,
            retry::seed(&case.valid.uid, "interval"),
        );
        let turns = (0..TURNS).map(|round| {
            let now = retry::after(at(0), pause * round);
            turn(&case.valid, now).turn
        });
        let turns: std::collections::BTreeSet<u32> = turns.collect();
        assert_eq!(turns.len(), 12);
    }

    #[test]
    fn a_refusal_right_after_a_role_was_given_is_told_as_what_passes() {
        let role = json!([{ "principalId": ALICE, "role": "Storage Blob Data Owner" }]);
        let case = Case::new(json!({ "roleAssignments": role }));
        let mut given = ground::assigned(&case.valid.id, &case.valid.roles[0]).unwrap();
        given.created = Some(at(0));
        let ground = Ground {
            assignments: Some(vec![given]),
            ..Ground::default()
        };
        for (reason, second, expected) in [
            (Reason::Forbidden, 1, Reason::RolePropagating),
            (Reason::Forbidden, 601, Reason::Forbidden),
            (Reason::PathConflict, 1, Reason::PathConflict),
        ] {
            let told = waits_for_role(&case.valid, &ground, trouble(reason), at(second));
            assert_eq!(told.reason, expected);
        }
    }

    #[test]
    fn of_trees_it_is_told_how_fast_they_go() {
        let tree = |files, done: Option<u64>| {
            json!({
                "filesystem": "raw", "path": format!("t{files}"), "acl": "set user::rwx", "since": at(0),
                "done": done.map(at), "directories": 1000, "files": files, "failures": 0,
            })
        };
        let trees = json!({"trees": [tree(9000, None), tree(19_000, None), tree(7, Some(1))]});
        let status = serde_json::from_value(trees).unwrap();
        let told = under_way(&lake::Record::kept(&status), at(60)).message;
        assert!(
            told.contains("(2): 30000 paths in 60 s, 500 a second"),
            "{told}"
        );
        let nothing = under_way(&lake::Record::default(), at(60));
        assert!(nothing.message.contains("0 a second"), "{nothing}");
    }

    #[test]
    fn trees_are_noted_by_batches_or_by_time_and_only_where_something_was_done() {
        let second = Duration::from_secs;
        assert!(!progresses(0, second(99)) && !progresses(49, second(29)));
        assert!(progresses(50, second(0)) && progresses(1, second(30)));
    }
}
