//! Key Vault's errors, as it words them.

use http::StatusCode;
use serde_json::json;

use crate::{
    wire::{journal::Principal, reply::Reply},
    world::{access::Action, object::Kind, refusal::Refusal, spec::VaultSpec},
};

/// An error answer; `inner` is the inner error's code.
pub(crate) fn reply(status: StatusCode, code: &str, message: &str, inner: Option<&str>) -> Reply {
    let mut error = json!({"code": code, "message": message});
    if let (Some(inner), Some(fields)) = (inner, error.as_object_mut()) {
        fields.insert("innererror".to_owned(), json!({"code": inner}));
    }
    Reply::json(status, &json!({"error": error}))
}

pub(crate) fn bad_parameter(message: &str) -> Reply {
    reply(StatusCode::BAD_REQUEST, "BadParameter", message, None)
}

pub(crate) fn unauthorized(message: &str) -> Reply {
    reply(StatusCode::UNAUTHORIZED, "Unauthorized", message, None)
}

/// The wire form of what the world refused about an object of that kind.
pub(crate) fn refused(kind: Kind, refusal: &Refusal) -> Reply {
    let conflict = |message: &str, inner| reply(StatusCode::CONFLICT, "Conflict", message, inner);
    let forbidden =
        |message: &str, inner| reply(StatusCode::FORBIDDEN, "Forbidden", message, inner);
    let (title, word) = (kind.title(), kind.word());
    let not_found = |message: &str| {
        reply(
            StatusCode::NOT_FOUND,
            &format!("{title}NotFound"),
            message,
            None,
        )
    };
    match refusal {
        Refusal::NotFound(id) => not_found(&format!(
            "A {word} with (name/id) {id} was not found in this key vault. If you recently deleted this {word} you may \
             be able to recover it using the correct recovery command. For help resolving this issue, please see \
             https://go.microsoft.com/fwlink/?linkid=2125182"
        )),
        Refusal::DeletedNotFound(name) => not_found(&format!("Deleted {title} not found: {name}")),
        Refusal::Disabled => forbidden(
            &format!("Operation get is not allowed on a disabled {word}."),
            Some(&format!("{title}Disabled")),
        ),
        Refusal::DeletedButRecoverable(name) => conflict(
            &format!(
                "{title} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this \
                 state, the {word} can only be recovered or purged."
            ),
            Some("ObjectIsDeletedButRecoverable"),
        ),
        Refusal::BeingDeleted(_) => conflict(
            &format!("{title} is currently being deleted."),
            Some("ObjectIsBeingDeleted"),
        ),
        Refusal::BeingRecovered(_) => conflict(
            &format!("{title} is currently being recovered."),
            Some("ObjectIsBeingRecovered"),
        ),
        Refusal::Exists(name) => conflict(&format!("{title} {name} already exists."), None),
        Refusal::PurgeProtected => forbidden(
            "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service \
             will automatically purge it after the retention period has passed.",
            None,
        ),
        Refusal::NotEnabled(operation) => reply(
            StatusCode::BAD_REQUEST,
            "NotSupported",
            &format!("Operation \"{operation}\" is not enabled for this vault."),
            None,
        ),
        Refusal::Managed(operation) => forbidden(
            &format!(
                "Operation \"{operation}\" is not allowed on this {word}, since it is associated with a certificate. \
                 Perform the operation on the corresponding certificate. For more information refer to \
                 https://docs.microsoft.com/en-us/azure/key-vault/certificates/about-certificates#composition-of-a-certificate"
            ),
            Some(&format!("{title}ManagedByKeyVault")),
        ),
        Refusal::PendingNotFound(name) => reply(
            StatusCode::NOT_FOUND,
            "PendingCertificateNotFound",
            &format!("Pending certificate not found: {name}"),
            None,
        ),
        // The code is that of a 403: <https://learn.microsoft.com/azure/key-vault/certificates/create-certificate-scenarios>.
        Refusal::InProgress => reply(
            StatusCode::CONFLICT,
            "Forbidden",
            "A new key vault certificate can not be created or imported while a pending key vault certificate's status is \
             inProgress.",
            None,
        ),
        Refusal::NotInProgress => bad_parameter(
            "The operation is not allowed: the pending certificate is not in progress.",
        ),
        Refusal::MergeForbidden(issuer) => forbidden(
            &format!(
                "Merge is forbidden on pending object created with issuer : {issuer} while it is in progess."
            ),
            None,
        ),
        Refusal::BadParameter(message) => bad_parameter(message),
    }
}

