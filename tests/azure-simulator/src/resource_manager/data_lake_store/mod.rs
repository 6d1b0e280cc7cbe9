//! Microsoft.DataLakeStore: Data Lake Stores (Data Lake Storage Gen1), which Azure retired in 2024
//! (<https://learn.microsoft.com/rest/api/datalakestore/accounts>). What Azure answers for this provider today is not
//! known: this is how it answered.

mod accounts;
mod body;
mod children;
mod route;

use http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) use self::{accounts::of_subscription, route::Part};
use super::context::Context;
use crate::{
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        lake_store::{LakeStore, LakeStoreSpec},
        subscription::SubscriptionState,
    },
};

pub(super) const KIND: &str = "Microsoft.DataLakeStore/accounts";
pub(super) const READ: &str = "Microsoft.DataLakeStore/accounts/read";
/// Stores that a subscription had room for.
const MAX_STORES: usize = 10;

/// Does what is allowed.
pub(super) fn run(context: &Context<'_>, part: &Part) -> Result<Reply, Failure> {
    match part {
        Part::Accounts(group) => accounts::list(context, group.as_deref()),
        Part::Account(group, name) => accounts::one(context, group, name),
        Part::EnableKeyVault(group, name) => accounts::enable_key_vault(context, group, name),
        Part::Children(group, name, kind) => children::list(context, group, name, *kind),
        Part::Child(group, name, kind, child) => {
            children::one(context, (group, name), *kind, child)
        }
        Part::CheckName(_) => accounts::check_name(context),
        Part::Capability(_) => Ok(capability(context)),
        Part::Operation(id) => super::operations::poll(context, id),
    }
}

/// The store, or the 404 of its absence.
fn find<'a>(
    context: &Context<'_>,
    world: &'a World,
    group: &str,
    name: &str,
) -> Result<&'a LakeStore, Failure> {
    world
        .lake_store_at(context.subscription, group, name)
        .ok_or_else(|| Failure::no_resource(KIND, name, group))
}

/// What a subscription may have.
fn capability(context: &Context<'_>) -> Reply {
    let world = context.app.world.read();
    let state = match world
        .subscription(context.subscription)
        .map(|one| one.state)
    {
        Some(SubscriptionState::Disabled) => "Suspended",
        Some(SubscriptionState::Warned) => "Warned",
        _ => "Registered",
    };
    let count = of_subscription(context, &world, None).count();
    Reply::json(
        StatusCode::OK,
        &json!({
            "subscriptionId": context.subscription, "state": state, "maxAccountCount": MAX_STORES,
            "accountCount": count, "migrationState": false,
        }),
    )
}

/// A store as it is shown by itself.
pub(super) fn document(context: &Context<'_>, store: &LakeStore) -> Value {
    let spec = &store.spec;
    let mut shown = list_row_of(context, store);
    let (Some(properties), lists) = (shown["properties"].as_object_mut(), children::all(spec))
    else {
        return shown;
    };
    for (field, list) in lists {
        properties.insert(field.to_owned(), list);
    }
    let encrypted = spec.encryption_config.clone().unwrap_or_else(|| json!({}));
    let word = |on: &crate::world::networks::Access| json!(on);
    for (field, value) in [
        ("encryptionState", word(&spec.encryption_state)),
        ("encryptionConfig", encrypted),
        ("encryptionProvisioningState", json!(encryption_made(spec))),
        ("firewallState", word(&spec.firewall_state)),
        (
            "firewallAllowAzureIps",
            word(&spec.firewall_allow_azure_ips),
        ),
        (
            "trustedIdProviderState",
            word(&spec.trusted_id_provider_state),
        ),
        ("newTier", json!(spec.tier)),
        ("currentTier", json!(spec.tier)),
    ] {
        properties.insert(field.to_owned(), value);
    }
    if let Some(group) = &spec.default_group {
        properties.insert("defaultGroup".to_owned(), json!(group));
    }
    if let (Some(_), Some(fields)) = (&spec.identity, shown.as_object_mut()) {
        let identity = json!({"type": "SystemAssigned", "principalId": spec.principal_id(),
                              "tenantId": spec.tenant_id});
        fields.insert("identity".to_owned(), identity);
    }
    shown
}

/// A store whose key is the customer's is encrypted when it has been told to use it.
fn encryption_made(spec: &LakeStoreSpec) -> &'static str {
    let config = spec.encryption_config.as_ref();
    let customer = config.is_some_and(|config| config["type"] == "UserManaged");
    if customer && !spec.key_vault_enabled {
        "Creating"
    } else {
        "Succeeded"
    }
}

/// A store as lists show it.
fn list_row_of(context: &Context<'_>, store: &LakeStore) -> Value {
    let spec = &store.spec;
    let mut properties = Map::new();
    for (field, value) in [
        ("provisioningState", store.state(context.now).to_owned()),
        ("state", "Active".to_owned()),
        ("endpoint", store.host(&context.app.names)),
        ("accountId", spec.account_id()),
        ("creationTime", store.life.created.timestamp().to_string()),
        (
            "lastModifiedTime",
            store.life.modified.timestamp().to_string(),
        ),
    ] {
        properties.insert(field.to_owned(), json!(value));
    }
    json!({
        "properties": properties, "location": spec.location, "tags": spec.tags, "id": spec.id(),
        "name": spec.name, "type": KIND,
    })
}

/// An entry of the list of all resources.
pub(super) fn list_row(store: &LakeStore) -> Value {
    let spec = &store.spec;
    json!({"id": spec.id(), "name": spec.name, "type": KIND, "location": spec.location, "tags": spec.tags})
}
