//! Whose key encrypts an account, and the identity by which it is read
//! (<https://learn.microsoft.com/azure/storage/common/customer-managed-keys-overview>).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{body::one_of, cannot_be_updated, invalid_values};
use crate::{
    resource_manager::context::Context,
    world::{
        World,
        failure::Failure,
        managed_identity::Wanted,
        scope,
        spec::Authorization,
        storage_spec::{Encryption, EncryptionKey, StorageAccountSpec},
        tenant::derived_uuid,
        vault::Vault,
    },
};

const OF_STORAGE: &str = "Microsoft.Storage";
const OF_VAULT: &str = "Microsoft.Keyvault";
/// What the identity needs on the key.
const WRAP: &str = "Microsoft.KeyVault/vaults/keys/wrap/action";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EncryptionBody {
    key_source: Option<String>,
    require_infrastructure_encryption: Option<bool>,
    keyvaultproperties: Option<KeyBody>,
    identity: Option<IdentityBody>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyBody {
    keyname: Option<String>,
    keyversion: Option<String>,
    keyvaulturi: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IdentityBody {
    user_assigned_identity: Option<String>,
}

impl EncryptionBody {
    pub(super) fn apply(
        self,
        context: &Context<'_>,
        world: &World,
        spec: &mut StorageAccountSpec,
        made: bool,
    ) -> Result<(), Failure> {
        if let Some(twice) = self.require_infrastructure_encryption {
            let present = &mut spec.encryption.twice;
            if !made && twice != present.unwrap_or(false) {
                return Err(cannot_be_updated(
                    "encryption.requireInfrastructureEncryption",
                ));
            }
            *present = Some(twice);
        }
        let source = self.key_source.as_deref().unwrap_or(OF_STORAGE);
        let source = one_of(&[OF_STORAGE, OF_VAULT], source, "encryption.keySource")?;
        let mut wanted = Encryption {
            key_source: source,
            twice: spec.encryption.twice,
            key: None,
            user_assigned_identity: self.identity.and_then(|one| one.user_assigned_identity),
        };
        if wanted.key_source == OF_VAULT {
            let field = "encryption.keyvaultproperties";
            let given = self
                .keyvaultproperties
                .ok_or_else(|| invalid_values(field))?;
            let (Some(vault_uri), Some(name)) = (given.keyvaulturi, given.keyname) else {
                return Err(invalid_values(field));
            };
            let version = given.keyversion.filter(|version| !version.is_empty());
            let mut key = EncryptionKey {
                vault_uri,
                name,
                version,
                current: None,
            };
            let version = reaches(context, world, spec, &wanted, &key)?;
            let vault = key.vault_uri.trim_end_matches('/');
            key.current = Some(format!("{vault}/keys/{}/{version}", key.name));
            wanted.key = Some(key);
        }
        spec.encryption = wanted;
        Ok(())
    }
}

/// Refuses a key that the account's identity does not reach, in the words that users are told; gives its version.
fn reaches(
    context: &Context<'_>,
    world: &World,
    spec: &StorageAccountSpec,
    wanted: &Encryption,
    key: &EncryptionKey,
) -> Result<String, Failure> {
    let refused = |code: &str, message: &str| Err(Failure::new(400, code, message));
    let host = key.vault_uri.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is_meant = |vault: &&Vault| {
        let its = world.host_of_vault(&vault.spec, &context.app.names);
        its.eq_ignore_ascii_case(host)
    };
    let Some(vault) = world.vaults.values().find(is_meant) else {
        return refused(
            "KeyVaultVaultNotFound",
            "The key vault is not found to unwrap the encryption key.",
        );
    };
    if !vault.spec.purge_protection {
        return refused(
            "KeyVaultPolicyError",
            "Keyvault policy recoverable is not set.",
        );
    }
    let may = principal(world, spec, wanted).is_some_and(|id| wraps(context, world, vault, &id));
    if !may {
        return refused(
            "KeyVaultAuthenticationFailure",
            "The operation failed because of authentication issue on the keyvault. For more information, see - \
             https://aka.ms/storagekeyvaultaccesspolicy",
        );
    }
    let version = key.version.as_deref();
    match vault.keys.version(&key.name, version, context.now) {
        Ok((_, version)) => Ok(version.meta.id.clone()),
        Err(_) => refused(
            "KeyVaultEncryptionKeyNotFound",
            "The operation failed because the key vault key is not found to unwrap the encryption key.",
        ),
    }
}

/// Object id of the identity that reads the key.
fn principal(world: &World, spec: &StorageAccountSpec, wanted: &Encryption) -> Option<String> {
    let identity = spec.identity.as_ref()?;
    let Some(id) = &wanted.user_assigned_identity else {
        return identity["principalId"].as_str().map(str::to_owned);
    };
    let assigned = identity["userAssignedIdentities"].as_object()?;
    assigned
        .keys()
        .find(|given| given.eq_ignore_ascii_case(id))?;
    of_resource(world, id).map(|(_, principal)| principal)
}

/// Client id and object id of a user-assigned identity.
fn of_resource(world: &World, id: &str) -> Option<(String, String)> {
    let identity = world.managed_identity(Wanted::Resource(id)).ok()?;
    Some((identity.client_id.clone(), identity.object_id.clone()))
}

fn wraps(context: &Context<'_>, world: &World, vault: &Vault, principal: &str) -> bool {
    match vault.spec.authorization {
        Authorization::Rbac => {
            let key = scope::key(&vault.spec.id());
            let found = world
                .assignments
                .deciding(&key, principal, context.now, |role| role.allows_data(WRAP));
            found.is_some()
        }
        Authorization::AccessPolicies => vault.spec.access_policies.iter().any(|policy| {
            let words = policy.keys.iter().flatten();
            let has = |wanted: &str| {
                words
                    .clone()
                    .any(|word| word.eq_ignore_ascii_case(wanted) || word == "all")
            };
            policy.object_id.eq_ignore_ascii_case(principal)
                && has("get")
                && has("wrapKey")
                && has("unwrapKey")
        }),
    }
}

/// As an account shows it.
pub(super) fn document(spec: &StorageAccountSpec, created: &str) -> Value {
    let service = json!({"keyType": "Account", "enabled": true, "lastEnabledTime": created});
    let encryption = &spec.encryption;
    let mut shown = json!({
        "services": {"file": service, "blob": service},
        "keySource": encryption.key_source,
    });
    let Some(fields) = shown.as_object_mut() else {
        return shown;
    };
    if let Some(twice) = encryption.twice {
        fields.insert("requireInfrastructureEncryption".to_owned(), json!(twice));
    }
    if let Some(key) = &encryption.key {
        let mut properties = json!({"keyname": key.name, "keyvaulturi": key.vault_uri});
        for (field, value) in [
            ("keyversion", &key.version),
            ("currentVersionedKeyIdentifier", &key.current),
        ] {
            if let Some(value) = value {
                properties[field] = json!(value);
            }
        }
        fields.insert("keyvaultproperties".to_owned(), properties);
    }
    if let Some(id) = &encryption.user_assigned_identity {
        fields.insert("identity".to_owned(), json!({"userAssignedIdentity": id}));
    }
    shown
}

/// The identity that a body asks for, with the ids that it gets.
pub(super) fn identity(
    world: &World,
    spec: &StorageAccountSpec,
    given: &Value,
) -> Result<Option<Value>, Failure> {
    let given_type = given["type"].as_str().unwrap_or_default();
    let has = |wanted: &str| {
        let mut types = given_type.split(',').map(str::trim);
        types.any(|one| one.eq_ignore_ascii_case(wanted))
    };
    let (system, user) = (has("SystemAssigned"), has("UserAssigned"));
    if has("None") && !system && !user {
        return Ok(Some(json!({"type": "None"})));
    }
    if !system && !user {
        return Err(invalid_values("identity.type"));
    }
    let told = match (system, user) {
        (true, true) => "SystemAssigned,UserAssigned",
        (true, false) => "SystemAssigned",
        _ => "UserAssigned",
    };
    let mut shown = json!({"type": told});
    let Some(fields) = shown.as_object_mut() else {
        return Ok(None);
    };
    if system {
        let principal = derived_uuid(&["storage identity", &spec.id()]).to_string();
        fields.insert("principalId".to_owned(), json!(principal));
        fields.insert("tenantId".to_owned(), json!(spec.tenant_id));
    }
    if user {
        let ids = given["userAssignedIdentities"].as_object();
        let mut assigned = serde_json::Map::new();
        for id in ids.into_iter().flat_map(serde_json::Map::keys) {
            let Some((client, principal)) = of_resource(world, id) else {
                return Err(Failure::new(
                    400,
                    "FailedIdentityOperation",
                    format!(
                        "Identity operation for resource '{}' failed: {id} was not found.",
                        spec.id()
                    ),
                ));
            };
            let ids = json!({"clientId": client, "principalId": principal});
            assigned.insert(id.clone(), ids);
        }
        if assigned.is_empty() {
            return Err(invalid_values("identity.userAssignedIdentities"));
        }
        fields.insert("userAssignedIdentities".to_owned(), assigned.into());
    }
    Ok(Some(shown))
}
