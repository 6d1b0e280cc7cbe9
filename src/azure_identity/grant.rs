//! What a ClusterAzureIdentity lends to whom. Pure, and asked before any call to Azure.

use std::collections::BTreeMap;

use super::api::{Grant, NamespaceSelector};
use super::valid::{Usable, Valid};
use crate::azure::key_vault::Object;
use crate::azure::resource::Resource;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// A namespace as grants see it.
#[derive(Debug, Clone, Copy)]
pub struct Borrower<'a> {
    /// Its name.
    pub namespace: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// Whether the identity may be used in this namespace at all for this vault.
pub fn allows_vault(
    identity: &Valid,
    borrower: Borrower<'_>,
    vault: &VaultUri,
) -> Result<(), Problem> {
    let namespace = borrower.namespace;
    let Some(grants) = &identity.grants else {
        return own_namespace(identity, namespace);
    };
    let mut here = grants
        .iter()
        .filter(|grant| selects(&grant.namespaces, borrower))
        .peekable();
    if here.peek().is_none() {
        return Err(denied(format!(
            "{} does not allow namespace {namespace}: an administrator can add it to spec.allow[].namespaces",
            identity.key
        )));
    }
    if here.any(|grant| lends_vault(grant, vault)) {
        return Ok(());
    }
    Err(denied(format!(
        "{} does not allow vault {:?} to namespace {namespace}: an administrator can add it to spec.allow[].vaults",
        identity.key,
        vault.vault_name()
    )))
}

/// Whether the identity may read this object of this vault for this namespace. One entry must allow all of it.
pub fn allows_object(
    identity: &Valid,
    borrower: Borrower<'_>,
    vault: &VaultUri,
    object: &Object,
) -> Result<(), Problem> {
    let lends =
        |grant: &Grant| lends_vault(grant, vault) && lends_object(grant, object.name.as_str());
    lent(identity, borrower, lends, || {
        format!(
            "{} does not allow {object} to namespace {}: an administrator can add a pattern to spec.allow[].secrets",
            identity.key, borrower.namespace
        )
    })
}

/// Whether this namespace may write this object to this vault. It is lent by its own list alone, since who may read need not
/// be one who may write. One entry must allow all of it.
pub fn allows_push(
    identity: &Valid,
    borrower: Borrower<'_>,
    vault: &VaultUri,
    object: &Object,
) -> Result<(), Problem> {
    let lends = |grant: &Grant| {
        lends_vault(grant, vault) && names(grant.push.as_deref(), object.name.as_str())
    };
    lent(identity, borrower, lends, || {
        format!(
            "{} does not let namespace {} push {object} to vault {:?}: an administrator can add a pattern to spec.allow[].push",
            identity.key,
            borrower.namespace,
            vault.vault_name()
        )
    })
}

/// Whether this namespace may have resources of this group of this subscription managed with the identity. It is lent by its own
/// list alone: who manages a vault may open it to anybody.
pub fn allows_manage(
    identity: &Valid,
    borrower: Borrower<'_>,
    (subscription, group): (&str, &str),
) -> Result<(), Problem> {
    let place = format!("{subscription}/{group}");
    let lends = |grant: &Grant| names(grant.manage.as_deref(), &place);
    lent(identity, borrower, lends, || {
        format!(
            "{} does not let namespace {} manage resources in {place:?}: an administrator can add a pattern to spec.allow[].manage",
            identity.key, borrower.namespace
        )
    })
}

/// Whether this namespace may have tokens of the identity for a resource. What a token can do is not limited by vaults or
/// secrets, so it is lent by its own list alone.
pub fn allows_resource(
    identity: &Valid,
    borrower: Borrower<'_>,
    resource: &Resource,
) -> Result<(), Problem> {
    let lends = |grant: &Grant| names(grant.resources.as_deref(), resource.as_str());
    lent(identity, borrower, lends, || {
        format!(
            "{} does not give tokens for {resource} to namespace {}: an administrator can add a pattern to spec.allow[].resources",
            identity.key, borrower.namespace
        )
    })
}

/// Whether one entry for this namespace lends something; an identity of a namespace lends everything to its own.
fn lent(
    identity: &Valid,
    borrower: Borrower<'_>,
    lends: impl Fn(&Grant) -> bool,
    denial: impl FnOnce() -> String,
) -> Result<(), Problem> {
    let Some(grants) = &identity.grants else {
        return own_namespace(identity, borrower.namespace);
    };
    let mut here = grants
        .iter()
        .filter(|grant| selects(&grant.namespaces, borrower));
    if here.any(lends) {
        return Ok(());
    }
    Err(denied(denial()))
}

