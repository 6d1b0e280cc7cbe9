//! The names of the simulator's own cloud: hosts, and the audiences of their tokens.

use clap::ValueEnum;

use crate::{wire::call::Target, world::storage_account::StorageService};

/// Resources that clients name so wherever they are.
const STORAGE: &str = "storage.azure.com";
const LAKE_STORE: &str = "datalake.azure.net";

/// Names and audiences of a cloud of Microsoft's.
#[derive(Debug)]
struct Known {
    /// What its sign-in is called, the present name first. Entra tells them in
    /// <https://login.microsoftonline.com/common/discovery/instance>.
    logins: &'static [&'static str],
    management: &'static str,
    /// The management API before Resource Manager: Resource Manager takes its tokens too.
    classic_management: &'static str,
    vault_suffix: &'static str,
    storage_suffix: &'static str,
    /// Graph, and the one before it.
    graphs: [&'static str; 2],
    /// Further services whose tokens are given: Storage, Data Lake Store.
    resources: &'static [&'static str],
}

static PUBLIC: Known = Known {
    logins: &[
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ],
    management: "management.azure.com",
    classic_management: "management.core.windows.net",
    vault_suffix: "vault.azure.net",
    storage_suffix: "core.windows.net",
    graphs: ["graph.microsoft.com", "graph.windows.net"],
    resources: &["storage.azure.com", "datalake.azure.net"],
};

static US_GOVERNMENT: Known = Known {
    logins: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    management: "management.usgovcloudapi.net",
    classic_management: "management.core.usgovcloudapi.net",
    vault_suffix: "vault.usgovcloudapi.net",
    storage_suffix: "core.usgovcloudapi.net",
    graphs: ["graph.microsoft.us", "graph.microsoftazure.us"],
    resources: &["storage.azure.com"],
};

static CHINA: Known = Known {
    logins: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    management: "management.chinacloudapi.cn",
    classic_management: "management.core.chinacloudapi.cn",
    vault_suffix: "vault.azure.cn",
    storage_suffix: "core.chinacloudapi.cn",
    graphs: ["microsoftgraph.chinacloudapi.cn", "graph.chinacloudapi.cn"],
    resources: &["storage.azure.com"],
};

/// Whose names the hosts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NameSet {
    /// Names of its own: `login.<suffix>`, `management.<suffix>`, `<vault>.vault.<suffix>`.
    #[default]
    Own,
    /// Those of the public cloud: `login.microsoftonline.com`, `management.azure.com`, `<vault>.vault.azure.net`.
    Public,
    /// Those of Azure US Government: `login.microsoftonline.us`, `<vault>.vault.usgovcloudapi.net`.
    UsGovernment,
    /// Those of Azure in China: `login.partner.microsoftonline.cn`, `<vault>.vault.azure.cn`.
    China,
}

impl NameSet {
    /// A cloud of Microsoft's, or none for names of its own.
    fn known(self) -> Option<&'static Known> {
        match self {
            Self::Own => None,
            Self::Public => Some(&PUBLIC),
            Self::UsGovernment => Some(&US_GOVERNMENT),
            Self::China => Some(&CHINA),
        }
    }
}

/// The names that the simulator answers to.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// `https`, or `http` when TLS is off.
    pub(crate) scheme: &'static str,
    /// What all names end in that are not of a cloud of Microsoft's.
    pub(crate) suffix: String,
    pub(crate) set: NameSet,
}

