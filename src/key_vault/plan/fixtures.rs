//! What the tests of vaults share: an object as its user writes it, and what was seen of Azure.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::azure::arm::roles::Assignment;
pub(in crate::key_vault) use crate::azure_resource::fixtures::{at, trouble};
use crate::azure_resource::ground::{Ground, Group, assigned};
use crate::azure_resource::note::begun;
use crate::azure_resource::owner::OWNER_TAG;
use crate::azure_resource::owner::Owner;
use crate::key_vault::api::{KeyVault, KeyVaultSpec};
use crate::key_vault::desired::{Capabilities, Desired};
use crate::key_vault::valid::{Valid, desired, parse};
use crate::key_vault::vault::{Deleted, Policies, Principal, Tags, Vault};

pub(in crate::key_vault) const SUBSCRIPTION: &str = "44444444-4444-4444-4444-444444444444";
pub(in crate::key_vault) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(in crate::key_vault) const ALICE: &str = "33333333-3333-3333-3333-33333333333a";
pub(in crate::key_vault) const BOB: &str = "33333333-3333-3333-3333-33333333333b";
pub(in crate::key_vault) const NONE: Capabilities = Capabilities {
    rbac: false,
    soft_delete: false,
    network: false,
    premium: false,
};

/// An object; `spec` is added to what each must have, and what is null there goes.
#[expect(
    clippy::needless_pass_by_value,
    reason = "specs are written where they are used"
)]
pub(in crate::key_vault) fn object(spec: Value) -> KeyVault {
    let mut whole = json!({
        "subscriptionId": SUBSCRIPTION,
        "resourceGroup": { "name": "rg" },
        "location": "westeurope",
    });
    for (name, value) in spec.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let said = whole.as_object_mut().unwrap();
    said.retain(|_, value| !value.is_null());
    let spec: KeyVaultSpec = serde_json::from_value(whole).unwrap();
    let mut object = KeyVault::new("kv-a", spec);
    object.metadata.namespace = Some("team".to_owned());
    object.metadata.uid = Some("uid-1".to_owned());
    object.metadata.generation = Some(1);
    object
}

/// Everything that a decision follows from, owned.
#[derive(Debug, Clone)]
pub(in crate::key_vault) struct Case {
    pub(in crate::key_vault) valid: Valid,
    pub(in crate::key_vault) desired: Desired,
    pub(in crate::key_vault) owner: Owner,
    pub(in crate::key_vault) record: Record,
    pub(in crate::key_vault) syncs: Vec<String>,
    pub(in crate::key_vault) leaving: bool,
    pub(in crate::key_vault) deep: bool,
    pub(in crate::key_vault) now: Timestamp,
}

impl Case {
    pub(in crate::key_vault) fn new(spec: Value) -> Self {
        Self::of(&object(spec), Capabilities::ALL)
    }

    pub(in crate::key_vault) fn of(object: &KeyVault, cloud: Capabilities) -> Self {
        let valid = parse(object).unwrap();
        let desired = desired(&object.spec, &valid, Some(TENANT), cloud).unwrap();
        let owner = Owner {
            cluster: Some("cluster".to_owned()),
            namespace: valid.namespace.clone(),
            name: valid.name.clone(),
            uid: valid.uid.clone(),
        };
        Self {
            valid,
            desired,
            owner,
            record: Record::default(),
            syncs: Vec::new(),
            leaving: false,
            deep: false,
            now: at(0),
        }
    }

    /// Its object is being deleted.
    pub(in crate::key_vault) fn leaving(spec: Value) -> Self {
        Self {
            leaving: true,
            ..Self::new(spec)
        }
    }

    /// It looks at roles, data plane and secrets, too.
    pub(in crate::key_vault) fn deep(spec: Value) -> Self {
        Self {
            deep: true,
            ..Self::new(spec)
        }
    }

    pub(in crate::key_vault) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            valid: &self.valid,
            desired: &self.desired,
            owner: &self.owner,
            record: &self.record,
            leaving: self.leaving.then_some(Leaving { syncs: &self.syncs }),
            deep: self.deep,
            now: self.now,
        }
    }

    pub(in crate::key_vault) fn next(&self, seen: &Seen) -> Next {
        next(&self.inputs(), seen)
    }

    /// The vault as the spec makes it.
    pub(in crate::key_vault) fn vault(&self) -> Vault {
        Vault {
            state: Some("Succeeded".to_owned()),
            uri: Some("https://kv-a.vault.azure.net/".to_owned()),
            ..created(&self.inputs())
        }
    }

    /// That vault, deleted.
    pub(in crate::key_vault) fn deleted(&self) -> Deleted {
        let vault = self.vault();
        Deleted {
            id: vault.id,
            location: vault.location,
            tags: vault.tags,
            purge_protection: vault.purge_protection,
            scheduled_purge: Some(at(86_400)),
        }
    }

    /// A note of a write that was made just now.
    pub(in crate::key_vault) fn begins(mut self, step: &str) -> Self {
        let generation = self.valid.generation;
        self.record.operation = Some(begun(step, generation, "epoch", self.now));
        self
    }
}

/// A vault with an owner in its tag: the uid is what follows the last slash.
pub(in crate::key_vault) fn owned(mut vault: Vault, owner: Option<&str>) -> Vault {
    tag(&mut vault.tags, owner);
    vault
}

pub(in crate::key_vault) fn tag(tags: &mut Tags, owner: Option<&str>) {
    tags.remove(OWNER_TAG);
    let owner = owner.map(|owner| (OWNER_TAG.to_owned(), owner.to_owned()));
    tags.extend(owner);
}

/// Owners by what they are to the object of [`object`].
pub(in crate::key_vault) const OURS: Option<&str> = Some("cluster/team/kv-a/uid-1");
pub(in crate::key_vault) const BEFORE: Option<&str> = Some("cluster/team/kv-a/uid-0");
pub(in crate::key_vault) const FOREIGN: Option<&str> = Some("cluster/other/kv-a/uid-9");

pub(in crate::key_vault) fn sees(vault: Option<Vault>) -> Seen {
    Seen {
        vault: Some(vault),
        ..Seen::default()
    }
}

/// There is no vault, live or deleted, and nothing stands in the way of one.
pub(in crate::key_vault) fn free() -> Seen {
    Seen {
        deleted: Some(None),
        ground: Ground {
            group: Some(Some(Group { deleting: false })),
            ..Ground::default()
        },
        name: Some(Ok(())),
        ..sees(None)
    }
}

/// There is a deleted vault, and its group.
pub(in crate::key_vault) fn soft(deleted: Deleted) -> Seen {
    Seen {
        deleted: Some(Some(deleted)),
        ..free()
    }
}

pub(in crate::key_vault) fn who(object: &str) -> Principal {
    Principal {
        object: object.to_owned(),
        application: None,
    }
}

/// Policies for secrets.
pub(in crate::key_vault) fn policies(all: &[(&str, &[&str])]) -> Policies {
    let each = all.iter().map(|(object, words)| {
        let permissions = crate::key_vault::vault::Permissions {
            secrets: words.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        (who(object), permissions)
    });
    each.collect()
}

/// The role assignment that a spec's role comes to.
pub(in crate::key_vault) fn given(case: &Case, at: usize) -> Assignment {
    assigned(&case.valid.id, &case.valid.roles[at]).unwrap()
}

pub(in crate::key_vault) fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
