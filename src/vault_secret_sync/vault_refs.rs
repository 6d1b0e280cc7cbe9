//! Vaults that a spec names by KeyVaults: their URIs are filled in before the spec is parsed, so that nothing else knows of names.
//! Pure.
//!
//! A KeyVault that tells no URI is waited for. A URI that leads nowhere stands in for it meanwhile, and whoever would ask that
//! vault is refused with the reason why.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::azure::arm::ResourceId;
use crate::azure_resource::api::ResourceStatus;
use crate::k8s::conditions;
use crate::key_vault::api::KeyVault;
use crate::names::{ResourceName, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::VaultSecretSyncSpec;
use crate::vault_secret_sync::api::sources::KeyVaultRef;

/// Of what a KeyVault says of itself, this many characters are passed on.
const LONGEST: usize = 400;

/// What a KeyVault tells those who name it. It changes only where that matters to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where its vault is. Once told it stays, whatever the conditions say: vaults answer while their management does not.
    uri: Option<String>,
    /// Its id in Resource Manager.
    id: Option<String>,
    /// Whether it is being deleted.
    deleting: bool,
    /// What it says of itself, where it does not tell where its vault is.
    says: Option<String>,
    /// Names and versions of the secrets that it made up: whoever waits for one looks when it is there.
    made: BTreeSet<(String, String)>,
}

impl Told {
    /// Reads a KeyVault.
    pub fn of(key_vault: &KeyVault) -> Self {
        let status = key_vault.status.as_ref();
        let uri = status.and_then(|status| status.vault_uri.clone());
        let id = status.and_then(|status| status.resource.azure_id.clone());
        let says = status.and_then(|status| says(&status.resource));
        let seeds = status.into_iter().flat_map(|status| &status.secrets);
        let made = seeds.map(|seed| (seed.name.clone(), seed.version.clone()));
        Self {
            id,
            made: made.collect(),
            deleting: key_vault.metadata.deletion_timestamp.is_some(),
            says: says.filter(|_| uri.is_none()),
            uri,
        }
    }
}

/// The condition that tells best why there is nothing yet.
fn says(status: &ResourceStatus) -> Option<String> {
    let bad = |type_: &str| {
        let condition = conditions::find(&status.conditions, type_)?;
        (condition.status != "True").then_some(condition)
    };
    let text = |condition: &Condition| {
        let Condition {
            type_,
            status,
            reason,
            message,
            ..
        } = condition;
        let message: String = message.chars().take(LONGEST).collect();
        format!("{type_}={status}, {reason}: {message}")
    };
    bad("Synced").or_else(|| bad("Ready")).map(text)
}

/// The vaults that a sync names by KeyVaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Referred {
    /// Where each is, by the name of the KeyVault.
    pub vaults: BTreeMap<String, VaultUri>,
    /// Those that are waited for, by the URI that stands in, and why.
    pub waiting: BTreeMap<VaultUri, Problem>,
    /// KeyVaults that are being deleted, and whose vault is asked as long as they tell where it is.
    pub leaving: BTreeSet<String>,
    /// What KeyVaults made up, by their names.
    made: BTreeMap<String, BTreeSet<(String, String)>>,
}

impl Referred {
    /// Why a vault cannot be asked.
    pub fn why_not(&self, vault: &VaultUri) -> Option<&Problem> {
        self.waiting.get(vault)
    }

    /// All that a sync depends on, in a form that is equal where it is.
    pub fn brief(&self) -> impl std::hash::Hash + use<'_> {
        let waiting = self.waiting.values();
        let messages: Vec<&str> = waiting.map(|problem| problem.message.as_str()).collect();
        (&self.vaults, messages, &self.leaving, &self.made)
    }

    /// What is to be said although all is well.
    pub fn note(&self) -> Option<String> {
        let names: Vec<&str> = self.leaving.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| {
            format!(
                "KeyVault {} is being deleted: name another one in vaultRef, or the vault itself in vaultUri",
                names.join(", ")
            )
        })
    }
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// The KeyVaults that a spec names.
pub fn names(spec: &VaultSecretSyncSpec) -> impl Iterator<Item = &str> {
    let data = spec.data.iter().map(|entry| &entry.vault_ref);
    let from = spec.data_from.iter().map(|entry| &entry.vault_ref);
    let all = [&spec.vault_ref].into_iter().chain(data).chain(from);
    all.flatten().map(|reference| reference.name.as_str())
}

