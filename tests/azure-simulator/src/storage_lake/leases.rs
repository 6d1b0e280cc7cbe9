//! Leases of paths, filesystems and blobs, and those that a write takes along.

use http::StatusCode;
use uuid::Uuid;

use super::{
    context::{Context, Done, empty, of_node, split, stamped, with},
    requests,
    tree::{
        caller::Caller,
        conditions::Conditions,
        lease::{self, Action},
        refusal::Refusal,
    },
};
use crate::{storage_lake::identity::ContainerVerb, wire::reply::Reply};

/// What the headers of a request ask for, and the answer's status.
fn wanted(context: &Context<'_>) -> Result<(Action, StatusCode), Refusal> {
    let call = context.call;
    let own = || {
        let id = requests::text(call, "x-ms-lease-id");
        id.map(Box::<str>::from)
            .ok_or(Refusal::MissingRequiredHeader)
    };
    let number = |name: &str| {
        call.header(name)
            .map(|text| text.parse::<i32>().map_err(|_| Refusal::InvalidHeaderValue))
            .transpose()
    };
    let proposed = call.header("x-ms-proposed-lease-id").map(Box::<str>::from);
    match call.header("x-ms-lease-action") {
        Some("acquire") => {
            let id = proposed.unwrap_or_else(|| Uuid::new_v4().to_string().into());
            let duration = number("x-ms-lease-duration")?.ok_or(Refusal::MissingRequiredHeader)?;
            Ok((Action::Acquire { id, duration }, StatusCode::CREATED))
        }
        Some("renew") => Ok((Action::Renew { id: own()? }, StatusCode::OK)),
        Some("change") => {
            let to = proposed.ok_or(Refusal::MissingRequiredHeader)?;
            Ok((Action::Change { id: own()?, to }, StatusCode::OK))
        }
        Some("release") => Ok((Action::Release { id: own()? }, StatusCode::OK)),
        Some("break") => {
            let period = number("x-ms-lease-break-period")?;
            let period = period
                .map(|seconds| u32::try_from(seconds).map_err(|_| Refusal::InvalidHeaderValue))
                .transpose()?;
            Ok((Action::Break { period }, StatusCode::ACCEPTED))
        }
        Some(_) => Err(Refusal::InvalidHeaderValue),
        None => Err(Refusal::MissingRequiredHeader),
    }
}

fn told(reply: Reply, lease: Option<&lease::Lease>, broken: Option<u32>) -> Reply {
    match (broken, lease) {
        (Some(left), _) => with(reply, "x-ms-lease-time", &left.to_string()),
        (None, Some(lease)) => with(reply, "x-ms-lease-id", &lease.id),
        (None, None) => reply,
    }
}

/// Acts on the lease of a path.
pub(super) fn path(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let (action, status) = wanted(context)?;
    let breaks = matches!(action, Action::Break { .. });
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    context.write(&filesystem, |found| {
        let (node, left) =
            found
                .tree
                .change_lease(&caller, &key, action, &conditions, context.now)?;
        let reply = of_node(empty(status), node);
        Ok(told(reply, node.lease(), breaks.then_some(left)))
    })
}

/// Acts on the lease of a container.
pub(super) fn container(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    context.check_containers(Some(&name), ContainerVerb::Write)?;
    let (action, status) = wanted(context)?;
    let breaks = matches!(action, Action::Break { .. });
    context.write(&name, |found| {
        let (lease, left) = lease::act(found.lease.clone(), action, context.now)?;
        found.lease = lease;
        let reply = stamped(empty(status), &found.etag(), found.modified);
        Ok(told(reply, found.lease.as_ref(), breaks.then_some(left)))
    })
}

/// Takes the lease that a write asks for; gives the id that the write is to have.
pub(super) fn before_write(
    context: &Context<'_>,
    filesystem: &str,
    key: &str,
    caller: &Caller,
) -> Done<Option<String>> {
    let call = context.call;
    if !matches!(
        call.header("x-ms-lease-action"),
        Some("acquire" | "acquire-release")
    ) {
        return Ok(context.lease());
    }
    let id = call
        .header("x-ms-proposed-lease-id")
        .ok_or(Refusal::MissingRequiredHeader)?;
    let duration = call
        .header("x-ms-lease-duration")
        .map_or(Ok(-1), str::parse::<i32>)
        .map_err(|_| Refusal::InvalidHeaderValue)?;
    let action = Action::Acquire {
        id: id.into(),
        duration,
    };
    act(context, filesystem, key, caller, action)?;
    Ok(Some(id.to_owned()))
}

/// Renews or gives back the lease of a write that asks for it.
pub(super) fn after_write(
    context: &Context<'_>,
    filesystem: &str,
    key: &str,
    caller: &Caller,
    lease: Option<String>,
) -> Done<()> {
    let Some(id) = lease.map(Box::<str>::from) else {
        return Ok(());
    };
    let action = match context.call.header("x-ms-lease-action") {
        Some("auto-renew") => Action::Renew { id },
        Some("release" | "acquire-release") => Action::Release { id },
        _ => return Ok(()),
    };
    act(context, filesystem, key, caller, action)
}

fn act(
    context: &Context<'_>,
    filesystem: &str,
    key: &str,
    caller: &Caller,
    action: Action,
) -> Done<()> {
    context.write(filesystem, |found| {
        found
            .tree
            .change_lease(caller, key, action, &Conditions::default(), context.now)
            .map(|_| ())
    })
}
