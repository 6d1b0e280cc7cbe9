//! Who may do what to the objects of a vault: role assignments, or the vault's own list.

use super::{
    object::Kind,
    spec::{AccessPolicy, RoleAssignment},
};

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

/// Built-in roles, with what they mean for objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Administrator,
    SecretsOfficer,
    SecretsUser,
    CertificatesOfficer,
    CertificateUser,
    CryptoOfficer,
    CryptoUser,
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
            "certificates officer" => Some(Self::CertificatesOfficer),
            "certificate user" => Some(Self::CertificateUser),
            "crypto officer" => Some(Self::CryptoOfficer),
            "crypto user" => Some(Self::CryptoUser),
            "reader" => Some(Self::Reader),
            _ => None,
        }
    }

    /// As the role's definition has it
    /// (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security>).
    fn allows(self, Action { kind, verb }: Action) -> bool {
        let metadata = matches!(verb, Verb::List | Verb::GetDeleted);
        // The one read of secrets that is no metadata is that of the value.
        let read = metadata || verb == Verb::Get;
        match self {
            Self::Administrator => true,
            Self::SecretsOfficer => kind == Kind::Secret,
            Self::SecretsUser => kind == Kind::Secret && read,
            Self::CertificatesOfficer => kind == Kind::Certificate,
            Self::CertificateUser => read,
            Self::CryptoOfficer => kind == Kind::Key,
            Self::CryptoUser => {
                kind == Kind::Key && (read || matches!(verb, Verb::Update | Verb::Backup))
            }
            Self::Reader => match kind {
                Kind::Secret => metadata,
                Kind::Certificate | Kind::Key => read,
            },
        }
    }
}

/// Whether the simulator knows a role.
pub(crate) fn is_role(name: &str) -> bool {
    Role::named(name).is_some()
}

/// The first assignment by which `principal` may do `action`, to the named object or to all of its kind.
pub(crate) fn by_role<'a>(
    assignments: &'a [RoleAssignment],
    principal: &str,
    action: Action,
    name: Option<&str>,
) -> Option<&'a RoleAssignment> {
    assignments.iter().find(|assignment| {
        assignment.principal_id.eq_ignore_ascii_case(principal)
            && Role::named(&assignment.role).is_some_and(|role| role.allows(action))
            && reaches(assignment.scope.as_deref(), action.kind, name)
    })
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
        .any(|word| {
            word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case(action.permission())
        })
}

/// A scope that ends in `/secrets/<name>` (or another kind) reaches that object alone; each other scope is the vault or
/// above it.
fn reaches(scope: Option<&str>, kind: Kind, name: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    let mut segments = scope.trim_end_matches('/').rsplit('/');
    let (Some(last), Some(above)) = (segments.next(), segments.next()) else {
        return true;
    };
    let of_kind = |kind: Kind| above.eq_ignore_ascii_case(kind.plural());
    if [Kind::Secret, Kind::Certificate, Kind::Key]
        .into_iter()
        .any(of_kind)
    {
        of_kind(kind) && name.is_some_and(|name| name.eq_ignore_ascii_case(last))
    } else {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(verb: Verb) -> Action {
        Action {
            kind: Kind::Secret,
            verb,
        }
    }

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
        assert!(by_role(&given, "p", secret(Verb::Get), Some("a")).is_some());
        assert!(by_role(&given, "p", secret(Verb::List), None).is_some());
        assert!(by_role(&given, "p", secret(Verb::Set), Some("a")).is_none());
    }

    #[test]
    fn a_reader_sees_no_value() {
        let given = assignment("Reader", None);
        assert!(by_role(&given, "p", secret(Verb::List), None).is_some());
        assert!(by_role(&given, "p", secret(Verb::Get), Some("a")).is_none());
    }

    #[test]
    fn a_scoped_assignment_reaches_its_secret_only() {
        for scope in [
            "/secrets/one",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/one",
        ] {
            let given = assignment("Secrets User", Some(scope));
            assert!(by_role(&given, "p", secret(Verb::Get), Some("ONE")).is_some());
            assert!(by_role(&given, "p", secret(Verb::Get), Some("two")).is_none());
            assert!(by_role(&given, "p", secret(Verb::List), None).is_none());
        }
    }

    #[test]
    fn another_principal_gets_nothing() {
        assert!(
            by_role(
                &assignment("Administrator", None),
                "q",
                secret(Verb::Get),
                None
            )
            .is_none()
        );
    }

    #[test]
    fn an_update_needs_the_permission_set() {
        let given = [AccessPolicy {
            object_id: "P".into(),
            secrets: vec!["Set".into()],
            certificates: vec!["get".into()],
            keys: Vec::new(),
        }];
        assert!(by_policy(&given, "p", secret(Verb::Update)));
        assert!(!by_policy(&given, "p", secret(Verb::Get)));
    }

    #[test]
    fn each_kind_has_its_own_permissions() {
        let of = |kind, verb| Action { kind, verb };
        let given = [AccessPolicy {
            object_id: "p".into(),
            secrets: vec!["all".into()],
            certificates: vec!["get".into()],
            keys: Vec::new(),
        }];
        assert!(by_policy(&given, "p", of(Kind::Certificate, Verb::Get)));
        assert!(!by_policy(&given, "p", of(Kind::Certificate, Verb::List)));
        assert!(!by_policy(&given, "p", of(Kind::Key, Verb::Get)));
        let officer = assignment("Key Vault Certificates Officer", None);
        assert!(by_role(&officer, "p", of(Kind::Certificate, Verb::Create), None).is_some());
        assert!(by_role(&officer, "p", secret(Verb::Get), None).is_none());
        let user = assignment("Certificate User", None);
        assert!(by_role(&user, "p", of(Kind::Key, Verb::Get), None).is_some());
        assert!(by_role(&user, "p", of(Kind::Key, Verb::Create), None).is_none());
        let one = assignment("Administrator", Some("/certificates/one"));
        assert!(by_role(&one, "p", of(Kind::Certificate, Verb::Get), Some("one")).is_some());
        assert!(by_role(&one, "p", secret(Verb::Get), Some("one")).is_none());
    }
}
