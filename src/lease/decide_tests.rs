use super::*;

const OTHER: &str = "other";

fn at(millis: u64) -> Moment {
    let passed = Duration::from_millis(millis);
    Moment {
        steady: passed,
        wall: passed,
    }
}

fn record(holder: &str, epoch: u64, version: &str) -> Record {
    Record {
        holder: Some(holder.to_owned()).filter(|holder| !holder.is_empty()),
        epoch,
        version: version.to_owned(),
    }
}

fn me() -> Candidate {
    Candidate::new("me".to_owned())
}

/// One that has seen this at the beginning.
fn who_saw(found: Option<Record>) -> Candidate {
    let mut candidate = me();
    candidate.looked(at(0), found);
    candidate
}

/// One that leads by a write that was sent at the beginning.
fn leader() -> Candidate {
    let mut candidate = who_saw(None);
    candidate.wrote(at(0), at(10), record("me", 1, "v1"));
    candidate
}

fn next(candidate: &Candidate, millis: u64) -> Next {
    candidate.decide(at(millis), &TIMING)
}

fn acquire(version: Option<&str>, epoch: u64) -> Next {
    let version = version.map(str::to_owned);
    Next::Acquire { version, epoch }
}

#[test]
fn it_looks_first() {
    assert_eq!(next(&me(), 0), Next::Look);
}

#[test]
fn whoever_never_saw_a_lease_makes_one() {
    assert_eq!(next(&who_saw(None), 0), acquire(None, 1));
}

#[test]
fn a_lease_that_is_gone_is_made_anew_when_its_holder_must_know() {
    let mut candidate = who_saw(Some(record(OTHER, 4, "v1")));
    candidate.looked(at(1000), None);
    assert_eq!(
        next(&candidate, 1400),
        Next::StandBy(Duration::from_millis(100))
    );
    candidate.looked(at(14_900), None);
    assert_eq!(next(&candidate, 15_000), acquire(None, 1));
}

#[test]
fn a_lease_that_was_given_back_is_taken_at_once() {
    let candidate = who_saw(Some(record("", 4, "v7")));
    assert_eq!(next(&candidate, 0), acquire(Some("v7"), 5));
}

#[test]
fn a_lease_is_taken_when_it_was_seen_unchanged_for_long_enough() {
    let mut candidate = who_saw(Some(record(OTHER, 4, "v1")));
    assert_eq!(
        next(&candidate, 200),
        Next::StandBy(Duration::from_millis(300))
    );
    assert_eq!(next(&candidate, 500), Next::Look);
    // Renewed: the time begins anew.
    candidate.looked(at(2000), Some(record(OTHER, 4, "v2")));
    candidate.looked(at(15_900), Some(record(OTHER, 4, "v2")));
    assert_eq!(
        next(&candidate, 15_990),
        Next::StandBy(Duration::from_millis(10))
    );
    assert_eq!(next(&candidate, 16_000), acquire(Some("v2"), 5));
}

#[test]
fn who_waits_does_not_believe_the_clock_on_the_wall() {
    let candidate = who_saw(Some(record(OTHER, 4, "v1")));
    let set = Moment {
        steady: Duration::from_millis(100),
        wall: Duration::from_hours(1),
    };
    assert_eq!(candidate.decide(set, &TIMING), Next::Look);
}

#[test]
fn a_take_over_whose_answer_was_lost_is_finished() {
    let mut candidate = who_saw(Some(record("", 4, "v1")));
    candidate.failed(at(2000));
    assert_eq!(
        next(&candidate, 2100),
        Next::StandBy(Duration::from_millis(400))
    );
    assert_eq!(next(&candidate, 2500), acquire(Some("v1"), 5));
    candidate.refused();
    assert_eq!(next(&candidate, 2600), Next::Look);
    candidate.looked(at(2700), Some(record("me", 5, "v2")));
    assert_eq!(next(&candidate, 2700), acquire(Some("v2"), 5));
}

#[test]
fn who_was_not_quick_enough_looks_again() {
    let mut candidate = who_saw(Some(record("", 4, "v1")));
    candidate.refused();
    assert_eq!(next(&candidate, 10), Next::Look);
    candidate.looked(at(20), Some(record(OTHER, 5, "v2")));
    assert_eq!(next(&candidate, 20), Next::StandBy(TIMING.look));
}

