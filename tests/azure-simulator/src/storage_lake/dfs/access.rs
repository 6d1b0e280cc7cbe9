//! Owners and access lists.

use http::StatusCode;
use serde::Serialize;

use super::filesystems::json;
use crate::storage_lake::{
    context::{Context, Done, empty, of_node, with},
    requests, stumble,
    tokens::{self, Kind},
    tree::{
        Change,
        acl::How,
        caller::Rights,
        path,
        recursive::{Batch, Order},
        refusal::Refusal,
    },
};
use crate::wire::reply::Reply;

/// Paths of a batch.
const MOST: usize = 2000;

pub(super) fn get(context: &Context<'_>) -> Done {
    context.need_namespace()?;
    let (filesystem, key) = context.place()?;
    let names = context.names_wanted()?;
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    let world = context.app.world.read();
    let shown = |id: &str| {
        if names {
            requests::shown(&world, id)
        } else {
            id.to_owned()
        }
    };
    context.read(&filesystem, |found| {
        let node = found
            .tree
            .look(&caller, &key, Rights::EXECUTE | Rights::PERMISSIONS)?;
        conditions.check_read(node)?;
        let access = &node.access;
        let headers = [
            ("x-ms-owner", shown(&access.owner)),
            ("x-ms-group", shown(&access.group)),
            ("x-ms-permissions", access.permissions()),
            ("x-ms-acl", access.lists.text(&shown)),
        ];
        let reply = of_node(Reply::empty(StatusCode::OK), node);
        Ok(headers
            .into_iter()
            .fold(reply, |reply, (name, value)| with(reply, name, &value)))
    })
}

pub(super) fn set(context: &Context<'_>) -> Done {
    context.need_namespace()?;
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let change = {
        let world = context.app.world.read();
        Change {
            owner: requests::principal(call, "x-ms-owner", &world)?,
            group: requests::principal(call, "x-ms-group", &world)?,
            mode: requests::permissions(call)?,
            list: requests::list(call, &world)?.map(|entries| (How::Set, entries)),
            ..Change::default()
        }
    };
    if change.mode.is_some() && change.list.is_some() {
        return Err(Refusal::InvalidInput.into());
    }
    if change.is_empty() {
        return Err(Refusal::MissingRequiredHeader.into());
    }
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    let mut lake = context.lake.write();
    lake.get(&filesystem, context.now)?;
    let mut stumbles = lake.take_stumbles(&filesystem);
    let fails = stumble::stumbles(&mut stumbles, &key);
    lake.set_stumbles(&filesystem, stumbles);
    if fails {
        return Err(Refusal::AuthorizationPermissionMismatch.into());
    }
    let found = lake.get_mut(&filesystem, context.now)?;
    let node = found
        .tree
        .change_access(&caller, &key, &change, &conditions)?;
    let reply = of_node(empty(StatusCode::OK), node);
    Ok(with(reply, "x-ms-namespace-enabled", "true"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    error_message: &'static str,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    directories_successful: u64,
    failed_entries: Vec<Failed>,
    failure_count: u64,
    files_successful: u64,
}

impl Report {
    fn of(batch: &Batch) -> Self {
        let failed = |one: &crate::storage_lake::tree::recursive::Failure| Failed {
            error_message: one.refusal.words().2,
            name: path::text(&one.key),
            kind: if one.directory { "DIRECTORY" } else { "FILE" },
        };
        Self {
            directories_successful: batch.directories,
            failed_entries: batch.failures.iter().map(failed).collect(),
            failure_count: batch.failures.len() as u64,
            files_successful: batch.files,
        }
    }
}

pub(super) fn set_recursive(context: &Context<'_>) -> Done {
    context.need_namespace()?;
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let how = match call.query("mode").map(str::to_ascii_lowercase).as_deref() {
        Some("set") => How::Set,
        Some("modify") => How::Modify,
        Some("remove") => How::Remove,
        Some(_) => return Err(Refusal::InvalidQueryParameterValue.into()),
        None => return Err(Refusal::MissingRequiredQueryParameter.into()),
    };
    let most = requests::page(call, "maxRecords", MOST)?;
    let force = requests::flag(call, "forceFlag")?.unwrap_or(false);
    let entries =
        requests::list(call, &context.app.world.read())?.ok_or(Refusal::MissingRequiredHeader)?;
    let caller = context.caller(&filesystem)?;
    let mut lake = context.lake.write();
    lake.get(&filesystem, context.now)?;
    let stumbles = std::cell::RefCell::new(lake.take_stumbles(&filesystem));
    let fails = |key: &str| {
        stumble::stumbles(&mut stumbles.borrow_mut(), key)
            .then_some(Refusal::AuthorizationPermissionMismatch)
    };
    let order = Order {
        how,
        entries: &entries,
        most,
        force,
        fails: &fails,
    };
    let done = lake.get_mut(&filesystem, context.now).and_then(|found| {
        let from = tokens::key(Kind::Lists, found, call.query("continuation"))?;
        let batch = found
            .tree
            .change_lists(&caller, &key, from.as_deref(), &order)?;
        let next = batch.next.as_deref();
        let next = next.map(|key| tokens::token(Kind::Lists, found, key));
        Ok((batch, next))
    });
    lake.set_stumbles(&filesystem, stumbles.into_inner());
    let (batch, next) = done?;
    let mut reply = with(
        json(&Report::of(&batch)),
        "x-ms-namespace-enabled",
        "true",
    );
    // The service says of this one body alone not what it is.
    reply.headers.remove(http::header::CONTENT_TYPE);
    Ok(match next {
        Some(next) => with(reply, "x-ms-continuation", &next),
        None => reply,
    })
}
