//! Filesystems, directories, and who may do what with them.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use super::lakes::{ADA, BOB, EVE, Lake, acl, condition, is};
use crate::kit::{Kit, SOON, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        filesystems_and_directories_are_made_with_all_that_is_said_of_them,
        a_second_look_writes_nothing,
        a_list_that_somebody_changed_is_repaired,
        with_report_a_changed_list_is_told_and_left,
        what_is_observed_is_planned_and_not_made,
        entries_are_added_and_taken_away,
        properties_of_others_stay,
    ]
}

fn inbox() -> Value {
    let reads = format!("user:{BOB}:r-x");
    json!([{"name": "raw", "directories": [{"path": "inbox", "acl": acl(&[&reads])}]}])
}

/// The list of [`inbox`] as Azure stores it.
async fn inbox_is_as_declared(lake: &Lake) -> Result<()> {
    let reads = format!("user:{BOB}:r-x");
    let all = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    lake.has_acl("raw", "inbox", &all).await
}

async fn filesystems_and_directories_are_made_with_all_that_is_said_of_them(
    kit: Kit,
) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let reads = format!("user:{BOB}:r-x");
    let inherited = format!("default:{reads}");
    let defaults = [
        "default:user::rwx",
        "default:group::r-x",
        "default:other::---",
    ];
    let list = [[reads.as_str()].as_slice(), &defaults, &[&inherited]].concat();
    let status = lake
        .ready(|spec| {
            spec["filesystems"] = json!([
                {"name": "raw", "properties": {"team": "payments", "place": "Zürich"},
                 "root": {"permissions": "0751"},
                 "directories": [
                    {"path": "sales/2026/q1"},
                    {"path": "sales", "acl": acl(&list)},
                    {"path": "inbox", "owner": ADA, "group": EVE, "permissions": "1770"},
                    {"path": "outbox", "permissions": "rwxr-x--T"},
                 ]},
                {"name": "empty"},
            ]);
        })
        .await?;
    let made = lake.filesystems().await?;
    ensure!(made == ["empty", "raw"], "{made:?}");
    ensure!(lake.property("raw", "team").await?.as_deref() == Some("payments"));
    ensure!(lake.property("raw", "place").await?.as_deref() == Some("Zürich"));
    let inbox = lake.stands("raw", "inbox").await?;
    ensure!(
        inbox["owner"] == ADA && inbox["group"] == EVE && inbox["permissions"] == "rwxrwx--T",
        "{inbox}"
    );
    let outbox = lake.stands("raw", "outbox").await?;
    ensure!(outbox["permissions"] == "rwxr-x--T", "{outbox}");
    let root = lake.stands("raw", "").await?;
    ensure!(root["permissions"] == "rwxr-x--x", "{root}");
    let mut whole = list.clone();
    whole.extend(["user::rwx", "group::r-x", "other::---"]);
    whole.extend(["mask::r-x", "default:mask::r-x"]);
    lake.has_acl("raw", "sales", &whole).await?;
    // It was made after its parent had its list, so it has what that hands down.
    lake.has_acl("raw", "sales/2026", &whole).await?;
    lake.has_acl("raw", "sales/2026/q1", &whole).await?;
    let names: Vec<_> = status.filesystems.iter().map(|one| &one.name).collect();
    ensure!(names == ["empty", "raw"], "{names:?}");
    let dfs = status.endpoints.dfs.clone().unwrap_or_default();
    ensure!(dfs.contains(&lake.host()), "{dfs}");
    ensure!(is(&status, "DataPlaneReachable", "True", "Answers"));
    ensure!(is(&status, "Drifted", "False", "InSync"));
    ensure!(status.lake_applied_generation == status.resource.observed_generation);
    Ok(())
}

