//! What lies in a Data Lake Store of the first generation: the same as in today's accounts, by other calls.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::Fault;

use super::gen1_files::{config_map, jobs};
use super::lakes::{ADA, BOB, EVE, acl, is};
use super::stores::Store;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        directories_of_a_store_are_made_with_all_that_is_said_of_them,
        a_second_look_at_a_store_writes_nothing,
        a_list_in_a_store_that_somebody_changed_is_repaired,
        entries_in_a_store_are_added_and_taken_away,
        a_right_that_is_missing_in_a_store_is_told_with_its_mend,
        a_path_of_a_store_that_is_a_file_is_left_alone,
        a_busy_store_and_lost_answers_do_no_harm,
    ]
}

fn inbox() -> Value {
    let reads = format!("user:{BOB}:r-x");
    json!({"directories": [{"path": "inbox", "acl": acl(&[&reads])}]})
}

/// The list of [`inbox`] as it is kept.
async fn inbox_is_as_declared(store: &Store) -> Result<()> {
    let reads = format!("user:{BOB}:r-x");
    let all = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    store.has_acl("inbox", &all).await
}

/// What hands the same down as [`acl`] has.
const DEFAULTS: [&str; 3] = [
    "default:user::rwx",
    "default:group::r-x",
    "default:other::---",
];

async fn directories_of_a_store_are_made_with_all_that_is_said_of_them(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let reads = format!("user:{BOB}:r-x");
    let inherited = format!("default:{reads}");
    let list = [[reads.as_str()].as_slice(), &DEFAULTS, &[&inherited]].concat();
    let status = store
        .ready(json!({
            "root": {"permissions": "0751"},
            "directories": [
                {"path": "sales/2026/q1"},
                {"path": "sales", "acl": acl(&list)},
                {"path": "inbox", "owner": ADA, "group": EVE, "permissions": "1770"},
            ],
        }))
        .await?;
    let root = store.stands("").await?;
    ensure!(root["permissions"] == "rwxr-x--x", "{root}");
    let inbox = store.stands("inbox").await?;
    ensure!(
        inbox["owner"] == ADA && inbox["group"] == EVE && inbox["permissions"] == "rwxrwx--T",
        "{inbox}"
    );
    let mut whole = list.clone();
    whole.extend(["user::rwx", "group::r-x", "other::---"]);
    whole.extend(["mask::r-x", "default:mask::r-x"]);
    store.has_acl("sales", &whole).await?;
    // It was made after its parent had its list, so what that hands down has come to it.
    let deep = store.stands("sales/2026/q1").await?;
    let deep = deep["acl"].as_str().unwrap_or_default();
    ensure!(deep.contains(&reads) && deep.contains(&inherited), "{deep}");
    ensure!(is(&status, "DataPlaneReachable", "True", "Answers"));
    ensure!(status.lake_applied_generation == status.resource.observed_generation);
    Ok(())
}

async fn a_second_look_at_a_store_writes_nothing(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    config_map(&store, "[]").await?;
    let reads = format!("user:{}:r-x", BOB.to_uppercase());
    let removed = format!("user:{EVE}");
    store
        .ready(json!({
            "root": {"acl": acl(&[])}, "files": jobs(&json!({})),
            "directories": [
                {"path": "set", "acl": acl(&[&reads, "mask::rwx"])},
                {"path": "modify", "aclMode": "Modify", "acl": [reads]},
                {"path": "remove", "aclMode": "Remove", "acl": [removed]},
                {"path": "octal", "permissions": "1770"},
                {"path": "owned", "owner": ADA, "group": ADA},
                {"path": "silent/deep"},
            ],
        }))
        .await?;
    store.look().await?;
    let (writes, arm) = (store.writes().await?, store.estate.writes().await?);
    let before = store.calls("").await?.len();
    let status = store.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    ensure!(status.resource.plan.is_empty() && status.resource.drift.is_empty());
    let more = store.writes().await?.split_off(writes.len());
    ensure!(more.is_empty(), "the store was written: {more:?}");
    ensure!(
        store.estate.writes().await? == arm,
        "the account was written"
    );
    // Of each path what it is and, where a list or permissions are declared, its list, which tells the sticky bit, too; of the file
    // what it holds.
    let all = store.calls("").await?.split_off(before);
    let mut words: Vec<&str> = all.iter().map(|entry| entry.operation.as_str()).collect();
    words.sort_unstable();
    let of = |word: &str| words.iter().filter(|one| **one == word).count();
    ensure!(of("WebHdfsGetFileStatus") == 8, "{words:?}");
    ensure!(of("WebHdfsGetAclStatus") == 5, "{words:?}");
    ensure!(of("WebHdfsOpen") == 1, "{words:?}");
    ensure!(words.len() == 14, "{words:?}");
    Ok(())
}

