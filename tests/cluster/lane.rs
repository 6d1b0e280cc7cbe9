//! The stage of the identity tests: a tenant of one's own, so that faults of Entra meet nobody else.

use anyhow::{Result, ensure};
use jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams};
use lakevault::azure_identity::api::AzureIdentity;
use serde_json::{Value, json};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule, until};

use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::scene::requests;

/// Sync `app` (key `K` of secret `s`) uses identity `main`; sync `beside` (key `B` of secret `b`) uses identity `other`, which
/// is of the same application but has a credential of its own.
pub struct Lane {
    pub kit: Kit,
    pub tenant: String,
    /// What `K` holds.
    held: String,
    /// What the vault has.
    newest: String,
}

impl Lane {
    /// Tenant, application and vault; identity `other` with its sync. Neither `main` nor `app` yet.
    pub async fn make(kit: Kit) -> Result<Self> {
        let tenant = uuid::Uuid::new_v4().to_string();
        let seed = json!({"tenants": [{"id": tenant, "name": format!("{}.example", kit.namespace), "applications": []}]});
        kit.admin().seed(&seed).await?;
        let mut lane = Self {
            kit,
            tenant,
            held: String::new(),
            newest: String::new(),
        };
        let secret = json!({"value": lane.kit.client_secret});
        lane.application(json!({"secrets": [secret, {"value": OTHER}]}))
            .await?;
        let patch = json!({"tenantId": lane.tenant});
        lane.kit
            .admin()
            .patch_vault(&lane.kit.vault, &patch)
            .await?;
        lane.rotate().await?;
        lane.kit.make_credential("sp-other", OTHER).await?;
        lane.kit
            .apply(lane.identity("other", client_secret("sp-other")))
            .await?;
        lane.kit.plant("b", "0").await?;
        let beside = lane.kit.sync("beside", &[("B", "b")], |spec| {
            spec["identityRef"]["name"] = json!("other");
        });
        lane.kit.apply(beside).await?;
        lane.kit.is_synced("beside").await?;
        Ok(lane)
    }

    /// As [`Self::make`], with identity `main` by client secret (Secret `sp`), and `app` synced.
    pub async fn set(kit: Kit) -> Result<Self> {
        let mut lane = Self::make(kit).await?;
        lane.kit
            .make_credential("sp", &lane.kit.client_secret)
            .await?;
        lane.start(client_secret("sp")).await?;
        Ok(lane)
    }

    /// Identity `main` with this credential, and `app` synced by it.
    pub async fn start(&mut self, credential: Value) -> Result<()> {
        self.kit.apply(self.identity("main", credential)).await?;
        self.kit.apply(self.app()).await?;
        self.works_at_once().await
    }

    /// Changes the application. What is not named stays away: `secrets`, `federatedCredentials`.
    pub async fn application(&self, change: Value) -> Result<()> {
        let mut body = json!({"clientId": self.kit.client_id, "objectId": self.kit.object_id});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let (tenant, client) = (&self.tenant, &self.kit.client_id);
        self.kit
            .admin()
            .put_application(tenant, client, &body)
            .await
    }

    pub fn identity(&self, name: &str, credential: Value) -> Value {
        let mut identity = self.kit.identity(name, credential);
        identity["spec"]["tenantId"] = json!(self.tenant);
        identity
    }

    pub fn app(&self) -> Value {
        self.kit.sync("app", &[("K", "s")], |_| ())
    }

    pub fn identities(&self) -> Api<AzureIdentity> {
        Api::namespaced(self.kit.client(), &self.kit.namespace)
    }

