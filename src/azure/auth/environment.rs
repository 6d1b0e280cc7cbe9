//! What the process's environment says of credentials: a snapshot, so that whoever decides by it stays pure.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// Variables that no credential reads are not taken over.
const PREFIXES: &[&str] = &[
    "AZURE_",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
];

/// Variables by name. Values may be secrets and do not print.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, Zeroizing<String>>);

impl Environment {
    /// The variables of a process, as far as credentials read them. An empty one counts as absent.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        Self(
            variables
                .into_iter()
                .filter(|(name, value)| ours(name) && !value.trim().is_empty())
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect(),
        )
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_credentials_read_is_kept_and_no_value_is_printed() {
        let variables = [
            ("AZURE_CLIENT_SECRET", "hunter2"),
            ("AZURE_TENANT_ID", " "),
            ("HOME", "/root"),
        ];
        let environment =
            Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(environment.get("AZURE_CLIENT_SECRET"), Some("hunter2"));
        assert_eq!(
            (environment.get("AZURE_TENANT_ID"), environment.get("HOME")),
            (None, None)
        );
        assert_eq!(format!("{environment:?}"), "{\"AZURE_CLIENT_SECRET\"}");
    }
}
