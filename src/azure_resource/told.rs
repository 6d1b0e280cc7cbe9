//! What is said of every kind where nothing can be done for now. Pure.

use std::time::Duration;

use super::DETACH;
use super::note::GOING_ON;
use super::owner::{OWNER_TAG, owner_tag};
use super::planner::{Inputs, Planner};
use super::values::Tags;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// How often it is seen whether a role is known by now.
pub const PROPAGATING: Duration = Duration::from_secs(30);

/// A problem that lasts until something changes.
pub fn for_ever(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

/// A problem that is looked at again after a pause.
pub fn after(reason: Reason, pause: Duration, message: String) -> Problem {
    Problem::new(reason, Retry::After(pause), message)
}

/// The resource as messages name it: `vault "kv-payments"`.
pub fn named<P: Planner>(inputs: &Inputs<'_, P>) -> String {
    format!("{} {:?}", P::noun(inputs.valid), inputs.valid.id.name())
}

/// A spec that points elsewhere than the resource that it stands for is not followed.
pub fn same_id<P: Planner>(inputs: &Inputs<'_, P>, known: Option<&str>) -> Result<(), Problem> {
    let wanted = inputs.valid.id.to_string();
    match known {
        Some(known) if !known.eq_ignore_ascii_case(&wanted) => Err(for_ever(
            Reason::ResourceIdChanged,
            format!(
                "this object stands for {known}, but subscriptionId, resourceGroup.name and azureName now say {wanted}: it is not followed. Set them back; for another {} create another {}. To let this one go without a word to Azure: kubectl annotate, {DETACH}=true, and delete it",
                P::noun(inputs.valid),
                P::kind(&())
            ),
        )),
        _ => Ok(()),
    }
}

/// Azure works on it.
pub fn provisioning<P: Planner>(inputs: &Inputs<'_, P>, state: &str) -> Problem {
    let message = format!("{} is in state {state}", named(inputs));
    after(Reason::Provisioning, GOING_ON, message)
}

/// Azure has given up, twice.
pub fn given_up<P: Planner>(inputs: &Inputs<'_, P>, state: &str) -> Problem {
    let message = format!(
        "{} is in state {state}: Azure has not finished what it was asked for, and writing it once more did not help. It is tried again; see az monitor activity-log list --resource-id {}",
        named(inputs),
        inputs.valid.id
    );
    Problem::new(Reason::OperationFailed, Retry::Backoff, message)
}

/// It is in another region than the spec says.
pub fn other_location<P: Planner>(inputs: &Inputs<'_, P>, location: &str) -> Problem {
    let message = format!(
        "{} is in {location}, but spec.location is {}: a resource does not move. Create this object anew with location: {location}",
        named(inputs),
        inputs.valid.location
    );
    for_ever(Reason::LocationMismatch, message)
}

/// It is somebody else's.
pub fn foreign<P: Planner>(inputs: &Inputs<'_, P>, tags: &Tags) -> Problem {
    let owner = owner_tag(tags).map_or("", String::as_str);
    let message = format!(
        "{} belongs to {owner} (cluster/namespace/name/uid, its tag {OWNER_TAG}) and is left alone. Let go of it there, or remove the tag and set adopt: Always here",
        named(inputs)
    );
    for_ever(Reason::ResourceNotOurs, message)
}

/// It was there before, and the spec does not take it over.
pub fn not_adopted<P: Planner>(inputs: &Inputs<'_, P>) -> Problem {
    let message = format!(
        "{} exists and was not made by this object: with adopt: {:?} it is left alone. To take it over set adopt: Always; to see what that would change, set mode: Observe as well and read status.plan",
        named(inputs),
        inputs.valid.adopt
    );
    for_ever(Reason::ResourceNotOurs, message)
}

/// Somebody has the name.
pub fn name_taken<P: Planner>(inputs: &Inputs<'_, P>, mend: &str, said: &str) -> Problem {
    let message = format!(
        "the name {:?} cannot be had: names of {}s are unique in the whole cloud. {mend} Azure says: {said}",
        inputs.valid.id.name(),
        P::noun(inputs.valid)
    );
    for_ever(Reason::NameTaken, message)
}

/// There is no group to make it in.
pub fn no_group<P: Planner>(inputs: &Inputs<'_, P>) -> Problem {
    let valid = inputs.valid;
    let message = format!(
        "there is no resource group {:?} in subscription {}: create it (az group create --name {} --location {}), or set resourceGroup.create: true",
        valid.group.as_str(),
        valid.subscription,
        valid.group.as_str(),
        valid.location
    );
    Problem::new(Reason::ResourceGroupNotFound, Retry::Backoff, message)
}

/// Its group goes.
pub fn group_goes<P: Planner>(inputs: &Inputs<'_, P>) -> Problem {
    let message = format!(
        "resource group {:?} is being deleted; nothing is created in it",
        inputs.valid.group.as_str()
    );
    Problem::new(Reason::ResourceGroupNotFound, Retry::Backoff, message)
}

/// The provider is not registered yet.
pub fn registering<P: Planner>(inputs: &Inputs<'_, P>) -> Problem {
    let message = format!(
        "the resource provider {} is being registered in subscription {}, which takes a minute or two",
        P::provider(inputs.valid),
        inputs.valid.subscription
    );
    after(
        Reason::ProviderNotRegistered,
        Duration::from_secs(10),
        message,
    )
}

/// There is no such role.
pub fn no_role(role: &str) -> Problem {
    let message = format!(
        "spec.roleAssignments: there is no role {role:?}. To see all: az role definition list --query [].roleName"
    );
    for_ever(Reason::RoleNotFound, message)
}