async fn a_second_look_writes_nothing(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let reads = format!("user:{}:r-x", BOB.to_uppercase());
    let removed = format!("user:{EVE}");
    let directories = json!([
        {"path": "set", "acl": acl(&[&reads, "mask::rwx"])},
        {"path": "modify", "aclMode": "Modify", "acl": [reads]},
        {"path": "remove", "aclMode": "Remove", "acl": [removed]},
        {"path": "octal", "permissions": "1770"},
        {"path": "letters", "permissions": "rwxr-x---"},
        {"path": "owned", "owner": "$superuser", "group": ADA},
        {"path": "silent/deep"},
    ]);
    lake.ready(|spec| {
        spec["filesystems"] = json!([{
            "name": "raw", "properties": {"Team": "payments"}, "directories": directories,
            "root": {"acl": acl(&[])},
        }]);
    })
    .await?;
    lake.look().await?;
    let (writes, arm) = (lake.writes().await?, lake.estate.writes().await?);
    let before = lake.calls("").await?.len();
    let status = lake.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    ensure!(status.resource.plan.is_empty() && status.resource.drift.is_empty());
    ensure!(lake.writes().await? == writes, "the lake was written");
    ensure!(
        lake.estate.writes().await? == arm,
        "the account was written"
    );
    // The filesystem, its root, and of each directory what it is and, where a list is declared, that list.
    let all = lake.calls("").await?.split_off(before);
    let mut words: Vec<&str> = all.iter().map(|entry| entry.operation.as_str()).collect();
    words.sort_unstable();
    let of = |word: &str| words.iter().filter(|one| **one == word).count();
    ensure!(of("GetFilesystem") == 1, "{words:?}");
    ensure!(of("GetAccessControl") <= 4, "{words:?}");
    ensure!(
        words.len() <= 1 + 1 + 8 + 4,
        "{} calls: {words:?}",
        words.len()
    );
    Ok(())
}

async fn a_list_that_somebody_changed_is_repaired(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| spec["filesystems"] = inbox()).await?;
    inbox_is_as_declared(&lake).await?;
    let open = json!({"acl": format!("user::rwx,user:{EVE}:rwx,group::rwx,mask::rwx,other::r-x")});
    lake.put("raw", "inbox", open).await?;
    let before = lake.writes().await?.len();
    let status = lake.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    inbox_is_as_declared(&lake).await?;
    let writes = lake.writes().await?.split_off(before);
    ensure!(writes == ["SetAccessControl"], "{writes:?}");
    // The Event comes after the status.
    until(SOON, "the repair is told", async || {
        let events = lake.kit.events(&lake.name).await.map_err(seen)?;
        let told = events.contains(&"DriftRepaired Normal".to_owned());
        told.then_some(()).ok_or_else(|| format!("{events:?}"))
    })
    .await
}

async fn with_report_a_changed_list_is_told_and_left(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let spec = |spec: &mut Value| {
        spec["driftPolicy"] = json!("Report");
        spec["filesystems"] = inbox();
    };
    lake.ready(spec).await?;
    inbox_is_as_declared(&lake).await?;
    let open = "user::rwx,group::rwx,other::r-x";
    lake.put("raw", "inbox", json!({"acl": open})).await?;
    let writes = lake.writes().await?;
    let status = lake.look().await?;
    ensure!(is(&status, "Drifted", "True", "Differs"), "{status:?}");
    ensure!(is(&status, "Ready", "True", "Available"));
    let drift = &status.resource.drift;
    ensure!(drift.len() == 1, "{drift:?}");
    ensure!(
        drift[0].path == "filesystems[raw].directories[inbox].acl",
        "{drift:?}"
    );
    ensure!(
        drift[0].desired.contains(BOB) && drift[0].observed.contains("other::r-x"),
        "{drift:?}"
    );
    let plan = &status.resource.plan;
    ensure!(plan.len() == 1 && plan[0].contains("raw/inbox"), "{plan:?}");
    ensure!(lake.writes().await? == writes, "it was repaired");
    // A change of the spec is written as a whole.
    lake.ready(|one| {
        spec(one);
        one["tags"] = json!({"a": "b"});
    })
    .await?;
    inbox_is_as_declared(&lake).await
}

