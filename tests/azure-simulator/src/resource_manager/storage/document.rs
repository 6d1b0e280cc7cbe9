//! An account as the resource manager shows it.

use serde_json::{Map, Value, json};

use crate::{
    resource_manager::context::Context,
    world::{
        networks::DefaultAction,
        storage_account::{KEY_NAMES, StorageAccount, StorageService},
        storage_spec::{StorageAccountSpec, StorageFirewall},
    },
};

/// Regions and those that their copies lie in
/// (<https://learn.microsoft.com/azure/reliability/cross-region-replication-azure>).
const PAIRS: [(&str, &str); 12] = [
    ("westeurope", "northeurope"),
    ("eastus", "westus"),
    ("eastus2", "centralus"),
    ("westus2", "westcentralus"),
    ("northcentralus", "southcentralus"),
    ("uksouth", "ukwest"),
    ("canadacentral", "canadaeast"),
    ("eastasia", "southeastasia"),
    ("japaneast", "japanwest"),
    ("australiaeast", "australiasoutheast"),
    ("centralindia", "southindia"),
    ("chinaeast2", "chinanorth2"),
];

/// What stands before `.web`: a number that differs by region in Azure, and here is one.
const WEB_ZONE: &str = ".z5";

/// Of an account that is there.
pub(in crate::resource_manager) fn of(context: &Context<'_>, account: &StorageAccount) -> Value {
    let spec = &account.spec;
    let created = account.life.created.timestamp().to_string();
    let keys = KEY_NAMES.iter().zip(&account.keys);
    let keys: Map<_, _> = keys
        .map(|(name, key)| {
            let created = key.created.timestamp().to_string();
            ((*name).to_owned(), json!(created))
        })
        .collect();
    let mut properties = Map::new();
    let mut give = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            properties.insert(name.to_owned(), value);
        }
    };
    give("keyCreationTime", Some(keys.into()));
    give("privateEndpointConnections", Some(json!([])));
    give("creationTime", Some(json!(created)));
    give("primaryLocation", Some(json!(spec.location)));
    give("statusOfPrimary", Some(json!("available")));
    give("provisioningState", Some(json!(account.state(context.now))));
    give("primaryEndpoints", Some(endpoints(context, account, "")));
    give("networkAcls", Some(acls(&spec.firewall)));
    give(
        "encryption",
        Some(super::encryption::document(spec, &created)),
    );
    asked_for(spec, &mut give);
    if let Some(region) = secondary(spec) {
        give("secondaryLocation", Some(json!(region)));
        give("statusOfSecondary", Some(json!("available")));
        if spec.sku.contains("RAG") {
            give(
                "secondaryEndpoints",
                Some(endpoints(context, account, "-secondary")),
            );
        }
    }
    let mut document = json!({
        "id": spec.id(),
        "name": spec.name,
        "type": super::KIND,
        "location": spec.location,
        "tags": spec.tags,
        "sku": sku(spec),
        "kind": spec.kind,
        "properties": properties,
    });
    if let (Some(identity), Some(fields)) = (&spec.identity, document.as_object_mut()) {
        fields.insert("identity".to_owned(), identity.clone());
    }
    document
}