/// Whether a list that lends nothing where it is absent has a pattern for a name.
fn names(patterns: Option<&[String]>, name: &str) -> bool {
    let mut patterns = patterns.into_iter().flatten();
    patterns.any(|pattern| fits(pattern, name))
}

/// Whether the vault belongs to the identity's cloud: a token is sent nowhere else.
pub fn vault_in_cloud(identity: &Usable, vault: &VaultUri) -> Result<(), Problem> {
    let suffix = &identity.profile.cloud.vault_suffix;
    if vault.is_in(suffix) {
        return Ok(());
    }
    let message = format!(
        "{vault} is no vault of the cloud of {}, whose vaults are <name>.{suffix}: no token is sent there",
        identity.valid.key
    );
    Err(Problem::new(
        Reason::VaultNotInCloud,
        Retry::OnChange,
        message,
    ))
}

fn denied(message: String) -> Problem {
    Problem::new(Reason::IdentityNotAllowed, Retry::OnChange, message)
}

/// An AzureIdentity serves its own namespace and no other.
fn own_namespace(identity: &Valid, namespace: &str) -> Result<(), Problem> {
    if identity.key.namespace.as_deref() == Some(namespace) {
        return Ok(());
    }
    Err(denied(format!(
        "{} is not of namespace {namespace}",
        identity.key
    )))
}

fn selects(selector: &NamespaceSelector, borrower: Borrower<'_>) -> bool {
    let by_name = selector
        .names
        .iter()
        .flatten()
        .any(|name| name == borrower.namespace);
    // An empty set of labels would select everything: it selects nothing.
    let by_label = selector.match_labels.as_ref().is_some_and(|wanted| {
        !wanted.is_empty()
            && wanted
                .iter()
                .all(|(name, value)| borrower.labels.get(name) == Some(value))
    });
    by_name || by_label
}

fn lends_vault(grant: &Grant, vault: &VaultUri) -> bool {
    grant.vaults.as_ref().is_none_or(|vaults| {
        vaults
            .iter()
            .any(|name| name.eq_ignore_ascii_case(vault.vault_name()))
    })
}

fn lends_object(grant: &Grant, name: &str) -> bool {
    grant
        .secrets
        .as_ref()
        .is_none_or(|patterns| patterns.iter().any(|pattern| fits(pattern, name)))
}

