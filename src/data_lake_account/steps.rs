//! Carries single steps of a plan out. What Azure answers is added to what was seen, or what it touches is to be seen anew.

use super::account::{Lifecycle, SoftDelete, StorageAccount};
use super::observe::Eyes;
use super::plan::{Inputs, Seen, Step, created, update};
use crate::azure::arm::{self, Call, Poll, Reply, storage, storage_services};
use crate::azure_resource::difference::Difference;
use crate::azure_resource::owner::OWNER_TAG;
use crate::azure_resource::tags::released;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

impl Eyes<'_> {
    /// The call of a step that is noted before it is made.
    pub(super) fn call_of(&self, inputs: &Inputs<'_>, step: &Step, seen: &Seen) -> Option<Call> {
        let (versions, id) = (self.versions, &self.valid.id);
        match step {
            Step::Create => {
                let account = created(inputs, seen.vault_uri());
                Some(storage::put(versions, id, &account))
            }
            Step::Delete => Some(storage::delete(versions, id)),
            Step::Ground(_)
            | Step::Update(_)
            | Step::SetBlobService(_)
            | Step::SetPolicy
            | Step::RemovePolicy
            | Step::Release
            | Step::Forget => None,
        }
    }

    /// Makes one write that is not noted. Gives back the operation that it began, where Azure goes on with it.
    pub(super) async fn make(
        &self,
        inputs: &Inputs<'_>,
        step: &Step,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        let (versions, id) = (self.versions, &self.valid.id);
        match step {
            Step::Ground(step) => {
                self.write_beneath(step, &mut seen.ground).await?;
                Ok(None)
            }
            Step::Update(differences) => {
                let mut account = self.account(seen)?;
                update(inputs, &mut account, seen.vault_uri());
                let call = storage::patch(versions, id, &account, &written(differences));
                seen.updated = true;
                made(&self.call(&call).await?, seen)
            }
            Step::Release => {
                let mut account = self.account(seen)?;
                released(&mut account.tags);
                let tag = Difference::new(format!("tags.{OWNER_TAG}"), "(none)", "");
                let call = storage::patch(versions, id, &account, &[tag]);
                made(&self.call(&call).await?, seen)
            }
            Step::SetBlobService(wanted) => self.set_blob_service(*wanted, seen).await,
            Step::SetPolicy => {
                let rules = inputs.desired.lifecycle.clone().unwrap_or_default();
                let call = storage_services::put_lifecycle(versions, id, &rules);
                self.call(&call).await?;
                seen.lifecycle = Some(rules);
                Ok(None)
            }
            Step::RemovePolicy => {
                let call = storage_services::delete_lifecycle(versions, id);
                arm::absent(self.call(&call).await, storage_services::NO_POLICY)?;
                seen.lifecycle = Some(Lifecycle::new());
                Ok(None)
            }
            Step::Forget | Step::Create | Step::Delete => Ok(None),
        }
    }

    fn account(&self, seen: &Seen) -> Result<StorageAccount, Problem> {
        let account = seen.account.clone().flatten();
        account.ok_or_else(|| self.unseen("storage account"))
    }

    async fn set_blob_service(
        &self,
        wanted: SoftDelete,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        let now = seen.blob_service.as_ref();
        let now = now.ok_or_else(|| self.unseen("blob service of storage account"))?;
        let call = storage_services::put(self.versions, &self.valid.id, now, wanted);
        let service = storage_services::read(&self.call(&call).await?)?;
        seen.soft_delete = Some(service.soft_delete);
        seen.blob_service = Some(service);
        Ok(None)
    }

    fn unseen(&self, what: &str) -> Problem {
        let message = format!(
            "{what} {:?} was not seen before it was to be changed",
            self.valid.azure_name.as_str()
        );
        Problem::new(Reason::Conflict, Retry::Backoff, message)
    }
}

/// What is said in a write. One that is about the account's state alone, because Azure has given up, says its tags once more.
fn written(differences: &[Difference]) -> Vec<Difference> {
    let mut all = differences.to_vec();
    if all.iter().any(|one| one.path == "provisioningState") {
        all.push(Difference::new("tags", "", ""));
    }
    all
}

/// What the call of a noted step has told.
pub(super) fn answered(
    step: &Step,
    reply: Result<Reply, Problem>,
    seen: &mut Seen,
) -> Result<Option<Poll>, Problem> {
    if *step == Step::Delete {
        let reply = arm::absent(reply, storage::ABSENT)?;
        seen.account = None;
        return Ok(reply.and_then(|reply| reply.operation));
    }
    made(&reply?, seen)
}

/// An account in an answer counts as seen; where there is none yet, it is looked at anew.
fn made(reply: &Reply, seen: &mut Seen) -> Result<Option<Poll>, Problem> {
    let told = !reply.body.is_null();
    seen.account = told.then(|| storage::read(reply).map(Some)).transpose()?;
    // The account's own state tells how far it is, at every look.
    let poll = reply.operation.clone();
    Ok(poll.filter(|poll| poll.form != arm::Form::Resource))
}
