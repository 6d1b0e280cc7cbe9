//! Files and directories.

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Done, errors::Exception};
use crate::{
    storage_lake::{
        context::empty,
        tree::{
            Tree, Wish, caller::Rights, conditions::Conditions, moving::Deletion, node::Node, path,
            permissions::Mode, refusal::Refusal,
        },
    },
    wire::reply::Reply,
};

const BLOCK_SIZE: u64 = 268_435_456;
/// What is made has these permissions where nothing is said or handed down.
const PERMISSIONS: &str = "770";
const MOST: u64 = 4000;

fn boolean(value: bool) -> Reply {
    Reply::json(StatusCode::OK, &json!({"boolean": value}))
}

/// What is to be made; a umask is not known here.
fn wish(context: &Context<'_>, directory: bool) -> Done<Wish> {
    let given = context.text("permission");
    let wrong = || Exception::argument("permission must be three or four octal digits.");
    let inherited = path::parent(&context.key)
        .and_then(|parent| {
            let tree = context.tree.read();
            tree.get(parent)
                .ok()
                .map(|node| node.access.lists.default.is_some())
        })
        .unwrap_or(false);
    let permissions = match given {
        Some(text) => Some(Mode::of_octal(text).ok_or_else(wrong)?),
        None if inherited => None,
        None => Mode::of_octal(PERMISSIONS),
    };
    Ok(Wish {
        directory,
        permissions,
        umask: Mode::of_octal("0000"),
        ..Wish::default()
    })
}

pub(super) fn make_directory(context: &Context<'_>) -> Done {
    let wish = wish(context, true)?;
    let mut tree = context.tree.write();
    match tree.get(&context.key) {
        Ok(node) if node.is_directory() => {}
        Ok(_) => return Err(context.refused(Refusal::PathConflict)),
        Err(_) => {
            tree.create(&context.caller, &context.key, &wish, context.now)
                .map_err(|refusal| context.refused(refusal))?;
        }
    }
    Ok(boolean(true))
}

/// The 307 of a client that does not say that the data is here already.
fn redirected(context: &Context<'_>, flag: &str) -> Reply {
    let route = &context.call.route;
    let query: Vec<String> = context
        .call
        .query
        .iter()
        .map(|(name, value)| {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("{name}={value}")
        })
        .collect();
    let location = format!(
        "{}{}?{}&{flag}=true",
        route.base,
        route.path,
        query.join("&")
    );
    empty(StatusCode::TEMPORARY_REDIRECT).with(header::LOCATION, &location)
}

pub(super) fn create(context: &Context<'_>) -> Done {
    if !context.flag("write") {
        return Ok(redirected(context, "write"));
    }
    let mut wish = wish(context, false)?;
    if !context.flag("overwrite") {
        wish.conditions = Conditions {
            if_none_match: Some("*".to_owned()),
            ..Conditions::default()
        };
    }
    let data = context.call.body.clone();
    let mut tree = context.tree.write();
    tree.write(&context.caller, &context.key, &wish, data, context.now)
        .map_err(|refusal| context.refused(refusal))?;
    Ok(empty(StatusCode::CREATED))
}

pub(super) fn append(context: &Context<'_>) -> Done {
    if !context.flag("append") {
        return Ok(redirected(context, "append"));
    }
    let offset = context.number("offset")?;
    let data = context.call.body.clone();
    let mut tree = context.tree.write();
    let length = tree
        .get(&context.key)
        .map_err(|refusal| context.refused(refusal))?
        .length();
    if offset.is_some_and(|offset| offset != length) {
        return Err(Exception::bad_offset(&path::text(&context.key), length));
    }
    let (caller, key, now) = (&context.caller, &context.key, context.now);
    tree.extend(caller, key, &data, now)
        .map_err(|refusal| context.refused(refusal))?;
    Ok(empty(StatusCode::OK))
}

