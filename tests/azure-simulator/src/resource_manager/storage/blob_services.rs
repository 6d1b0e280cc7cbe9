//! The blob service of an account (<https://learn.microsoft.com/rest/api/storagerp/blob-services>).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{document, find, find_made, invalid_values};
use crate::{
    resource_manager::{context::Context, lists},
    wire::reply::Reply,
    world::{
        failure::Failure,
        storage_spec::{Retention, StorageAccountSpec},
    },
};

fn shown(spec: &StorageAccountSpec) -> Value {
    let service = &spec.blob_service;
    let mut properties = json!({
        "cors": service.cors.clone().unwrap_or_else(|| json!({"corsRules": []})),
        "deleteRetentionPolicy": retention(&service.delete_retention, true),
        "containerDeleteRetentionPolicy": retention(&service.container_delete_retention, false),
    });
    if let Some(fields) = properties.as_object_mut() {
        let versions = service.is_versioning_enabled.map(|value| json!(value));
        let version = service.default_service_version.as_ref();
        for (name, value) in [
            ("defaultServiceVersion", version.map(|value| json!(value))),
            ("isVersioningEnabled", versions),
            ("changeFeed", service.change_feed.clone()),
            ("restorePolicy", service.restore_policy.clone()),
            (
                "lastAccessTimeTrackingPolicy",
                service.last_access_time_tracking.clone(),
            ),
        ] {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    json!({
        "sku": document::sku(spec),
        "id": format!("{}/blobServices/default", spec.id()),
        "name": "default",
        "type": "Microsoft.Storage/storageAccounts/blobServices",
        "properties": properties,
    })
}

fn retention(policy: &Retention, of_blobs: bool) -> Value {
    let mut shown = Map::new();
    shown.insert("enabled".to_owned(), json!(policy.enabled));
    if let Some(days) = policy.days.filter(|_| policy.enabled) {
        shown.insert("days".to_owned(), json!(days));
    }
    if of_blobs {
        let allowed = policy.allow_permanent_delete.unwrap_or(false);
        shown.insert("allowPermanentDelete".to_owned(), json!(allowed));
    }
    shown.into()
}

pub(super) fn list(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let account = find_made(context, &world, group, name)?;
    Ok(lists::whole(vec![shown(&account.spec)]))
}

pub(super) fn one(
    context: &Context<'_>,
    group: &str,
    name: &str,
    service: &str,
) -> Result<Reply, Failure> {
    if !service.eq_ignore_ascii_case("default") {
        return Err(invalid_values("blobServicesName"));
    }
    if context.is(&Method::PUT) {
        return put(context, group, name);
    }
    let world = context.app.world.read();
    let account = find(context, &world, group, name)?;
    Ok(Reply::json(StatusCode::OK, &shown(&account.spec)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    properties: Properties,
}

/// What is left out stays as it is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    cors: Option<Value>,
    default_service_version: Option<String>,
    delete_retention_policy: Option<RetentionBody>,
    container_delete_retention_policy: Option<RetentionBody>,
    is_versioning_enabled: Option<bool>,
    change_feed: Option<Value>,
    restore_policy: Option<Value>,
    last_access_time_tracking_policy: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RetentionBody {
    enabled: Option<bool>,
    days: Option<u16>,
    allow_permanent_delete: Option<bool>,
}

impl RetentionBody {
    fn read(&self, field: &str) -> Result<Retention, Failure> {
        let enabled = self.enabled.unwrap_or(false);
        let fits = self.days.is_some_and(|days| (1..=365).contains(&days));
        if enabled && !fits {
            return Err(invalid_values(&format!("{field}.days")));
        }
        Ok(Retention {
            enabled,
            days: self.days.filter(|_| enabled),
            allow_permanent_delete: self.allow_permanent_delete,
        })
    }
}

fn put(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let Body { properties: given } = context.body()?;
    let mut world = context.app.world.write();
    let account = find_made(context, &world, group, name)?;
    let mut spec = StorageAccountSpec::clone(&account.spec);
    let here = &mut spec.blob_service;
    if let Some(policy) = &given.delete_retention_policy {
        here.delete_retention = policy.read("deleteRetentionPolicy")?;
    }
    if let Some(policy) = &given.container_delete_retention_policy {
        here.container_delete_retention = policy.read("containerDeleteRetentionPolicy")?;
    }
    here.cors = given.cors.or_else(|| here.cors.take());
    here.default_service_version = given
        .default_service_version
        .or_else(|| here.default_service_version.take());
    here.is_versioning_enabled = given.is_versioning_enabled.or(here.is_versioning_enabled);
    here.change_feed = given.change_feed.or_else(|| here.change_feed.take());
    here.restore_policy = given.restore_policy.or_else(|| here.restore_policy.take());
    here.last_access_time_tracking = given
        .last_access_time_tracking_policy
        .or_else(|| here.last_access_time_tracking.take());
    // Blobs of a hierarchical namespace have no versions.
    if here.is_versioning_enabled == Some(true) && spec.has_namespace() {
        return Err(Failure::new(
            409,
            "FeatureNotSupportedForAccount",
            "Versioning is not supported for the account.",
        ));
    }
    let told = shown(&spec);
    if let Some(account) = world.storage_account_mut(name) {
        account.spec = Arc::new(spec);
    }
    Ok(Reply::json(StatusCode::OK, &told))
}
