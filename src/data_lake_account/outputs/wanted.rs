//! What a spec wants written to Kubernetes, parsed. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::azure::lake::{FilesystemName, LakePath};
use crate::data_lake_account::api::{OutputsSpec, SasKind, SasOutputSpec};
use crate::names::{ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Keys of a Secret with the account's key.
pub const KEYS: [&str; 3] = ["accountName", "accountKey", "connectionString"];
/// For how long a signature is valid where the spec does not say.
const LIFETIME: Duration = Duration::from_hours(24);
/// What a signature permits where the spec does not say.
const PERMISSIONS: &str = "rl";
/// All permissions, in the order in which Azure wants them said.
const ORDER: &str = "racwdlmeop";

/// What is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The ConfigMap.
    pub config_map: Option<ResourceName>,
    /// Secrets, with all that is in each. A Secret is written as a whole.
    pub secrets: BTreeMap<ResourceName, Sheet>,
    /// After what time the other key is made anew and taken into use.
    pub rotate_after: Option<Duration>,
}

/// What is in one Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Whether the account's key is.
    pub keys: bool,
    /// Signatures, by their keys.
    pub sas: BTreeMap<String, Sas>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sas {
    /// What it is made with.
    pub kind: SasKind,
    /// The filesystem that it is for.
    pub filesystem: FilesystemName,
    /// The directory in it.
    pub directory: LakePath,
    /// What it permits, in Azure's order.
    pub permissions: String,
    /// For how long it is valid.
    pub lifetime: Duration,
}

impl Wanted {
    /// Reads a spec.
    pub fn parse(spec: Option<&OutputsSpec>) -> Result<Self, Problem> {
        let Some(spec) = spec else {
            return Ok(Self::default());
        };
        let mut secrets: BTreeMap<ResourceName, Sheet> = BTreeMap::new();
        if let Some(keys) = &spec.keys {
            let name = name("keys.secret", &keys.secret)?;
            secrets.entry(name).or_default().keys = true;
        }
        for (at, sas) in spec.sas.iter().enumerate() {
            let field = |what: &str| format!("sas[{at}].{what}");
            let sheet = secrets
                .entry(name(&field("secret"), &sas.secret)?)
                .or_default();
            let key = sas.key.as_deref().unwrap_or("sas");
            let parsed: Result<SecretKey, _> = key.parse();
            parsed.map_err(|error| invalid(&field("key"), &error.to_string()))?;
            let taken = sheet.keys && KEYS.contains(&key) || sheet.sas.contains_key(key);
            if taken {
                let why = format!("{key} of Secret {} has something else already", sas.secret);
                return Err(invalid(&field("key"), &why));
            }
            sheet.sas.insert(key.to_owned(), Sas::parse(at, sas)?);
        }
        let config_map = spec.config_map.as_deref();
        let rotate_after = spec.keys.as_ref().and_then(|keys| keys.rotate_after);
        Ok(Self {
            config_map: config_map.map(|map| name("configMap", map)).transpose()?,
            secrets,
            rotate_after: rotate_after.map(Into::into),
        })
    }

    /// The Secret with the account's key.
    pub fn keys(&self) -> Option<(&ResourceName, &Sheet)> {
        self.secrets.iter().find(|(_, sheet)| sheet.keys)
    }

    /// Whether anything is made of the account's key.
    pub fn needs_key(&self) -> bool {
        self.secrets.values().any(Sheet::needs_key)
    }
}

impl Sheet {
    /// Whether anything in it is made of the account's key.
    pub fn needs_key(&self) -> bool {
        self.keys || self.has(SasKind::Service)
    }

    /// Whether it has a signature of this kind.
    pub fn has(&self, kind: SasKind) -> bool {
        self.sas.values().any(|sas| sas.kind == kind)
    }

    /// The keys that it has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let keys = if self.keys { KEYS.as_slice() } else { &[] };
        keys.iter()
            .copied()
            .chain(self.sas.keys().map(String::as_str))
    }
}

impl Sas {
    fn parse(at: usize, spec: &SasOutputSpec) -> Result<Self, Problem> {
        let field = |what: &str| format!("sas[{at}].{what}");
        let wrong =
            |what: &str, why: &dyn std::fmt::Display| invalid(&field(what), &why.to_string());
        let filesystem = spec.filesystem.as_deref().unwrap_or_default().parse();
        let directory = spec.directory.as_deref().unwrap_or_default().parse();
        let said = spec.permissions.as_deref().unwrap_or(PERMISSIONS);
        let lifetime = spec.lifetime.map_or(LIFETIME, Into::into);
        Ok(Self {
            kind: spec.kind,
            filesystem: filesystem.map_err(|error| wrong("filesystem", &error))?,
            directory: directory.map_err(|error| wrong("directory", &error))?,
            permissions: ORDER.chars().filter(|one| said.contains(*one)).collect(),
            lifetime,
        })
    }

    /// All of it as text, to tell one from another.
    pub fn of(&self) -> String {
        let Self {
            kind,
            filesystem,
            directory,
            permissions,
            lifetime,
        } = self;
        let seconds = lifetime.as_secs();
        let below = if directory.is_root() {
            String::new()
        } else {
            format!("/{directory}")
        };
        format!("{kind:?} {permissions} {seconds}s {filesystem}{below}")
    }

    /// What is left of its lifetime when a new one is made.
    pub fn spare(&self) -> Duration {
        self.lifetime / 3
    }
}

/// Whether a signature is by a key of the account, by its text.
pub fn is_by_account(of: &str) -> bool {
    of.starts_with("Service ")
}

fn name(field: &str, text: &str) -> Result<ResourceName, Problem> {
    let parsed: Result<ResourceName, _> = text.parse();
    parsed.map_err(|error| invalid(field, &error.to_string()))
}

fn invalid(field: &str, why: &str) -> Problem {
    let message = format!("spec.outputs.{field}: {why}");
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> OutputsSpec {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_secret_has_all_that_names_it() {
        let spec = spec(serde_json::json!({
            "keys": {"secret": "lake", "rotateAfter": "2160h"},
            "sas": [{"secret": "lake", "filesystem": "raw", "directory": "/in", "permissions": "lwr"}]
        }));
        let wanted = Wanted::parse(Some(&spec)).unwrap();
        let (name, sheet) = wanted.keys().unwrap();
        assert_eq!(name.as_str(), "lake");
        assert_eq!(
            sheet.names().collect::<Vec<_>>(),
            ["accountName", "accountKey", "connectionString", "sas"]
        );
        assert_eq!(sheet.sas["sas"].of(), "UserDelegation rwl 86400s raw/in");
        let service = Sas {
            kind: SasKind::Service,
            ..sheet.sas["sas"].clone()
        };
        assert!(is_by_account(&service.of()) && !is_by_account(&sheet.sas["sas"].of()));
    }

    #[test]
    fn a_key_has_one_value() {
        let sas = |key: &str| {
            spec(serde_json::json!({
                "keys": {"secret": "lake"},
                "sas": [{"secret": "lake", "key": key, "filesystem": "raw"}, {"secret": "lake", "filesystem": "raw"}]
            }))
        };
        assert!(Wanted::parse(Some(&sas("other"))).is_ok());
        for taken in ["accountKey", "sas"] {
            let problem = Wanted::parse(Some(&sas(taken))).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(problem.message.contains("spec.outputs.sas["), "{problem}");
        }
    }
}
