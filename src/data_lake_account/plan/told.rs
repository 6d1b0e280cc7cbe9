//! What is said where nothing can be done for now. Pure.

use super::Inputs;
use crate::azure::lake::FilesystemName;
use crate::azure_resource::told::{self, for_ever, named};
use crate::data_lake_account::api::Generation;
use crate::problem::{Problem, Reason};

const WITH_FORCE: &str = "set force: true to delete it with all that is in it, or deletionPolicy: Retain to let the object go and keep the account";

pub(super) fn name_taken(inputs: &Inputs<'_>, said: &str) -> Problem {
    let name = inputs.valid.azure_name.as_str();
    let list = match inputs.valid.service {
        Generation::Gen2 => "az storage account list",
        Generation::Gen1 => "az dls account list",
    };
    let mend = format!(
        "If the account is yours, it is in another resource group or subscription ({list} --query \"[?name=='{name}'].id\"): name that in this spec. Else create this object with another azureName."
    );
    told::name_taken(inputs, &mend, said)
}

pub(super) fn not_hierarchical(inputs: &Inputs<'_>) -> Problem {
    let (name, group) = (
        inputs.valid.azure_name.as_str(),
        inputs.valid.group.as_str(),
    );
    let message = format!(
        "{} has no hierarchical namespace, so it is no data lake, and is left as it is. To make it one, which cannot be undone: az storage account hns-migration start --type validation --name {name} --resource-group {group}, then --type upgrade; or create this object with another azureName",
        named(inputs)
    );
    for_ever(Reason::HierarchyMissing, message)
}

pub(super) fn holds_data(inputs: &Inputs<'_>, filesystem: &FilesystemName) -> Problem {
    let message = format!(
        "{} is not deleted, because its filesystem {:?} holds data: {WITH_FORCE}",
        named(inputs),
        filesystem.as_str()
    );
    for_ever(Reason::FilesystemNotEmpty, message)
}

pub(super) fn maybe_holds_data(inputs: &Inputs<'_>, problem: &Problem) -> Problem {
    let message = format!(
        "{} is not deleted, because nobody can say whether it holds data: {}. Mend that, or {WITH_FORCE}",
        named(inputs),
        problem.message
    );
    Problem {
        message,
        ..problem.clone()
    }
}
