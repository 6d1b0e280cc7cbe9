//! What Azure's error codes mean, when they are worth another try, and what mends them. Pure.

use serde_json::Value;

use super::error::{AzureError, LONGEST_MESSAGE, between, settled};
use super::{Subject, roles};
use crate::azure::auth::Profile;
use crate::names::ClientId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Codes that say less than what may lie in them.
const GENERAL: [&str; 3] = ["Conflict", "NotFound", "ConflictError"];

/// What is known by one of an error's codes: the outermost that says something particular, else the outermost at all.
pub(super) fn known(profile: &Profile, subject: &Subject, error: &AzureError) -> Option<Problem> {
    let all = error.all();
    let mut known = all
        .iter()
        .filter_map(|error| Some((*error, class(&error.code, &error.message)?)));
    let first = known.next()?;
    let general = |error: &AzureError| GENERAL.contains(&error.code.as_str());
    let particular = known.find(|(error, _)| !general(error));
    let (found, (reason, retry)) = particular.filter(|_| general(first.0)).unwrap_or(first);
    let text = message(profile, subject, reason, error, found);
    Some(Problem {
        azure_code: Some(found.code.clone()),
        ..Problem::new(reason, retry, text)
    })
}

/// What a code means and when it is worth another try. What somebody must mend in Azure is looked at once an hour and when the
/// object changes; what passes by itself, or by a role that is granted any moment, sooner.
fn class(code: &str, message: &str) -> Option<(Reason, Retry)> {
    let slow = |reason| Some((reason, Retry::OnChange));
    let soon = |reason| Some((reason, Retry::Backoff));
    match code {
        "AuthorizationFailed" | "LinkedAuthorizationFailed" | "ForbiddenByRbac" => {
            soon(Reason::Forbidden)
        }
        "RequestDisallowedByPolicy" | "RequestDisallowedByAzure" => {
            slow(Reason::DisallowedByPolicy)
        }
        "ScopeLocked" => slow(Reason::ScopeLocked),
        "MissingSubscriptionRegistration"
        | "SubscriptionNotRegistered"
        | "InvalidSubscriptionRegistrationState"
        | "MissingRegistrationForLocation" => soon(Reason::ProviderNotRegistered),
        "ReadOnlyDisabledSubscription"
        | "DisabledSubscription"
        | "SubscriptionDisabled"
        | "SubscriptionNotActive"
        | "SubscriptionInactive" => slow(Reason::SubscriptionDisabled),
        "SubscriptionNotFound" | "InvalidSubscriptionId" => soon(Reason::SubscriptionNotFound),
        "ResourceGroupNotFound" => soon(Reason::ResourceGroupNotFound),
        "ResourceNotFound"
        | "NotFound"
        | "DeletedVaultNotFound"
        | "VaultNotFound"
        | "RoleAssignmentNotFound"
        | "RoleDefinitionDoesNotExist"
        | "ParentResourceNotFound" => soon(Reason::AzureResourceNotFound),
        "ConflictError" if message.contains("deleted state") => slow(Reason::NameHeldByDeleted),
        "AnotherOperationInProgress"
        | "Conflict"
        | "ConflictError"
        | "ConcurrentUpdateError"
        | "OperationInProgress"
        | "ResourceGroupBeingDeleted"
        | "PreconditionFailed"
        | "StorageAccountIsNotProvisioned"
        | "StorageAccountOperationInProgress"
        | "RetryableError"
        | "RoleAssignmentUpdateConflict" => soon(Reason::AzureBusy),
        "NoRegisteredProviderFound"
        | "InvalidApiVersionParameter"
        | "InvalidApiVersion"
        | "MissingApiVersionParameter"
        | "InvalidResourceType" => slow(Reason::ApiVersionUnsupported),
        "LocationNotAvailable"
        | "LocationNotAvailableForResourceType"
        | "LocationNotAvailableForResourceGroup"
        | "InvalidLocation"
        | "InvalidResourceLocation"
        | "InvalidResourceGroupLocation"
        | "RegionNotSupported"
        | "RegionIsOfferRestricted"
        | "SkuNotAvailable"
        | "SkuNotSupported" => slow(Reason::LocationUnavailable),
        "VaultAlreadyExists"
        | "StorageAccountAlreadyTaken"
        | "StorageAccountInAnotherResourceGroup"
        | "AccountAlreadyExists" => slow(Reason::NameTaken),
        "AccountPropertyCannotBeUpdated" | "AccountPropertyIsImmutable" => {
            slow(Reason::CannotChange)
        }
        // The identity that unwraps a customer's key may have been given its role a moment ago.
        _ if code.starts_with("KeyVault") => soon(Reason::KeyUnusable),
        "VaultNameNotValid"
        | "AccountNameInvalid"
        | "InvalidResourceName"
        | "ReservedResourceName"
        | "ResourceGroupNameInvalid" => slow(Reason::NameInvalid),
        "SoftDeletedVaultDoesNotExist" => slow(Reason::NothingToRecover),
        "RoleAssignmentExists" => slow(Reason::RoleAssignmentExists),
        "PrincipalNotFound" => soon(Reason::PrincipalNotFound),
        _ if code.contains("Quota")
            || code.contains("LimitExceeded")
            || code.contains("CountExceeded")
            || code.contains("CountPerSubscriptionExceeded") =>
        {
            slow(Reason::QuotaExceeded)
        }
        _ => None,
    }
}