async fn a_list_in_a_store_that_somebody_changed_is_repaired(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store.ready(inbox()).await?;
    inbox_is_as_declared(&store).await?;
    let open = json!({"acl": format!("user::rwx,user:{EVE}:rwx,group::rwx,mask::rwx,other::r-x")});
    store.put("inbox", open).await?;
    let before = store.writes().await?.len();
    let status = store.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    inbox_is_as_declared(&store).await?;
    let writes = store.writes().await?.split_off(before);
    ensure!(writes == ["WebHdfsSetAcl"], "{writes:?}");
    Ok(())
}

async fn entries_in_a_store_are_added_and_taken_away(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    let (bob, eve) = (format!("user:{BOB}:r-x"), format!("user:{EVE}:rwx"));
    let mine = format!("user:{ADA}:r--");
    store.ready(json!({})).await?;
    let theirs = format!("user::rwx,{bob},{eve},group::r-x,mask::rwx,other::---");
    for path in ["more", "more/in", "less"] {
        store.put(path, json!({"acl": theirs})).await?;
    }
    store
        .put("more/file", json!({"content": "x", "acl": theirs}))
        .await?;
    store
        .ready(json!({"directories": [
            {"path": "more", "aclMode": "Modify", "acl": [mine, format!("default:{mine}")], "recursive": true},
            {"path": "less", "aclMode": "Remove", "acl": [format!("user:{EVE}")], "recursive": true},
        ]}))
        .await?;
    let plain = ["user::rwx", "group::r-x", "other::---"];
    let more = [plain.as_slice(), &["mask::rwx", &bob, &eve, &mine]].concat();
    for path in ["more", "more/in"] {
        let stands = store.stands(path).await?;
        let list = stands["acl"].as_str().unwrap_or_default();
        ensure!(list.contains(&mine) && list.contains(&eve), "{list}");
        ensure!(list.contains(&format!("default:{mine}")), "{list}");
    }
    // A file hands nothing down.
    store.has_acl("more/file", &more).await?;
    let less = [plain.as_slice(), &["mask::r-x", &bob]].concat();
    store.has_acl("less", &less).await?;
    let writes = store.writes().await?;
    store.look().await?;
    ensure!(store.writes().await? == writes, "it is written again");
    Ok(())
}

async fn a_right_that_is_missing_in_a_store_is_told_with_its_mend(kit: Kit) -> Result<()> {
    let store = Store::with(kit, |_| ()).await?;
    store.apply(json!({"directories": [{"path": "a"}]})).await?;
    let message = store.says("Synced", "False", "Forbidden").await?;
    teaches(
        &message,
        &[
            "--role Owner",
            "az role assignment create",
            "az dls fs access set-entry",
            &store.kit.client_id,
        ],
    )?;
    let status = store.look().await?;
    ensure!(is(&status, "Ready", "True", "Available"), "{status:?}");
    ensure!(
        is(&status, "DataPlaneReachable", "True", "Forbidden"),
        "{status:?}"
    );
    let role = json!({"principalId": store.kit.object_id, "role": "Owner"});
    store
        .change_subscription(|subscription| {
            let roles = subscription["roleAssignments"].as_array_mut();
            if let Some(roles) = roles {
                roles.push(role.clone());
            }
        })
        .await?;
    store.ask().await?;
    store.is_ready().await?;
    ensure!(store.stands("a").await?["directory"] == true);
    Ok(())
}

async fn a_path_of_a_store_that_is_a_file_is_left_alone(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    store.ready(json!({})).await?;
    store.put("inbox", json!({"content": "theirs"})).await?;
    let directories = json!([{"path": "inbox"}, {"path": "inbox/deep"}, {"path": "beside"}]);
    store.apply(json!({"directories": directories})).await?;
    let message = store.says("Synced", "False", "PathConflict").await?;
    teaches(&message, &["directories[inbox]", "file stands"])?;
    ensure!(store.content("inbox").await? == "theirs");
    ensure!(store.stands("beside").await?["directory"] == true);
    // What is above nobody looks at; trying shows it.
    store
        .apply(json!({"directories": [{"path": "inbox/deep"}]}))
        .await?;
    let message = store.says("Synced", "False", "PathConflict").await?;
    teaches(&message, &["directories[inbox/deep]"])?;
    ensure!(store.content("inbox").await? == "theirs");
    Ok(())
}

async fn a_busy_store_and_lost_answers_do_no_harm(kit: Kit) -> Result<()> {
    let store = Store::new(kit).await?;
    config_map(&store, "[]").await?;
    let busy = || (Fault::throttled(Some(1)), Some(1));
    store.fault("WebHdfsMkdirs", None, busy()).await?;
    store.fault("WebHdfsGetFileStatus", None, busy()).await?;
    let broken = (Fault::status(503), Some(1));
    store.fault("WebHdfsSetAcl", None, broken).await?;
    let lost = (Fault::LoseAnswer(true), Some(1));
    store.fault("WebHdfsCreate", None, lost).await?;
    let mut spec = inbox();
    spec["files"] = jobs(&json!({}));
    store.ready(spec).await?;
    inbox_is_as_declared(&store).await?;
    ensure!(store.content("config/jobs.json").await? == "[]");
    let calls = store.calls("WebHdfsCreate").await?.len();
    ensure!(calls == 1, "{calls} calls");
    Ok(())
}
