use serde_json::{Value, json};

use super::says;
use crate::azure::arm::roles::Assignment;
use crate::azure_resource::ground::{self, Ground, assigned, id_of};
use crate::azure_resource::planner::Ending;
use crate::key_vault::plan::fixtures::*;
use crate::key_vault::plan::*;
use crate::problem::Reason;

fn roles(roles: &[(&str, &str)]) -> Value {
    let each = roles
        .iter()
        .map(|(principal, role)| json!({ "principalId": principal, "role": role }));
    json!({ "roleAssignments": each.collect::<Vec<_>>() })
}

fn roles_seen(all: Vec<Assignment>) -> Ground {
    Ground {
        assignments: Some(all),
        ..Ground::default()
    }
}

fn deeply(case: &Case) -> Seen {
    Seen {
        plane: Some(Plane::Answers),
        ground: roles_seen(Vec::new()),
        ..sees(Some(case.vault()))
    }
}

/// What a round would record of roles that were given.
fn records(case: &mut Case, seen: &Seen) {
    let ending = Ending {
        problem: false,
        dry: false,
    };
    case.record = crate::key_vault::recorded::recorded(&case.inputs(), seen, ending);
}

const READER: &str = "Key Vault Reader";
const USER: &str = "Key Vault Secrets User";

#[test]
fn roles_data_plane_and_secrets_are_looked_at_only_when_they_are_due() {
    let spec = json!({ "secrets": [{ "name": "s" }], "roleAssignments": [{ "principalId": ALICE, "role": USER }] });
    let mut case = Case::new(spec);
    assert_eq!(says(&case, &sees(Some(case.vault()))), "rest");
    case.deep = true;
    let mut seen = sees(Some(case.vault()));
    assert_eq!(says(&case, &seen), "look DataPlane");
    seen.plane = Some(Plane::NoAddress(trouble(Reason::HostNotFound)));
    assert_eq!(says(&case, &seen), "wait HostNotFound");
    seen.plane = Some(Plane::Answers);
    assert_eq!(says(&case, &seen), "look RoleAssignments");
    seen.ground.assignments = Some(vec![given(&case, 0)]);
    assert_eq!(says(&case, &seen), "look Secret(\"s\")");
}

#[test]
fn a_role_is_given_once_and_taken_back_only_by_who_gave_it() {
    let mut case = Case::deep(roles(&[(ALICE, USER)]));
    let mut seen = deeply(&case);
    assert_eq!(
        says(&case, &seen),
        format!("assign role {USER:?} to {ALICE}")
    );
    // Somebody else gave it: it holds, and it stays.
    let mut others = given(&case, 0);
    others.name = uuid::Uuid::nil();
    seen.ground.assignments = Some(vec![others.clone()]);
    assert_eq!(says(&case, &seen), "rest");
    records(&mut case, &seen);
    let none = |record: &Record| Case {
        record: record.clone(),
        ..Case::deep(json!({}))
    };
    assert_eq!(says(&none(&case.record), &seen), "rest");
    // This object gave it: it goes with its entry.
    let ours = given(&case, 0);
    seen.ground.assignments = Some(vec![ours.clone()]);
    records(&mut case, &seen);
    let left = none(&case.record);
    assert_eq!(
        says(&left, &seen),
        format!("remove role assignment {}", id_of(&ours))
    );
    seen.ground.assignments = Some(Vec::new());
    assert_eq!(says(&left, &seen), "rest", "it is gone already");
}

#[test]
fn a_role_that_holds_elsewhere_does_not_count() {
    let case = Case::deep(roles(&[(ALICE, USER)]));
    let mut wide = given(&case, 0);
    wide.scope = format!("/subscriptions/{SUBSCRIPTION}");
    let other_role = given(&Case::deep(roles(&[(ALICE, READER)])), 0);
    let other_principal = given(&Case::deep(roles(&[(BOB, USER)])), 0);
    for one in [wide, other_role, other_principal] {
        let seen = Seen {
            ground: roles_seen(vec![one.clone()]),
            ..deeply(&case)
        };
        assert!(
            matches!(
                case.next(&seen),
                Next::Do(Step::Ground(ground::Step::Assign(_)))
            ),
            "{one:?}"
        );
    }
}

#[test]
fn a_role_that_is_named_in_another_way_is_the_same_role() {
    let mut case = Case::deep(roles(&[(ALICE, USER)]));
    let seen = Seen {
        ground: roles_seen(vec![given(&case, 0)]),
        ..deeply(&case)
    };
    records(&mut case, &seen);
    let mut by_id = Case::deep(roles(&[(ALICE, "4633458b-17de-408a-b874-0445c86b69e6")]));
    by_id.record = case.record.clone();
    assert_eq!(says(&by_id, &seen), "rest");
    records(&mut by_id, &seen);
    assert_eq!(by_id.record.roles.len(), 1);
    assert_eq!(says(&by_id, &seen), "rest");
}

