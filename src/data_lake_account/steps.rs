//! Carries single steps of a plan out. What Azure answers is added to what was seen, or what it touches is to be seen anew.

use super::account::{Lifecycle, SoftDelete};
use super::calls;
use super::generation::{Account, words};
use super::observe::Eyes;
use super::plan::{Inputs, Seen, Step, assume, created, update};
use super::store::StoreEncryption;
use super::valid::Valid;
use crate::azure::arm::{self, Call, Poll, Reply, data_lake_store, storage_services};
use crate::azure_resource::difference::Difference;
use crate::azure_resource::owner::OWNER_TAG;
use crate::azure_resource::tags::released;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

impl Eyes<'_> {
    /// The call of a step that is noted before it is made.
    pub(super) fn call_of(&self, inputs: &Inputs<'_>, step: &Step, seen: &Seen) -> Option<Call> {
        let (versions, valid) = (self.versions, self.valid);
        match step {
            Step::Create => {
                let account = created(inputs, seen.vault_told());
                Some(calls::put(versions, valid, &account))
            }
            Step::Delete => Some(calls::delete(versions, valid)),
            Step::Ground(_)
            | Step::Update(_)
            | Step::SetRule(_)
            | Step::EnableKey
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
        let (versions, valid) = (self.versions, self.valid);
        let id = &valid.id;
        match step {
            Step::Ground(step) => {
                self.write_beneath(step, &mut seen.ground).await?;
                Ok(None)
            }
            Step::Update(differences) => {
                let mut account = self.account(seen)?;
                update(inputs, &mut account, seen.vault_told());
                let call = calls::patch(versions, valid, &account, &written(differences));
                seen.updated = true;
                made(valid, &self.call(&call).await?, seen)
            }
            Step::Release => {
                let mut account = self.account(seen)?;
                released(account.tags_mut());
                let tag = Difference::new(format!("tags.{OWNER_TAG}"), "(none)", "");
                let call = calls::patch(versions, valid, &account, &[tag]);
                made(valid, &self.call(&call).await?, seen)
            }
            Step::SetRule(rule) => {
                self.call(&calls::set_rule(versions, id, rule)?).await?;
                assume(inputs, step, seen);
                Ok(None)
            }
            Step::EnableKey => {
                let account = self.account(seen)?;
                let call = data_lake_store::enable_key_vault(versions, id);
                let reply = self.call(&call).await;
                reply.map_err(|problem| let_in(&account, problem))?;
                assume(inputs, step, seen);
                Ok(None)
            }
            Step::SetBlobService(wanted) => self.set_blob_service(*wanted, seen).await,
            Step::SetPolicy => {
                let wanted = inputs.desired.services();
                let rules = wanted.and_then(|desired| desired.lifecycle.clone());
                let rules = rules.unwrap_or_default();
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

    fn account(&self, seen: &Seen) -> Result<Account, Problem> {
        let account = seen.account.clone().flatten();
        account.ok_or_else(|| self.unseen(words(self.valid.service).noun))
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

/// A key that could not be taken into use is mostly one that the account may not unwrap.
fn let_in(account: &Account, problem: Problem) -> Problem {
    let Account::Gen1(store) = account else {
        return problem;
    };
    let StoreEncryption::Customer(key) = &store.encryption else {
        return problem;
    };
    let vault = key.vault.rsplit('/').next().unwrap_or_default();
    let who = store.principal.as_deref().unwrap_or("<its principalId>");
    let message = format!(
        "{}. The account's own identity must be let into the vault before: az keyvault set-policy --name {vault} --object-id {who} --key-permissions get encrypt decrypt",
        problem.message
    );
    Problem { message, ..problem }
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
    valid: &Valid,
    step: &Step,
    reply: Result<Reply, Problem>,
    seen: &mut Seen,
) -> Result<Option<Poll>, Problem> {
    if *step == Step::Delete {
        let reply = arm::absent(reply, calls::ABSENT)?;
        seen.account = None;
        return Ok(reply.and_then(|reply| reply.operation));
    }
    made(valid, &reply?, seen)
}

/// An account in an answer counts as seen; where there is none yet, it is looked at anew.
fn made(valid: &Valid, reply: &Reply, seen: &mut Seen) -> Result<Option<Poll>, Problem> {
    let told = !reply.body.is_null();
    let read = || calls::read(valid, reply).map(Some);
    seen.account = told.then(read).transpose()?;
    // The account's own state tells how far it is, at every look.
    let poll = reply.operation.clone();
    Ok(poll.filter(|poll| poll.form != arm::Form::Resource))
}
