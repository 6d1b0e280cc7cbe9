use serde_json::json;

use super::*;
use crate::azure_resource::fixtures::{at, common, trouble};
use crate::k8s::conditions::{Says, set};
use crate::problem::Reason;
use crate::retry::Retry;

fn inputs() -> Inputs {
    Inputs {
        generation: 1,
        leaving: false,
        sync_at: None,
        marks: [false; 2],
        identity: Ok(("identity".to_owned(), 1, 1)),
        syncs: Vec::new(),
    }
}

fn valid() -> Common {
    common(json!({ "refreshInterval": "10m" }))
}

const WHOLE: [&str; 2] = ["Ready", "Reachable"];

fn due(inputs: &Inputs, memory: &Memory, status: &ResourceStatus, now: Timestamp) -> Due {
    super::due(inputs, memory, (status, &WHOLE), now)
}

/// A look at everything that was well.
fn went_deep() -> CameTo<'static> {
    CameTo {
        deep: true,
        ..CameTo::default()
    }
}

/// A look at its time.
fn look(deep: bool) -> Due {
    Due::Look { deep, early: false }
}

fn looked() -> Memory {
    remember(&valid(), inputs(), &Memory::default(), went_deep(), at(0))
}

fn failed(problem: &Problem, before: &Memory, now: u64) -> Memory {
    let came_to = CameTo {
        problem: Some(problem),
        ..went_deep()
    };
    remember(&valid(), inputs(), before, came_to, at(now))
}

/// Seconds until the next look.
fn pause(memory: &Memory, now: u64) -> u64 {
    let next = memory.next.unwrap().duration_since(at(now)).as_secs();
    u64::try_from(next).unwrap()
}

/// A status that says that all was done.
fn whole() -> ResourceStatus {
    let mut status = ResourceStatus::default();
    let says = WHOLE.map(|type_| Says {
        type_,
        status: Some(true),
        reason: "Fine",
        message: String::new(),
    });
    status.conditions = set(&[], says.to_vec(), Some(1), at(0));
    status.applied_generation = Some(1);
    status
}

#[test]
fn nothing_is_looked_at_before_it_is_due() {
    let memory = looked();
    let next = memory.next.unwrap();
    assert!((540..=660).contains(&pause(&memory, 0)), "{memory:?}");
    let due = |now| due(&inputs(), &memory, &whole(), now);
    assert_eq!(due(at(1)), Due::Not(next));
    assert_eq!(due(next), look(false));
}

#[test]
fn whatever_a_look_depends_on_calls_for_a_whole_one_at_once() {
    let rows = [
        Inputs {
            generation: 2,
            ..inputs()
        },
        Inputs {
            leaving: true,
            ..inputs()
        },
        Inputs {
            sync_at: Some("now".to_owned()),
            ..inputs()
        },
        Inputs {
            marks: [true, false],
            ..inputs()
        },
        Inputs {
            marks: [false, true],
            ..inputs()
        },
        // A credential that is repaired is used at once.
        Inputs {
            identity: Ok(("identity".to_owned(), 1, 2)),
            ..inputs()
        },
        Inputs {
            identity: Err("gone".to_owned()),
            ..inputs()
        },
        Inputs {
            syncs: vec!["a".to_owned()],
            ..inputs()
        },
    ];
    for changed in rows {
        let due = due(&changed, &looked(), &whole(), at(1));
        assert_eq!(due, look(true), "{changed:?}");
    }
}

#[test]
fn after_a_restart_a_resource_that_was_whole_costs_one_read() {
    let mut asked = inputs();
    asked.sync_at = Some("now".to_owned());
    let mut other = whole();
    other.applied_generation = Some(0);
    let mut broken = whole();
    broken.conditions.retain(|one| one.type_ != WHOLE[1]);
    let rows = [
        (inputs(), whole(), false),
        (inputs(), ResourceStatus::default(), true),
        (inputs(), other, true),
        (inputs(), broken, true),
        (asked, whole(), true),
    ];
    for (inputs, status, deep) in rows {
        let due = due(&inputs, &Memory::default(), &status, at(0));
        assert_eq!(due, look(deep), "{inputs:?} {status:?}");
    }
}

#[test]
fn every_so_manieth_look_goes_deep() {
    let (mut memory, mut now, mut deep) = (looked(), at(0), 0);
    for _ in 0..120 {
        now = memory.next.unwrap();
        let Due::Look {
            deep: whole_look, ..
        } = due(&inputs(), &memory, &whole(), now)
        else {
            panic!("nothing is due at {now}");
        };
        deep += u32::from(whole_look);
        let came_to = CameTo {
            deep: whole_look,
            ..CameTo::default()
        };
        memory = remember(&valid(), inputs(), &memory, came_to, now);
    }
    assert!((8..=12).contains(&deep), "{deep} of 120 until {now}");
}

#[test]
fn a_look_that_failed_is_repeated_as_a_whole() {
    let memory = failed(&trouble(Reason::AzureUnavailable), &looked(), 10);
    let next = memory.next.unwrap();
    assert!(pause(&memory, 10) <= 3, "{memory:?}");
    assert_eq!(due(&inputs(), &memory, &whole(), next), look(true));
}

