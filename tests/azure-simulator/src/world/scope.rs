//! Scopes: the ids of what roles, locks and policies are given on. A key is an id in lower case without a slash at its
//! end; what lies above it are its beginnings.

/// The key of an id.
pub(crate) fn key(id: &str) -> String {
    format!("/{}", id.trim_matches('/')).to_ascii_lowercase()
}

pub(crate) fn subscription(id: &str) -> String {
    format!("/subscriptions/{id}")
}

pub(crate) fn group(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

pub(crate) fn vault(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    )
}

pub(crate) fn storage_account(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    )
}

/// Of a Data Lake Store.
pub(crate) fn lake_store(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataLakeStore/accounts/{name}"
    )
}

/// A key and all above it, the nearest first.
pub(crate) fn upward(key: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(key).filter(|key| key.len() > 1);
    std::iter::from_fn(move || {
        let this = next?;
        next = this
            .rsplit_once('/')
            .map(|(above, _)| above)
            .filter(|above| !above.is_empty());
        Some(this)
    })
}

/// Whether a key is the other, or lies above it.
pub(crate) fn covers(above: &str, key: &str) -> bool {
    key.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_a_vault_are_its_group_and_its_subscription() {
        let vault = key(&vault("S", "G", "V"));
        let above: Vec<&str> = upward(&vault).collect();
        for expected in [
            vault.as_str(),
            "/subscriptions/s/resourcegroups/g",
            "/subscriptions/s",
        ] {
            assert!(above.contains(&expected), "{expected}: {above:?}");
        }
        assert!(covers("/subscriptions/s/resourcegroups/g", &vault));
        assert!(!covers(
            "/subscriptions/s/resourcegroups/",
            "/subscriptions/s/resourcegroups"
        ));
        assert!(!covers(
            "/subscriptions/s/resourcegroups/g",
            "/subscriptions/s/resourcegroups/gg"
        ));
    }
}
