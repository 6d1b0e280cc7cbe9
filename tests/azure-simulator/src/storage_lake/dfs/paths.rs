//! Directories and files as paths: creation, lists, renaming, deletion.

use http::StatusCode;
use serde::Serialize;

use super::filesystems::json;
use crate::storage_lake::{
    context::{Context, Done, empty, http_date, of_node, split, with},
    errors::Problem,
    requests, shared_key,
    tokens::{self, Kind},
    tree::{Wish, moving::Deletion, node::Node, path, refusal::Refusal},
};

const MOST: usize = 5000;

pub(super) fn create(context: &Context<'_>, directory: bool) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let permissions = requests::permissions(call)?;
    let (owner, group, list) = {
        let world = context.app.world.read();
        (
            requests::principal(call, "x-ms-owner", &world)?,
            requests::principal(call, "x-ms-group", &world)?,
            requests::list(call, &world)?,
        )
    };
    if permissions.is_some() && list.is_some() {
        return Err(Refusal::InvalidInput.into());
    }
    if permissions.is_some() || list.is_some() || owner.is_some() || group.is_some() {
        context.need_namespace()?;
    }
    let wish = Wish {
        directory,
        owner,
        group,
        permissions,
        umask: requests::umask(call)?,
        list,
        properties: requests::properties(call)?,
        headers: requests::content_headers(call, "x-ms-"),
        conditions: context.conditions()?,
        lease: context.lease(),
    };
    let caller = context.caller(&filesystem)?;
    let reply = context.write(&filesystem, |found| {
        let node = found.tree.create(&caller, &key, &wish, context.now)?;
        Ok(of_node(empty(StatusCode::CREATED), node))
    })?;
    Ok(with(reply, "x-ms-request-server-encrypted", "true"))
}

/// As lists have it: all are texts, in the order of their names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    content_length: String,
    creation_time: String,
    etag: String,
    expiry_time: &'static str,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_directory: Option<&'static str>,
    last_modified: String,
    name: String,
    owner: String,
    permissions: String,
}

impl Listed {
    fn of(key: &str, node: &Node, shown: &dyn Fn(&str) -> String) -> Self {
        Self {
            content_length: node.length().to_string(),
            creation_time: node.created_filetime().to_string(),
            etag: node.etag(),
            expiry_time: "0",
            group: shown(&node.access.group),
            is_directory: node.is_directory().then_some("true"),
            last_modified: http_date(node.modified),
            name: path::text(key),
            owner: shown(&node.access.owner),
            permissions: node.access.permissions(),
        }
    }
}

#[derive(Serialize)]
struct List {
    paths: Vec<Listed>,
}

pub(super) fn list(context: &Context<'_>) -> Done {
    let (filesystem, _) = split(&context.call.route.path);
    let call = context.call;
    let recursive =
        requests::flag(call, "recursive")?.ok_or(Refusal::MissingRequiredQueryParameter)?;
    let most = requests::page(call, "maxResults", MOST)?;
    let directory = path::key(call.query("directory").unwrap_or_default())?;
    let names = context.names_wanted()?;
    let caller = context.lister(&filesystem)?;
    let world = context.app.world.read();
    let shown = |id: &str| {
        if names {
            requests::shown(&world, id)
        } else {
            id.to_owned()
        }
    };
    let (paths, next) = context.read(&filesystem, |found| {
        let from = tokens::key(Kind::Paths, found, call.query("continuation"))?;
        let page = found
            .tree
            .list(&caller, &directory, recursive, from.as_deref(), most)?;
        let paths = page.entries.iter();
        let paths: Vec<_> = paths
            .map(|(key, node)| Listed::of(key, node, &shown))
            .collect();
        let next = page.next.map(|key| tokens::token(Kind::Paths, found, key));
        Ok((paths, next))
    })?;
    let reply = json(&List { paths });
    Ok(match next {
        Some(next) => with(reply, "x-ms-continuation", &next),
        None => reply,
    })
}

/// Where `x-ms-rename-source` points: a filesystem and a key. What follows a question mark is a signature of its own,
/// which says no more than the request's.
fn source(context: &Context<'_>) -> Done<(String, Box<str>)> {
    let given = context
        .call
        .header("x-ms-rename-source")
        .ok_or(Refusal::MissingRequiredHeader)?;
    let path = given.split('?').next().unwrap_or_default();
    let path = shared_key::decoded(path);
    if !path.starts_with('/') {
        return Err(Refusal::InvalidHeaderValue.into());
    }
    let (filesystem, rest) = split(&path.replace('%', "%25"));
    Ok((filesystem, path::key(&rest)?))
}

pub(super) fn rename(context: &Context<'_>) -> Done {
    let (to_filesystem, to) = context.place()?;
    let (from_filesystem, from) = source(context)?;
    let call = context.call;
    match call.query("mode").map(str::to_ascii_lowercase).as_deref() {
        None | Some("posix" | "legacy") => {}
        Some(_) => return Err(Refusal::InvalidQueryParameterValue.into()),
    }
    let same = from_filesystem == to_filesystem;
    if same && (path::is_below(&to, &from) || to == from) {
        return Err(Refusal::InvalidRenameSourcePath.into());
    }
    let properties = requests::properties(call)?;
    let source_conditions = requests::conditions(call, "x-ms-source-")?;
    let conditions = context.conditions()?;
    let source_lease = requests::text(call, "x-ms-source-lease-id");
    let lease = requests::text(call, "x-ms-lease-id");
    let now = context.now;
    let mover = context.caller(&from_filesystem)?;
    let receiver = context.caller(&to_filesystem)?;
    let mut lake = context.lake.write();
    lake.get(&to_filesystem, now)?;
    let source = lake.get(&from_filesystem, now)?;
    let directory =
        source
            .tree
            .check_source(&mover, &from, &source_conditions, source_lease, now)?;
    let target = lake.get(&to_filesystem, now)?;
    target
        .tree
        .check_destination(&receiver, &to, directory, (&conditions, lease), now)?;
    let target = if same {
        let target = lake.get_mut(&to_filesystem, now)?;
        let taken = target.tree.take(&from);
        target.tree.put(&to, taken);
        target
    } else {
        let (source, target) = lake
            .pair_mut(&from_filesystem, &to_filesystem)
            .ok_or(Refusal::FilesystemNotFound)?;
        let taken = source.tree.take(&from);
        target.tree.put(&to, taken);
        target
    };
    if let Some(properties) = properties {
        target.tree.replace_properties(&to, properties);
    }
    Ok(of_node(empty(StatusCode::CREATED), target.tree.get(&to)?))
}

pub(super) fn delete(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let paginated = requests::flag(call, "paginated")?.unwrap_or(false);
    let deletion = Deletion {
        recursive: requests::flag(call, "recursive")?.unwrap_or(false),
        conditions: context.conditions()?,
        lease: context.lease(),
        most: paginated.then_some(MOST),
    };
    if key.is_empty() {
        return Err(Problem::from(Refusal::InvalidInput));
    }
    let caller = context.caller(&filesystem)?;
    let next = context.write(&filesystem, |found| {
        let more = found.tree.delete(&caller, &key, &deletion, context.now)?;
        Ok(more.then(|| tokens::token(Kind::Paths, found, &key)))
    })?;
    let status = if paginated {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok(match next {
        Some(next) => with(empty(status), "x-ms-continuation", &next),
        None => empty(status),
    })
}