    /// Changes identity `main`.
    pub async fn patch_identity(&self, patch: Value) -> Result<()> {
        let params = PatchParams::default();
        self.identities()
            .patch("main", &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Makes the operator take the credential for a new one, so that it asks for a token.
    pub async fn touch_credential(&self) -> Result<()> {
        let word = uuid::Uuid::new_v4().to_string();
        self.kit
            .damage("sp", json!({"metadata": {"labels": {"touched": word}}}))
            .await
    }

    /// A fault of this tenant's token endpoint.
    pub async fn fault(&self, fault: Fault) -> Result<Value> {
        let login = self.kit.endpoints().authority_host.clone();
        let login = login.trim_start_matches("https://");
        let rule = FaultRule::new(login, fault).on_path(&format!("^/{}/", self.tenant));
        self.kit.admin().add_fault(&rule).await
    }

    /// The token requests of this tenant.
    pub async fn token_requests(&self) -> Result<Vec<JournalEntry>> {
        let mut entries = requests(&self.kit, "login", "GetToken").await?;
        entries.retain(|entry| entry.path.contains(&self.tenant));
        Ok(entries)
    }

    /// A new version of `s`, which `app` cannot read while its identity is in trouble.
    pub async fn rotate(&mut self) -> Result<()> {
        (self.newest, _) = self.kit.plant("s", &Timestamp::now().to_string()).await?;
        Ok(())
    }

    /// Waits until identity `main` says this in its condition Ready. Gives back the message.
    pub async fn identity_says(&self, status: &str, reason: &str) -> Result<String> {
        self.main_says("Ready", status, reason).await
    }

    /// The same for any of its conditions.
    pub async fn main_says(&self, type_: &str, status: &str, reason: &str) -> Result<String> {
        let what = format!("identity main: {type_} is {status} for {reason}");
        until(SOON, &what, async || {
            let identity = self.identities().get("main").await;
            let seen = identity
                .map_err(|e| e.to_string())?
                .status
                .unwrap_or_default();
            let found = seen.conditions.iter().find(|c| c.type_ == type_);
            match found {
                Some(c) if c.status == status && c.reason == reason => Ok(c.message.clone()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// Sync `app` fails for `reason` and keeps its value; the sync of the other identity goes on.
    pub async fn fails(&mut self, reason: &str, words: &[&str]) -> Result<()> {
        self.rotate().await?;
        let message = self.kit.says("app", "Synced", "False", reason).await?;
        teaches(&message, words)?;
        if !self.held.is_empty() {
            self.kit
                .says("app", "Ready", "True", "AllKeysPresent")
                .await?;
            self.kit.holds("app", &[("K", &self.held)]).await?;
        }
        let (value, _) = self.kit.plant("b", &Timestamp::now().to_string()).await?;
        self.kit.look("beside").await?;
        self.kit.is_synced("beside").await?;
        self.kit.holds("beside", &[("B", &value)]).await
    }

    /// What the vault has now arrives, though nobody asks for a look.
    pub async fn works_at_once(&mut self) -> Result<()> {
        self.held.clone_from(&self.newest);
        self.kit.holds("app", &[("K", &self.held)]).await?;
        self.kit.is_synced("app").await
    }

    /// As [`Self::works_at_once`], after a look is asked for: the mend was made where no watch sees it.
    pub async fn works_after_a_look(&mut self) -> Result<()> {
        self.kit.sync_now("app").await?;
        self.works_at_once().await
    }

    /// `app` still holds what it held.
    pub async fn is_left_alone(&self) -> Result<()> {
        let data = self.kit.data("app").await?;
        ensure!(data.get("K") == Some(&self.held), "the value changed");
        Ok(())
    }
}

/// The client secret of identity `other`.
pub const OTHER: &str = "planted-value-of-the-other-identity";

pub fn client_secret(name: &str) -> Value {
    json!({"clientSecret": {"name": name, "key": "secret"}})
}

pub fn workload_identity() -> Value {
    json!({"workloadIdentity": {"serviceAccountName": "app"}})
}

/// A value that must not be found anywhere, and that Entra does not know.
pub fn unknown_to_entra() -> String {
    format!("{PLANTED}unknown-to-entra")
}
