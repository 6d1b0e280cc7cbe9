//! Each fault, met by each operation, for each kind of source. No key is lost or blanked, other vaults are followed, the
//! condition has its stable reason, and all is over when the fault is.

mod stage;
mod table;

use std::time::Duration;

use anyhow::{Result, ensure};
use testbed::poll::Look;

use self::stage::{Data, Now, Stage};
use self::table::{Operation, Row, Seen, of_tokens, of_vaults};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![faults_of_vaults, faults_of_authorities]
}

/// For a hundred syncs together.
const ALL: Duration = Duration::from_secs(90);

async fn faults_of_vaults(kit: Kit) -> Result<()> {
    each(kit, of_vaults()).await
}

async fn faults_of_authorities(kit: Kit) -> Result<()> {
    each(kit, of_tokens()).await
}

async fn each(kit: Kit, rows: Vec<Row>) -> Result<()> {
    let mut stage = Stage::set(kit, rows).await?;
    let well = |now: &Now| {
        now.says("Synced", "True", "UpToDate")?;
        now.says("Degraded", "False", "Healthy")
    };
    let before = stage
        .until(ALL, "all are synced", |_, now| well(now))
        .await?;
    ensure!(
        before
            .values()
            .all(|now| !now.data.values().any(Vec::is_empty))
    );

    stage.trouble().await?;
    let (beside, _) = stage.beside.plant("b", "second").await?;
    let word = stage.look().await?;
    // Another vault of the same identity is followed while all of them are in trouble.
    stage.beside.look("beside").await?;
    stage.beside.holds("beside", &[("B", &beside)]).await?;
    stage
        .until(
            ALL,
            "each says what is wrong, and keeps what it has",
            |cell, now| {
                if now.status.handled_sync_at.as_ref() != Some(&word) {
                    return Err("the look is not made".to_owned());
                }
                let fails = |reason| {
                    now.says("Synced", "False", reason)?;
                    now.says("Degraded", "True", reason)
                };
                now.says("Ready", "True", "AllKeysPresent")?;
                let (mut old, mut new) = (before[&cell.name].data.clone(), now.data.clone());
                let followed = new.remove("B");
                old.remove("B");
                if Stage::has_beside(cell) && followed.as_deref() != Some(beside.as_bytes()) {
                    return Err("the other vault is not followed".to_owned());
                }
                match (cell.seen, cell.operation) {
                    // What was found before is followed, list or no list.
                    (Seen::Fails(reason), Operation::List) => {
                        fails(reason).and_then(|()| same_keys(&old, &new))
                    }
                    (Seen::Fails(reason), _) => fails(reason).and_then(|()| same(&old, &new)),
                    (Seen::Stays, _) => well(now).and_then(|()| same(&old, &new)),
                    (Seen::Arrives, _) => well(now).and_then(|()| all_new(&old, &new)),
                    (Seen::Either(reason), _) => fails(reason)
                        .and_then(|()| same_keys(&old, &new))
                        .or_else(|_| well(now).and_then(|()| all_new(&old, &new))),
                }
            },
        )
        .await?;

    stage.mend().await?;
    stage
        .until(
            ALL,
            "each is well again, and has what is new",
            |cell, now| {
                well(now)?;
                all_new(&before[&cell.name].data, &now.data)
            },
        )
        .await?;
    Ok(())
}

fn same(old: &Data, new: &Data) -> Look<()> {
    if old == new {
        Ok(())
    } else {
        Err("its values have changed".to_owned())
    }
}

/// No key is lost, and none is blank.
fn same_keys(old: &Data, new: &Data) -> Look<()> {
    let blank = new.values().any(Vec::is_empty);
    if !blank && old.keys().eq(new.keys()) {
        Ok(())
    } else {
        Err(format!("the keys are {:?}", new.keys()))
    }
}

/// The same keys, and each has another value.
fn all_new(old: &Data, new: &Data) -> Look<()> {
    same_keys(old, new)?;
    // A self-signed certificate stands in two files; all of them are new.
    let same = old
        .iter()
        .filter(|(key, value)| new.get(*key) == Some(*value));
    let same: Vec<&String> = same.map(|(key, _)| key).collect();
    if same.is_empty() {
        Ok(())
    } else {
        Err(format!("{same:?} are the old ones"))
    }
}
