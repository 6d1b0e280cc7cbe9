//! Random specs, such as the API server lets through.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::key_vault::plan::fixtures::{ALICE, BOB};

pub(super) const CAROL: &str = "33333333-3333-3333-3333-33333333333C";
pub(super) const SUBNETS: [&str; 2] = [
    "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/Net/providers/Microsoft.Network/virtualNetworks/V/subnets/A",
    "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/b",
];

pub(super) fn words<T: Clone + std::fmt::Debug + 'static>(
    all: &[T],
) -> impl Strategy<Value = Vec<T>> + use<T> {
    prop::sample::subsequence(all.to_vec(), 0..=all.len()).prop_shuffle()
}

/// Access policies that someone may declare, in any case and order.
pub(super) fn policy_specs() -> impl Strategy<Value = Value> {
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

pub(super) fn network_specs() -> impl Strategy<Value = Value> {
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
pub(super) fn specs() -> impl Strategy<Value = Value> {
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
