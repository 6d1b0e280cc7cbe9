//! Data Lake Stores of the first generation in Resource Manager.

use std::ops::Deref;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountStatus};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{Fault, Operator, OperatorOptions};

use crate::estate::{Estate, GROUP, is};
use crate::key_vaults::documents::block_of;
use crate::kit::{Kit, TENANT, World, operator_kubeconfig, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_store_is_made_and_told_to_be_retired,
        an_undisturbed_store_costs_one_read_and_no_write,
        drift_of_a_firewall_is_repaired_by_what_it_comes_to,
        a_store_that_is_there_is_taken_over_only_by_consent,
        a_customers_key_is_taken_into_use_when_the_account_may_unwrap_it,
        a_store_is_retained_or_deleted_by_force,
        fields_of_the_second_generation_are_refused,
        a_cloud_without_data_lake_stores_is_told,
        a_store_that_is_being_made_is_met_again_after_a_restart,
        the_pages_example_is_applied,
    ]
}

/// A DataLakeAccount of generation Gen1 in a subscription of its own.
struct Store {
    estate: Estate<DataLakeAccount>,
}

impl Deref for Store {
    type Target = Estate<DataLakeAccount>;

    fn deref(&self) -> &Self::Target {
        &self.estate
    }
}

impl Store {
    async fn new(kit: Kit) -> Result<Self> {
        let estate = Estate::new(kit).await?;
        Ok(Self { estate })
    }

    async fn apply(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let gen1 = |spec: &mut Value| {
            spec["generation"] = json!("Gen1");
            change(spec);
        };
        self.estate.apply(gen1).await
    }

    async fn ready(&self, change: impl FnOnce(&mut Value)) -> Result<DataLakeAccountStatus> {
        self.apply(change).await?;
        self.is_ready().await
    }

    async fn admin(&self, method: Method, body: Option<&Value>) -> Result<Value> {
        let path = format!("/datalakestores/{}", self.name);
        self.kit.admin().call(method, &path, body).await
    }

    /// The store as the simulator has it; none where it has none.
    async fn in_azure(&self) -> Result<Option<Value>> {
        let admin = self.kit.admin();
        let all: Value = admin.call(Method::GET, "/datalakestores", None).await?;
        let all = all["dataLakeStores"].as_array().context("names")?;
        if !all.iter().any(|name| name.as_str() == Some(&self.name)) {
            return Ok(None);
        }
        let found = self.admin(Method::GET, None).await?;
        Ok(Some(found["store"].clone()))
    }

    /// A store of the same name that is nobody's.
    async fn make_in_azure(&self) -> Result<()> {
        let store = json!({
            "name": self.name, "tenantId": TENANT, "subscriptionId": self.subscription,
            "resourceGroup": GROUP, "location": "westeurope", "tags": {"team": "theirs"},
        });
        self.admin(Method::PUT, Some(&store)).await.map(drop)
    }

    /// Somebody else changes it.
    async fn spoil(&self, change: &Value) -> Result<()> {
        self.admin(Method::PATCH, Some(change)).await.map(drop)
    }
}

async fn a_store_is_made_and_told_to_be_retired(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let status = store
        .ready(|spec| {
            spec["tags"] = json!({"team": "payments"});
            spec["networkRules"] = json!({"defaultAction": "Allow", "ipRules": ["203.0.113.0/24"]});
            spec["outputs"] = json!({"configMap": "facts"});
            spec["roleAssignments"] =
                json!([{"principalId": store.kit.object_id, "role": "Reader"}]);
        })
        .await?;
    let made = store.in_azure().await?.context("no store")?;
    ensure!(made["encryptionState"] == "Enabled", "{made}");
    ensure!(made["tags"]["team"] == "payments", "{made}");
    ensure!(
        made["firewallRules"][0]["endIpAddress"] == "203.0.113.255",
        "{made}"
    );
    let id = format!(
        "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.DataLakeStore/accounts/{}",
        store.subscription, store.name
    );
    ensure!(status.resource.azure_id == Some(id), "{status:?}");
    ensure!(status.resource.role_assignments.len() == 1, "{status:?}");
    ensure!(is(&status, "Drifted", "False", "InSync"), "{status:?}");
    let message = store
        .says("Retired", "True", "DataLakeStoreRetired")
        .await?;
    teaches(&message, &["29 February 2024", "lakevault plan --to-gen2"])?;
    let writes = store.writes().await?;
    ensure!(
        writes[0] == "CreateDataLakeStore" && writes.len() == 2,
        "{writes:?}"
    );
    // Whoever uses it is told where it is.
    let maps: Api<ConfigMap> = Api::namespaced(store.kit.client(), &store.kit.namespace);
    let facts = maps.get("facts").await?.data.unwrap_or_default();
    let host = format!(
        "{}.{}",
        store.name,
        store.kit.endpoints().lake_store_suffix()
    );
    ensure!(facts["generation"] == "Gen1", "{facts:?}");
    ensure!(
        facts["adlEndpoint"].starts_with(&format!("adl://{host}")),
        "{facts:?}"
    );
    let webhdfs = status.endpoints.webhdfs.context("no endpoint")?;
    ensure!(facts["webhdfsEndpoint"] == webhdfs, "{facts:?}");
    ensure!(webhdfs.starts_with(&format!("https://{host}")), "{webhdfs}");
    Ok(())
}