/// The spec with URIs in the place of names. `told` knows the KeyVaults of the sync's namespace.
pub fn resolve(
    spec: &VaultSecretSyncSpec,
    told: impl Fn(&str) -> Option<Told>,
) -> Result<(Cow<'_, VaultSecretSyncSpec>, Referred), Problem> {
    let mut referred = Referred::default();
    if names(spec).next().is_none() {
        return Ok((Cow::Borrowed(spec), referred));
    }
    let mut spec = spec.clone();
    let mut fill = |at: &str, uri: &mut Option<String>, reference: &mut Option<KeyVaultRef>| {
        let Some(KeyVaultRef { name }) = reference.take() else {
            return Ok(());
        };
        if uri.is_some() {
            return Err(invalid(format!(
                "{at}.vaultRef: at most one of vaultUri and vaultRef may be set"
            )));
        }
        let parsed = name.parse();
        let parsed = parsed.map_err(|error| invalid(format!("{at}.vaultRef.name: {error}")))?;
        let told = told(&name);
        let vault = locate(&parsed, told.as_ref()).unwrap_or_else(|problem| {
            let stand_in = VaultUri::stand_in(&parsed);
            referred.waiting.insert(stand_in.clone(), problem);
            stand_in
        });
        *uri = Some(vault.origin().to_owned());
        let is_there = !referred.waiting.contains_key(&vault);
        if let Some(told) = told.filter(|_| is_there) {
            if told.deleting {
                referred.leaving.insert(name.clone());
            }
            referred.made.insert(name.clone(), told.made);
        }
        referred.vaults.insert(name, vault);
        Ok(())
    };
    fill("spec", &mut spec.vault_uri, &mut spec.vault_ref)?;
    for (place, entry) in spec.data.iter_mut().enumerate() {
        let at = format!("spec.data[{place}]");
        fill(&at, &mut entry.vault_uri, &mut entry.vault_ref)?;
    }
    for (place, entry) in spec.data_from.iter_mut().enumerate() {
        let at = format!("spec.dataFrom[{place}]");
        fill(&at, &mut entry.vault_uri, &mut entry.vault_ref)?;
    }
    Ok((Cow::Owned(spec), referred))
}

/// Where a KeyVault's vault is; or what is waited for.
fn locate(name: &ResourceName, told: Option<&Told>) -> Result<VaultUri, Problem> {
    address(name, told).map_err(|why| {
        let message = format!("{why}; what was synced before stays");
        Problem::new(Reason::WaitingForVault, Retry::OnChange, message)
    })
}

/// Where a KeyVault's vault is; or why that is not known.
pub fn address(name: &ResourceName, told: Option<&Told>) -> Result<VaultUri, String> {
    let look = format!("see kubectl describe keyvault {name}");
    let Some(told) = told else {
        return Err(format!(
            "there is no KeyVault {name} in this namespace, which vaultRef names: apply it, or name the vault itself in vaultUri (kubectl get keyvaults tells which there are)"
        ));
    };
    match (&told.uri, &told.says) {
        (Some(uri), _) => uri.parse().map_err(|error| {
            format!(
                "KeyVault {name} does not tell where its vault is: its status.vaultUri {error}; {look}"
            )
        }),
        (None, _) if told.deleting => Err(format!(
            "KeyVault {name} is being deleted, and does not tell any more where its vault is: name another one in vaultRef, or the vault itself in vaultUri; {look}"
        )),
        (None, Some(says)) => Err(format!(
            "KeyVault {name} does not tell yet where its vault is ({says}); {look}"
        )),
        (None, None) => Err(format!(
            "KeyVault {name} does not tell yet where its vault is; {look}"
        )),
    }
}

/// Which vault a KeyVault stands for, by its id in Resource Manager; or why that is not known.
pub fn resource_id(name: &ResourceName, told: Option<&Told>) -> Result<ResourceId, String> {
    // One that does not tell where its vault is says why.
    address(name, told)?;
    let id = told.and_then(|told| told.id.as_deref()).unwrap_or_default();
    id.parse().map_err(|error| {
        format!(
            "KeyVault {name} does not tell which vault it stands for: its status.azureId {error}; see kubectl describe keyvault {name}"
        )
    })
}

#[cfg(test)]
#[path = "vault_refs_tests.rs"]
mod tests;