pub(super) fn open(context: &Context<'_>) -> Done {
    if !context.flag("read") {
        return Ok(redirected(context, "read"));
    }
    let tree = context.tree.read();
    let node = tree
        .read(&context.caller, &context.key, &Conditions::default())
        .map_err(|refusal| context.refused(refusal))?;
    if node.is_directory() {
        return Err(context.refused(Refusal::PathConflict));
    }
    let data = node
        .body()
        .map(|body| body.data.clone())
        .unwrap_or_default();
    let all = data.len() as u64;
    let start = context.number("offset")?.unwrap_or(0).min(all);
    let length = context.number("length")?.unwrap_or(all);
    let end = start.saturating_add(length).min(all);
    let part = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let data = data.slice(part(start)..part(end));
    Ok(Reply {
        body: data,
        ..Reply::empty(StatusCode::OK)
    }
    .with(header::CONTENT_TYPE, "application/octet-stream"))
}

/// The body of MSCONCAT.
#[derive(Deserialize)]
struct Sources {
    sources: Vec<String>,
}

/// The files that are to be put together: paths in the query with commas between them, or in a JSON body.
fn sources(context: &Context<'_>) -> Done<Vec<Box<str>>> {
    let given = if let Some(given) = context.text("sources") {
        given.split(',').map(str::to_owned).collect()
    } else {
        let body: Sources = serde_json::from_slice(&context.call.body)
            .map_err(|_| Exception::argument("The body must be {\"sources\": [...]}."))?;
        body.sources
    };
    let sources: Result<Vec<_>, _> = given.iter().map(|text| path::key(text)).collect();
    sources.map_err(|refusal| context.refused(refusal))
}

pub(super) fn concat(context: &Context<'_>) -> Done {
    let sources = sources(context)?;
    let (caller, key, now) = (&context.caller, &context.key, context.now);
    let mut tree = context.tree.write();
    let mut data = BytesMut::new();
    for source in &sources {
        let node = tree
            .read(caller, source, &Conditions::default())
            .map_err(|refusal| Exception::of(refusal, &path::text(source)))?;
        data.extend_from_slice(node.body().map(|body| &*body.data).unwrap_or_default());
    }
    if tree.get(key).is_err() {
        let wish = wish_of_target(&tree, key);
        tree.create(caller, key, &wish, now)
            .map_err(|refusal| context.refused(refusal))?;
    }
    tree.extend(caller, key, &Bytes::from(data), now)
        .map_err(|refusal| context.refused(refusal))?;
    for source in &sources {
        tree.delete(caller, source, &Deletion::default(), now)
            .map_err(|refusal| Exception::of(refusal, &path::text(source)))?;
    }
    if context.flag("deleteSourceDirectory")
        && let Some(parent) = sources.first().and_then(|source| path::parent(source))
    {
        let all = Deletion {
            recursive: true,
            ..Deletion::default()
        };
        tree.delete(caller, parent, &all, now)
            .map_err(|refusal| Exception::of(refusal, &path::text(parent)))?;
    }
    Ok(empty(StatusCode::OK))
}

fn wish_of_target(tree: &Tree, key: &str) -> Wish {
    let parent = path::parent(key).unwrap_or_default();
    let inherited = tree
        .get(parent)
        .is_ok_and(|node| node.access.lists.default.is_some());
    Wish {
        permissions: if inherited {
            None
        } else {
            Mode::of_octal(PERMISSIONS)
        },
        umask: Mode::of_octal("0000"),
        ..Wish::default()
    }
}

pub(super) fn rename(context: &Context<'_>) -> Done {
    let destination = context.needed("destination")?;
    let mut to = path::key(destination).map_err(|refusal| Exception::of(refusal, destination))?;
    let (caller, from, now) = (&context.caller, &*context.key, context.now);
    let none = Conditions::default();
    let mut tree = context.tree.write();
    if tree.get(&to).is_ok_and(Node::is_directory) {
        to = path::child(&to, path::name(from));
    }
    if *to == *from || path::is_below(&to, from) || tree.get(&to).is_ok() {
        return Ok(boolean(false));
    }
    let directory = tree
        .check_source(caller, from, &none, None, now)
        .map_err(|refusal| context.refused(refusal))?;
    tree.check_destination(caller, &to, directory, (&none, None), now)
        .map_err(|refusal| Exception::of(refusal, destination))?;
    let taken = tree.take(from);
    tree.put(&to, taken);
    Ok(boolean(true))
}

