//! What is written to Kubernetes for those who use an account: connection facts, its key, signatures.
//!
//! `wanted` the spec parsed (pure) · `seen` what is there (pure) · `plan` what is next (pure) · `keys` which key is in use, and when
//! the other is made anew (pure) · `signatures` which are due (pure) · `render` what is in a ConfigMap or Secret (pure) · `sas` signs
//! (pure) · `record` what the status keeps (pure) · `carry` carries the plan out · `cluster` reads and writes in Kubernetes · `desk`
//! joins that with a round.

pub mod carry;
pub mod cluster;
pub mod desk;
pub mod keys;
pub mod plan;
pub mod record;
pub mod render;
pub mod sas;
pub mod seen;
mod signatures;
pub mod wanted;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use self::record::Record;
use self::wanted::Wanted;
use crate::data_lake_account::api::{EndpointsStatus, Generation};

/// The kind that outputs belong to.
const KIND: &str = "DataLakeAccount";
/// On an output: the `DataLakeAccount` that it is of.
pub const OUTPUTS_OF: &str = "lakevault.dev/outputs-of";

/// The field manager of an account's server-side apply.
pub fn field_manager(account: &str) -> String {
    format!("lakevault-outputs/{account}")
}

/// The `DataLakeAccount` that an object is an output of, by its label: it is looked at whenever the object changes.
pub fn account_of(meta: &ObjectMeta) -> Option<&str> {
    let labels = meta.labels.as_ref()?;
    labels.get(OUTPUTS_OF).map(String::as_str)
}

/// The object that outputs belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// What is told of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in Azure.
    pub name: String,
    /// Its id in Resource Manager.
    pub id: String,
    /// Its region.
    pub location: String,
    /// Which service it is.
    pub generation: Generation,
    /// Where its services are.
    pub endpoints: EndpointsStatus,
    /// The filesystems of the spec.
    pub filesystems: Vec<String>,
    /// What follows the service in the cloud's hosts, such as `core.windows.net`.
    pub suffix: String,
    /// Whether its keys give access.
    pub shared_keys: bool,
    /// When its keys were made, by name, as the account tells.
    pub keys_made: BTreeMap<String, Timestamp>,
}

/// Everything that a decision follows from, apart from what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The account.
    pub account: &'a Account,
    /// What is wanted.
    pub wanted: &'a Wanted,
    /// Whose it is.
    pub owner: &'a Owner,
    /// What is known from earlier.
    pub record: &'a Record,
    /// The time.
    pub now: Timestamp,
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod rotation_world;