/// `error` is what Azure answered, `found` the part of it that says what it means.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "reasons that are not Azure Resource Manager's have no text of their own here"
)]
fn message(
    profile: &Profile,
    subject: &Subject,
    reason: Reason,
    error: &AzureError,
    found: &AzureError,
) -> String {
    let what = &subject.what;
    let subscription = &subject.subscription;
    let said = error.said();
    match reason {
        Reason::Forbidden => forbidden(profile, subject, found),
        Reason::DisallowedByPolicy => policy(what, error, &said),
        Reason::ScopeLocked => locked(subject, found, &said),
        Reason::ProviderNotRegistered => {
            let namespace = namespace(subject, found);
            format!(
                "subscription {subscription} is not registered for {namespace}, which {what} needs. Mend: az provider register --namespace {namespace} --subscription {subscription}"
            )
        }
        Reason::SubscriptionDisabled => format!(
            "subscription {subscription} is disabled, so {what} cannot be changed: its owner can enable it (Azure portal, Subscriptions). Azure says: {said}"
        ),
        Reason::SubscriptionNotFound => format!(
            "there is no subscription {subscription}, or {profile} has no role in it: check spec.subscriptionId, or give it one: az role assignment create --assignee {} --role Reader --scope /subscriptions/{subscription}",
            client(profile)
        ),
        Reason::ResourceGroupNotFound => {
            format!("the resource group of {what} does not exist. Azure says: {said}")
        }
        Reason::AzureResourceNotFound => format!("Azure has no {what}. Azure says: {said}"),
        Reason::NameHeldByDeleted => format!(
            "a deleted vault that is still kept in subscription {subscription} holds the name of {what}: recover or purge it (az keyvault list-deleted --subscription {subscription})"
        ),
        Reason::AzureBusy => format!(
            "{what} is being changed already, by Azure or by somebody else; it is tried again. Azure says: {said}"
        ),
        Reason::ApiVersionUnsupported => format!(
            "this cloud does not speak the version of the interface that {what} was asked in: for an Azure Stack Hub set resourceManager.profile: AzureStack in spec.cloud.custom of the identity, or name it by spec.cloud.resourceManagerEndpoint. Azure says: {said}"
        ),
        Reason::QuotaExceeded => format!(
            "a quota is used up, so {what} cannot be made: free some, or ask for more (Azure portal, Quotas). Azure says: {said}"
        ),
        Reason::PrincipalNotFound => format!(
            "the directory does not know the principal of {what}, or not yet: a new one takes minutes to arrive everywhere, and it is tried again. Check its object id (not the client id). Azure says: {said}"
        ),
        Reason::NameTaken if found.code == "StorageAccountInAnotherResourceGroup" => format!(
            "{what} is in another resource group of subscription {subscription} already: name that group (az storage account show --subscription {subscription} --name <name> --query resourceGroup), or choose another name. Azure says: {said}"
        ),
        Reason::NameTaken => format!(
            "the name of {what} is taken, perhaps by another customer of Azure or by something that was deleted elsewhere: names are unique in all of Azure, so choose another one. Azure says: {said}"
        ),
        Reason::CannotChange => format!(
            "{what} exists, and Azure does not change what is fixed when it is made. Azure says: {said}"
        ),
        Reason::KeyUnusable => format!(
            "Azure cannot use the customer's key for {what}: the identity in spec.encryption needs the role \"Key Vault Crypto Service Encryption User\" on the vault, the vault needs purge protection and must let Azure's services in, and the key must exist and be enabled. A new role takes minutes to count. Azure says: {said}"
        ),
        Reason::NothingToRecover => format!(
            "there is no deleted vault to recover for {what}: Azure knows none of this name in this group and region. Azure says: {said}"
        ),
        _ => format!("Azure refused {what} ({}): {said}", found.code),
    }
}

