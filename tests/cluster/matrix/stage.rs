//! The vaults and syncs of a table, and what is done to all of them at once.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use kube::api::{ListParams, Patch, PatchParams};
use lakevault::vault_secret_sync::api::VaultSecretSyncStatus;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{FaultRule, poll, until};

use super::table::{Operation, Row, Seen, Source, Trouble};
use crate::kit::{Kit, PLANTED, TENANT, condition};
use crate::lane::client_secret;

/// The values of a Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

/// One sync.
pub struct Cell {
    /// Its name, and that of its Secret.
    pub name: String,
    pub seen: Seen,
    pub operation: Operation,
}

/// A row with its place: a vault, an identity and a tenant. Rows of what vaults do share tenant and identity `main`.
struct Place {
    row: Row,
    vault: String,
    tenant: String,
    identity: String,
}

/// A sync as it is.
#[derive(Default)]
pub struct Now {
    pub status: VaultSecretSyncStatus,
    pub data: Data,
}

impl Now {
    /// Whether a condition says this.
    pub fn says(&self, type_: &str, status: &str, reason: &str) -> poll::Look<()> {
        match condition(&self.status, type_) {
            Some(it) if it.status == status && it.reason == reason => Ok(()),
            other => Err(format!("{type_} is not {status} for {reason}: {other:?}")),
        }
    }
}

/// All of it. Secret `b` of vault `beside` is a key of each sync whose identity may read it, and of sync `beside`.
pub struct Stage {
    pub kit: Kit,
    pub beside: Kit,
    pub cells: Vec<Cell>,
    places: Vec<Place>,
    faults: Vec<Value>,
}

impl Stage {
    pub async fn set(kit: Kit, rows: Vec<Row>) -> Result<Self> {
        kit.make_identity().await?;
        let beside = Kit {
            vault: format!("{}-beside", kit.vault),
            ..kit.clone()
        };
        beside.make_vault(&beside.vault).await?;
        let mut stage = Self {
            places: Vec::new(),
            cells: Vec::new(),
            faults: Vec::new(),
            kit,
            beside,
        };
        for (number, row) in rows.into_iter().enumerate() {
            stage.places.push(stage.place(number, row));
        }
        let places = stage.places.iter();
        let cells = places.flat_map(|place| {
            let sources = place.row.sources.iter();
            sources.map(|(source, seen)| Cell {
                name: format!("{}-{}", place.row.name, source.name()),
                seen: *seen,
                operation: place.row.operation,
            })
        });
        stage.cells = cells.collect();
        stage.build().await?;
        Ok(stage)
    }

    fn place(&self, number: usize, row: Row) -> Place {
        let own = row.operation == Operation::Token;
        let tenant = own.then(|| uuid::Uuid::new_v4().to_string());
        Place {
            vault: format!("{}-{number}", self.kit.vault),
            tenant: tenant.unwrap_or_else(|| TENANT.to_owned()),
            identity: if own {
                row.name.clone()
            } else {
                "main".to_owned()
            },
            row,
        }
    }

    async fn build(&self) -> Result<()> {
        let own = |place: &&Place| place.row.operation == Operation::Token;
        let tenants = self.places.iter().filter(own).map(|place| {
            let application = json!({
                "clientId": self.kit.client_id, "objectId": self.kit.object_id,
                "secrets": [{"value": self.kit.client_secret}]
            });
            json!({"id": place.tenant, "name": format!("{}.example", place.vault), "applications": [application]})
        });
        let roles = ["Secrets User", "Certificate User", "Crypto User"];
        let roles = roles.map(
            |role| json!({"principalId": self.kit.object_id, "role": format!("Key Vault {role}")}),
        );
        let vaults = self.places.iter().map(|place| {
            let mut vault = self.objects("first");
            vault["name"] = json!(place.vault);
            vault["tenantId"] = json!(place.tenant);
            vault["roleAssignments"] = json!(roles);
            vault
        });
        let seed =
            json!({"tenants": tenants.collect::<Vec<_>>(), "vaults": vaults.collect::<Vec<_>>()});
        self.kit.admin().seed(&seed).await?;
        self.beside.plant("b", "first").await?;
        let identities = self.places.iter().filter(own).map(|place| {
            let mut identity = self.kit.identity(&place.identity, client_secret("sp"));
            identity["spec"]["tenantId"] = json!(place.tenant);
            identity
        });
        let syncs = self.places.iter().flat_map(|place| {
            let sources = place.row.sources.iter();
            sources.map(|(source, _)| self.sync(place, *source))
        });
        let beside = self.beside.sync("beside", &[("B", "b")], |_| ());
        let items: Vec<Value> = identities.chain(syncs).chain([beside]).collect();
        self.kit
            .apply(json!({"apiVersion": "v1", "kind": "List", "items": items}))
            .await
    }

