//! What lies below a storage account in Resource Manager: soft deletion, what becomes of files with time, and filesystems with an
//! encryption scope of their own ("Blob Services", "Management Policies", "Blob Containers - REST API", Microsoft.Storage). Pure.

use http::Method;
use serde_json::{Map, Value, json};

use super::fields::{is_on, list, said, text};
use super::storage::call;
use super::{ApiVersions, Call, Reply, ResourceId, incomplete};
use crate::azure::lake::FilesystemName;
use crate::data_lake_account::account::{Lifecycle, LifecycleRule, SoftDelete};
use crate::problem::Problem;

/// Codes of a 404 that say that an account has no lifecycle policy.
pub const NO_POLICY: &[&str] = &["ManagementPolicyNotFound"];

const FILES: &str = "deleteRetentionPolicy";
const FILESYSTEMS: &str = "containerDeleteRetentionPolicy";

/// What holds for all files of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobService {
    /// What is done with what is deleted.
    pub soft_delete: SoftDelete,
    /// All that was told, so that a write leaves the rest as it is.
    told: Value,
}

fn below(made: Call, path: &str) -> Call {
    Call {
        path: format!("{}/{path}", made.path),
        ..made
    }
}

/// Reads what holds for all files.
pub fn get(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.Storage/storageAccounts/blobServices/read";
    let named = ("GetBlobService", Method::GET, action);
    below(call(versions, id, named), "blobServices/default")
}

/// The answer to [`get`] and [`put`].
pub fn read(reply: &Reply) -> Result<BlobService, Problem> {
    let properties = reply.body.get("properties").filter(|all| all.is_object());
    let read = |all: &Value| {
        let mut soft_delete = SoftDelete::default();
        retention(all, FILES, &mut soft_delete.blob_days)?;
        retention(all, FILESYSTEMS, &mut soft_delete.container_days)?;
        Some(BlobService {
            soft_delete,
            told: all.clone(),
        })
    };
    let lacks = "its properties in a form that is understood";
    properties
        .and_then(read)
        .ok_or_else(|| incomplete("the blob service of a storage account", lacks))
}

/// Days of a policy, where it is on; none where it is not understood.
fn retention(all: &Value, name: &str, days: &mut Option<u16>) -> Option<()> {
    if let Some(policy) = said(all, name)
        && is_on(policy, "enabled")?
    {
        *days = Some(u16::try_from(policy.get("days")?.as_u64()?).ok()?);
    }
    Some(())
}

/// Sets what is done with what is deleted. The write replaces the whole, so the rest is said as it was.
pub fn put(versions: &ApiVersions, id: &ResourceId, now: &BlobService, wanted: SoftDelete) -> Call {
    let mut properties = now.told.clone();
    let policies = [
        (FILES, wanted.blob_days),
        (FILESYSTEMS, wanted.container_days),
    ];
    for (name, days) in policies {
        let mut policy = now
            .told
            .get(name)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        policy.insert("enabled".to_owned(), json!(days.is_some()));
        match days {
            Some(days) => policy.insert("days".to_owned(), json!(days)),
            None => policy.remove("days"),
        };
        properties[name] = Value::Object(policy);
    }
    let action = "Microsoft.Storage/storageAccounts/blobServices/write";
    let named = ("SetBlobService", Method::PUT, action);
    Call {
        body: Some(json!({ "properties": properties })),
        ..below(call(versions, id, named), "blobServices/default")
    }
}

const POLICY: &str = "managementPolicies/default";

/// Reads what becomes of files with time. An account without rules has no policy; see [`NO_POLICY`].
pub fn get_lifecycle(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.Storage/storageAccounts/managementPolicies/read";
    let named = ("GetLifecycle", Method::GET, action);
    below(call(versions, id, named), POLICY)
}

/// Sets the rules, in place of all that there are. There must be one at least.
pub fn put_lifecycle(versions: &ApiVersions, id: &ResourceId, rules: &Lifecycle) -> Call {
    let action = "Microsoft.Storage/storageAccounts/managementPolicies/write";
    let named = ("SetLifecycle", Method::PUT, action);
    let rules: Vec<Value> = rules
        .iter()
        .map(|(name, rule)| written(name, rule))
        .collect();
    Call {
        body: Some(json!({ "properties": { "policy": { "rules": rules } } })),
        ..below(call(versions, id, named), POLICY)
    }
}

/// Takes all rules away.
pub fn delete_lifecycle(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.Storage/storageAccounts/managementPolicies/delete";
    let named = ("DeleteLifecycle", Method::DELETE, action);
    below(call(versions, id, named), POLICY)
}

const CHANGED: &str = "daysAfterModificationGreaterThan";
const CREATED: &str = "daysAfterCreationGreaterThan";

fn written(name: &str, rule: &LifecycleRule) -> Value {
    let files = [
        ("tierToCool", rule.cool),
        ("tierToCold", rule.cold),
        ("tierToArchive", rule.archive),
        ("delete", rule.delete),
    ];
    let files = files
        .into_iter()
        .filter_map(|(what, days)| Some((what.to_owned(), json!({ CHANGED: days? }))));
    let files: Map<String, Value> = files.collect();
    let mut actions = Map::new();
    if !files.is_empty() {
        actions.insert("baseBlob".to_owned(), Value::Object(files));
    }
    if let Some(days) = rule.delete_snapshots {
        let snapshot = json!({ "delete": { CREATED: days } });
        actions.insert("snapshot".to_owned(), snapshot);
    }
    let mut filters = json!({ "blobTypes": ["blockBlob"] });
    if !rule.prefixes.is_empty() {
        filters["prefixMatch"] = json!(rule.prefixes);
    }
    json!({
        "name": name,
        "enabled": !rule.disabled,
        "type": "Lifecycle",
        "definition": { "filters": filters, "actions": actions },
    })
}

