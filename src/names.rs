//! Newtypes that parse: a value of one of these types is safe to put into a URL, an annotation or a Secret.
//!
//! Names come from custom resources, which users write. A Key Vault object name such as `a/../../keys/b` must never
//! reach a path together with a token, so nothing outside this module turns user text into a request.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// Why a text was refused: what was expected, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{seen:?} is not {expected}")]
pub struct NameError {
    /// What the text should have been.
    pub expected: &'static str,
    /// The text, shortened to 80 characters.
    pub seen: String,
}

impl NameError {
    pub(crate) fn new(expected: &'static str, seen: &str) -> Self {
        Self {
            expected,
            seen: seen.chars().take(80).collect(),
        }
    }
}

pub(crate) fn length_and_alphabet(text: &str, max: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(allowed)
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(NameError::new($expected, text)) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// Name of a Key Vault object (secret, certificate, key): 1–127 of letters, digits and `-` (Key Vault REST reference).
    ObjectName,
    "a Key Vault object name (1 to 127 letters, digits and hyphens)",
    |text| length_and_alphabet(text, 127, |b| b.is_ascii_alphanumeric() || b == b'-')
);

name!(
    /// Version of a Key Vault object: Azure makes 32 hexadecimal digits; emulators make other words.
    ObjectVersion,
    "a version of a Key Vault object (1 to 64 letters and digits)",
    |text| length_and_alphabet(text, 64, |b| b.is_ascii_alphanumeric())
);

name!(
    /// Key of a Kubernetes Secret: 1–253 of letters, digits, `-`, `_` and `.`, neither `.` nor starting with `..`.
    SecretKey,
    "a key of a Kubernetes Secret (1 to 253 letters, digits, '-', '_' and '.'; not '.' and not starting with '..')",
    |text| {
        length_and_alphabet(text, 253, |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && text != "."
            && !text.starts_with("..")
    }
);

name!(
    /// Name of a Kubernetes object that is a DNS subdomain (Secret, ServiceAccount): RFC 1123, at most 253 characters.
    ResourceName,
    "a Kubernetes object name (lower-case letters, digits, '-' and '.'; at most 253)",
    |text| {
        length_and_alphabet(text, 253, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    }
);

name!(
    /// An Entra tenant: its id (a GUID) or one of its domain names.
    TenantId,
    "a tenant id (a GUID) or a domain name of the tenant",
    |text| {
        length_and_alphabet(text, 253, |b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
    }
);

name!(
    /// The application (client) id of a service principal or managed identity: a GUID.
    ClientId,
    "a client id (a GUID such as 22222222-2222-2222-2222-222222222222)",
    |text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
);

name!(
    /// The object (principal) id of a managed identity: a GUID.
    ObjectId,
    "an object id (a GUID such as 33333333-3333-3333-3333-333333333333)",
    |text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
);

name!(
    /// The Azure resource id of a user-assigned managed identity. Limits of its parts: Microsoft's "Naming rules and
    /// restrictions for Azure resources"; words between them have no case.
    IdentityResourceId,
    "the resource id of a user-assigned managed identity (/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>)",
    |text| {
        let parts: Vec<&str> = text.split('/').collect();
        let &["", subscriptions, subscription, groups, group, providers, provider, kind, name] = parts.as_slice() else {
            return false;
        };
        let words = [
            (subscriptions, "subscriptions"),
            (groups, "resourceGroups"),
            (providers, "providers"),
            (provider, "Microsoft.ManagedIdentity"),
            (kind, "userAssignedIdentities"),
        ];
        words.iter().all(|(seen, word)| seen.eq_ignore_ascii_case(word))
            && subscription.len() == 36
            && uuid::Uuid::try_parse(subscription).is_ok()
            && length_and_alphabet(group, 90, |b| b.is_ascii_alphanumeric() || b"-_.()".contains(&b))
            && !group.ends_with('.')
            && length_and_alphabet(name, 128, |b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    }
);

/// The origin of one vault's data plane, such as `https://kv-payments.vault.azure.net`, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultUri {
    origin: String,
    name_len: usize,
}

const SCHEME: &str = "https://";
const VAULT_URI: &str = "a vault URI (https://<vault>.<suffix> with no path, query or user, such as https://kv-payments.vault.azure.net)";

impl VaultUri {
    /// A URI that stands for a vault of which nothing is known but the KeyVault that it belongs to. It leads nowhere, since
    /// nobody can own names under `.invalid` (RFC 2606), and it is in no cloud.
    pub fn stand_in(key_vault: &ResourceName) -> Self {
        let name_len = key_vault.as_str().find('.');
        Self {
            origin: format!("{SCHEME}{key_vault}.keyvault.invalid"),
            name_len: name_len.unwrap_or(key_vault.as_str().len()),
        }
    }

    /// `https://host[:port]` without a trailing slash.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `host[:port]`.
    pub fn authority(&self) -> &str {
        self.origin.strip_prefix(SCHEME).unwrap_or(&self.origin)
    }

    /// The vault's name: the first label of the host.
    pub fn vault_name(&self) -> &str {
        self.authority().get(..self.name_len).unwrap_or_default()
    }

    /// Whether the vault belongs to the cloud whose vaults are `<name>.<dns_suffix>`. Exactly one label may stand before
    /// the suffix, so that no other service of the same domain is taken for a vault.
    pub fn is_in(&self, dns_suffix: &str) -> bool {
        self.authority()
            .get(self.name_len..)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest.eq_ignore_ascii_case(dns_suffix.trim_start_matches('.')))
    }
}

impl FromStr for VaultUri {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || NameError::new(VAULT_URI, text);
        let url = Url::parse(text).map_err(|_| refused())?;
        let plain = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(url::Host::Domain(host)) = url.host().filter(|_| plain) else {
            return Err(refused());
        };
        let name_len = host.find('.').filter(|&dot| dot > 0).ok_or_else(refused)?;
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            origin: format!("{SCHEME}{host}{port}"),
            name_len,
        })
    }
}

