//! What seeds and the admin API say about subscriptions and roles.

use super::{
    World,
    assignments::Assignment,
    moment::Moment,
    roles::Role,
    scope,
    spec::{RoleAssignment, VaultSpec},
    subscription::{Group, Subscription, SubscriptionSpec},
};

/// The role assignments of a vault's spec, which are taken out of it.
pub(super) fn vault_assignments(
    spec: &mut VaultSpec,
    now: Moment,
) -> Result<Vec<Assignment>, String> {
    let given = std::mem::take(&mut spec.role_assignments);
    assignments(&spec.id(), &given, Role::of_vaults, now)
        .map_err(|error| format!("vault {}: {error}", spec.name))
}

/// What a seed gives on something, whose id it is, or below it.
pub(super) fn assignments(
    id: &str,
    given: &[RoleAssignment],
    role: impl Fn(&str) -> Option<&'static Role>,
    now: Moment,
) -> Result<Vec<Assignment>, String> {
    given
        .iter()
        .map(|given| {
            let role = role(&given.role).ok_or_else(|| format!("unknown role {:?}", given.role))?;
            let at = at_or_below(id, given.scope.as_deref().unwrap_or_default())?;
            Ok(Assignment::of_seed(&at, role, &given.principal_id, now))
        })
        .collect()
}

/// The id that a scope means which is given with something: that itself, or what lies below it.
fn at_or_below(id: &str, given: &str) -> Result<String, String> {
    let given = given.trim_end_matches('/');
    if given.is_empty() {
        Ok(id.to_owned())
    } else if !given.starts_with("/subscriptions/") {
        Ok(format!("{id}/{}", given.trim_start_matches('/')))
    } else if scope::covers(&scope::key(id), &scope::key(given)) {
        Ok(given.to_owned())
    } else {
        Err(format!("the scope {given} is neither {id} nor below it"))
    }
}

impl World {
    /// Makes or changes a subscription. Its role assignments take the place of those that an earlier seed gave on it and
    /// its groups.
    pub(crate) fn put_subscription(
        &mut self,
        spec: &SubscriptionSpec,
        now: Moment,
    ) -> Result<(), String> {
        if spec.id.is_empty() || spec.tenant_id.is_empty() {
            return Err("a subscription needs id and tenantId".to_owned());
        }
        if let Some(region) = &spec.stack
            && self.stack(region).is_none()
        {
            return Err(format!(
                "subscription {}: there is no stack {region:?}",
                spec.id
            ));
        }
        let id = scope::subscription(&spec.id);
        let given = assignments(&id, &spec.role_assignments, Role::named, now)
            .map_err(|error| format!("subscription {}: {error}", spec.id))?;
        let key = spec.id.to_ascii_lowercase();
        let mut subscription =
            self.subscriptions.get(&key).cloned().unwrap_or_else(|| {
                Subscription::new(&spec.id, &spec.tenant_id, spec.stack.as_deref())
            });
        subscription.settle(spec)?;
        self.subscriptions.insert(key, subscription);
        self.assignments.forget_seeded(&scope::key(&id));
        for one in given {
            self.assignments.put(one);
        }
        Ok(())
    }

    /// Gives a vault its subscription and group, when they are not there, and its role assignments.
    pub(super) fn settle_in_subscription(
        &mut self,
        vault: &VaultSpec,
        assignments: Vec<Assignment>,
    ) {
        let before = self.vaults.get(&vault.name.to_ascii_lowercase());
        if let Some(before) = before.map(|before| before.spec.id())
            && before != vault.id()
        {
            self.assignments.forget(&scope::key(&before));
        }
        self.assignments
            .replace(&scope::key(&vault.id()), assignments);
        self.subscriptions
            .entry(vault.subscription_id.to_ascii_lowercase())
            .or_insert_with(|| {
                let stack = vault.stack.as_deref();
                Subscription::new(&vault.subscription_id, &vault.tenant_id, stack)
            });
        self.settle_group(
            &vault.subscription_id,
            &vault.tenant_id,
            &vault.resource_group,
            &vault.location,
        );
    }

    /// Makes a group, and its subscription, when they are not there.
    pub(super) fn settle_group(
        &mut self,
        subscription: &str,
        tenant: &str,
        group: &str,
        location: &str,
    ) {
        self.subscriptions
            .entry(subscription.to_ascii_lowercase())
            .or_insert_with(|| Subscription::new(subscription, tenant, None))
            .groups
            .entry(group.to_ascii_lowercase())
            .or_insert_with(|| Group {
                name: group.to_owned(),
                location: location.to_owned(),
                tags: None,
                going: None,
            });
    }

    /// The role assignments on something and below it, as a seed gives them.
    pub(super) fn assignments_given(&self, id: &str) -> Vec<RoleAssignment> {
        let key = scope::key(id);
        let here = self.assignments.on(&key);
        here.chain(self.assignments.below(&key))
            .map(|one| RoleAssignment {
                principal_id: one.principal_id.clone(),
                role: one.role.name.to_owned(),
                scope: scope::key(&one.scope)
                    .strip_prefix(&key)
                    .filter(|rest| !rest.is_empty())
                    .map(str::to_owned),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(fields: serde_json::Value) -> SubscriptionSpec {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn who_has_a_role_in_a_seed_has_it_until_the_next() {
        let mut world = World::default();
        let given = |role: &str| {
            spec(serde_json::json!({
                "id": "S", "tenantId": "t", "resourceGroups": [{"name": "g", "location": "l"}],
                "roleAssignments": [{"principalId": "A", "role": role, "scope": "/resourceGroups/g"}]
            }))
        };
        let reads = |world: &World, scope: &str| {
            let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
            world
                .assignments
                .deciding(scope, "a", Moment(1), |role| role.allows(action))
                .is_some()
        };
        world.put_subscription(&given("Reader"), Moment(0)).unwrap();
        assert!(reads(&world, "/subscriptions/s/resourcegroups/g"));
        assert!(!reads(&world, "/subscriptions/s"));
        world
            .put_subscription(&given("Key Vault Secrets User"), Moment(0))
            .unwrap();
        assert!(!reads(&world, "/subscriptions/s/resourcegroups/g"));
        assert!(world.put_subscription(&given("King"), Moment(0)).is_err());
        assert!(
            world
                .put_subscription(&spec(serde_json::json!({"id": "s"})), Moment(0))
                .is_err()
        );
    }

    #[test]
    fn a_vaults_scope_is_its_own() {
        let id = scope::vault("s", "g", "v");
        assert_eq!(at_or_below(&id, "").unwrap(), id);
        assert_eq!(
            at_or_below(&id, "/secrets/x").unwrap(),
            format!("{id}/secrets/x")
        );
        let whole = format!("{id}/secrets/x");
        assert_eq!(at_or_below(&id, &whole).unwrap(), whole);
        assert!(at_or_below(&id, "/subscriptions/s/resourceGroups/other").is_err());
    }
}
