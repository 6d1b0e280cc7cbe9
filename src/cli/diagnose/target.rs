//! What is to be diagnosed, from what was typed. Pure.

use std::fmt;

use crate::azure_identity::api::IdentityKind;
use crate::azure_identity::valid::IdentityKey;
use crate::cli::manifests::Manifests;
use crate::names::ResourceName;

/// An object to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// An identity.
    Identity(IdentityKey),
    /// A sync.
    Sync {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(key) => key.fmt(f),
            Self::Sync { namespace, name } => write!(f, "VaultSecretSync {namespace}/{name}"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Identity(IdentityKind),
    Sync,
}

/// The words for the kinds: ours, and those of `kubectl`.
const WORDS: [(&[&str], Kind); 3] = [
    (
        &[
            "identity",
            "identities",
            "azureidentity",
            "azureidentities",
            "azid",
        ],
        Kind::Identity(IdentityKind::AzureIdentity),
    ),
    (
        &[
            "clusteridentity",
            "clusteridentities",
            "clusterazureidentity",
            "clusterazureidentities",
            "cazid",
        ],
        Kind::Identity(IdentityKind::ClusterAzureIdentity),
    ),
    (
        &[
            "sync",
            "syncs",
            "vaultsecretsync",
            "vaultsecretsyncs",
            "vss",
        ],
        Kind::Sync,
    ),
];

/// The kind of identity that a word means.
pub(in crate::cli) fn identity_kind(word: &str) -> Option<IdentityKind> {
    match kind_of(word)? {
        Kind::Identity(kind) => Some(kind),
        Kind::Sync => None,
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    let lower = word.to_ascii_lowercase();
    let mut known = WORDS.iter();
    let found = known.find(|(words, _)| words.contains(&lower.as_str()));
    found.map(|(_, kind)| *kind)
}

/// What was asked for: one object, all of a kind, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    kind: Option<Kind>,
    name: Option<ResourceName>,
}

impl Wish {
    /// Reads `KIND/NAME`, `KIND NAME`, `KIND` or nothing.
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (kind, name) = match words.as_slice() {
            [] => (None, None),
            [word] => match word.split_once('/') {
                Some((kind, name)) => (Some(kind), Some(name)),
                None => (Some(*word), None),
            },
            [kind, name, ..] => (Some(*kind), Some(*name)),
        };
        let kind = kind.map(|word| {
            kind_of(word).ok_or_else(|| {
                format!("{word:?} is none of sync/NAME, identity/NAME and clusteridentity/NAME")
            })
        });
        let name = name.map(str::parse).transpose();
        Ok(Self {
            kind: kind.transpose()?,
            name: name.map_err(|error| format!("the name {error}"))?,
        })
    }

    /// The one object, where one is named.
    pub(super) fn named(&self, namespace: &str) -> Option<Target> {
        let name = self.name.as_ref()?.to_string();
        let namespace = namespace.to_owned();
        Some(match self.kind? {
            Kind::Sync => Target::Sync { namespace, name },
            Kind::Identity(kind) => Target::Identity(IdentityKey {
                kind,
                namespace: (kind == IdentityKind::AzureIdentity).then_some(namespace),
                name,
            }),
        })
    }

    /// The objects of a file that are meant.
    pub(super) fn of_file(&self, manifests: &Manifests) -> Vec<Target> {
        let identities = manifests.identities().into_iter();
        let syncs = manifests.syncs().into_iter();
        identities
            .filter(|key| self.wants_identities(key.kind))
            .map(Target::Identity)
            .chain(
                syncs
                    .filter(|_| self.wants_syncs())
                    .map(|(namespace, name)| Target::Sync { namespace, name }),
            )
            .collect()
    }

    /// Whether a kind was named.
    pub(super) fn is_narrowed(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether identities of this kind are meant.
    pub(super) fn wants_identities(&self, kind: IdentityKind) -> bool {
        self.kind
            .is_none_or(|wanted| wanted == Kind::Identity(kind))
    }

    /// Whether syncs are meant.
    pub(super) fn wants_syncs(&self) -> bool {
        self.kind.is_none_or(|wanted| wanted == Kind::Sync)
    }

    /// What is meant, for messages.
    pub(super) fn word(&self) -> &'static str {
        match self.kind {
            None => "identity and no VaultSecretSync",
            Some(Kind::Sync) => "VaultSecretSync",
            Some(Kind::Identity(IdentityKind::AzureIdentity)) => "AzureIdentity",
            Some(Kind::Identity(IdentityKind::ClusterAzureIdentity)) => "ClusterAzureIdentity",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Result<Wish, String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Wish::parse(&words)
    }

    fn shown(words: &[&str]) -> Option<String> {
        let target = wish(words).unwrap().named("team")?;
        Some(target.to_string())
    }

    #[test]
    fn an_object_is_named_as_kubectl_does() {
        for words in [
            vec!["sync/db"],
            vec!["vss", "db"],
            vec!["VaultSecretSync/db"],
        ] {
            assert_eq!(shown(&words).as_deref(), Some("VaultSecretSync team/db"));
        }
        assert_eq!(
            shown(&["identity/sp"]).as_deref(),
            Some("AzureIdentity team/sp")
        );
        assert_eq!(
            shown(&["clusteridentity/shared"]).as_deref(),
            Some("ClusterAzureIdentity shared")
        );
        assert_eq!((shown(&[]), shown(&["syncs"])), (None, None));
    }

    #[test]
    fn what_is_no_kind_or_no_name_is_refused() {
        for (words, said) in [
            (vec!["db"], "sync/NAME"),
            (vec!["pod/db"], "sync/NAME"),
            (vec!["sync/../x"], "Kubernetes object name"),
            (vec!["sync/"], "Kubernetes object name"),
        ] {
            let error = wish(&words).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_kind_alone_means_all_of_it() {
        let file = "kind: AzureIdentity\nmetadata: {name: a}\n---\nkind: VaultSecretSync\nmetadata: {name: b}\n";
        let manifests = Manifests::parse(file, "team").unwrap();
        let of = |words: &[&str]| {
            let targets = wish(words).unwrap().of_file(&manifests);
            targets.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), ["AzureIdentity team/a", "VaultSecretSync team/b"]);
        assert_eq!(of(&["sync"]), ["VaultSecretSync team/b"]);
    }
}
