use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::azure::auth::Token;
use crate::problem::Reason;
use crate::secret::SecretValue;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn token(value: &str, refresh: &str, end: &str) -> Token {
    Token {
        value: SecretValue::from(value.to_owned()),
        issued_at: at(T0),
        refresh_at: at(refresh),
        expires_at: at(end),
    }
}

const T0: &str = "2026-11-20T07:00:00Z";

fn hour(value: &str) -> Token {
    token(value, "2026-11-20T07:48:00Z", "2026-11-20T08:00:00Z")
}

fn shown(token: &Token) -> &str {
    token.value.expose_str().unwrap()
}

#[tokio::test]
async fn fifty_callers_share_one_request_and_its_failure() {
    let (slots, asked) = (Slots::<u8, Token>::default(), Arc::new(AtomicU32::new(0)));
    let (open, gate) = tokio::sync::watch::channel(false);
    let callers = (0..50).map(|_| {
        let (asked, mut gate) = (Arc::clone(&asked), gate.clone());
        slots.get(&1, at(T0), move || async move {
            asked.fetch_add(1, Ordering::Relaxed);
            gate.wait_for(|open| *open).await.unwrap();
            Err(Problem::new(
                Reason::InvalidClientSecret,
                Retry::OnChange,
                "no",
            ))
        })
    });
    let all = futures::future::join_all(callers);
    let opener = async {
        tokio::task::yield_now().await;
        open.send(true).unwrap();
    };
    let (outcomes, ()) = futures::join!(all, opener);
    assert!(outcomes.iter().all(|o| {
        o.as_ref()
            .is_err_and(|p| p.reason == Reason::InvalidClientSecret)
    }));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_old_token_is_used_while_its_renewal_fails() {
    let slots = Slots::<u8, Token>::default();
    slots
        .get(&1, at(T0), || async { Ok(hour("old")) })
        .await
        .unwrap();
    let late = at("2026-11-20T07:50:00Z");
    let refused = || async {
        Err(Problem::new(
            Reason::AzureUnavailable,
            Retry::Backoff,
            "down",
        ))
    };
    for _ in 0..3 {
        assert_eq!(shown(&slots.get(&1, late, refused).await.unwrap()), "old");
        tokio::task::yield_now().await;
    }
    let last = at("2026-11-20T07:59:50Z");
    assert!(
        slots.get(&1, last, refused).await.is_err(),
        "a token in its last seconds was given out"
    );
}

#[tokio::test]
async fn a_renewal_runs_in_the_background_and_replaces_the_token() {
    let slots = Slots::<u8, Token>::default();
    slots
        .get(&1, at(T0), || async { Ok(hour("old")) })
        .await
        .unwrap();
    let late = at("2026-11-20T07:50:00Z");
    let renewed = || async { Ok(token("new", "2026-11-20T08:38:00Z", "2026-11-20T08:50:00Z")) };
    assert_eq!(shown(&slots.get(&1, late, renewed).await.unwrap()), "old");
    tokio::task::yield_now().await;
    assert_eq!(shown(&slots.get(&1, late, renewed).await.unwrap()), "new");
}

#[tokio::test]
async fn who_needs_a_newer_one_waits_for_it_while_others_have_the_old_one() {
    let slots = Slots::<u8, Token>::default();
    let first = || async { Ok(hour("old")) };
    slots.get(&1, at(T0), first).await.unwrap();
    let is_new = |token: &Token| token.value != SecretValue::from("old".to_owned());
    let (open, mut gate) = tokio::sync::watch::channel(false);
    let renewal = slots.get_that(&1, at(T0), is_new, move || async move {
        gate.wait_for(|open| *open).await.unwrap();
        Ok(hour("new"))
    });
    let meanwhile = async {
        let held = slots.get(&1, at(T0), first).await.unwrap();
        open.send(true).unwrap();
        held
    };
    let (renewed, held) = futures::join!(renewal, meanwhile);
    assert_eq!(
        (shown(&renewed.unwrap()), shown(&held)),
        ("new", "old"),
        "who asked, and who did not mind"
    );
    let never = || async { Ok(hour("asked twice")) };
    assert_eq!(
        shown(&slots.get_that(&1, at(T0), is_new, never).await.unwrap()),
        "new"
    );
}

#[tokio::test]
async fn a_failed_renewal_leaves_what_was_there() {
    let slots = Slots::<u8, Token>::default();
    let first = || async { Ok(hour("old")) };
    slots.get(&1, at(T0), first).await.unwrap();
    let long = Retry::After(Duration::from_mins(10));
    let refused =
        move || async move { Err(Problem::new(Reason::LoginRefused, long, "wrong password")) };
    let renewal = slots.get_that(&1, at(T0), |_| false, refused).await;
    assert_eq!(renewal.unwrap_err().reason, Reason::LoginRefused);
    assert_eq!(
        shown(&slots.get(&1, at(T0), first).await.unwrap()),
        "old",
        "the token that lives was lost"
    );
    let later = at("2026-11-20T07:05:00Z");
    let renewed = || async { Ok(hour("new")) };
    let again = slots.get_that(&1, later, |_| false, renewed).await;
    assert!(again.is_err(), "it was tried before its time");
    slots.pardon(&1);
    let again = slots.get_that(&1, later, |_| false, renewed).await;
    assert_eq!(shown(&again.unwrap()), "new");
    let taken = slots.take(|key| *key == 1);
    assert_eq!(shown(taken[0].1.as_ref().unwrap()), "new");
    assert!(slots.is_empty());
}

#[tokio::test]
async fn what_was_refused_is_dropped_once() {
    let slots = Slots::<u8, Token>::default();
    let held = |first: &Arc<Token>| {
        let first = Arc::clone(first);
        move |token: &Token| token.value == first.value
    };
    let first = slots
        .get(&1, at(T0), || async { Ok(hour("a")) })
        .await
        .unwrap();
    slots.drop_if(&1, held(&first));
    let second = slots
        .get(&1, at(T0), || async { Ok(hour("b")) })
        .await
        .unwrap();
    assert_eq!(shown(&second), "b");
    slots.drop_if(&1, held(&first));
    let third = slots
        .get(&1, at(T0), || async { Ok(hour("c")) })
        .await
        .unwrap();
    assert_eq!(
        shown(&third),
        "b",
        "a second refusal of the first cost the second"
    );
}

#[tokio::test]
async fn slots_are_apart_and_can_be_dropped() {
    let slots = Slots::<u8, Token>::default();
    slots
        .get(&1, at(T0), || async { Ok(hour("one")) })
        .await
        .unwrap();
    assert_eq!(
        shown(
            &slots
                .get(&2, at(T0), || async { Ok(hour("two")) })
                .await
                .unwrap()
        ),
        "two"
    );
    slots.retain(|&key| key != 1);
    assert_eq!(slots.len(), 1);
    assert_eq!(
        shown(
            &slots
                .get(&1, at(T0), || async { Ok(hour("again")) })
                .await
                .unwrap()
        ),
        "again"
    );
}

#[tokio::test]
async fn a_request_outlives_the_asker_that_began_it() {
    let slots = Slots::<u8, Token>::default();
    let (open, mut gate) = tokio::sync::watch::channel(false);
    let asker = slots.get(&1, at(T0), move || async move {
        gate.wait_for(|open| *open).await.unwrap();
        Ok(hour("kept"))
    });
    assert!(asker.now_or_never().is_none());
    open.send(true).unwrap();
    let never = || async {
        Err(Problem::new(
            Reason::AuthenticationFailed,
            Retry::Backoff,
            "asked twice",
        ))
    };
    assert_eq!(shown(&slots.get(&1, at(T0), never).await.unwrap()), "kept");
}
