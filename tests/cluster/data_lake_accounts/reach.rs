//! What stands between the operator and what lies in an account: roles, firewalls, and Azure itself.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::Fault;

use super::lakes::{Lake, OWNER, is};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_missing_role_is_told_with_its_mend,
        a_role_that_was_just_given_is_waited_for,
        a_firewall_is_told_apart,
        an_account_that_cannot_be_looked_into_is_not_deleted,
        a_busy_lake_is_asked_again,
        a_refusal_that_was_none_is_seen_by_reading,
        two_paths_in_trouble_hold_nothing_else,
        a_path_that_is_a_file_is_left_alone,
    ]
}

fn directories(paths: &[&str]) -> impl Fn(&mut Value) {
    let all: Vec<Value> = paths.iter().map(|path| json!({"path": path})).collect();
    move |spec| spec["filesystems"] = json!([{"name": "raw", "directories": all}])
}

/// Requests that no role of a data plane allows.
const MISMATCH: &str = "AuthorizationPermissionMismatch";

async fn a_missing_role_is_told_with_its_mend(kit: Kit) -> Result<()> {
    let lake = Lake::with(kit, |subscription| {
        let roles = subscription["roleAssignments"].as_array_mut();
        if let Some(roles) = roles {
            roles.pop();
        }
    })
    .await?;
    lake.apply(directories(&["a"])).await?;
    let message = lake.says("Synced", "False", "Forbidden").await?;
    teaches(
        &message,
        &[
            OWNER,
            "az role assignment create",
            &lake.kit.client_id,
            "storageAccounts",
        ],
    )?;
    let status = lake.look().await?;
    ensure!(is(&status, "Ready", "True", "Available"), "{status:?}");
    // It is there and answers; it is a role that is missing.
    ensure!(
        is(&status, "DataPlaneReachable", "True", "Forbidden"),
        "{status:?}"
    );
    ensure!(is(&status, "Authorized", "False", "Forbidden"));
    let role = json!({"principalId": lake.kit.object_id, "role": OWNER});
    lake.estate
        .change_subscription(|subscription| {
            let roles = subscription["roleAssignments"].as_array_mut();
            if let Some(roles) = roles {
                roles.push(role.clone());
            }
        })
        .await?;
    lake.ask().await?;
    let status = lake.is_ready().await?;
    ensure!(is(&status, "DataPlaneReachable", "True", "Answers"));
    Ok(())
}

async fn a_role_that_was_just_given_is_waited_for(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let fault = lake
        .fault("GetFilesystem", Fault::Forbidden(MISMATCH.to_owned()), None)
        .await?;
    let principal = lake.kit.object_id.clone();
    lake.apply(|spec| {
        directories(&["a"])(spec);
        spec["roleAssignments"] = json!([{"principalId": principal, "role": OWNER}]);
    })
    .await?;
    let message = lake.says("Synced", "False", "RolePropagating").await?;
    teaches(&message, &["roles", "just now"])?;
    lake.kit.admin().remove_fault(&fault).await?;
    lake.ask().await?;
    lake.is_ready().await.map(drop)
}

async fn a_firewall_is_told_apart(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(directories(&["a"])).await?;
    lake.spoil(&json!({"networkAcls": {"defaultAction": "Deny"}}))
        .await?;
    lake.ask().await?;
    let message = lake.says("Synced", "False", "ForbiddenByNetwork").await?;
    teaches(&message, &[&lake.name, "network-rule add"])?;
    let message = lake
        .says("DataPlaneReachable", "False", "ForbiddenByNetwork")
        .await?;
    teaches(&message, &["private endpoint"])?;
    let status = lake.look().await?;
    ensure!(is(&status, "Ready", "True", "Available"), "{status:?}");
    lake.spoil(&json!({"networkAcls": {"defaultAction": "Allow"}}))
        .await?;
    lake.ask().await?;
    lake.is_ready().await.map(drop)
}