#[test]
fn a_role_of_ones_own_is_looked_up_by_its_name() {
    let case = Case::deep(roles(&[(ALICE, "Our own")]));
    let mut seen = deeply(&case);
    assert_eq!(says(&case, &seen), "look RoleDefinition(\"Our own\")");
    seen.ground.definitions.insert("Our own".to_owned(), None);
    assert_eq!(says(&case, &seen), "wait RoleNotFound");
    let id = uuid::Uuid::from_u128(7);
    seen.ground
        .definitions
        .insert("Our own".to_owned(), Some(id));
    let Next::Do(Step::Ground(ground::Step::Assign(role))) = case.next(&seen) else {
        panic!("it is not given");
    };
    assert_eq!(role.definition, Some(id));
    seen.ground.assignments = Some(vec![assigned(&case.valid.id, &role).unwrap()]);
    assert_eq!(says(&case, &seen), "rest");
}

#[test]
fn a_secret_is_made_up_where_there_is_none_and_anew_when_it_is_due_and_ours() {
    let case = Case::deep(json!({ "secrets": [{ "name": "s", "rotateAfter": "2h" }] }));
    let present = |created: Option<u64>, ours| SecretSeen::Present {
        version: "v".to_owned(),
        created: created.map(at),
        ours,
    };
    let make = "make up secret \"s\"";
    let rows = [
        (SecretSeen::Absent, 0, make),
        (SecretSeen::Deleted, 0, "wait SoftDeleted"),
        (present(Some(0), true), 7199, "rest"),
        (present(Some(0), true), 7200, make),
        (present(Some(0), false), 7200, "rest"),
        (present(None, true), 7200, "rest"),
    ];
    for (secret, now, expected) in rows {
        let case = Case {
            now: at(now),
            ..case.clone()
        };
        let mut seen = deeply(&case);
        seen.secrets.insert("s".to_owned(), secret.clone());
        assert_eq!(says(&case, &seen), expected, "{secret:?} at {now}");
    }
}

#[test]
fn a_secret_without_rotation_is_never_made_up_anew() {
    let case = Case {
        now: at(1 << 30),
        ..Case::deep(json!({ "secrets": [{ "name": "s" }] }))
    };
    let mut seen = deeply(&case);
    let old = SecretSeen::Present {
        version: "v".to_owned(),
        created: Some(at(0)),
        ours: true,
    };
    seen.secrets.insert("s".to_owned(), old);
    assert_eq!(says(&case, &seen), "rest");
}

#[test]
fn a_seed_waits_while_a_role_that_was_given_just_now_may_not_be_known_yet() {
    let case = Case::deep(json!({
        "roleAssignments": [{ "principalId": ALICE, "role": "Key Vault Secrets Officer" }],
        "secrets": [{ "name": "s" }],
    }));
    let forbidden = Plane::NoRole(trouble(Reason::Forbidden));
    let not_lent = Plane::NoRole(trouble(Reason::IdentityNotAllowed));
    let rows = [
        (forbidden.clone(), Some(at(0)), 599, "wait RolePropagating"),
        (forbidden.clone(), Some(at(0)), 600, "wait Forbidden"),
        (forbidden, None, 0, "wait Forbidden"),
        (not_lent, Some(at(0)), 1, "wait IdentityNotAllowed"),
    ];
    for (plane, created, now, expected) in rows {
        let mut seen = deeply(&case);
        let given = given(&case, 0);
        seen.ground.assignments = Some(vec![Assignment { created, ..given }]);
        seen.plane = Some(plane);
        let case = Case {
            now: at(now),
            ..case.clone()
        };
        assert_eq!(says(&case, &seen), expected, "{created:?} at {now}");
    }
}

#[test]
fn a_data_plane_that_shuts_the_operator_out_matters_only_to_who_needs_it() {
    for plane in [
        Plane::NoRole(trouble(Reason::Forbidden)),
        Plane::ShutOut(trouble(Reason::Forbidden)),
    ] {
        let needs = Case::deep(json!({ "secrets": [{ "name": "s" }] }));
        let does_not = Case::deep(json!({}));
        let mut seen = deeply(&needs);
        seen.plane = Some(plane);
        assert_eq!(says(&needs, &seen), "wait Forbidden");
        assert_eq!(says(&does_not, &seen), "rest");
    }
}