impl fmt::Display for VaultUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_names_that_would_leave_their_path_are_refused() {
        for bad in [
            "",
            "a/b",
            "a/../../keys/b",
            "a%2Fb",
            "a b",
            "ä",
            &"x".repeat(128),
        ] {
            assert!(bad.parse::<ObjectName>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!(
            "db-Password-1".parse::<ObjectName>().unwrap().as_str(),
            "db-Password-1"
        );
    }

    #[test]
    fn secret_keys_follow_kubernetes() {
        for good in ["DB_PASSWORD", "tls.crt", ".env", "a-b"] {
            assert!(good.parse::<SecretKey>().is_ok(), "{good:?} was refused");
        }
        for bad in ["", ".", "..", "..data", "a b", "a/b", "ключ"] {
            assert!(bad.parse::<SecretKey>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_resource_id_names_one_user_assigned_identity() {
        let good = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/my_(group).1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-1";
        let parse = |text: &str| text.parse::<IdentityResourceId>();
        assert_eq!(parse(good).unwrap().as_str(), good);
        assert!(parse(&good.replace("resourceGroups", "resourcegroups")).is_ok());
        for bad in [
            "",
            "id-1",
            &good.replace("44444444-", ""),
            &good.replace("my_(group).1", "group."),
            &good.replace("my_(group).1", ".."),
            &good.replace("id-1", "id-1/x"),
            &good.replace("id-1", "id?a=b"),
            &good.replace("id-1", ""),
            &good.replace("userAssignedIdentities", "other"),
            good.strip_prefix('/').unwrap(),
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_vault_uri_is_an_origin_and_nothing_more() {
        let uri: VaultUri = "https://KV-Demo.vault.azure.net/".parse().unwrap();
        assert_eq!(uri.origin(), "https://kv-demo.vault.azure.net");
        assert_eq!(uri.vault_name(), "kv-demo");
        for bad in [
            "http://kv.vault.azure.net",
            "https://user@kv.vault.azure.net",
            "https://kv.vault.azure.net/secrets",
            "https://kv.vault.azure.net?x=1",
            "https://10.0.0.1",
            "https://localhost",
            "kv.vault.azure.net",
        ] {
            assert!(bad.parse::<VaultUri>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_vault_belongs_to_a_cloud_by_its_whole_suffix() {
        let vault = |text: &str| text.parse::<VaultUri>().unwrap();
        assert!(vault("https://kv.vault.azure.net").is_in("vault.azure.net"));
        assert!(vault("https://kv.vault.azure.net").is_in(".vault.azure.net"));
        assert!(vault("https://kv.vault.localhost:8443").is_in("vault.localhost:8443"));
        assert!(!vault("https://kv.vault.azure.net.evil.example").is_in("vault.azure.net"));
        assert!(!vault("https://evil.example").is_in("vault.azure.net"));
        assert!(!vault("https://kvvault.azure.net").is_in("vault.azure.net"));
        assert!(!vault("https://a.b.vault.azure.net").is_in("vault.azure.net"));
        assert!(!vault("https://kv.vault.azure.net:444").is_in("vault.azure.net"));
    }
}
