//! Clouds that are not known by name: Azure Stack Hub by its Resource Manager alone, and endpoints given by hand.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lakevault::azure_identity::api::{AzureIdentityStatus, CloudStatus};
use lakevault::vault_secret_sync::api::VaultSecretSyncStatus;
use serde_json::{Value, json};
use testbed::poll::{expect, seen};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule, binaries, until};

use crate::kit::{Kit, SOON, condition, teaches};
use crate::lane::{Lane, client_secret};
use crate::scene::looks;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        stack_with_entra,
        stack_with_adfs_and_a_certificate,
        stack_that_serves_the_old_form_only,
        stack_whose_vault_names_its_own_audience,
        stack_whose_vault_is_pushed_to,
        stack_that_is_none,
        endpoints_by_hand_with_ports_and_v1,
        roots_that_are_missing,
    ]
}

/// A region of Azure Stack Hub with a tenant, an application and a vault of its own.
struct Stack {
    lane: Lane,
    /// `<region>.azurestack.<suffix>`.
    domain: String,
    /// What the vault holds.
    value: String,
}

impl Stack {
    async fn make(kit: Kit, provider: &str) -> Result<Self> {
        let lane = Lane::make(kit).await?;
        let (region, vault) = (lane.kit.vault.clone(), format!("{}-stack", lane.kit.vault));
        let policy = json!({"objectId": lane.kit.object_id, "secrets": ["get"]});
        let seed = json!({
            "stacks": [{"region": region, "identityProvider": provider, "tenantId": lane.tenant}],
            "vaults": [{"name": vault, "stack": region, "accessPolicies": [policy]}]
        });
        lane.kit.admin().seed(&seed).await?;
        let suffix = &lane.kit.endpoints().key_vault_suffix;
        let suffix = suffix.strip_prefix("vault.").context("a suffix")?;
        let domain = format!("{region}.azurestack.{suffix}");
        let value = format!("{}{vault}", crate::kit::PLANTED);
        lane.kit
            .admin()
            .put_secret(&vault, "s", value.as_str())
            .await?;
        Ok(Self {
            lane,
            domain,
            value,
        })
    }

    fn cloud(&self) -> Value {
        json!({"resourceManagerEndpoint": format!("https://management.{}", self.domain)})
    }

    /// Identity `main` in this cloud and sync `app` of its vault. It names no tenant: the cloud tells it, or has none.
    async fn use_by(&self, credential: Value) -> Result<()> {
        let mut identity = self.lane.identity("main", credential);
        let spec = identity["spec"].as_object_mut().unwrap();
        spec.remove("tenantId");
        spec.insert("cloud".to_owned(), self.cloud());
        self.lane.kit.apply(identity).await?;
        let vault = format!(
            "https://{}-stack.vault.{}",
            self.lane.kit.vault, self.domain
        );
        let sync = self.lane.kit.sync("app", &[("K", "s")], |spec| {
            spec["vaultUri"] = json!(vault);
        });
        self.lane.kit.apply(sync).await
    }

    async fn use_by_secret(&self) -> Result<()> {
        let kit = &self.lane.kit;
        kit.make_credential("sp", &kit.client_secret).await?;
        self.use_by(client_secret("sp")).await
    }

    async fn works(&self) -> Result<()> {
        self.lane.kit.holds("app", &[("K", &self.value)]).await?;
        self.lane.kit.is_synced("app").await
    }

    async fn status(&self) -> Result<AzureIdentityStatus> {
        self.lane.identity_says("True", "TokenAcquired").await?;
        let identity = self.lane.identities().get("main").await?;
        identity.status.context("no status")
    }

    async fn told(&self) -> Result<CloudStatus> {
        self.status().await?.cloud.context("no status.cloud")
    }

    /// A fault of the answer to the question for the endpoints.
    async fn fault(&self, fault: Fault, times: Option<u64>) -> Result<Value> {
        let host = format!("management.{}", self.domain);
        let mut rule = FaultRule::new(&host, fault).on_path("^/metadata/endpoints");
        rule.count = times;
        self.lane.kit.admin().add_fault(&rule).await
    }

    /// Token requests to this host.
    async fn asked(&self, host: &str) -> Result<Vec<JournalEntry>> {
        let journal = self.lane.kit.admin().journal(0).await?;
        let mut entries = journal.entries;
        entries.retain(|entry| entry.host == host && entry.operation == "GetToken");
        Ok(entries)
    }
}