/// What is shown as it was asked for: some always, others when they were given.
fn asked_for(spec: &StorageAccountSpec, give: &mut impl FnMut(&str, Option<Value>)) {
    let always = |value: bool| Some(json!(value));
    give(
        "allowCrossTenantReplication",
        always(spec.allow_cross_tenant_replication),
    );
    give("minimumTlsVersion", Some(json!(spec.minimum_tls)));
    give(
        "allowBlobPublicAccess",
        always(spec.allow_blob_public_access),
    );
    give(
        "supportsHttpsTrafficOnly",
        always(spec.supports_https_traffic_only),
    );
    for (name, value) in [
        ("isHnsEnabled", spec.is_hns_enabled),
        ("isSftpEnabled", spec.is_sftp_enabled),
        ("isLocalUserEnabled", spec.is_local_user_enabled),
        ("isNfsV3Enabled", spec.is_nfs_v3_enabled),
        ("allowSharedKeyAccess", spec.allow_shared_key_access),
        (
            "defaultToOAuthAuthentication",
            spec.default_to_o_auth_authentication,
        ),
    ] {
        give(name, value.map(|value| json!(value)));
    }
    for (name, value) in [
        ("allowedCopyScope", &spec.allowed_copy_scope),
        ("largeFileSharesState", &spec.large_file_shares_state),
        ("dnsEndpointType", &spec.dns_endpoint_type),
    ] {
        give(name, value.as_ref().map(|value| json!(value)));
    }
    for (name, value) in [
        ("keyPolicy", &spec.key_policy),
        ("sasPolicy", &spec.sas_policy),
        ("routingPreference", &spec.routing_preference),
        (
            "immutableStorageWithVersioning",
            &spec.immutable_storage_with_versioning,
        ),
    ] {
        give(name, value.clone());
    }
    give(
        "publicNetworkAccess",
        spec.public_network_access.map(|value| json!(value)),
    );
    give("accessTier", spec.access_tier.map(|value| json!(value)));
}

/// Name and tier.
pub(super) fn sku(spec: &StorageAccountSpec) -> Value {
    let tier = if spec.sku.starts_with("Premium") {
        "Premium"
    } else {
        "Standard"
    };
    json!({"name": spec.sku, "tier": tier})
}

fn acls(firewall: &StorageFirewall) -> Value {
    let action = match firewall.default_action {
        DefaultAction::Allow => "Allow",
        DefaultAction::Deny => "Deny",
    };
    let addresses = firewall.ip_rules.iter();
    let addresses: Vec<Value> = addresses
        .map(|rule| json!({"value": rule, "action": "Allow"}))
        .collect();
    let subnets = firewall.virtual_network_rules.iter();
    let subnets: Vec<Value> = subnets
        .map(|id| json!({"id": id, "action": "Allow", "state": "Succeeded"}))
        .collect();
    let mut shown = json!({
        "bypass": firewall.bypass,
        "defaultAction": action,
        "ipRules": addresses,
        "virtualNetworkRules": subnets,
    });
    if let (false, Some(fields)) = (
        firewall.resource_access_rules.is_empty(),
        shown.as_object_mut(),
    ) {
        let rules = json!(firewall.resource_access_rules);
        fields.insert("resourceAccessRules".to_owned(), rules);
    }
    shown
}

/// What each kind of account offers; `copy` is what follows the name where its copy is read.
fn endpoints(context: &Context<'_>, account: &StorageAccount, copy: &str) -> Value {
    use StorageService::{Blob, Dfs, File, Queue, Table, Web};
    let spec = &account.spec;
    let premium = spec.sku.starts_with("Premium");
    let services: &[StorageService] = match spec.kind.as_str() {
        "BlobStorage" => &[Dfs, Blob, Table],
        "BlockBlobStorage" => &[Dfs, Web, Blob],
        "FileStorage" => &[File],
        _ if premium => &[Web, Blob],
        _ => &[Dfs, Web, Blob, Queue, Table, File],
    };
    let names = &context.app.names;
    let all = services.iter().map(|service| {
        let host = if *service == Web {
            let zone = format!("{copy}{WEB_ZONE}");
            account.host_of(*service, &zone, names)
        } else {
            account.host_of(*service, copy, names)
        };
        let url = format!("{}://{host}/", names.scheme);
        (service.label().to_owned(), json!(url))
    });
    all.collect::<Map<_, _>>().into()
}

fn secondary(spec: &StorageAccountSpec) -> Option<&'static str> {
    if !spec.sku.contains("GRS") && !spec.sku.contains("GZRS") {
        return None;
    }
    PAIRS.iter().find_map(|(one, other)| {
        if *one == spec.location {
            Some(*other)
        } else if *other == spec.location {
            Some(*one)
        } else {
            None
        }
    })
}

/// An entry of the list of all resources.
pub(in crate::resource_manager) fn list_row(account: &StorageAccount) -> Value {
    let spec = &account.spec;
    json!({
        "id": spec.id(), "name": spec.name, "type": super::KIND, "location": spec.location,
        "tags": spec.tags, "kind": spec.kind, "sku": sku(spec),
    })
}
