//! What stands before a write though a role allows it: locks, and policies that deny.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{failure::Failure, scope, subscription::Subscription};

/// Level of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum LockLevel {
    CanNotDelete,
    ReadOnly,
}

/// A lock.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LockSpec {
    /// Absent: the subscription. A full id, or what follows the subscription's.
    #[serde(default)]
    pub(crate) scope: String,
    pub(crate) level: LockLevel,
}

/// A policy that denies. All that it names must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PolicySpec {
    /// Name of the assignment and of the definition.
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    /// As of a lock.
    pub(crate) scope: String,
    /// Absent: vaults.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Denies other locations.
    pub(crate) allowed_locations: Vec<String>,
    /// Denies what has no such tag.
    pub(crate) required_tag: Option<String>,
    /// Denies by a property.
    pub(crate) property: Option<PropertyRule>,
}

/// Denies when a property is (not) of a value.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PropertyRule {
    /// As `properties.publicNetworkAccess`.
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) equals: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_equals: Option<Value>,
}

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Write,
    Delete,
}

/// The id that a scope in a seed means.
fn absolute(subscription: &str, given: &str) -> String {
    let start = scope::key(&scope::subscription(subscription));
    let given = scope::key(given);
    if given == "/" {
        start
    } else if given.starts_with("/subscriptions/") {
        given
    } else {
        format!("{start}{given}")
    }
}

/// Refuses what a lock forbids: above or on the scope, and for a deletion also below it.
pub(crate) fn locked(subscription: &Subscription, id: &str, deed: Deed) -> Result<(), Failure> {
    let key = scope::key(id);
    let holds = |lock: &&LockSpec| {
        let at = absolute(&subscription.id, &lock.scope);
        match deed {
            Deed::Write => lock.level == LockLevel::ReadOnly && scope::covers(&at, &key),
            Deed::Delete => scope::covers(&at, &key) || scope::covers(&key, &at),
        }
    };
    let Some(lock) = subscription.locks.iter().find(holds) else {
        return Ok(());
    };
    let word = match deed {
        Deed::Write => "write",
        Deed::Delete => "delete",
    };
    let at = if lock.scope.is_empty() {
        scope::subscription(&subscription.id)
    } else if lock.scope.starts_with("/subscriptions/") {
        lock.scope.clone()
    } else {
        format!("/subscriptions/{}{}", subscription.id, lock.scope)
    };
    Err(Failure::gateway(
        409,
        "ScopeLocked",
        format!(
            "The scope '{id}' cannot perform {word} operation because following scope(s) are locked: '{at}'. Please \
             remove the lock and try again."
        ),
    ))
}

/// Refuses a document that a policy denies; `id` and `kind` are the resource's.
pub(crate) fn denied(
    subscription: &Subscription,
    id: &str,
    kind: &str,
    document: &Value,
) -> Result<(), Failure> {
    let key = scope::key(id);
    for policy in &subscription.policies {
        let wanted = policy
            .kind
            .as_deref()
            .unwrap_or("Microsoft.KeyVault/vaults");
        let at = absolute(&subscription.id, &policy.scope);
        if !wanted.eq_ignore_ascii_case(kind) || !scope::covers(&at, &key) {
            continue;
        }
        if let Some(found) = violation(policy, document) {
            return Err(disallowed(subscription, policy, id, &found));
        }
    }
    Ok(())
}

/// What of a document a policy denies, as its evaluation tells it.
fn violation(policy: &PolicySpec, document: &Value) -> Option<Value> {
    let told = |path: &str, seen: &Value, target: Value, operator: &str| {
        json!({
            "result": "True", "expressionKind": "Field", "expression": path, "path": path,
            "expressionValue": seen, "targetValue": target, "operator": operator,
        })
    };
    let location = &document["location"];
    let elsewhere = !policy.allowed_locations.is_empty()
        && !policy.allowed_locations.iter().any(|one| {
            location
                .as_str()
                .is_some_and(|at| at.eq_ignore_ascii_case(one))
        });
    if elsewhere {
        return Some(told(
            "location",
            location,
            json!(policy.allowed_locations),
            "NotIn",
        ));
    }
    if let Some(tag) = &policy.required_tag {
        let tags = document["tags"].as_object();
        if !tags.is_some_and(|tags| tags.keys().any(|name| name.eq_ignore_ascii_case(tag))) {
            let path = format!("tags['{tag}']");
            return Some(told(&path, &Value::Null, json!("false"), "Exists"));
        }
    }
    let rule = policy.property.as_ref()?;
    let seen = rule
        .path
        .split('.')
        .fold(document, |value, step| &value[step]);
    if let Some(value) = rule.equals.as_ref().filter(|value| *value == seen) {
        return Some(told(&rule.path, seen, value.clone(), "Equals"));
    }
    let other = rule.not_equals.as_ref().filter(|value| *value != seen)?;
    Some(told(&rule.path, seen, other.clone(), "NotEquals"))
}

