//! `--identity`: which identity is meant. Pure.

use super::diagnose::target::identity_kind;
use crate::azure_identity::api::{IdentityKind, IdentityRef};
use crate::names::ResourceName;

/// Reads `NAME`, `identity/NAME` or `clusteridentity/NAME`.
pub(super) fn identity(text: &str) -> Result<IdentityRef, String> {
    let (kind, name) = match text.split_once('/') {
        None => (IdentityKind::AzureIdentity, text),
        Some((word, name)) => {
            let kind = identity_kind(word);
            let refused = || format!("{word:?} is neither identity nor clusteridentity");
            (kind.ok_or_else(refused)?, name)
        }
    };
    let name: ResourceName = name.parse().map_err(|error| format!("the name {error}"))?;
    Ok(IdentityRef {
        kind,
        name: name.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_named_as_for_diagnose() {
        let read = |text| identity(text).map(|found| (found.kind, found.name));
        let own = Ok((IdentityKind::AzureIdentity, "main".to_owned()));
        let lent = Ok((IdentityKind::ClusterAzureIdentity, "main".to_owned()));
        assert_eq!(read("main"), own);
        assert_eq!(read("identity/main"), own);
        assert_eq!(read("clusteridentity/main"), lent);
        assert_eq!(read("ClusterAzureIdentity/main"), lent);
        for bad in ["sync/main", "identity/", "a/b/c", "", "-x"] {
            assert!(read(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