/// How the identity is called on the command line.
fn client(profile: &Profile) -> &str {
    let client = profile.client.as_ref();
    client.map_or("<client id>", ClientId::as_str)
}

/// What Azure says of a missing permission, and the command that gives it.
pub(super) fn forbidden(profile: &Profile, subject: &Subject, error: &AzureError) -> String {
    let text = settled(&error.message);
    // Where a resource that is referred to may not be used, it is named after the one that is written.
    let linked = between(&text, "permission to perform action(s) '", "'").zip(between(
        &text,
        "linked scope(s) '",
        "'",
    ));
    let told = between(&text, "to perform action '", "'").zip(between(&text, "over scope '", "'"));
    let (action, scope) = linked
        .or(told)
        .unwrap_or((subject.action, subject.scope.as_str()));
    let who = between(&text, "object id '", "'");
    let role = roles::smallest(&profile.cloud, action);
    format!(
        "{profile}{} may not perform {action} on {scope}. Mend: az role assignment create --assignee {} --role \"{role}\" --scope {}{}",
        who.map_or_else(String::new, |who| format!(" (object id {who})")),
        who.unwrap_or_else(|| client(profile)),
        roles::mending_scope(action, scope),
        if linked.or(told).is_some() {
            String::new()
        } else {
            format!(". Azure says: {}", error.said())
        }
    )
}

/// Policies that deny something are named in `additionalInfo`, and in the message as JSON.
fn policy(what: &str, error: &AzureError, said: &str) -> String {
    let all = error.all();
    let infos = all.iter().flat_map(|error| &error.additional);
    let mut named: Vec<String> = infos
        .filter(|info| info.kind == "PolicyViolation")
        .map(|info| {
            let text = |name: &str| info.info.get(name).and_then(Value::as_str);
            let definition = text("policyDefinitionDisplayName")
                .or_else(|| text("policyDefinitionName"))
                .unwrap_or("?");
            let assignment = text("policyAssignmentDisplayName")
                .or_else(|| text("policyAssignmentName"))
                .unwrap_or("?");
            let id = text("policyAssignmentId").unwrap_or("?");
            format!("policy {definition:?}, assigned as {assignment:?} ({id})")
        })
        .collect();
    if named.is_empty() {
        named = all
            .iter()
            .filter_map(|error| identifiers(&error.message))
            .flatten()
            .collect();
    }
    named.dedup();
    if named.is_empty() {
        return format!("a policy denies {what}. Azure says: {said}");
    }
    let named: String = named.join("; ").chars().take(LONGEST_MESSAGE).collect();
    format!(
        "denied for {what}: {named}. Change the spec so that the policy allows it, or ask whoever assigned it for an exemption (az policy exemption create)"
    )
}

/// `Policy identifiers: '[{"policyAssignment":{"name","id"},"policyDefinition":{"name","id"}}]'`.
fn identifiers(message: &str) -> Option<Vec<String>> {
    let text = between(message, "Policy identifiers: '", "'.")
        .or_else(|| between(message, "Policy identifiers: '", "'"))?;
    let all: Vec<Value> = serde_json::from_str(text).ok()?;
    let told = all.iter().map(|one| {
        let name = |part: &str, name: &str| {
            let value = one.get(part).and_then(|part| part.get(name));
            value.and_then(Value::as_str).unwrap_or("?").to_owned()
        };
        format!(
            "policy {:?}, assigned as {:?} ({})",
            name("policyDefinition", "name"),
            name("policyAssignment", "name"),
            name("policyAssignment", "id")
        )
    });
    Some(told.collect())
}

fn locked(subject: &Subject, error: &AzureError, said: &str) -> String {
    let what = &subject.what;
    let lock = between(&error.message, "locked: '", "'");
    let Some(scope) = lock else {
        return format!(
            "a lock forbids to change {what}. Mend: az lock list --subscription {}, then az lock delete --ids <id>. Azure says: {said}",
            subject.subscription
        );
    };
    format!(
        "a lock on {scope} forbids to change {what}. Mend: az lock list --subscription {} --query \"[?starts_with(id, '{scope}')].id\", then az lock delete --ids <id>",
        subject.subscription
    )
}

/// The namespace that is to be registered: as Azure names it, else that of the action.
fn namespace<'a>(subject: &'a Subject, error: &'a AzureError) -> &'a str {
    between(&error.message, "use namespace '", "'")
        .or(error.target.as_deref())
        .or_else(|| subject.action.split('/').next())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "meaning_tests.rs"]
mod tests;
