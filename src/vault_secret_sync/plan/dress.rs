//! What a write holds besides values: labels, annotations, owner, type, and the record. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::secret::SecretValue;
use crate::vault_secret_sync::MANAGED;
use crate::vault_secret_sync::RECORD;
use crate::vault_secret_sync::api::Ownership;
use crate::vault_secret_sync::plan::claims::type_of;
use crate::vault_secret_sync::target::{Record, SecretMeta, owner};
use crate::vault_secret_sync::valid::Valid;

/// A server-side apply of the Secret.
#[derive(Debug)]
pub struct Write {
    /// The version of the Secret that the plan was made on; none means that there was none.
    pub on_version: Option<String>,
    /// New values.
    pub fresh: BTreeMap<String, SecretValue>,
    /// Keys whose last good value stays; it must be read from the Secret, since an apply that leaves a field out removes it.
    pub keep: BTreeSet<String>,
    /// What is recorded on the Secret.
    pub record: Record,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations, the record among them.
    pub annotations: BTreeMap<String, String>,
    /// Owner.
    pub owner: Option<OwnerReference>,
    /// Type.
    pub type_: Option<String>,
    /// Whether nobody may change it then.
    pub immutable: bool,
    /// The uid of the Secret where it is deleted first, with everything at hand, since it cannot be changed.
    pub anew: Option<String>,
}

/// Whether labels, annotations, label of ours and owner are as they should be.
pub fn dressed(valid: &Valid, secret: Option<&SecretMeta>) -> bool {
    let Some(facts) = secret.map(|secret| &secret.facts) else {
        return false;
    };
    let owned = owner(valid).map(|owner| owner.uid);
    let controller = facts
        .controller
        .as_ref()
        .map(|controller| controller.uid.clone());
    let owner_fits = valid.target.ownership == Ownership::Merge
        && controller.as_deref() != Some(valid.uid.as_str())
        || controller == owned;
    let all = |wanted: &BTreeMap<String, String>, seen: &BTreeMap<String, String>| {
        wanted
            .iter()
            .all(|(name, value)| seen.get(name) == Some(value))
    };
    facts.managed
        && owner_fits
        && all(&valid.target.labels, &facts.labels)
        && all(&valid.target.annotations, &facts.annotations)
}

/// A write of these values.
pub fn dress(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    fresh: BTreeMap<String, SecretValue>,
    keep: BTreeSet<String>,
    record: Record,
) -> Write {
    let mut labels = valid.target.labels.clone();
    labels.insert(MANAGED.to_owned(), "true".to_owned());
    let mut annotations = valid.target.annotations.clone();
    // A map of texts is always JSON.
    annotations.insert(
        format!("{RECORD}{}", valid.name),
        serde_json::to_string(&record).unwrap_or_default(),
    );
    Write {
        on_version: secret.map(|secret| secret.version.clone()),
        fresh,
        keep,
        record,
        labels,
        annotations,
        owner: owner(valid),
        type_: type_of(valid),
        immutable: valid.target.immutable,
        anew: None,
    }
}
