use super::super::fixtures::{ADA, BOB, OPERATOR, acl, entries, raw, told};
use super::*;
use crate::azure::lake::LakePath;
use serde_json::{Value, json};

fn access(fields: Value) -> Access {
    let mut all = json!({});
    all["root"] = fields;
    let lake = raw(all);
    let filesystem = lake.filesystems.into_values().next().unwrap();
    filesystem.nodes[&LakePath::root()].access.clone()
}

fn of_list(mode: &str, list: &str) -> Access {
    access(json!({ "acl": entries(list), "aclMode": mode }))
}

/// What is written where a list is, with `$A` and `$B` for ids; nothing where nothing is.
fn written(access: &Access, there: &str) -> String {
    match compare(access, &told(there)).unwrap() {
        Verdict::Fits => String::new(),
        Verdict::Differs(Change {
            rights: Rights::Acl(acl),
            ..
        }) => {
            let text = acl.to_string();
            // What is written is there afterwards, and fits.
            assert_eq!(written(access, &text), "");
            text.replace(ADA, "$A").replace(BOB, "$B")
        }
        other @ (Verdict::Differs(_) | Verdict::Unknown) => panic!("{other:?}"),
    }
}

const PLAIN: &str = "user::rwx,group::r-x,other::---";

#[test]
fn a_list_that_means_the_same_is_left() {
    let wanted = of_list("Set", "user::rwx,user:$A:r-x,group::r-x,other::---");
    for same in [
        "other::---,group::r-x,user:$A:r-x,user::rwx",
        "user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---",
    ] {
        assert_eq!(written(&wanted, same), "", "{same}");
    }
    // A mask that is left after the last named entry went.
    assert_eq!(
        written(
            &of_list("Set", PLAIN),
            "user::rwx,group::r-x,mask::r-x,other::---"
        ),
        ""
    );
}

#[test]
fn a_list_is_replaced_as_a_whole() {
    let wanted = of_list("Set", "user::rwx,user:$A:r-x,group::r-x,other::---");
    for other in [
        PLAIN,
        "user::rwx,user:$A:r-x,user:$B:r-x,group::r-x,mask::r-x,other::---",
        "user::rwx,user:$A:r-x,group::r-x,mask::---,other::---",
        "user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---,default:user::rwx,default:group::r-x,default:other::---",
    ] {
        assert_eq!(
            written(&wanted, other),
            "user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---",
            "{other}"
        );
    }
}

#[test]
fn additions_leave_the_rest() {
    let wanted = of_list("Modify", "user:$A:rwx,default:user:$A:r-x");
    assert_eq!(
        written(
            &wanted,
            "user::rwx,user:$B:r--,group::r-x,mask::r-x,other::---"
        ),
        "user::rwx,user:$A:rwx,user:$B:r--,group::r-x,mask::rwx,other::---,default:user::rwx,default:user:$A:r-x,default:group::r-x,default:mask::r-x,default:other::---"
    );
}

#[test]
fn removals_leave_the_rest() {
    let wanted = of_list("Remove", "user:$A,default:user:$A");
    let there = "user::rwx,user:$A:rwx,user:$B:r--,group::r-x,mask::rwx,other::---";
    assert_eq!(
        written(&wanted, there),
        "user::rwx,user:$B:r--,group::r-x,mask::r-x,other::---"
    );
    // Nothing of it is there: a mask that somebody has made narrow stays.
    assert_eq!(
        written(
            &wanted,
            "user::rwx,user:$B:rwx,group::r-x,mask::r--,other::---"
        ),
        ""
    );
}

#[test]
fn default_entries_go_together_or_come_back_from_the_others() {
    let there = format!("{PLAIN},default:user::r--,default:group::r--,default:other::r--");
    let all = of_list("Remove", "default:user,default:group,default:other");
    assert_eq!(written(&all, &there), PLAIN);
    let with_mask = format!("{there},default:mask::r--");
    assert_eq!(written(&all, &with_mask), PLAIN);
    let one = of_list("Remove", "default:user");
    assert_eq!(
        written(&one, &there),
        format!("{PLAIN},default:user::rwx,default:group::r--,default:other::r--")
    );
}

