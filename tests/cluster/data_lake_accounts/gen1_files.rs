//! Small files in a Data Lake Store, which tells neither digests nor `ETag`s.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::Fault;

use super::lakes::BOB;
use super::stores::Store;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_file_in_a_store_is_written_only_where_it_differs,
        a_file_in_a_store_has_its_list_before_its_content,
        the_second_step_of_a_write_stays_with_the_store,
    ]
}

/// The ConfigMap that files are made of.
pub async fn config_map(store: &Store, text: &str) -> Result<()> {
    let (kit, data) = (&store.kit, json!({"jobs.json": text}));
    kit.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "jobs", "namespace": kit.namespace}
    }))
    .await
}

/// The file of the key, with an access of its own.
pub fn jobs(access: &Value) -> Value {
    let mut file = access.clone();
    file["path"] = json!("config/jobs.json");
    file["from"] = json!({"configMap": {"name": "jobs", "key": "jobs.json"}});
    json!([file])
}

async fn a_file_in_a_store_is_written_only_where_it_differs(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    config_map(&store, "{\"jobs\": 1}").await?;
    let file = json!({"files": jobs(&json!({"permissions": "rw-r-----"}))});
    store.ready(file).await?;
    let path = "config/jobs.json";
    let permissions = async || -> Result<Value> {
        let stands = store.stands(path).await?;
        Ok(stands["permissions"].clone())
    };
    ensure!(store.content(path).await? == "{\"jobs\": 1}");
    ensure!(permissions().await? == "rw-r-----");
    let writes = store.writes().await?;
    store.look().await?;
    ensure!(
        store.writes().await? == writes,
        "the same was written again"
    );
    // The source changes; who may read it does not.
    config_map(&store, "{\"jobs\": 2}").await?;
    store.look().await?;
    ensure!(store.content(path).await? == "{\"jobs\": 2}");
    ensure!(permissions().await? == "rw-r-----");
    // Somebody writes another text of the same length.
    store.put(path, json!({"content": "{\"jobs\": 3}"})).await?;
    store.look().await?;
    ensure!(store.content(path).await? == "{\"jobs\": 2}");
    // What goes from the spec stays.
    store.ready(json!({})).await?;
    ensure!(store.content(path).await? == "{\"jobs\": 2}");
    Ok(())
}

async fn a_file_in_a_store_has_its_list_before_its_content(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    config_map(&store, "[]").await?;
    let reads = format!("user:{BOB}:r--");
    let list = ["user::rw-", "group::---", "other::---", &reads];
    store
        .ready(json!({"files": jobs(&json!({"acl": list}))}))
        .await?;
    let writes = store.writes().await?;
    ensure!(
        writes == ["WebHdfsCreate", "WebHdfsSetAcl", "WebHdfsAppend"],
        "{writes:?}"
    );
    ensure!(store.content("config/jobs.json").await? == "[]");
    let kept = [list.as_slice(), &["mask::r--"]].concat();
    store.has_acl("config/jobs.json", &kept).await?;
    // So it is when the content changes.
    config_map(&store, "[1]").await?;
    store.look().await?;
    ensure!(store.content("config/jobs.json").await? == "[1]");
    store.has_acl("config/jobs.json", &kept).await
}

async fn the_second_step_of_a_write_stays_with_the_store(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store.ready(json!({})).await?;
    config_map(&store, "[]").await?;
    let elsewhere = |host: &str| {
        let query = "op=CREATE&write=true&overwrite=false&syncFlag=CLOSE&api-version=2018-09-01";
        let to = format!("https://{host}/webhdfs/v1/config/jobs.json?{query}");
        (Fault::redirect(&to), Some(1))
    };
    let foreign = elsewhere("somebody.else.test");
    store.fault("WebHdfsCreate", None, foreign).await?;
    store.apply(json!({"files": jobs(&json!({}))})).await?;
    let message = store.says("Synced", "False", "ForeignChallenge").await?;
    teaches(&message, &["config/jobs.json", "token"])?;
    ensure!(store.calls("WebHdfsCreate").await?.len() == 1);
    let own = elsewhere(&store.host());
    store.fault("WebHdfsCreate", None, own).await?;
    store.ask().await?;
    store.is_ready().await?;
    ensure!(store.content("config/jobs.json").await? == "[]");
    let calls = store.calls("WebHdfsCreate").await?.len();
    ensure!(calls == 3, "{calls} calls");
    Ok(())
}
