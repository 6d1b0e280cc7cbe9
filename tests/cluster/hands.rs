//! What the tests of ownership and life do with their hands: edit, delete, look, count.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::reflector::Lookup;
use kube::{Api, Resource};
use lakevault::vault_secret_sync::target::Record;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testbed::audit::Entry;
use testbed::poll::seen;
use testbed::until;

use crate::kit::{Kit, SOON};

/// The user that the operator is.
pub const OPERATOR: &str = "system:serviceaccount:lakevault-system:lakevault";

impl Kit {
    pub async fn secret(&self, name: &str) -> Result<Secret> {
        let found = self.secrets().get(name).await;
        found.with_context(|| format!("Secret {name}"))
    }

    /// A Secret that the operator has nothing to do with.
    pub async fn make_secret(&self, name: &str, data: Value, annotations: Value) -> Result<Secret> {
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": data,
            "metadata": {"name": name, "namespace": self.namespace, "annotations": annotations}
        }))
        .await?;
        self.secret(name).await
    }

    /// Changes a sync as a user with `kubectl edit` would.
    pub async fn edit(&self, name: &str, patch: Value) -> Result<()> {
        self.syncs()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Deletes a sync and waits until it is gone.
    pub async fn remove(&self, name: &str) -> Result<()> {
        self.syncs().delete(name, &DeleteParams::default()).await?;
        self.is_gone(self.syncs(), name).await
    }

    pub async fn is_gone<K>(&self, api: Api<K>, name: &str) -> Result<()>
    where
        K: Resource + Lookup + Clone + DeserializeOwned + std::fmt::Debug,
    {
        until(SOON, &format!("{name} is gone"), async || {
            match api.get_opt(name).await.map_err(seen)? {
                None => Ok(()),
                Some(there) => Err(format!("{:?}", there.meta())),
            }
        })
        .await
    }

    /// Waits until a Secret's metadata fits.
    pub async fn secret_when(
        &self,
        name: &str,
        what: &str,
        fits: impl Fn(&Secret) -> bool,
    ) -> Result<Secret> {
        until(SOON, &format!("Secret {name}: {what}"), async || {
            let secret = self.secrets().get(name).await.map_err(seen)?;
            if fits(&secret) {
                Ok(secret)
            } else {
                Err(format!("{:?}", secret.metadata))
            }
        })
        .await
    }

    /// How often this test's vault was asked for a secret so far.
    pub async fn asked(&self) -> Result<usize> {
        let all = self.admin().journal_of(&self.vault).await?;
        let looks = all
            .iter()
            .filter(|entry| ["GetSecret", "ListSecrets"].contains(&entry.operation.as_str()));
        Ok(looks.count())
    }

    /// Looks until the times of all objects are recorded: what is read within two seconds of its update is read and recorded once
    /// more. From then on a look without news costs a list and no write.
    pub async fn settled(&self, sync: &str, secret: &str) -> Result<()> {
        let annotation = format!("sync.lakevault.dev/{sync}");
        until(SOON, &format!("{secret} has settled"), async || {
            self.look(sync).await.map_err(seen)?;
            let written = self.secrets().get(secret).await.map_err(seen)?;
            let annotations = written.metadata.annotations.unwrap_or_default();
            let record = annotations.get(&annotation).cloned().unwrap_or_default();
            let parsed: Record = serde_json::from_str(&record).map_err(seen)?;
            let timed = |line: &String| line.starts_with("template:") || line.contains('@');
            let mut lines = parsed.keys.values().chain(parsed.values.values());
            if lines.all(timed) {
                Ok(())
            } else {
                Err(record)
            }
        })
        .await
    }

    /// How often a value was read from this test's vault so far.
    pub async fn read(&self) -> Result<usize> {
        let all = self.admin().journal_of(&self.vault).await?;
        let read = all.iter().filter(|entry| entry.operation == "GetSecret");
        Ok(read.count())
    }

    /// Waits until the vault was asked for a secret this often in all.
    pub async fn asked_at_least(&self, times: usize) -> Result<()> {
        // Intervals of ten seconds are waited for.
        until(2 * SOON, &format!("{times} requests"), async || {
            let asked = self.asked().await.map_err(seen)?;
            if asked >= times {
                Ok(())
            } else {
                Err(format!("{asked}"))
            }
        })
        .await
    }

    /// Shows that what came before has been seen: events come in order, and this one's effect is there when it returns.
    pub async fn marker(&self) -> Result<()> {
        if self.secrets().get_opt("marker").await?.is_none() {
            let vault = format!("{}-marker", self.vault);
            self.make_vault(&vault).await?;
            self.admin().put_secret(&vault, "m", "marked").await?;
            let uri = self.endpoints().vault_url(&vault);
            let mut sync = self.sync("marker", &[("M", "m")], |_| ());
            sync["spec"]["vaultUri"] = uri.into();
            self.apply(sync).await?;
            self.is_synced("marker").await?;
        }
        self.damage("marker", json!({"stringData": {"M": "damaged"}}))
            .await?;
        self.holds("marker", &[("M", "marked")]).await?;
        self.look("marker").await.map(|_| ())
    }

    /// What the operator asked of the API server in this test's namespace, in order.
    pub fn audited(&self, resource: &str) -> Result<Vec<Entry>> {
        let mut entries = self.world.control_plane.audit()?;
        entries.retain(|entry| {
            entry.user == OPERATOR
                && entry.namespace == self.namespace
                && entry.resource == resource
        });
        Ok(entries)
    }

    /// The Events about an object, as `reason type`, oldest first.
    pub async fn events(&self, name: &str) -> Result<Vec<String>> {
        use k8s_openapi::api::events::v1::Event;
        let events: Api<Event> = Api::namespaced(self.client(), &self.namespace);
        let mut events = events.list(&ListParams::default()).await?.items;
        events.retain(|event| {
            let about = event.regarding.as_ref();
            about.and_then(|about| about.name.as_deref()) == Some(name)
        });
        events.sort_by_key(|event| event.event_time.clone().map(|time| time.0));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Ok(events
            .iter()
            .map(|event| format!("{} {}", text(&event.reason), text(&event.type_)))
            .collect())
    }
}

pub fn owners(secret: &Secret) -> &[OwnerReference] {
    secret
        .metadata
        .owner_references
        .as_deref()
        .unwrap_or_default()
}

pub fn version(secret: &Secret) -> &str {
    secret
        .metadata
        .resource_version
        .as_deref()
        .unwrap_or_default()
}

/// The labels or annotations that are not the operator's own.
pub fn plain(map: Option<&BTreeMap<String, String>>) -> BTreeMap<&str, &str> {
    map.into_iter()
        .flatten()
        .filter(|(name, _)| !name.contains("lakevault.dev/"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The same object to the last byte, times and managers included.
pub fn untouched(before: &Secret, after: &Secret) -> Result<()> {
    ensure!(
        before == after,
        "it was changed: {:?} became {:?}",
        before.metadata,
        after.metadata
    );
    Ok(())
}

/// How a program ended, and all that it printed.
pub fn told(output: &std::process::Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{:?} {} {}",
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr)
    )
}
