//! A vault as the resource manager shows it.

use serde_json::{Map, Value, json};

use super::context::Context;
use crate::world::{
    World,
    moment::Moment,
    networks::{Access, Bypass, DefaultAction, Firewall},
    spec::{AccessPolicy, Authorization, VaultSpec},
    vault::Vault,
    vault_record::Record,
};

/// Of a vault that is there.
pub(super) fn of(context: &Context<'_>, world: &World, vault: &Vault) -> Value {
    document(context, world, &vault.spec, &vault.record)
}

/// Of a vault as it will be.
pub(super) fn document(
    context: &Context<'_>,
    world: &World,
    spec: &VaultSpec,
    record: &Record,
) -> Value {
    let mut properties = json!({
        "sku": {"family": "A", "name": spec.sku},
        "tenantId": spec.tenant_id,
        "accessPolicies": policies(spec),
        "enabledForDeployment": spec.enabled_for_deployment,
        "vaultUri": uri(context, world, spec),
        "provisioningState": record.state(context.now),
    });
    if let Some(fields) = properties.as_object_mut() {
        let mut give = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let told = |value: Option<bool>| value.map(|value| json!(value));
        give(
            "enabledForDiskEncryption",
            told(spec.enabled_for_disk_encryption),
        );
        give(
            "enabledForTemplateDeployment",
            told(spec.enabled_for_template_deployment),
        );
        if spec.stack.is_none() {
            of_cloud(spec, record, &mut give);
        }
    }
    json!({
        "id": spec.id(),
        "name": spec.name,
        "type": "Microsoft.KeyVault/vaults",
        "location": spec.location,
        "tags": spec.tags,
        "systemData": system_data(record),
        "properties": properties,
    })
}

/// What a stack's vaults do not have.
fn of_cloud(spec: &VaultSpec, record: &Record, give: &mut impl FnMut(&str, Option<Value>)) {
    let rbac = spec.authorization == Authorization::Rbac;
    give(
        "enableRbacAuthorization",
        (rbac || record.rbac_told).then_some(json!(rbac)),
    );
    give("enableSoftDelete", Some(json!(true)));
    let days = json!(spec.soft_delete_retention_days);
    give(
        "softDeleteRetentionInDays",
        (!record.retention_hidden).then_some(days),
    );
    give(
        "enablePurgeProtection",
        spec.purge_protection.then_some(Value::Bool(true)),
    );
    give("networkAcls", spec.firewall.as_ref().map(acls));
    let access = match spec.public_network_access {
        Access::Enabled => "Enabled",
        Access::Disabled => "Disabled",
    };
    give("publicNetworkAccess", Some(json!(access)));
}

fn uri(context: &Context<'_>, world: &World, spec: &VaultSpec) -> String {
    let names = &context.app.names;
    let host = world.host_of_vault(spec, names);
    // A stack leaves the slash out.
    let end = if spec.stack.is_some() { "" } else { "/" };
    format!("{}://{host}{end}", names.scheme)
}

/// The policies of a vault, in their wire form.
pub(super) fn policies(spec: &VaultSpec) -> Vec<Value> {
    let policy = |policy: &AccessPolicy| {
        let mut permissions = Map::new();
        for (kind, words) in [
            ("keys", &policy.keys),
            ("secrets", &policy.secrets),
            ("certificates", &policy.certificates),
            ("storage", &policy.storage),
        ] {
            if let Some(words) = words {
                permissions.insert(kind.to_owned(), json!(words));
            }
        }
        let mut shown = json!({
            "tenantId": policy.tenant_id.as_ref().unwrap_or(&spec.tenant_id),
            "objectId": policy.object_id,
            "permissions": permissions,
        });
        if let (Some(id), Some(fields)) = (&policy.application_id, shown.as_object_mut()) {
            fields.insert("applicationId".to_owned(), json!(id));
        }
        shown
    };
    spec.access_policies.iter().map(policy).collect()
}

fn acls(firewall: &Firewall) -> Value {
    let action = match firewall.default_action {
        DefaultAction::Allow => "Allow",
        DefaultAction::Deny => "Deny",
    };
    let bypass = match firewall.bypass {
        Bypass::AzureServices => "AzureServices",
        Bypass::None => "None",
    };
    let rules: Vec<Value> = firewall
        .ip_rules
        .iter()
        .map(|rule| json!({"value": rule}))
        .collect();
    json!({
        "bypass": bypass,
        "defaultAction": action,
        "ipRules": rules,
        "virtualNetworkRules": firewall.virtual_network_rules,
    })
}

fn system_data(record: &Record) -> Value {
    let time = |at: Moment| at.timestamp().to_string();
    json!({
        "createdBy": record.created_by.name,
        "createdByType": record.created_by.kind,
        "createdAt": time(record.created),
        "lastModifiedBy": record.modified_by.name,
        "lastModifiedByType": record.modified_by.kind,
        "lastModifiedAt": time(record.modified),
    })
}
