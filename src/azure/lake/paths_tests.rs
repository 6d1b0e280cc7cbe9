use super::*;
use crate::azure::lake::fixtures::{answer, place, told};
use crate::problem::Reason;

#[test]
fn calls_are_those_of_the_reference() {
    let acl = Acl::parse("user::rwx,group::r-x,other::---").unwrap();
    let owner: Owner = "$superuser".parse().unwrap();
    let how = Creation {
        permissions: Some("0750".parse().unwrap()),
        umask: Some("0000".parse().unwrap()),
        owner: Some(&owner),
        ..Creation::default()
    };
    let listed = Creation {
        acl: Some(&acl),
        group: Some(&owner),
        ..Creation::default()
    };
    for (call, expected) in [
        (
            create(place("a/b"), Thing::Directory, &Creation::default()).unwrap(),
            "PUT /raw/a/b?resource=directory if-none-match=*",
        ),
        (
            create(place("a"), Thing::Directory, &how).unwrap(),
            "PUT /raw/a?resource=directory if-none-match=* x-ms-permissions=0750 x-ms-umask=0000 x-ms-owner=$superuser",
        ),
        (
            create(place("a"), Thing::File, &listed).unwrap(),
            "PUT /raw/a?resource=file if-none-match=* x-ms-acl=user::rwx,group::r-x,other::--- x-ms-group=$superuser",
        ),
        (
            empty(place("a"), "\"0x1\"", &Creation::default()).unwrap(),
            "PUT /raw/a?resource=file if-match=\"0x1\"",
        ),
        (get(place("a")), "HEAD /raw/a"),
        (get_status(place("/")), "HEAD /raw/?action=getStatus"),
        (
            delete(place("a"), false, None),
            "DELETE /raw/a?recursive=false",
        ),
        (
            delete(place("a"), true, Some("x")),
            "DELETE /raw/a?recursive=true&paginated=true&continuation=x",
        ),
    ] {
        assert_eq!(told(&call), expected);
    }
}

#[test]
fn a_file_is_read_from_headers() {
    let headers = [
        ("content-length", "3"),
        ("content-md5", "kAFQmDzST7DWlj99KOF/cg=="),
        ("etag", "\"0x1\""),
        ("x-ms-group", "$superuser"),
        ("x-ms-owner", "AAAAAAAA-271f-439e-b031-25678907d381"),
        ("x-ms-permissions", "rw-r-----"),
        ("x-ms-resource-type", "file"),
        ("x-ms-lease-status", "locked"),
    ];
    let status = read(&get(place("a")), &answer(200, &headers, "")).unwrap();
    assert_eq!(
        (status.thing, status.length, status.leased),
        (Thing::File, 3, true)
    );
    assert_eq!(status.md5.as_deref(), Some("kAFQmDzST7DWlj99KOF/cg=="));
    assert_eq!(
        status.owner.unwrap().as_str(),
        "aaaaaaaa-271f-439e-b031-25678907d381"
    );
    assert_eq!(status.permissions.unwrap().octal(), "0640");
}

#[test]
fn what_does_not_say_what_it_is_is_not_taken_for_a_file() {
    let bare = answer(200, &[("content-length", "3")], "");
    let problem = read(&get(place("a")), &bare).unwrap_err();
    assert_eq!(problem.reason, Reason::MalformedAnswer);
    let root = read(&get_status(place("/")), &bare).unwrap();
    assert_eq!((root.thing, root.length), (Thing::Directory, 0));
}