async fn stack_with_entra(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "AAD").await?;
    stack.use_by_secret().await?;
    stack.works().await?;
    let told = stack.told().await?;
    ensure!(told.identity_provider == "AAD", "{told:?}");
    ensure!(
        told.authority == stack.lane.kit.endpoints().authority_host,
        "{told:?}"
    );
    let vaults = format!("vault.{}", stack.domain);
    ensure!(told.key_vault_dns_suffix == vaults, "{told:?}");
    let derived = told
        .resource_manager_audience
        .replacen("management", "vault", 1);
    ensure!(told.key_vault_audience == derived, "{told:?}");
    // The first endpoint of Entra, by the tenant that the cloud told.
    let v1 = format!("/{}/oauth2/token", stack.lane.tenant);
    let requests = stack.lane.token_requests().await?;
    ensure!(
        requests.iter().any(|entry| entry.path == v1),
        "{requests:?}"
    );
    Ok(())
}

async fn stack_with_adfs_and_a_certificate(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "ADFS").await?;
    let folder = binaries::repository().join("tests/fixtures/certificates");
    let certificate = std::fs::read_to_string(folder.join("certificate.pem"))?;
    stack
        .lane
        .application(json!({"certificates": [{"pem": certificate}]}))
        .await?;
    let kit = &stack.lane.kit;
    let both = STANDARD.encode(std::fs::read(folder.join("pkcs8.pem"))?);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": kit.namespace}, "data": {"c": both}
    });
    kit.apply(secret).await?;
    stack
        .use_by(json!({"clientCertificate": {"name": "sp", "key": "c"}}))
        .await?;
    stack.works().await?;
    let told = stack.told().await?;
    ensure!(told.identity_provider == "ADFS", "{told:?}");
    let adfs = format!("adfs.{}", stack.domain);
    ensure!(told.authority == format!("https://{adfs}/adfs"), "{told:?}");
    let requests = stack.asked(&adfs).await?;
    ensure!(
        !requests.is_empty()
            && requests
                .iter()
                .all(|entry| entry.path == "/adfs/oauth2/token"),
        "{requests:?}"
    );
    Ok(())
}

/// The old form names no tenant: with Entra the spec must.
async fn stack_that_serves_the_old_form_only(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "AAD").await?;
    stack.fault(Fault::status(404), Some(1)).await?;
    stack.use_by_secret().await?;
    let message = stack.lane.identity_says("False", "InvalidSpec").await?;
    teaches(&message, &["spec.tenantId must be set"])?;
    let tenant = stack.lane.tenant.clone();
    stack
        .lane
        .patch_identity(json!({"spec": {"tenantId": tenant}}))
        .await?;
    stack.works().await
}

/// What is derived is another resource than the vault's; the vault's own challenge says which it wants.
async fn stack_whose_vault_names_its_own_audience(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "AAD").await?;
    let endpoints = stack.lane.kit.endpoints();
    let document = json!([{
        "authentication": {
            "loginEndpoint": endpoints.authority_host, "audiences": [endpoints.resource_manager], "tenant": stack.lane.tenant
        },
        "suffixes": {"keyVaultDns": format!("vault.{}", stack.domain)}
    }]);
    stack.fault(Fault::body(200, &document), None).await?;
    stack.use_by_secret().await?;
    stack.works().await?;
    let told = stack.told().await?;
    ensure!(
        told.key_vault_audience == endpoints.key_vault_audience,
        "{told:?}"
    );
    let vault = format!("{}-stack", stack.lane.kit.vault);
    let answers = looks(&stack.lane.kit, &vault).await?;
    let answers: Vec<u16> = answers.iter().map(|entry| entry.status).collect();
    ensure!(answers == [401, 200], "{answers:?}");
    Ok(())
}

/// Its vaults delete for good: there are no deleted secrets to look for before one is set.
async fn stack_whose_vault_is_pushed_to(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "AAD").await?;
    let (kit, vault) = (&stack.lane.kit, format!("{}-stack", stack.lane.kit.vault));
    let policy = json!({"objectId": kit.object_id, "secrets": ["get", "set"]});
    let policies = json!({"accessPolicies": [policy]});
    kit.admin().patch_vault(&vault, &policies).await?;
    let value = format!("{}{vault}-pushed", crate::kit::PLANTED);
    let consent = json!({"lakevault.dev/allow-push": "app"});
    kit.make_secret("local", json!({"k": value}), consent)
        .await?;
    stack.use_by_secret().await?;
    stack.works().await?;
    let from = json!({"secret": "local", "key": "k"});
    let push = json!([{"from": from, "to": {"secret": "pushed"}}]);
    kit.edit("app", json!({"spec": {"push": push}})).await?;
    kit.says("app", "Pushed", "True", "UpToDate").await?;
    let back = json!([{"key": "K", "secret": {"name": "pushed"}}]);
    kit.edit("app", json!({"spec": {"data": back}})).await?;
    kit.holds("app", &[("K", &value)]).await
}

