//! What is looked at when all is made: kinds that nothing was made of, Secrets that several would write, and what Lakevault
//! itself would refuse. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::akv2k8s;
use super::csi;
use super::input::Input;
use super::made::{Made, Remark};
use super::notes::Note;
use super::stores;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::azure_identity::valid as identity;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::valid as sync;

/// Kinds that something is made of, and one that only tells how others stand.
const KNOWN: [&str; 7] = [
    "ExternalSecret",
    "PushSecret",
    "SecretStore",
    "ClusterSecretStore",
    "AzureKeyVaultSecret",
    "SecretProviderClass",
    "SecretProviderClassPodStatus",
];

/// Whether a group is that of one of the other operators.
pub(super) fn is_peers(group: &str) -> bool {
    let known = [stores::GROUP, akv2k8s::GROUP, csi::GROUP];
    known
        .iter()
        .any(|known| group == *known || group.ends_with(&format!(".{known}")))
}

/// Objects of other operators that nothing is made of.
pub(super) fn unknown(input: &Input) -> Vec<Remark> {
    let unknown = input
        .all()
        .filter(|one| is_peers(&one.group) && !KNOWN.contains(&one.kind.as_str()));
    let remarks = unknown.flat_map(|document| {
        let what = match document.kind.as_str() {
            "ClusterExternalSecret" | "ClusterPushSecret" => "nothing is made for many namespaces at once: convert what it made there (kubectl get externalsecrets,pushsecrets -A -o yaml), and deploy the result to each namespace",
            _ => "this kind has no equal and is left out",
        };
        Remark::all(document, vec![Note::on("kind", what)])
    });
    remarks.collect()
}

/// Tells of a Secret that one sync would own and others write as well.
pub(super) fn shared(made: &mut [Made]) {
    let mut writers: BTreeMap<(String, String), Vec<(String, bool)>> = BTreeMap::new();
    for one in made.iter() {
        if let Some((key, owns)) = written(one) {
            writers
                .entry(key)
                .or_default()
                .push((one.name().to_owned(), owns));
        }
    }
    for one in made.iter_mut() {
        let Some((key, _)) = written(one) else {
            continue;
        };
        let all = writers.get(&key).map(Vec::as_slice).unwrap_or_default();
        let others: Vec<&str> = all
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| *name != one.name())
            .collect();
        if !others.is_empty() && all.iter().any(|(_, owns)| *owns) {
            let what = format!(
                "Secret {} is written by {} as well, and a Secret has one owner: join them into one sync (an entry may name a vault of its own), or say ownership: Merge in all of them",
                key.1,
                others.join(", ")
            );
            one.tell(Note::on("the sync's spec.target", what));
        }
    }
}

/// Namespace and name of the Secret that a sync writes, and whether it owns it.
fn written(made: &Made) -> Option<((String, String), bool)> {
    let text = |place: &str| made.object.pointer(place).and_then(Value::as_str);
    let reads = made
        .object
        .pointer("/spec/data")
        .or_else(|| made.object.pointer("/spec/dataFrom"));
    reads.filter(|_| text("/kind") == Some("VaultSecretSync"))?;
    let secret = text("/spec/target/name").unwrap_or_else(|| made.name());
    let key = (text("/metadata/namespace")?.to_owned(), secret.to_owned());
    Some((key, text("/spec/target/ownership") != Some("Merge")))
}

/// Tells what Lakevault would refuse as it stands.
pub(super) fn refused(made: &mut [Made]) {
    for one in made {
        if let Err(why) = taken(&one.object) {
            let what = format!("Lakevault refuses it as it stands: {why}");
            one.tell(Note::on("the object made of it", what));
        }
    }
}

/// Whether Lakevault takes an object.
pub(super) fn taken(object: &Value) -> Result<(), String> {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let object = object.clone();
    let refused = |error: serde_json::Error| error.to_string();
    let invalid = |problem: crate::problem::Problem| problem.message;
    match kind {
        "VaultSecretSync" => {
            let object: VaultSecretSync = serde_json::from_value(object).map_err(refused)?;
            sync::parse(&object).map(drop).map_err(invalid)
        }
        "AzureIdentity" => {
            let object: AzureIdentity = serde_json::from_value(object).map_err(refused)?;
            identity::parse(&object, "lakevault")
                .map(drop)
                .map_err(invalid)
        }
        _ => {
            let object: ClusterAzureIdentity = serde_json::from_value(object).map_err(refused)?;
            identity::parse(&object, "lakevault")
                .map(drop)
                .map_err(invalid)
        }
    }
}
