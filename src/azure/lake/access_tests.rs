use super::*;
use crate::azure::lake::fixtures::{answer, place, told};
use crate::problem::Reason;

const ID: &str = "72a3f86f-271f-439e-b031-25678907d381";

#[test]
fn calls_are_those_of_the_reference() {
    let acl = Acl::parse("user::rwx,group::r-x,other::---").unwrap();
    let removal = Removal::parse(&format!("default:user:{ID}")).unwrap();
    let owner: Owner = ID.parse().unwrap();
    for (call, expected) in [
        (get(place("a"), false), "HEAD /raw/a?action=getAccessControl".to_owned()),
        (get(place(""), true), "HEAD /raw/?action=getAccessControl&upn=true".to_owned()),
        (
            set(place("a"), Some(&owner), None, &Change::Acl(acl.clone())).unwrap(),
            format!("PATCH /raw/a?action=setAccessControl x-ms-owner={ID} x-ms-acl=user::rwx,group::r-x,other::---"),
        ),
        (
            set(place("a"), None, Some(&owner), &Change::Permissions("1770".parse().unwrap())).unwrap(),
            format!("PATCH /raw/a?action=setAccessControl x-ms-group={ID} x-ms-permissions=1770"),
        ),
        (
            sweep(place("a"), &Sweep::Set(acl), 9999, None).unwrap(),
            "PATCH /raw/a?action=setAccessControlRecursive&mode=set&maxRecords=2000&forceFlag=true x-ms-acl=user::rwx,group::r-x,other::---".to_owned(),
        ),
        (
            sweep(place("a"), &Sweep::Remove(removal), 5, Some("b")).unwrap(),
            format!("PATCH /raw/a?action=setAccessControlRecursive&mode=remove&maxRecords=5&forceFlag=true&continuation=b x-ms-acl=default:user:{ID}"),
        ),
    ] {
        assert_eq!(told(&call), expected);
    }
}

#[test]
fn access_is_read_from_headers() {
    let headers = [
        (
            "x-ms-acl",
            "user::rwx,user:72a3f86f-271f-439e-b031-25678907d381:rwx,group::r--,mask::rwx,other::---",
        ),
        ("x-ms-group", "$superuser"),
        ("x-ms-owner", "$superuser"),
        ("x-ms-permissions", "rwxrwx---+"),
    ];
    let call = get(place("a"), false);
    let access = read(&call, &answer(200, &headers, "")).unwrap();
    assert_eq!(access.owner.as_str(), Owner::SUPERUSER);
    assert_eq!(access.acl.permissions(false), access.permissions);
    for missing in 0..headers.len() {
        let mut some = headers.to_vec();
        some.remove(missing);
        let problem = read(&call, &answer(200, &some, "")).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer);
    }
}

#[test]
fn owners_that_are_named_have_ids_too() {
    let access = |owner, user: &str| {
        let acl = format!("user::rwx,user:{user}:r-x,group::r-x,other::---");
        let headers = [
            ("x-ms-acl", acl.as_str()),
            ("x-ms-group", "$superuser"),
            ("x-ms-owner", owner),
            ("x-ms-permissions", "rwxr-x---"),
        ];
        read(&get(place("a"), false), &answer(200, &headers, "")).unwrap()
    };
    let ids = ids(
        &access(ID, ID),
        &access("Ada@contoso.com", "bob@contoso.com"),
    );
    assert_eq!(ids["ada@contoso.com"], ID);
    assert_eq!(ids["bob@contoso.com"], ID);
}

#[test]
fn what_a_sweep_came_to_is_read_with_its_failures_and_its_end() {
    let call = sweep(place("a"), &Sweep::Remove(Removal::default()), 10, None).unwrap();
    let body = r#"{"directoriesSuccessful":3,"failedEntries":[{"errorMessage":"no","name":"a/b","type":"FILE"}],"failureCount":1,"filesSuccessful":7}"#;
    let part = answer(200, &[("x-ms-continuation", "VBaD")], body);
    let swept = read_swept(&call, &part).unwrap();
    assert_eq!((swept.directories, swept.files, swept.failures), (3, 7, 1));
    assert_eq!(swept.failed_entries[0].name, "a/b");
    assert_eq!(swept.continuation.as_deref(), Some("VBaD"));
    // An empty header is the end, too.
    let end = answer(200, &[("x-ms-continuation", "")], body);
    assert_eq!(read_swept(&call, &end).unwrap().continuation, None);
    assert!(read_swept(&call, &answer(200, &[], "{}")).is_err());
}
