//! Names of vaults, which are unique over all subscriptions
//! (<https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/check-name-availability>).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{context::Context, vault_body, vaults::KIND};
use crate::{wire::reply::Reply, world::failure::Failure};

const ALREADY: &str = "Vault names are globally unique so it is possible that the name is already taken. If you are sure \
                       that the vault name was not taken then it is possible that a vault with the same name was recently \
                       deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable \
                       state then the vault will need to be purged before reusing the name. For more information about \
                       VaultAlreadyExists, soft delete and purging a vault follow this link \
                       https://go.microsoft.com/fwlink/?linkid=2147740.";

pub(super) fn name_not_valid(name: &str) -> Failure {
    Failure::new(
        400,
        "VaultNameNotValid",
        format!(
            "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name \
             must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link \
             for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
        ),
    )
}

pub(super) fn already_exists(name: &str) -> Failure {
    let message = format!("The vault name '{name}' is already in use. {ALREADY}");
    Failure::new(409, "VaultAlreadyExists", message)
}

#[derive(Deserialize)]
struct NameBody {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

pub(super) fn check(context: &Context<'_>) -> Result<Reply, Failure> {
    let NameBody { name, kind } = context.body()?;
    if !kind.eq_ignore_ascii_case(KIND) {
        return Err(Failure::bad_request(format!(
            "An invalid value was provided for 'type': '{kind}'. The allowed value is '{KIND}'."
        )));
    }
    let world = context.app.world.read();
    let key = name.to_ascii_lowercase();
    let taken = world.vaults.contains_key(&key) || world.deleted_vaults.contains_key(&key);
    let answer = if !vault_body::is_vault_name(&name) {
        let failure = name_not_valid(&name);
        json!({"nameAvailable": false, "reason": "AccountNameInvalid", "message": failure.message})
    } else if taken {
        let failure = already_exists(&name);
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": failure.message})
    } else {
        json!({"nameAvailable": true})
    };
    Ok(Reply::json(StatusCode::OK, &answer))
}
