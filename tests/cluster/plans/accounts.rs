//! Plans for accounts, and accounts that are there, as DataLakeAccounts.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, paths, told};
use crate::data_lake_accounts::lakes::{ADA, BOB, Lake, acl, is};
use crate::data_lake_accounts::outputs::keys;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        an_account_its_lake_and_its_outputs_are_planned_for,
        an_imported_account_plans_to_nothing,
        an_imported_account_is_taken_over_and_nothing_else,
        an_import_goes_as_deep_as_it_is_asked,
    ]
}

fn declared(spec: &mut Value) {
    spec["sharedKeyAccess"] = json!(true);
    spec["filesystems"] = json!([{"name": "raw", "directories": [
        {"path": "sales", "acl": acl(&[&format!("user:{BOB}:r-x")])}
    ]}]);
    spec["outputs"] = json!({"configMap": "lake-connection", "keys": {"secret": "lake-keys"}});
}

async fn an_account_its_lake_and_its_outputs_are_planned_for(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let desk = Desk::new(&lake.kit)?;
    let (plans, code) = desk.plan(&[lake.manifest(declared)]).await?;
    let list = format!("user::rwx,user:{BOB}:r-x,group::r-x,mask::r-x,other::---");
    let expected = json!([
        "create the account",
        "create filesystem raw",
        format!("create directory raw/sales with acl {list}"),
        "write ConfigMap lake-connection",
        "write Secret lake-keys",
    ]);
    ensure!(plans[0]["steps"] == expected && code == 2, "{plans}");
    ensure!(
        lake.estate.writes().await?.is_empty(),
        "a plan wrote to Azure"
    );
    let found = lake.api().get_opt(&lake.name).await?;
    ensure!(found.is_none(), "a plan wrote to the cluster");

    lake.ready(declared).await?;
    let (writes, inside) = (lake.estate.writes().await?, lake.writes().await?);
    let (plans, code) = desk.plan(&[lake.manifest(declared)]).await?;
    ensure!(plans[0]["steps"] == json!([]) && code == 0, "{plans}");

    // Somebody else changes all of them.
    lake.spoil(&json!({"minimumTlsVersion": "TLS1_0"})).await?;
    let open = "user::rwx,group::rwx,other::r-x";
    lake.put("raw", "sales", json!({"acl": open})).await?;
    let other = lake.manifest(|spec| {
        declared(spec);
        spec["minimumTlsVersion"] = json!("TLS1_2");
        spec["outputs"]["configMap"] = json!("facts");
    });
    let (plans, code) = desk.plan(&[other]).await?;
    let steps = plans[0]["steps"].to_string();
    for step in [
        "update minimumTlsVersion",
        "raw/sales",
        "write ConfigMap facts",
    ] {
        ensure!(steps.contains(step) && code == 2, "{step}: {plans}");
    }
    let differences = paths(&plans[0]);
    let list = "filesystems[raw].directories[sales].acl";
    ensure!(
        differences.iter().any(|path| path == list)
            && differences.iter().any(|path| path == "minimumTlsVersion"),
        "{differences:?}"
    );
    ensure!(lake.estate.writes().await? == writes && lake.writes().await? == inside);
    Ok(())
}

impl Lake {
    /// An account that has something of everything, and is nobody's.
    async fn rich(&self) -> Result<()> {
        let rule = json!({
            "name": "old-logs", "enabled": true, "type": "Lifecycle",
            "definition": {
                "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["raw/logs/"]},
                "actions": {"baseBlob": {
                    "tierToCool": {"daysAfterModificationGreaterThan": 30},
                    "delete": {"daysAfterModificationGreaterThan": 365},
                }},
            },
        });
        self.make_in_azure(|account| {
            account["sku"] = json!("Standard_ZRS");
            account["tags"] = json!({"team": "payments", "Cost Center": "12: a # b"});
            account["accessTier"] = json!("Cool");
            account["minimumTlsVersion"] = json!("TLS1_2");
            account["networkAcls"] = json!({
                "defaultAction": "Deny", "bypass": "AzureServices, Metrics",
                "ipRules": ["203.0.113.7", "127.0.0.0/8"],
            });
            account["blobService"] = json!({"deleteRetention": {"enabled": true, "days": 9}});
            account["managementPolicy"] = json!({"rules": [rule]});
            account["roleAssignments"] = json!([
                {"principalId": self.kit.object_id, "role": "Storage Blob Data Owner"}
            ]);
        })
        .await?;
        let path = format!("/filesystems/{}/raw", self.name);
        self.admin(Method::PUT, &path, None).await?;
        let list = format!(
            "user::rwx,user:{BOB}:r-x,group::r-x,mask::r-x,other::---,default:user::rwx,default:group::r-x,default:other::---"
        );
        for (path, body) in [
            ("", json!({"permissions": "rwxr-x--x"})),
            ("sales", json!({"owner": ADA, "acl": list})),
            ("inbox", json!({"permissions": "rwxrwx--T"})),
            ("sales/2026", json!({"group": ADA})),
            ("readme", json!({"content": "not to be told"})),
        ] {
            self.put("raw", path, body).await?;
        }
        let other = self.other().await?;
        other
            .set_properties("raw", &[("team", "payments"), ("place", "Zürich: a # b")])
            .await
    }