pub(super) fn delete(context: &Context<'_>) -> Done {
    let deletion = Deletion {
        recursive: context.flag("recursive"),
        ..Deletion::default()
    };
    let mut tree = context.tree.write();
    match tree.delete(&context.caller, &context.key, &deletion, context.now) {
        Ok(_) => Ok(boolean(true)),
        Err(Refusal::PathNotFound) => Ok(boolean(false)),
        Err(refusal) => Err(context.refused(refusal)),
    }
}

fn file_status(name: &str, node: &Node) -> Value {
    let (kind, block, replication) = if node.is_directory() {
        ("DIRECTORY", 0, 0)
    } else {
        ("FILE", BLOCK_SIZE, 1)
    };
    json!({
        "length": node.length(),
        "pathSuffix": name,
        "type": kind,
        "blockSize": block,
        "accessTime": node.modified.0,
        "modificationTime": node.modified.0,
        "replication": replication,
        "permission": node.access.digits(),
        "owner": &*node.access.owner,
        "group": &*node.access.group,
        "msExpirationTime": 0,
        "aclBit": node.access.is_extended(),
    })
}

pub(super) fn status(context: &Context<'_>) -> Done {
    let tree = context.tree.read();
    let node = tree
        .look(&context.caller, &context.key, Rights::READ)
        .map_err(|refusal| context.refused(refusal))?;
    let body = json!({"FileStatus": file_status("", node)});
    Ok(Reply::json(StatusCode::OK, &body))
}

pub(super) fn list(context: &Context<'_>) -> Done {
    let most = context.number("listSize")?.unwrap_or(MOST).min(MOST);
    let tree = context.tree.read();
    let node = tree
        .look(&context.caller, &context.key, Rights::READ)
        .map_err(|refusal| context.refused(refusal))?;
    if !node.is_directory() {
        let only = [file_status("", node)];
        let body = json!({"FileStatuses": {"FileStatus": only, "continuationToken": ""}});
        return Ok(Reply::json(StatusCode::OK, &body));
    }
    let from = context
        .text("listAfter")
        .map(|name| path::after(&path::child(&context.key, name)));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let page = tree
        .list(&context.caller, &context.key, false, from.as_deref(), most)
        .map_err(|refusal| context.refused(refusal))?;
    let entries = page.entries.iter();
    let entries: Vec<Value> = entries
        .map(|(key, node)| file_status(path::name(key), node))
        .collect();
    // The name after which to go on, when there is more.
    let last = page.entries.last().filter(|_| page.next.is_some());
    let next = last.map_or("", |(key, _)| path::name(key));
    let body = json!({"FileStatuses": {"FileStatus": entries, "continuationToken": next}});
    Ok(Reply::json(StatusCode::OK, &body))
}

pub(super) fn summary(context: &Context<'_>) -> Done {
    let tree = context.tree.read();
    let own = tree
        .look(&context.caller, &context.key, Rights::READ)
        .map_err(|refusal| context.refused(refusal))?;
    let page = own.is_directory().then(|| {
        tree.list(&context.caller, &context.key, true, None, usize::MAX)
            .map_err(|refusal| context.refused(refusal))
    });
    let below = page
        .transpose()?
        .map(|page| page.entries)
        .unwrap_or_default();
    let (mut files, mut directories, mut length) = (0_u64, 0_u64, 0_u64);
    for node in std::iter::once(own).chain(below.into_iter().map(|(_, node)| node)) {
        length += node.length();
        if node.is_directory() {
            directories += 1;
        } else {
            files += 1;
        }
    }
    let body = json!({"ContentSummary": {
        "directoryCount": directories, "fileCount": files, "length": length,
        "quota": -1, "spaceConsumed": length, "spaceQuota": -1,
    }});
    Ok(Reply::json(StatusCode::OK, &body))
}
