//! The vaults and syncs of a table, and what is done to all of them at once.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::try_join_all;
use kube::api::{Patch, PatchParams};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use super::table::{Operation, Row, Seen, Source, Trouble};
use crate::kit::{Kit, PLANTED, TENANT};
use crate::lane::client_secret;

/// One sync.
pub struct Cell {
    /// Its name, and that of its Secret.
    pub name: String,
    pub seen: Seen,
    pub operation: Operation,
}

impl Cell {
    /// Whether it has key `B`.
    pub fn has_beside(&self) -> bool {
        self.operation != Operation::Token
    }
}

/// A row with its place: a vault, an identity and a tenant. Rows of what vaults do share tenant and identity `main`.
pub struct Place {
    row: Row,
    pub cells: Vec<Cell>,
    vault: String,
    tenant: String,
    identity: String,
}

/// All of it. Secret `b` of vault `beside` is a key of each sync whose identity may read it, and of sync `beside`.
pub struct Stage {
    pub kit: Kit,
    pub beside: Kit,
    pub places: Vec<Place>,
    /// Faults in force, by the vault of their row.
    faults: BTreeMap<String, Value>,
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
            faults: BTreeMap::new(),
            kit,
            beside,
        };
        for (number, row) in rows.into_iter().enumerate() {
            stage.places.push(stage.place(number, row));
        }
        stage.build().await?;
        Ok(stage)
    }

    fn place(&self, number: usize, row: Row) -> Place {
        let own = row.operation == Operation::Token;
        let tenant = own.then(|| uuid::Uuid::new_v4().to_string());
        let cells = row.sources.iter().map(|(source, seen)| Cell {
            name: format!("{}-{}", row.name, source.name()),
            seen: *seen,
            operation: row.operation,
        });
        Place {
            cells: cells.collect(),
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

    /// Brings the trouble of each row, with new versions of all objects behind it.
    pub async fn trouble(&mut self) -> Result<()> {
        let added = self.places.iter().map(async |place| {
            let fault = if let Trouble::Answers(fault) = &place.row.trouble {
                Some(self.fault(place, fault).await?)
            } else {
                None
            };
            self.change(place).await?;
            Ok::<_, anyhow::Error>(fault.map(|id| (place.vault.clone(), id)))
        });
        let added = try_join_all(added).await?;
        self.faults = added.into_iter().flatten().collect();
        self.new_credential().await
    }

    async fn fault(&self, place: &Place, fault: &Fault) -> Result<Value> {
        let endpoints = self.kit.endpoints();
        let host = match place.row.operation {
            Operation::Token => {
                let login = endpoints.authority_host.as_str();
                login.trim_start_matches("https://").to_owned()
            }
            Operation::Vault | Operation::List | Operation::Get => {
                format!("{}.{}", place.vault, endpoints.key_vault_suffix)
            }
        };
        let rule = FaultRule {
            path: place.row.operation.path(&place.tenant),
            ..FaultRule::new(&host, fault.clone())
        };
        self.kit.admin().add_fault(&rule).await
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
            Trouble::Answers(_) | Trouble::Deleted | Trouble::Empty | Trouble::Wrong => Ok(()),
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
        if self.cells().all(Cell::has_beside) {
            return Ok(());
        }
        let word = uuid::Uuid::new_v4().to_string();
        let label = json!({"metadata": {"labels": {"touched": word}}});
        self.kit.damage("sp", label).await
    }

    /// Takes a row's trouble away, and makes new versions of all its objects once more.
    pub async fn mend(&self, place: &Place) -> Result<()> {
        let admin = self.kit.admin();
        if let Some(fault) = self.faults.get(&place.vault) {
            admin.remove_fault(fault).await?;
        }
        match &place.row.trouble {
            Trouble::Deleted => {
                for (source, _) in &place.row.sources {
                    let path = format!("/vaults/{}/{}?purge=true", place.vault, source.object());
                    admin.call::<Value>(Method::DELETE, &path, None).await?;
                }
            }
            Trouble::NoAuthority => {
                let host = &self.kit.endpoints().authority_host;
                self.authority(place, host).await?;
            }
            Trouble::Answers(_) | Trouble::Disabled | Trouble::Empty | Trouble::Wrong => {}
        }
        let third = self.objects("third");
        admin.patch_vault(&place.vault, &third).await
    }

    /// Asks for a look of each sync. Gives back the word.
    pub async fn look(&self) -> Result<String> {
        let word = uuid::Uuid::new_v4().to_string();
        let patch = json!({"metadata": {"annotations": {"lakevault.dev/sync-at": word}}});
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        let syncs = self.kit.syncs();
        try_join_all(
            self.cells()
                .map(|cell| syncs.patch(&cell.name, &params, &patch)),
        )
        .await?;
        Ok(word)
    }

    pub fn cells(&self) -> impl Iterator<Item = &Cell> + Clone {
        self.places.iter().flat_map(|place| &place.cells)
    }
}
