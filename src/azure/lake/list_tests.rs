use super::*;
use crate::azure::lake::fixtures::{answer, place, told, whole};

#[test]
fn calls_are_those_of_the_reference() {
    for (call, expected) in [
        (
            list(whole(), true, None),
            "GET /raw?resource=filesystem&recursive=true&maxResults=2000",
        ),
        (
            list(place("/"), false, None),
            "GET /raw?resource=filesystem&recursive=false&maxResults=2000",
        ),
        (
            list(place("a/b"), false, Some("x")),
            "GET /raw?resource=filesystem&recursive=false&directory=a%2Fb&maxResults=2000&continuation=x",
        ),
    ] {
        assert_eq!(told(&call), expected);
    }
}

#[test]
fn a_page_tells_directories_files_and_where_there_are_entries() {
    let body = r#"{"paths":[
        {"contentLength":"0","etag":"0x1","group":"$superuser","isDirectory":"true","name":"some","owner":"$superuser","permissions":"rwxr-x---+"},
        {"contentLength":"12","etag":"0x2","group":"$superuser","name":"some/file.txt","owner":"$superuser","permissions":"rw-r-----"},
        {"contentLength":7,"isDirectory":false,"name":"other"}]}"#;
    let page = read(
        &list(whole(), true, None),
        &answer(200, &[("x-ms-continuation", "next")], body),
    )
    .unwrap();
    let [directory, file, bare] = page.paths.as_slice() else {
        panic!("{page:?}");
    };
    assert_eq!(
        (directory.thing, directory.has_entries),
        (Thing::Directory, true)
    );
    assert_eq!(
        (file.thing, file.length, file.has_entries),
        (Thing::File, 12, false)
    );
    assert_eq!((bare.thing, bare.length), (Thing::File, 7));
    assert_eq!(page.continuation.as_deref(), Some("next"));
    assert!(read(&list(whole(), true, None), &answer(200, &[], "[]")).is_err());
}
