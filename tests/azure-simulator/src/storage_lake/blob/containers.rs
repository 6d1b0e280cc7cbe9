//! Containers, which are the filesystems.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{
    storage_lake::{
        context::{Context, Done, empty, split, stamped, with},
        identity::ContainerVerb,
        lake::NewFilesystem,
        plain,
        tree::{lease, refusal::Refusal},
    },
    wire::{call::Call, reply::Reply},
};

const METADATA: &str = "x-ms-meta-";

/// `x-ms-meta-…`, with its values as properties have them.
pub(super) fn metadata(call: &Call) -> BTreeMap<String, String> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        let name = name.as_str().strip_prefix(METADATA)?;
        Some((name.to_owned(), STANDARD.encode(value.as_bytes())))
    };
    call.headers.iter().filter_map(pair).collect()
}

/// With metadata.
pub(super) fn with_metadata(reply: Reply, properties: &BTreeMap<String, String>) -> Reply {
    properties.iter().fold(reply, |reply, (name, value)| {
        match HeaderName::from_bytes(format!("{METADATA}{name}").as_bytes()) {
            Ok(name) => reply.with(name, &plain(value)),
            Err(_) => reply,
        }
    })
}

pub(super) fn create(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let header = |name: &str| context.call.header(name).map(str::to_owned);
    let public_access = header("x-ms-blob-public-access");
    if public_access.is_some() && !context.account.spec.allow_blob_public_access {
        let message = "Public access is not permitted on this storage account.";
        return Err(crate::storage_lake::errors::Problem::new(
            409,
            "PublicAccessNotPermitted",
            message,
        ));
    }
    let new = NewFilesystem {
        owner: context.who.id().to_string(),
        properties: metadata(context.call),
        encryption_scope: header("x-ms-default-encryption-scope"),
        deny_scope_override: header("x-ms-deny-encryption-scope-override").as_deref()
            == Some("true"),
        public_access,
    };
    let mut lake = context.lake.write();
    let made = lake.create(&name, new, context.now)?;
    Ok(stamped(
        empty(StatusCode::CREATED),
        &made.etag(),
        made.modified,
    ))
}

pub(super) fn get(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Read)?;
    context.read(&name, |found| {
        let state = lease::state(found.lease.as_ref(), context.now);
        let truth = |value: bool| if value { "true" } else { "false" };
        let all = [
            ("x-ms-lease-status", state.status()),
            ("x-ms-lease-state", state.word()),
            ("x-ms-has-immutability-policy", "false"),
            ("x-ms-has-legal-hold", "false"),
            ("x-ms-immutable-storage-with-versioning-enabled", "false"),
            ("x-ms-default-encryption-scope", &found.encryption_scope),
            (
                "x-ms-deny-encryption-scope-override",
                truth(found.deny_scope_override),
            ),
        ];
        let reply = stamped(empty(StatusCode::OK), &found.etag(), found.modified);
        let reply = all
            .into_iter()
            .fold(reply, |reply, (name, value)| with(reply, name, value));
        let reply = match &found.public_access {
            Some(access) => with(reply, "x-ms-blob-public-access", access),
            None => reply,
        };
        Ok(with_metadata(reply, &found.properties))
    })
}

pub(super) fn set_metadata(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let conditions = context.conditions()?;
    let mut lake = context.lake.write();
    let given = metadata(context.call);
    let found = lake.set_properties(&name, given, &conditions, context.now)?;
    Ok(stamped(
        empty(StatusCode::OK),
        &found.etag(),
        found.modified,
    ))
}

pub(super) fn delete(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Delete)?;
    let conditions = context.conditions()?;
    let lease = context.lease();
    let how = context.farewell();
    let mut lake = context.lake.write();
    lake.delete(&name, &conditions, lease.as_deref(), how, context.now)?;
    Ok(empty(StatusCode::ACCEPTED))
}

pub(super) fn restore(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let header = |name: &str| {
        context
            .call
            .header(name)
            .ok_or(Refusal::MissingRequiredHeader)
    };
    let deleted = header("x-ms-deleted-container-name")?;
    let version = header("x-ms-deleted-container-version")?;
    let mut lake = context.lake.write();
    lake.restore(deleted, version, &name, context.now)?;
    Ok(empty(StatusCode::CREATED))
}