async fn an_undisturbed_store_costs_one_read_and_no_write(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store
        .ready(|spec| {
            // All that Azure writes in another way.
            spec["location"] = json!("West Europe");
            spec["networkRules"] = json!({"ipRules": ["203.0.113.0/25", "203.0.113.128/25"]});
        })
        .await?;
    let before = store.calls("").await?.len();
    store.look().await?;
    let calls = store.calls("").await?;
    let made = calls
        .iter()
        .skip(before)
        .map(|call| call.operation.as_str());
    let made: Vec<&str> = made.collect();
    ensure!(made == ["GetDataLakeStore"], "{made:?}");
    Ok(())
}

async fn drift_of_a_firewall_is_repaired_by_what_it_comes_to(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store
        .ready(|spec| spec["networkRules"] = json!({"ipRules": ["203.0.113.0/24"]}))
        .await?;
    let writes = store.writes().await?.len();
    // The same addresses in other rules are no difference.
    let halves = json!({"firewallRules": [
        {"name": "low", "startIpAddress": "203.0.113.0", "endIpAddress": "203.0.113.127"},
        {"name": "high", "startIpAddress": "203.0.113.128", "endIpAddress": "203.0.113.255"},
    ]});
    store.spoil(&halves).await?;
    let status = store.look().await?;
    ensure!(is(&status, "Drifted", "False", "InSync"), "{status:?}");
    ensure!(store.writes().await?.len() == writes);
    let spoilt = json!({"firewallState": "Disabled", "firewallRules": [
        {"name": "low", "startIpAddress": "203.0.113.0", "endIpAddress": "203.0.113.127"},
        {"name": "all", "startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"},
    ]});
    store.spoil(&spoilt).await?;
    let status = store.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    let repaired = store.writes().await?.split_off(writes);
    // Nobody who is wanted is shut out in between.
    ensure!(
        repaired
            == [
                "SetDataLakeFirewallRule",
                "UpdateDataLakeStore",
                "DeleteDataLakeFirewallRule"
            ],
        "{repaired:?}"
    );
    let made = store.in_azure().await?.context("no store")?;
    ensure!(made["firewallState"] == "Enabled", "{made}");
    let rules = made["firewallRules"].as_array().context("rules")?;
    ensure!(rules.iter().all(|rule| rule["name"] != "all"), "{made}");
    Ok(())
}

async fn a_store_that_is_there_is_taken_over_only_by_consent(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store.make_in_azure().await?;
    store.apply(|_| ()).await?;
    let message = store.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &["Data Lake Store", &store.name, "adopt: Always"])?;
    ensure!(store.writes().await?.is_empty());
    store
        .apply(|spec| {
            spec["mode"] = json!("Observe");
            spec["tags"] = json!({"team": "ours"});
        })
        .await?;
    let status = store
        .status_when("it is planned", |status| !status.resource.plan.is_empty())
        .await?;
    ensure!(status.resource.plan == ["update tags.team"], "{status:?}");
    ensure!(store.writes().await?.is_empty());
    store.ready(|spec| spec["adopt"] = json!("Always")).await?;
    ensure!(store.writes().await? == ["UpdateDataLakeStore"]);
    let made = store.in_azure().await?.context("no store")?;
    ensure!(made["tags"]["team"] == "theirs", "{made}");
    Ok(())
}

async fn a_customers_key_is_taken_into_use_when_the_account_may_unwrap_it(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let key = |version: &str| {
        let key = json!({"vaultRef": {"name": "keys"}, "name": "lake", "version": version});
        json!({ "key": key })
    };
    let [one, two] = [
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    ];
    store.apply(|spec| spec["encryption"] = key(one)).await?;
    let message = store.says("Synced", "False", "WaitingForVault").await?;
    teaches(&message, &["spec.encryption.key", "KeyVault keys"])?;
    let vault = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault",
        "metadata": {"name": "keys", "namespace": store.kit.namespace},
        "spec": {
            "identityRef": {"name": "manager"}, "subscriptionId": store.subscription,
            "azureName": format!("kv-{}", store.name), "resourceGroup": {"name": GROUP}, "location": "westeurope",
        },
    });
    let denied = Fault::Forbidden("AuthorizationFailed".to_owned());
    let fault = store
        .fault("EnableDataLakeStoreKeyVault", denied, None)
        .await?;
    store.kit.apply(vault).await?;
    let message = store.says("Synced", "False", "Forbidden").await?;
    teaches(&message, &["az keyvault set-policy", "--object-id"])?;
    store.kit.admin().remove_fault(&fault).await?;
    let status = store.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    ensure!(status.resource.operation.is_none(), "{status:?}");
    let made = store.in_azure().await?.context("no store")?;
    let info = &made["encryptionConfig"]["keyVaultMetaInfo"];
    ensure!(info["encryptionKeyVersion"] == one, "{made}");
    ensure!(made["keyVaultEnabled"] == true, "{made}");
    // Of a key that is in use the version alone is changed.
    store.ready(|spec| spec["encryption"] = key(two)).await?;
    let made = store.in_azure().await?.context("no store")?;
    let info = &made["encryptionConfig"]["keyVaultMetaInfo"];
    ensure!(info["encryptionKeyVersion"] == two, "{made}");
    store
        .apply(|spec| {
            spec["encryption"] = key(two);
            spec["encryption"]["key"]["name"] = json!("another");
        })
        .await?;
    let message = store.says("Synced", "False", "CannotChange").await?;
    teaches(&message, &["encryption", "once the account is created"])
}