    fn sync(&self, place: &Place, source: Source) -> Value {
        let (mut data, from) = source.entries(&self.kit.client_id);
        if place.row.operation != Operation::Token {
            let beside = self.kit.endpoints().vault_url(&self.beside.vault);
            data.push(json!({"key": "B", "secret": {"name": "b"}, "vaultUri": beside}));
        }
        let name = format!("{}-{}", place.row.name, source.name());
        self.kit.sync(&name, &[], |spec| {
            spec["vaultUri"] = json!(self.kit.endpoints().vault_url(&place.vault));
            spec["identityRef"]["name"] = json!(place.identity);
            spec["refreshInterval"] = json!("10s");
            spec["data"] = json!(data);
            spec["dataFrom"] = json!(from);
        })
    }

    /// New versions of all objects of a vault.
    fn objects(&self, what: &str) -> Value {
        let value = |name: &str| format!("{PLANTED}{}-{name}-{what}", self.kit.vault);
        let content = "application/x-pem-file";
        json!({
            "secrets": [
                {"name": "s", "value": json!({"p": value("s")}).to_string()},
                {"name": "f", "value": value("f")},
                {"name": "e", "value": json!({"A": value("a"), "E": value("e")}).to_string()}
            ],
            "certificates": [{"name": "c", "keyType": "EC-P256", "contentType": content}],
            "keys": [{"name": "k", "keyType": "EC-P256"}]
        })
    }

    /// Whether a sync has key `B`.
    pub fn has_beside(cell: &Cell) -> bool {
        cell.operation != Operation::Token
    }

    /// Brings the trouble of each row, with new versions of all objects behind it.
    pub async fn trouble(&mut self) -> Result<()> {
        let mut faults = Vec::new();
        for place in &self.places {
            if let Trouble::Answers(fault) = &place.row.trouble {
                let host = match place.row.operation {
                    Operation::Token => {
                        let login = &self.kit.endpoints().authority_host;
                        login.trim_start_matches("https://").to_owned()
                    }
                    Operation::Vault | Operation::List | Operation::Get => {
                        let suffix = &self.kit.endpoints().key_vault_suffix;
                        format!("{}.{suffix}", place.vault)
                    }
                };
                let rule = FaultRule {
                    path: place.row.operation.path(&place.tenant),
                    ..FaultRule::new(&host, fault.clone())
                };
                faults.push(rule);
            }
        }
        let added = faults.iter().map(|rule| self.kit.admin().add_fault(rule));
        self.faults = try_join_all(added).await?;
        try_join_all(self.places.iter().map(|place| self.change(place))).await?;
        self.new_credential().await
    }