#[test]
fn it_renews_in_time_on_the_version_that_it_wrote() {
    let candidate = leader();
    assert_eq!(
        next(&candidate, 500),
        Next::Rest(Duration::from_millis(1500))
    );
    let renew = Next::Renew {
        version: "v1".to_owned(),
        epoch: 1,
    };
    assert_eq!(next(&candidate, 2000), renew);
}

#[test]
fn a_renewal_counts_from_when_it_was_sent() {
    let mut candidate = leader();
    candidate.wrote(at(2000), at(3900), record("me", 1, "v2"));
    assert_eq!(
        next(&candidate, 11_999),
        Next::Renew {
            version: "v2".to_owned(),
            epoch: 1
        }
    );
    assert_eq!(next(&candidate, 12_000), Next::Lost(Loss::NotRenewed));
}

#[test]
fn a_renewal_that_failed_is_tried_again_after_a_pause() {
    let mut candidate = leader();
    candidate.failed(at(4000));
    assert_eq!(
        next(&candidate, 4100),
        Next::Rest(Duration::from_millis(400))
    );
    assert!(matches!(next(&candidate, 4500), Next::Renew { .. }));
    candidate.failed(at(9800));
    assert_eq!(
        next(&candidate, 9900),
        Next::Rest(Duration::from_millis(100))
    );
}

#[test]
fn a_lease_that_somebody_labelled_is_still_ours() {
    let mut candidate = leader();
    candidate.refused();
    assert_eq!(next(&candidate, 2100), Next::Look);
    candidate.looked(at(2200), Some(record("me", 1, "v9")));
    assert_eq!(
        next(&candidate, 2200),
        Next::Renew {
            version: "v9".to_owned(),
            epoch: 1
        }
    );
}

#[test]
fn who_finds_another_holder_or_no_lease_has_lost() {
    for found in [
        Some(record(OTHER, 2, "v2")),
        Some(record("", 1, "v2")),
        None,
    ] {
        let mut candidate = leader();
        candidate.refused();
        candidate.looked(at(2200), found);
        assert_eq!(next(&candidate, 2200), Next::Lost(Loss::Deposed));
    }
}

#[test]
fn either_clock_ends_the_lease() {
    let long = Duration::from_secs(10);
    let (steady, wall) = (
        Moment {
            steady: long,
            wall: Duration::ZERO,
        },
        Moment {
            steady: Duration::ZERO,
            wall: long,
        },
    );
    for now in [steady, wall] {
        assert_eq!(leader().decide(now, &TIMING), Next::Lost(Loss::NotRenewed));
    }
}

#[test]
fn who_leaves_gives_the_lease_back_and_is_done() {
    let mut candidate = leader();
    candidate.leave();
    assert_eq!(
        next(&candidate, 100),
        Next::Release {
            version: "v1".to_owned(),
            epoch: 1
        }
    );
    candidate.released();
    assert_eq!(next(&candidate, 200), Next::Over);
    let mut waiting = who_saw(Some(record(OTHER, 1, "v1")));
    waiting.leave();
    assert_eq!(next(&waiting, 0), Next::Over);
}

#[test]
fn nothing_is_begun_that_could_not_be_told_over() {
    let hold = Hold { sent: at(0) };
    assert!(hold.may_begin(at(9000), &TIMING));
    assert!(!hold.may_begin(at(9001), &TIMING));
    assert_eq!(
        hold.left(at(9001), &TIMING),
        Some(Duration::from_millis(999))
    );
    assert_eq!(hold.left(at(10_000), &TIMING), None);
}

/// What the times have to do with each other, for the lease to be safe, and for a death to be followed within 15 seconds.
#[test]
fn the_times_fit_together() {
    let Timing {
        renew,
        lost,
        least,
        take_over,
        look,
        call,
    } = TIMING;
    assert!(lost < take_over, "the holder stops before others begin");
    assert!(renew + 2 * (call + look) < lost, "a renewal may fail twice");
    assert!(
        least + renew < lost,
        "there is time to write between two renewals"
    );
    let calls = Duration::from_millis(500);
    assert!(
        look + take_over + calls <= Duration::from_secs(15),
        "a death is followed in time"
    );
}
