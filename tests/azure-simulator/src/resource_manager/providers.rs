//! Providers and their registration
//! (<https://learn.microsoft.com/rest/api/resources/providers>).

use http::StatusCode;
use serde_json::{Value, json};

use super::{context::Context, errors, lists, locations, operations, route::Space, versions};
use crate::{
    wire::reply::Reply,
    world::{
        failure::Failure, long_operation::Outcome, manager_settings::LroForm, scope,
        subscription::Provider,
    },
};

fn document(context: &Context<'_>, provider: &Provider) -> Value {
    let id = scope::subscription(context.subscription);
    let location = context
        .stack
        .map_or(locations::DEFAULT, |stack| stack.region.as_str());
    let spaces = [Space::KeyVault, Space::Storage, Space::LakeStore];
    let spaces = spaces.into_iter().filter(|space| {
        space
            .namespace()
            .is_some_and(|its| its.eq_ignore_ascii_case(&provider.namespace))
    });
    let types: Vec<Value> = spaces
        .map(|space| {
            let versions = versions::known(space, context.stack.is_some());
            json!({"resourceType": versions::type_of(space), "locations": [location], "apiVersions": versions,
                   "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation"})
        })
        .collect();
    json!({
        "id": format!("{id}/providers/{}", provider.namespace),
        "namespace": provider.namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": provider.state(),
        "resourceTypes": types,
    })
}

fn absent(namespace: &str) -> Failure {
    Failure::gateway(
        404,
        "InvalidResourceNamespace",
        format!("The resource namespace '{namespace}' is invalid."),
    )
}

pub(super) fn get(context: &Context<'_>, namespace: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let provider = world
        .subscription(context.subscription)
        .and_then(|subscription| subscription.provider(namespace))
        .ok_or_else(|| absent(namespace))?;
    Ok(Reply::json(StatusCode::OK, &document(context, provider)))
}

pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let subscription = world
        .subscription(context.subscription)
        .ok_or_else(|| errors::no_subscription(context.subscription))?;
    let rows = subscription.providers.iter();
    let rows = rows.map(|(key, one)| (key.as_str(), document(context, one)));
    lists::page(context, rows)
}

/// Starts a registration; a second call while it lasts changes nothing.
pub(super) fn register(context: &Context<'_>, namespace: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let plan = world.manager.lro.registration.clone();
    let millis = world.manager.registration_ms;
    let provider = world
        .subscription(context.subscription)
        .and_then(|subscription| subscription.provider(namespace))
        .ok_or_else(|| absent(namespace))?;
    let idle = !provider.registered && provider.registering.is_none();
    let mut headers = Vec::new();
    if idle {
        let (ends, told) = operations::start(
            context,
            &mut world,
            &plan,
            millis,
            Outcome::Done,
            operations::Place::Subscription,
        );
        headers = told;
        world.register(context.subscription, namespace, &plan, ends, context.now);
    }
    let provider = world
        .subscription(context.subscription)
        .and_then(|subscription| subscription.provider(namespace))
        .ok_or_else(|| absent(namespace))?;
    let status = if headers.is_empty() || plan.form == LroForm::Body {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let reply = Reply::json(status, &document(context, provider));
    Ok(operations::told(reply, headers))
}
