//! What the syncs of a scenario want. Pure.

use std::time::Duration;

use serde_json::{Value, json};

pub const NAMESPACE: &str = "bench";
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
/// Of the simulator only.
pub const CLIENT_SECRET: &str = "bench-client-secret";
/// The Secret that holds it.
pub const CREDENTIAL: &str = "sp";
pub const PRINCIPAL: &str = "33333333-3333-3333-3333-333333333333";
/// How long the vault takes to answer.
pub const VAULT_LATENCY: Duration = Duration::from_millis(30);
/// How long Entra takes to answer.
pub const TOKEN_LATENCY: Duration = Duration::from_millis(150);
/// Objects on a page of a list, Key Vault's default and most.
pub const PAGE: usize = 25;

/// Syncs of one namespace and one identity.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub syncs: usize,
    /// Keys of each.
    pub objects: usize,
    /// They are spread over so many vaults.
    pub vaults: usize,
    /// How many objects there are, where syncs share them; else each has its own.
    pub pool: Option<usize>,
    /// Further syncs that the vaults have objects for.
    pub spare: usize,
    pub interval: Duration,
}

impl Load {
    /// Syncs of one vault with objects of their own.
    pub fn new(syncs: usize, objects: usize, interval: Duration) -> Self {
        Self {
            syncs,
            objects,
            vaults: 1,
            pool: None,
            spare: 0,
            interval,
        }
    }

    /// How many objects of vaults the syncs want in all.
    pub fn distinct(&self) -> usize {
        self.pool.unwrap_or(self.syncs * self.objects)
    }

    /// Pages that list them all.
    pub fn pages(&self) -> usize {
        self.distinct().div_ceil(self.vaults).div_ceil(PAGE) * self.vaults
    }

    /// The number of a sync's object.
    pub fn index(&self, sync: usize, at: usize) -> usize {
        let index = sync * self.objects + at;
        self.pool.map_or(index, |pool| index % pool)
    }

    /// The vault of a sync. Shared objects are in one vault.
    pub fn vault(&self, sync: usize) -> String {
        vault(sync % self.vaults)
    }

    /// The names of the objects of a sync.
    pub fn names(&self, sync: usize) -> impl Iterator<Item = String> {
        (0..self.objects).map(move |at| object(self.index(sync, at)))
    }

    /// The sync as Lakevault's users write it.
    pub fn sync(&self, number: usize, vault_url: &str) -> Value {
        let keys = self.names(number).enumerate();
        let data: Vec<Value> = keys
            .map(|(at, name)| json!({"key": key(at), "secret": {"name": name}}))
            .collect();
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": name(number)},
            "spec": {
                "vaultUri": vault_url, "identityRef": {"name": "main"},
                "refreshInterval": format!("{}s", self.interval.as_secs()), "data": data
            }
        })
    }

    /// The sync as users of another operator write it: `template` with the names in their places, and each line that names
    /// an object once for each of them.
    pub fn filled(&self, number: usize, vault_url: &str, template: &str) -> String {
        let mut text = String::new();
        for line in template.lines() {
            let times = if line.contains("${OBJECT}") {
                self.objects
            } else {
                1
            };
            for at in 0..times {
                let line = line
                    .replace("${OBJECT}", &object(self.index(number, at)))
                    .replace("${KEY}", &key(at));
                text.push_str(&line);
                text.push('\n');
            }
        }
        let interval = format!("{}s", self.interval.as_secs());
        text.replace("${NAME}", &name(number))
            .replace("${NAMESPACE}", NAMESPACE)
            .replace("${VAULT_URL}", vault_url)
            .replace("${VAULT}", &self.vault(number))
            .replace("${INTERVAL}", &interval)
    }

    /// The simulator's tenant and vaults.
    pub fn seed(&self) -> Value {
        let vaults = (0..self.vaults).map(|number| {
            json!({
                "name": vault(number), "tenantId": TENANT,
                "roleAssignments": [{"principalId": PRINCIPAL, "role": "Key Vault Secrets User"}],
                "secrets": self.secrets(number)
            })
        });
        json!({
            "settings": {
                "vaultLatencyMs": VAULT_LATENCY.as_millis(), "tokenLatencyMs": TOKEN_LATENCY.as_millis()
            },
            "tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": [{
                "clientId": CLIENT, "objectId": PRINCIPAL, "name": "bench", "secrets": [{"value": CLIENT_SECRET}]
            }]}],
            "vaults": vaults.collect::<Vec<_>>()
        })
    }

    fn secrets(&self, vault: usize) -> Vec<Value> {
        let secret = |index| json!({"name": object(index), "value": value(index)});
        if let Some(pool) = self.pool {
            return (0..pool).map(secret).collect();
        }
        let syncs = (0..self.syncs + self.spare).filter(|sync| sync % self.vaults == vault);
        syncs
            .flat_map(|sync| (0..self.objects).map(move |at| (sync, at)))
            .map(|(sync, at)| secret(self.index(sync, at)))
            .collect()
    }

    /// What it is, in words.
    pub fn words(&self) -> String {
        let vaults = match self.vaults {
            1 => "one vault".to_owned(),
            vaults => format!("{vaults} vaults"),
        };
        let shared = self
            .pool
            .map_or_else(String::new, |pool| format!(", which share {pool} objects"));
        format!(
            "{} syncs × {} object(s) of {vaults}{shared}, interval {} s",
            self.syncs,
            self.objects,
            self.interval.as_secs()
        )
    }
}

pub fn vault(number: usize) -> String {
    format!("kv-bench-{number:02}")
}

/// The sync, and its Secret.
pub fn name(number: usize) -> String {
    format!("sync-{number:05}")
}

/// The vault's object of a number.
pub fn object(index: usize) -> String {
    format!("object-{index:05}")
}

pub fn key(at: usize) -> String {
    format!("KEY_{at}")
}

/// As long as a usual password or connection string.
pub fn value(index: usize) -> String {
    format!("value-{index:05}-{}", "x".repeat(48))
}
