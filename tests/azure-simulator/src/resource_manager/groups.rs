//! Resource groups (<https://learn.microsoft.com/rest/api/resources/resource-groups>).

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    context::Context,
    errors, lists, locations, operations,
    tags::{self, check_tags},
};
use crate::{
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        guards,
        long_operation::Outcome,
        object::Tags,
        scope,
        subscription::{Going, Group},
    },
};

const KIND: &str = "Microsoft.Resources/resourceGroups";
/// What policies call them.
const POLICY_KIND: &str = "Microsoft.Resources/subscriptions/resourceGroups";
const READ: &str = "Microsoft.Resources/subscriptions/resourcegroups/read";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    location: Option<String>,
    tags: Option<Tags>,
}

fn document(context: &Context<'_>, group: &Group) -> Value {
    let state = if group.going.is_some() {
        "Deleting"
    } else {
        "Succeeded"
    };
    let mut document = json!({
        "id": scope::group(context.subscription, &group.name),
        "name": group.name,
        "type": KIND,
        "location": group.location,
        "properties": {"provisioningState": state},
    });
    if let (Some(tags), Some(fields)) = (&group.tags, document.as_object_mut()) {
        fields.insert("tags".to_owned(), json!(tags));
    }
    document
}

pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let subscription = world
        .subscription(context.subscription)
        .ok_or_else(|| errors::no_subscription(context.subscription))?;
    let shown = |group: &Group| {
        let id = scope::group(context.subscription, &group.name);
        context.shows(&world, READ, &id)
    };
    let rows = subscription.groups.iter().filter(|(_, group)| shown(group));
    let rows = rows.map(|(key, group)| (key.as_str(), document(context, group)));
    lists::page(context, rows)
}

pub(super) fn one(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    match context.call.method {
        Method::PUT => put(context, name),
        Method::PATCH => patch(context, name),
        Method::DELETE => delete(context, name),
        _ => get(context, name),
    }
}

fn get(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let found = world
        .subscription(context.subscription)
        .and_then(|subscription| subscription.group(name));
    match found {
        Some(_) if context.is(&Method::HEAD) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        None if context.is(&Method::HEAD) => Ok(Reply::empty(StatusCode::NOT_FOUND)),
        Some(group) => Ok(Reply::json(StatusCode::OK, &document(context, group))),
        None => Err(Failure::no_group(name)),
    }
}

/// 1 to 90 letters, digits, `_`, `-`, `.` and parentheses, without a period at the end.
fn check_name(name: &str) -> Result<(), Failure> {
    let fits = (1..=90).contains(&name.chars().count())
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_-.()".contains(letter))
        && !name.ends_with('.');
    if fits {
        return Ok(());
    }
    Err(Failure::gateway(
        400,
        "InvalidResourceGroupName",
        format!(
            "The provided resource group name '{name}' is not valid: 1 to 90 letters, digits, '_', '-', '.', '(' and ')', \
             not ending in '.'."
        ),
    ))
}

fn put(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    check_name(name)?;
    check_tags(body.tags.as_ref(), tags::MAX_NAME)?;
    let location = locations::wanted(context, body.location.as_deref(), KIND)?;
    let mut world = context.app.world.write();
    let present = world
        .subscription(context.subscription)
        .and_then(|subscription| subscription.group(name))
        .cloned();
    let group = match &present {
        None => Group {
            name: name.to_owned(),
            location,
            tags: body.tags,
            going: None,
        },
        Some(group) if locations::plain(&group.location) != location => {
            return Err(Failure::gateway(
                409,
                "InvalidResourceGroupLocation",
                format!(
                    "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                    group.location
                ),
            ));
        }
        Some(group) => {
            world.open_group(context.subscription, name)?;
            Group {
                tags: body.tags,
                ..group.clone()
            }
        }
    };
    let status = if present.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    keep(context, &mut world, group, status)
}

fn patch(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    check_tags(body.tags.as_ref(), tags::MAX_NAME)?;
    let mut world = context.app.world.write();
    let mut group = world.open_group(context.subscription, name)?.clone();
    group.tags = body.tags.or(group.tags);
    keep(context, &mut world, group, StatusCode::OK)
}

fn keep(
    context: &Context<'_>,
    world: &mut World,
    group: Group,
    status: StatusCode,
) -> Result<Reply, Failure> {
    let document = document(context, &group);
    let id = scope::group(context.subscription, &group.name);
    let subscription = world
        .subscription_mut(context.subscription)
        .ok_or_else(|| errors::no_subscription(context.subscription))?;
    guards::denied(subscription, &id, POLICY_KIND, &document)?;
    subscription
        .groups
        .insert(group.name.to_ascii_lowercase(), group);
    Ok(Reply::json(status, &document))
}

/// Starts a deletion, of the group and of all in it.
fn delete(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let plan = world.manager.lro.group_delete.clone();
    let millis = world.manager.group_deletion_ms;
    world.open_group(context.subscription, name)?;
    let (ends, headers) = operations::start(
        context,
        &mut world,
        &plan,
        millis,
        Outcome::Done,
        operations::Place::Subscription,
    );
    if let Some(group) = world
        .subscription_mut(context.subscription)
        .and_then(|subscription| subscription.groups.get_mut(&name.to_ascii_lowercase()))
    {
        group.going = Some(Going {
            at: ends,
            fails: plan.error.is_some(),
        });
    }
    world.note_due(ends);
    world.settle(context.now);
    Ok(operations::told(
        Reply::empty(StatusCode::ACCEPTED),
        headers,
    ))
}