async fn a_store_is_retained_or_deleted_by_force(kit: Kit) -> Result<()> {
    let (kept, full) = (Store::new(kit.clone()).await?, Store::new(kit).await?);
    kept.ready(|spec| spec["tags"] = json!({"team": "payments"}))
        .await?;
    kept.delete().await?;
    kept.is_gone().await?;
    let made = kept.in_azure().await?.context("no store")?;
    ensure!(made["tags"] == json!({"team": "payments"}), "{made}");
    full.ready(|spec| {
        spec["deletionPolicy"] = json!("Delete");
        spec["force"] = json!(true);
    })
    .await?;
    full.delete().await?;
    full.is_gone().await?;
    ensure!(full.in_azure().await?.is_none());
    Ok(())
}

async fn fields_of_the_second_generation_are_refused(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    for (field, word, value) in [
        ("sku", "sku", json!("Standard_LRS")),
        (
            "outputs",
            "outputs.keys",
            json!({"keys": {"secret": "keys"}}),
        ),
        ("filesystems", "name it root", json!([{"name": "raw"}])),
    ] {
        let refused = store.apply(|spec| spec[field] = value).await;
        let message = refused.err().context(field)?.to_string();
        teaches(&message, &["generation Gen1", word])?;
    }
    Ok(())
}

async fn a_cloud_without_data_lake_stores_is_told(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let mut identity = store.identity("elsewhere");
    let storage = &mut identity["spec"]["cloud"]["custom"]["storage"];
    storage
        .as_object_mut()
        .context("storage")?
        .remove("dataLakeStoreSuffix");
    store.kit.apply(identity).await?;
    store
        .apply(|spec| spec["identityRef"] = json!({"name": "elsewhere"}))
        .await?;
    let message = store.says("Synced", "False", "StorageUnknown").await?;
    teaches(&message, &["generation Gen2", "dataLakeStoreSuffix"])?;
    ensure!(
        store.calls("").await?.is_empty(),
        "Resource Manager was asked"
    );
    Ok(())
}

async fn the_pages_example_is_applied(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let mut all = block_of("docs/datalakeaccount.md", "## Generation Gen1")?;
    let mut object = all.pop().context("no example")?;
    ensure!(all.is_empty());
    let meta = json!({"name": store.name, "namespace": store.kit.namespace});
    object["metadata"] = meta;
    object["spec"]["subscriptionId"] = json!(store.subscription);
    object["spec"]["identityRef"] = json!({"name": "manager"});
    store.kit.apply(object).await?;
    let status = store.is_ready().await?;
    ensure!(
        is(&status, "Retired", "True", "DataLakeStoreRetired"),
        "{status:?}"
    );
    let made = store.in_azure().await?.context("no store")?;
    ensure!(made["firewallState"] == "Enabled", "{made}");
    ensure!(made["firewallAllowAzureIps"] == "Enabled", "{made}");
    let rules = made["firewallRules"].as_array().map(Vec::len);
    ensure!(rules == Some(2), "{made}");
    Ok(())
}

/// This one has a world of its own: its operator is killed, and its simulator takes its time.
async fn a_store_that_is_being_made_is_met_again_after_a_restart(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("gen1-alone", &[]).await?);
    let store = Store::new(Kit::new(Arc::clone(&world), "gen1").await?).await?;
    let slow = json!({
        "lakeStoreCreationMs": 8000,
        "lro": {"lakeStorePut": {"form": "location", "retryAfter": 1}},
    });
    let admin = store.kit.admin();
    admin
        .call::<Value>(Method::POST, "/settings", Some(&slow))
        .await?;
    store.apply(|_| ()).await?;
    store
        .status_when("it is being made", |status| {
            let state = status.resource.provisioning_state.as_deref();
            state == Some("Creating") && is(status, "Ready", "False", "Provisioning")
        })
        .await?;
    world.operator.kill9().await?;
    let kubeconfig = operator_kubeconfig(&world.control_plane)?;
    let options = OperatorOptions::new(&kubeconfig, &world.scratch.path().join("second"));
    let _second = Operator::start(options.with_azure(store.kit.endpoints())).await?;
    let status = store.is_ready().await?;
    ensure!(status.resource.operation.is_none(), "{status:?}");
    let writes = store.writes().await?;
    ensure!(writes == ["CreateDataLakeStore"], "{writes:?}");
    Ok(())
}