/// The rules in the answer to [`get_lifecycle`] and [`put_lifecycle`].
pub fn read_lifecycle(reply: &Reply) -> Result<Lifecycle, Problem> {
    let rules = reply
        .body
        .pointer("/properties/policy/rules")
        .and_then(Value::as_array);
    let rules = rules.and_then(|rules| {
        rules
            .iter()
            .map(|one| Some((text(one, "name")?, rule(one)?)))
            .collect()
    });
    rules.ok_or_else(|| {
        incomplete(
            "the lifecycle policy of a storage account",
            "its rules in a form that is understood",
        )
    })
}

fn rule(one: &Value) -> Option<LifecycleRule> {
    let definition = one.get("definition")?;
    let mut read = LifecycleRule {
        disabled: !said(one, "enabled").map_or(Some(true), Value::as_bool)?,
        ..LifecycleRule::default()
    };
    if let Some(filters) = said(definition, "filters") {
        let prefixes = list(filters, "prefixMatch")?.iter();
        read.prefixes = prefixes
            .map(|one| Some(one.as_str()?.to_owned()))
            .collect::<Option<_>>()?;
        let types = list(filters, "blobTypes")?.iter();
        let others = types
            .filter_map(Value::as_str)
            .any(|kind| !kind.eq_ignore_ascii_case("blockBlob"));
        if others {
            read.beyond.insert("blobTypes".to_owned());
        }
        if !list(filters, "blobIndexMatch")?.is_empty() {
            read.beyond.insert("blobIndexMatch".to_owned());
        }
    }
    for (what, actions) in said(definition, "actions")?.as_object()? {
        for (action, when) in actions.as_object().into_iter().flatten() {
            take(&mut read, (what, action), when)?;
        }
    }
    Some(read)
}

/// Adds an action to a rule; what no spec says is named.
fn take(read: &mut LifecycleRule, (what, action): (&str, &str), when: &Value) -> Option<()> {
    // A switch that is off, and an action that is null, say nothing.
    if matches!(when, Value::Null | Value::Bool(false)) {
        return Some(());
    }
    let slot = match (what, action) {
        ("baseBlob", "tierToCool") => Some((&mut read.cool, CHANGED)),
        ("baseBlob", "tierToCold") => Some((&mut read.cold, CHANGED)),
        ("baseBlob", "tierToArchive") => Some((&mut read.archive, CHANGED)),
        ("baseBlob", "delete") => Some((&mut read.delete, CHANGED)),
        ("snapshot", "delete") => Some((&mut read.delete_snapshots, CREATED)),
        _ => None,
    };
    let conditions = when.as_object();
    let mut said = conditions
        .into_iter()
        .flatten()
        .filter(|(_, days)| !days.is_null());
    if let (Some((slot, name)), Some((only, days)), None) = (slot, said.next(), said.next())
        && only == name
    {
        *slot = Some(whole(days)?);
    } else {
        read.beyond.insert(format!("{what}.{action}"));
    }
    Some(())
}

/// Days, which Azure writes as numbers with a fraction at times.
fn whole(days: &Value) -> Option<u32> {
    let whole = days.as_u64().and_then(|days| u32::try_from(days).ok());
    let parted = || {
        let days = days.as_f64().filter(|days| days.fract() == 0.0)?;
        format!("{days:.0}").parse().ok()
    };
    whole.or_else(parted)
}

/// Makes a filesystem whose files are encrypted by a scope of their own, which the data lake's own call cannot say. One that exists
/// keeps its scope.
pub fn put_container(
    versions: &ApiVersions,
    id: &ResourceId,
    name: &FilesystemName,
    scope: &str,
) -> Call {
    let action = "Microsoft.Storage/storageAccounts/blobServices/containers/write";
    let named = ("CreateContainer", Method::PUT, action);
    let made = call(versions, id, named);
    Call {
        what: format!("filesystem {:?} of {}", name.as_str(), made.what),
        body: Some(json!({ "properties": {
            "defaultEncryptionScope": scope,
            "denyEncryptionScopeOverride": false,
            "publicAccess": "None",
        } })),
        ..below(made, &format!("blobServices/default/containers/{name}"))
    }
}

/// Lists filesystems whose names begin like this one, with those that were deleted and are kept.
pub fn deleted_containers(versions: &ApiVersions, id: &ResourceId, name: &FilesystemName) -> Call {
    let action = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
    let made = call(versions, id, ("ListContainers", Method::GET, action));
    let query = [("$include", "deleted"), ("$filter", name.as_str())];
    Call {
        query: query.map(|(name, value)| (name, value.to_owned())).into(),
        ..below(made, "blobServices/default/containers")
    }
}

/// Whether the answer to [`deleted_containers`] has a deleted one of exactly this name.
pub fn has_deleted(reply: &Reply, name: &FilesystemName) -> Result<bool, Problem> {
    let all = reply.body.get("value").and_then(Value::as_array);
    let all = all.ok_or_else(|| incomplete("a list of containers", "its value"))?;
    let is_deleted = |one: &Value| one["properties"]["deleted"] == json!(true);
    Ok(all
        .iter()
        .any(|one| one["name"] == name.as_str() && is_deleted(one)))
}

#[cfg(test)]
#[path = "storage_services_tests.rs"]
mod tests;
