use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use http::Method;

use super::super::*;
use super::*;
use crate::azure::arm::SubscriptionId;
use crate::azure::arm::fixtures::answer;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

/// A full budget of Resource Manager's.
fn manager(kind: Kind) -> Budget {
    Budget::new(&Purse::Manager(kind))
}

/// So many calls.
fn rank(ahead: usize) -> f64 {
    f64::from(u32::try_from(ahead).unwrap()) + 1.0
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    after(now, pause)
}

/// Empties a budget at a time.
fn drained(kind: Kind, now: Timestamp) -> Budget {
    let mut budget = manager(kind);
    while budget.level >= 1.0 {
        budget.ask(now, "greedy").unwrap();
    }
    budget
}

#[test]
fn a_full_budget_lets_a_burst_through_and_then_the_rate() {
    for (kind, burst, pause) in [
        (Kind::Reads, 250, 40),
        (Kind::Writes, 200, 100),
        (Kind::Deletes, 200, 100),
    ] {
        let mut budget = manager(kind);
        for _ in 0..burst {
            assert_eq!(budget.ask(at(0), "a"), Ok(()));
        }
        let wait = budget.ask(at(0), "a").unwrap_err();
        assert!(
            wait.abs_diff(Duration::from_millis(pause)) < Duration::from_millis(1),
            "{kind:?} {wait:?}"
        );
    }
}

#[test]
fn the_kind_follows_from_the_method() {
    assert_eq!(Kind::of(&Method::GET), Kind::Reads);
    assert_eq!(Kind::of(&Method::HEAD), Kind::Reads);
    assert_eq!(Kind::of(&Method::DELETE), Kind::Deletes);
    for method in [Method::PUT, Method::PATCH, Method::POST] {
        assert_eq!(Kind::of(&method), Kind::Writes);
    }
}

#[test]
fn what_an_answer_tells_corrects_downwards_only() {
    let told = answer(
        200,
        &[
            ("x-ms-ratelimit-remaining-subscription-reads", "3"),
            ("x-ms-ratelimit-remaining-subscription-global-reads", "3749"),
            ("x-ms-ratelimit-remaining-subscription-writes", "none"),
        ],
        "",
    );
    assert_eq!(Kind::Reads.remaining(&told), Some(3));
    assert_eq!(Kind::Writes.remaining(&told), None);
    let mut budget = manager(Kind::Reads);
    budget.answered(at(0), Some(3));
    for _ in 0..3 {
        budget.ask(at(0), "a").unwrap();
    }
    assert!(budget.ask(at(0), "b").is_err());
    budget.answered(at(0), Some(11_999));
    assert!(budget.ask(at(0), "c").is_err());
}

#[test]
fn a_refusal_closes_it_for_as_long_as_azure_asked() {
    let mut budget = manager(Kind::Writes);
    budget.throttled(at(0), Some(Duration::from_secs(17)));
    assert_eq!(budget.ask(at(0), "a"), Err(Duration::from_secs(17)));
    assert!(budget.ask(at(16_999), "a").is_err());
    assert_eq!(budget.ask(at(17_000), "a"), Ok(()));
    budget.throttled(at(18_000), Some(Duration::from_mins(1)));
    budget.throttled(at(18_000), Some(Duration::from_secs(5)));
    budget.answered(at(19_000), Some(200));
    assert!(
        budget.ask(at(77_999), "a").is_err(),
        "a shorter time opened it early"
    );
    assert_eq!(budget.ask(at(78_000), "a"), Ok(()));
}

#[test]
fn refusals_that_do_not_say_for_how_long_double_and_slow_down() {
    let mut budget = manager(Kind::Writes);
    let mut now = at(0);
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        for _ in 0..5 {
            budget.throttled(now, None);
        }
        let wait = budget.ask(now, "a").unwrap_err();
        assert_eq!(wait, Duration::from_secs(expected));
        now = later(now, wait);
        budget.ask(now, "a").unwrap();
    }
    let slow = budget.ask(now, "b").unwrap_err();
    assert!(slow > Duration::from_secs(5), "{slow:?}");
    for _ in 0..50 {
        budget.answered(now, None);
    }
    let recovered = budget.ask(now, "b").unwrap_err();
    assert!(recovered <= Duration::from_millis(101), "{recovered:?}");
    budget.throttled(now, None);
    let again = budget.ask(now, "c").unwrap_err();
    assert!(
        again < Duration::from_secs(2),
        "success did not reset the pause: {again:?}"
    );
}

