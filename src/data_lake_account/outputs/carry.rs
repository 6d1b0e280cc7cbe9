//! Carries the plan of outputs out: one thing after the other, until nothing is left. What one of them meets does not keep the
//! others from being done.

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use tracing::info;

use super::plan::{self, Look, Next, Step};
use super::record::Record;
use super::seen::{Keys, Kind, Seen, Target, Targets, What};
use super::wanted::Wanted;
use super::{Account, Inputs, Owner, render};
use crate::azure::arm::client::spared;
use crate::azure::lake::delegation::DelegationKey;
use crate::azure_resource::note::Outcome;
use crate::data_lake_account::api::AccountKey;
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Reads and writes of one round, at most: a spec has a bounded number of outputs, each of which takes a few.
const MOST: usize = 200;

/// What is Azure's part.
pub trait Azure: Send {
    /// Reads the account's keys.
    fn keys(&mut self) -> impl Future<Output = Result<Keys, Problem>> + Send;

    /// Makes a key anew. `noted` is written into the status as the very last thing before.
    fn renew(
        &mut self,
        key: AccountKey,
        noted: &Record,
    ) -> impl Future<Output = Result<Renewed, Problem>> + Send;

    /// A key of the identity to sign with.
    fn delegation(
        &mut self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<DelegationKey, Problem>> + Send;
}

/// What came of a key that was to be made anew.
#[derive(Debug)]
pub enum Renewed {
    /// It was not asked for, and nothing was noted.
    NotSent(Problem),
    /// It was, with this answer: both keys, as they are then.
    Sent(Result<Keys, Problem>),
}

/// All that outputs are made in.
pub trait World: Azure {
    /// The time.
    fn now(&self) -> Timestamp;

    /// What is there.
    fn targets(&mut self, wanted: &Wanted)
    -> impl Future<Output = Result<Targets, Problem>> + Send;

    /// The account's key that a Secret of ours has.
    fn held(
        &mut self,
        secret: &ResourceName,
    ) -> impl Future<Output = Result<Option<SecretValue>, Problem>> + Send;

    /// Writes a ConfigMap over the one that was seen, or where there was none.
    fn write_config_map(
        &mut self,
        name: &ResourceName,
        data: BTreeMap<String, String>,
        seen: Option<&Target>,
    ) -> impl Future<Output = Result<Target, Problem>> + Send;

    /// Writes a Secret over the one that was seen, or where there was none.
    fn write_secret(
        &mut self,
        name: &ResourceName,
        data: BTreeMap<String, SecretValue>,
        seen: Option<&Target>,
    ) -> impl Future<Output = Result<Target, Problem>> + Send;

    /// Deletes an object, by its uid.
    fn delete(
        &mut self,
        kind: Kind,
        name: &str,
        uid: &str,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// What outputs are written for.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The account, as it is.
    pub account: &'a Account,
    /// What is wanted.
    pub wanted: &'a Wanted,
    /// Whose it is.
    pub owner: &'a Owner,
    /// Whether nothing is written, but only said.
    pub dry: bool,
}

/// What it came to.
#[derive(Debug, Default)]
pub struct CameTo {
    /// What was done.
    pub did: Vec<String>,
    /// What would be done, where nothing is written.
    pub planned: Vec<String>,
    /// What stands in the way.
    pub problem: Option<Problem>,
    /// When something is due before the next look.
    pub again: Option<Timestamp>,
}

/// Writes all outputs. An error means that the API server did not do what was asked of it.
pub async fn carry_out<W: World>(
    world: &mut W,
    given: &Given<'_>,
    record: &mut Record,
) -> Result<CameTo, Problem> {
    let mut turn = Turn {
        given,
        record,
        seen: Seen::default(),
        did: Vec::new(),
    };
    for _ in 0..MOST {
        let now = world.now();
        let outcome = match plan::next(&turn.inputs(now), &turn.seen) {
            _ if given.dry && turn.seen.targets.is_some() => return Ok(turn.told(now)),
            Next::Rest => return Ok(turn.end(now)),
            Next::Look(look) => {
                let failed = turn.look(world, look).await;
                failed.map_err(|problem| (what_of(look), problem))
            }
            Next::Do(step) => {
                let failed = turn.act(world, &step, now).await;
                failed.map_err(|problem| (step.what(), problem))
            }
        };
        match outcome {
            Ok(()) => {}
            Err((Some(what), problem)) if !is_of_api_server(&problem) => {
                turn.seen.failed.insert(what, problem);
            }
            Err((_, problem)) => return Err(problem),
        }
    }
    let message = "there was more to do for outputs than one round may; it goes on";
    let problem = Problem::new(Reason::OperationUnderWay, Retry::Backoff, message);
    let came = turn.end(world.now());
    Ok(CameTo {
        problem: came.problem.or(Some(problem)),
        ..came
    })
}

/// Whether the API server must be asked again, with fresh eyes.
fn is_of_api_server(problem: &Problem) -> bool {
    matches!(
        problem.reason,
        Reason::Conflict | Reason::KubernetesUnavailable
    )
}

fn what_of(look: Look) -> Option<What> {
    match look {
        Look::Targets => None,
        Look::Keys => Some(What::Keys),
        Look::Delegation { .. } => Some(What::Delegation),
    }
}

struct Turn<'a, 'g> {
    given: &'a Given<'g>,
    record: &'a mut Record,
    seen: Seen,
    did: Vec<String>,
}

impl Turn<'_, '_> {
    fn inputs(&self, now: Timestamp) -> Inputs<'_> {
        Inputs {
            account: self.given.account,
            wanted: self.given.wanted,
            owner: self.given.owner,
            record: self.record,
            now,
        }
    }