async fn stack_that_is_none(kit: Kit) -> Result<()> {
    let stack = Stack::make(kit, "AAD").await?;
    let fault = stack.fault(Fault::status(404), None).await?;
    stack.use_by_secret().await?;
    let words = [
        "spec.cloud.resourceManagerEndpoint",
        "spec.cloud.custom",
        &stack.domain,
    ];
    let message = stack
        .lane
        .identity_says("False", "CloudNotDiscovered")
        .await?;
    teaches(&message, &words)?;
    let kit = &stack.lane.kit;
    let message = kit
        .says("app", "Synced", "False", "CloudNotDiscovered")
        .await?;
    teaches(&message, &words)?;
    let down = stack.fault(Fault::status(503), None).await?;
    kit.admin().remove_fault(&fault).await?;
    let message = stack
        .lane
        .identity_says("False", "AzureUnavailable")
        .await?;
    teaches(&message, &["HTTP 503", &stack.domain])?;
    kit.admin().remove_fault(&down).await?;
    kit.sync_now("app").await?;
    stack.works().await
}

async fn endpoints_by_hand_with_ports_and_v1(kit: Kit) -> Result<()> {
    let lane = Lane::make(kit).await?;
    let kit = &lane.kit;
    let endpoints = kit.endpoints();
    let ported = |host: &str| format!("{host}:{}", endpoints.port);
    let cloud = json!({"custom": {
        "authorityHost": ported(&endpoints.authority_host), "tokenEndpoint": "V1",
        "keyVault": {"dnsSuffix": ported(&endpoints.key_vault_suffix), "audience": endpoints.key_vault_audience}
    }});
    kit.make_credential("sp", &kit.client_secret).await?;
    let mut identity = lane.identity("main", client_secret("sp"));
    identity["spec"]["cloud"] = cloud;
    kit.apply(identity).await?;
    let (value, _) = kit.plant("s", "by-port").await?;
    let vault = ported(&endpoints.vault_url(&kit.vault));
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["vaultUri"] = json!(vault);
    });
    kit.apply(sync).await?;
    kit.holds("app", &[("K", &value)]).await?;
    let v1 = format!("/{}/oauth2/token", lane.tenant);
    let requests = lane.token_requests().await?;
    ensure!(
        requests.iter().any(|entry| entry.path == v1),
        "{requests:?}"
    );
    // Without the port it is another cloud's vault.
    let vault = endpoints.vault_url(&kit.vault);
    kit.edit("app", json!({"spec": {"vaultUri": vault}}))
        .await?;
    kit.says("app", "Synced", "False", "VaultNotInCloud")
        .await
        .map(drop)
}

async fn roots_that_are_missing(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    let kit = lane.kit.clone();
    let bundle = async |text: &str| {
        kit.apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "roots", "namespace": kit.namespace},
            "data": {"ca.crt": text}
        }))
        .await
    };
    kit.make_credential("sp", &kit.client_secret).await?;
    let mut identity = lane.identity("main", client_secret("sp"));
    identity["spec"]["cloud"]["caBundle"] =
        json!({"configMap": {"name": "roots", "key": "ca.crt"}});
    kit.apply(identity).await?;
    kit.apply(lane.app()).await?;
    let command = format!(
        "kubectl -n {} create configmap roots --from-file=ca.crt=",
        kit.namespace
    );
    lane.fails("CaBundleNotFound", &["there is no ConfigMap", &command])
        .await?;
    let says = async |words: &str| {
        kit.sync_now("app").await?;
        let told = |status: &VaultSecretSyncStatus| {
            let synced = condition(status, "Synced");
            synced.is_some_and(|c| c.reason == "CaBundleNotFound" && c.message.contains(words))
        };
        kit.status_when("app", words, told).await
    };
    bundle("no certificate").await?;
    says("key ca.crt: there is no certificate in PEM form").await?;
    bundle("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").await?;
    says("key ca.crt: one of its certificates is none").await?;
    bundle(&std::fs::read_to_string(&kit.endpoints().ca_file)?).await?;
    // A look within two seconds of a failure shares it, so one is not enough.
    let (value, _) = kit.plant("s", "mended").await?;
    until(SOON, "the mended bundle is used", async || {
        kit.sync_now("app").await.map_err(seen)?;
        let data = kit.data("app").await.map_err(seen)?;
        expect(&data.get("K"), &Some(&value))
    })
    .await
}
