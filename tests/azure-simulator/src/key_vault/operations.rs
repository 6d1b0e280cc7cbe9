//! Which operation a request is, and doing it.

use http::Method;

use super::{certificates, context::Context, keys, secrets};
use crate::{
    wire::reply::Reply,
    world::{
        access::{Action, Verb},
        object::{Kind, check_name},
        refusal::Refusal,
    },
};

/// An operation with what its path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    pub(crate) kind: Kind,
    pub(crate) act: Act<'a>,
}

/// What is done; some are about certificates alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act<'a> {
    Set(&'a str),
    Create(&'a str),
    Import(&'a str),
    Get(&'a str, Option<&'a str>),
    List,
    ListVersions(&'a str),
    Update(&'a str, Option<&'a str>),
    Delete(&'a str),
    GetDeleted(&'a str),
    ListDeleted,
    Recover(&'a str),
    Purge(&'a str),
    Backup(&'a str),
    Restore,
    GetPolicy(&'a str),
    UpdatePolicy(&'a str),
    GetPending(&'a str),
    UpdatePending(&'a str),
    DeletePending(&'a str),
    Merge(&'a str),
}

impl<'a> Operation<'a> {
    /// By method and path; a trailing slash is no version.
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let (first, rest) = segments.split_first()?;
        let (deleted, plural) = match first.strip_prefix("deleted") {
            Some(plural) => (true, plural),
            None => (false, *first),
        };
        let kind = [Kind::Secret, Kind::Certificate, Kind::Key]
            .into_iter()
            .find(|kind| kind.plural() == plural)?;
        let method = method.as_str();
        let act = if deleted {
            of_deleted(method, rest)
        } else {
            of_kind(kind, method, rest).or_else(|| common(method, rest))
        };
        act.map(|act| Self { kind, act })
    }

    /// The journal's word.
    pub(crate) fn word(self) -> &'static str {
        let [secret, certificate, key] = match self.act {
            Act::Set(_) => ["SetSecret", "", ""],
            Act::Create(_) => ["", "CreateCertificate", "CreateKey"],
            Act::Import(_) => ["", "ImportCertificate", "ImportKey"],
            Act::Get(..) => ["GetSecret", "GetCertificate", "GetKey"],
            Act::List => ["ListSecrets", "ListCertificates", "ListKeys"],
            Act::ListVersions(_) => [
                "ListSecretVersions",
                "ListCertificateVersions",
                "ListKeyVersions",
            ],
            Act::Update(..) => ["UpdateSecret", "UpdateCertificate", "UpdateKey"],
            Act::Delete(_) => ["DeleteSecret", "DeleteCertificate", "DeleteKey"],
            Act::GetDeleted(_) => ["GetDeletedSecret", "GetDeletedCertificate", "GetDeletedKey"],
            Act::ListDeleted => [
                "ListDeletedSecrets",
                "ListDeletedCertificates",
                "ListDeletedKeys",
            ],
            Act::Recover(_) => [
                "RecoverDeletedSecret",
                "RecoverDeletedCertificate",
                "RecoverDeletedKey",
            ],
            Act::Purge(_) => [
                "PurgeDeletedSecret",
                "PurgeDeletedCertificate",
                "PurgeDeletedKey",
            ],
            Act::Backup(_) => ["BackupSecret", "BackupCertificate", "BackupKey"],
            Act::Restore => ["RestoreSecret", "RestoreCertificate", "RestoreKey"],
            Act::GetPolicy(_) => ["", "GetCertificatePolicy", ""],
            Act::UpdatePolicy(_) => ["", "UpdateCertificatePolicy", ""],
            Act::GetPending(_) => ["", "GetCertificateOperation", ""],
            Act::UpdatePending(_) => ["", "UpdateCertificateOperation", ""],
            Act::DeletePending(_) => ["", "DeleteCertificateOperation", ""],
            Act::Merge(_) => ["", "MergeCertificate", ""],
        };
        match self.kind {
            Kind::Secret => secret,
            Kind::Certificate => certificate,
            Kind::Key => key,
        }
    }

    /// What it takes to be allowed.
    pub(crate) fn action(self) -> Action {
        let verb = match self.act {
            Act::Set(_) => Verb::Set,
            Act::Create(_) | Act::Merge(_) => Verb::Create,
            Act::Import(_) => Verb::Import,
            Act::Get(..) | Act::GetPolicy(_) | Act::GetPending(_) => Verb::Get,
            Act::List | Act::ListVersions(_) | Act::ListDeleted => Verb::List,
            Act::Update(..) | Act::UpdatePolicy(_) | Act::UpdatePending(_) => Verb::Update,
            Act::Delete(_) | Act::DeletePending(_) => Verb::Delete,
            Act::GetDeleted(_) => Verb::GetDeleted,
            Act::Recover(_) => Verb::Recover,
            Act::Purge(_) => Verb::Purge,
            Act::Backup(_) => Verb::Backup,
            Act::Restore => Verb::Restore,
        };
        Action {
            kind: self.kind,
            verb,
        }
    }

    /// Azure's word for what only a vault that deletes softly can do.
    pub(crate) fn of_soft_deletion(self) -> Option<&'static str> {
        match self.act {
            Act::GetDeleted(_) => Some("getDeleted"),
            Act::ListDeleted => Some("listDeleted"),
            Act::Recover(_) => Some("recover"),
            Act::Purge(_) => Some("purge"),
            Act::Set(_)
            | Act::Create(_)
            | Act::Import(_)
            | Act::Get(..)
            | Act::List
            | Act::ListVersions(_)
            | Act::Update(..)
            | Act::Delete(_)
            | Act::Backup(_)
            | Act::Restore
            | Act::GetPolicy(_)
            | Act::UpdatePolicy(_)
            | Act::GetPending(_)
            | Act::UpdatePending(_)
            | Act::DeletePending(_)
            | Act::Merge(_) => None,
        }
    }

    /// The object that it is about, when it is one.
    pub(crate) fn name(self) -> Option<&'a str> {
        match self.act {
            Act::Set(name)
            | Act::Create(name)
            | Act::Import(name)
            | Act::Get(name, _)
            | Act::ListVersions(name)
            | Act::Update(name, _)
            | Act::Delete(name)
            | Act::GetDeleted(name)
            | Act::Recover(name)
            | Act::Purge(name)
            | Act::Backup(name)
            | Act::GetPolicy(name)
            | Act::UpdatePolicy(name)
            | Act::GetPending(name)
            | Act::UpdatePending(name)
            | Act::DeletePending(name)
            | Act::Merge(name) => Some(name),
            Act::List | Act::ListDeleted | Act::Restore => None,
        }
    }

    /// Does it. The caller has been allowed to.
    pub(crate) async fn run(self, context: &Context<'_>) -> Result<Reply, Refusal> {
        if let Some(name) = self.name() {
            check_name(name)?;
        }
        context.settle();
        match self.kind {
            Kind::Secret => secrets::run(self.act, context),
            Kind::Certificate => certificates::run(self.act, context).await,
            Kind::Key => keys::run(self.act, context).await,
        }
    }
}

fn of_deleted<'a>(method: &str, rest: &[&'a str]) -> Option<Act<'a>> {
    match (method, rest) {
        ("GET", []) => Some(Act::ListDeleted),
        ("GET", [name]) => Some(Act::GetDeleted(name)),
        ("DELETE", [name]) => Some(Act::Purge(name)),
        ("POST", [name, "recover"]) => Some(Act::Recover(name)),
        _ => None,
    }
}

/// What one kind has for itself.
fn of_kind<'a>(kind: Kind, method: &str, rest: &[&'a str]) -> Option<Act<'a>> {
    match (kind, method, rest) {
        (Kind::Secret, "PUT", [name]) => Some(Act::Set(name)),
        (Kind::Key | Kind::Certificate, "POST", [name, "create"]) => Some(Act::Create(name)),
        (Kind::Key, "PUT", [name]) | (Kind::Certificate, "POST", [name, "import"]) => {
            Some(Act::Import(name))
        }
        (Kind::Certificate, "GET", [name, "policy"]) => Some(Act::GetPolicy(name)),
        (Kind::Certificate, "PATCH", [name, "policy"]) => Some(Act::UpdatePolicy(name)),
        (Kind::Certificate, "GET", [name, "pending"]) => Some(Act::GetPending(name)),
        (Kind::Certificate, "PATCH", [name, "pending"]) => Some(Act::UpdatePending(name)),
        (Kind::Certificate, "DELETE", [name, "pending"]) => Some(Act::DeletePending(name)),
        (Kind::Certificate, "POST", [name, "pending", "merge"]) => Some(Act::Merge(name)),
        _ => None,
    }
}

fn common<'a>(method: &str, rest: &[&'a str]) -> Option<Act<'a>> {
    match (method, rest) {
        ("GET", []) => Some(Act::List),
        ("POST", ["restore"]) => Some(Act::Restore),
        ("GET", [name]) => Some(Act::Get(name, None)),
        ("PATCH", [name]) => Some(Act::Update(name, None)),
        ("DELETE", [name]) => Some(Act::Delete(name)),
        ("GET", [name, "versions"]) => Some(Act::ListVersions(name)),
        ("POST", [name, "backup"]) => Some(Act::Backup(name)),
        ("GET", [name, version]) => Some(Act::Get(name, Some(version))),
        ("PATCH", [name, version]) => Some(Act::Update(name, Some(version))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operations() {
        let word = |method: &str, path: &str| {
            Operation::of(&method.parse().unwrap(), path).map(Operation::word)
        };
        for (method, path, expected) in [
            ("GET", "/secrets", "ListSecrets"),
            ("GET", "/secrets/a/", "GetSecret"),
            ("PUT", "/keys/a", "ImportKey"),
            ("POST", "/keys/a/create", "CreateKey"),
            ("GET", "/keys/a/versions", "ListKeyVersions"),
            ("GET", "/certificates/a/policy", "GetCertificatePolicy"),
            ("GET", "/certificates/a/0123", "GetCertificate"),
            (
                "PATCH",
                "/certificates/a/pending",
                "UpdateCertificateOperation",
            ),
            ("POST", "/certificates/restore", "RestoreCertificate"),
            (
                "DELETE",
                "/deletedcertificates/a",
                "PurgeDeletedCertificate",
            ),
        ] {
            assert_eq!(word(method, path), Some(expected), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/secrets/a/create"),
            ("PUT", "/certificates/a"),
            ("GET", "/deleted"),
            ("GET", "/storage"),
            ("GET", "/"),
        ] {
            assert_eq!(word(method, path), None, "{method} {path}");
        }
    }
}
