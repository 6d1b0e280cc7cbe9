use serde_json::json;

use super::*;
use crate::azure::arm::fixtures::{SUBSCRIPTION, VAULT, profile, stack, subject};

fn said(body: &Value) -> Problem {
    told(&profile(), body)
}

fn told(profile: &Profile, body: &Value) -> Problem {
    let error = AzureError::of(&json!({ "error": body })).unwrap();
    known(profile, &subject(), &error).unwrap()
}

fn code(code: &str) -> Problem {
    said(&json!({"code": code, "message": "Words of Azure."}))
}

/// Codes with their word, those that are tried again soon apart from those that somebody must mend.
const SOON: &[(&str, Reason)] = &[
    ("AuthorizationFailed", Reason::Forbidden),
    (
        "MissingSubscriptionRegistration",
        Reason::ProviderNotRegistered,
    ),
    ("SubscriptionNotRegistered", Reason::ProviderNotRegistered),
    ("SubscriptionNotFound", Reason::SubscriptionNotFound),
    ("ResourceGroupNotFound", Reason::ResourceGroupNotFound),
    ("ResourceNotFound", Reason::AzureResourceNotFound),
    ("DeletedVaultNotFound", Reason::AzureResourceNotFound),
    ("RoleAssignmentNotFound", Reason::AzureResourceNotFound),
    ("AnotherOperationInProgress", Reason::AzureBusy),
    ("Conflict", Reason::AzureBusy),
    ("ConflictError", Reason::AzureBusy),
    ("ResourceGroupBeingDeleted", Reason::AzureBusy),
    ("PrincipalNotFound", Reason::PrincipalNotFound),
    ("KeyVaultAuthenticationFailure", Reason::KeyUnusable),
];
const SLOW: &[(&str, Reason)] = &[
    ("RequestDisallowedByPolicy", Reason::DisallowedByPolicy),
    ("ScopeLocked", Reason::ScopeLocked),
    ("ReadOnlyDisabledSubscription", Reason::SubscriptionDisabled),
    ("DisabledSubscription", Reason::SubscriptionDisabled),
    ("NoRegisteredProviderFound", Reason::ApiVersionUnsupported),
    ("InvalidApiVersionParameter", Reason::ApiVersionUnsupported),
    (
        "LocationNotAvailableForResourceType",
        Reason::LocationUnavailable,
    ),
    ("InvalidResourceGroupLocation", Reason::LocationUnavailable),
    ("VaultAlreadyExists", Reason::NameTaken),
    ("StorageAccountAlreadyTaken", Reason::NameTaken),
    ("StorageAccountInAnotherResourceGroup", Reason::NameTaken),
    ("AccountPropertyCannotBeUpdated", Reason::CannotChange),
    ("VaultNameNotValid", Reason::NameInvalid),
    ("AccountNameInvalid", Reason::NameInvalid),
    ("SoftDeletedVaultDoesNotExist", Reason::NothingToRecover),
    ("RoleAssignmentExists", Reason::RoleAssignmentExists),
    ("QuotaExceeded", Reason::QuotaExceeded),
    ("ResourceQuotaExceeded", Reason::QuotaExceeded),
    ("RoleAssignmentLimitExceeded", Reason::QuotaExceeded),
];

#[test]
fn every_code_has_its_word_and_its_pace() {
    for (all, retry) in [(SOON, Retry::Backoff), (SLOW, Retry::OnChange)] {
        for (name, reason) in all {
            let problem = code(name);
            assert_eq!((problem.reason, problem.retry), (*reason, retry), "{name}");
            assert_eq!(problem.azure_code.as_deref(), Some(*name));
            assert!(
                problem.message.contains("kv-a") || problem.message.contains(SUBSCRIPTION),
                "{problem}"
            );
        }
    }
}

#[test]
fn a_missing_role_is_told_with_the_command_that_gives_it() {
    let oid = "55555555-5555-5555-5555-555555555555";
    let message = format!(
        "The client '{oid}' with object id '{oid}' does not have authorization to perform action 'Microsoft.KeyVault/vaults/write' over scope '{VAULT}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    );
    let problem = said(&json!({"code": "AuthorizationFailed", "message": message}));
    for part in [
        "Microsoft.KeyVault/vaults/write",
        VAULT,
        &format!(
            "az role assignment create --assignee {oid} --role \"Key Vault Contributor\" --scope /subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
        ),
    ] {
        assert!(problem.message.contains(part), "{part} is not in {problem}");
    }
    let silent = code("AuthorizationFailed");
    assert!(
        silent.message.contains(
            "--assignee 22222222-2222-2222-2222-222222222222 --role \"Key Vault Contributor\""
        ),
        "{silent}"
    );
    assert!(silent.message.contains("Words of Azure."), "{silent}");
    let old = told(
        &stack(),
        &json!({"code": "AuthorizationFailed", "message": message}),
    );
    assert!(old.message.contains("--role \"Contributor\""), "{old}");
}

#[test]
fn a_role_that_lacks_on_a_subnet_names_the_subnet() {
    let subnet = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    );
    let message = format!(
        "The client 'x' with object id 'o-1' has permission to perform action 'Microsoft.KeyVault/vaults/write' on scope '{VAULT}'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action' on the linked scope(s) '{subnet}' (respectively) or the linked scope(s) are invalid."
    );
    let problem = said(&json!({"code": "LinkedAuthorizationFailed", "message": message}));
    let mend = format!("--assignee o-1 --role \"Network Contributor\" --scope {subnet}");
    assert!(problem.message.contains(&mend), "{problem}");
}

