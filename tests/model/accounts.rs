//! The kind DataLakeAccount, in the model's words: the account itself. Its filesystems are one, which holds data or not.

use lakevault::azure::arm::ApiVersions;
use lakevault::azure::cloud::Cloud;
use lakevault::azure_identity::api::CloudName;
use lakevault::azure_resource::planner::Inputs;
use lakevault::azure_resource::values::Word;
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountSpec};
use lakevault::data_lake_account::generation::{Account, Desired};
use lakevault::data_lake_account::lake::Contents;
use lakevault::data_lake_account::plan::{Look, Record, Seen, Step, created};
use lakevault::data_lake_account::valid::{Valid, desired};
use serde_json::{Value, json};

use crate::product::{Says, Subject, ground, polled, tags};
use crate::world::{Azure, Going, Kind, Sight};

/// Neither change from one to the other is a migration.
const SKUS: [&str; 2] = ["Standard_LRS", "Standard_GRS"];

impl Subject for DataLakeAccount {
    const NAME: &'static str = "lakea";
    const SOFTLY: bool = false;

    fn object(fields: &Value, generation: u8) -> Self {
        let mut spec = json!({
            "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": { "name": "rg" },
            "location": "westeurope",
            "sku": SKUS[usize::from(generation % 2)],
        });
        for (name, value) in fields.as_object().unwrap() {
            spec[name] = value.clone();
        }
        let spec: DataLakeAccountSpec = serde_json::from_value(spec).unwrap();
        Self::new(Self::NAME, spec)
    }

    fn desired_of(object: &Self, valid: &Valid) -> Desired {
        let versions = ApiVersions::of(&Cloud::shared(CloudName::Public));
        desired(&object.spec, valid, versions).unwrap()
    }

    fn id(valid: &Valid) -> String {
        valid.id.to_string()
    }

    fn step(kind: Kind) -> Option<Step> {
        Some(match kind {
            Kind::Create => Step::Create,
            Kind::Update => Step::Update(Vec::new()),
            Kind::Delete => Step::Delete,
            Kind::Release => Step::Release,
            Kind::Recover | Kind::Purge => return None,
        })
    }

    fn kind_of(step: &Step) -> Option<Kind> {
        Some(match step {
            Step::Create => Kind::Create,
            Step::Update(_) => Kind::Update,
            Step::Delete => Kind::Delete,
            Step::Release => Kind::Release,
            Step::Ground(_)
            | Step::SetRule(_)
            | Step::EnableKey
            | Step::SetBlobService(_)
            | Step::SetPolicy
            | Step::RemovePolicy
            | Step::Forget => return None,
        })
    }

    fn looks(look: &Look) -> Option<Says> {
        match look {
            Look::Account => Some(Says::LookResource),
            Look::Filesystems => Some(Says::LookContents),
            Look::Ground(_)
            | Look::Name
            | Look::KeyVault(_)
            | Look::BlobService
            | Look::Lifecycle
            | Look::Contents(_) => None,
        }
    }

    fn seen(inputs: &Inputs<'_, Self>, sight: Sight) -> Seen {
        let mut seen = Seen {
            operation: sight.operation.map(polled),
            account: sight.resource.map(|azure| account(inputs, azure)),
            ground: ground(),
            name: Some(Ok(())),
            updated: sight.updated,
            ..Seen::default()
        };
        if let Some(holds) = sight.holds {
            let name: lakevault::azure::lake::FilesystemName = "raw".parse().unwrap();
            let contents = if holds {
                Contents::Something
            } else {
                Contents::Nothing
            };
            seen.filesystems = Some(Ok(vec![name.clone()]));
            seen.contents.insert(name, Ok(contents));
        }
        seen
    }

    fn record(azure_id: Option<String>, applied: Option<i64>) -> Record {
        Record {
            azure_id,
            applied,
            ..Record::default()
        }
    }
}

fn account(inputs: &Inputs<'_, DataLakeAccount>, azure: Azure) -> Option<Account> {
    let Azure::Live { sku, tag, busy } = azure else {
        return None;
    };
    let Account::Gen2(mut account) = created(inputs, None) else {
        unreachable!("the model's accounts are of the second generation");
    };
    account.tags = tags::<DataLakeAccount>(tag);
    account.settings.sku = Word::new(SKUS[usize::from(sku)]);
    let state = match busy {
        Going::No => "Succeeded",
        Going::Yes => "ResolvingDNS",
        Going::Failed => "Failed",
    };
    account.state = Some(state.to_owned());
    Some(Account::Gen2(account))
}
