//! The provider's own limits, for each subscription and region
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling#storage-throttling>).

use http::{HeaderName, Method};

use super::Part;
use crate::{
    resource_manager::{context::Context, throttle::Kind},
    wire::reply::Reply,
    world::{failure::Failure, manager_settings::StorageLimits},
};

/// Which buckets a request takes from, with the limit and the interval that a refusal names.
fn buckets(context: &Context<'_>, part: &Part, limits: &StorageLimits) -> Vec<Draw> {
    let reads = Draw::of(Kind::StorageReads, "read", limits.reads.size, "00:05:00");
    let lists = Draw::of(Kind::StorageLists, "read", limits.lists.size, "00:05:00");
    let writes = [
        Draw::of(Kind::StorageWrites, "write", limits.writes.size, "00:00:01"),
        Draw::of(
            Kind::StorageHourlyWrites,
            "write",
            limits.hourly_writes.size,
            "01:00:00",
        ),
    ];
    match (part, part.account(), context.is(&Method::GET)) {
        (Part::Accounts(_), ..) => vec![lists],
        (Part::ListKeys(..), ..) | (_, Some(_), true) => vec![reads],
        (_, Some(_), false) => writes.into(),
        (_, None, _) => Vec::new(),
    }
}

struct Draw {
    kind: Kind,
    action: &'static str,
    limit: u32,
    interval: &'static str,
}

impl Draw {
    fn of(kind: Kind, action: &'static str, limit: u32, interval: &'static str) -> Self {
        Self {
            kind,
            action,
            limit,
            interval,
        }
    }
}

/// Takes what a request costs; gives how much is left of it.
pub(super) fn take(context: &Context<'_>, part: &Part) -> Result<u64, Failure> {
    let world = context.app.world.read();
    let account = part.account().and_then(|name| world.storage_account(name));
    let place = account.map_or("", |account| account.spec.location.as_str());
    let limits = &world.manager.throttle;
    let mut left = u64::MAX;
    for draw in buckets(context, part, &limits.storage) {
        let taken =
            context
                .app
                .throttle
                .take(context.subscription, place, draw.kind, limits, context.now);
        left = left.min(taken.map_err(|wait| refused(&draw, wait))?);
    }
    Ok(left)
}

fn refused(draw: &Draw, wait: u64) -> Failure {
    let mut failure = Failure::new(
        429,
        "ResourceRequestsThrottled",
        format!(
            "Number of requests for action '{}/{}' exceeded the limit of '{}' for time interval '{}'. Please try again \
             after '{wait}' seconds.",
            super::KIND,
            draw.action,
            draw.limit,
            draw.interval
        ),
    );
    failure.retry_after = Some(wait);
    failure
}

/// Tells what is left, as recorded with the calls that are actions.
pub(super) fn stamp(reply: Reply, part: &Part, left: u64) -> Reply {
    if !matches!(part, Part::ListKeys(..) | Part::RegenerateKey(..)) {
        return reply;
    }
    let name = HeaderName::from_static("x-ms-ratelimit-remaining-subscription-resource-requests");
    reply.with(name, &left.to_string())
}
