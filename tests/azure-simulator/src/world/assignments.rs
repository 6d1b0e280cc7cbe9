//! Role assignments: who has which role where. They decide at the resource manager and at the vaults alike.

use std::{collections::BTreeMap, sync::Arc};

use super::{moment::Moment, roles::Role, scope, tenant::derived_uuid};

/// A role given to a principal on a scope.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// A GUID.
    pub(crate) name: String,
    /// As it was written.
    pub(crate) scope: String,
    pub(crate) role: &'static Role,
    pub(crate) principal_id: String,
    pub(crate) principal_type: String,
    pub(crate) description: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
    /// Object ids; absent: the seed.
    pub(crate) created_by: Option<String>,
    pub(crate) updated_by: Option<String>,
    /// From when on it decides.
    pub(crate) from: Moment,
    /// Deleted, and until then it still decides.
    pub(crate) until: Option<Moment>,
}

impl Assignment {
    /// As a seed gives it: in force at once, with a name that follows from what it says.
    pub(crate) fn of_seed(scope: &str, role: &'static Role, principal: &str, now: Moment) -> Self {
        let key = scope::key(scope);
        let name = derived_uuid(&["assignment", &key, role.id, &principal.to_ascii_lowercase()]);
        Self {
            name: name.to_string(),
            scope: scope.to_owned(),
            role,
            principal_id: principal.to_owned(),
            principal_type: "ServicePrincipal".to_owned(),
            description: None,
            condition: None,
            created: now,
            updated: now,
            created_by: None,
            updated_by: None,
            // At once, and whatever becomes of the clock.
            from: Moment::default(),
            until: None,
        }
    }

    /// Whether the two say the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.role == other.role
            && self.principal_id.eq_ignore_ascii_case(&other.principal_id)
            && scope::key(&self.scope) == scope::key(&other.scope)
    }

    fn decides(&self, principal: &str, now: Moment) -> bool {
        self.principal_id.eq_ignore_ascii_case(principal)
            && self.from <= now
            && self.until.is_none_or(|until| now < until)
    }
}

/// All assignments, by the key of their scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assignments(BTreeMap<String, Vec<Arc<Assignment>>>);

impl Assignments {
    /// The first assignment on a scope or above it that gives the principal a fitting role.
    pub(crate) fn deciding(
        &self,
        key: &str,
        principal: &str,
        now: Moment,
        fits: impl Fn(&Role) -> bool,
    ) -> Option<&Arc<Assignment>> {
        scope::upward(key)
            .filter_map(|scope| self.0.get(scope))
            .flatten()
            .find(|one| one.decides(principal, now) && fits(one.role))
    }

    /// Whether the principal has any role on the scope, above it or below it.
    pub(crate) fn knows(&self, key: &str, principal: &str, now: Moment) -> bool {
        self.deciding(key, principal, now, |_| true).is_some()
            || self.below(key).any(|one| one.decides(principal, now))
    }

    /// Those on a scope or above it that are not deleted.
    pub(crate) fn at_or_above(&self, key: &str) -> impl Iterator<Item = &Arc<Assignment>> {
        scope::upward(key)
            .filter_map(|scope| self.0.get(scope))
            .flatten()
            .filter(|one| one.until.is_none())
    }

    /// Those below a scope that are not deleted.
    pub(crate) fn below(&self, key: &str) -> impl Iterator<Item = &Arc<Assignment>> {
        let start = format!("{key}/");
        self.0
            .range(start.clone()..)
            .take_while(move |(scope, _)| scope.starts_with(&start))
            .flat_map(|(_, list)| list)
            .filter(|one| one.until.is_none())
    }

    /// Those on a scope itself that are not deleted.
    pub(crate) fn on(&self, key: &str) -> impl Iterator<Item = &Arc<Assignment>> {
        self.0
            .get(key)
            .into_iter()
            .flatten()
            .filter(|one| one.until.is_none())
    }

