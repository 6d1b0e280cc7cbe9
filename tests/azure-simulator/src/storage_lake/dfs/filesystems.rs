//! Filesystems.

use http::StatusCode;
use serde::Serialize;

use crate::{
    storage_lake::{
        context::{Context, Done, empty, http_date, split, stamped, with},
        identity::ContainerVerb,
        lake::NewFilesystem,
        requests,
        tree::refusal::Refusal,
    },
    wire::reply::Reply,
};

const MOST: usize = 5000;

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(rename = "DefaultEncryptionScope")]
    encryption_scope: &'a str,
    #[serde(rename = "DenyEncryptionScopeOverride")]
    deny_override: &'static str,
    etag: String,
    #[serde(rename = "lastModified")]
    modified: String,
    name: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    filesystems: Vec<Listed<'a>>,
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// A JSON answer as this endpoint writes it: with a line break at its end.
pub(super) fn json(body: &impl Serialize) -> Reply {
    let reply = Reply::json(StatusCode::OK, body);
    let mut bytes = reply.body.to_vec();
    bytes.push(b'\n');
    let reply = Reply {
        body: bytes.into(),
        ..reply
    };
    reply.with(http::header::CONTENT_TYPE, "application/json;charset=utf-8")
}

pub(super) fn list(context: &Context<'_>) -> Done {
    context.check_containers(None, ContainerVerb::List)?;
    let call = context.call;
    let most = requests::page(call, "maxResults", MOST)?;
    let prefix = call.query("prefix").unwrap_or_default();
    // The token is the name to go on with.
    let from = call.query("continuation").unwrap_or_default();
    let lake = context.lake.read();
    let mut fitting = lake
        .all()
        .filter(|(name, _)| name.starts_with(prefix) && *name >= from);
    let filesystems = fitting
        .by_ref()
        .take(most)
        .map(|(name, one)| Listed {
            encryption_scope: &one.encryption_scope,
            deny_override: truth(one.deny_scope_override),
            etag: one.etag(),
            modified: http_date(one.modified),
            name,
        })
        .collect();
    let next = fitting.next().map_or("", |(name, _)| name);
    Ok(with(json(&List { filesystems }), "x-ms-continuation", next))
}

pub(super) fn create(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let header = |name: &str| context.call.header(name).map(str::to_owned);
    let new = NewFilesystem {
        owner: context.who.id().to_string(),
        properties: requests::properties(context.call)?.unwrap_or_default(),
        encryption_scope: header("x-ms-default-encryption-scope"),
        deny_scope_override: header("x-ms-deny-encryption-scope-override").as_deref()
            == Some("true"),
        public_access: None,
    };
    let mut lake = context.lake.write();
    let made = lake.create(&name, new, context.now)?;
    let reply = stamped(empty(StatusCode::CREATED), &made.etag(), made.modified);
    Ok(with_namespace(context, reply))
}

fn with_namespace(context: &Context<'_>, reply: Reply) -> Reply {
    let enabled = truth(context.account.spec.has_namespace());
    with(reply, "x-ms-namespace-enabled", enabled)
}

pub(super) fn get(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Read)?;
    let lake = context.lake.read();
    let found = lake.get(&name, context.now)?;
    let properties = requests::properties_text(Some(&found.properties));
    let headers = [
        (
            "x-ms-default-encryption-scope",
            found.encryption_scope.as_str(),
        ),
        (
            "x-ms-deny-encryption-scope-override",
            truth(found.deny_scope_override),
        ),
        ("x-ms-properties", &properties),
    ];
    let reply = stamped(Reply::empty(StatusCode::OK), &found.etag(), found.modified);
    let reply = headers
        .into_iter()
        .fold(reply, |reply, (name, value)| with(reply, name, value));
    Ok(with_namespace(context, reply))
}

pub(super) fn set_properties(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let properties = requests::properties(context.call)?.ok_or(Refusal::MissingRequiredHeader)?;
    let conditions = context.conditions()?;
    let mut lake = context.lake.write();
    let found = lake.set_properties(&name, properties, &conditions, context.now)?;
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
