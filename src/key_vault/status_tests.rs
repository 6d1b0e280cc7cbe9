#[path = "recorded_tests.rs"]
mod recorded;

use serde_json::{Value, json};

use super::*;
use crate::azure_resource::note::Polled;
use crate::azure_resource::planner::Ending;
use crate::azure_resource::status::{AUTHORIZED, DELETING, DRIFTED, SYNCED};
use crate::key_vault::plan::fixtures::{trouble as fault, *};
use crate::key_vault::plan::{Record, Seen};
use crate::key_vault::recorded::recorded;
use crate::key_vault::vault::Vault;
use crate::problem::Problem;

/// What a round came to, owned.
struct Round {
    case: Case,
    seen: Seen,
    planned: Vec<String>,
    problem: Option<Problem>,
}

impl Round {
    fn new(spec: Value) -> Self {
        let case = Case::new(spec);
        let seen = sees(Some(case.vault()));
        Self {
            case,
            seen,
            planned: Vec::new(),
            problem: None,
        }
    }

    /// After the spec was written as a whole.
    fn applied(spec: Value) -> Self {
        let mut round = Self::new(spec);
        round.case.record = round.recorded(false);
        round
    }

    fn fails(mut self, reason: Reason) -> Self {
        self.problem = Some(fault(reason));
        self
    }

    fn recorded(&self, dry: bool) -> Record {
        recorded(
            &self.case.inputs(),
            &self.seen,
            Ending {
                problem: self.problem.is_some(),
                dry,
            },
        )
    }

    fn status(&self, old: &KeyVaultStatus) -> KeyVaultStatus {
        let look = Look {
            inputs: Some(self.case.inputs()),
            seen: &self.seen,
            record: &self.case.record,
            planned: &self.planned,
            problem: self.problem.as_ref(),
            leaving: self.case.leaving,
            sync_at: None,
        };
        status(old, Some(1), &look, self.case.now)
    }

    fn first(&self) -> KeyVaultStatus {
        self.status(&KeyVaultStatus::default())
    }
}

/// A condition as `True Reason`; empty where there is none.
fn says_of(status: &KeyVaultStatus, type_: &str) -> String {
    let found = find(&status.resource.conditions, type_);
    found
        .map(|one| format!("{} {}", one.status, one.reason))
        .unwrap_or_default()
}

fn message(status: &KeyVaultStatus, type_: &str) -> String {
    find(&status.resource.conditions, type_)
        .unwrap()
        .message
        .clone()
}

#[test]
fn a_vault_as_declared_is_ready_and_synced() {
    let mut round = Round::applied(json!({}));
    round.seen.plane = Some(Plane::Answers);
    let status = round.first();
    let rows = [
        (READY, "True Available"),
        (SYNCED, "True AsDeclared"),
        (DRIFTED, "False InSync"),
        (AUTHORIZED, "True Permitted"),
        (PLANE, "True Answers"),
        (DELETING, ""),
    ];
    for (type_, expected) in rows {
        assert_eq!(says_of(&status, type_), expected, "{type_}");
    }
    assert_eq!(
        status.vault_uri.as_deref(),
        Some("https://kv-a.vault.azure.net")
    );
    assert_eq!(status.resource.azure_id, Some(round.case.vault().id));
    assert_eq!(
        status.resource.provisioning_state.as_deref(),
        Some("Succeeded")
    );
    assert_eq!(status.tenant_id.as_deref(), Some(TENANT));
    assert_eq!(status.resource.applied_generation, Some(1));
}

#[test]
fn a_second_look_at_the_same_changes_nothing() {
    let mut round =
        Round::applied(json!({ "purgeProtection": true, "secrets": [{ "name": "s" }] }));
    round.seen.plane = Some(Plane::Answers);
    let first = round.first();
    round.case.now = at(100);
    assert_eq!(round.status(&first), first);
    round.seen = sees(Some(round.case.vault()));
    assert_eq!(round.status(&first), first, "a look that was not deep");
}

#[test]
fn a_correlation_id_alone_rewrites_nothing_and_a_new_message_does() {
    let with = |id: Option<&str>, message: &str| Problem {
        correlation_id: id.map(str::to_owned),
        ..Problem::new(
            Reason::DisallowedByPolicy,
            crate::retry::Retry::OnChange,
            message,
        )
    };
    let mut round = Round::new(json!({}));
    round.seen = sees(None);
    round.problem = Some(with(Some("id-1"), "no"));
    let first = round.first();
    assert_eq!(message(&first, SYNCED), "no (correlation id id-1)");
    round.problem = Some(with(Some("id-2"), "no"));
    assert_eq!(round.status(&first), first);
    round.problem = Some(with(Some("id-2"), "never"));
    assert_eq!(
        message(&round.status(&first), SYNCED),
        "never (correlation id id-2)"
    );
}