#[test]
fn a_token_is_kept_for_who_is_late_but_not_for_ever() {
    let mut budget = drained(Kind::Writes, at(0));
    let wait = budget.ask(at(0), "late").unwrap_err();
    for second in 1..=59 {
        let now = at(second * 1000);
        while budget.ask(now, "others").is_ok() {}
    }
    assert_eq!(budget.ask(later(at(59_000), wait), "late"), Ok(()));
    budget.ask(at(59_100), "gone").unwrap_err();
    budget.ask(at(125_000), "x").unwrap();
    assert!(budget.waiting.iter().all(|waiting| waiting.who != "gone"));
}

#[test]
fn a_clock_set_back_gives_nothing_twice() {
    let mut budget = drained(Kind::Writes, at(10_000));
    assert!(budget.ask(at(0), "a").is_err());
    assert!(budget.ask(at(10_050), "a").is_err());
    assert_eq!(budget.ask(at(10_100), "a"), Ok(()));
}

/// Rounds of three calls each, which begin anew where one is refused, as the operator's do: how many calls they take in all, and
/// how long. None where they do not come to their end.
fn rounds(many: usize, calls: u32, together: bool) -> Option<(usize, Timestamp)> {
    let mut budget = manager(Kind::Reads);
    let mut due: BTreeSet<(Timestamp, usize)> = (0..many).map(|who| (at(0), who)).collect();
    let (mut made, mut now) = (0, at(0));
    while let Some((when, who)) = due.pop_first() {
        now = when;
        if made > many * 20 {
            return None;
        }
        for call in 0..calls {
            let left = if together { calls - call } else { 1 };
            match budget.ask_for(now, &who.to_string(), left) {
                Ok(()) => made += 1,
                Err(wait) => {
                    due.insert((later(now, wait), who));
                    break;
                }
            }
        }
    }
    Some((made, now))
}

#[test]
fn many_who_need_several_calls_come_to_their_end_one_after_the_other() {
    assert_eq!(
        rounds(500, 3, false),
        None,
        "one by one all waited for ever"
    );
    let (made, end) = rounds(500, 3, true).unwrap();
    assert_eq!(made, 1500, "calls were made in vain");
    let floor = at(50_000);
    assert!(end <= later(floor, Duration::from_secs(1)), "{end}");
}

#[test]
fn what_is_kept_for_work_that_has_begun_is_free_again_when_it_makes_no_more_calls() {
    let mut budget = drained(Kind::Writes, at(0));
    budget.ask_for(at(500), "a", 5).unwrap();
    assert!(budget.ask(at(500), "b").is_err(), "it took what was kept");
    for _ in 0..2 {
        budget.ask_for(at(500), "a", 1).unwrap();
    }
    let free = later(at(501), TURN);
    assert_eq!(budget.ask(free, "b"), Ok(()));
}

#[test]
fn what_is_kept_is_taken_later_and_is_free_again_when_it_is_released() {
    let mut budget = drained(Kind::Writes, at(0));
    assert!(budget.keep(at(200), "a", 2).unwrap(), "nothing was kept");
    assert!(!budget.keep(at(200), "a", 2).unwrap(), "it was kept twice");
    assert!(budget.ask(at(200), "b").is_err(), "it took what was kept");
    for _ in 0..2 {
        budget.ask(at(200), "a").unwrap();
    }
    assert!(
        budget.keep(at(400), "c", 2).unwrap_err() > Duration::ZERO,
        "b comes first"
    );
    budget.release("b");
    budget.keep(at(500), "a", 1).unwrap_err();
    budget.ask(at(60_400), "b").unwrap();
}

