//! The names of the simulator's own cloud: hosts, and the audiences of their tokens.

use clap::ValueEnum;

use crate::wire::call::Target;

/// What the public cloud's sign-in is called, the present name first. Entra tells them in
/// <https://login.microsoftonline.com/common/discovery/instance>.
const PUBLIC_LOGINS: [&str; 4] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
];
const PUBLIC_MANAGEMENT: &str = "management.azure.com";
const PUBLIC_VAULT_SUFFIX: &str = "vault.azure.net";
/// Graph, and the one before it.
const PUBLIC_GRAPHS: [&str; 2] = ["graph.microsoft.com", "graph.windows.net"];
/// Further services of the public cloud whose tokens are given, though none of them is here: the management API before
/// Resource Manager (Resource Manager takes its tokens too), Storage, and Data Lake Store.
const PUBLIC_RESOURCES: [&str; 3] = [
    "management.core.windows.net",
    "storage.azure.com",
    "datalake.azure.net",
];

/// Whose names the hosts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NameSet {
    /// Names of its own: `login.<suffix>`, `management.<suffix>`, `<vault>.vault.<suffix>`.
    #[default]
    Own,
    /// Those of the public cloud: `login.microsoftonline.com`, `management.azure.com`, `<vault>.vault.azure.net`.
    Public,
}

/// The names that the simulator answers to.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// `https`, or `http` when TLS is off.
    pub(crate) scheme: &'static str,
    /// What all names end in that are not the public cloud's.
    pub(crate) suffix: String,
    pub(crate) set: NameSet,
}

impl Names {
    pub(crate) fn login(&self) -> String {
        match self.set {
            NameSet::Own => format!("login.{}", self.suffix),
            NameSet::Public => PUBLIC_LOGINS[0].to_owned(),
        }
    }

    /// Every name of the sign-in, [`Self::login`] first.
    pub(crate) fn logins(&self) -> Vec<String> {
        match self.set {
            NameSet::Own => vec![self.login()],
            NameSet::Public => PUBLIC_LOGINS.map(ToOwned::to_owned).to_vec(),
        }
    }

    pub(crate) fn management(&self) -> String {
        match self.set {
            NameSet::Own => format!("management.{}", self.suffix),
            NameSet::Public => PUBLIC_MANAGEMENT.to_owned(),
        }
    }

    pub(crate) fn vault_suffix(&self) -> String {
        match self.set {
            NameSet::Own => format!("vault.{}", self.suffix),
            NameSet::Public => PUBLIC_VAULT_SUFFIX.to_owned(),
        }
    }

    /// Audience of vault tokens. It names a resource, not a server: `https` also when TLS is off.
    pub(crate) fn vault_audience(&self) -> String {
        format!("https://{}", self.vault_suffix())
    }

    /// Audience of tokens for the directory.
    pub(crate) fn graph(&self) -> String {
        match self.set {
            NameSet::Own => format!("https://graph.{}", self.suffix),
            NameSet::Public => format!("https://{}", PUBLIC_GRAPHS[0]),
        }
    }

    /// What `/metadata/endpoints` calls the storage suffix.
    pub(crate) fn storage_suffix(&self) -> String {
        match self.set {
            NameSet::Own => format!("storage.{}", self.suffix),
            NameSet::Public => "core.windows.net".to_owned(),
        }
    }

    /// Audiences that the resource manager takes.
    pub(crate) fn management_audiences(&self) -> Vec<String> {
        let mut audiences = vec![format!("https://{}", self.management())];
        if self.set == NameSet::Public {
            audiences.push(format!("https://{}", PUBLIC_RESOURCES[0]));
        }
        audiences
    }

    /// Whether a tenant gives tokens for this resource because the cloud itself has it; the slash at the end is free.
    pub(crate) fn is_resource(&self, resource: &str) -> bool {
        let Some(host) = resource
            .trim_end_matches('/')
            .strip_prefix("https://")
            .map(str::to_ascii_lowercase)
        else {
            return false;
        };
        let of_set = match self.set {
            NameSet::Own => ["storage", "graph"]
                .iter()
                .any(|service| host == format!("{service}.{}", self.suffix)),
            NameSet::Public => {
                PUBLIC_RESOURCES.contains(&host.as_str()) || PUBLIC_GRAPHS.contains(&host.as_str())
            }
        };
        of_set || host == self.vault_suffix() || host == self.management()
    }

    /// The service behind a lower-case host name.
    pub(crate) fn target(&self, host: &str) -> Target {
        if self.logins().iter().any(|login| login == host) {
            return Target::Login;
        }
        if host == self.management() {
            return Target::Management;
        }
        let vault = host
            .strip_suffix(self.vault_suffix().as_str())
            .and_then(|rest| rest.strip_suffix('.'));
        match vault {
            Some(vault) if !vault.is_empty() && !vault.contains('.') => {
                Target::Vault(vault.to_owned())
            }
            _ => Target::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: NameSet) -> Names {
        Names {
            scheme: "https",
            suffix: "sim.test".into(),
            set,
        }
    }

    #[test]
    fn hosts_are_told_apart() {
        let own = names(NameSet::Own);
        assert_eq!(own.target("login.sim.test"), Target::Login);
        assert_eq!(own.target("management.sim.test"), Target::Management);
        assert_eq!(own.target("kv.vault.sim.test"), Target::Vault("kv".into()));
        for host in [
            "sim.test",
            "vault.sim.test",
            "a.b.vault.sim.test",
            "login.other.test",
            "xsim.test",
            "login.microsoftonline.com",
        ] {
            assert_eq!(own.target(host), Target::Unknown, "{host}");
        }
    }

    #[test]
    fn the_public_clouds_hosts_take_the_place_of_its_own() {
        let public = names(NameSet::Public);
        for login in PUBLIC_LOGINS {
            assert_eq!(public.target(login), Target::Login, "{login}");
        }
        assert_eq!(public.target("management.azure.com"), Target::Management);
        assert_eq!(
            public.target("kv.vault.azure.net"),
            Target::Vault("kv".into())
        );
        for host in ["login.sim.test", "kv.vault.sim.test", "vault.azure.net"] {
            assert_eq!(public.target(host), Target::Unknown, "{host}");
        }
    }

    #[test]
    fn resources_of_one_cloud_are_not_the_others() {
        let (own, public) = (names(NameSet::Own), names(NameSet::Public));
        for resource in ["https://vault.sim.test", "https://graph.sim.test/"] {
            assert!(own.is_resource(resource), "{resource}");
            assert!(!public.is_resource(resource), "{resource}");
        }
        for resource in [
            "https://management.core.windows.net/",
            "https://management.azure.com",
            "https://datalake.azure.net/",
            "https://vault.azure.net",
        ] {
            assert!(public.is_resource(resource), "{resource}");
            assert!(!own.is_resource(resource), "{resource}");
        }
        assert!(!public.is_resource("http://vault.azure.net"));
    }
}