#[test]
fn what_was_ready_is_so_still_while_nothing_can_be_seen() {
    let ready = Round::applied(json!({})).first();
    let mut away = Round::applied(json!({})).fails(Reason::AzureUnavailable);
    away.seen = Seen::default();
    let status = away.status(&ready);
    assert_eq!(says_of(&status, READY), "True Available");
    assert_eq!(says_of(&status, SYNCED), "False AzureUnavailable");
    assert_eq!(says_of(&status, DRIFTED), "False InSync");
    // Of a vault that was never seen nothing good can be said.
    assert_eq!(says_of(&away.first(), READY), "False AzureUnavailable");
}

#[test]
fn a_vault_that_is_being_made_is_not_ready_and_one_whose_note_is_open_is() {
    let mut round = Round::new(json!({})).fails(Reason::OperationUnderWay);
    let vault = round.case.vault();
    round.seen = sees(Some(Vault {
        state: Some("RegisteringDns".to_owned()),
        ..vault.clone()
    }));
    assert_eq!(says_of(&round.first(), READY), "False OperationUnderWay");
    round.seen = sees(Some(vault));
    assert_eq!(says_of(&round.first(), READY), "True Available");
}

#[test]
fn ready_says_what_keeps_a_vault_from_being_used() {
    let rows = [
        (true, Reason::Provisioning, "False Provisioning"),
        (true, Reason::OperationFailed, "False OperationFailed"),
        (true, Reason::ResourceNotOurs, "False ResourceNotOurs"),
        (true, Reason::HostNotFound, "False HostNotFound"),
        (true, Reason::DisallowedByPolicy, "True Available"),
        (true, Reason::Throttled, "True Available"),
        (false, Reason::SoftDeleted, "False SoftDeleted"),
        (false, Reason::NameTaken, "False NameTaken"),
    ];
    for (there, reason, expected) in rows {
        let mut round = Round::applied(json!({})).fails(reason);
        if !there {
            round.seen = sees(None);
        }
        assert_eq!(
            says_of(&round.first(), READY),
            expected,
            "{there} {reason:?}"
        );
    }
    let mut absent = Round::applied(json!({}));
    absent.seen = sees(None);
    assert_eq!(says_of(&absent.first(), READY), "False Absent");
}

#[test]
fn a_vault_of_another_tenant_or_region_that_was_never_ours_is_not_ready() {
    for reason in [Reason::TenantMismatch, Reason::LocationMismatch] {
        let stranger = Round::new(json!({})).fails(reason).first();
        assert_eq!(says_of(&stranger, READY), format!("False {reason:?}"));
        // One's own goes on as it was while the spec says something else.
        let ours = Round::applied(json!({})).fails(reason).first();
        assert_eq!(says_of(&ours, READY), "True Available");
    }
}

#[test]
fn what_cannot_be_changed_is_told_and_is_no_drift() {
    let mut round = Round::applied(json!({ "purgeProtection": false }));
    round.seen = sees(Some(Vault {
        purge_protection: true,
        ..round.case.vault()
    }));
    let status = round.first();
    assert_eq!(says_of(&status, SYNCED), "False CannotChange");
    assert!(
        message(&status, SYNCED).contains("spec.purgeProtection"),
        "{status:?}"
    );
    assert_eq!(says_of(&status, DRIFTED), "False InSync");
    assert_eq!(status.resource.drift.len(), 1);
}

#[test]
fn what_is_only_planned_is_told() {
    let mut round = Round::new(json!({ "mode": "Observe" }));
    round.planned = named(&["update sku", "more"]);
    let status = round.first();
    assert_eq!(says_of(&status, SYNCED), "False OnlyPlanned");
    assert!(message(&status, SYNCED).ends_with("update sku, and 1 more"));
    assert_eq!(status.resource.plan, named(&["update sku", "more"]));
}

#[test]
fn a_difference_is_drift_only_after_the_spec_was_written() {
    let standard = || Some(Case::new(json!({})).vault());
    let spec = json!({ "sku": "Premium" });
    let mut first = Round::new(spec.clone());
    first.seen = sees(standard());
    assert_eq!(says_of(&first.first(), DRIFTED), "False NotApplied");
    let mut later = Round::applied(spec.clone());
    later.seen = sees(standard());
    assert_eq!(says_of(&later.first(), DRIFTED), "True Differs");
    assert!(message(&later.first(), DRIFTED).contains("sku: Standard instead of Premium"));
    later.case.valid.common.generation = 2;
    assert_eq!(says_of(&later.first(), DRIFTED), "False NotApplied");
    let mut gone = Round::applied(spec);
    gone.seen = sees(None);
    assert_eq!(says_of(&gone.first(), DRIFTED), "True Absent");
}

