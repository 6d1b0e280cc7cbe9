//! What a step would come to, if it were done: for plans of steps that are not. Pure.

use super::{Group, Inputs, Role, SecretSeen, Seen, Step};
use crate::azure::arm::Scope;
use crate::azure::arm::providers::Registration;
use crate::azure::arm::roles::{self, Assignment};
use crate::azure_resource::owner::OWNER_TAG;
use crate::key_vault::desired::DEFAULT_RETENTION;
use crate::key_vault::vault::{Deleted, Policies, Vault};

/// Adds to what was seen what a step would change.
pub fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
    match step {
        Step::Register => seen.provider = Some(Registration::Registered),
        Step::CreateGroup => seen.group = Some(Some(Group { deleting: false })),
        Step::Create => seen.vault = Some(Some(created(inputs))),
        Step::Recover => {
            let deleted = seen.deleted.take().flatten();
            seen.vault = Some(Some(recovered(inputs, deleted.as_ref())));
        }
        Step::Purge => seen.deleted = Some(None),
        Step::Update(_) => alter(seen, |vault| {
            update(inputs, vault);
            vault.state = None;
        }),
        Step::AddPolicies(policies) | Step::ReplacePolicies(policies) => {
            alter(seen, |vault| set_policies(policies, vault));
        }
        Step::DropPolicies(who) => {
            alter(seen, |vault| {
                vault.policies.retain(|one, _| !who.contains(one));
            });
        }
        Step::Release => alter(seen, |vault| {
            vault
                .tags
                .retain(|name, _| !name.eq_ignore_ascii_case(OWNER_TAG));
        }),
        Step::Assign(role) => {
            let there = seen.assignments.get_or_insert_default();
            there.extend(assigned(inputs, role));
        }
        Step::Unassign(id) => {
            let there = seen.assignments.get_or_insert_default();
            there.retain(|one| !id_of(one).eq_ignore_ascii_case(id));
        }
        Step::MakeSecret(name) => {
            let made = SecretSeen::Present {
                version: String::new(),
                created: Some(inputs.now),
                ours: true,
            };
            seen.secrets.insert(name.clone(), made);
        }
        Step::Delete => {
            let gone = seen.vault.take().flatten();
            seen.vault = Some(None);
            seen.deleted = Some(gone.map(|vault| Deleted {
                id: vault.id,
                location: vault.location,
                tags: vault.tags,
                purge_protection: vault.purge_protection,
                scheduled_purge: None,
            }));
        }
        Step::Forget => {}
    }
}

/// The vault that a spec makes where there is none.
pub fn created(inputs: &Inputs<'_>) -> Vault {
    let desired = inputs.desired;
    let nothing = crate::key_vault::vault::Tags::new();
    let soft_delete = desired.cloud.soft_delete;
    Vault {
        id: inputs.valid.id.to_string(),
        location: desired.location.clone(),
        tags: desired.tags(&nothing, &inputs.record.set, &inputs.owner.to_string()),
        tenant: desired.tenant.clone(),
        settings: desired.settings(None),
        policies: desired.policies.clone(),
        retention: soft_delete.then(|| desired.retention.unwrap_or(DEFAULT_RETENTION)),
        purge_protection: desired.purge_protection.unwrap_or(false),
        uri: None,
        state: None,
    }
}

/// A vault that came back has its tags; what else it has is seen then.
fn recovered(inputs: &Inputs<'_>, deleted: Option<&Deleted>) -> Vault {
    let made = created(inputs);
    Vault {
        tags: deleted
            .map(|deleted| deleted.tags.clone())
            .unwrap_or_default(),
        purge_protection: deleted.is_some_and(|deleted| deleted.purge_protection),
        ..made
    }
}

fn alter(seen: &mut Seen, change: impl FnOnce(&mut Vault)) {
    if let Some(Some(vault)) = &mut seen.vault {
        change(vault);
    }
}

/// A vault with what is wanted of its settings and tags.
pub fn update(inputs: &Inputs<'_>, vault: &mut Vault) {
    let (desired, set) = (inputs.desired, &inputs.record.set);
    vault.tags = desired.tags(&vault.tags, set, &inputs.owner.to_string());
    vault.settings = desired.settings(Some(&vault.settings));
    vault.purge_protection |= desired.purge_protection.unwrap_or(false);
}

fn set_policies(policies: &Policies, vault: &mut Vault) {
    for (who, permissions) in policies {
        let entry = vault.policies.entry(who.clone()).or_default();
        let storage = std::mem::take(&mut entry.storage);
        *entry = permissions.clone();
        entry.storage = storage;
    }
}

/// The assignment that gives a role; none while the role is not known.
pub fn assigned(inputs: &Inputs<'_>, role: &Role) -> Option<Assignment> {
    let definition = role.definition?;
    let scope = Scope::Resource(inputs.valid.id.clone());
    Some(Assignment {
        name: roles::assignment_name(&scope, &definition.to_string(), &role.principal),
        scope: inputs.valid.id.to_string(),
        role: definition,
        principal: role.principal.as_str().to_ascii_lowercase(),
        principal_type: None,
        created: None,
    })
}

/// The id of an assignment.
pub fn id_of(assignment: &Assignment) -> String {
    let Assignment { scope, name, .. } = assignment;
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}
