//! What files hold.

use super::*;

fn of_files() -> Case {
    let file = |path: &str, mode: &str| json!({ "path": path, "from": { "configMap": { "name": "m", "key": "k" } }, "permissions": mode });
    let mut case = Case::there(raw(
        json!({ "files": [file("a", "0640"), file("b", "0640"), file("c", "0640")] }),
    ));
    for path in ["a", "b", "c"] {
        case.contents.insert(at(path), Ok(content("hello")));
    }
    case
}

#[test]
fn files_are_written_where_they_differ() {
    let mut case = of_files();
    let list = "user::rw-,group::r--,other::---";
    case.saw("a", PathSeen::Absent);
    case.saw("b", file(&content("hello"), list));
    case.saw("c", file(&content("other"), list));
    let batch = case.plan();
    let told: Vec<String> = batch.steps.iter().map(told_ids).collect();
    assert_eq!(
        told,
        ["write file raw/a (5 bytes)", "write file raw/c (5 bytes)"]
    );
    let [
        Step::WriteFile {
            over: None,
            with: None,
            ..
        },
        Step::WriteFile {
            over: Some(etag),
            with: Some(with),
            ..
        },
    ] = batch.steps.as_slice()
    else {
        panic!("{batch:?}");
    };
    // It keeps who owns it: a file that is made anew would be somebody else's.
    assert_eq!(
        (etag.as_str(), with.owner.as_ref().unwrap().as_str()),
        ("\"7\"", OPERATOR)
    );
    for step in &batch.steps {
        case.came(step, Came::Done);
    }
    assert_eq!(case.does(), ["set permissions rw-r----- of raw/a"]);
    assert!(case.outcome().whole);
}

#[test]
fn a_file_whose_source_is_missing_is_left_and_told() {
    let mut case = of_files();
    let missing = Problem::new(
        Reason::PushSourceNotFound,
        Retry::OnChange,
        "there is no ConfigMap m",
    );
    case.contents.insert(at("a"), Err(missing));
    let list = "user::rw-,group::r--,other::---";
    case.saw("a", PathSeen::Absent);
    for path in ["b", "c"] {
        case.saw(path, file(&content("hello"), list));
    }
    assert_eq!(case.plan(), Batch::default());
    let problem = case.outcome().problem.unwrap();
    assert!(
        problem.message.contains("files[a]: there is no ConfigMap"),
        "{problem}"
    );
}

#[test]
fn nothing_of_a_files_content_is_told() {
    let mut case = of_files();
    for path in ["a", "b", "c"] {
        case.saw(
            path,
            file(&content("planted"), "user::rw-,group::r--,other::---"),
        );
    }
    let all = format!(
        "{:?} {:?} {:?}",
        case.plan(),
        case.seen,
        differences(&case.inputs(), &case.seen)
    );
    assert!(!all.contains("md5 of"), "{all}");
}

#[test]
fn an_empty_file_has_no_digest() {
    let mut case = of_files();
    case.contents.insert(at("a"), Ok(content("")));
    case.saw(
        "a",
        PathSeen::Here(Here {
            holds: Some(Holds::default()),
            ..match file(&content(""), "user::rw-,group::r--,other::---") {
                PathSeen::Here(here) => here,
                PathSeen::Absent => Here::default(),
            }
        }),
    );
    let paths: Vec<String> = case.plan().steps.iter().map(told_ids).collect();
    assert_eq!(paths, Vec::<String>::new());
}
