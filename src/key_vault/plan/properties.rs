//! Random specs and random vaults against the rules that must always hold.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::fixtures::*;
use super::*;
use crate::azure::arm::vaults::{self, PolicyChange};
use crate::azure::arm::{ApiVersions, Call, Reply};
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;
use crate::key_vault::desired::{Capabilities, differences};
use crate::key_vault::status::recorded;
use crate::key_vault::valid::desired;
use crate::key_vault::vault::{Policies, Vault};

/// Turns until everything must be done.
const BOUND: usize = 40;
const CAROL: &str = "33333333-3333-3333-3333-33333333333C";
const SUBNETS: [&str; 2] = [
    "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/Net/providers/Microsoft.Network/virtualNetworks/V/subnets/A",
    "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/b",
];

fn words<T: Clone + std::fmt::Debug + 'static>(
    all: &[T],
) -> impl Strategy<Value = Vec<T>> + use<T> {
    prop::sample::subsequence(all.to_vec(), 0..=all.len()).prop_shuffle()
}

/// Access policies that someone may declare, in any case and order.
fn policy_specs() -> impl Strategy<Value = Value> {
    let one = |object: &'static str| {
        let kinds = (
            words(&["get", "List", "SET"]),
            words(&["sign", "wrapKey"]),
            words(&["get", "import"]),
        );
        (Just(object), kinds)
    };
    let all = (words(&[0usize, 1, 2]), [one(ALICE), one(BOB), one(CAROL)]);
    all.prop_map(|(chosen, all)| {
        let chosen = chosen.into_iter().map(|at| &all[at]);
        let said = chosen.filter(|(_, (secrets, keys, certificates))| {
            !secrets.is_empty() || !keys.is_empty() || !certificates.is_empty()
        });
        let said = said.map(|(object, (secrets, keys, certificates))| {
            json!({ "objectId": object, "secrets": secrets, "keys": keys, "certificates": certificates })
        });
        Value::Array(said.collect())
    })
}

fn network_specs() -> impl Strategy<Value = Value> {
    let ips = words(&[
        "203.0.113.7",
        "203.0.113.7/32",
        "198.51.100.9/24",
        "192.0.2.0/25",
    ]);
    let subnets = words(&[(SUBNETS[0], false), (SUBNETS[1], true)]);
    (any::<bool>(), any::<bool>(), ips, subnets).prop_map(|(deny, bypass, ips, subnets)| {
        let subnets = subnets
            .iter()
            .map(|(id, ignore)| json!({ "id": id, "ignoreMissingEndpoint": ignore }));
        json!({
            "defaultAction": if deny { "Deny" } else { "Allow" },
            "bypass": if bypass { "AzureServices" } else { "None" },
            "ipRules": ips,
            "subnets": subnets.collect::<Vec<_>>(),
        })
    })
}

/// A spec that the API server would let through.
fn specs() -> impl Strategy<Value = Value> {
    let switches = [(); 5].map(|()| prop::option::of(any::<bool>()));
    let tags = prop::collection::btree_map("[abT]", "[xy]", 0..3);
    let days = prop::option::of(prop::sample::select(vec![7, 30, 90]));
    let authority = prop::option::of(prop::option::of(policy_specs()));
    let all = (
        switches,
        tags,
        days,
        authority,
        any::<bool>(),
        prop::option::of(network_specs()),
    );
    all.prop_map(|(switches, tags, days, authority, replaces, network)| {
        let mut spec = Map::new();
        let [premium, protected, deployment, disks, public] = switches;
        let mut say = |name: &str, value: Option<Value>| {
            spec.extend(value.map(|value| (name.to_owned(), value)));
        };
        say(
            "sku",
            premium.map(|on| json!(if on { "Premium" } else { "Standard" })),
        );
        say("purgeProtection", protected.map(Value::from));
        say("enabledForDeployment", deployment.map(Value::from));
        say("enabledForDiskEncryption", disks.map(Value::from));
        say(
            "publicNetworkAccess",
            public.map(|on| json!(if on { "Enabled" } else { "Disabled" })),
        );
        say("softDeleteRetentionDays", days.map(Value::from));
        say("networkRules", network);
        // Names of tags have no case: those that differ in nothing else stand for one.
        let lower = tags
            .iter()
            .filter(|(name, _)| name.as_str() != "A" || !tags.contains_key("a"));
        say(
            "tags",
            Some(
                lower
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect(),
            ),
        );
        match authority {
            None => {}
            Some(None) => say("authorization", Some(json!("RBAC"))),
            Some(Some(policies)) => {
                say("authorization", Some(json!("AccessPolicies")));
                say("accessPolicies", Some(policies));
                say("accessPolicyMode", replaces.then(|| json!("Replace")));
            }
        }
        Value::Object(spec)
    })
}

/// How Azure may tell the same in other words.
#[derive(Debug, Clone, Copy)]
struct Accent {
    shouts: bool,
    turns: bool,
    omits: bool,
}

