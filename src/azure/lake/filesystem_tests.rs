use std::collections::BTreeMap;

use super::*;
use crate::azure::lake::fixtures::{answer, place, told, whole};
use crate::problem::Reason;

fn properties() -> Properties {
    let one = BTreeMap::from([("AddedVia".to_owned(), "Azure SDK for Rust".to_owned())]);
    Properties::new(one).unwrap()
}

#[test]
fn calls_are_those_of_the_reference() {
    let none = Properties::default();
    for (call, expected) in [
        (
            create(whole(), &none).unwrap(),
            "PUT /raw?resource=filesystem",
        ),
        (
            create(place("a"), &properties()).unwrap(),
            "PUT /raw?resource=filesystem x-ms-properties=AddedVia=QXp1cmUgU0RLIGZvciBSdXN0",
        ),
        (get(whole()), "HEAD /raw?resource=filesystem"),
        (delete(whole()), "DELETE /raw?resource=filesystem"),
        // An empty header takes all properties away.
        (
            set_properties(whole(), &none).unwrap(),
            "PATCH /raw?resource=filesystem x-ms-properties=",
        ),
    ] {
        assert_eq!(told(&call), expected);
    }
}

#[test]
fn a_filesystem_is_read_from_headers() {
    let told = answer(
        200,
        &[
            ("etag", "\"0x8DBF20B491A990C\""),
            ("x-ms-default-encryption-scope", "$account-encryption-key"),
            ("x-ms-namespace-enabled", "true"),
            ("x-ms-properties", "AddedVia=QXp1cmUgU0RLIGZvciBSdXN0"),
        ],
        "",
    );
    let filesystem = read(&get(whole()), &told).unwrap();
    assert_eq!(filesystem.properties, properties());
    assert!(filesystem.hierarchical);
    assert_eq!(filesystem.etag.as_deref(), Some("\"0x8DBF20B491A990C\""));
    let nothing = read(&get(whole()), &answer(200, &[], "<html>")).unwrap_err();
    assert_eq!(nothing.reason, Reason::MalformedAnswer);
}