fn disallowed(
    subscription: &Subscription,
    policy: &PolicySpec,
    id: &str,
    found: &Value,
) -> Failure {
    let at = scope::subscription(&subscription.id);
    let name = &policy.name;
    let shown = policy.display_name.as_ref().unwrap_or(name);
    let assignment = format!("{at}/providers/Microsoft.Authorization/policyAssignments/{name}");
    let definition = format!("{at}/providers/Microsoft.Authorization/policyDefinitions/{name}");
    let resource = id.rsplit('/').next().unwrap_or(id);
    let identifiers = json!([{
        "policyAssignment": {"name": shown, "id": assignment},
        "policyDefinition": {"name": shown, "id": definition},
    }]);
    let mut failure = Failure::gateway(
        403,
        "RequestDisallowedByPolicy",
        format!(
            "Resource '{resource}' was disallowed by policy. Policy identifiers: '{identifiers}'."
        ),
    );
    failure.target = Some(resource.to_owned());
    failure.info.push(json!({
        "type": "PolicyViolation",
        "info": {
            "policyDefinitionDisplayName": shown,
            "policyDefinitionId": definition,
            "policyDefinitionName": name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": assignment,
            "policyAssignmentName": name,
            "policyAssignmentDisplayName": shown,
            "policyAssignmentScope": at,
            "evaluationDetails": {"evaluatedExpressions": [found]},
        },
    }));
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: &str = "/subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/v";

    fn with_lock(scope: &str, level: LockLevel) -> Subscription {
        let mut subscription = Subscription::new("S", "t", None);
        subscription.locks.push(LockSpec {
            scope: scope.into(),
            level,
        });
        subscription
    }

    #[test]
    fn a_lock_holds_what_lies_below_it_and_deletions_above_it() {
        use LockLevel::{CanNotDelete, ReadOnly};
        let group = "/subscriptions/s/resourcegroups/g";
        for (scope, level, id, deed, held) in [
            ("", CanNotDelete, VAULT, Deed::Delete, true),
            ("", CanNotDelete, VAULT, Deed::Write, false),
            ("/resourceGroups/g", ReadOnly, VAULT, Deed::Write, true),
            (VAULT, CanNotDelete, group, Deed::Delete, true),
            (VAULT, ReadOnly, group, Deed::Write, false),
            ("/resourceGroups/other", ReadOnly, VAULT, Deed::Write, false),
        ] {
            let answer = locked(&with_lock(scope, level), id, deed);
            assert_eq!(answer.is_err(), held, "{scope} {level:?} {id} {deed:?}");
        }
    }

    #[test]
    fn a_policy_denies_by_location_tag_or_property() {
        let denies = |policy: Value, document: Value| {
            let mut subscription = Subscription::new("S", "t", None);
            subscription.policies = vec![serde_json::from_value(policy).unwrap()];
            let kind = "Microsoft.KeyVault/vaults";
            denied(&subscription, VAULT, kind, &document).is_err()
        };
        let places = json!({"name": "p", "allowedLocations": ["westeurope"]});
        assert!(denies(places.clone(), json!({"location": "eastus"})));
        assert!(!denies(places, json!({"location": "westeurope"})));
        let tag = json!({"name": "p", "requiredTag": "owner"});
        assert!(denies(tag.clone(), json!({"tags": {}})));
        assert!(!denies(tag, json!({"tags": {"Owner": "me"}})));
        let path = "properties.publicNetworkAccess";
        let closed = json!({"name": "p", "property": {"path": path, "notEquals": "Disabled"}});
        assert!(denies(
            closed.clone(),
            json!({"properties": {"publicNetworkAccess": "Enabled"}})
        ));
        assert!(!denies(
            closed.clone(),
            json!({"properties": {"publicNetworkAccess": "Disabled"}})
        ));
        let elsewhere = json!({"name": "p", "scope": "/resourceGroups/h", "requiredTag": "x"});
        assert!(!denies(elsewhere, json!({})));
    }
}
