use super::*;
use crate::azure::fixtures::answer;
use crate::azure::webhdfs::mod_tests::{lake, path};
use crate::azure::webhdfs::{get, list};

fn call() -> Call {
    get(&lake(), &path("a"))
}

#[test]
fn a_status_tells_what_stands_there() {
    let body = r#"{"FileStatus":{"length":12,"pathSuffix":"","type":"FILE","blockSize":268435456,"accessTime":1,"modificationTime":2,"replication":1,"permission":"70","owner":"A","group":"g","aclBit":false}}"#;
    let status = status(&call(), &answer(200, &[], body)).unwrap();
    assert_eq!(
        (status.thing, status.length, status.has_entries),
        (Thing::File, 12, false)
    );
    assert_eq!(status.permissions.unwrap().octal(), "0070");
    assert_eq!(status.owner, Some(Owner::told("a")));
    assert_eq!(status.etag.as_deref(), Some("2"));
}

#[test]
fn a_full_page_goes_on_behind_its_last_name() {
    let page_of = |count: usize, more: &str| {
        let each = (0..count).map(|number| {
            format!(r#"{{"pathSuffix":"f{number}","type":"DIRECTORY","permission":"1770"}}"#)
        });
        let each: Vec<String> = each.collect();
        let body = format!(
            r#"{{"FileStatuses":{{"FileStatus":[{}]{more}}}}}"#,
            each.join(",")
        );
        page(&list(&lake(), &path("a"), None), &answer(200, &[], &body)).unwrap()
    };
    let some = page_of(2, "");
    assert_eq!((some.paths.len(), some.continuation), (2, None));
    assert!(some.paths[0].permissions.unwrap().sticky);
    assert_eq!(
        page_of(PAGE, "").continuation.unwrap(),
        format!("f{}", PAGE - 1)
    );
    // What the service says of it counts more.
    let told = page_of(2, r#","continuationToken":"x""#);
    assert_eq!(told.continuation.as_deref(), Some("f1"));
    let last = page_of(PAGE, r#","continuationToken":"""#);
    assert_eq!(last.continuation, None);
}

#[test]
fn access_is_that_of_the_second_generation() {
    let body = r#"{"AclStatus":{"entries":["user::rwx","user:72a3f86f-271f-439e-b031-25678907d381:rwx","group::rwx","mask::rwx","other::---"],"owner":"o","group":"g","permission":"770","stickyBit":true}}"#;
    let access = access(&call(), &answer(200, &[], body)).unwrap();
    assert_eq!(access.permissions.to_string(), "rwxrwx--T");
    assert_eq!(access.acl.permissions(true), access.permissions);
    assert_eq!(access.acl.to_string(), access.told);
}

#[test]
fn what_says_nothing_is_no_answer() {
    let empty = answer(200, &[], "{}");
    assert!(status(&call(), &empty).is_err() && page(&call(), &empty).is_err());
    assert!(access(&call(), &empty).is_err() && done(&call(), &empty).is_err());
    let link = answer(200, &[], r#"{"FileStatus":{"type":"SYMLINK"}}"#);
    assert_eq!(
        status(&call(), &link).unwrap_err().reason,
        Reason::MalformedAnswer
    );
    assert_eq!(
        done(&call(), &answer(200, &[], r#"{"boolean":false}"#)),
        Ok(false)
    );
}
