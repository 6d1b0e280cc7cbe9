//! Containers, which are the filesystems of an account
//! (<https://learn.microsoft.com/rest/api/storagerp/blob-containers>).

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{body::one_of, find_made};
use crate::{
    resource_manager::{context::Context, lists},
    storage_lake::{
        errors::blob_code,
        lake::NewFilesystem,
        tree::{conditions::Conditions, lease::State, refusal::Refusal},
    },
    wire::reply::Reply,
    world::{
        World, containers::ContainerView, failure::Failure, moment::Moment,
        storage_spec::StorageAccountSpec,
    },
};

const ACCESS: [&str; 3] = ["None", "Container", "Blob"];
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// What the tree refuses, in the words of containers.
fn refused(refusal: Refusal) -> Failure {
    let (status, code, message) = refusal.words();
    let (code, text) = blob_code(code);
    Failure::new(status, code, text.unwrap_or(message))
}

fn document(spec: &StorageAccountSpec, container: &ContainerView, now: Moment) -> Value {
    let access = container.public_access.as_deref().unwrap_or("none");
    let access = one_of(&ACCESS, access, "publicAccess").unwrap_or_default();
    let (status, state) = match container.lease {
        State::Available => ("Unlocked", "Available"),
        State::Leased => ("Locked", "Leased"),
        State::Expired => ("Unlocked", "Expired"),
        State::Breaking => ("Locked", "Breaking"),
        State::Broken => ("Unlocked", "Broken"),
    };
    let mut properties = json!({
        "publicAccess": access,
        "leaseStatus": status,
        "leaseState": state,
        "lastModifiedTime": container.modified.timestamp().to_string(),
        "hasImmutabilityPolicy": false,
        "hasLegalHold": false,
        "defaultEncryptionScope": container.encryption_scope,
        "denyEncryptionScopeOverride": container.deny_scope_override,
        "deleted": container.deleted.is_some(),
    });
    if let Some(fields) = properties.as_object_mut() {
        if !container.metadata.is_empty() {
            fields.insert("metadata".to_owned(), json!(container.metadata));
        }
        if let Some((version, at, days)) = &container.deleted {
            let passed = now.0.saturating_sub(at.0) / MILLIS_PER_DAY;
            let left = i64::from(*days).saturating_sub(passed);
            fields.insert("version".to_owned(), json!(version));
            fields.insert("deletedTime".to_owned(), json!(at.timestamp().to_string()));
            fields.insert("remainingRetentionDays".to_owned(), json!(left));
        }
    }
    json!({
        "id": format!("{}/blobServices/default/containers/{}", spec.id(), container.name),
        "name": container.name,
        "type": "Microsoft.Storage/storageAccounts/blobServices/containers",
        "etag": format!("\"{}\"", container.etag),
        "properties": properties,
    })
}

pub(super) fn list(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let spec = &find_made(context, &world, group, name)?.spec;
    let include = context.call.query("$include").unwrap_or_default();
    let with_deleted = include.eq_ignore_ascii_case("deleted");
    let prefix = context.call.query("$filter").unwrap_or_default();
    let mut rows: Vec<(String, Value)> = world
        .containers(name, context.now)
        .into_iter()
        .filter(|one| one.name.starts_with(prefix) && (with_deleted || one.deleted.is_none()))
        .map(|one| {
            let version = one.deleted.as_ref().map(|(version, ..)| version.as_str());
            let key = format!("{}/{}", one.name, version.unwrap_or_default());
            (key, document(spec, &one, context.now))
        })
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let rows = rows.iter().map(|(key, row)| (key.as_str(), row.clone()));
    lists::page(context, rows)
}

/// The container that is there.
fn present(
    world: &World,
    account: &str,
    name: &str,
    now: Moment,
) -> Result<ContainerView, Failure> {
    let lake = world.lake(account).ok_or(Refusal::FilesystemNotFound);
    let found = lake.and_then(|lake| lake.read().get(name, now).map(|_| ()));
    found.map_err(refused)?;
    let all = world.containers(account, now);
    all.into_iter()
        .find(|one| one.name == name && one.deleted.is_none())
        .ok_or_else(|| refused(Refusal::FilesystemNotFound))
}

pub(super) fn one(
    context: &Context<'_>,
    group: &str,
    account: &str,
    name: &str,
) -> Result<Reply, Failure> {
    if context.is(&Method::GET) {
        let world = context.app.world.read();
        let spec = &find_made(context, &world, group, account)?.spec;
        let container = present(&world, account, name, context.now)?;
        let shown = document(spec, &container, context.now);
        return Ok(Reply::json(StatusCode::OK, &shown));
    }
    let mut world = context.app.world.write();
    find_made(context, &world, group, account)?;
    match context.call.method {
        Method::DELETE => match world.drop_container(account, name, context.now) {
            Ok(()) => Ok(Reply::empty(StatusCode::OK)),
            Err(Refusal::FilesystemNotFound) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
            Err(refusal) => Err(refused(refusal)),
        },
        _ => write(context, &mut world, account, name),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    metadata: Option<BTreeMap<String, String>>,
    public_access: Option<String>,
    default_encryption_scope: Option<String>,
    deny_encryption_scope_override: Option<bool>,
}

/// Makes a container (201), or changes it (200).
fn write(
    context: &Context<'_>,
    world: &mut World,
    account: &str,
    name: &str,
) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    let given = body.properties.unwrap_or_default();
    let access = given.public_access.as_deref();
    let access = access.map(|word| one_of(&ACCESS, word, "publicAccess"));
    let access = access.transpose()?.map(|word| word.to_ascii_lowercase());
    let spec = world.storage_account(account);
    let Some(spec) = spec.map(|one| Arc::clone(&one.spec)) else {
        return Err(refused(Refusal::FilesystemNotFound));
    };
    if access.as_deref().is_some_and(|word| word != "none") && !spec.allow_blob_public_access {
        return Err(Failure::new(
            409,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
        ));
    }
    let encoded = |values: BTreeMap<String, String>| {
        let pairs = values.into_iter();
        pairs
            .map(|(name, value)| (name, STANDARD.encode(value)))
            .collect()
    };
    let properties: Option<BTreeMap<String, String>> = given.metadata.map(encoded);
    let lake = world.lake_made(account);
    let found = lake.read().get(name, context.now).map(|_| ());
    let status = match (found, &context.call.method) {
        (Ok(()), _) => {
            let mut lake = lake.write();
            if let Some(properties) = properties {
                let free = Conditions::default();
                lake.set_properties(name, properties, &free, context.now)
                    .map_err(refused)?;
            }
            let container = lake.get_mut(name, context.now).map_err(refused)?;
            if let Some(word) = access {
                container.public_access = Some(word).filter(|word| word != "none");
            }
            StatusCode::OK
        }
        (Err(Refusal::FilesystemNotFound), &Method::PUT) => {
            let new = NewFilesystem {
                properties: properties.unwrap_or_default(),
                encryption_scope: given.default_encryption_scope,
                deny_scope_override: given.deny_encryption_scope_override.unwrap_or(false),
                public_access: access.filter(|word| word != "none"),
                ..NewFilesystem::default()
            };
            world
                .make_container(account, name, new, context.now)
                .map_err(refused)?;
            StatusCode::CREATED
        }
        (Err(refusal), _) => return Err(refused(refusal)),
    };
    let container = present(world, account, name, context.now)?;
    let shown = document(&spec, &container, context.now);
    Ok(Reply::json(status, &shown))
}
