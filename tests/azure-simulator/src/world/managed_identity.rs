//! The identities that are assigned to the machine on which clients believe they run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::World;

/// A managed identity. There is no application for it: it has no credential that a client could show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ManagedIdentitySpec {
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    /// Its Azure Resource Manager id: tokens carry it as `xms_mirid`.
    pub(crate) resource_id: String,
    /// System-assigned: the one that is meant when none is named.
    pub(crate) system: bool,
}

/// How a request names an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// Not at all.
    Any,
    /// Not at all, and only the system-assigned one is given in that case.
    System,
    Client(&'a str),
    Object(&'a str),
    Resource(&'a str),
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoIdentity {
    NotFound,
    /// None was named, and there are several user-assigned ones and no system-assigned one.
    Several,
}

impl World {
    /// Assigns an identity, or changes the one of that client id.
    pub(crate) fn put_managed_identity(&mut self, spec: ManagedIdentitySpec) -> Result<(), String> {
        for (field, value) in [
            ("clientId", &spec.client_id),
            ("tenantId", &spec.tenant_id),
            ("objectId", &spec.object_id),
        ] {
            if value.is_empty() {
                return Err(format!("a managed identity needs a {field}"));
            }
        }
        let key = spec.client_id.to_ascii_lowercase();
        let other_system = self
            .managed_identities
            .iter()
            .find(|(client, other)| other.system && **client != key);
        if let (true, Some((client, _))) = (spec.system, other_system) {
            return Err(format!(
                "managed identity {key}: {client} is the system-assigned one already"
            ));
        }
        self.managed_identities.insert(key, Arc::new(spec));
        Ok(())
    }

    /// The identity that a request is for. Ids are compared without case, as Azure does.
    pub(crate) fn managed_identity(
        &self,
        wanted: Wanted<'_>,
    ) -> Result<Arc<ManagedIdentitySpec>, NoIdentity> {
        let of = |field: fn(&ManagedIdentitySpec) -> &str, value: &str| {
            self.managed_identities
                .values()
                .find(|identity| field(identity).eq_ignore_ascii_case(value))
        };
        let system = || self.managed_identities.values().find(|one| one.system);
        let found = match wanted {
            Wanted::Client(id) => of(|one| &one.client_id, id),
            Wanted::Object(id) => of(|one| &one.object_id, id),
            Wanted::Resource(id) => of(|one| &one.resource_id, id),
            Wanted::System => system(),
            Wanted::Any => match (system(), self.managed_identities.len()) {
                (Some(system), _) => Some(system),
                (None, 0 | 1) => self.managed_identities.values().next(),
                (None, _) => return Err(NoIdentity::Several),
            },
        };
        found.map(Arc::clone).ok_or(NoIdentity::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, system: bool) -> ManagedIdentitySpec {
        ManagedIdentitySpec {
            tenant_id: "t".into(),
            client_id: format!("client-{name}"),
            object_id: format!("object-{name}"),
            resource_id: format!("/resource/{name}"),
            system,
        }
    }

    fn world(identities: &[(&str, bool)]) -> World {
        let mut world = World::default();
        for (name, system) in identities {
            world.put_managed_identity(identity(name, *system)).unwrap();
        }
        world
    }

    fn name(found: Result<Arc<ManagedIdentitySpec>, NoIdentity>) -> Result<String, NoIdentity> {
        found.map(|identity| identity.client_id.clone())
    }

    #[test]
    fn each_kind_of_id_finds_its_identity() {
        let world = world(&[("a", true), ("b", false)]);
        for wanted in [
            Wanted::Client("CLIENT-b"),
            Wanted::Object("object-B"),
            Wanted::Resource("/Resource/b"),
        ] {
            assert_eq!(
                name(world.managed_identity(wanted)),
                Ok("client-b".into()),
                "{wanted:?}"
            );
        }
        assert_eq!(
            name(world.managed_identity(Wanted::Client("object-b"))),
            Err(NoIdentity::NotFound)
        );
    }

    #[test]
    fn without_an_id_the_system_assigned_one_comes_first() {
        let both = world(&[("a", false), ("b", true), ("c", false)]);
        assert_eq!(
            name(both.managed_identity(Wanted::Any)),
            Ok("client-b".into())
        );
        let one = world(&[("a", false)]);
        assert_eq!(
            name(one.managed_identity(Wanted::Any)),
            Ok("client-a".into())
        );
        assert_eq!(
            name(one.managed_identity(Wanted::System)),
            Err(NoIdentity::NotFound)
        );
        let two = world(&[("a", false), ("b", false)]);
        assert_eq!(
            name(two.managed_identity(Wanted::Any)),
            Err(NoIdentity::Several)
        );
        assert_eq!(
            name(World::default().managed_identity(Wanted::Any)),
            Err(NoIdentity::NotFound)
        );
    }

    #[test]
    fn a_second_system_assigned_one_is_refused() {
        let mut world = world(&[("a", true)]);
        assert!(world.put_managed_identity(identity("b", true)).is_err());
        assert!(world.put_managed_identity(identity("a", true)).is_ok());
    }

    #[test]
    fn an_identity_needs_its_ids() {
        let mut bare = identity("a", false);
        bare.object_id.clear();
        let error = World::default().put_managed_identity(bare).unwrap_err();
        assert!(error.contains("objectId"), "{error}");
    }
}
