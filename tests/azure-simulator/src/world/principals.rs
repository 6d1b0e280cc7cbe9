//! Who the resource manager knows.

use super::{World, life::Actor, moment::Moment};
use crate::wire::journal::Principal;

impl World {
    /// Who a caller is, as `systemData` tells it.
    pub(crate) fn actor(&self, principal: &Principal) -> Actor {
        let user = self
            .tenants
            .values()
            .flat_map(|tenant| tenant.users.values());
        let mut user =
            user.filter(|user| user.object_id.eq_ignore_ascii_case(&principal.object_id));
        match user.next() {
            Some(user) => Actor {
                name: user.username.clone(),
                kind: "User",
            },
            None => Actor {
                name: principal.client_id.clone(),
                kind: "Application",
            },
        }
    }

    /// What kind of principal an object id is in the directory, when it is one.
    pub(crate) fn principal_type(&self, tenant: &str, object_id: &str) -> Option<&'static str> {
        let same = |id: &str| id.eq_ignore_ascii_case(object_id);
        if let Some(tenant) = self.tenant(tenant) {
            if tenant.users.values().any(|user| same(&user.object_id)) {
                return Some("User");
            }
            if tenant.applications.values().any(|one| same(&one.object_id)) {
                return Some("ServicePrincipal");
            }
        }
        if self.groups.contains_key(&object_id.to_ascii_lowercase()) {
            return Some("Group");
        }
        let mut machines = self.managed_identities.values().map(|one| &one.object_id);
        (machines.any(|id| same(id)) || self.of_resources().any(|id| same(&id)))
            .then_some("ServicePrincipal")
    }

    /// Object ids of the identities that resources have of their own.
    fn of_resources(&self) -> impl Iterator<Item = String> {
        let accounts = self.storage_accounts.values().filter_map(|account| {
            let identity = account.spec.identity.as_ref()?;
            identity["principalId"].as_str().map(str::to_owned)
        });
        let stores = self.lake_stores.values();
        let stores = stores.filter(|store| store.spec.identity.is_some());
        accounts.chain(stores.map(|store| store.spec.principal_id()))
    }

    /// Whether news of a principal has reached the resource manager.
    pub(crate) fn is_known(&self, object_id: &str, now: Moment) -> bool {
        self.known_from
            .get(&object_id.to_ascii_lowercase())
            .is_some_and(|from| *from <= now)
    }

    /// Notes who is new.
    pub(crate) fn note_principals(&mut self, now: Moment) {
        let from = now.plus_millis(i64::from(self.manager.principal_delay_ms));
        let of_tenants = self.tenants.values().flat_map(|tenant| {
            let applications = tenant.applications.values().map(|one| &one.object_id);
            applications.chain(tenant.users.values().map(|user| &user.object_id))
        });
        let machines = self.managed_identities.values().map(|one| &one.object_id);
        let ids: Vec<String> = of_tenants
            .chain(machines)
            .chain(self.groups.keys())
            .map(|id| id.to_ascii_lowercase())
            .chain(self.of_resources())
            .collect();
        for id in ids {
            self.known_from.entry(id).or_insert(from);
        }
    }
}
