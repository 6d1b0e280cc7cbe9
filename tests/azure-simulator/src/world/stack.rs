//! Azure Stack Hub regions: their hosts and audiences. Names follow
//! <https://learn.microsoft.com/azure-stack/user/azure-stack-version-profiles-azure-resource-manager-versions> and the
//! documents of `/metadata/endpoints` there.

use serde::{Deserialize, Serialize};

use super::{
    World,
    spec::{Authorization, DEFAULT_SUBSCRIPTION, VaultSpec},
    tenant::derived_uuid,
};
use crate::names::Names;

/// Who signs the users and applications of a stack in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum IdentityProvider {
    /// Entra ID.
    #[default]
    #[serde(rename = "AAD")]
    Aad,
    /// The stack's own federation service.
    #[serde(rename = "ADFS")]
    Adfs,
}

/// A region of Azure Stack Hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StackSpec {
    /// One label, as `local`.
    pub(crate) region: String,
    /// What follows the region; absent: `azurestack.<suffix>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fqdn: Option<String>,
    pub(crate) identity_provider: IdentityProvider,
    /// The tenant whose applications and users may sign in; with ADFS it stands for the directory of the stack.
    pub(crate) tenant_id: String,
}

/// What a host of a stack is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StackHost {
    /// `management.<region>.<fqdn>`.
    Management,
    /// `adfs.<region>.<fqdn>`.
    Adfs,
    /// `<vault>.vault.<region>.<fqdn>`: the lower-case vault name.
    Vault(String),
}

impl StackSpec {
    /// `<region>.<fqdn>`, lower-case; `suffix` is the simulator's.
    pub(crate) fn domain(&self, suffix: &str) -> String {
        let domain = match &self.fqdn {
            Some(fqdn) => format!("{}.{fqdn}", self.region),
            None => format!("{}.azurestack.{suffix}", self.region),
        };
        domain.to_ascii_lowercase()
    }

    pub(crate) fn management_host(&self, suffix: &str) -> String {
        format!("management.{}", self.domain(suffix))
    }

    pub(crate) fn adfs_host(&self, suffix: &str) -> String {
        format!("adfs.{}", self.domain(suffix))
    }

    /// Issuer of the access tokens of an ADFS stack: a name, which says `http` whatever the endpoints are.
    pub(crate) fn adfs_token_issuer(&self, suffix: &str) -> String {
        format!("http://{}/adfs/services/trust", self.adfs_host(suffix))
    }

    /// What follows a vault's name and a dot.
    pub(crate) fn vault_suffix(&self, suffix: &str) -> String {
        format!("vault.{}", self.domain(suffix))
    }

    /// Every name that resolves whatever vaults there are.
    pub(crate) fn fixed_hosts(&self, suffix: &str) -> Vec<String> {
        let mut hosts = vec![self.management_host(suffix)];
        if self.identity_provider == IdentityProvider::Adfs {
            hosts.push(self.adfs_host(suffix));
        }
        hosts
    }

    /// What a lower-case host name is in this stack, if it is of it.
    pub(crate) fn host(&self, host: &str, suffix: &str) -> Option<StackHost> {
        let labels = host
            .strip_suffix(self.domain(suffix).as_str())?
            .strip_suffix('.')?;
        match (labels, self.identity_provider) {
            ("management", _) => Some(StackHost::Management),
            ("adfs", IdentityProvider::Adfs) => Some(StackHost::Adfs),
            _ => {
                let vault = labels.strip_suffix(".vault")?;
                (!vault.is_empty() && !vault.contains('.'))
                    .then(|| StackHost::Vault(vault.to_owned()))
            }
        }
    }

    /// The resource manager's audience, the first of `authentication.audiences`. `tenant_name` is the tenant's domain
    /// name, or its id when it has none.
    pub(crate) fn management_audience(&self, suffix: &str, tenant_name: &str) -> String {
        let id = derived_uuid(&["stack", &self.region, &self.tenant_id]);
        match self.identity_provider {
            IdentityProvider::Aad => format!("https://management.{tenant_name}/{id}"),
            IdentityProvider::Adfs => format!("https://management.adfs.azurestack.{suffix}/{id}"),
        }
    }

    /// The vaults' audience, which clients make from the other one in the same way.
    pub(crate) fn vault_audience(&self, suffix: &str, tenant_name: &str) -> String {
        self.management_audience(suffix, tenant_name)
            .replacen("management", "vault", 1)
    }
}

impl World {
    /// Makes or replaces a stack.
    pub(crate) fn put_stack(&mut self, spec: StackSpec) -> Result<(), String> {
        if spec.region.is_empty() || spec.region.contains('.') {
            return Err(format!("stack {:?}: region is one label", spec.region));
        }
        if !self
            .tenants
            .contains_key(&spec.tenant_id.to_ascii_lowercase())
        {
            return Err(format!(
                "stack {}: tenantId names no tenant: {:?}",
                spec.region, spec.tenant_id
            ));
        }
        // Sign-ins at ADFS name no tenant: the host decides it, and the issuer follows from it.
        let shares_directory = |other: &StackSpec| {
            other.identity_provider == IdentityProvider::Adfs
                && other.tenant_id.eq_ignore_ascii_case(&spec.tenant_id)
                && !other.region.eq_ignore_ascii_case(&spec.region)
        };
        if spec.identity_provider == IdentityProvider::Adfs
            && self.stacks.values().any(shares_directory)
        {
            return Err(format!(
                "stack {}: another ADFS stack has the tenant {}",
                spec.region, spec.tenant_id
            ));
        }
        self.stacks.insert(spec.region.to_ascii_lowercase(), spec);
        Ok(())
    }

