//! Random specs and random vaults against the rules that must always hold.

mod azure;
mod specs;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::azure::{Accent, Azure, accents, versions};
use self::specs::{CAROL, specs};
use super::fixtures::*;
use super::*;
use crate::azure::arm::Call;
use crate::azure::arm::vaults::{self, PolicyChange};
use crate::azure_resource::planner::Ending;
use crate::key_vault::desired::{Capabilities, differences};
use crate::key_vault::recorded::recorded;
use crate::key_vault::valid::desired;
use crate::key_vault::vault::{Policies, Vault};

/// Turns until everything must be done.
const BOUND: usize = 40;

/// The call that a step comes to, and whether the vault is looked at anew after it.
fn call(case: &Case, step: &Step, vault: Option<&Vault>) -> Call {
    let (inputs, id) = (case.inputs(), &case.valid.id);
    let policies = |change, policies: &Policies| {
        vaults::policies(versions(), id, change, (policies, &case.desired.tenant))
    };
    match step {
        Step::Create => vaults::put(versions(), id, &created(&inputs)),
        Step::Update(found) => {
            let mut vault = vault.unwrap().clone();
            update(&inputs, &mut vault);
            vaults::patch(versions(), id, &vault, found)
        }
        Step::AddPolicies(all) => policies(PolicyChange::Add, all),
        Step::ReplacePolicies(all) => policies(PolicyChange::Replace, all),
        Step::DropPolicies(who) => {
            let all = vault.unwrap().policies.clone();
            let all = all.into_iter().filter(|(one, _)| who.contains(one));
            policies(PolicyChange::Remove, &all.collect())
        }
        other @ (Step::Ground(_)
        | Step::Recover
        | Step::Purge
        | Step::MakeSecret(_)
        | Step::Delete
        | Step::Release
        | Step::Forget) => panic!("{other} is no part of this"),
    }
}

/// One round of an object against Azure, to its end. Azure may refuse every write.
fn round(case: &mut Case, azure: &mut Azure, accent: Accent, refuses: bool) -> Next {
    let mut seen = free();
    for _ in 0..BOUND {
        seen.vault = Some(azure.tell(accent));
        match case.next(&seen) {
            Next::Do(step) if !refuses => {
                let vault = seen.vault.as_ref().and_then(Option::as_ref);
                azure.take(&call(case, &step, vault));
            }
            end @ (Next::Rest | Next::Wait(_) | Next::Do(_)) => {
                let problem = end != Next::Rest;
                case.record = recorded(
                    &case.inputs(),
                    &seen,
                    Ending {
                        problem,
                        dry: false,
                    },
                );
                return end;
            }
            look @ (Next::Poll | Next::Look(_)) => panic!("{look:?} is not needed"),
        }
    }
    panic!("a round does not end: {case:?}");
}

/// The same object after its spec has changed.
fn edit(case: &mut Case, spec: &Value) {
    let mut object = object(spec.clone());
    let generation = case.valid.generation + 1;
    object.metadata.generation = Some(generation);
    let record = std::mem::take(&mut case.record);
    *case = Case {
        record,
        ..Case::of(&object, Capabilities::ALL)
    };
}

/// What there is in the end, of what the last spec says. What it does not say stays as earlier ones have made it; protection from
/// purging stays once it is on, and days of retention stay as they were at creation.
fn said(case: &Case, azure: &Azure) -> (Vault, String) {
    let plain = Accent {
        shouts: false,
        turns: false,
        omits: false,
    };
    let mut vault = azure.tell(plain).unwrap();
    let desired = &case.desired;
    let first = created(&Case::new(json!({})).inputs());
    let settings = &mut vault.settings;
    let unsaid = |said: bool| !said;
    if unsaid(desired.sku.is_some()) {
        settings.sku = first.settings.sku;
    }
    if unsaid(desired.authorization.is_some()) {
        settings.authorization = first.settings.authorization;
    }
    if unsaid(desired.network.is_some()) {
        settings.network = first.settings.network.clone();
    }
    if unsaid(desired.public_access.is_some()) {
        settings.public_access = first.settings.public_access;
    }
    if unsaid(desired.for_deployment.is_some()) {
        settings.for_deployment = false;
    }
    if unsaid(desired.for_disk_encryption.is_some()) {
        settings.for_disk_encryption = false;
    }
    vault.purge_protection = false;
    vault.retention = None;
    // Names of tags keep the case in which they were written first.
    let tags = std::mem::take(&mut vault.tags);
    let tags: Vec<String> = tags
        .iter()
        .map(|(name, value)| format!("{}={value}", name.to_ascii_lowercase()))
        .collect();
    (vault, tags.join(","))
}

