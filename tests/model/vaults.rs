//! The kind KeyVault, in the model's words.

use lakevault::azure_resource::planner::Inputs;
use lakevault::key_vault::api::{KeyVault, KeyVaultSpec, Sku};
use lakevault::key_vault::desired::{Capabilities, Desired};
use lakevault::key_vault::plan::{Look, Record, Seen, Step, created};
use lakevault::key_vault::valid::{Valid, desired};
use lakevault::key_vault::vault::{Deleted, SkuName, Vault};
use serde_json::{Value, json};

use crate::product::{Says, Subject, ground, polled, tags};
use crate::world::{Azure, Going, Kind, Sight};

impl Subject for KeyVault {
    const NAME: &'static str = "kv-a";
    const SOFTLY: bool = true;

    fn object(fields: &Value, generation: u8) -> Self {
        let mut spec = json!({
            "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": { "name": "rg" },
            "location": "westeurope",
            "tenantId": "11111111-1111-1111-1111-111111111111",
            "sku": if generation % 2 == 1 { "Premium" } else { "Standard" },
        });
        for (name, value) in fields.as_object().unwrap() {
            spec[name] = value.clone();
        }
        let spec: KeyVaultSpec = serde_json::from_value(spec).unwrap();
        Self::new(Self::NAME, spec)
    }

    fn desired_of(object: &Self, valid: &Valid) -> Desired {
        desired(&object.spec, valid, None, Capabilities::ALL).unwrap()
    }

    fn id(valid: &Valid) -> String {
        valid.id.to_string()
    }

    fn step(kind: Kind) -> Option<Step> {
        Some(match kind {
            Kind::Create => Step::Create,
            Kind::Recover => Step::Recover,
            Kind::Purge => Step::Purge,
            Kind::Update => Step::Update(Vec::new()),
            Kind::Delete => Step::Delete,
            Kind::Release => Step::Release,
        })
    }

    fn kind_of(step: &Step) -> Option<Kind> {
        Some(match step {
            Step::Create => Kind::Create,
            Step::Recover => Kind::Recover,
            Step::Purge => Kind::Purge,
            Step::Update(_) => Kind::Update,
            Step::Delete => Kind::Delete,
            Step::Release => Kind::Release,
            Step::Ground(_)
            | Step::AddPolicies(_)
            | Step::ReplacePolicies(_)
            | Step::DropPolicies(_)
            | Step::MakeSecret(_)
            | Step::Forget => return None,
        })
    }

    fn looks(look: &Look) -> Option<Says> {
        match look {
            Look::Vault => Some(Says::LookResource),
            Look::Deleted => Some(Says::LookDeleted),
            Look::DeletedElsewhere
            | Look::Ground(_)
            | Look::Name
            | Look::DataPlane
            | Look::Secret(_) => None,
        }
    }

    fn seen(inputs: &Inputs<'_, Self>, sight: Sight) -> Seen {
        Seen {
            operation: sight.operation.map(polled),
            vault: sight.resource.map(|azure| vault(inputs, azure)),
            deleted: sight.deleted.map(|azure| deleted(inputs, azure)),
            ground: ground(),
            name: Some(Ok(())),
            updated: sight.updated,
            ..Seen::default()
        }
    }

    fn record(azure_id: Option<String>, applied: Option<i64>) -> Record {
        Record {
            azure_id,
            applied,
            ..Record::default()
        }
    }
}

fn vault(inputs: &Inputs<'_, KeyVault>, azure: Azure) -> Option<Vault> {
    let Azure::Live { sku, tag, busy } = azure else {
        return None;
    };
    let mut vault = created(inputs);
    vault.tags = tags::<KeyVault>(tag);
    vault.settings.sku = SkuName(if sku == 1 {
        Sku::Premium
    } else {
        Sku::Standard
    });
    let state = match busy {
        Going::No => "Succeeded",
        Going::Yes => "RegisteringDns",
        Going::Failed => "Failed",
    };
    vault.state = Some(state.to_owned());
    Some(vault)
}

fn deleted(inputs: &Inputs<'_, KeyVault>, azure: Azure) -> Option<Deleted> {
    let Azure::Soft { tag, .. } = azure else {
        return None;
    };
    let vault = created(inputs);
    Some(Deleted {
        id: vault.id,
        location: vault.location,
        tags: tags::<KeyVault>(tag),
        purge_protection: false,
        scheduled_purge: None,
    })
}
