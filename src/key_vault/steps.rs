//! Carries single steps of a plan out. What Azure answers is added to what was seen, or what it touches is to be seen anew.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::observe::{Eyes, secret};
use super::plan::{Inputs, SecretSeen, Seen, Step, created, update};
use super::seeds;
use super::vault::{Permissions, Policies, Principal, Vault};
use crate::azure::arm::vaults::{self, PolicyChange};
use crate::azure::arm::{self, Call, Poll, Reply};
use crate::azure::key_vault::write::{Content, Shape, To};
use crate::azure_resource::difference::Difference;
use crate::azure_resource::owner::OWNER_TAG;
use crate::azure_resource::tags::released;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

impl Eyes<'_> {
    /// The call of a step that is noted before it is made.
    pub fn call_of(&self, inputs: &Inputs<'_>, step: &Step, seen: &Seen) -> Option<Call> {
        let (versions, id) = (self.versions, &self.valid.id);
        match step {
            Step::Create => Some(vaults::put(versions, id, &created(inputs))),
            Step::Recover => {
                let mut vault = created(inputs);
                let deleted = seen.deleted.as_ref().and_then(Option::as_ref);
                vault.tags = deleted.map_or_else(BTreeMap::new, |deleted| deleted.tags.clone());
                Some(vaults::recover(versions, id, &vault))
            }
            Step::Purge => Some(vaults::purge(versions, id, &self.valid.location)),
            Step::Delete => Some(vaults::delete(versions, id)),
            Step::Ground(_)
            | Step::Update(_)
            | Step::AddPolicies(_)
            | Step::ReplacePolicies(_)
            | Step::DropPolicies(_)
            | Step::MakeSecret(_)
            | Step::Release
            | Step::Forget => None,
        }
    }

    /// Makes one write that is not noted. Gives back the operation that it began, where Azure goes on with it.
    pub async fn make(
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
                let mut vault = self.vault(seen)?;
                update(inputs, &mut vault);
                let call = vaults::patch(versions, id, &vault, differences);
                seen.updated = true;
                made(&self.call(&call).await?, seen)
            }
            Step::Release => {
                let mut vault = self.vault(seen)?;
                released(&mut vault.tags);
                let tag = Difference::new(format!("tags.{OWNER_TAG}"), "(none)", "");
                let call = vaults::patch(versions, id, &vault, &[tag]);
                made(&self.call(&call).await?, seen)
            }
            Step::AddPolicies(policies) => {
                self.policies(PolicyChange::Add, policies.clone(), seen)
                    .await
            }
            Step::ReplacePolicies(policies) => {
                let policies = beside_storage(policies, &self.vault(seen)?);
                self.policies(PolicyChange::Replace, policies, seen).await
            }
            Step::DropPolicies(who) => {
                let policies = theirs(who, &self.vault(seen)?);
                self.policies(PolicyChange::Remove, policies, seen).await
            }
            Step::MakeSecret(name) => self.make_secret(name, seen).await,
            Step::Forget | Step::Create | Step::Recover | Step::Purge | Step::Delete => Ok(None),
        }
    }

    fn vault(&self, seen: &Seen) -> Result<Vault, Problem> {
        seen.vault.clone().flatten().ok_or_else(|| {
            let message = format!(
                "vault {:?} was not seen before it was to be changed",
                self.valid.azure_name.as_str()
            );
            Problem::new(Reason::Conflict, Retry::Backoff, message)
        })
    }

    /// Others may have changed policies meanwhile: the vault is looked at anew.
    async fn policies(
        &self,
        change: PolicyChange,
        policies: Policies,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        let tenant = self.desired.tenant.as_str();
        let call = vaults::policies(self.versions, &self.valid.id, change, (&policies, tenant));
        self.call(&call).await?;
        seen.vault = None;
        Ok(None)
    }

    async fn make_secret(&self, name: &str, seen: &mut Seen) -> Result<Option<Poll>, Problem> {
        let wanted = self
            .valid
            .seeds
            .iter()
            .find(|seed| seed.name.as_str() == name);
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let uri = self.uri(seen)?;
        let object = secret(name)?;
        let to = To {
            profile: &self.identity.profile,
            vault: &uri,
            object: &object,
        };
        let content = Content::Text(seeds::make(wanted)?);
        let shape = Shape {
            content_type: wanted.content_type.clone(),
            tags: BTreeMap::from([(OWNER_TAG.to_owned(), self.owner.to_string())]),
            expires: None,
        };
        let written = self.ask(
            &uri,
            "SetSecret",
            |token| to.put(&content, &shape, token),
            |answer| to.read_written(answer, Timestamp::now()),
        );
        let made = SecretSeen::Present {
            version: written.await?.to_string(),
            created: Some(Timestamp::now()),
            ours: true,
        };
        seen.secrets.insert(name.to_owned(), made);
        Ok(None)
    }
}

/// What the call of a noted step has told.
pub(super) fn answered(
    step: &Step,
    reply: Result<Reply, Problem>,
    seen: &mut Seen,
) -> Result<Option<Poll>, Problem> {
    if *step == Step::Purge {
        let reply = arm::absent(reply, vaults::NOT_DELETED)?;
        seen.deleted = None;
        return Ok(reply.and_then(|reply| reply.operation));
    }
    if *step == Step::Delete {
        let reply = arm::absent(reply, vaults::ABSENT)?;
        (seen.vault, seen.deleted) = (None, None);
        return Ok(reply.and_then(|reply| reply.operation));
    }
    // A vault that is brought back is not a deleted one any more, or nobody knows.
    if *step == Step::Recover {
        seen.deleted = None;
    }
    made(&reply?, seen)
}

/// A vault in an answer counts as seen; where there is none yet, it is looked at anew.
fn made(reply: &Reply, seen: &mut Seen) -> Result<Option<Poll>, Problem> {
    let told = !reply.body.is_null();
    seen.vault = told.then(|| vaults::read(reply).map(Some)).transpose()?;
    // The vault's own state tells how far it is, at every look.
    let poll = reply.operation.clone();
    Ok(poll.filter(|poll| poll.form != arm::Form::Resource))
}

/// Policies with the permissions for storage accounts that their principals have, which no spec says.
fn beside_storage(policies: &Policies, vault: &Vault) -> Policies {
    let each = policies.iter().map(|(who, permissions)| {
        let has = vault.policies.get(who);
        let storage = has.map(|has| has.storage.clone()).unwrap_or_default();
        let permissions = Permissions {
            storage,
            ..permissions.clone()
        };
        (who.clone(), permissions)
    });
    each.collect()
}

/// The policies that principals have.
fn theirs(who: &[Principal], vault: &Vault) -> Policies {
    let has = |who: &Principal| Some((who.clone(), vault.policies.get(who)?.clone()));
    who.iter().filter_map(has).collect()
}
