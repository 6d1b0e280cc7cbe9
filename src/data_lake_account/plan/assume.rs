//! What a step would come to, if it were done: for plans of steps that are not. Pure.

use std::collections::BTreeMap;

use super::{Inputs, Seen, Step};
use crate::azure_resource::ground;
use crate::azure_resource::tags::{merged, released};
use crate::azure_resource::values::Tags;
use crate::data_lake_account::account::{
    Identities, Lifecycle, StorageAccount, is_migration, kind_of,
};

/// Adds to what was seen what a step would change.
pub fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
    match step {
        Step::Ground(step) => ground::assume(&inputs.valid.id, step, &mut seen.ground),
        Step::Create => {
            let made = created(inputs, seen.vault_uri());
            seen.account = Some(Some(made));
        }
        Step::Update(_) => {
            let vault = seen.vault_uri().map(str::to_owned);
            alter(seen, |account| {
                update(inputs, account, vault.as_deref());
                account.state = None;
            });
        }
        Step::SetBlobService(days) => seen.soft_delete = Some(*days),
        Step::SetPolicy => seen.lifecycle.clone_from(&inputs.desired.lifecycle),
        Step::RemovePolicy => seen.lifecycle = Some(Lifecycle::new()),
        Step::Release => alter(seen, |account| released(&mut account.tags)),
        Step::Delete => seen.account = Some(None),
        Step::Forget => {}
    }
}

/// The account that a spec makes where there is none.
pub fn created(inputs: &Inputs<'_>, vault: Option<&str>) -> StorageAccount {
    let desired = inputs.desired;
    let settings = desired.settings(None, vault);
    StorageAccount {
        id: inputs.valid.id.to_string(),
        location: desired.location.clone(),
        tags: tags(inputs, &Tags::new()),
        kind: kind_of(&settings.sku),
        hierarchical: true,
        nfs_v3: desired.nfs_v3.unwrap_or(false),
        settings,
        identities: Identities::default(),
        endpoints: BTreeMap::new(),
        keys_made: BTreeMap::new(),
        state: None,
        migrating: false,
    }
}

fn alter(seen: &mut Seen, change: impl FnOnce(&mut StorageAccount)) {
    if let Some(Some(account)) = &mut seen.account {
        change(account);
    }
}

/// An account with what is wanted of its settings and tags. What cannot be changed stays.
pub fn update(inputs: &Inputs<'_>, account: &mut StorageAccount, vault: Option<&str>) {
    account.tags = tags(inputs, &account.tags);
    let sku = account.settings.sku.clone();
    account.settings = inputs.desired.settings(Some(&account.settings), vault);
    let stays = account.migrating || is_migration(&sku, &account.settings.sku);
    if stays {
        account.settings.sku = sku;
    }
}

fn tags(inputs: &Inputs<'_>, now: &Tags) -> Tags {
    let (wanted, set) = (&inputs.desired.tags, &inputs.record.tags);
    merged(wanted, now, set, &inputs.owner.to_string())
}
