//! As much of Azure as keeps one vault: it takes the bodies of requests and tells what they have made, in words of its own.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::azure::arm::{ApiVersions, Call, Reply, vaults};
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;
use crate::key_vault::vault::Vault;

/// How Azure may tell the same in other words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accent {
    pub(super) shouts: bool,
    pub(super) turns: bool,
    pub(super) omits: bool,
}

pub(super) fn accents() -> impl Strategy<Value = Accent> {
    any::<[bool; 3]>().prop_map(|[shouts, turns, omits]| Accent {
        shouts,
        turns,
        omits,
    })
}

/// What Azure keeps of one vault, as the bodies of requests have made it.
#[derive(Debug, Clone, Default)]
pub(super) struct Azure {
    pub(super) vault: Option<Value>,
    pub(super) writes: usize,
}

pub(super) fn versions() -> &'static ApiVersions {
    ApiVersions::of(&Cloud::named(CloudName::Public))
}

impl Azure {
    /// Carries a write out, as "Azure REST API reference: Vaults" has it.
    pub(super) fn take(&mut self, call: &Call) {
        self.writes += 1;
        let body = call.body.clone().unwrap();
        assert_ne!(
            body["properties"]["enablePurgeProtection"],
            json!(false),
            "Azure refuses that"
        );
        if let Some((_, change)) = call.path.rsplit_once("/accessPolicies/") {
            let entries = body["properties"]["accessPolicies"]
                .as_array()
                .unwrap()
                .clone();
            return self.policies(change, &entries);
        }
        let vault = self
            .vault
            .get_or_insert_with(|| json!({ "properties": {} }));
        if call.method == http::Method::PUT {
            *vault = json!({ "id": call.path, "location": body["location"], "properties": {} });
        }
        if let Some(tags) = body.get("tags") {
            vault["tags"] = tags.clone();
        }
        for (name, value) in body["properties"].as_object().unwrap() {
            vault["properties"][name] = normal(name, value);
        }
        vault["properties"]["provisioningState"] = json!("Succeeded");
        vault["properties"]["vaultUri"] = json!("https://kv-a.vault.azure.net/");
    }

    fn policies(&mut self, change: &str, entries: &[Value]) {
        let vault = self.vault.as_mut().expect("a vault whose policies change");
        let all = vault["properties"]["accessPolicies"]
            .as_array_mut()
            .unwrap();
        for entry in entries {
            // Ids have no case.
            let object = |one: &Value| one["objectId"].as_str().unwrap().to_ascii_lowercase();
            let at = all.iter().position(|one| object(one) == object(entry));
            match (change, at) {
                ("remove", Some(at)) => drop(all.remove(at)),
                ("replace", Some(at)) => all[at] = entry.clone(),
                ("add", Some(at)) => {
                    for (kind, more) in entry["permissions"].as_object().unwrap() {
                        let has = all[at]["permissions"][kind].as_array_mut().unwrap();
                        has.extend(more.as_array().unwrap().iter().cloned());
                    }
                }
                ("remove", None) => {}
                _ => all.push(entry.clone()),
            }
        }
    }

    /// What a GET tells.
    pub(super) fn tell(&self, accent: Accent) -> Option<Vault> {
        self.vault.clone().map(|body| told(body, accent))
    }
}

/// The vault in an answer that tells it in other words.
fn told(mut body: Value, accent: Accent) -> Vault {
    let properties = &mut body["properties"];
    if accent.omits {
        let defaults = [
            ("softDeleteRetentionInDays", json!(90)),
            ("enabledForDeployment", json!(false)),
            ("enabledForDiskEncryption", json!(false)),
            ("enabledForTemplateDeployment", json!(false)),
            ("enableRbacAuthorization", json!(false)),
            ("publicNetworkAccess", json!("Enabled")),
            (
                "networkAcls",
                normal(
                    "networkAcls",
                    &json!({
                        "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": [],
                    }),
                ),
            ),
        ];
        for (name, value) in defaults {
            if properties[name] == value {
                properties[name] = Value::Null;
            }
        }
    }
    let lists = [
        "/accessPolicies",
        "/networkAcls/ipRules",
        "/networkAcls/virtualNetworkRules",
    ];
    for list in lists {
        let list = properties.pointer_mut(list).and_then(Value::as_array_mut);
        if let Some(list) = list.filter(|_| accent.turns) {
            list.reverse();
        }
    }
    if accent.shouts {
        shout(properties);
        body["location"] = json!("West Europe");
        body["id"] = json!(body["id"].as_str().unwrap().to_ascii_uppercase());
    }
    let reply = Reply {
        status: 200,
        body,
        operation: None,
        retry_after: None,
    };
    vaults::read(&reply).unwrap()
}

/// Azure writes ranges with their bits and ids of subnets small.
pub(super) fn normal(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if name == "networkAcls" {
        for rule in value["ipRules"].as_array_mut().unwrap() {
            let range = rule["value"].as_str().unwrap();
            let bits = if range.contains('/') { "" } else { "/32" };
            rule["value"] = json!(format!("{range}{bits}"));
        }
        for rule in value["virtualNetworkRules"].as_array_mut().unwrap() {
            rule["id"] = json!(rule["id"].as_str().unwrap().to_ascii_lowercase());
        }
    }
    value
}

/// Ids, words and permissions come in any case.
pub(super) fn shout(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.to_ascii_uppercase(),
        Value::Array(all) => all.iter_mut().for_each(shout),
        Value::Object(all) => all.values_mut().for_each(shout),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