/// Whether `name` fits `pattern`, in which `*` stands for any characters. Vault object names have no case.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::source::CloudSource;
    use crate::azure::key_vault::Kind;
    use crate::azure_identity::api::IdentityKind;
    use crate::azure_identity::valid::{IdentityKey, Method};

    fn identity(grants: Option<serde_json::Value>, namespace: Option<&str>) -> Valid {
        Valid {
            key: IdentityKey {
                kind: IdentityKind::ClusterAzureIdentity,
                namespace: namespace.map(str::to_owned),
                name: "shared".to_owned(),
            },
            uid: String::new(),
            generation: 1,
            cloud: CloudSource::parse(None).unwrap(),
            names_cloud: false,
            tenant: None,
            client: None,
            method: Method::WorkloadIdentity {
                service_account: "sa".parse().unwrap(),
            },
            credential_namespace: "x".to_owned(),
            grants: grants.map(|grants| serde_json::from_value(grants).unwrap()),
        }
    }

    fn object(name: &str) -> Object {
        Object {
            kind: Kind::Secret,
            name: name.parse().unwrap(),
            version: None,
        }
    }

    fn may(identity: &Valid, namespace: &str, label: &str, vault: &str, name: &str) -> bool {
        let labels = BTreeMap::from([("team".to_owned(), label.to_owned())]);
        let borrower = Borrower {
            namespace,
            labels: &labels,
        };
        let vault: VaultUri = format!("https://{vault}.vault.azure.net").parse().unwrap();
        allows_vault(identity, borrower, &vault).is_ok()
            && allows_object(identity, borrower, &vault, &object(name)).is_ok()
    }

    #[test]
    fn nothing_is_lent_without_a_grant() {
        assert!(!may(
            &identity(Some(serde_json::json!([])), None),
            "a",
            "x",
            "kv",
            "s"
        ));
        let empty = serde_json::json!([{"namespaces": {}}, {"namespaces": {"matchLabels": {}}}]);
        assert!(!may(&identity(Some(empty), None), "a", "x", "kv", "s"));
    }

    #[test]
    fn namespaces_are_chosen_by_name_or_label() {
        let grants = serde_json::json!([{"namespaces": {"names": ["a"]}}, {"namespaces": {"matchLabels": {"team": "red"}}}]);
        let shared = identity(Some(grants), None);
        assert!(may(&shared, "a", "blue", "kv", "s"));
        assert!(may(&shared, "b", "red", "kv", "s"));
        assert!(!may(&shared, "b", "blue", "kv", "s"));
    }

    #[test]
    fn one_entry_must_allow_namespace_vault_and_object_together() {
        let grants = serde_json::json!([
            {"namespaces": {"names": ["a"]}, "vaults": ["kv-a"], "secrets": ["a-*"]},
            {"namespaces": {"names": ["b"]}, "vaults": ["kv-b"]}
        ]);
        let shared = identity(Some(grants), None);
        assert!(may(&shared, "a", "", "KV-A", "A-password"));
        assert!(!may(&shared, "a", "", "kv-a", "b-password"));
        assert!(
            !may(&shared, "a", "", "kv-b", "a-password"),
            "the vault of another entry was lent"
        );
        assert!(may(&shared, "b", "", "kv-b", "anything"));
    }

    #[test]
    fn an_identity_of_a_namespace_serves_no_other() {
        let own = identity(None, Some("a"));
        assert!(may(&own, "a", "", "kv", "s"));
        assert!(!may(&own, "b", "", "kv", "s"));
    }

    #[test]
    fn writing_is_lent_by_its_own_list_and_to_an_own_namespace_always() {
        let may = |identity: &Valid, namespace: &str, vault: &str, name: &str| {
            let borrower = Borrower {
                namespace,
                labels: &BTreeMap::new(),
            };
            let vault: VaultUri = format!("https://{vault}.vault.azure.net").parse().unwrap();
            allows_push(identity, borrower, &vault, &object(name)).is_ok()
        };
        let reading = serde_json::json!([{"namespaces": {"names": ["a"]}, "secrets": ["*"]}]);
        assert!(!may(&identity(Some(reading), None), "a", "kv", "x"));
        let writing = serde_json::json!([
            {"namespaces": {"names": ["a"]}, "vaults": ["kv-a"], "push": ["a-*"]},
            {"namespaces": {"names": ["b"]}, "vaults": ["kv-b"], "push": ["*"]}
        ]);
        let writing = identity(Some(writing), None);
        assert!(may(&writing, "a", "kv-a", "A-x"));
        assert!(!may(&writing, "a", "kv-a", "b-x"));
        assert!(!may(&writing, "a", "kv-b", "a-x"));
        assert!(!may(&writing, "c", "kv-a", "a-x"));
        assert!(may(&identity(None, Some("a")), "a", "kv", "x"));
        assert!(!may(&identity(None, Some("a")), "b", "kv", "x"));
    }

    #[test]
    fn managing_is_lent_by_its_own_list_and_to_an_own_namespace_always() {
        let may = |identity: &Valid, namespace: &str, group: &str| {
            let borrower = Borrower {
                namespace,
                labels: &BTreeMap::new(),
            };
            allows_manage(identity, borrower, ("4444", group)).is_ok()
        };
        let reading = serde_json::json!([{"namespaces": {"names": ["a"]}, "push": ["*"], "resources": ["*"]}]);
        assert!(!may(&identity(Some(reading), None), "a", "rg"));
        let some = serde_json::json!([{"namespaces": {"names": ["a"]}, "manage": ["4444/rg-a-*"]}]);
        let some = identity(Some(some), None);
        assert!(may(&some, "a", "RG-A-1"));
        assert!(!may(&some, "a", "rg-b"));
        assert!(!may(&some, "b", "rg-a-1"));
        assert!(may(&identity(None, Some("a")), "a", "rg"));
        assert!(!may(&identity(None, Some("a")), "b", "rg"));
    }

    #[test]
    fn patterns_fit_as_a_whole() {
        for (pattern, name, expected) in [
            ("a-*", "a-b", true),
            ("a-*", "xa-b", false),
            ("*", "anything", true),
            ("*-prod", "db-prod", true),
            ("*-prod", "db-prod-2", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn tokens_are_lent_by_their_own_list_and_to_an_own_namespace_always() {
        let may = |identity: &Valid, namespace: &str, resource: &str| {
            let borrower = Borrower {
                namespace,
                labels: &BTreeMap::new(),
            };
            allows_resource(identity, borrower, &Resource::new(resource)).is_ok()
        };
        let all_vaults = serde_json::json!([{"namespaces": {"names": ["a"]}}]);
        assert!(!may(&identity(Some(all_vaults), None), "a", "api://x"));
        let some = serde_json::json!([{"namespaces": {"names": ["a"]}, "resources": ["api://x*"]}]);
        let some = identity(Some(some), None);
        assert!(may(&some, "a", "api://x-1"));
        assert!(!may(&some, "a", "https://vault.azure.net"));
        assert!(!may(&some, "b", "api://x-1"));
        assert!(may(&identity(None, Some("a")), "a", "api://y"));
        assert!(!may(&identity(None, Some("a")), "b", "api://y"));
    }
}
