//! The pages' own YAML, and the vaults, the identity and the namespace that it speaks of, made for one test.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::binaries;

use crate::kit::{Kit, TENANT};
use crate::lane::client_secret;

/// The page on syncs.
pub const SYNCS: &str = "docs/vaultsecretsync.md";
/// The page on sources of many keys.
pub const SOURCES: &str = "docs/sources.md";

/// The page on templates.
pub const TEMPLATES: &str = "docs/templates.md";

/// Vault `kv-payments` is the test's own, `kv-shared` is another one; AzureIdentity `payments` may read and write both.
pub struct Stage {
    pub kit: Kit,
    pub shared: Kit,
}

impl Stage {
    pub async fn set(kit: Kit) -> Result<Self> {
        let shared = Kit {
            vault: format!("{}-shared", kit.vault),
            ..kit.clone()
        };
        shared.make_vault(&shared.vault).await?;
        for vault in [&kit.vault, &shared.vault] {
            may(
                &kit,
                vault,
                &["Secrets Officer", "Certificate User", "Crypto User"],
            )
            .await?;
        }
        kit.make_credential("sp", &kit.client_secret).await?;
        kit.apply(kit.identity("payments", client_secret("sp")))
            .await?;
        Ok(Self { kit, shared })
    }

    /// The first YAML below a heading of a page, with this test's vaults and namespace in it.
    pub fn example(&self, page: &str, heading: &str) -> Result<Value> {
        let url = |kit: &Kit| kit.endpoints().vault_url(&kit.vault);
        let text = yaml(page, heading)?
            .replace("https://kv-payments.vault.azure.net", &url(&self.kit))
            .replace("https://kv-shared.vault.azure.net", &url(&self.shared));
        let mut example: Value = serde_saphyr::from_str(&text)?;
        if example["kind"].is_string() {
            example["metadata"]["namespace"] = json!(self.kit.namespace);
        }
        Ok(example)
    }

    /// A sync with the `dataFrom` that a page shows below a heading, and with changes of the spec.
    pub fn sources(
        &self,
        heading: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value> {
        let shown = self.example(SOURCES, heading)?;
        ensure!(shown["dataFrom"].is_array(), "no dataFrom: {shown}");
        let sync = self.kit.sync(name, &[], |spec| {
            spec["identityRef"] = json!({"name": "payments"});
            spec["dataFrom"] = shown["dataFrom"].clone();
            spec.as_object_mut().unwrap().remove("data");
            change(spec);
        });
        Ok(sync)
    }

    /// The application that the page's token is for.
    pub async fn make_application(&self) -> Result<()> {
        let id = "44444444-4444-4444-4444-444444444444";
        let application = json!({"clientId": id, "name": "of-the-page"});
        self.kit
            .admin()
            .put_application(TENANT, id, &application)
            .await
    }
}

/// What the test's application may do in a vault, by roles without `Key Vault`.
pub async fn may(kit: &Kit, vault: &str, roles: &[&str]) -> Result<()> {
    let assignment =
        |role: &&str| json!({"principalId": kit.object_id, "role": format!("Key Vault {role}")});
    let roles: Vec<Value> = roles.iter().map(assignment).collect();
    let change = json!({ "roleAssignments": roles });
    kit.admin().patch_vault(vault, &change).await
}

/// The first block of YAML below a heading.
fn yaml(page: &str, heading: &str) -> Result<String> {
    // The first heading of a page has no line before it.
    let text = "\n".to_owned() + &std::fs::read_to_string(binaries::repository().join(page))?;
    let (_, below) = text
        .split_once(&format!("\n{heading}\n"))
        .with_context(|| format!("{page} has no {heading:?}"))?;
    let block = below
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("\n```").next());
    block
        .map(str::to_owned)
        .with_context(|| format!("{page}: no YAML below {heading:?}"))
}

/// The data of a Secret as bytes.
pub async fn bytes(kit: &Kit, name: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let data = kit.secret(name).await?.data.unwrap_or_default();
    Ok(data
        .into_iter()
        .map(|(key, value)| (key, value.0))
        .collect())
}

/// A certificate below an intermediate and a root, whose file has them in an order that no server may send.
pub fn certificate(name: &str) -> Value {
    let issuers = json!({
        "root": "CN=Root of the pages", "intermediates": ["CN=Intermediate of the pages"], "keyType": "EC-P256"
    });
    json!({
        "name": name, "dnsNames": [format!("{name}.example.org")], "keyType": "EC-P256",
        "contentType": "application/x-pem-file", "issuedBy": issuers, "order": "shuffled"
    })
}