fn caller(principal: &Principal) -> String {
    format!(
        "appid={};oid={};iss=https://sts.windows.net/{}/",
        principal.client_id, principal.object_id, principal.tenant_id
    )
}

fn place(vault: &VaultSpec) -> String {
    format!("{};location={}", vault.name, vault.location)
}

/// 403 of a vault whose role assignments do not allow the action.
pub(crate) fn by_rbac(
    vault: &VaultSpec,
    principal: &Principal,
    action: Action,
    name: Option<&str>,
) -> Reply {
    let object = name
        .map(|name| format!("/{}/{name}", action.kind.plural()))
        .unwrap_or_default();
    let message = format!(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
         definitions were changed recently, please observe propagation time.\r\nCaller: {}\r\nAction: '{}'\r\nResource: \
         '/subscriptions/{}/resourcegroups/{}/providers/microsoft.keyvault/vaults/{}{object}'\r\nAssignment: (not \
         found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: {}\r\n",
        caller(principal),
        action.data_action(),
        vault.subscription_id,
        vault.resource_group.to_ascii_lowercase(),
        vault.name.to_ascii_lowercase(),
        place(vault),
    );
    reply(
        StatusCode::FORBIDDEN,
        "Forbidden",
        &message,
        Some("ForbiddenByRbac"),
    )
}

/// 403 of a vault whose access policies do not allow the action.
pub(crate) fn by_policy(vault: &VaultSpec, principal: &Principal, action: Action) -> Reply {
    let message = format!(
        "The user, group or application 'appid={};oid={};numgroups=0;iss=https://sts.windows.net/{}/' does not have \
         {} {} permission on key vault '{}'. For help resolving this issue, please see \
         https://go.microsoft.com/fwlink/?linkid=2125287",
        principal.client_id,
        principal.object_id,
        principal.tenant_id,
        action.kind.plural(),
        action.permission(),
        place(vault)
    );
    reply(
        StatusCode::FORBIDDEN,
        "Forbidden",
        &message,
        Some("AccessDenied"),
    )
}

/// 403 of a firewall that does not know the address.
pub(crate) fn by_firewall(
    vault: &VaultSpec,
    principal: &Principal,
    peer: std::net::IpAddr,
) -> Reply {
    let message = format!(
        "Client address is not authorized and caller is not a trusted service.\r\nClient address: {peer}\r\nCaller: \
         {}\r\nVault: {}",
        caller(principal),
        place(vault)
    );
    reply(
        StatusCode::FORBIDDEN,
        "Forbidden",
        &message,
        Some("ForbiddenByFirewall"),
    )
}

/// 403 of a vault that is closed to public networks.
pub(crate) fn by_connection(vault: &VaultSpec, principal: &Principal) -> Reply {
    let message = format!(
        "Public network access is disabled and request is not from a trusted service nor via an approved private \
         link.\r\nCaller: {}\r\nVault: {}",
        caller(principal),
        place(vault)
    );
    reply(
        StatusCode::FORBIDDEN,
        "Forbidden",
        &message,
        Some("ForbiddenByConnection"),
    )
}

/// 403 of another inner code, for a fault that asks for it.
pub(crate) fn forbidden_as(inner: &str, vault: &VaultSpec, principal: &Principal) -> Reply {
    let message = format!(
        "Access is denied.\r\nCaller: {}\r\nVault: {}",
        caller(principal),
        place(vault)
    );
    reply(StatusCode::FORBIDDEN, "Forbidden", &message, Some(inner))
}

/// A fault with a status, as a vault words it.
pub(crate) fn fault(status: u16, code: Option<&str>, body: Option<&str>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(body) = body {
        return if body.trim_start().starts_with(['{', '[']) {
            Reply::json_bytes(status, body.as_bytes().to_vec().into())
        } else {
            Reply::text(status, body.to_owned())
        };
    }
    let (usual, message) = match status {
        StatusCode::TOO_MANY_REQUESTS => (
            "Throttled",
            "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "ServiceUnavailable",
            "The service is temporarily unavailable.",
        ),
        StatusCode::UNAUTHORIZED => (
            "Unauthorized",
            "AKV10000: Request is missing a Bearer or PoP token.",
        ),
        StatusCode::FORBIDDEN => ("Forbidden", "Access is denied."),
        StatusCode::NOT_FOUND => (
            "SecretNotFound",
            "The secret was not found in this key vault.",
        ),
        status if status.is_server_error() => {
            ("InternalServerError", "An internal error occurred.")
        }
        _ => ("BadParameter", "The request is refused."),
    };
    reply(status, code.unwrap_or(usual), message, None)
}
