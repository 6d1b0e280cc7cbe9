//! Owners and access lists.

use http::StatusCode;
use serde_json::json;

use super::{Context, Done, errors::Exception};
use crate::{
    storage_lake::{
        context::empty,
        tree::{
            Change,
            acl::How,
            acl_text,
            caller::Rights,
            conditions::Conditions,
            permissions::{Mode, Perm},
            refusal::Refusal,
        },
    },
    wire::reply::Reply,
};

fn apply(context: &Context<'_>, change: &Change) -> Done {
    let mut tree = context.tree.write();
    tree.change_access(
        &context.caller,
        &context.key,
        change,
        &Conditions::default(),
    )
    .map_err(|refusal| context.refused(refusal))?;
    Ok(empty(StatusCode::OK))
}

pub(super) fn set_owner(context: &Context<'_>) -> Done {
    let id = |name: &str| context.text(name).map(|id| id.to_ascii_lowercase().into());
    let change = Change {
        owner: id("owner"),
        group: id("group"),
        ..Change::default()
    };
    if change.is_empty() {
        return Err(Exception::argument("owner or group is needed."));
    }
    apply(context, &change)
}

pub(super) fn set_permission(context: &Context<'_>) -> Done {
    let text = context.needed("permission")?;
    let mode = Mode::of_octal(text)
        .ok_or_else(|| Exception::argument("permission must be three or four octal digits."))?;
    let change = Change {
        mode: Some(mode),
        ..Change::default()
    };
    apply(context, &change)
}

/// SETACL, MODIFYACLENTRIES or REMOVEACLENTRIES.
pub(super) fn change(context: &Context<'_>, how: &str) -> Done {
    let how = match how {
        "SETACL" => How::Set,
        "MODIFYACLENTRIES" => How::Modify,
        _ => How::Remove,
    };
    // There are no names here, only ids.
    let id = |name: &str| (!name.contains('@')).then(|| name.to_ascii_lowercase());
    let entries = acl_text::parse(context.needed("aclSpec")?, &id)
        .map_err(|refusal| context.refused(refusal))?;
    let change = Change {
        list: Some((how, entries)),
        ..Change::default()
    };
    apply(context, &change)
}

pub(super) fn remove_all(context: &Context<'_>) -> Done {
    apply(
        context,
        &Change {
            bare: true,
            no_default: true,
            ..Change::default()
        },
    )
}

pub(super) fn remove_default(context: &Context<'_>) -> Done {
    apply(
        context,
        &Change {
            no_default: true,
            ..Change::default()
        },
    )
}

pub(super) fn get(context: &Context<'_>) -> Done {
    let tree = context.tree.read();
    let node = tree
        .look(&context.caller, &context.key, Rights::READ)
        .map_err(|refusal| context.refused(refusal))?;
    let access = &node.access;
    let text = access.lists.text(&|id| id.to_owned());
    let entries: Vec<&str> = text.split(',').collect();
    let body = json!({"AclStatus": {
        "entries": entries,
        "owner": &*access.owner,
        "group": &*access.group,
        "permission": access.digits(),
        "stickyBit": access.sticky,
    }});
    Ok(Reply::json(StatusCode::OK, &body))
}

pub(super) fn check(context: &Context<'_>) -> Done {
    let text = context.needed("fsaction")?;
    let wanted = Perm::of_text(text).ok_or_else(|| {
        Exception::argument("fsaction must be as rwx, with - for what is not asked.")
    })?;
    let tree = context.tree.read();
    let node = tree
        .look(&context.caller, &context.key, Rights::READ)
        .map_err(|refusal| context.refused(refusal))?;
    let granted = context.caller.granted.any(Rights::READ);
    if granted || context.caller.may(&node.access, wanted) {
        Ok(empty(StatusCode::OK))
    } else {
        Err(context.refused(Refusal::AuthorizationPermissionMismatch))
    }
}