impl Names {
    /// A name of Microsoft's, or one below the suffix.
    fn name(&self, own: &str, of: impl Fn(&'static Known) -> &'static str) -> String {
        self.set.known().map_or_else(
            || format!("{own}.{}", self.suffix),
            |known| of(known).to_owned(),
        )
    }

    pub(crate) fn login(&self) -> String {
        self.name("login", |known| known.logins[0])
    }

    /// Every name of the sign-in, [`Self::login`] first.
    pub(crate) fn logins(&self) -> Vec<String> {
        let known = self.set.known();
        known.map_or_else(
            || vec![self.login()],
            |known| known.logins.iter().map(|&name| name.to_owned()).collect(),
        )
    }

    pub(crate) fn management(&self) -> String {
        self.name("management", |known| known.management)
    }

    pub(crate) fn vault_suffix(&self) -> String {
        self.name("vault", |known| known.vault_suffix)
    }

    /// Audience of vault tokens. It names a resource, not a server: `https` also when TLS is off.
    pub(crate) fn vault_audience(&self) -> String {
        format!("https://{}", self.vault_suffix())
    }

    /// Audience of tokens for the directory.
    pub(crate) fn graph(&self) -> String {
        format!("https://{}", self.name("graph", |known| known.graphs[0]))
    }

    /// What follows the name of a Data Lake Store (Gen1) and a dot.
    pub(crate) fn lake_store_suffix(&self) -> String {
        self.name("azuredatalakestore", |_| "azuredatalakestore.net")
    }

    /// Audience of tokens for Data Lake Stores (Gen1), without the slash that clients write at its end.
    pub(crate) fn lake_store_audience(&self) -> String {
        format!(
            "https://{}",
            self.name("datalake", |_| "datalake.azure.net")
        )
    }

    /// Audience of tokens for the files of all storage accounts.
    pub(crate) fn storage_audience(&self) -> String {
        format!("https://{}", self.name("storage", |_| "storage.azure.com"))
    }

    /// Those that accounts take: that, and the one that is the same in all clouds of Microsoft's.
    pub(crate) fn storage_audiences(&self) -> [String; 2] {
        [self.storage_audience(), format!("https://{STORAGE}")]
    }

    /// Audiences that Data Lake Stores (Gen1) take.
    pub(crate) fn lake_store_audiences(&self) -> [String; 2] {
        [self.lake_store_audience(), format!("https://{LAKE_STORE}")]
    }

    /// What `/metadata/endpoints` calls the storage suffix; an account's host has its name and service before it.
    pub(crate) fn storage_suffix(&self) -> String {
        self.name("storage", |known| known.storage_suffix)
    }

    /// Audiences that the resource manager takes.
    pub(crate) fn management_audiences(&self) -> Vec<String> {
        let classic = self.set.known().map(|known| known.classic_management);
        [self.management()]
            .into_iter()
            .chain(classic.map(str::to_owned))
            .map(|host| format!("https://{host}"))
            .collect()
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
        let of_set = match self.set.known() {
            None => {
                let own = ["storage", "datalake", "graph"];
                host == STORAGE
                    || host == LAKE_STORE
                    || own
                        .iter()
                        .any(|service| host == format!("{service}.{}", self.suffix))
            }
            Some(known) => {
                let mut names = known.graphs.iter().chain(known.resources);
                host == known.classic_management || names.any(|name| *name == host)
            }
        };
        let of_account = matches!(self.target(&host), Target::Storage(..));
        of_set || of_account || host == self.vault_suffix() || host == self.management()
    }

    /// The service behind a lower-case host name.
    pub(crate) fn target(&self, host: &str) -> Target {
        if self.logins().iter().any(|login| login == host) {
            return Target::Login;
        }
        if host == self.management() {
            return Target::Management;
        }
        let below = |suffix: &str| {
            host.strip_suffix(suffix)
                .and_then(|rest| rest.strip_suffix('.'))
        };
        let label = |name: &&str| !name.is_empty() && !name.contains('.');
        if let Some(vault) = below(&self.vault_suffix()).filter(label) {
            return Target::Vault(vault.to_owned());
        }
        if let Some(store) = below(&self.lake_store_suffix()).filter(label) {
            return Target::LakeStore(store.to_owned());
        }
        let services = [StorageService::Blob, StorageService::Dfs];
        below(&self.storage_suffix())
            .and_then(|rest| rest.split_once('.'))
            .filter(|(account, _)| label(account))
            .and_then(|(account, given)| {
                let service = services.into_iter().find(|one| one.label() == given)?;
                Some(Target::Storage(account.to_owned(), service))
            })
            .unwrap_or(Target::Unknown)
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
    fn accounts_have_a_host_for_each_service() {
        let own = names(NameSet::Own);
        let storage = |host: &str| own.target(host);
        assert_eq!(
            storage("a.dfs.storage.sim.test"),
            Target::Storage("a".into(), StorageService::Dfs)
        );
        assert_eq!(
            names(NameSet::Public).target("a.blob.core.windows.net"),
            Target::Storage("a".into(), StorageService::Blob)
        );
        assert_eq!(
            storage("a.azuredatalakestore.sim.test"),
            Target::LakeStore("a".into())
        );
        for host in [
            "a.queue.storage.sim.test",
            ".dfs.storage.sim.test",
            "a.b.dfs.storage.sim.test",
        ] {
            assert_eq!(storage(host), Target::Unknown, "{host}");
        }
    }

    #[test]
    fn the_public_clouds_hosts_take_the_place_of_its_own() {
        let public = names(NameSet::Public);
        for login in PUBLIC.logins {
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
    fn the_other_clouds_have_names_of_their_own() {
        for (set, login, vault) in [
            (
                NameSet::UsGovernment,
                "login.microsoftonline.us",
                "kv.vault.usgovcloudapi.net",
            ),
            (
                NameSet::China,
                "login.partner.microsoftonline.cn",
                "kv.vault.azure.cn",
            ),
        ] {
            let names = names(set);
            assert_eq!(names.target(login), Target::Login, "{login}");
            assert_eq!(names.target(vault), Target::Vault("kv".into()));
            assert_eq!(
                names.target("login.microsoftonline.com"),
                Target::Unknown,
                "{set:?}"
            );
            assert!(names.is_resource(&names.vault_audience()));
            assert!(!names.is_resource("https://vault.azure.net"));
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
            "https://a.dfs.core.windows.net",
            "https://vault.azure.net",
        ] {
            assert!(public.is_resource(resource), "{resource}");
            assert!(!own.is_resource(resource), "{resource}");
        }
        assert!(!public.is_resource("http://vault.azure.net"));
        for resource in ["https://storage.azure.com", "https://datalake.azure.net/"] {
            assert!(
                own.is_resource(resource) && public.is_resource(resource),
                "{resource}"
            );
        }
    }
}
