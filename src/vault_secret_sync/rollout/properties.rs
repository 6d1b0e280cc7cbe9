//! Whatever is killed or lost in between: pods end with the Secret as it is, and are restarted once for each change of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::api::{RolloutStatus, WorkloadKind, WorkloadState, WorkloadStatus};
use super::plan::{Decision, Goal, News, Standing, decide, news, settle, standing};
use super::workload::{Workload, read};
use crate::vault_secret_sync::target::Record;

#[derive(Debug, Clone)]
enum Event {
    /// The vault has this version; the number is also an attribute that changes with each event.
    Rotate(u8),
    /// A reconcile that is killed before its write of this number.
    Reconcile { killed_before: usize },
    /// The owner pauses or resumes the workload.
    Pause(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0u8..3).prop_map(Event::Rotate),
        (0usize..6).prop_map(|killed_before| Event::Reconcile { killed_before }),
        any::<bool>().prop_map(Event::Pause),
    ];
    prop::collection::vec(event, 0..40)
}

/// A vault, a Secret, a workload, and the status that the API server holds.
#[derive(Default)]
struct World {
    vault: u8,
    time: i64,
    secret: Option<(u8, Record)>,
    status: Option<RolloutStatus>,
    annotation: Option<String>,
    paused: bool,
    /// What its pods have started with; none where they wait for their Secret.
    pods: Option<u8>,
    restarts: usize,
    changes: usize,
}

/// Writes that are left until the kill.
struct Killed;

impl World {
    fn spend(left: &mut usize) -> Result<(), Killed> {
        *left = left.checked_sub(1).ok_or(Killed)?;
        Ok(())
    }

    fn record(&self) -> Record {
        let source = format!("s/v{}@{}", self.vault, self.time);
        Record {
            keys: BTreeMap::from([("K".to_owned(), source)]),
            ..Record::default()
        }
    }

    fn workload(&self) -> Workload {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
            "spec": {"paused": self.paused, "template": {"metadata": {"annotations": {"a": self.annotation}}}}
        });
        read(
            WorkloadKind::Deployment,
            "a",
            &serde_json::from_value(object).unwrap(),
        )
    }

    fn reconcile(&mut self, left: &mut usize) -> Result<(), Killed> {
        self.follow(left)?;
        let (held, record) = (self.secret.as_ref().map(|(held, _)| *held), self.record());
        let before = self.secret.as_ref().map(|(_, record)| record.clone());
        if before.as_ref() != Some(&record) {
            Self::spend(left)?;
            self.changes += usize::from(held.is_some_and(|held| held != self.vault));
            self.secret = Some((self.vault, record.clone()));
            // Pods that wait for their Secret start with it.
            self.pods = self.pods.or(Some(self.vault));
        }
        let keys = ["K".to_owned()];
        let settled = settle(self.status.as_ref(), before.as_ref(), Some(&record), &keys);
        if settled != self.status {
            Self::spend(left)?;
            self.status = settled;
        }
        self.follow(left)
    }

    fn follow(&mut self, left: &mut usize) -> Result<(), Killed> {
        let Some((held, record)) = self.secret.clone() else {
            return Ok(());
        };
        let Some(old) = self.status.clone() else {
            Self::spend(left)?;
            self.status = settle(None, Some(&record), None, &["K".to_owned()]);
            return Ok(());
        };
        let listed = old.workloads.first();
        let (goal, standing) = match (news(&old, &record), listed) {
            (News::Changed(digest), _) => (
                Goal {
                    digest,
                    from: Some(old.digest),
                },
                Some(Standing::Met),
            ),
            (News::None | News::Arrived(_), Some(row)) => (
                Goal {
                    digest: old.digest,
                    from: None,
                },
                standing(row.state),
            ),
            (News::None | News::Arrived(_), None) => return Ok(()),
        };
        let Some(standing) = standing else {
            return Ok(());
        };
        let workload = self.workload();
        let decision = decide(
            &goal,
            &workload,
            standing,
            None,
            Duration::ZERO,
            Timestamp::UNIX_EPOCH,
        );
        let state = match decision {
            Decision::Patch => {
                Self::spend(left)?;
                self.annotation = Some(goal.digest.clone());
                (self.pods, self.restarts) = (Some(held), self.restarts + 1);
                WorkloadState::RolledOut
            }
            Decision::Paused => WorkloadState::Paused,
            Decision::Judge | Decision::Current => WorkloadState::RolledOut,
            Decision::Deferred(_) | Decision::Elsewhere(_) => unreachable!("no gap, no reference"),
        };
        let row = WorkloadStatus {
            kind: WorkloadKind::Deployment,
            name: "api".to_owned(),
            state,
            message: None,
            restarted: None,
        };
        Self::spend(left)?;
        self.status = Some(RolloutStatus {
            digest: goal.digest,
            workloads: vec![row],
            ..RolloutStatus::default()
        });
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pods_end_with_the_secret_and_are_restarted_at_most_once_for_each_change(events in events()) {
        let mut world = World::default();
        for event in events {
            world.time += 1;
            match event {
                Event::Rotate(version) => world.vault = version,
                Event::Reconcile { killed_before } => {
                    let mut left = killed_before;
                    drop(world.reconcile(&mut left));
                }
                Event::Pause(paused) => world.paused = paused,
            }
            prop_assert!(world.restarts <= world.changes, "{} restarts for {} changes", world.restarts, world.changes);
        }
        world.paused = false;
        for _ in 0..2 {
            let mut left = usize::MAX;
            prop_assert!(world.reconcile(&mut left).is_ok());
        }
        prop_assert_eq!(world.pods, Some(world.vault));
        prop_assert!(world.restarts <= world.changes, "{} restarts for {} changes", world.restarts, world.changes);
    }
}
