use std::future::{pending, ready};

use super::*;

/// A lease that lasts for long.
const LONG: Timing = Timing {
    lost: Duration::from_hours(1),
    ..TIMING
};

fn now() -> Hold {
    Hold {
        sent: Moment::default(),
    }
}

fn raised(timing: Timing) -> Fence {
    let fence = Fence::with(timing);
    fence.raise(now(), "1 of me");
    fence
}

/// Something that must not be begun.
fn never() -> impl Future<Output = ()> {
    poll_fn(|_| panic!("it was begun"))
}

#[tokio::test]
async fn without_a_fence_everything_passes() {
    assert_eq!(Fence::none().carry(ready(7)).await, Ok(7));
}

#[tokio::test]
async fn nothing_is_begun_before_it_leads() {
    assert_eq!(Fence::shut().carry(never()).await, Err(Refused::NotLeading));
}

#[tokio::test]
async fn who_leads_passes() {
    assert_eq!(raised(LONG).carry(ready(7)).await, Ok(7));
}

#[tokio::test]
async fn nothing_is_begun_when_the_time_is_over_though_nobody_has_said_so() {
    let over = Timing {
        lost: Duration::ZERO,
        ..TIMING
    };
    assert_eq!(raised(over).carry(never()).await, Err(Refused::NotLeading));
}

#[tokio::test]
async fn what_is_under_way_is_cut_off_when_the_time_is_over() {
    let short = Timing {
        lost: Duration::from_millis(50),
        least: Duration::ZERO,
        ..TIMING
    };
    let carried = raised(short).carry(pending::<()>()).await;
    assert!(carried.is_err(), "{carried:?}");
}

#[tokio::test]
async fn a_fall_cuts_off_what_is_under_way_and_is_for_good() {
    let fence = raised(LONG);
    let (fell, mut under_way) = (fence.clone(), Box::pin(fence.carry(pending::<()>())));
    let begun = poll_fn(|context| Poll::Ready(under_way.as_mut().poll(context).is_pending()));
    assert!(begun.await, "it goes on while the lease is held");
    fell.fall();
    assert_eq!(under_way.await, Err(Refused::CutOff));
    fell.calm().await;
    fell.raise(now(), "2 of me");
    assert_eq!(fell.carry(never()).await, Err(Refused::NotLeading));
}

#[tokio::test]
async fn with_too_little_left_it_waits_for_the_renewal() {
    let fence = raised(Timing {
        least: LONG.lost,
        ..LONG
    });
    let mut waits = Box::pin(fence.carry(ready(7)));
    let waiting = poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending()));
    assert!(waiting.await, "it was begun with too little left");
    let later = Duration::from_mins(1);
    let sent = Moment {
        steady: later,
        wall: later,
    };
    fence.raise(Hold { sent }, "1 of me");
    assert_eq!(waits.await, Ok(7));
}

#[tokio::test]
async fn a_renewal_leaves_the_term_as_it_is() {
    let fence = raised(LONG);
    let term = fence.term();
    fence.raise(now(), "1 of me");
    assert_eq!(fence.term(), term);
    assert!(term.is_some_and(|term| term.epoch == "1 of me"));
    fence.fall();
    assert_eq!(fence.term(), None);
}