async fn what_is_observed_is_planned_and_not_made(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.make_in_azure(|_| ()).await?;
    lake.admin(
        reqwest::Method::PUT,
        &format!("/filesystems/{}/raw", lake.name),
        None,
    )
    .await?;
    let directories = json!([{"path": "new"}, {"path": "there", "permissions": "0700"}]);
    lake.put("raw", "there", json!({"permissions": "rwxrwxrwx"}))
        .await?;
    let spec = |spec: &mut Value| {
        spec["filesystems"] = json!([
            {"name": "more", "directories": [{"path": "in/it"}]},
            {"name": "raw", "directories": directories},
        ]);
        spec["adopt"] = json!("Always");
    };
    lake.apply(|one| {
        spec(one);
        one["mode"] = json!("Observe");
    })
    .await?;
    lake.says("Synced", "False", "OnlyPlanned").await?;
    let status = lake.look().await?;
    let plan = status.resource.plan.join("; ");
    teaches(
        &plan,
        &[
            "create filesystem more",
            "create directory more/in/it",
            "create directory raw/new",
            "set permissions rwx------ of raw/there",
        ],
    )?;
    let paths: Vec<&str> = status
        .resource
        .drift
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    ensure!(paths.contains(&"filesystems[more]"), "{paths:?}");
    ensure!(
        paths.contains(&"filesystems[raw].directories[there].permissions"),
        "{paths:?}"
    );
    ensure!(lake.writes().await?.is_empty() && lake.estate.writes().await?.is_empty());
    ensure!(lake.filesystems().await? == ["raw"]);
    lake.ready(spec).await?;
    let made = lake.stands("more", "in/it").await?;
    ensure!(made["directory"] == true, "{made}");
    Ok(())
}

async fn entries_are_added_and_taken_away(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let (bob, eve) = (format!("user:{BOB}:r-x"), format!("user:{EVE}:rwx"));
    let mine = format!("user:{ADA}:r--");
    lake.ready(|spec| spec["filesystems"] = json!([{"name": "raw"}]))
        .await?;
    let theirs = format!("user::rwx,{bob},{eve},group::r-x,mask::rwx,other::---");
    for path in ["more", "less"] {
        lake.put("raw", path, json!({"acl": theirs})).await?;
    }
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "more", "aclMode": "Modify", "acl": [mine]},
            {"path": "less", "aclMode": "Remove", "acl": [format!("user:{EVE}")]},
        ]}]);
    })
    .await?;
    let plain = ["user::rwx", "group::r-x", "other::---"];
    let more = [plain.as_slice(), &["mask::rwx", &bob, &eve, &mine]].concat();
    lake.has_acl("raw", "more", &more).await?;
    // Without the one who could write, nobody in the mask's reach can.
    let less = [plain.as_slice(), &["mask::r-x", &bob]].concat();
    lake.has_acl("raw", "less", &less).await?;
    let writes = lake.writes().await?;
    lake.look().await?;
    ensure!(
        lake.writes().await? == writes,
        "it is written again and again"
    );
    // One who comes back goes again; others who come stay.
    lake.put("raw", "less", json!({"acl": format!("{theirs},{mine}")}))
        .await?;
    lake.look().await?;
    let less = [plain.as_slice(), &["mask::r-x", &bob, &mine]].concat();
    lake.has_acl("raw", "less", &less).await
}

async fn properties_of_others_stay(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let with = |properties: Value| {
        move |spec: &mut Value| {
            spec["filesystems"] = json!([{"name": "raw", "properties": properties}]);
        }
    };
    lake.ready(with(json!({"team": "payments", "gone": "soon"})))
        .await?;
    // Somebody else adds one, as a client does: all of them are set at once.
    let theirs = lake.other().await?;
    theirs
        .set_properties(
            "raw",
            &[("team", "others"), ("gone", "soon"), ("theirs", "x")],
        )
        .await?;
    lake.look().await?;
    ensure!(lake.property("raw", "team").await?.as_deref() == Some("payments"));
    let status = lake.ready(with(json!({"team": "payments"}))).await?;
    ensure!(lake.property("raw", "theirs").await?.as_deref() == Some("x"));
    ensure!(lake.property("raw", "gone").await?.is_none());
    let one = status.filesystems.first().context("no filesystem")?;
    ensure!(one.properties == ["team"] && !one.found, "{one:?}");
    ensure!(condition(&status, "Synced").is_some());
    Ok(())
}
