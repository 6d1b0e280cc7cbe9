//! Carries the plan of a lake out: reads and writes many at once, until nothing is left.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;

use super::api::DataLakeAccount;
use super::contents::{self, Wanted};
use super::lake::{
    self, Batch, Came, Content, Look, Place, Record, Seen, Step, assume, came, differences, outcome,
};
use super::links::files_of;
use super::observe::Eyes;
use super::plane::{Plane, Saw, imagined, saw};
use super::rounds::{Reach, progresses, reach, under_way, waits_for_role};
use crate::azure::lake::client::UNDER_WAY;
use crate::azure_resource::engine::Round;
use crate::azure_resource::sight::Sight;
use crate::problem::Problem;

/// Batches of a plan that are carried out in one round, at most.
const MOST: usize = 1000;
/// After this time a round begins no more batches of trees, so that what has changed meanwhile is heard of.
const LONGEST: Duration = Duration::from_mins(1);

/// Keeps what lies in an account as the spec says it.
pub(super) async fn lake(
    round: &mut Round<'_, DataLakeAccount>,
    eyes: &Eyes<'_>,
    sight: &mut Sight<DataLakeAccount>,
) -> Result<Option<Problem>, Problem> {
    let valid = round.valid;
    let record = &round.record;
    if valid.lake.filesystems.is_empty() && record.lake == Record::default() {
        return Ok(None);
    }
    let status = round.object.status.as_ref();
    let handled = status.and_then(|status| status.resource.handled_sync_at.clone());
    let now = Timestamp::now();
    let mut reach = reach(valid, record, round.dry, (handled.as_deref(), now));
    if round.early {
        reach = reach.early();
    }
    let (links, whose) = (
        &eyes.ctx.own.links,
        (valid.namespace.clone(), valid.name.clone()),
    );
    let touched = links.touched(&whose);
    let asked = files_of(&valid.lake, &touched);
    // Before there is an account, what would be made in it is told as if it were empty.
    let absent = matches!(
        sight.real.as_ref().unwrap_or(&sight.seen).account,
        Some(None)
    );
    let plane = if absent {
        None
    } else {
        match eyes.lake(sight.really()) {
            Ok(place) => Some(Plane::new(eyes, place)),
            Err(problem) => return Ok(Some(problem)),
        }
    };
    let named = (valid.namespace.as_str(), valid.name.as_str());
    let wanted = contents::read(&eyes.ctx.kube, named, &valid.lake, (reach.turn, &asked)).await;
    let mut run = Run {
        eyes,
        plane,
        told: contents::told(&wanted),
        wanted,
        record: round.record.lake.clone(),
        seen: Seen::asked(&asked),
        reach,
        began: Instant::now(),
        noted: Instant::now(),
        unnoted: 0,
        stopped: false,
        repairs: record.lake_applied == Some(valid.generation),
        now,
    };
    run.all(round, sight).await?;
    links.done(&whose, &touched);
    Ok(run.end(round, sight))
}

struct Run<'a> {
    eyes: &'a Eyes<'a>,
    /// The way into the lake; none where there is no account yet.
    plane: Option<Plane<'a>>,
    wanted: Wanted,
    told: BTreeMap<Place, Result<Content, Problem>>,
    record: Record,
    seen: Seen,
    reach: Reach,
    began: Instant,
    noted: Instant,
    unnoted: u32,
    stopped: bool,
    /// Whether all was written before, so that what is written now repairs.
    repairs: bool,
    now: Timestamp,
}

/// A read or write that is under way, or what came of it.
enum Job {
    Look(Look),
    Step(Step),
}

enum Done {
    Look(Look, Result<Saw, Problem>),
    Step(Step, Came),
}

