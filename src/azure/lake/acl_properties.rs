use proptest::prelude::*;

use super::*;

fn rights() -> impl Strategy<Value = Rights> {
    (0u32..8).prop_map(|digit| Rights::of_digit(digit).unwrap())
}

fn keys() -> impl Strategy<Value = Key> {
    let scope = prop_oneof![Just(Scope::Access), Just(Scope::Default)];
    let id = prop_oneof![
        Just("aaaaaaaa-271f-439e-b031-25678907d381"),
        Just("bbbbbbbb-271f-439e-b031-25678907d381")
    ];
    let who = prop_oneof![
        Just((Kind::User, None)),
        Just((Kind::Group, None)),
        Just((Kind::Mask, None)),
        Just((Kind::Other, None)),
        id.clone().prop_map(|id| (Kind::User, Some(id.to_owned()))),
        id.prop_map(|id| (Kind::Group, Some(id.to_owned()))),
        Just((Kind::User, Some("ada@contoso.com".to_owned()))),
    ];
    (scope, who).prop_map(|(scope, (kind, id))| Key { scope, kind, id })
}

/// Lists that Azure takes, and parts of such.
fn any_acl() -> impl Strategy<Value = Acl> {
    proptest::collection::btree_map(keys(), rights(), 1..10).prop_map(Acl)
}

fn whole() -> impl Strategy<Value = Acl> {
    (any_acl(), rights(), rights(), rights()).prop_map(|(mut acl, user, group, other)| {
        for (kind, rights) in [
            (Kind::User, user),
            (Kind::Group, group),
            (Kind::Other, other),
        ] {
            acl.0.insert(Key::plain(Scope::Access, kind), rights);
        }
        acl
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(acl in any_acl()) {
        prop_assert_eq!(Acl::parse(&acl.to_string()), Ok(acl.clone()));
        prop_assert_eq!(Acl::told(&acl.to_string()), Some(acl));
    }

    #[test]
    fn order_makes_no_difference(acl in any_acl(), turn in 0usize..10) {
        let text = acl.to_string();
        let mut entries: Vec<&str> = text.split(',').collect();
        let turn = turn % entries.len();
        entries.rotate_left(turn);
        prop_assert_eq!(Acl::parse(&entries.join(",")), Ok(acl));
    }

    #[test]
    fn what_is_stored_stays_as_it_is(acl in any_acl()) {
        let stored = acl.as_stored();
        prop_assert_eq!(stored.as_stored(), stored.clone());
        prop_assert!(acl.means_same(&stored) && stored.means_same(&acl));
    }

    #[test]
    fn a_written_list_is_no_difference_at_the_next_look(acl in whole()) {
        // What is written, what Azure makes of it, and what it tells.
        let told = Acl::told(&acl.as_stored().as_stored().to_string()).unwrap();
        prop_assert!(acl.means_same(&told));
        prop_assert_eq!(acl.complete(), Ok(()));
    }

    #[test]
    fn meaning_the_same_is_mutual(one in whole(), other in whole()) {
        prop_assert!(one.means_same(&one));
        prop_assert_eq!(one.means_same(&other), other.means_same(&one));
    }

    #[test]
    fn another_right_is_another_meaning(acl in whole(), rights in rights()) {
        let key = Key::plain(Scope::Access, Kind::Other);
        let mut other = acl.clone();
        other.0.insert(key.clone(), rights);
        // Default entries that follow from the others follow the change.
        prop_assert_eq!(acl.means_same(&other), acl.rights(&key) == Some(rights));
    }

    #[test]
    fn permissions_are_what_was_set(acl in whole(), permissions in (rights(), rights(), rights(), any::<bool>())) {
        let (user, group, other, sticky) = permissions;
        let permissions = Permissions { user, group, other, sticky };
        prop_assert_eq!(acl.after(permissions).permissions(sticky), permissions);
        prop_assert_eq!(Acl::of(permissions).permissions(sticky), permissions);
    }
}
