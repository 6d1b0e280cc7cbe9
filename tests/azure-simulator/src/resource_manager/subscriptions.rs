//! Subscriptions and tenants
//! (<https://learn.microsoft.com/rest/api/resources/subscriptions>).

use http::StatusCode;
use serde_json::{Value, json};

use super::{context::Context, errors, lists};
use crate::{
    wire::reply::Reply,
    world::{failure::Failure, scope, subscription::Subscription},
};

fn document(subscription: &Subscription) -> Value {
    json!({
        "id": scope::subscription(&subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.display_name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

pub(super) fn get(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let found = world
        .subscription(context.subscription)
        .ok_or_else(|| errors::no_subscription(context.subscription))?;
    Ok(Reply::json(StatusCode::OK, &document(found)))
}

/// Those of the caller's tenant and cloud in which the caller has a role.
pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let region = context.stack.map(|stack| stack.region.to_ascii_lowercase());
    let mine = |one: &&Subscription| {
        let key = scope::key(&scope::subscription(&one.id));
        one.tenant_id.eq_ignore_ascii_case(context.tenant)
            && one.stack.as_ref().map(|one| one.to_ascii_lowercase()) == region
            && world
                .assignments
                .knows(&key, &context.caller.object_id, context.now)
    };
    let rows = world.subscriptions.iter().filter(|(_, one)| mine(one));
    let rows = rows.map(|(key, one)| (key.as_str(), document(one)));
    lists::page(context, rows)
}

/// The caller's tenant.
#[allow(clippy::unnecessary_wraps, reason = "as all operations")]
pub(super) fn tenants(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let id = context.tenant;
    let name = world.tenant(id).and_then(|tenant| tenant.name.clone());
    let domains: Vec<&String> = name.iter().collect();
    Ok(lists::whole(vec![json!({
        "id": format!("/tenants/{id}"), "tenantId": id, "countryCode": "US", "displayName": name,
        "domains": domains, "tenantCategory": "Home", "defaultDomain": name, "tenantType": "AAD",
    })]))
}
