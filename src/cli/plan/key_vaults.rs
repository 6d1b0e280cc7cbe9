//! The plan for a KeyVault: a round that writes nothing.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kube::ResourceExt;

use super::applied::UNBORN;
use super::desk::{Desk, is_leaving};
use super::planned::Planned;
use crate::azure::arm::budget::Work;
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::{DriftPolicy, Mode};
use crate::k8s::conditions::find;
use crate::key_vault::api::{KeyVault, KeyVaultStatus};
use crate::key_vault::plan::{Record, Step, created};
use crate::key_vault::reconcile::identity;
use crate::key_vault::recorded::kept;
use crate::key_vault::round::{Came, Round};
use crate::key_vault::status::{SYNCED, status};
use crate::key_vault::valid::{Valid, parse};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// What would be done for a KeyVault.
pub(super) async fn plan(desk: &Desk, object: &KeyVault) -> Planned {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let mut planned = Planned::new(format!("KeyVault {namespace}/{name}"));
    let valid = match parse(object) {
        Ok(valid) => valid,
        Err(problem) => {
            planned.meets(None, &problem);
            return planned;
        }
    };
    planned.target = Some(valid.id.to_string());
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    planned.identity = Some(key.to_string());
    let record = kept(&object.status.clone().unwrap_or_default());
    let leaving = is_leaving(object);
    planned.notes = notes(&valid, &record, leaving);
    if leaving && valid.detach {
        planned.steps.push(Step::Forget.to_string());
        return planned;
    }
    let look = Look {
        desk,
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

struct Look<'a> {
    desk: &'a Desk,
    object: &'a KeyVault,
    valid: &'a Valid,
    record: Record,
    work: Mutex<Work>,
}

impl Look<'_> {
    async fn take(&self) -> Result<Came, Problem> {
        let identity = match identity(&self.desk.ctx, self.valid).await {
            Ok(identity) => identity,
            Err(problem) => return Ok(self.round(&[], false).without_identity(problem)),
        };
        let links = &self.desk.ctx.links;
        let syncs = links.syncs_naming(&self.valid.namespace, &self.valid.name);
        let came = self.run(&identity, &syncs, false).await?;
        // That a provider is not registered is told by a refused write alone. Where one would be made, it is looked at ahead.
        let creates = came.planned.contains(&Step::Create.to_string());
        if creates && came.problem.is_none() {
            return self.run(&identity, &syncs, true).await;
        }
        Ok(came)
    }

    async fn run(
        &self,
        identity: &Usable,
        syncs: &[String],
        unregistered: bool,
    ) -> Result<Came, Problem> {
        self.round(syncs, unregistered).run(identity).await
    }

    fn round<'a>(&'a self, syncs: &'a [String], unregistered: bool) -> Round<'a> {
        Round {
            ctx: &self.desk.ctx,
            valid: self.valid,
            leaving: is_leaving(self.object).then_some(syncs),
            deep: true,
            record: self.record.clone(),
            dry: true,
            object: Arc::new(self.object.clone()),
            unregistered,
            work: &self.work,
        }
    }
}

fn notes(valid: &Valid, record: &Record, leaving: bool) -> Vec<String> {
    let observes = valid.mode == Mode::Observe;
    let reports =
        valid.drift_policy == DriftPolicy::Report && record.applied == Some(valid.generation);
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
fn tell(planned: &mut Planned, came: &Came, leaving: bool) {
    let look = came.look(leaving, None);
    let now = Timestamp::now();
    // What an earlier round has found is not what this one has.
    let said = status(&KeyVaultStatus::default(), None, &look, now).resource;
    planned.steps.clone_from(&came.planned);
    if leaving && came.problem.is_none() {
        planned.steps.push(Step::Forget.to_string());
    }
    planned.differs(&said.drift);
    let creates = came.planned.contains(&Step::Create.to_string());
    if let Some(inputs) = look.inputs.filter(|_| creates) {
        planned.creates(&created(&inputs));
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
