use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn range(text: &str) -> Range {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Range {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
    }
}

fn wanted(ranges: &[&str], subnets: &[&str]) -> Wanted {
    Wanted {
        on: true,
        azure: false,
        ranges: joined(ranges.iter().map(|one| range(one))),
        subnets: subnets.iter().map(|one| (*one).to_owned()).collect(),
    }
}

fn firewall(ranges: &[(&str, &str)], subnets: &[(&str, &str)]) -> Firewall {
    let ranges = ranges.iter();
    let subnets = subnets.iter();
    Firewall {
        ranges: ranges
            .map(|(name, one)| ((*name).to_owned(), range(one)))
            .collect(),
        subnets: subnets
            .map(|(name, one)| ((*name).to_owned(), (*one).to_owned()))
            .collect(),
        ..Firewall::default()
    }
}

fn told(left: &Left) -> Vec<String> {
    let rules = left.missing.iter().chain(&left.extra);
    rules.map(ToString::to_string).collect()
}

#[test]
fn ranges_that_touch_are_one() {
    let all = joined(
        [
            "10.0.0.5-10.0.0.9",
            "10.0.0.0-10.0.0.4",
            "10.0.0.11",
            "255.255.255.255",
            "255.255.255.255",
        ]
        .map(range),
    );
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        all,
        [
            "10.0.0.0-10.0.0.9",
            "10.0.0.11-10.0.0.11",
            "255.255.255.255-255.255.255.255"
        ]
    );
}

#[test]
fn how_addresses_are_cut_into_rules_and_named_is_no_difference() {
    let wanted = wanted(&["10.0.0.0-10.0.0.255"], &["/subnets/a"]);
    let theirs = firewall(
        &[
            ("low", "10.0.0.0-10.0.0.130"),
            ("high", "10.0.0.128-10.0.0.255"),
        ],
        &[("pods", "/subnets/a")],
    );
    assert_eq!(left(&wanted, &theirs), Left::default());
}

#[test]
fn who_is_wanted_is_let_in_and_whoever_else_is_not() {
    let wanted = wanted(&["10.0.0.0-10.0.0.255", "1.2.3.4"], &["/subnets/a"]);
    let theirs = firewall(
        &[
            ("half", "10.0.0.0-10.0.0.127"),
            ("over", "10.0.0.128-10.0.1.0"),
            ("all", "0.0.0.0-255.255.255.255"),
        ],
        &[("pods", "/subnets/b")],
    );
    let left = left(&wanted, &theirs);
    assert_eq!(
        told(&left),
        [
            "let the addresses 1.2.3.4-1.2.3.4 in",
            "let the addresses 10.0.0.0-10.0.0.255 in",
            "let the subnet /subnets/a in",
            "remove the firewall's rule \"all\"",
            "remove the firewall's rule \"over\"",
            "remove the firewall's subnet rule \"pods\"",
        ]
    );
    let paths: Vec<&str> = left
        .differences()
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    assert!(
        paths.contains(&"networkRules.ipRules[1.2.3.4-1.2.3.4]"),
        "{paths:?}"
    );
    assert!(left.differences().iter().all(is_of_rules));
}

#[test]
fn subnets_of_one_name_in_two_networks_are_two_rules() {
    assert_ne!(
        name_of("/networks/a/subnets/pods"),
        name_of("/networks/b/subnets/pods")
    );
    assert_eq!(name_of("/s"), name_of("/s"));
}

fn some_range() -> impl Strategy<Value = Range> {
    (0u32..40, 0u32..8).prop_map(|(first, more)| Range {
        first: first.into(),
        last: (first + more).into(),
    })
}

proptest! {
    /// Whatever rules there are, what is left to be written lets in who is wanted and nobody else, and then nothing is left.
    #[test]
    fn what_is_written_leaves_nothing_to_write(
        wants in proptest::collection::vec(some_range(), 0..6),
        has in proptest::collection::vec(some_range(), 0..6),
    ) {
        let wanted = Wanted { on: true, azure: false, ranges: joined(wants), subnets: BTreeSet::new() };
        let ranges: BTreeMap<String, Range> = has.into_iter().enumerate().map(|(at, one)| (format!("rule-{at}"), one)).collect();
        let mut firewall = Firewall { ranges, ..Firewall::default() };
        let first = left(&wanted, &firewall);
        for rule in first.missing.iter().chain(&first.extra) {
            apply(rule, &mut firewall);
        }
        prop_assert_eq!(left(&wanted, &firewall), Left::default());
        prop_assert_eq!(joined(firewall.ranges.values().copied()), wanted.ranges);
    }
}