#[test]
fn observing_calls_every_difference_but_the_tag_drift() {
    let mut round = Round::new(json!({ "mode": "Observe", "sku": "Premium" }));
    round.seen = sees(Some(owned(Case::new(json!({})).vault(), FOREIGN)));
    let status = round.first();
    assert_eq!(says_of(&status, DRIFTED), "True Differs");
    let paths: Vec<&str> = status
        .resource
        .drift
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(paths, ["sku"]);
}

#[test]
fn who_may_not_is_told_apart_from_what_fails_otherwise() {
    let rows = [
        (Some(Reason::Forbidden), "False Forbidden"),
        (
            Some(Reason::ClientSecretExpired),
            "False ClientSecretExpired",
        ),
        (Some(Reason::IdentityNotFound), "False IdentityNotFound"),
        (Some(Reason::DisallowedByPolicy), "True Permitted"),
        (None, "True Permitted"),
    ];
    for (reason, expected) in rows {
        let mut round = Round::applied(json!({}));
        round.problem = reason.map(fault);
        assert_eq!(says_of(&round.first(), AUTHORIZED), expected, "{reason:?}");
    }
}

#[test]
fn the_data_plane_tells_address_firewall_and_role_apart() {
    let rows = [
        (
            Plane::NoAddress(fault(Reason::HostNotFound)),
            "False HostNotFound",
            None,
        ),
        (
            Plane::ShutOut(fault(Reason::ForbiddenByNetwork)),
            "False ForbiddenByNetwork",
            Some(()),
        ),
        (
            Plane::NoRole(fault(Reason::Forbidden)),
            "True Forbidden",
            Some(()),
        ),
    ];
    for (plane, expected, uri) in rows {
        let mut round = Round::applied(json!({}));
        round.seen.plane = Some(plane);
        let status = round.first();
        assert_eq!(says_of(&status, PLANE), expected);
        assert_eq!(status.vault_uri.map(|_| ()), uri, "{expected}");
    }
}

#[test]
fn a_refusal_right_after_a_role_was_given_is_told_as_what_passes() {
    let mut round = Round::applied(json!({
        "roleAssignments": [{ "principalId": ALICE, "role": "Key Vault Reader" }],
    }));
    round.seen.plane = Some(Plane::NoRole(fault(Reason::Forbidden)));
    let mut role = given(&round.case, 0);
    role.created = Some(at(0));
    round.seen.ground.assignments = Some(vec![role]);
    assert_eq!(says_of(&round.first(), PLANE), "True RolePropagating");
    round.case.now = at(600);
    assert_eq!(says_of(&round.first(), PLANE), "True Forbidden");
}

#[test]
fn a_deletion_says_what_it_waits_for() {
    let mut round = Round::applied(json!({})).fails(Reason::StillNamed);
    round.case.leaving = true;
    assert_eq!(says_of(&round.first(), DELETING), "True StillNamed");
    round.problem = None;
    assert_eq!(says_of(&round.first(), DELETING), "True Deleting");
}

#[test]
fn the_date_of_a_deleted_vault_is_shown_and_goes() {
    let mut round = Round::applied(json!({})).fails(Reason::SoftDeleted);
    round.seen = soft(round.case.deleted());
    let status = round.first();
    assert_eq!(status.scheduled_purge_date, Some(Time(at(86_400))));
    let back = Round::applied(json!({}));
    assert_eq!(back.status(&status).scheduled_purge_date, None);
}

#[test]
fn secrets_are_kept_until_they_are_seen_to_be_gone() {
    let mut round = Round::applied(json!({ "secrets": [{ "name": "s" }] }));
    let present = SecretSeen::Present {
        version: "v1".to_owned(),
        created: Some(at(5)),
        ours: true,
    };
    round.seen.secrets.insert("s".to_owned(), present);
    let status = round.first();
    assert_eq!(status.secrets.len(), 1);
    assert_eq!(status.secrets[0].version, "v1");
    round.seen.secrets.clear();
    assert_eq!(round.status(&status).secrets, status.secrets);
    round
        .seen
        .secrets
        .insert("s".to_owned(), SecretSeen::Absent);
    assert_eq!(round.status(&status).secrets, Vec::new());
    // One that the spec does not name any more is nobody's concern.
    assert_eq!(
        Round::applied(json!({})).status(&status).secrets,
        Vec::new()
    );
}
