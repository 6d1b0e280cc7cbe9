//! The plan for a resource of Azure: a round that writes nothing.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::applied::UNBORN;
use super::desk::is_leaving;
use super::planned::Planned;
use crate::azure::arm::budget::Work;
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::{DriftPolicy, Mode};
use crate::azure_resource::engine::reconcile::identity;
use crate::azure_resource::engine::{Came, Ctx, Kind, Round};
use crate::azure_resource::planner::{Keeps, LETS_GO};
use crate::azure_resource::status::SYNCED;
use crate::azure_resource::valid::Common;
use crate::k8s::conditions::find;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// What would be done for an object.
pub(super) async fn plan<K: Kind>(ctx: &Ctx<K>, object: &K) -> Planned {
    let meta = object.meta();
    let [namespace, name] =
        [&meta.namespace, &meta.name].map(|text| text.as_deref().unwrap_or_default());
    let mut planned = Planned::new(format!("{} {namespace}/{name}", K::kind(&())));
    let valid = match object.parse() {
        Ok(valid) => valid,
        Err(problem) => {
            planned.meets(None, &problem);
            return planned;
        }
    };
    planned.target = Some(valid.id.to_string());
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    planned.identity = Some(key.to_string());
    let record = K::kept(&object.status().cloned().unwrap_or_default());
    let leaving = is_leaving(object);
    planned.notes = notes(&valid, record.applied(), leaving);
    if leaving && valid.detach {
        planned.steps.push(LETS_GO.to_owned());
        return planned;
    }
    let look = Look {
        ctx,
        object,
        valid: &valid,
        record,
        work: Mutex::default(),
    };
    match look.take().await {
        Ok(came) => tell(&mut planned, &came, leaving),
        Err(problem) => planned.meets(None, &problem),
    }
    planned
}

struct Look<'a, K: Kind> {
    ctx: &'a Ctx<K>,
    object: &'a K,
    valid: &'a K::Valid,
    record: K::Record,
    work: Mutex<Work>,
}

impl<K: Kind> Look<'_, K> {
    async fn take(&self) -> Result<Came<K>, Problem> {
        let identity = match identity(self.ctx, self.valid).await {
            Ok(identity) => identity,
            Err(problem) => return Ok(self.round(&[], false).without_identity(problem)),
        };
        let named_by = K::named_by(self.ctx, self.valid);
        let came = self.run(&identity, &named_by, false).await?;
        // That a provider is not registered is told by a refused write alone. Where one would be made, it is looked at ahead.
        if came.creates && came.problem.is_none() {
            return self.run(&identity, &named_by, true).await;
        }
        Ok(came)
    }

    async fn run(
        &self,
        identity: &Usable,
        named_by: &[String],
        unregistered: bool,
    ) -> Result<Came<K>, Problem> {
        self.round(named_by, unregistered).run(identity).await
    }

    fn round<'a>(&'a self, named_by: &'a [String], unregistered: bool) -> Round<'a, K> {
        Round {
            ctx: self.ctx,
            valid: self.valid,
            leaving: is_leaving(self.object).then_some(named_by),
            deep: true,
            early: false,
            record: self.record.clone(),
            dry: true,
            object: Arc::new(self.object.clone()),
            unregistered,
            work: &self.work,
        }
    }
}

fn notes(valid: &Common, applied: Option<i64>, leaving: bool) -> Vec<String> {
    let observes = valid.mode == Mode::Observe;
    let reports = valid.drift_policy == DriftPolicy::Report && applied == Some(valid.generation);
    let all = [
        (valid.uid == UNBORN, "the object is new"),
        (leaving, "the object is being deleted"),
        (
            observes && !leaving,
            "mode is Observe: of what follows, nothing is written",
        ),
        (
            reports && !observes && !leaving,
            "driftPolicy is Report: of what follows, nothing is written until the spec changes",
        ),
    ];
    let said = all.iter().filter(|(so, _)| *so);
    said.map(|(_, note)| (*note).to_owned()).collect()
}

/// What a round came to.
fn tell<K: Kind>(planned: &mut Planned, came: &Came<K>, leaving: bool) {
    let report = came.report(leaving, None);
    // What an earlier round has found is not what this one has.
    let status = K::report(&K::Status::default(), None, &report, Timestamp::now());
    let said = K::resource(&status);
    planned.steps.clone_from(&came.planned);
    if leaving && came.problem.is_none() {
        planned.steps.push(LETS_GO.to_owned());
    }
    planned.differs(&said.drift);
    if let Some(inputs) = report.inputs.filter(|_| came.creates) {
        planned.creates(K::described(&inputs));
    }
    if let Some(problem) = &came.problem {
        planned.meets(None, problem);
        return;
    }
    let stuck = find(&said.conditions, SYNCED);
    if let Some(stuck) = stuck.filter(|one| one.reason == Reason::CannotChange.as_str()) {
        let problem = Problem::new(
            Reason::CannotChange,
            Retry::OnChange,
            stuck.message.as_str(),
        );
        planned.meets(None, &problem);
    }
}
