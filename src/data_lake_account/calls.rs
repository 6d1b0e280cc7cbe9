//! Calls of Resource Manager about an account, whichever service keeps it. Pure.

use super::api::Generation;
use super::generation::Account;
use super::store::rules::{Rule, name_of};
use super::valid::Valid;
pub use crate::azure::arm::storage::{ABSENT, read_name};
use crate::azure::arm::{ApiVersions, Call, Reply, ResourceId, data_lake_store, storage};
use crate::azure_resource::difference::Difference;
use crate::problem::Problem;

/// Reads an account.
pub fn get(versions: &ApiVersions, valid: &Valid) -> Call {
    match valid.service {
        Generation::Gen2 => storage::get(versions, &valid.id),
        Generation::Gen1 => data_lake_store::get(versions, &valid.id),
    }
}

/// The account in an answer.
pub fn read(valid: &Valid, reply: &Reply) -> Result<Account, Problem> {
    Ok(match valid.service {
        Generation::Gen2 => storage::read(reply)?.into(),
        Generation::Gen1 => data_lake_store::read(reply)?.into(),
    })
}

/// Makes an account.
pub fn put(versions: &ApiVersions, valid: &Valid, account: &Account) -> Call {
    match account {
        Account::Gen2(account) => storage::put(versions, &valid.id, account),
        Account::Gen1(account) => data_lake_store::put(versions, &valid.id, account),
    }
}

/// Changes an account where it differs.
pub fn patch(
    versions: &ApiVersions,
    valid: &Valid,
    account: &Account,
    differences: &[Difference],
) -> Call {
    match account {
        Account::Gen2(account) => storage::patch(versions, &valid.id, account, differences),
        Account::Gen1(account) => data_lake_store::patch(versions, &valid.id, account, differences),
    }
}

/// Deletes an account with all that is in it.
pub fn delete(versions: &ApiVersions, valid: &Valid) -> Call {
    match valid.service {
        Generation::Gen2 => storage::delete(versions, &valid.id),
        Generation::Gen1 => data_lake_store::delete(versions, &valid.id),
    }
}

/// Asks whether a name can be had; the answer is read by [`read_name`].
pub fn check_name(versions: &ApiVersions, valid: &Valid) -> Call {
    match valid.service {
        Generation::Gen2 => storage::check_name(versions, &valid.id),
        Generation::Gen1 => data_lake_store::check_name(versions, &valid.id, &valid.location),
    }
}

/// Sets or removes a rule of a Data Lake Store's firewall.
pub fn set_rule(versions: &ApiVersions, id: &ResourceId, rule: &Rule) -> Result<Call, Problem> {
    match rule {
        Rule::LetIn(range) => data_lake_store::put_range(versions, id, &range.rule(), *range),
        Rule::LetSubnetIn(subnet) => {
            data_lake_store::put_subnet(versions, id, &name_of(subnet), subnet)
        }
        Rule::Remove(name) => data_lake_store::delete_range(versions, id, name),
        Rule::RemoveSubnet(name) => data_lake_store::delete_subnet(versions, id, name),
    }
}
