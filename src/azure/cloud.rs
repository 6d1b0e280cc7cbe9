//! Clouds: where tokens come from, and which hosts are vaults.

use url::Url;

use crate::azure_identity::api::{CloudName, CloudSpec, CustomCloud};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// The endpoints of one cloud, as far as they are needed to reach vaults.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cloud {
    /// Origin of the token endpoints, such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// Further hosts that the cloud's services name as its authority in challenges.
    pub authority_aliases: Vec<String>,
    /// What follows a vault's name in its host.
    pub vault_suffix: String,
    /// The resource that vault tokens are asked for, without a trailing slash.
    pub vault_audience: String,
}

impl Cloud {
    /// Reads a spec; none means Azure's public cloud. Endpoints: Microsoft's "Azure national clouds" and Key Vault docs.
    pub fn parse(spec: Option<&CloudSpec>) -> Result<Self, Problem> {
        match spec {
            None => Ok(Self::named(CloudName::Public)),
            Some(CloudSpec {
                name: Some(name),
                custom: None,
            }) => Ok(Self::named(*name)),
            Some(CloudSpec {
                name: None,
                custom: Some(custom),
            }) => Self::custom(custom),
            Some(_) => Err(invalid(
                "spec.cloud: exactly one of name and custom must be set".to_owned(),
            )),
        }
    }

    fn named(name: CloudName) -> Self {
        let (authority, aliases, suffix): (_, &[&str], _) = match name {
            CloudName::Public => (
                "login.microsoftonline.com",
                &[
                    "login.windows.net",
                    "login.microsoft.com",
                    "sts.windows.net",
                ],
                "vault.azure.net",
            ),
            CloudName::USGovernment => (
                "login.microsoftonline.us",
                &["login.usgovcloudapi.net"],
                "vault.usgovcloudapi.net",
            ),
            CloudName::China => (
                "login.partner.microsoftonline.cn",
                &["login.chinacloudapi.cn"],
                "vault.azure.cn",
            ),
        };
        Self {
            authority: format!("https://{authority}"),
            authority_aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            vault_suffix: suffix.to_owned(),
            vault_audience: format!("https://{suffix}"),
        }
    }

    fn custom(custom: &CustomCloud) -> Result<Self, Problem> {
        let authority = Url::parse(&custom.authority_host)
            .ok()
            .filter(|url| url.scheme() == "https" && matches!(url.path(), "" | "/") && url.username().is_empty())
            .ok_or_else(|| {
                invalid(format!(
                    "spec.cloud.custom.authorityHost: {:?} is not an https origin such as https://login.example.net",
                    custom.authority_host
                ))
            })?;
        let suffix = custom
            .key_vault
            .dns_suffix
            .trim_start_matches('.')
            .to_ascii_lowercase();
        let audience = custom
            .key_vault
            .audience
            .clone()
            .unwrap_or_else(|| format!("https://{suffix}"));
        Ok(Self {
            authority: authority.origin().ascii_serialization(),
            authority_aliases: Vec::new(),
            vault_audience: audience.trim_end_matches('/').to_owned(),
            vault_suffix: suffix,
        })
    }

    /// The v2 scope for vault tokens.
    pub fn vault_scope(&self) -> String {
        format!("{}/.default", self.vault_audience)
    }

    /// Whether a challenge's authority is this cloud's own.
    pub fn knows_authority(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.authority
            || url.scheme() == "https"
                && url
                    .host_str()
                    .is_some_and(|host| self.authority_aliases.iter().any(|a| a == host))
    }
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure_identity::api::CustomKeyVault;

    fn custom(authority: &str) -> CloudSpec {
        CloudSpec {
            name: None,
            custom: Some(CustomCloud {
                authority_host: authority.to_owned(),
                key_vault: CustomKeyVault {
                    dns_suffix: ".Vault.Sim.Test".to_owned(),
                    audience: None,
                },
                resource_manager: None,
                storage: None,
            }),
        }
    }

    #[test]
    fn no_cloud_means_the_public_one() {
        let cloud = Cloud::parse(None).unwrap();
        assert_eq!(cloud.vault_scope(), "https://vault.azure.net/.default");
        assert_eq!(cloud.authority, "https://login.microsoftonline.com");
    }

    #[test]
    fn a_custom_cloud_is_normalised() {
        let cloud = Cloud::parse(Some(&custom("https://login.sim.test/"))).unwrap();
        assert_eq!(cloud.authority, "https://login.sim.test");
        assert_eq!(cloud.vault_suffix, "vault.sim.test");
        assert_eq!(cloud.vault_audience, "https://vault.sim.test");
    }

    #[test]
    fn an_authority_that_is_no_https_origin_is_refused_by_name() {
        for bad in [
            "http://login.sim.test",
            "https://login.sim.test/path",
            "login.sim.test",
        ] {
            let problem = Cloud::parse(Some(&custom(bad))).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(
                problem.message.contains("authorityHost") && problem.message.contains(bad),
                "{problem}"
            );
        }
    }

    #[test]
    fn only_the_clouds_own_authorities_are_known() {
        let cloud = Cloud::parse(None).unwrap();
        let knows = |text: &str| cloud.knows_authority(&Url::parse(text).unwrap());
        assert!(knows("https://login.microsoftonline.com/tenant"));
        assert!(knows("https://login.windows.net/tenant"));
        assert!(!knows("https://login.microsoftonline.us/tenant"));
        assert!(!knows("http://login.windows.net/tenant"));
        assert!(!knows("https://evil.example/tenant"));
    }
}
