//! A Data Lake Store as an account of the second generation, and what only its user can decide. Pure.

use std::net::Ipv4Addr;

use kube::ResourceExt;

use super::Range;
use super::rules::joined;
use crate::azure_resource::values::Cidr;
use crate::data_lake_account::api::{
    Bypass, DataLakeAccount, DataLakeAccountSpec, FilesystemSpec, Generation, NetworkRulesSpec,
};
use crate::data_lake_account::lake::valid::GEN1_FILESYSTEM;
use crate::data_lake_account::valid::parse;
use crate::problem::Problem;

/// What follows a name, since both objects are there while data is moved.
const SUFFIX: &str = "-gen2";
/// The longest name of an object.
const LONGEST: usize = 63;
/// Beginnings of annotations that are not the user's, or speak of the other object.
const NOT_TAKEN: [&str; 2] = ["kubectl.kubernetes.io/", "lakevault.dev/"];

/// The new form of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The object to apply.
    pub object: DataLakeAccount,
    /// What has no equal, or must be decided, each with what to do.
    pub notes: Vec<String>,
}

/// The form that an object of generation Gen1 has as one of generation Gen2.
pub fn to_gen2(old: &DataLakeAccount) -> Result<Moved, Problem> {
    let azure_name = parse(old)?.azure_name;
    let name = named(&old.name_any());
    let mut notes = vec![
        format!(
            "metadata.name is {name}, for both objects are there until the data is moved: files are not copied by this. Copy them, then delete the old object"
        ),
        format!(
            "spec.azureName {azure_name} is kept, but must be free among storage accounts too (3 to 24 lower-case letters and digits): az storage account check-name --name {azure_name}; where it is not, take another"
        ),
        "spec.sku is Standard_LRS and spec.accessTier Hot unless you say otherwise".to_owned(),
    ];
    let mut spec = DataLakeAccountSpec {
        generation: Generation::Gen2,
        azure_name: Some(azure_name.to_string()),
        ..old.spec.clone()
    };
    spec.network_rules = spec.network_rules.map(|rules| network(rules, &mut notes));
    if let Some(encryption) = spec.encryption.take() {
        notes.push(format!(
            "spec.encryption is left out: the key {:?} needs a user-assigned identity now, which unwraps it. Make one with the role Key Vault Crypto Service Encryption User on the vault, and say spec.encryption with userAssignedIdentity before the account is created; without it Microsoft's own key is used",
            encryption.key.name
        ));
    }
    filesystems(
        &mut spec.filesystems,
        &azure_name.to_string(),
        &name,
        &mut notes,
    );
    if let Some(outputs) = &mut spec.outputs
        && let Some(map) = &mut outputs.config_map
    {
        let new = named(map);
        notes.push(format!("spec.outputs.configMap is {new}, for {map} belongs to the old object. It has dfsEndpoint and blobEndpoint in place of adlEndpoint and webhdfsEndpoint"));
        *map = new;
    }
    if !spec.resource.role_assignments.is_empty() {
        notes.push("spec.roleAssignments stay, but where Owner of a Data Lake Store was its superuser, the data of a storage account is opened by Storage Blob Data Owner, Contributor and Reader".to_owned());
    }
    let mut object = DataLakeAccount::new(&name, spec);
    object.metadata.namespace = old.namespace();
    object.metadata.labels.clone_from(&old.metadata.labels);
    let annotations = old.annotations().iter();
    let taken = annotations.filter(|(name, _)| !NOT_TAKEN.iter().any(|one| name.starts_with(one)));
    let taken: std::collections::BTreeMap<_, _> = taken
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    object.metadata.annotations = Some(taken).filter(|all| !all.is_empty());
    Ok(Moved { object, notes })
}

/// A name that no object of the old form has.
fn named(old: &str) -> String {
    let mut end = old.len().min(LONGEST - SUFFIX.len());
    while !old.is_char_boundary(end) {
        end -= 1;
    }
    let stem = old.get(..end).unwrap_or_default();
    format!("{}{SUFFIX}", stem.trim_end_matches(['-', '.']))
}

/// Addresses that no storage account lets in: it is reached from the internet, or from a subnet.
fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local()
}

fn network(mut rules: NetworkRulesSpec, notes: &mut Vec<String>) -> NetworkRulesSpec {
    let inside = |text: &String| {
        Cidr::parse(text).is_some_and(|cidr| {
            let (first, last) = cidr.bounds();
            is_private(first) && is_private(last)
        })
    };
    let (left_out, kept): (Vec<String>, Vec<String>) = rules.ip_rules.into_iter().partition(inside);
    if !left_out.is_empty() {
        let ranges = left_out
            .iter()
            .filter_map(|text| Cidr::parse(text))
            .map(Range::from);
        let ranges: Vec<String> = joined(ranges).iter().map(ToString::to_string).collect();
        notes.push(format!(
            "spec.networkRules.ipRules: {} left out, for storage accounts let in no private addresses: name their subnets in spec.networkRules.subnets",
            ranges.join(", ")
        ));
    }
    rules.ip_rules = kept;
    if !rules.subnets.is_empty() {
        notes.push("spec.networkRules.subnets stay, but each subnet needs the service endpoint Microsoft.Storage in place of Microsoft.AzureActiveDirectory".to_owned());
    }
    let bypass = rules.bypass.as_deref();
    if bypass.is_none_or(|around| around.contains(&Bypass::AzureServices)) {
        notes.push("spec.networkRules.bypass: AzureServices let in all addresses of Azure; now it lets in trusted services alone. Name the subnets, or in spec.networkRules.resources the resources, of whoever else calls from Azure".to_owned());
    }
    rules
}

/// All that lies in a Data Lake Store lies in one filesystem, whose paths and access lists stay as they are.
fn filesystems(all: &mut Vec<FilesystemSpec>, account: &str, name: &str, notes: &mut Vec<String>) {
    notes.push(format!(
        "spec.filesystems: what was adl://{account}.azuredatalakestore.net/path is abfss://{GEN1_FILESYSTEM}@{account}.dfs.core.windows.net/path; take another name than {GEN1_FILESYSTEM} where you like one better. Paths, owners and access lists stay. The identity needs the role Storage Blob Data Owner"
    ));
    if all.is_empty() {
        all.push(FilesystemSpec {
            name: GEN1_FILESYSTEM.to_owned(),
            ..FilesystemSpec::default()
        });
    }
    let files = all.iter().flat_map(|one| &one.files);
    let mut secrets: Vec<&str> = files
        .filter_map(|file| file.from.secret.as_ref())
        .map(|from| from.name.as_str())
        .collect();
    secrets.sort_unstable();
    secrets.dedup();
    if !secrets.is_empty() {
        notes.push(format!(
            "spec.filesystems[{GEN1_FILESYSTEM}].files: each Secret must consent to the new object as well: add {name} to the annotation lakevault.dev/allow-file of {}",
            secrets.join(", ")
        ));
    }
}

#[cfg(test)]
#[path = "to_gen2_tests.rs"]
mod tests;
