//! What is done to the objects of a vault, as roles and the vault's own list name it, and who may do it by that list.

use super::{object::Kind, spec::AccessPolicy};

/// What a request does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    /// Of secrets.
    Set,
    /// Of certificates and keys.
    Create,
    Import,
    Update,
    Delete,
    /// Reads the properties of one deleted object.
    GetDeleted,
    Recover,
    Purge,
    Backup,
    Restore,
}

/// What a request does, as both ways of authorization name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) kind: Kind,
    pub(crate) verb: Verb,
}

impl Action {
    /// The data action of role definitions
    /// (<https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault>).
    pub(crate) fn data_action(self) -> String {
        let word = match (self.kind, self.verb) {
            (Kind::Secret, Verb::Get) => "getSecret/action",
            (Kind::Secret, Verb::List | Verb::GetDeleted) => "readMetadata/action",
            (Kind::Certificate | Kind::Key, Verb::Get | Verb::List | Verb::GetDeleted) => "read",
            (_, Verb::Set) => "setSecret/action",
            (_, Verb::Create) => "create/action",
            (_, Verb::Import) => "import/action",
            (_, Verb::Update) => "update/action",
            (_, Verb::Delete) => "delete",
            (_, Verb::Recover) => "recover/action",
            (_, Verb::Purge) => "purge/action",
            (_, Verb::Backup) => "backup/action",
            (_, Verb::Restore) => "restore/action",
        };
        format!("Microsoft.KeyVault/vaults/{}/{word}", self.kind.plural())
    }

    /// The permission of access policies.
    pub(crate) fn permission(self) -> &'static str {
        match (self.kind, self.verb) {
            (_, Verb::Get | Verb::GetDeleted) => "get",
            (_, Verb::List) => "list",
            (_, Verb::Set) | (Kind::Secret, Verb::Update) => "set",
            (_, Verb::Create) => "create",
            (_, Verb::Import) => "import",
            (_, Verb::Update) => "update",
            (_, Verb::Delete) => "delete",
            (_, Verb::Recover) => "recover",
            (_, Verb::Purge) => "purge",
            (_, Verb::Backup) => "backup",
            (_, Verb::Restore) => "restore",
        }
    }
}

/// Whether the vault's own list allows it.
pub(crate) fn by_policy(policies: &[AccessPolicy], principal: &str, action: Action) -> bool {
    policies
        .iter()
        .filter(|policy| policy.object_id.eq_ignore_ascii_case(principal))
        .flat_map(|policy| match action.kind {
            Kind::Secret => &policy.secrets,
            Kind::Certificate => &policy.certificates,
            Kind::Key => &policy.keys,
        })
        .flatten()
        .any(|word| {
            word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case(action.permission())
        })
}

impl AccessPolicy {
    /// Whether both are of the same principal.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        let lower = |id: &Option<String>| id.as_deref().map(str::to_ascii_lowercase);
        self.object_id.eq_ignore_ascii_case(&other.object_id)
            && lower(&self.application_id) == lower(&other.application_id)
    }

    fn lists(&mut self) -> [&mut Option<Vec<String>>; 4] {
        [
            &mut self.secrets,
            &mut self.certificates,
            &mut self.keys,
            &mut self.storage,
        ]
    }

    /// Adds the other's permissions.
    pub(crate) fn add(&mut self, other: &Self) {
        for (here, more) in self.lists().into_iter().zip(other.clone().lists()) {
            for word in more.take().into_iter().flatten() {
                let here = here.get_or_insert_default();
                if !here.iter().any(|one| one.eq_ignore_ascii_case(&word)) {
                    here.push(word);
                }
            }
        }
    }

    /// Takes the other's permissions in the place of its own.
    pub(crate) fn replace(&mut self, other: &Self) {
        *self = other.clone();
    }

    /// Takes the other's permissions away.
    pub(crate) fn remove(&mut self, other: &Self) {
        for (here, less) in self.lists().into_iter().zip(other.clone().lists()) {
            for word in less.take().into_iter().flatten() {
                if let Some(here) = here {
                    here.retain(|one| !one.eq_ignore_ascii_case(&word));
                }
            }
        }
    }

    /// Whether there is no permission.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.secrets, &self.certificates, &self.keys, &self.storage]
            .into_iter()
            .flatten()
            .all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::roles::Role;

    fn of(kind: Kind, verb: Verb) -> Action {
        Action { kind, verb }
    }

    fn policy(fields: serde_json::Value) -> [AccessPolicy; 1] {
        [serde_json::from_value(fields).unwrap()]
    }

    #[test]
    fn an_update_needs_the_permission_set() {
        let given = policy(
            serde_json::json!({"objectId": "P", "secrets": ["Set"], "certificates": ["get"]}),
        );
        assert!(by_policy(&given, "p", of(Kind::Secret, Verb::Update)));
        assert!(!by_policy(&given, "p", of(Kind::Secret, Verb::Get)));
        assert!(!by_policy(&given, "q", of(Kind::Secret, Verb::Update)));
    }

    #[test]
    fn each_kind_has_its_own_permissions() {
        let given = policy(
            serde_json::json!({"objectId": "p", "secrets": ["all"], "certificates": ["get"]}),
        );
        assert!(by_policy(&given, "p", of(Kind::Certificate, Verb::Get)));
        assert!(!by_policy(&given, "p", of(Kind::Certificate, Verb::List)));
        assert!(!by_policy(&given, "p", of(Kind::Key, Verb::Get)));
    }

    #[test]
    fn what_each_role_may_do_with_objects() {
        let may = |role: &str, kind, verb| {
            let action = of(kind, verb).data_action();
            Role::of_vaults(role).unwrap().allows_data(&action)
        };
        let (secret, certificate, key) = (Kind::Secret, Kind::Certificate, Kind::Key);
        assert!(may("Secrets User", secret, Verb::Get) && may("Secrets User", secret, Verb::List));
        assert!(!may("Secrets User", secret, Verb::Set));
        assert!(may("Reader", secret, Verb::List) && !may("Reader", secret, Verb::Get));
        assert!(may("Reader", key, Verb::Get));
        assert!(
            may("Administrator", secret, Verb::Purge) && may("Administrator", key, Verb::Create)
        );
        assert!(may("Certificates Officer", certificate, Verb::Create));
        assert!(!may("Certificates Officer", secret, Verb::Get));
        assert!(
            may("Certificate User", key, Verb::Get) && may("Certificate User", secret, Verb::Get)
        );
        assert!(!may("Certificate User", key, Verb::Create));
        assert!(may("Crypto User", key, Verb::Backup) && !may("Crypto User", key, Verb::Delete));
        assert!(!may("Owner", secret, Verb::Get) && !may("Contributor", secret, Verb::Get));
    }
}