impl Run<'_> {
    fn inputs(&self) -> lake::Inputs<'_> {
        lake::Inputs {
            lake: &self.eyes.valid.lake,
            contents: &self.told,
            record: &self.record,
            turn: self.reach.turn,
            mode: self.eyes.valid.mode,
            now: self.now,
        }
    }

    async fn all(
        &mut self,
        round: &mut Round<'_, DataLakeAccount>,
        sight: &mut Sight<DataLakeAccount>,
    ) -> Result<(), Problem> {
        for _ in 0..MOST {
            let mut batch = lake::plan(&self.inputs(), &self.seen);
            if self.stopped {
                batch
                    .steps
                    .retain(|step| !matches!(step, Step::Tree { .. }));
            }
            if batch.is_empty() {
                break;
            }
            if self.reach.dry {
                for step in batch.steps.drain(..) {
                    sight.plans(step.to_string());
                    assume(&self.eyes.valid.lake, &step, &mut self.seen);
                }
            } else if !batch.steps.is_empty() {
                round.hold().await?;
                if batch.steps.iter().any(Step::destroys) {
                    round.is_still_so().await?;
                }
                self.begins(&batch, round).await?;
            }
            self.batch(batch, round, sight).await?;
        }
        if !self.reach.dry {
            self.record.settle(&self.eyes.valid.lake, &self.seen);
            round.record.lake.clone_from(&self.record);
        }
        Ok(())
    }

    /// What trees undo is noted before they begin.
    async fn begins(
        &mut self,
        batch: &Batch,
        round: &mut Round<'_, DataLakeAccount>,
    ) -> Result<(), Problem> {
        let now = Timestamp::now();
        let begins = |record: &mut Record, step| record.begins(step, now);
        let begun = batch
            .steps
            .iter()
            .filter(|step| begins(&mut self.record, step));
        if begun.count() > 0 {
            round.record.lake.clone_from(&self.record);
            round.note_down().await?;
            (self.unnoted, self.noted) = (0, Instant::now());
        }
        Ok(())
    }

    /// Carries a batch out, so many at once. A tree goes on while the rest is done.
    async fn batch(
        &mut self,
        batch: Batch,
        round: &mut Round<'_, DataLakeAccount>,
        sight: &mut Sight<DataLakeAccount>,
    ) -> Result<(), Problem> {
        let Some(plane) = self.plane.take() else {
            for look in &batch.looks {
                saw(&mut self.seen, look, Ok(imagined(look)));
            }
            return Ok(());
        };
        let wanted = std::mem::take(&mut self.wanted);
        let looks = batch.looks.into_iter().map(Job::Look);
        let steps = batch.steps.into_iter().map(Job::Step);
        let mut left: VecDeque<Job> = steps.chain(looks).collect();
        let mut going = FuturesUnordered::new();
        loop {
            while going.len() < UNDER_WAY
                && let Some(job) = left.pop_front()
            {
                going.push(work(&plane, &wanted, job));
            }
            let Some(done) = going.next().await else {
                break;
            };
            if let Some(next) = self.fold(done, sight) {
                left.push_back(Job::Step(next));
            }
            if progresses(self.unnoted, self.noted.elapsed()) {
                round.record.lake.clone_from(&self.record);
                round.note_down().await?;
                (self.unnoted, self.noted) = (0, Instant::now());
            }
        }
        drop(going);
        (self.plane, self.wanted) = (Some(plane), wanted);
        Ok(())
    }

    /// Adds what came of a job to what was seen. Gives back what comes after it.
    fn fold(&mut self, done: Done, sight: &mut Sight<DataLakeAccount>) -> Option<Step> {
        let (step, result) = match done {
            Done::Look(look, shown) => {
                saw(&mut self.seen, &look, shown);
                return None;
            }
            Done::Step(step, result) => (step, result),
        };
        let mut next = None;
        match &result {
            Came::Swept(swept) => {
                self.unnoted += 1;
                next = step.then(swept);
                if next.is_none() && self.repairs {
                    sight.did.push(step.to_string());
                }
            }
            Came::Done if self.repairs => sight.did.push(step.to_string()),
            Came::Done | Came::Lost(_) | Came::Unsure(_) | Came::Refused(_) => {}
        }
        let kept = (&mut self.record, Timestamp::now());
        came(&self.eyes.valid.lake, &step, result, &mut self.seen, kept);
        if next.is_some() && self.began.elapsed() > LONGEST {
            self.stopped = true;
            return None;
        }
        next
    }

    /// What it has come to, for the status.
    fn end(
        self,
        round: &mut Round<'_, DataLakeAccount>,
        sight: &mut Sight<DataLakeAccount>,
    ) -> Option<Problem> {
        let outcome = outcome(&self.inputs(), &self.seen);
        let generation = self.eyes.valid.generation;
        let mut problem = outcome.problem.clone();
        if self.stopped && problem.is_none() {
            problem = Some(under_way(&self.record, Timestamp::now()));
        }
        let ground = &sight.really().ground;
        let waits = |problem| waits_for_role(self.eyes.valid, ground, problem, self.now);
        let problem = problem.map(waits);
        if !self.reach.dry {
            if problem.is_some() {
                round.record.lake_applied = None;
            } else if outcome.whole && !self.stopped {
                round.record.lake_applied = Some(generation);
            }
        }
        let differs = differences(&self.inputs(), &self.seen);
        let due = self.record.retry_at();
        let really = sight.really();
        really.lake_differs = if self.reach.dry || problem.is_some() {
            differs
        } else {
            Vec::new()
        };
        really.due = due;
        really.came = Some(lake::Outcome {
            problem: problem.clone(),
            ..outcome
        });
        problem
    }
}

async fn work(plane: &Plane<'_>, wanted: &Wanted, job: Job) -> Done {
    let content = |of: &Place| wanted.get(of).and_then(|content| content.as_ref().ok());
    match job {
        Job::Look(look) => {
            let content = match &look {
                Look::Path(of, _) => content(of),
                Look::Filesystem(_) | Look::Contents(_) => None,
            };
            let shown = plane.see(&look, content).await;
            Done::Look(look, shown)
        }
        Job::Step(step) => {
            let came = plane.carry(&step, step.place().and_then(content)).await;
            Done::Step(step, came)
        }
    }
}