    /// What a row does to its objects.
    async fn change(&self, place: &Place) -> Result<()> {
        let admin = self.kit.admin();
        let objects = place.row.sources.iter().map(|(source, _)| source.object());
        let each = async |method: Method, body: Option<Value>| {
            let calls = objects.clone().map(|object| {
                let (method, body) = (method.clone(), body.as_ref());
                let path = format!("/vaults/{}/{object}", place.vault);
                async move { admin.call::<Value>(method, &path, body).await }
            });
            try_join_all(calls).await.map(drop)
        };
        let put = async |value: &str| each(Method::PUT, Some(json!({ "value": value }))).await;
        match &place.row.trouble {
            Trouble::Deleted => return each(Method::DELETE, None).await,
            Trouble::Empty => return put("").await,
            Trouble::Wrong => return put(&format!("{PLANTED}no json")).await,
            Trouble::Disabled | Trouble::Answers(_) | Trouble::NoAuthority => {}
        }
        let second = self.objects("second");
        admin.patch_vault(&place.vault, &second).await?;
        match &place.row.trouble {
            Trouble::Disabled => each(Method::PATCH, Some(json!({"enabled": false}))).await,
            Trouble::NoAuthority => {
                self.authority(place, "https://nowhere.example.invalid")
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn authority(&self, place: &Place, host: &str) -> Result<()> {
        let mut identity = self.kit.identity(&place.identity, client_secret("sp"));
        identity["spec"]["tenantId"] = json!(place.tenant);
        identity["spec"]["cloud"]["custom"]["authorityHost"] = json!(host);
        self.kit.apply(identity).await
    }

    /// Makes the operator take the credential of all identities for a new one, where rows are about tokens.
    async fn new_credential(&self) -> Result<()> {
        if self.cells.iter().all(Self::has_beside) {
            return Ok(());
        }
        let word = uuid::Uuid::new_v4().to_string();
        let label = json!({"metadata": {"labels": {"touched": word}}});
        self.kit.damage("sp", label).await
    }

    /// Takes all trouble away, and makes new versions of all objects once more.
    pub async fn mend(&mut self) -> Result<()> {
        let admin = self.kit.admin();
        let faults = std::mem::take(&mut self.faults);
        try_join_all(faults.iter().map(|fault| admin.remove_fault(fault))).await?;
        let mended = self.places.iter().map(async |place| {
            match &place.row.trouble {
                Trouble::Deleted => {
                    for (source, _) in &place.row.sources {
                        let path =
                            format!("/vaults/{}/{}?purge=true", place.vault, source.object());
                        admin.call::<Value>(Method::DELETE, &path, None).await?;
                    }
                }
                Trouble::NoAuthority => {
                    self.authority(place, &self.kit.endpoints().authority_host)
                        .await?;
                }
                _ => {}
            }
            admin
                .patch_vault(&place.vault, &self.objects("third"))
                .await
        });
        try_join_all(mended).await.map(drop)
    }

    /// Asks for a look of each sync. Gives back the word.
    pub async fn look(&self) -> Result<String> {
        let word = uuid::Uuid::new_v4().to_string();
        let patch = json!({"metadata": {"annotations": {"lakevault.dev/sync-at": word}}});
        let (syncs, params, patch) = (
            self.kit.syncs(),
            PatchParams::default(),
            Patch::Merge(patch),
        );
        let cells = self.cells.iter();
        try_join_all(cells.map(|cell| syncs.patch(&cell.name, &params, &patch))).await?;
        Ok(word)
    }

    /// All syncs with their Secrets.
    pub async fn now(&self) -> Result<BTreeMap<String, Now>> {
        let mut all: BTreeMap<String, Now> = BTreeMap::new();
        for sync in self.kit.syncs().list(&ListParams::default()).await?.items {
            let name = sync.metadata.name.context("no name")?;
            let status = sync.status.unwrap_or_default();
            if status.observed_generation == sync.metadata.generation {
                all.entry(name).or_default().status = status;
            }
        }
        for secret in self.kit.secrets().list(&ListParams::default()).await?.items {
            let name = secret.metadata.name.context("no name")?;
            let data = secret.data.unwrap_or_default().into_iter();
            all.entry(name).or_default().data = data.map(|(key, value)| (key, value.0)).collect();
        }
        Ok(all)
    }

    /// Waits until each sync fits at one and the same moment. Gives back how they are then.
    pub async fn until(
        &self,
        within: std::time::Duration,
        what: &str,
        fits: impl Fn(&Cell, &Now) -> poll::Look<()>,
    ) -> Result<BTreeMap<String, Now>> {
        until(within, what, async || {
            let now = self.now().await.map_err(poll::seen)?;
            let nothing = Now::default();
            let wrong = self.cells.iter().filter_map(|cell| {
                let now = now.get(&cell.name).unwrap_or(&nothing);
                fits(cell, now)
                    .err()
                    .map(|error| format!("{}: {error}", cell.name))
            });
            let wrong: Vec<String> = wrong.collect();
            if wrong.is_empty() {
                Ok(now)
            } else {
                Err(format!("{} do not fit:\n{}", wrong.len(), wrong.join("\n")))
            }
        })
        .await
    }
}