fn only_stuck(case: &Case, vault: &Vault) -> bool {
    let owner = case.owner.to_string();
    let found = differences(&case.desired, vault, &case.record.set, &owner);
    found.iter().all(|one| one.stuck.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_plan_of_what_a_plan_comes_to_is_empty(
        spec in specs(), had in prop::option::of(specs()), owner in 0usize..4,
        adopt in prop::sample::select(vec!["Never", "IfTagged", "Always"]),
        others in any::<bool>(),
    ) {
        let mut spec = spec;
        spec["adopt"] = json!(adopt);
        let case = Case::new(spec);
        let vault = had.map(|had| {
            let mut vault = owned(Case::new(had).vault(), [OURS, BEFORE, None, FOREIGN][owner]);
            if others {
                vault.tags.insert("others".to_owned(), "x".to_owned());
                vault.policies.extend(policies(&[(CAROL, &["get"])]));
            }
            vault
        });
        let theirs = others && vault.is_some();
        let mut seen = Seen { vault: Some(vault), ..free() };
        for turn in 0.. {
            prop_assert!(turn < BOUND, "it does not end: {seen:?}");
            match case.next(&seen) {
                Next::Do(step) => assume(&case.inputs(), &step, &mut seen),
                Next::Rest => {
                    let vault = seen.vault.clone().flatten().unwrap();
                    prop_assert!(only_stuck(&case, &vault), "{vault:?}");
                    prop_assert!(!theirs || vault.tags.contains_key("others"), "{vault:?}");
                    break;
                }
                Next::Wait(problem) => {
                    prop_assert_eq!(problem.reason, crate::problem::Reason::ResourceNotOurs);
                    break;
                }
                look @ (Next::Poll | Next::Look(_)) => prop_assert!(false, "{look:?} is not needed"),
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was_meant_however_azure_tells_it(
        spec in specs(), later in specs(), accent in accents(), other in accents(),
    ) {
        let mut case = Case::new(spec);
        let mut azure = Azure::default();
        prop_assert_eq!(round(&mut case, &mut azure, accent, false), Next::Rest);
        let writes = azure.writes;
        prop_assert_eq!(round(&mut case, &mut azure, other, false), Next::Rest);
        prop_assert_eq!(azure.writes, writes, "a perpetual difference");
        edit(&mut case, &later);
        prop_assert_eq!(round(&mut case, &mut azure, accent, false), Next::Rest);
        let writes = azure.writes;
        prop_assert!(only_stuck(&case, &azure.tell(other).unwrap()));
        prop_assert_eq!(round(&mut case, &mut azure, other, false), Next::Rest);
        prop_assert_eq!(azure.writes, writes, "a perpetual difference");
    }

    #[test]
    fn what_others_have_set_stays(spec in specs(), later in specs(), value in "[xyz]", refused in any::<bool>()) {
        let mut spec = spec;
        spec["accessPolicyMode"] = Value::Null;
        let mut later = later;
        later["accessPolicyMode"] = Value::Null;
        let accent = Accent { shouts: false, turns: false, omits: false };
        let mut azure = Azure::default();
        let mut case = Case::new(json!({}));
        round(&mut case, &mut azure, accent, false);
        let vault = azure.vault.as_mut().unwrap();
        vault["tags"]["others"] = json!(value);
        let theirs = json!([{ "objectId": CAROL, "permissions": { "secrets": ["backup"], "storage": ["get"] } }]);
        vault["properties"]["accessPolicies"] = theirs;
        // A tag that the spec asks for, but that was never written, is not the spec's to take away.
        let asks = json!({ "tags": { "others": "ours" } });
        edit(&mut case, &asks);
        round(&mut case, &mut azure, accent, refused);
        for (turn, spec) in [spec, later].iter().enumerate() {
            edit(&mut case, spec);
            prop_assert_eq!(round(&mut case, &mut azure, accent, false), Next::Rest);
            let vault = azure.tell(accent).unwrap();
            if refused {
                prop_assert_eq!(vault.tags.get("others"), Some(&value), "after spec {}", turn);
            }
            let wants = case.desired.policies.keys().chain(&[who(&CAROL.to_ascii_lowercase())]).cloned().collect::<Vec<_>>();
            let has = vault.policies.keys().all(|who| wants.contains(who));
            prop_assert!(has, "policies of earlier specs are left: {:?}", vault.policies);
        }
    }

    #[test]
    fn an_observer_writes_nothing_when_it_is_let_go(
        spec in specs(), owner in 0usize..4, there in any::<bool>(), soft in any::<bool>(),
        policy in prop::sample::select(vec!["Retain", "Delete", "DeleteAndPurge"]),
    ) {
        let mut spec = spec;
        spec["mode"] = json!("Observe");
        spec["deletionPolicy"] = json!(policy);
        // While it is not deleted the shell carries no step of it out: steps are assumed and told as status.plan. The same holds
        // with driftPolicy: Report for a generation that was written as a whole. An object that goes is never merely planned.
        let case = Case::leaving(spec);
        let owner = [OURS, BEFORE, None, FOREIGN][owner];
        let mut seen = sees(there.then(|| owned(case.vault(), owner)));
        let mut deleted = case.deleted();
        tag(&mut deleted.tags, owner);
        seen.deleted = Some(soft.then_some(deleted));
        prop_assert_eq!(case.next(&seen), Next::Do(Step::Forget));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_way_to_a_spec_does_not_matter(
        earlier in prop::collection::vec(specs(), 1..4), last in specs(), accent in accents(),
    ) {
        let mut fresh = (Case::new(last.clone()), Azure::default());
        prop_assert_eq!(round(&mut fresh.0, &mut fresh.1, accent, false), Next::Rest);
        let mut case = Case::new(earlier[0].clone());
        let mut azure = Azure::default();
        for spec in &earlier {
            edit(&mut case, spec);
            round(&mut case, &mut azure, accent, false);
        }
        edit(&mut case, &last);
        prop_assert_eq!(round(&mut case, &mut azure, accent, false), Next::Rest);
        prop_assert_eq!(said(&case, &azure), said(&fresh.0, &fresh.1));
    }

    #[test]
    fn a_bad_spec_leaves_nothing_behind(
        first in specs(), bad in specs(), last in specs(), how in 0usize..3,
    ) {
        let accent = Accent { shouts: false, turns: false, omits: false };
        let mut case = Case::new(first);
        let mut azure = Azure::default();
        round(&mut case, &mut azure, accent, false);
        let (mut good, mut straight) = (case.clone(), azure.clone());
        let mut bad = bad;
        match how {
            // Azure refuses what it says.
            0 => {
                edit(&mut case, &bad);
                round(&mut case, &mut azure, accent, true);
            }
            // It names another tenant than the vault has.
            1 => {
                bad["tenantId"] = json!(ALICE);
                edit(&mut case, &bad);
                let end = round(&mut case, &mut azure, accent, false);
                prop_assert_eq!(end, Next::Wait(told::other_tenant(&case.inputs(), &azure.tell(accent).unwrap())));
            }
            // It cannot be read at all.
            _ => {
                bad["tags"] = json!({ "a": "x".repeat(257) });
                let object = object(bad);
                prop_assert!(desired(&object.spec, &case.valid, None, Capabilities::ALL).is_err());
            }
        }
        prop_assert_eq!(&azure.vault, &straight.vault, "nothing was written");
        for (case, azure) in [(&mut case, &mut azure), (&mut good, &mut straight)] {
            edit(case, &last);
            prop_assert_eq!(round(case, azure, accent, false), Next::Rest);
        }
        prop_assert_eq!(azure.vault, straight.vault);
        prop_assert_eq!(case.record.set, good.record.set);
    }
}