#[test]
fn a_policy_is_named_from_either_place() {
    let info = json!({"code": "RequestDisallowedByPolicy", "target": "kv-a", "message": "Resource 'kv-a' was disallowed by policy.",
        "additionalInfo": [{"type": "PolicyViolation", "info": {"policyDefinitionDisplayName": "No public vaults", "policyDefinitionName": "d1",
            "policyAssignmentName": "a1", "policyAssignmentId": "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a1"}}]});
    let text = json!({"code": "RequestDisallowedByPolicy", "message": "Resource 'kv-a' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"a1\",\"id\":\"/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a1\"},\"policyDefinition\":{\"name\":\"No public vaults\",\"id\":\"d\"}}]'."});
    for body in [info, text] {
        let problem = said(&body);
        for part in [
            "\"No public vaults\"",
            "\"a1\"",
            "policyAssignments/a1",
            "kv-a",
        ] {
            assert!(problem.message.contains(part), "{part} is not in {problem}");
        }
    }
    assert!(
        code("RequestDisallowedByPolicy")
            .message
            .contains("Words of Azure.")
    );
}

#[test]
fn a_lock_is_named_with_the_command_that_finds_it() {
    let scope = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg");
    let message = format!(
        "The scope '{VAULT}' cannot perform delete operation because following scope(s) are locked: '{scope}'. Please remove the lock and try again."
    );
    let problem = said(&json!({"code": "ScopeLocked", "message": message}));
    for part in [
        format!("a lock on {scope} "),
        "az lock list".to_owned(),
        "az lock delete".to_owned(),
    ] {
        assert!(
            problem.message.contains(&part),
            "{part} is not in {problem}"
        );
    }
}

#[test]
fn a_provider_that_is_not_registered_is_named() {
    let message = "The subscription is not registered to use namespace 'Microsoft.KeyVault'. See https://aka.ms/rps-not-found for how to register subscriptions.";
    let body = json!({"code": "MissingSubscriptionRegistration", "message": message,
        "details": [{"code": "MissingSubscriptionRegistration", "target": "Microsoft.KeyVault", "message": message}]});
    let problem = said(&body);
    let mend = format!(
        "az provider register --namespace Microsoft.KeyVault --subscription {SUBSCRIPTION}"
    );
    assert!(problem.message.contains(&mend), "{problem}");
}

#[test]
fn a_conflict_over_a_deleted_vault_is_no_passing_one() {
    let message = "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.";
    let problem = said(&json!({"code": "ConflictError", "message": message}));
    assert_eq!(
        (problem.reason, problem.retry),
        (Reason::NameHeldByDeleted, Retry::OnChange)
    );
    let writers = json!({"code": "ConflictError", "message": "A conflict occurred that prevented the operation from completing. The operation failed because the vault 'kv-a' changed from the point the operation began."});
    assert_eq!(said(&writers).reason, Reason::AzureBusy);
}

#[test]
fn what_lies_in_a_general_error_is_found() {
    let body = json!({"code": "Conflict", "message": "m", "details": [
        {"code": "Other", "message": "m"}, {"code": "QuotaExceeded", "message": "No more vaults."}]});
    let problem = said(&body);
    assert_eq!(problem.reason, Reason::QuotaExceeded);
    assert_eq!(problem.azure_code.as_deref(), Some("QuotaExceeded"));
    assert!(problem.message.contains("No more vaults."), "{problem}");
    let body = json!({"code": "PrincipalNotFound", "message": "m", "details": [{"code": "QuotaExceeded", "message": "n"}]});
    assert_eq!(said(&body).reason, Reason::PrincipalNotFound);
    let body = json!({"code": "DeploymentFailed", "message": "m", "innererror": {"code": "ScopeLocked", "message": "n"}});
    assert_eq!(said(&body).reason, Reason::ScopeLocked);
}
