//! What each request passes before it is done: tenant, limits, api-version, role, state of the subscription, registration
//! of the provider, its group, and locks.

use http::{HeaderName, Method};

use super::{
    Refused, authenticate, errors, locations,
    route::{Ask, What},
    throttle::{self, Kind},
    versions,
};
use crate::{
    app::App,
    entra::signing::Verified,
    wire::{call::Call, fault_spec::Effect, reply::Reply},
    world::{
        World,
        failure::Failure,
        guards::{self, Deed},
        moment::Moment,
        scope,
        stack::StackSpec,
        subscription::{Subscription, SubscriptionState},
    },
};

/// What is known of a request that has passed.
pub(super) struct Passed {
    pub(super) subscription: String,
    pub(super) tenant: String,
    pub(super) filtered: bool,
    /// Kind, and how many of it are left.
    left: Option<(Kind, u64)>,
}

impl Passed {
    /// Adds what is left of the limits.
    pub(super) fn stamp(&self, reply: Reply) -> Reply {
        let Some((kind, left)) = self.left else {
            return reply;
        };
        let word = kind.word();
        [
            (
                format!("x-ms-ratelimit-remaining-subscription-{word}"),
                left,
            ),
            // Over all principals.
            (
                format!("x-ms-ratelimit-remaining-subscription-global-{word}"),
                left.saturating_mul(15),
            ),
        ]
        .into_iter()
        .fold(reply, |reply, (name, value)| {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => reply.with(name, &value.to_string()),
                Err(_) => reply,
            }
        })
    }
}

/// Lets a request pass, or refuses it.
pub(super) fn pass(
    app: &App,
    call: &Call,
    ask: &Ask,
    stack: Option<&StackSpec>,
    caller: &Verified,
    effect: Option<&Effect>,
) -> Result<Passed, Refused> {
    let now = app.now();
    let version = call.query("api-version").unwrap_or_default();
    if version.is_empty() {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Failure::gateway(400, "MissingApiVersionParameter", message).into());
    }
    let Some((_, action)) = ask.deed(&call.method) else {
        let message = format!(
            "The HTTP method '{}' is not supported at scope '{}'.",
            call.method, ask.scope
        );
        return Err(Failure::gateway(405, "HttpMethodNotSupported", message).into());
    };
    if app.world.read().is_due(now) {
        app.settle_in_time();
    }
    let world = app.world.read();
    if !ask.polls() {
        let location = stack.map_or(locations::DEFAULT, |stack| stack.region.as_str());
        versions::check(ask.space(), stack.is_some(), version, location)?;
    }
    if ask.subscription.is_empty() {
        return Ok(Passed {
            subscription: String::new(),
            tenant: caller.principal.tenant_id.clone(),
            filtered: false,
            left: None,
        });
    }
    let subscription = of_this_cloud(&world, ask, stack)?;
    let wanted = authenticate::trusted_issuer(app, stack, &subscription.tenant_id);
    if caller.issuer != wanted {
        return Err(Refused::Whole(authenticate::foreign(
            app,
            &caller.issuer,
            &wanted,
            &subscription.tenant_id,
        )));
    }
    let kind = Kind::of(&call.method);
    let left = app
        .throttle
        .take(
            &subscription.id,
            &caller.principal.object_id,
            kind,
            &world.manager.throttle,
            now,
        )
        .map_err(|wait| {
            throttle::refused(&subscription.id, &call.method, &call.route.path, wait)
        })?;
    if let Some(Effect::Forbidden(code)) = effect {
        let mut failure = errors::unauthorized(&caller.principal, &action, &ask.scope);
        failure.code.clone_from(code);
        return Err(failure.into());
    }
    let filtered = authorize(&world, ask, &action, caller, now)?;
    check_state(&world, subscription, ask, &call.method)?;
    Ok(Passed {
        subscription: subscription.id.clone(),
        tenant: subscription.tenant_id.clone(),
        filtered,
        left: Some((kind, left)),
    })
}

fn of_this_cloud<'a>(
    world: &'a World,
    ask: &Ask,
    stack: Option<&StackSpec>,
) -> Result<&'a Subscription, Failure> {
    let here = |found: &&Subscription| match (&found.stack, stack) {
        (None, None) => true,
        (Some(region), Some(stack)) => region.eq_ignore_ascii_case(&stack.region),
        _ => false,
    };
    world
        .subscription(&ask.subscription)
        .filter(here)
        .ok_or_else(|| errors::no_subscription(&ask.subscription))
}

/// Refuses whom no role allows the action. Lists are open to whoever has any role in the subscription, who then sees of
/// them what is theirs.
fn authorize(
    world: &World,
    ask: &Ask,
    action: &str,
    caller: &Verified,
    now: Moment,
) -> Result<bool, Failure> {
    if action.is_empty() {
        return Ok(false);
    }
    let principal = &caller.principal;
    let key = scope::key(&ask.scope);
    let allowed = world
        .assignments
        .deciding(&key, &principal.object_id, now, |role| role.allows(action))
        .is_some();
    if allowed {
        return Ok(false);
    }
    if ask.lists_subscription() && world.assignments.knows(&key, &principal.object_id, now) {
        return Ok(true);
    }
    Err(errors::unauthorized(principal, action, &ask.scope))
}

/// Refuses what the subscription's state, its providers, groups or locks do not let be done.
fn check_state(
    world: &World,
    subscription: &Subscription,
    ask: &Ask,
    method: &Method,
) -> Result<(), Failure> {
    let reads = matches!(*method, Method::GET | Method::HEAD) || ask.checks_name();
    if !reads && subscription.state == SubscriptionState::Disabled {
        return Err(errors::disabled(&subscription.id));
    }
    let registered = |namespace: &str| {
        subscription
            .provider(namespace)
            .is_some_and(|provider| provider.registered)
    };
    if let Some(namespace) = ask.space().namespace()
        && !reads
        && !registered(namespace)
    {
        return Err(errors::not_registered(namespace));
    }
    if let Some(group) = ask.group() {
        let found = world.open_group(&subscription.id, group);
        if found.is_err() && (!reads || subscription.group(group).is_none()) {
            found?;
        }
    }
    if reads || matches!(ask.what, What::Register(_) | What::Purge(..)) {
        return Ok(());
    }
    let deed = if *method == Method::DELETE {
        Deed::Delete
    } else {
        Deed::Write
    };
    let id = if let What::RoleAssignment(name) = &ask.what {
        let scope = &ask.scope;
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
    } else {
        ask.scope.clone()
    };
    guards::locked(subscription, &id, deed)
}