    async fn look<W: World>(&mut self, world: &mut W, look: Look) -> Result<(), Problem> {
        match look {
            Look::Targets => {
                self.seen.targets = Some(world.targets(self.given.wanted).await?);
            }
            Look::Keys => {
                let keys = world.keys().await?;
                self.seen.held = None;
                if let Some(name) = self.keys_secret() {
                    let held = world.held(&name).await?;
                    self.seen.held = held.and_then(|held| keys.which(&held));
                }
                self.seen.keys = Some(keys);
            }
            Look::Delegation { from, until } => {
                self.seen.delegation = Some(world.delegation(from, until).await?);
            }
        }
        Ok(())
    }

    /// The Secret with the account's key, where it is there.
    fn keys_secret(&self) -> Option<ResourceName> {
        let (name, _) = self.given.wanted.keys()?;
        let targets = self.seen.targets.as_ref()?;
        targets.secrets.contains_key(name).then(|| name.clone())
    }

    async fn act<W: World>(
        &mut self,
        world: &mut W,
        step: &Step,
        now: Timestamp,
    ) -> Result<(), Problem> {
        match step {
            Step::WriteConfigMap(name) => self.write_config_map(world, name).await?,
            Step::WriteSecret { name, key } => self.write_secret(world, name, *key, now).await?,
            Step::Delete { kind, name, uid } => {
                world.delete(*kind, name, uid).await?;
                if let Some(targets) = &mut self.seen.targets {
                    targets
                        .labelled
                        .retain(|one| (one.kind, &one.name) != (*kind, name));
                }
            }
            Step::Renew { key, was } => self.renew(world, *key, *was, now).await?,
            Step::Use(key) => {
                if let Some(keys) = &self.seen.keys {
                    self.record.uses(*key, keys, now);
                }
                return Ok(());
            }
            Step::Forget => {
                self.record.keys = None;
                return Ok(());
            }
        }
        let owner = self.given.owner;
        info!(account = %owner.name, namespace = %owner.namespace, %step, "Wrote");
        self.did.push(step.to_string());
        Ok(())
    }

    async fn write_config_map<W: World>(
        &mut self,
        world: &mut W,
        name: &ResourceName,
    ) -> Result<(), Problem> {
        let data = render::config_map(self.given.account);
        let before = self.seen.targets.as_ref();
        let before = before.and_then(|targets| targets.config_map.as_ref());
        let target = world.write_config_map(name, data, before).await?;
        if let Some(targets) = &mut self.seen.targets {
            targets.config_map = Some(target);
        }
        self.seen.written.insert(What::ConfigMap);
        Ok(())
    }

    async fn write_secret<W: World>(
        &mut self,
        world: &mut W,
        name: &ResourceName,
        key: AccountKey,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let Some(sheet) = self.given.wanted.secrets.get(name) else {
            return Ok(());
        };
        let filled = render::secret(&self.inputs(now), &self.seen, (name, sheet), key)?;
        let before = self.seen.targets.as_ref();
        let before = before.and_then(|targets| targets.secrets.get(name));
        let target = world.write_secret(name, filled.data, before).await?;
        if let Some(targets) = &mut self.seen.targets {
            targets.secrets.insert(name.clone(), target);
        }
        self.seen.written.insert(What::Secret(name.clone()));
        if sheet.keys
            && let Some(keys) = &self.seen.keys
        {
            self.seen.held = Some(key);
            // The time after it: from then on the key before is not told any more.
            self.record.wrote(key, keys, world.now());
        }
        self.record.signed(name, filled.made);
        Ok(())
    }

    /// Nothing is known of the outcome until an answer says it: what is noted stays then.
    async fn renew<W: World>(
        &mut self,
        world: &mut W,
        key: AccountKey,
        was: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let mut noted = self.record.clone();
        noted.renews(key, was, now);
        match world.renew(key, &noted).await? {
            Renewed::NotSent(problem) => Err(problem),
            Renewed::Sent(Ok(keys)) => {
                *self.record = noted;
                self.record.is_over(now);
                self.seen.keys = Some(keys);
                self.seen.renewed = Some(key);
                self.seen.written.clear();
                Ok(())
            }
            Renewed::Sent(Err(problem)) => {
                *self.record = noted;
                if spared(&problem) || Outcome::of(&problem) == Outcome::Refused {
                    self.record.forgets_renewal();
                }
                Err(problem)
            }
        }
    }

    fn told(self, now: Timestamp) -> CameTo {
        let planned = plan::told(&self.inputs(now), &self.seen);
        CameTo {
            planned,
            ..self.end(now)
        }
    }

    fn end(self, now: Timestamp) -> CameTo {
        let problem = plan::problem(&self.inputs(now), &self.seen);
        let targets = self.seen.targets.unwrap_or_default();
        self.record.prune(self.given.wanted, |secret| {
            let mut left = targets.labelled.iter();
            left.any(|one| one.kind == Kind::Secret && one.name == secret)
        });
        let inputs = Inputs {
            account: self.given.account,
            wanted: self.given.wanted,
            owner: self.given.owner,
            record: self.record,
            now,
        };
        CameTo {
            did: self.did,
            planned: Vec::new(),
            problem,
            again: plan::again(&inputs),
        }
    }
}
