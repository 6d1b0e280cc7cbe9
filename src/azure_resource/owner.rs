//! Who owns a thing in Azure, by its tag `lakevault-owner`. Pure.
//!
//! The tag names cluster, namespace, name and uid. A name alone does not identify: an object that is deleted and made anew has
//! the old name, and what is done to the old one's things must not be decided by it.

use std::collections::BTreeMap;
use std::fmt;

/// The tag.
pub const OWNER_TAG: &str = "lakevault-owner";

/// An object of Kubernetes that owns something in Azure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The cluster, by the uid of its namespace kube-system; none where that is not known.
    pub cluster: Option<String>,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = self.cluster.as_deref().unwrap_or(UNKNOWN);
        write!(f, "{cluster}/{}/{}/{}", self.namespace, self.name, self.uid)
    }
}

/// The word for a cluster that is not known.
const UNKNOWN: &str = "-";

/// What a tag says of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is this object's.
    Ours,
    /// It is that of an object of the same name in the same cluster, which this one follows.
    Predecessor,
    /// It is another's.
    Foreign,
    /// It says nothing.
    None,
}

impl Owner {
    /// Reads tags. Their names have no case (Azure Resource Manager, "Use tags to organize your Azure resources").
    pub fn claim(&self, tags: &BTreeMap<String, String>) -> Claim {
        let Some(tag) = owner_tag(tags) else {
            return Claim::None;
        };
        if *tag == self.to_string() {
            return Claim::Ours;
        }
        let (names, uid) = tag.rsplit_once('/').unwrap_or((tag, ""));
        if uid == self.uid {
            return Claim::Ours;
        }
        let cluster = self.cluster.as_deref();
        let ours = cluster.map(|cluster| format!("{cluster}/{}/{}", self.namespace, self.name));
        if ours.as_deref() == Some(names) {
            Claim::Predecessor
        } else {
            Claim::Foreign
        }
    }
}

/// The owner that tags name.
pub fn owner_tag(tags: &BTreeMap<String, String>) -> Option<&String> {
    tags.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(OWNER_TAG))
        .map(|(_, value)| value)
}

/// Whether a tag says what it should for `owner`. Who does not know its own cluster takes the word of the tag for it.
pub fn says(tag: &str, owner: &str) -> bool {
    let names = |text: &str| text.split_once('/').map(|(_, names)| names.to_owned());
    let unknown = owner
        .strip_prefix(UNKNOWN)
        .is_some_and(|rest| rest.starts_with('/'));
    tag == owner || unknown && names(tag) == names(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_know_its_cluster_takes_the_word_of_the_tag() {
        for (tag, owner, same) in [
            ("c/team/kv/u", "c/team/kv/u", true),
            ("c/team/kv/u", "d/team/kv/u", false),
            ("c/team/kv/u", "-/team/kv/u", true),
            ("c/team/kv/u", "-/team/kv/v", false),
            ("team", "-/team/kv/u", false),
        ] {
            assert_eq!(says(tag, owner), same, "{tag} for {owner}");
        }
    }
}
