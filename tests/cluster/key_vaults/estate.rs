//! A subscription of a test's own, and KeyVaults in it.

use anyhow::{Context, Result};
use lakevault::key_vault::api::KeyVault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::estate::Declared;
pub use crate::estate::{GROUP, asked, condition, holds, is, release};
use crate::kit::{Kit, TENANT};

/// A subscription, and a KeyVault in it.
pub type Estate = crate::estate::Estate<KeyVault>;

impl Declared for KeyVault {
    const PATH: &'static str = "/vaults";
    const NAMES: [&'static str; 2] = ["vaults", "vault"];
    const ROLES: &'static [&'static str] = &["Key Vault Secrets Officer"];

    fn named(kit: &Kit, word: &str) -> String {
        format!("{}-{word}", kit.vault)
    }
}

impl Estate {
    /// The KeyVault, with changes of its spec.
    pub fn vault(&self, change: impl FnOnce(&mut Value)) -> Value {
        self.manifest(change)
    }

    pub async fn is_soft_deleted(&self) -> Result<bool> {
        let admin = self.kit.admin();
        let all: Value = admin.call(Method::GET, "/deletedvaults", None).await?;
        let names = all["deletedVaults"].as_array().context("deletedVaults")?;
        Ok(names.iter().any(|name| name.as_str() == Some(&self.name)))
    }

    /// A vault of the same name that is nobody's, with changes.
    pub async fn make_in_azure(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut vault = json!({
            "name": self.name, "tenantId": TENANT, "subscriptionId": self.subscription,
            "resourceGroup": GROUP, "location": "westeurope", "authorization": "RBAC",
        });
        change(&mut vault);
        self.kit.admin().put_vault(&self.name, &vault).await
    }

    /// A deleted vault of the name, with changes of what it was.
    pub async fn make_deleted(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        self.make_in_azure(change).await?;
        let path = format!("/vaults/{}?soft=true", self.name);
        let admin = self.kit.admin();
        admin.call::<Value>(Method::DELETE, &path, None).await?;
        Ok(())
    }
}
