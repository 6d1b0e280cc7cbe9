//! Plans for Secrets, and for what is pushed.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Desk;
use crate::key_vaults::estate::Estate;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        the_keys_of_a_secret_are_planned,
        a_sync_of_a_vault_that_is_not_there_yet_waits,
        what_is_pushed_is_planned,
    ]
}

/// Name and fate of each key.
fn fates(plan: &Value) -> Vec<(String, String)> {
    let keys = plan["keys"].as_array().cloned().unwrap_or_default();
    let word = |key: &Value, field: &str| key[field].as_str().unwrap_or_default().to_owned();
    let fates = keys
        .iter()
        .map(|key| (word(key, "key"), word(key, "action")));
    fates.collect()
}

fn fate(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, fate)| ((*key).to_owned(), (*fate).to_owned()))
        .collect()
}

async fn the_keys_of_a_secret_are_planned(kit: Kit) -> Result<()> {
    let desk = Desk::new(&kit)?;
    kit.make_identity().await?;
    kit.plant("s", "one").await?;
    let (other, _) = kit.plant("o", "one").await?;
    let app =
        |data: &[(&str, &str)]| kit.sync("app", data, |spec| spec["refreshInterval"] = json!("1h"));
    let first = app(&[("K", "s"), ("O", "o")]);
    let (plans, code) = desk.plan(std::slice::from_ref(&first)).await?;
    ensure!(
        fates(&plans[0]) == fate(&[("K", "add"), ("O", "add")]),
        "{plans}"
    );
    let expected = json!(["create Secret app with 2 key(s)"]);
    ensure!(plans[0]["steps"] == expected && code == 2, "{plans}");
    ensure!(
        kit.secrets().get_opt("app").await?.is_none(),
        "a plan wrote"
    );

    kit.apply(first.clone()).await?;
    kit.is_synced("app").await?;
    let (plans, code) = desk.plan(std::slice::from_ref(&first)).await?;
    ensure!(code == 0 && plans[0]["steps"] == json!([]), "{plans}");
    let kept = fate(&[("K", "keep"), ("O", "keep")]);
    ensure!(fates(&plans[0]) == kept, "{plans}");

    // A new version that the operator has not looked for yet, a key that goes, and one that cannot be had.
    let (_, version) = kit.plant("s", "two").await?;
    let second = app(&[("K", "s"), ("N", "none")]);
    let (plans, code) = desk.plan(&[second]).await?;
    let expected = fate(&[("K", "change"), ("N", "lack"), ("O", "remove")]);
    ensure!(fates(&plans[0]) == expected && code == 1, "{plans}");
    ensure!(plans[0]["keys"][0]["version"] == json!(version), "{plans}");
    let obstacle = &plans[0]["obstacles"][0];
    ensure!(
        obstacle["reason"] == "ObjectNotFound" && obstacle["at"] == "N",
        "{plans}"
    );
    let data = kit.data("app").await?;
    ensure!(
        data.get("O") == Some(&other) && data.len() == 2,
        "a plan wrote"
    );
    // A Secret of somebody else.
    kit.make_credential("theirs", "x").await?;
    let theirs = kit.sync("beside", &[("K", "s")], |spec| {
        spec["target"] = json!({"name": "theirs"});
    });
    let (plans, code) = desk.plan(&[theirs]).await?;
    let reason = &plans[0]["obstacles"][0]["reason"];
    ensure!(reason == "TargetNotOurs" && code == 1, "{plans}");
    Ok(())
}

async fn a_sync_of_a_vault_that_is_not_there_yet_waits(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    let sync = estate.kit.sync("app", &[("K", "s")], |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["vaultRef"] = json!({"name": estate.name});
        spec["identityRef"]["name"] = json!("manager");
    });
    let (plans, code) = desk.plan(&[estate.vault(|_| ()), sync]).await?;
    let waits = &plans[1]["waits"][0]["reason"];
    ensure!(waits == "WaitingForVault" && code == 2, "{plans}");
    Ok(())
}

async fn what_is_pushed_is_planned(kit: Kit) -> Result<()> {
    let desk = crate::push::Desk::set(kit).await?;
    let plans_desk = Desk::new(&desk.kit)?;
    let sync = desk.app(&json!({}));
    let (plans, code) = plans_desk.plan(std::slice::from_ref(&sync)).await?;
    let steps = plans[0]["steps"].to_string();
    ensure!(steps.contains("set secret/db in") && code == 2, "{plans}");
    desk.kit.apply(sync.clone()).await?;
    desk.is_pushed().await?;
    let (plans, code) = plans_desk.plan(&[sync]).await?;
    ensure!(plans[0]["steps"] == json!([]) && code == 0, "{plans}");
    Ok(())
}
