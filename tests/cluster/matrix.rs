//! Each fault, met by each operation, for each kind of source. No key is lost or blanked, other vaults are followed, the
//! condition has its stable reason, and all is over when the fault is.

mod stage;
mod table;
mod watch;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use testbed::poll::Look;

use self::stage::{Cell, Stage};
use self::table::{Operation, Row, Seen, of_tokens, of_vaults};
use self::watch::{Data, Now, Watch};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![faults_of_vaults, faults_of_authorities]
}

async fn faults_of_vaults(kit: Kit) -> Result<()> {
    each(kit, of_vaults()).await
}

async fn faults_of_authorities(kit: Kit) -> Result<()> {
    each(kit, of_tokens()).await
}

/// All rows are in trouble at once; each is mended as soon as it has told what is wrong.
async fn each(kit: Kit, rows: Vec<Row>) -> Result<()> {
    let watch = Watch::of(kit.clone());
    let mut stage = Stage::set(kit, rows).await?;
    let before = watch
        .until("all are synced", stage.cells(), |_, now| now.is_well())
        .await?;
    let mut data = before.values().flat_map(|now| now.data.values());
    ensure!(!data.any(Vec::is_empty), "a value is blank");

    stage.trouble().await?;
    let (beside, _) = stage.beside.plant("b", "second").await?;
    let word = stage.look().await?;
    // Another vault of the same identity is followed while all of them are in trouble.
    stage.beside.look("beside").await?;
    stage.beside.holds("beside", &[("B", &beside)]).await?;
    let (stage, watch, before) = (&stage, &watch, &before);
    let rows = stage.places.iter().map(async |place| {
        let told = |cell: &Cell, now: &Now| {
            if now.status.handled_sync_at.as_ref() != Some(&word) {
                return Err("the look is not made".to_owned());
            }
            let beside = cell.has_beside().then_some(beside.as_bytes());
            is_told(cell, &before[&cell.name].data, now, beside)
        };
        let what = "each says what is wrong, and keeps what it has";
        watch.until(what, place.cells.iter(), told).await?;
        stage.mend(place).await?;
        // Nobody asks for a look.
        let mended = |cell: &Cell, now: &Now| {
            now.is_well()?;
            all_new(&before[&cell.name].data, &now.data)
        };
        let what = "each is well again, and has what is new";
        watch.until(what, place.cells.iter(), mended).await
    });
    try_join_all(rows).await.map(drop)
}

/// Whether a sync in trouble says so, has what it had, and follows the other vault.
fn is_told(cell: &Cell, before: &Data, now: &Now, beside: Option<&[u8]>) -> Look<()> {
    now.says("Ready", "True", "AllKeysPresent")?;
    let (mut old, mut new) = (before.clone(), now.data.clone());
    old.remove("B");
    if new.remove("B").as_deref() != beside {
        return Err("the other vault is not followed".to_owned());
    }
    match (cell.seen, cell.operation) {
        // What was found before is followed, list or no list.
        (Seen::Fails(reason), Operation::List) => {
            now.fails(reason).and_then(|()| same_keys(&old, &new))
        }
        (Seen::Fails(reason), _) => now.fails(reason).and_then(|()| same(&old, &new)),
        (Seen::Stays, _) => now.is_well().and_then(|()| same(&old, &new)),
        (Seen::Arrives, _) => now.is_well().and_then(|()| all_new(&old, &new)),
        (Seen::Either(reason), _) => {
            let fails = now.fails(reason).and_then(|()| same_keys(&old, &new));
            fails.or_else(|_| now.is_well().and_then(|()| all_new(&old, &new)))
        }
    }
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
