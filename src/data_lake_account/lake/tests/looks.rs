//! What is looked at, and when.

use super::*;

fn looks(case: &Case) -> Vec<String> {
    let batch = case.plan();
    assert_eq!(batch.steps, []);
    let each = batch.looks.iter().map(|look| match look {
        Look::Filesystem(name) => format!("filesystem {name}"),
        Look::Contents(name) => format!("contents {name}"),
        Look::Path(place, needs) => {
            let mut words = place.to_string();
            for (needed, word) in [(needs.thing, " thing"), (needs.list, " list")] {
                words.push_str(if needed { word } else { "" });
            }
            words
        }
    });
    each.collect()
}

fn three() -> Lake {
    raw(json!({ "directories": [
        { "path": "a", "acl": entries(PLAIN) },
        { "path": "b", "permissions": "0750" },
        { "path": "c" },
    ] }))
}

#[test]
fn the_filesystem_comes_first_and_all_paths_together() {
    let mut case = Case::new(three());
    assert_eq!(looks(&case), ["filesystem raw"]);
    case.seen.saw_filesystem(&name(), here());
    assert_eq!(
        looks(&case),
        ["raw/a thing list", "raw/b thing", "raw/c thing"]
    );
}

#[test]
fn in_its_turn_a_directory_costs_one_call() {
    let mut case = Case::new(three());
    case.turn = Some(Turn { turn: 0, of: 1 });
    case.seen.saw_filesystem(&name(), here());
    assert_eq!(looks(&case), ["raw/a list", "raw/b thing", "raw/c thing"]);
}

#[test]
fn each_thing_is_looked_at_once_in_as_many_turns_as_there_are() {
    let directories: Vec<_> = (0..50)
        .map(|at| json!({ "path": format!("d{at}") }))
        .collect();
    let mut case = Case::new(raw(json!({ "directories": directories })));
    let mut all = Vec::new();
    for turn in 0..4 {
        case.turn = Some(Turn { turn, of: 4 });
        case.seen = Seen::default();
        for _ in 0..2 {
            for look in case.plan().looks {
                match &look {
                    Look::Filesystem(name) => case.seen.saw_filesystem(name, here()),
                    Look::Path(place, _) => case.seen.saw_path(place, directory(PLAIN)),
                    Look::Contents(name) => panic!("{name} is not to go"),
                }
                all.push(look);
            }
        }
        assert_eq!(case.plan(), Batch::default());
        assert!(!case.outcome().whole, "a part is not the whole");
    }
    let seen = all.len();
    all.sort();
    all.dedup();
    assert_eq!((seen, all.len()), (51, 51));
}

#[test]
fn where_a_path_is_gone_those_above_it_are_looked_at_whose_turn_it_is_not() {
    let mut case = Case::new(raw(
        json!({ "root": { "permissions": "0750" }, "directories": [
        { "path": "a", "permissions": "0750" }, { "path": "a/b" }, { "path": "a/b/c" }, { "path": "d" },
    ] }),
    ));
    // A turn that is nobody's: only what is asked for otherwise is looked at.
    case.turn = Some(Turn { turn: 9, of: 1 });
    assert_eq!(looks(&case), Vec::<String>::new());
    case.saw("a/b", PathSeen::Absent);
    assert_eq!(looks(&case), ["raw/ thing", "raw/a thing"]);
    case.saw("", directory(PLAIN));
    case.saw("a", PathSeen::Absent);
    assert_eq!(case.does(), ["create directory raw/a"]);
    assert_eq!(case.does(), ["set permissions rwxr-x--- of raw/a"]);
    assert_eq!(case.does(), ["create directory raw/a/b"]);
    // What was in it went with it.
    assert_eq!(case.does(), ["create directory raw/a/b/c"]);
    assert_eq!(case.plan(), Batch::default());
}

#[test]
fn what_is_asked_for_is_looked_at_and_nothing_else() {
    let mut case = Case::new(three());
    case.turn = Some(Turn::NOBODYS);
    case.seen = Seen::asked(&[at("b")].into());
    let Batch { looks, steps } = case.plan();
    assert_eq!((looks.len(), steps.len()), (1, 0), "{looks:?}");
    assert!(matches!(&looks[0], Look::Path(place, _) if *place == at("b")));
    case.saw("b", directory(PLAIN));
    assert_eq!(case.plan(), Batch::default());
}

#[test]
fn a_plan_may_be_asked_for_while_things_are_under_way() {
    let mut case = Case::there(three());
    let first = case.plan();
    case.saw("b", directory(PLAIN));
    let then = case.plan();
    assert_eq!(then.looks, [first.looks[0].clone(), first.looks[2].clone()]);
}
