//! Who may do what to a vault's secrets: role assignments, or the vault's own list.

use super::spec::{AccessPolicy, RoleAssignment};

/// What a request does, as both ways of authorization name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Get,
    List,
    Set,
    Update,
    Delete,
    /// Reads the properties of one deleted secret.
    GetDeleted,
    Recover,
    Purge,
    Backup,
    Restore,
}

impl Action {
    /// The data action of role definitions
    /// (<https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault>).
    pub(crate) fn data_action(self) -> &'static str {
        match self {
            Self::Get => "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            Self::List | Self::GetDeleted => {
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
            }
            Self::Set => "Microsoft.KeyVault/vaults/secrets/setSecret/action",
            Self::Update => "Microsoft.KeyVault/vaults/secrets/update/action",
            Self::Delete => "Microsoft.KeyVault/vaults/secrets/delete",
            Self::Recover => "Microsoft.KeyVault/vaults/secrets/recover/action",
            Self::Purge => "Microsoft.KeyVault/vaults/secrets/purge/action",
            Self::Backup => "Microsoft.KeyVault/vaults/secrets/backup/action",
            Self::Restore => "Microsoft.KeyVault/vaults/secrets/restore/action",
        }
    }

    /// The permission of access policies.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Get | Self::GetDeleted => "get",
            Self::List => "list",
            Self::Set | Self::Update => "set",
            Self::Delete => "delete",
            Self::Recover => "recover",
            Self::Purge => "purge",
            Self::Backup => "backup",
            Self::Restore => "restore",
        }
    }
}

/// Built-in roles, with what they mean for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Administrator,
    SecretsOfficer,
    SecretsUser,
    CertificateUser,
    Reader,
}

impl Role {
    /// By its full name or without the leading "Key Vault ", in any case.
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("key vault ").unwrap_or(&name) {
            "administrator" => Some(Self::Administrator),
            "secrets officer" => Some(Self::SecretsOfficer),
            "secrets user" => Some(Self::SecretsUser),
            "certificate user" => Some(Self::CertificateUser),
            "reader" => Some(Self::Reader),
            _ => None,
        }
    }

    fn allows(self, action: Action) -> bool {
        let metadata = matches!(action, Action::List | Action::GetDeleted);
        match self {
            Self::Administrator | Self::SecretsOfficer => true,
            Self::SecretsUser | Self::CertificateUser => metadata || action == Action::Get,
            Self::Reader => metadata,
        }
    }
}

/// Whether the simulator knows a role.
pub(crate) fn is_role(name: &str) -> bool {
    Role::named(name).is_some()
}

/// The first assignment by which `principal` may do `action`, to the named secret or to all.
pub(crate) fn by_role<'a>(
    assignments: &'a [RoleAssignment],
    principal: &str,
    action: Action,
    secret: Option<&str>,
) -> Option<&'a RoleAssignment> {
    assignments.iter().find(|assignment| {
        assignment.principal_id.eq_ignore_ascii_case(principal)
            && Role::named(&assignment.role).is_some_and(|role| role.allows(action))
            && reaches(assignment.scope.as_deref(), secret)
    })
}

/// Whether the vault's own list allows it.
pub(crate) fn by_policy(policies: &[AccessPolicy], principal: &str, action: Action) -> bool {
    policies
        .iter()
        .filter(|policy| policy.object_id.eq_ignore_ascii_case(principal))
        .any(|policy| {
            policy.secrets.iter().any(|word| {
                word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case(action.permission())
            })
        })
}

/// A scope that ends in `/secrets/<name>` reaches that secret alone; each other scope is the vault or above it.
fn reaches(scope: Option<&str>, secret: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    let mut segments = scope.trim_end_matches('/').rsplit('/');
    let (Some(last), Some(kind)) = (segments.next(), segments.next()) else {
        return true;
    };
    !kind.eq_ignore_ascii_case("secrets")
        || secret.is_some_and(|name| name.eq_ignore_ascii_case(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(role: &str, scope: Option<&str>) -> Vec<RoleAssignment> {
        vec![RoleAssignment {
            principal_id: "P".into(),
            role: role.into(),
            scope: scope.map(Into::into),
        }]
    }

    #[test]
    fn a_secrets_user_reads_and_lists_but_does_not_write() {
        let given = assignment("Key Vault Secrets User", None);
        assert!(by_role(&given, "p", Action::Get, Some("a")).is_some());
        assert!(by_role(&given, "p", Action::List, None).is_some());
        assert!(by_role(&given, "p", Action::Set, Some("a")).is_none());
    }

    #[test]
    fn a_reader_sees_no_value() {
        let given = assignment("Reader", None);
        assert!(by_role(&given, "p", Action::List, None).is_some());
        assert!(by_role(&given, "p", Action::Get, Some("a")).is_none());
    }

    #[test]
    fn a_scoped_assignment_reaches_its_secret_only() {
        for scope in [
            "/secrets/one",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/one",
        ] {
            let given = assignment("Secrets User", Some(scope));
            assert!(by_role(&given, "p", Action::Get, Some("ONE")).is_some());
            assert!(by_role(&given, "p", Action::Get, Some("two")).is_none());
            assert!(by_role(&given, "p", Action::List, None).is_none());
        }
    }

    #[test]
    fn another_principal_gets_nothing() {
        assert!(by_role(&assignment("Administrator", None), "q", Action::Get, None).is_none());
    }

    #[test]
    fn an_update_needs_the_permission_set() {
        let given = [AccessPolicy {
            object_id: "P".into(),
            secrets: vec!["Set".into()],
        }];
        assert!(by_policy(&given, "p", Action::Update));
        assert!(!by_policy(&given, "p", Action::Get));
    }
}
