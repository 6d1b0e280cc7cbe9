//! Admin calls about what is in storage accounts and Data Lake Stores: as if somebody did it who may do everything, and
//! whom no one sees.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Body, Refused, changes::Here, done, elsewhere};
use crate::{
    app::App,
    storage_lake::{
        lake::{Farewell, NewFilesystem},
        stumble::Stumble,
        tree::{
            Change, Tree, Wish,
            acl::How,
            acl_text,
            caller::Caller,
            conditions::Conditions,
            grow::Shape,
            moving::Deletion,
            node::{Node, SUPERUSER},
            path,
            permissions::Mode,
            refusal::Refusal,
        },
    },
    world::{files::GroupSpec, moment::Moment},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Which {
    /// Absent: the root.
    path: String,
}

/// What a path is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Wanted {
    /// With this it is a file.
    content: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    permissions: Option<String>,
    /// In the place of what is there.
    acl: Option<String>,
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Growth {
    /// The directory that the tree is below, which is made when it is not there; absent: the root.
    #[serde(default)]
    path: String,
    count: usize,
    #[serde(default)]
    fan_out: Option<usize>,
    #[serde(default)]
    depth: Option<usize>,
}

fn refused(refusal: Refusal) -> Refused {
    let (status, code, message) = refusal.words();
    let text = format!("{code}: {message}");
    if status == 404 {
        Refused::absent(text)
    } else {
        Refused::bad(text)
    }
}

/// Changes the tree of a filesystem.
fn in_lake<T>(
    app: &App,
    account: &str,
    filesystem: &str,
    change: impl FnOnce(&mut Tree, Moment) -> Result<T, Refusal>,
) -> Result<T, Refused> {
    check_account(app, account)?;
    let now = app.now();
    let lake = app.lake(account);
    let mut lake = lake.write();
    let found = lake.get_mut(filesystem, now).map_err(refused)?;
    change(&mut found.tree, now).map_err(refused)
}

fn check_account(app: &App, account: &str) -> Result<(), Refused> {
    match app.world.read().storage_account(account) {
        Some(_) => Ok(()),
        None => Err(Refused::absent(format!(
            "there is no storage account {account}"
        ))),
    }
}

/// Changes the tree of a Data Lake Store.
fn in_store<T>(
    app: &App,
    store: &str,
    change: impl FnOnce(&mut Tree, Moment) -> Result<T, Refusal>,
) -> Result<T, Refused> {
    let now = app.now();
    if app.world.read().lake_store(store).is_none() {
        return Err(Refused::absent(format!(
            "there is no Data Lake Store {store}"
        )));
    }
    let tree = app.world.write().store_made(store, now);
    let mut tree = tree.write();
    change(&mut tree, now).map_err(refused)
}

fn shown(key: &str, node: &Node) -> Value {
    let access = &node.access;
    let content = node.body().map(|body| STANDARD.encode(&body.data));
    json!({
        "path": path::text(key),
        "directory": node.is_directory(),
        "length": node.length(),
        "content": content,
        "owner": &*access.owner,
        "group": &*access.group,
        "permissions": access.permissions(),
        "acl": access.lists.text(&|id| id.to_owned()),
        "properties": node.properties().cloned().unwrap_or_default(),
        "etag": node.etag(),
    })
}

fn look(tree: &Tree, which: &Which) -> Result<Value, Refusal> {
    let key = path::key(&which.path)?;
    Ok(shown(&key, tree.get(&key)?))
}

/// Makes a path, or changes what is there to what is wanted.
fn put(tree: &mut Tree, which: &Which, wanted: &Wanted, now: Moment) -> Result<Value, Refusal> {
    let key = path::key(&which.path)?;
    let all = Caller::superuser();
    let absent = tree.get(&key).is_err();
    if absent || wanted.content.is_some() {
        let wish = Wish {
            directory: wanted.content.is_none(),
            ..Wish::default()
        };
        tree.create(&all, &key, &wish, now)?;
    }
    if let Some(content) = &wanted.content {
        tree.extend(&all, &key, &content.clone().into_bytes().into(), now)?;
    }
    if let Some(properties) = &wanted.properties {
        tree.replace_properties(&key, properties.clone());
    }
    let id = |name: &str| Some(name.to_ascii_lowercase());
    let mode = wanted.permissions.as_deref();
    let mode = mode.map(|text| Mode::of_text(text).ok_or(Refusal::InvalidHeaderValue));
    let list = wanted.acl.as_deref();
    let list = list.map(|text| Ok::<_, Refusal>((How::Set, acl_text::parse(text, &id)?)));
    let name = |given: &Option<String>| given.as_deref().map(|id| id.to_ascii_lowercase().into());
    let change = Change {
        owner: name(&wanted.owner),
        group: name(&wanted.group),
        mode: mode.transpose()?,
        list: list.transpose()?,
        ..Change::default()
    };
    let node = tree.change_access(&all, &key, &change, &Conditions::default())?;
    Ok(shown(&key, node))
}

fn remove(tree: &mut Tree, which: &Which, now: Moment) -> Result<(), Refusal> {
    let key = path::key(&which.path)?;
    let deletion = Deletion {
        recursive: true,
        ..Deletion::default()
    };
    tree.delete(&Caller::superuser(), &key, &deletion, now)?;
    Ok(())
}

fn grow(tree: &mut Tree, growth: &Growth, now: Moment) -> Result<Value, Refusal> {
    let key = path::key(&growth.path)?;
    if tree.get(&key).is_err() {
        let wish = Wish {
            directory: true,
            ..Wish::default()
        };
        tree.create(&Caller::superuser(), &key, &wish, now)?;
    }
    let shape = Shape::new(growth.count, growth.fan_out, growth.depth);
    tree.grow(&key, shape, now)?;
    Ok(json!({"paths": tree.len()}))
}

pub(super) async fn filesystems(State(app): Here, Path(account): Path<String>) -> Answer {
    check_account(&app, &account)?;
    let (lake, now) = (app.lake(&account), app.now());
    let lake = lake.read();
    let live: Vec<Value> = lake
        .all()
        .map(|(name, found)| {
            json!({
                "name": name,
                "paths": found.tree.len(),
                "properties": found.properties,
                "etag": found.etag(),
            })
        })
        .collect();
    let deleted = lake.all_deleted(now);
    let deleted: Vec<Value> = deleted
        .map(|(version, one)| json!({"name": one.name, "version": version}))
        .collect();
    Ok(Json(json!({"filesystems": live, "deleted": deleted})))
}

/// Makes a filesystem when it is not there.
pub(super) async fn put_filesystem(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
) -> Answer {
    check_account(&app, &account)?;
    let new = NewFilesystem {
        owner: SUPERUSER.to_owned(),
        ..NewFilesystem::default()
    };
    // Nobody asks for the world while it holds a lake.
    let (lake, now) = (app.lake(&account), app.now());
    match lake.write().create(&filesystem, new, now) {
        Ok(_) | Err(Refusal::FilesystemAlreadyExists) => Ok(done()),
        Err(refusal) => Err(refused(refusal)),
    }
}

pub(super) async fn delete_filesystem(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
) -> Answer {
    check_account(&app, &account)?;
    let (conditions, now) = (Conditions::default(), app.now());
    app.lake(&account)
        .write()
        .delete(&filesystem, &conditions, None, Farewell::default(), now)
        .map_err(refused)?;
    Ok(done())
}

pub(super) async fn path_of_lake(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Answer {
    in_lake(&app, &account, &filesystem, |tree, _| look(tree, &which)).map(Json)
}

pub(super) async fn put_path_of_lake(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
    Query(which): Query<Which>,
    Body(wanted): Body<Wanted>,
) -> Answer {
    in_lake(&app, &account, &filesystem, |tree, now| {
        put(tree, &which, &wanted, now)
    })
    .map(Json)
}

pub(super) async fn delete_path_of_lake(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Answer {
    in_lake(&app, &account, &filesystem, |tree, now| {
        remove(tree, &which, now)
    })?;
    Ok(done())
}

pub(super) async fn grow_lake(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
    Body(growth): Body<Growth>,
) -> Answer {
    let grown = elsewhere(move || {
        in_lake(&app, &account, &filesystem, |tree, now| {
            grow(tree, &growth, now)
        })
        .map_err(|refused| refused.1)
    });
    Ok(Json(grown.await?))
}

/// Makes changes of access fail from now on.
pub(super) async fn put_failures(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
    Body(failures): Body<Vec<Stumble>>,
) -> Answer {
    check_account(&app, &account)?;
    app.lake(&account)
        .write()
        .set_stumbles(&filesystem, failures);
    Ok(done())
}

/// Ends all continuations that were given.
pub(super) async fn expire_continuations(
    State(app): Here,
    Path((account, filesystem)): Path<(String, String)>,
) -> Answer {
    check_account(&app, &account)?;
    let now = app.now();
    let lake = app.lake(&account);
    let mut lake = lake.write();
    lake.get_mut(&filesystem, now).map_err(refused)?.generation += 1;
    Ok(done())
}

pub(super) async fn path_of_store(
    State(app): Here,
    Path(store): Path<String>,
    Query(which): Query<Which>,
) -> Answer {
    in_store(&app, &store, |tree, _| look(tree, &which)).map(Json)
}

pub(super) async fn put_path_of_store(
    State(app): Here,
    Path(store): Path<String>,
    Query(which): Query<Which>,
    Body(wanted): Body<Wanted>,
) -> Answer {
    in_store(&app, &store, |tree, now| put(tree, &which, &wanted, now)).map(Json)
}

pub(super) async fn delete_path_of_store(
    State(app): Here,
    Path(store): Path<String>,
    Query(which): Query<Which>,
) -> Answer {
    in_store(&app, &store, |tree, now| remove(tree, &which, now))?;
    Ok(done())
}

pub(super) async fn grow_store(
    State(app): Here,
    Path(store): Path<String>,
    Body(growth): Body<Growth>,
) -> Answer {
    let grown = elsewhere(move || {
        in_store(&app, &store, |tree, now| grow(tree, &growth, now)).map_err(|refused| refused.1)
    });
    Ok(Json(grown.await?))
}

pub(super) async fn groups(State(app): Here) -> Answer {
    Ok(Json(json!(app.world.read().groups)))
}

pub(super) async fn put_group(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(mut group): Body<GroupSpec>,
) -> Answer {
    super::changes::same_or_absent(&mut group.id, id)?;
    let mut world = app.world.write();
    world.put_group(&group)?;
    super::changes::note_principals(&mut world);
    Ok(done())
}

pub(super) async fn delete_group(State(app): Here, Path(id): Path<String>) -> Answer {
    let removed = app.world.write().groups.remove(&id.to_ascii_lowercase());
    removed
        .map(|_| done())
        .ok_or_else(|| Refused::absent(format!("there is no group {id}")))
}