fn accents() -> impl Strategy<Value = Accent> {
    any::<[bool; 3]>().prop_map(|[shouts, turns, omits]| Accent {
        shouts,
        turns,
        omits,
    })
}

/// What Azure keeps of one vault, as the bodies of requests have made it.
#[derive(Debug, Clone, Default)]
struct Azure {
    vault: Option<Value>,
    writes: usize,
}

fn versions() -> &'static ApiVersions {
    ApiVersions::of(&Cloud::named(CloudName::Public))
}

impl Azure {
    /// Carries a write out, as "Azure REST API reference: Vaults" has it.
    fn take(&mut self, call: &Call) {
        self.writes += 1;
        let body = call.body.clone().unwrap();
        assert_ne!(
            body["properties"]["enablePurgeProtection"],
            json!(false),
            "Azure refuses that"
        );
        if let Some((_, change)) = call.path.rsplit_once("/accessPolicies/") {
            let entries = body["properties"]["accessPolicies"]
                .as_array()
                .unwrap()
                .clone();
            return self.policies(change, &entries);
        }
        let vault = self
            .vault
            .get_or_insert_with(|| json!({ "properties": {} }));
        if call.method == http::Method::PUT {
            *vault = json!({ "id": call.path, "location": body["location"], "properties": {} });
        }
        if let Some(tags) = body.get("tags") {
            vault["tags"] = tags.clone();
        }
        for (name, value) in body["properties"].as_object().unwrap() {
            vault["properties"][name] = normal(name, value);
        }
        vault["properties"]["provisioningState"] = json!("Succeeded");
        vault["properties"]["vaultUri"] = json!("https://kv-a.vault.azure.net/");
    }

    fn policies(&mut self, change: &str, entries: &[Value]) {
        let vault = self.vault.as_mut().expect("a vault whose policies change");
        let all = vault["properties"]["accessPolicies"]
            .as_array_mut()
            .unwrap();
        for entry in entries {
            let at = all
                .iter()
                .position(|one| one["objectId"] == entry["objectId"]);
            match (change, at) {
                ("remove", Some(at)) => drop(all.remove(at)),
                ("replace", Some(at)) => all[at] = entry.clone(),
                ("add", Some(at)) => {
                    for (kind, more) in entry["permissions"].as_object().unwrap() {
                        let has = all[at]["permissions"][kind].as_array_mut().unwrap();
                        has.extend(more.as_array().unwrap().iter().cloned());
                    }
                }
                ("remove", None) => {}
                _ => all.push(entry.clone()),
            }
        }
    }

    /// What a GET tells.
    fn tell(&self, accent: Accent) -> Option<Vault> {
        let mut body = self.vault.clone()?;
        let properties = &mut body["properties"];
        if accent.omits {
            let defaults = [
                ("softDeleteRetentionInDays", json!(90)),
                ("enabledForDeployment", json!(false)),
                ("enabledForDiskEncryption", json!(false)),
                ("enabledForTemplateDeployment", json!(false)),
                ("enableRbacAuthorization", json!(false)),
                ("publicNetworkAccess", json!("Enabled")),
                (
                    "networkAcls",
                    normal(
                        "networkAcls",
                        &json!({
                            "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": [],
                        }),
                    ),
                ),
            ];
            for (name, value) in defaults {
                if properties[name] == value {
                    properties[name] = Value::Null;
                }
            }
        }
        let lists = [
            "/accessPolicies",
            "/networkAcls/ipRules",
            "/networkAcls/virtualNetworkRules",
        ];
        for list in lists {
            let list = properties.pointer_mut(list).and_then(Value::as_array_mut);
            if let Some(list) = list.filter(|_| accent.turns) {
                list.reverse();
            }
        }
        if accent.shouts {
            shout(properties);
            body["location"] = json!("West Europe");
            body["id"] = json!(body["id"].as_str().unwrap().to_ascii_uppercase());
        }
        let reply = Reply {
            status: 200,
            body,
            operation: None,
            retry_after: None,
        };
        Some(vaults::read(&reply).unwrap())
    }
}

/// Azure writes ranges with their bits and ids of subnets small.
fn normal(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if name == "networkAcls" {
        for rule in value["ipRules"].as_array_mut().unwrap() {
            let range = rule["value"].as_str().unwrap();
            let bits = if range.contains('/') { "" } else { "/32" };
            rule["value"] = json!(format!("{range}{bits}"));
        }
        for rule in value["virtualNetworkRules"].as_array_mut().unwrap() {
            rule["id"] = json!(rule["id"].as_str().unwrap().to_ascii_lowercase());
        }
    }
    value
}

/// Ids, words and permissions come in any case.
fn shout(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.to_ascii_uppercase(),
        Value::Array(all) => all.iter_mut().for_each(shout),
        Value::Object(all) => all.values_mut().for_each(shout),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

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
        other => panic!("{other} is no part of this"),
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
                case.record = recorded(&case.inputs(), &seen, (problem, false));
                return end;
            }
            Next::Look(look) => panic!("{look:?} is not needed"),
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
                Next::Look(look) => prop_assert!(false, "{look:?} is not needed"),
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
