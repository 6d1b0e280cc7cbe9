//! Subscriptions: what is in them, and who may read it.

use serde::{Deserialize, Serialize};

/// Roles by which the resource manager lets somebody read
/// (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/general>).
const READING_ROLES: [&str; 3] = ["owner", "contributor", "reader"];

/// A subscription and the tenant that it trusts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SubscriptionSpec {
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) resource_groups: Vec<ResourceGroupSpec>,
    pub(crate) role_assignments: Vec<SubscriptionRole>,
}

/// A resource group.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceGroupSpec {
    pub(crate) name: String,
    pub(crate) location: String,
}

/// A role on the subscription as a whole: Owner, Contributor or Reader.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubscriptionRole {
    pub(crate) principal_id: String,
    pub(crate) role: String,
}

impl SubscriptionSpec {
    /// Refuses what no subscription could be.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.id.is_empty() || self.tenant_id.is_empty() {
            return Err("a subscription needs id and tenantId".to_owned());
        }
        match self.role_assignments.iter().find(|one| !reads(&one.role)) {
            Some(unknown) => Err(format!(
                "subscription {}: unknown role {:?}; there are Owner, Contributor and Reader",
                self.id, unknown.role
            )),
            None => Ok(()),
        }
    }

    /// Whether a principal, by object id, may read the subscription.
    pub(crate) fn may_be_read_by(&self, principal: &str) -> bool {
        self.role_assignments
            .iter()
            .any(|one| one.principal_id.eq_ignore_ascii_case(principal) && reads(&one.role))
    }
}

fn reads(role: &str) -> bool {
    READING_ROLES.contains(&role.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_role_may_read() {
        let mut spec: SubscriptionSpec = serde_json::from_value(serde_json::json!({
            "id": "s", "tenantId": "t", "roleAssignments": [{"principalId": "A", "role": "Reader"}]
        }))
        .unwrap();
        assert!(spec.check().is_ok());
        assert!(spec.may_be_read_by("a"));
        assert!(!spec.may_be_read_by("b"));
        spec.role_assignments[0].role = "Key Vault Reader".into();
        assert!(spec.check().unwrap_err().contains("unknown role"));
        spec.role_assignments.clear();
        spec.tenant_id.clear();
        assert!(spec.check().is_err());
    }
}