    async fn import(&self, desk: &Desk, further: &[&str]) -> Result<String> {
        let id = format!(
            "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{}",
            self.subscription, self.name
        );
        let arguments = ["import", "datalakeaccount", &id, "--identity", "manager"];
        let output = desk.run(&[&arguments, further].concat()).await?;
        ensure!(output.status.success(), "{}", told(&output));
        ensure!(
            !told(&output).contains("not to be told"),
            "{}",
            told(&output)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}

async fn an_imported_account_plans_to_nothing(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let desk = Desk::new(&lake.kit)?;
    lake.rich().await?;
    let yaml = lake.import(&desk, &["--depth", "2"]).await?;
    for said in [
        "Standard_ZRS",
        "Cool",
        "Observe",
        "203.0.113.7",
        "Metrics",
        "blobDays: 9",
        "old-logs",
        "Storage Blob Data Owner",
        "12: a # b",
        "Zürich: a # b",
        "rwxrwx--T",
        "sales/2026",
        &format!("user:{BOB}:r-x"),
    ] {
        ensure!(yaml.contains(said), "{said:?} is not in {yaml}");
    }
    for key in keys(&lake).await? {
        let key = key["value"].as_str().context("value")?;
        ensure!(!yaml.contains(key), "a key of the account is in {yaml}");
    }
    let file = desk.text(&yaml)?;
    let (plans, code) = desk.plan_of(&file.to_string_lossy(), &[]).await?;
    ensure!(
        code == 0 && plans[0]["steps"] == json!([]),
        "{plans} {yaml}"
    );
    let control_plane = &lake.kit.world.control_plane;
    control_plane.kubectl().apply_yaml(&yaml).await?;
    lake.says("Synced", "True", "AsDeclared").await?;
    let status = lake.look().await?;
    ensure!(is(&status, "Drifted", "False", "InSync"), "{status:?}");
    ensure!(status.resource.drift.is_empty(), "{status:?}");
    ensure!(
        lake.estate.writes().await?.is_empty(),
        "the account was written"
    );
    ensure!(lake.writes().await?.len() == 1, "the lake was written");
    Ok(())
}

async fn an_imported_account_is_taken_over_and_nothing_else(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let desk = Desk::new(&lake.kit)?;
    lake.rich().await?;
    let yaml = lake.import(&desk, &["--mode", "Manage"]).await?;
    let file = desk.text(&yaml)?;
    let (plans, code) = desk.plan_of(&file.to_string_lossy(), &[]).await?;
    ensure!(
        paths(&plans[0]) == ["tags.lakevault-owner"] && code == 2,
        "{plans}"
    );
    let inside = lake.writes().await?;
    let control_plane = &lake.kit.world.control_plane;
    control_plane.kubectl().apply_yaml(&yaml).await?;
    lake.is_ready().await?;
    ensure!(lake.estate.writes().await? == ["UpdateStorageAccount"]);
    ensure!(lake.writes().await? == inside, "the lake was written");
    lake.owner().await.map(drop)
}

async fn an_import_goes_as_deep_as_it_is_asked(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let desk = Desk::new(&lake.kit)?;
    lake.rich().await?;
    let directories = async |depth: &str| -> Result<Vec<String>> {
        let yaml = lake.import(&desk, &["--depth", depth]).await?;
        let object: Value = serde_saphyr::from_str(&yaml)?;
        let filesystems = object["spec"]["filesystems"].as_array();
        let first = filesystems.and_then(|all| all.first()).context("none")?;
        let all = first["directories"].as_array().cloned().unwrap_or_default();
        let path = |one: &Value| one["path"].as_str().unwrap_or_default().to_owned();
        Ok(all.iter().map(path).collect())
    };
    ensure!(directories("0").await?.is_empty());
    ensure!(directories("1").await? == ["inbox", "sales"]);
    ensure!(directories("2").await? == ["inbox", "sales", "sales/2026"]);
    // More than an object has place for is told, and not taken.
    let tree = format!("/filesystems/{}/raw/tree", lake.name);
    let many = json!({"path": "many", "count": 1100, "fanOut": 1100, "depth": 1});
    lake.admin(Method::POST, &tree, Some(many)).await?;
    let output = desk
        .run(&[
            "import",
            "dla",
            &lake.name,
            "--subscription",
            &lake.subscription,
            "-g",
            "RG",
            "--identity",
            "manager",
            "--depth",
            "63",
        ])
        .await?;
    let (out, error) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    ensure!(
        error.contains("1000 at most") && error.contains("raw"),
        "{error}"
    );
    let object: Value = serde_saphyr::from_str(&String::from_utf8(out)?)?;
    let all = object["spec"]["filesystems"][0]["directories"].as_array();
    ensure!(all.map(Vec::len) == Some(1000), "{error}");
    Ok(())
}