#[test]
fn trouble_is_tried_again_later_and_later_and_never_not() {
    let permanent = Problem::new(Reason::DisallowedByPolicy, Retry::OnChange, "no");
    let passing = trouble(Reason::AzureUnavailable);
    for problem in [permanent, passing] {
        let mut memory = looked();
        for n in 0..50 {
            memory = failed(&problem, &memory, n);
            let pause = pause(&memory, n);
            assert!(
                (1..=660).contains(&pause),
                "{pause} after {n} of {problem:?}"
            );
        }
        assert!(pause(&memory, 49) >= 270, "{memory:?}");
        memory = remember(&valid(), inputs(), &memory, went_deep(), at(50));
        assert_eq!(memory.failures, 0);
    }
}

#[test]
fn a_time_that_azure_asked_for_is_kept() {
    let asked = Duration::from_mins(20);
    let problem = Problem::new(Reason::Throttled, Retry::After(asked), "wait");
    let memory = failed(&problem, &looked(), 0);
    assert!(pause(&memory, 0) >= asked.as_secs(), "{memory:?}");
}

#[test]
fn a_rotation_is_due_at_its_time_with_a_whole_look() {
    let came_to = CameTo {
        rotation: Some(at(100)),
        ..went_deep()
    };
    let memory = remember(&valid(), inputs(), &looked(), came_to, at(0));
    assert_eq!(memory.next, Some(at(100)));
    assert_eq!(due(&inputs(), &memory, &whole(), at(100)), look(true));
}

#[test]
fn a_rotation_that_fails_is_not_tried_again_without_a_pause() {
    let problem = trouble(Reason::AzureUnavailable);
    let came_to = CameTo {
        problem: Some(&problem),
        rotation: Some(at(100)),
        ..went_deep()
    };
    let memory = remember(&valid(), inputs(), &looked(), came_to, at(200));
    assert!(memory.next.unwrap() > at(200), "{memory:?}");
    // Nor is one that is due and not ours to make.
    let came_to = CameTo {
        problem: None,
        ..came_to
    };
    let memory = remember(&valid(), inputs(), &looked(), came_to, at(200));
    assert!(memory.next.unwrap() > at(700), "{memory:?}");
}

#[test]
fn a_note_is_looked_at_when_it_lapses_and_not_later() {
    let problem = Problem::new(Reason::DisallowedByPolicy, Retry::OnChange, "no");
    for problem in [None, Some(&problem)] {
        let open = CameTo {
            problem,
            lapses: Some(at(60)),
            ..went_deep()
        };
        let memory = remember(&valid(), inputs(), &looked(), open, at(0));
        assert_eq!(memory.next, Some(at(60)), "{problem:?}");
        // Where that look has shown nothing, there is no hurry any more.
        let memory = remember(&valid(), inputs(), &looked(), open, at(60));
        assert!(memory.next.unwrap() > at(240), "{memory:?}");
    }
}

#[test]
fn a_look_asks_for_what_it_was_refused_and_at_least_for_what_it_takes() {
    let memory = Memory {
        takes: Calls {
            reads: 5,
            writes: 1,
            deletes: 0,
        },
        ..Memory::default()
    };
    let least = Calls {
        reads: 3,
        writes: 2,
        deletes: 0,
    };
    let both = Calls { reads: 5, ..least };
    assert_eq!(takes(&memory, least), both);
    assert_eq!(takes(&Memory::default(), least), least);
}

#[test]
fn only_our_own_restraint_for_a_moment_is_worth_no_word() {
    let problem =
        |pause: Duration| Problem::new(Reason::Throttled, Retry::After(pause), "m".to_owned());
    assert!(is_passing(&problem(Duration::from_secs(1))));
    assert!(!is_passing(&problem(Duration::from_secs(11))));
    let azures = Problem {
        http_status: Some(429),
        ..problem(Duration::from_secs(1))
    };
    assert!(!is_passing(&azures));
}

#[test]
fn what_others_change_is_looked_at_at_once_and_puts_nothing_off() {
    let mut memory = looked();
    let (next, deep) = (memory.next.unwrap(), memory.deep);
    for now in [10, 20] {
        memory.asks.asked += 1;
        let early = Due::Look {
            deep: false,
            early: true,
        };
        assert_eq!(due(&inputs(), &memory, &whole(), at(now)), early);
        let came_to = CameTo {
            early: true,
            ..CameTo::default()
        };
        memory = remember(&valid(), inputs(), &memory, came_to, at(now));
        assert_eq!((memory.next, memory.deep), (Some(next), deep));
        let rests = due(&inputs(), &memory, &whole(), at(now + 1));
        assert_eq!(rests, Due::Not(next));
    }
    // At its time a look is one like any other.
    memory.asks.asked += 1;
    assert_eq!(due(&inputs(), &memory, &whole(), next), look(false));
    memory = remember(&valid(), inputs(), &memory, CameTo::default(), next);
    assert!(memory.next.unwrap() > next);
}