async fn an_account_that_cannot_be_looked_into_is_not_deleted(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    lake.spoil(&json!({"networkAcls": {"defaultAction": "Deny"}}))
        .await?;
    lake.delete().await?;
    let message = lake.says("Deleting", "True", "ForbiddenByNetwork").await?;
    teaches(&message, &["nobody can say whether it holds data", "force"])?;
    ensure!(lake.in_azure().await?.is_some());
    lake.spoil(&json!({"networkAcls": {"defaultAction": "Allow"}}))
        .await?;
    lake.ask().await?;
    lake.is_gone().await?;
    ensure!(lake.in_azure().await?.is_none());
    Ok(())
}

async fn a_busy_lake_is_asked_again(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let busy = || Fault::code(503, "ServerBusy");
    lake.fault("CreateFilesystem", busy(), Some(1)).await?;
    lake.fault("CreateDirectory", busy(), Some(2)).await?;
    lake.fault("GetPathStatus", busy(), Some(1)).await?;
    lake.fault("GetAccessControl", busy(), Some(1)).await?;
    let paths: Vec<String> = (0..20).map(|number| format!("d{number}/in")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    lake.ready(directories(&paths)).await?;
    for path in paths {
        let stands = lake.stands("raw", path).await?;
        ensure!(stands["directory"] == true, "{stands}");
    }
    Ok(())
}

async fn a_refusal_that_was_none_is_seen_by_reading(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    // Somebody in between has let the requests through, and says otherwise.
    for operation in ["CreateFilesystem", "CreateDirectory"] {
        let refusal = Fault::applied(403, MISMATCH);
        lake.fault(operation, refusal, Some(1)).await?;
    }
    lake.ready(directories(&["a", "b"])).await?;
    for operation in ["CreateFilesystem", "CreateDirectory"] {
        let calls = lake.calls(operation).await?;
        let made = if operation == "CreateFilesystem" {
            1
        } else {
            2
        };
        ensure!(calls.len() == made, "{operation}: {}", calls.len());
    }
    Ok(())
}

async fn two_paths_in_trouble_hold_nothing_else(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(directories(&[])).await?;
    for path in ["bad1", "bad2"] {
        lake.put("raw", path, json!({"content": "a file"})).await?;
    }
    lake.apply(|spec| {
        directories(&["bad1/deep", "good1", "bad2", "good2/deep"])(spec);
        let all = spec["filesystems"].as_array_mut();
        if let Some(all) = all {
            all.push(json!({"name": "other", "directories": [{"path": "good3"}]}));
        }
    })
    .await?;
    let message = lake.says("Synced", "False", "PathConflict").await?;
    teaches(&message, &["bad1", "(and 1 more)"])?;
    for (filesystem, path) in [("raw", "good1"), ("raw", "good2/deep"), ("other", "good3")] {
        let stands = lake.stands(filesystem, path).await?;
        ensure!(stands["directory"] == true, "{stands}");
    }
    let status = lake.look().await?;
    ensure!(is(&status, "Ready", "True", "Available"), "{status:?}");
    Ok(())
}

async fn a_path_that_is_a_file_is_left_alone(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(directories(&[])).await?;
    lake.put("raw", "inbox", json!({"content": "theirs"}))
        .await?;
    lake.apply(directories(&["inbox"])).await?;
    let message = lake.says("Synced", "False", "PathConflict").await?;
    teaches(
        &message,
        &[
            "directories[inbox]",
            "file stands",
            "az storage fs file move",
        ],
    )?;
    ensure!(lake.content("raw", "inbox").await? == "theirs");
    // A look at it needs no list, and one with a list tells the same.
    lake.apply(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "inbox", "acl": super::lakes::acl(&[])}
        ]}]);
    })
    .await?;
    lake.says("Synced", "False", "PathConflict").await?;
    ensure!(lake.content("raw", "inbox").await? == "theirs");
    Ok(())
}