    /// One by its scope and name.
    pub(crate) fn get(&self, key: &str, name: &str) -> Option<&Arc<Assignment>> {
        self.on(key).find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Takes one in; the one of the same scope and name goes.
    pub(crate) fn put(&mut self, assignment: Assignment) {
        let list = self.0.entry(scope::key(&assignment.scope)).or_default();
        list.retain(|one| !one.name.eq_ignore_ascii_case(&assignment.name));
        list.push(Arc::new(assignment));
    }

    /// Deletes one; it still decides until then.
    pub(crate) fn delete(
        &mut self,
        key: &str,
        name: &str,
        until: Moment,
    ) -> Option<Arc<Assignment>> {
        let list = self.0.get_mut(key)?;
        let found = list
            .iter_mut()
            .find(|one| one.until.is_none() && one.name.eq_ignore_ascii_case(name))?;
        let gone = Arc::clone(found);
        let mut ending = Assignment::clone(found);
        ending.until = Some(until);
        *found = Arc::new(ending);
        Some(gone)
    }

    /// Forgets all on a scope and below it, as when what it is about goes.
    pub(crate) fn forget(&mut self, key: &str) {
        self.0.retain(|scope, _| !scope::covers(key, scope));
    }

    /// Forgets what seeds gave on a subscription and its groups; what is on a resource stays.
    pub(crate) fn forget_seeded(&mut self, key: &str) {
        for (scope, list) in &mut self.0 {
            if scope::covers(key, scope) && !scope.contains("/providers/") {
                list.retain(|one| one.created_by.is_some());
            }
        }
    }

    /// Makes these the ones on a scope and below it; who is there already stays as it is.
    pub(crate) fn replace(&mut self, key: &str, wanted: Vec<Assignment>) {
        for (scope, list) in &mut self.0 {
            if scope::covers(key, scope) {
                list.retain(|one| one.until.is_none() && wanted.iter().any(|new| new.is_same(one)));
            }
        }
        for new in wanted {
            let list = self.0.entry(scope::key(&new.scope)).or_default();
            if !list.iter().any(|one| one.is_same(&new)) {
                list.push(Arc::new(new));
            }
        }
        self.0.retain(|_, list| !list.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v";

    fn given(scope: &str, role: &str) -> Assignments {
        let mut all = Assignments::default();
        let role = Role::named(role).unwrap();
        all.put(Assignment::of_seed(scope, role, "P", Moment(0)));
        all
    }

    fn reads(all: &Assignments, scope: &str, principal: &str, now: i64) -> bool {
        all.deciding(&scope::key(scope), principal, Moment(now), |role| {
            role.allows("Microsoft.KeyVault/vaults/read")
        })
        .is_some()
    }

    #[test]
    fn a_role_reaches_what_lies_below_its_scope() {
        for above in [
            "/subscriptions/S",
            "/subscriptions/s/resourcegroups/G",
            VAULT,
        ] {
            let all = given(above, "Reader");
            assert!(reads(&all, VAULT, "p", 0), "{above}");
            assert!(!reads(&all, VAULT, "q", 0));
        }
        assert!(!reads(&given(VAULT, "Reader"), "/subscriptions/s", "p", 0));
        assert!(!reads(
            &given("/subscriptions/s/resourceGroups/g2", "Reader"),
            VAULT,
            "p",
            0
        ));
    }

    #[test]
    fn what_is_given_and_taken_shows_later() {
        let mut all = Assignments::default();
        let mut one = Assignment::of_seed(VAULT, Role::named("Reader").unwrap(), "p", Moment(0));
        one.from = Moment(10);
        let name = one.name.clone();
        all.put(one);
        assert!(!reads(&all, VAULT, "p", 9) && reads(&all, VAULT, "p", 10));
        let key = scope::key(VAULT);
        assert!(all.delete(&key, &name, Moment(20)).is_some());
        assert!(all.get(&key, &name).is_none());
        assert!(reads(&all, VAULT, "p", 19) && !reads(&all, VAULT, "p", 20));
        assert!(all.delete(&key, &name, Moment(30)).is_none());
    }

    #[test]
    fn a_new_list_keeps_who_was_there() {
        let mut all = given(VAULT, "Reader");
        let key = scope::key(VAULT);
        let before = all.on(&key).next().unwrap().created;
        let role = Role::named("Reader").unwrap();
        let same = Assignment::of_seed(VAULT, role, "p", Moment(5));
        let more = Assignment::of_seed(&format!("{VAULT}/secrets/x"), role, "q", Moment(5));
        all.replace(&key, vec![same, more]);
        assert_eq!(all.on(&key).next().unwrap().created, before);
        assert_eq!(all.below(&key).count(), 1);
        all.replace(&key, Vec::new());
        assert_eq!(all.on(&key).count() + all.below(&key).count(), 0);
    }
}
