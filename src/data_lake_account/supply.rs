//! Writes what an account has for others to Kubernetes, once the account and its lake are as declared.

use std::collections::BTreeMap;

use super::api::{DataLakeAccount, Generation};
use super::generation::Account as There;
use super::observe::Eyes;
use super::outputs::carry::Given;
use super::outputs::desk::{Tools, outputs};
use super::outputs::plan::ahead;
use super::outputs::record::Record;
use super::outputs::wanted::Wanted;
use super::outputs::{Account, Owner};
use crate::azure::{lake, webhdfs};
use crate::azure_resource::engine::Round;
use crate::azure_resource::sight::Sight;
use crate::azure_resource::status::SYNCED;
use crate::k8s::conditions::find;
use crate::problem::Problem;

/// Keeps the outputs of an account as its spec says them.
pub(super) async fn supply(
    round: &mut Round<'_, DataLakeAccount>,
    eyes: &Eyes<'_>,
    sight: &mut Sight<DataLakeAccount>,
) -> Result<Option<Problem>, Problem> {
    let (valid, mut record) = (round.valid, round.record.outputs.clone());
    let silent = valid.outputs == Wanted::default() && record == Record::default();
    if silent && was_declared(&round.object) {
        return Ok(None);
    }
    // Of an account that is only planned, nothing can be told to others.
    let real = sight.really();
    let Some(Some(there)) = real.account.clone() else {
        for step in ahead(&valid.outputs) {
            sight.plans(step);
        }
        return Ok(None);
    };
    let place = eyes.lake(real).and_then(|place| {
        let profile = &eyes.identity.profile;
        let storage = match valid.service {
            Generation::Gen2 => lake::storage(profile)?,
            Generation::Gen1 => webhdfs::store(profile)?,
        };
        Ok((place, storage.suffix.clone()))
    });
    let (lake, suffix) = match place {
        Ok(place) => place,
        Err(problem) => return Ok(Some(problem)),
    };
    let account = account(eyes, &there, suffix);
    let owner = Owner {
        namespace: valid.namespace.clone(),
        name: valid.name.clone(),
        uid: valid.uid.clone(),
    };
    let given = Given {
        account: &account,
        wanted: &valid.outputs,
        owner: &owner,
        dry: round.is_dry(),
    };
    let tools: Tools<'_, DataLakeAccount> = Tools {
        lakes: &eyes.ctx.own.lakes,
        lake: &lake,
        keep: |kept, noted| kept.outputs = noted,
    };
    let came = outputs(round, eyes, tools, &given, &mut record).await?;
    if !given.dry {
        round.record.outputs = record;
    }
    for planned in came.planned {
        sight.plans(planned);
    }
    sight.did.extend(came.did);
    let due = &mut sight.really().due;
    *due = due.iter().copied().chain(came.again).min();
    Ok(came.problem)
}

/// Whether an earlier round has ended with all as this very spec says. Then nothing is left of what a spec before it asked for; the
/// status alone does not tell, since nothing is kept of a ConfigMap.
fn was_declared(object: &DataLakeAccount) -> bool {
    let synced = find(object.conditions(), SYNCED);
    synced.is_some_and(|synced| {
        synced.status == "True" && synced.observed_generation == object.metadata.generation
    })
}

fn account(eyes: &Eyes<'_>, there: &There, suffix: String) -> Account {
    let filesystems = eyes.valid.lake.filesystems.keys();
    let (shared_keys, keys_made) = match there {
        There::Gen2(account) => (account.settings.shared_keys, account.keys_made.clone()),
        // A Data Lake Store has no keys.
        There::Gen1(_) => (false, BTreeMap::new()),
    };
    Account {
        name: eyes.valid.azure_name.to_string(),
        id: there.id().to_owned(),
        location: there.location().to_owned(),
        generation: eyes.valid.service,
        endpoints: there.endpoints(),
        filesystems: filesystems.map(ToString::to_string).collect(),
        suffix,
        shared_keys,
        keys_made,
    }
}
