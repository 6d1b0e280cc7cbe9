//! What a step would come to, if it were done: for plans of steps that are not. Pure.

use super::{Inputs, Seen, Step};
use crate::azure_resource::ground;
use crate::azure_resource::tags::{merged, released};
use crate::azure_resource::values::Tags;
use crate::data_lake_account::account::Lifecycle;
use crate::data_lake_account::generation::Account;
use crate::data_lake_account::store::rules;

/// Adds to what was seen what a step would change.
pub fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
    match step {
        Step::Ground(step) => ground::assume(&inputs.valid.id, step, &mut seen.ground),
        Step::Create => {
            let made = created(inputs, seen.vault_told());
            seen.account = Some(Some(made));
        }
        Step::Update(_) => {
            let vault = seen.vault_told().map(str::to_owned);
            alter(seen, |account| {
                update(inputs, account, vault.as_deref());
                account.settle();
            });
        }
        Step::SetBlobService(days) => seen.soft_delete = Some(*days),
        Step::SetRule(rule) => alter(seen, |account| {
            if let Account::Gen1(account) = account {
                rules::apply(rule, &mut account.firewall);
            }
        }),
        Step::EnableKey => alter(seen, |account| {
            if let Account::Gen1(account) = account {
                account.key_in_use = true;
            }
        }),
        Step::SetPolicy => {
            let wanted = inputs.desired.services();
            seen.lifecycle = wanted.and_then(|desired| desired.lifecycle.clone());
        }
        Step::RemovePolicy => seen.lifecycle = Some(Lifecycle::new()),
        Step::Release => alter(seen, |account| released(account.tags_mut())),
        Step::Delete => seen.account = Some(None),
        Step::Forget => {}
    }
}

/// The account that a spec makes where there is none.
pub fn created(inputs: &Inputs<'_>, vault: Option<&str>) -> Account {
    let tags = tags(inputs, &Tags::new());
    let id = inputs.valid.id.to_string();
    inputs.desired.created(id, tags, vault)
}

fn alter(seen: &mut Seen, change: impl FnOnce(&mut Account)) {
    if let Some(Some(account)) = &mut seen.account {
        change(account);
    }
}

/// An account with what is wanted of its settings and tags. What cannot be changed stays.
pub fn update(inputs: &Inputs<'_>, account: &mut Account, vault: Option<&str>) {
    let tags = tags(inputs, account.tags());
    inputs.desired.update(account, tags, vault);
}

fn tags(inputs: &Inputs<'_>, now: &Tags) -> Tags {
    let (wanted, set) = (inputs.desired.tags(), &inputs.record.tags);
    merged(wanted, now, set, &inputs.owner.to_string())
}