#[test]
fn providers_have_their_own_limits_by_what_a_call_does() {
    let of = |action| Purse::of_provider(action);
    let name = "microsoft.storage".to_owned();
    assert_eq!(
        of("Microsoft.Storage/storageAccounts/write"),
        Purse::Provider(name.clone(), Deed::Write)
    );
    assert_eq!(
        of("Microsoft.Storage/storageAccounts/listKeys/action"),
        Purse::Provider(name.clone(), Deed::Write)
    );
    assert_eq!(
        of("Microsoft.Storage/checknameavailability/read"),
        Purse::Provider(name, Deed::Read)
    );
    let mut storage = Budget::new(&of("Microsoft.Storage/storageAccounts/write"));
    for _ in 0..10 {
        storage.ask(at(0), "a").unwrap();
    }
    let wait = storage.ask(at(0), "a").unwrap_err();
    assert!(
        wait.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1),
        "{wait:?}"
    );
    let mut vaults = Budget::new(&of("Microsoft.KeyVault/vaults/write"));
    for _ in 0..10_000 {
        vaults.ask(at(0), "a").unwrap();
    }
    vaults.throttled(at(0), Some(Duration::from_secs(7)));
    assert_eq!(vaults.ask(at(0), "a"), Err(Duration::from_secs(7)));
}

#[test]
fn work_that_begins_wants_room_for_all_of_its_calls() {
    let takes = Calls {
        reads: 2,
        writes: 2,
        deletes: 0,
    };
    let writes = |writes| Calls {
        writes,
        ..Calls::default()
    };
    assert_eq!(Work::new(takes).besides(Kind::Reads), Calls::default());
    let mut work = Work::new(takes).together();
    assert_eq!(work.besides(Kind::Reads), writes(2));
    work.came_to(Kind::Writes, true);
    assert_eq!(work.besides(Kind::Reads), writes(1));
    assert_eq!(work.besides(Kind::Writes).reads, 2);
}

#[test]
fn work_asks_for_all_that_it_made_before_and_for_what_was_refused() {
    let mut work = Work::new(Calls {
        writes: 2,
        ..Calls::default()
    });
    assert_eq!((work.left(Kind::Reads), work.left(Kind::Writes)), (1, 2));
    work.came_to(Kind::Reads, true);
    work.came_to(Kind::Writes, true);
    assert_eq!(work.left(Kind::Writes), 1);
    work.came_to(Kind::Reads, false);
    let mut anew = Work::new(work.takes());
    assert_eq!((anew.left(Kind::Reads), anew.left(Kind::Writes)), (2, 2));
    for made in [true, true, false] {
        anew.came_to(Kind::Reads, made);
    }
    assert_eq!(anew.takes().reads, 3);
}

#[test]
fn budgets_of_nobody_are_forgotten() {
    let mut budgets = Budgets::default();
    let subscription: SubscriptionId = crate::azure::arm::fixtures::SUBSCRIPTION.parse().unwrap();
    for principal in 0..=MOST {
        budgets
            .of(
                at(0),
                &subscription,
                &principal,
                Purse::Manager(Kind::Reads),
            )
            .ask(at(0), "a")
            .unwrap();
    }
    budgets.of(at(60_000), &subscription, &0, Purse::Manager(Kind::Writes));
    assert!(budgets.all.len() < MOST, "{}", budgets.all.len());
}

/// What happens to a budget.
#[derive(Debug, Clone)]
enum Event {
    Ask(u8),
    Answered(Option<u32>),
    Throttled(Option<u8>),
}

fn events() -> impl Strategy<Value = Vec<(u16, Event)>> {
    let event = prop_oneof![
        12 => (0..60u8).prop_map(Event::Ask),
        3 => prop::option::of(0..300u32).prop_map(Event::Answered),
        1 => prop::option::of(0..40u8).prop_map(Event::Throttled),
    ];
    prop::collection::vec((0..400u16, event), 0..300)
}