#[test]
fn permissions_are_compared_as_they_are_shown() {
    let wanted = access(json!({ "permissions": "0750" }));
    // The group's are the mask where there is one.
    let masked = told("user::rwx,user:$A:rwx,group::---,mask::r-x,other::---");
    assert_eq!(compare(&wanted, &masked), Ok(Verdict::Fits));
    let sticky = Told {
        permissions: Some("1750".parse().unwrap()),
        ..told(PLAIN)
    };
    let Ok(Verdict::Differs(change)) = compare(&wanted, &sticky) else {
        panic!("the sticky bit is a difference");
    };
    assert_eq!(change.rights, Rights::Permissions("0750".parse().unwrap()));
}

#[test]
fn owners_are_written_where_they_differ() {
    let wanted = access(json!({ "owner": OPERATOR.to_uppercase(), "group": ADA }));
    let Ok(Verdict::Differs(change)) = compare(&wanted, &told(PLAIN)) else {
        panic!("the group differs");
    };
    assert_eq!((change.owner, change.rights), (None, Rights::None));
    assert_eq!(change.group, Some(ADA.parse().unwrap()));
}

#[test]
fn what_a_look_has_not_told_is_asked_for() {
    let path = Told {
        acl: None,
        ..told(PLAIN)
    };
    for (wanted, verdict) in [
        (of_list("Set", PLAIN), Verdict::Unknown),
        (of_list("Modify", "user:$A:r--"), Verdict::Unknown),
        (access(json!({ "permissions": "0750" })), Verdict::Fits),
        (access(json!({ "owner": OPERATOR })), Verdict::Fits),
    ] {
        assert_eq!(compare(&wanted, &path), Ok(verdict), "{wanted:?}");
        let nothing = compare(&wanted, &Told::default());
        assert_eq!(nothing, Ok(Verdict::Unknown), "{wanted:?}");
    }
}

#[test]
fn a_list_that_would_be_too_long_is_told() {
    let named = (0..28).map(|n| format!("user:{n:08}-271f-439e-b031-25678907d381:r--"));
    let named: Vec<String> = named.collect();
    let there = format!("{PLAIN},mask::r-x,{}", named.join(","));
    let wanted = of_list("Modify", "user:$A:r-x");
    assert!(compare(&wanted, &told(&there)).is_err());
}

#[test]
fn a_new_path_has_its_access_from_the_beginning_where_that_can_be_said() {
    let set = of_list("Set", PLAIN);
    let made = at_creation(&set).unwrap();
    assert_eq!(made.rights, Rights::Acl(acl(PLAIN)));
    for depends in [
        of_list("Modify", "user:$A:r--"),
        of_list("Remove", "user:$A"),
        access(json!({ "permissions": "0750" })),
        access(json!({})),
    ] {
        assert_eq!(at_creation(&depends), None, "{depends:?}");
    }
    let owned = access(json!({ "owner": ADA }));
    assert_eq!(at_creation(&owned).unwrap().rights, Rights::None);
}

#[test]
fn a_file_that_is_made_anew_keeps_what_is_not_said() {
    let there = "user::rw-,user:$A:r--,group::r--,mask::r--,other::---";
    let silent = access(json!({}));
    let change = kept(&silent, &told(there)).unwrap().unwrap();
    assert_eq!(change.rights, Rights::Acl(acl(there)));
    assert_eq!(change.owner, Some(OPERATOR.parse().unwrap()));
    let said = access(json!({ "owner": ADA, "permissions": "0600" }));
    let change = kept(&said, &told(there)).unwrap().unwrap();
    assert_eq!(change.owner, Some(ADA.parse().unwrap()));
    assert_eq!(
        change.rights,
        Rights::Acl(acl("user::rw-,user:$A:r--,group::r--,mask::---,other::---"))
    );
    assert_eq!(kept(&silent, &Told::default()), Ok(None));
}

#[test]
fn differences_are_told_field_by_field() {
    let wanted = access(json!({ "owner": ADA, "permissions": "0700" }));
    let found = differences("filesystems[raw].root", &wanted, &told(PLAIN));
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|one| (one.path.as_str(), one.observed.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("filesystems[raw].root.owner", OPERATOR),
            ("filesystems[raw].root.permissions", "rwxr-x---"),
        ]
    );
}
