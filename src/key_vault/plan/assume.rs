//! What a step would come to, if it were done: for plans of steps that are not. Pure.

use super::{Inputs, SecretSeen, Seen, Step};
use crate::azure_resource::ground;
use crate::azure_resource::tags::{merged, released};
use crate::key_vault::desired::DEFAULT_RETENTION;
use crate::key_vault::vault::{Deleted, Policies, Tags, Vault};

/// Adds to what was seen what a step would change.
pub fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
    match step {
        Step::Ground(step) => ground::assume(&inputs.valid.id, step, &mut seen.ground),
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
            released(&mut vault.tags);
        }),
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
    let soft_delete = desired.cloud.soft_delete;
    Vault {
        id: inputs.valid.id.to_string(),
        location: desired.location.clone(),
        tags: tags(inputs, &Tags::new()),
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
    let desired = inputs.desired;
    vault.tags = tags(inputs, &vault.tags);
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

fn tags(inputs: &Inputs<'_>, now: &Tags) -> Tags {
    let (wanted, set) = (&inputs.desired.tags, &inputs.record.set.tags);
    merged(wanted, now, set, &inputs.owner.to_string())
}