/// Applies an event; true where a call went.
fn apply(budget: &mut Budget, now: Timestamp, event: &Event) -> Result<(), Duration> {
    match event {
        Event::Ask(who) => return budget.ask(now, &who.to_string()),
        Event::Answered(remaining) => budget.answered(now, *remaining),
        Event::Throttled(seconds) => {
            budget.throttled(
                now,
                seconds.map(|seconds| Duration::from_secs(seconds.into())),
            );
        }
    }
    Err(Duration::ZERO)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// In no stretch of time go more calls than the bucket holds and what flows in during it.
    #[test]
    fn never_more_than_the_bucket(events in events(), greedy in 0..250usize) {
        let mut budget = manager(Kind::Writes);
        let mut went = Vec::new();
        for _ in 0..greedy {
            if budget.ask(at(0), "greedy").is_ok() {
                went.push(at(0));
            }
        }
        let mut now = at(0);
        for (pause, event) in &events {
            now = later(now, Duration::from_millis((*pause).into()));
            if apply(&mut budget, now, event).is_ok() {
                went.push(now);
            }
        }
        let (size, rate) = Kind::Writes.limits();
        for (first, from) in went.iter().enumerate() {
            for (last, until) in went.iter().enumerate().skip(first) {
                let most = size + rate * until.duration_since(*from).as_secs_f64() + 0.01;
                let calls = rank(last - first);
                prop_assert!(calls <= most, "{calls} calls where {most} may go");
            }
        }
    }

    /// While it is closed nobody goes, whatever else is said meanwhile.
    #[test]
    fn azures_time_is_kept(events in events(), seconds in 1..600u64) {
        let mut budget = manager(Kind::Reads);
        budget.throttled(at(0), Some(Duration::from_secs(seconds)));
        let mut now = at(0);
        for (pause, event) in &events {
            now = later(now, Duration::from_millis((*pause).into()));
            let went = apply(&mut budget, now, event).is_ok();
            prop_assert!(!went || now >= at(i64::try_from(seconds).unwrap() * 1000));
        }
    }

    /// Who is refused together is told times that differ, a token apart, and finds the token then, also when late, and
    /// whoever else asks meanwhile. So nobody starves.
    #[test]
    fn reservations_are_kept(
        askers in 1..150usize,
        lateness in prop::collection::vec(0..50_000u32, 150),
        greedy in prop::collection::vec(0..100_000u32, 0..300),
    ) {
        let mut budget = drained(Kind::Writes, at(0));
        let mut comes: BTreeMap<(Timestamp, String), bool> = BTreeMap::new();
        let mut told = Vec::new();
        for (asker, late) in lateness.iter().enumerate().take(askers) {
            let wait = budget.ask(at(0), &asker.to_string()).unwrap_err();
            told.push(wait);
            let late = Duration::from_millis((*late).into());
            comes.insert((later(later(at(0), wait), late), asker.to_string()), true);
        }
        for (first, second) in told.iter().zip(told.iter().skip(1)) {
            prop_assert!(second.saturating_sub(*first) >= Duration::from_millis(99), "{told:?}");
        }
        for (number, when) in greedy.iter().enumerate() {
            comes.insert((at((*when).into()), format!("greedy {number}")), false);
        }
        for ((now, who), reserved) in comes {
            let outcome = budget.ask(now, &who);
            prop_assert!(!reserved || outcome.is_ok(), "{who} was told to come and found nothing: {outcome:?}");
        }
    }

    /// What happens in one subscription, for one principal or in one kind changes nothing in another.
    #[test]
    fn budgets_do_not_disturb_each_other(
        mine in events(),
        others in prop::collection::vec((0..3usize, events()), 0..3),
    ) {
        let subscription = |last: char| -> SubscriptionId {
            format!("44444444-4444-4444-4444-44444444444{last}").parse().unwrap()
        };
        let keys = [
            (subscription('1'), "me", Kind::Reads),
            (subscription('0'), "you", Kind::Reads),
            (subscription('0'), "me", Kind::Writes),
        ];
        let (mut alone, mut among) = (Budgets::default(), Budgets::default());
        let mut now = at(0);
        let mut rest: Vec<_> = others
            .iter()
            .flat_map(|(which, events)| events.iter().map(move |(_, event)| (*which, event)))
            .collect();
        for (pause, event) in &mine {
            now = later(now, Duration::from_millis((*pause).into()));
            if let Some((which, event)) = rest.pop() {
                let (subscription, principal, kind) = &keys[which];
                let _outcome = apply(among.of(now, subscription, principal, Purse::Manager(*kind)), now, event);
            }
            let me = subscription('0');
            let expected = apply(alone.of(now, &me, &"me", Purse::Manager(Kind::Reads)), now, event);
            prop_assert_eq!(apply(among.of(now, &me, &"me", Purse::Manager(Kind::Reads)), now, event), expected);
        }
    }
}