    /// The stack that a host name belongs to, and what the host is there.
    pub(crate) fn stack_host(&self, host: &str, suffix: &str) -> Option<(&StackSpec, StackHost)> {
        self.stacks
            .values()
            .find_map(|stack| stack.host(host, suffix).map(|found| (stack, found)))
    }

    /// A stack by its region.
    pub(crate) fn stack(&self, region: &str) -> Option<&StackSpec> {
        self.stacks.get(&region.to_ascii_lowercase())
    }

    /// The host of a vault, lower-case: of its stack, or of the simulator's own cloud.
    pub(crate) fn host_of_vault(&self, vault: &VaultSpec, names: &Names) -> String {
        let domain = match vault.stack.as_deref().and_then(|region| self.stack(region)) {
            Some(stack) => stack.vault_suffix(&names.suffix),
            None => names.vault_suffix(),
        };
        format!("{}.{domain}", vault.name).to_ascii_lowercase()
    }

    /// Checks what a vault says about its stack, and fills in what follows from it: its tenant, and that it decides by
    /// its own list, since there are no role assignments there.
    pub(crate) fn settle_on_stack(&self, vault: &mut VaultSpec) -> Result<(), String> {
        let Some(region) = &vault.stack else {
            return Ok(());
        };
        let name = &vault.name;
        let Some(stack) = self.stack(region) else {
            return Err(format!("vault {name}: there is no stack {region:?}"));
        };
        if !vault.role_assignments.is_empty() {
            return Err(format!(
                "vault {name}: a stack's vault has accessPolicies, not roleAssignments"
            ));
        }
        if vault.tenant_id.is_empty() {
            vault.tenant_id.clone_from(&stack.tenant_id);
        }
        // A subscription is of one cloud.
        if vault.subscription_id == DEFAULT_SUBSCRIPTION {
            vault.subscription_id = derived_uuid(&["subscription", region]).to_string();
        }
        vault.authorization = Authorization::AccessPolicies;
        Ok(())
    }

    /// Both audiences of a stack: the resource manager's, the vaults'.
    pub(crate) fn stack_audiences(&self, stack: &StackSpec, suffix: &str) -> [String; 2] {
        let name = self
            .tenant(&stack.tenant_id)
            .and_then(|tenant| tenant.name.clone())
            .unwrap_or_else(|| stack.tenant_id.clone());
        [
            stack.management_audience(suffix, &name),
            stack.vault_audience(suffix, &name),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(identity_provider: IdentityProvider) -> StackSpec {
        StackSpec {
            region: "Local".into(),
            identity_provider,
            tenant_id: "t".into(),
            ..StackSpec::default()
        }
    }

    #[test]
    fn hosts_of_a_stack_are_told_apart() {
        let host = |provider, name: &str| stack(provider).host(name, "sim.test");
        let adfs = IdentityProvider::Adfs;
        assert_eq!(
            host(adfs, "management.local.azurestack.sim.test"),
            Some(StackHost::Management)
        );
        assert_eq!(
            host(adfs, "adfs.local.azurestack.sim.test"),
            Some(StackHost::Adfs)
        );
        assert_eq!(
            host(adfs, "kv.vault.local.azurestack.sim.test"),
            Some(StackHost::Vault("kv".into()))
        );
        assert_eq!(
            host(IdentityProvider::Aad, "adfs.local.azurestack.sim.test"),
            None
        );
        for other in [
            "local.azurestack.sim.test",
            "a.b.vault.local.azurestack.sim.test",
            ".vault.local.azurestack.sim.test",
            "xlocal.azurestack.sim.test",
            "kv.vault.sim.test",
        ] {
            assert_eq!(host(adfs, other), None, "{other}");
        }
    }

    #[test]
    fn the_vaults_audience_follows_from_the_other() {
        let aad = stack(IdentityProvider::Aad);
        let management = aad.management_audience("sim.test", "contoso.test");
        let id = management
            .strip_prefix("https://management.contoso.test/")
            .unwrap();
        assert_eq!(
            aad.vault_audience("sim.test", "contoso.test"),
            format!("https://vault.contoso.test/{id}")
        );
        let adfs = stack(IdentityProvider::Adfs);
        assert!(
            adfs.vault_audience("sim.test", "contoso.test")
                .starts_with("https://vault.adfs.azurestack.sim.test/")
        );
    }

    #[test]
    fn a_directory_is_of_one_adfs_stack_but_entras_tenants_may_have_several() {
        let mut world = World::default();
        let tenant = super::super::spec::TenantSpec {
            id: "t".into(),
            ..Default::default()
        };
        world.put_tenant(tenant).unwrap();
        let mut put = |region: &str, provider| {
            world.put_stack(StackSpec {
                region: region.into(),
                ..stack(provider)
            })
        };
        put("a", IdentityProvider::Adfs).unwrap();
        put("a", IdentityProvider::Adfs).unwrap();
        put("b", IdentityProvider::Aad).unwrap();
        put("c", IdentityProvider::Aad).unwrap();
        assert!(put("d", IdentityProvider::Adfs).is_err());
    }
}
