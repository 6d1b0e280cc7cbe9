use super::*;

const A: &str = "aaaaaaaa-271f-439e-b031-25678907d381";
const B: &str = "bbbbbbbb-271f-439e-b031-25678907d381";

fn acl(text: &str) -> Acl {
    Acl::parse(&text.replace("$A", A).replace("$B", B)).unwrap()
}

fn refused(text: &str) -> AclError {
    Acl::parse(&text.replace("$A", A)).unwrap_err()
}

#[test]
fn order_spaces_and_case_of_ids_make_no_difference() {
    let upper = format!(
        "other::---, group::r-x ,user:{}:rwx,user::rwx",
        A.to_uppercase()
    );
    let read = Acl::parse(&upper).unwrap();
    assert_eq!(read, acl("user::rwx,user:$A:rwx,group::r-x,other::---"));
    assert_eq!(
        read.to_string(),
        format!("user::rwx,user:{A}:rwx,group::r-x,other::---")
    );
}

#[test]
fn a_refusal_names_the_entry() {
    for (text, refusal) in [
        ("user::rwx,who::r--", AclError::Form("who::r--".to_owned())),
        ("user::rw", AclError::Form("user::rw".to_owned())),
        ("", AclError::Form(String::new())),
        ("user::rwx,", AclError::Form(String::new())),
        (
            "Default:user::rwx",
            AclError::Form("Default:user::rwx".to_owned()),
        ),
        ("user:ada:rwx", AclError::Id("user:ada:rwx".to_owned())),
        (
            "group:a@b.c:rwx",
            AclError::Id("group:a@b.c:rwx".to_owned()),
        ),
        (
            "mask:a@b.c:rwx",
            AclError::IdOfAll("mask:a@b.c:rwx".to_owned()),
        ),
        (
            "user::rwx,user::r--",
            AclError::Twice("user::r--".to_owned()),
        ),
    ] {
        assert_eq!(refused(text), refusal, "{text}");
    }
    let twice = format!("user:$A:r--,user:{}:r--", A.to_uppercase());
    assert!(matches!(refused(&twice), AclError::Twice(entry) if entry.contains(&A.to_uppercase())));
}

#[test]
fn a_list_that_replaces_another_has_three_entries_and_not_too_many() {
    assert_eq!(
        acl("user::rwx,other::---").complete(),
        Err(AclError::Incomplete("group"))
    );
    assert_eq!(acl("user::rwx,group::r-x,other::---").complete(), Ok(()));
    let named = |count: usize| {
        let each = (0..count).map(|n| format!("user:{n:08}-271f-439e-b031-25678907d381:r--"));
        let each: Vec<String> = each.collect();
        format!("user::rwx,group::r-x,other::---,{}", each.join(","))
    };
    // The mask that Azure adds is counted.
    assert_eq!(acl(&named(28)).complete(), Ok(()));
    let error = acl(&named(29)).complete().unwrap_err();
    assert!(
        error.to_string().contains("33 entries for access"),
        "{error}"
    );
    assert!(Acl::parse(&named(30)).is_err());
}

#[test]
fn the_mask_is_what_azure_would_make_it() {
    let wanted = acl("user::rwx,user:$A:rwx,group::r--,other::---");
    let kept = Acl::told(&format!(
        "user::rwx,user:{A}:rwx,group::r--,mask::rwx,other::---"
    ))
    .unwrap();
    assert_eq!(wanted.as_stored(), kept);
    assert!(wanted.means_same(&kept));
    let narrow = acl("user::rwx,user:$A:rwx,group::r--,mask::r--,other::---");
    assert_eq!(narrow.as_stored(), narrow);
    assert!(!narrow.means_same(&kept));
}

#[test]
fn a_mask_that_says_no_more_than_the_group_is_none() {
    // What Azure shows after the last named entry went.
    let left = acl("user::rwx,group::rw-,mask::rw-,other::---");
    assert!(acl("user::rwx,group::rw-,other::---").means_same(&left));
    assert!(!acl("user::rwx,group::r--,other::---").means_same(&left));
}

#[test]
fn default_entries_are_completed_from_the_others() {
    let wanted = acl("user::rwx,group::r-x,other::---,default:user:$A:rwx");
    assert_eq!(
        wanted.as_stored().to_string(),
        format!(
            "user::rwx,group::r-x,other::---,default:user::rwx,default:user:{A}:rwx,default:group::r-x,default:mask::rwx,default:other::---"
        )
    );
    let without = acl("user::rwx,group::r-x,other::---");
    assert!(!wanted.means_same(&without));
    assert_eq!(wanted.access(), without);
}

#[test]
fn the_group_is_shown_as_the_mask() {
    let some = acl("user::rwx,user:$A:rwx,group::r--,mask::rwx,other::--x");
    assert_eq!(some.permissions(true).to_string(), "rwxrwx--t");
    let plain = "rwxr-x---".parse().unwrap();
    assert_eq!(Acl::of(plain).permissions(false), plain);
    let set = some.after("rwx------".parse().unwrap());
    assert_eq!(
        set,
        acl("user::rwx,user:$A:rwx,group::r--,mask::---,other::---")
    );
}

#[test]
fn entries_are_set_in_place_of_those_for_the_same() {
    let before = acl("user::rwx,user:$A:rwx,group::r--,mask::rwx,other::---");
    let after = before.modified_by(&acl("user:$A:r--,group:$B:r-x"));
    assert_eq!(
        after,
        acl("user::rwx,user:$A:r--,group::r--,group:$B:r-x,mask::r-x,other::---")
    );
}

#[test]
fn names_become_ids_by_two_answers_about_one_list() {
    let wanted = acl("user::rwx,user:Ada@contoso.com:r-x,group::r-x,group:$B:r-x,other::---");
    assert!(wanted.has_names());
    let by_id = format!("user::rwx,user:{A}:r-x,group::r-x,group:{B}:r-x,mask::r-x,other::---");
    let by_name =
        format!("user::rwx,user:ada@contoso.com:r-x,group::r-x,group:{B}:r-x,mask::r-x,other::---");
    let ids = ids_of_names(&by_id, &by_name);
    assert_eq!(ids.len(), 1);
    let kept = Acl::told(&by_id).unwrap();
    assert!(wanted.with_ids(&ids).means_same(&kept));
    // Answers of which one is older than a change do not fit together.
    let changed = by_name.replace("contoso.com:r-x", "contoso.com:rwx");
    assert!(ids_of_names(&by_id, &changed).is_empty());
}

#[test]
fn what_azure_tells_may_name_anybody() {
    assert!(Acl::told("user::rwx,user:$superuser:r-x,group::r-x,other::---").is_some());
    assert!(Acl::told("").unwrap().is_empty());
    assert_eq!(Acl::told("user::rwx;group::r-x"), None);
}
