//! Tokens under stress: who waits for whom, who asks how often, and what one identity's trouble costs another.

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use kube::api::ListParams;
use serde_json::json;
use testbed::poll::{expect, seen};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule, until};

use crate::identity_faults::token;
use crate::kit::{Kit, SOON, condition};
use crate::lane::{Lane, client_secret};
use crate::scene::{ended, looks, neighbour};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        fifty_waiters_share_a_refusal,
        one_tenant_hangs_and_the_others_do_not,
        a_limit_is_of_its_tenant_alone,
        claims_that_a_vault_asks_for,
        claims_that_no_token_satisfies,
    ]
}

const WAITERS: usize = 50;

/// Entra answers 400 after 100 ms: it is asked once for all.
async fn fifty_waiters_share_a_refusal(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    let kit = &lane.kit;
    for n in 0..WAITERS {
        let sync = kit.sync(&format!("w{n}"), &[("K", "s")], |spec| {
            spec["identityRef"]["name"] = json!("late");
        });
        kit.apply(sync).await?;
    }
    let all_say = async |reason: &str| {
        until(SOON, &format!("all say {reason}"), async || {
            let syncs = kit.syncs().list(&ListParams::default()).await;
            let syncs = syncs.map_err(seen)?;
            let saying = syncs.iter().filter(|sync| {
                let status = sync.status.as_ref();
                let synced = status.and_then(|status| condition(status, "Synced"));
                synced.is_some_and(|synced| synced.reason == reason)
            });
            expect(&saying.count(), &WAITERS)
        })
        .await
    };
    all_say("IdentityNotFound").await?;
    let body = json!({"error": "unauthorized_client", "error_codes": [700_016], "error_description": "AADSTS700016: no"});
    lane.fault(Fault::LatencyMs(100)).await?;
    lane.fault(Fault::body(400, &body)).await?;
    kit.apply(lane.identity("late", client_secret("sp")))
        .await?;
    all_say("ApplicationNotFound").await?;
    let refused = lane.token_requests().await?;
    let refused = refused.iter().filter(|entry| entry.status == 400).count();
    ensure!(refused == 1, "{refused} requests for {WAITERS} waiters");
    Ok(())
}

async fn one_tenant_hangs_and_the_others_do_not(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let hangs = lane.fault(Fault::Hang(true)).await?;
    lane.touch_credential().await?;
    until(SOON, "Entra is asked, and hangs", async || {
        let requests = lane.token_requests().await.map_err(seen)?;
        let hangs = requests.iter().any(|entry| entry.status == 0);
        expect(&hangs, &true)
    })
    .await?;
    // Another tenant has its tokens, and so has another identity of the same one that is not asked for anew.
    let other = neighbour(&lane.kit).await?;
    other.synced_app().await?;
    let (value, _) = lane.kit.plant("b", "while-it-hangs").await?;
    lane.kit.look("beside").await?;
    lane.kit.holds("beside", &[("B", &value)]).await?;
    // It hangs still: its time-out would be in the status.
    lane.identity_says("True", "TokenAcquired").await?;
    lane.kit.admin().remove_fault(&hangs).await?;
    lane.rotate().await?;
    lane.works_after_a_look().await
}

async fn a_limit_is_of_its_tenant_alone(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let fault = lane.fault(Fault::throttled(Some(4))).await?;
    lane.touch_credential().await?;
    lane.identity_says("False", "Throttled").await?;
    // A second identity of the tenant does not even ask.
    let kit = lane.kit.clone();
    kit.apply(lane.identity("second", client_secret("sp")))
        .await?;
    let sync = kit.sync("second", &[("K", "s")], |spec| {
        spec["identityRef"]["name"] = json!("second");
    });
    kit.apply(sync).await?;
    kit.says("second", "Synced", "False", "Throttled").await?;
    let other = neighbour(&kit).await?;
    other.synced_app().await?;
    kit.admin().remove_fault(&fault).await?;
    kit.is_synced("second").await?;
    lane.rotate().await?;
    lane.works_after_a_look().await?;
    let requests = lane.token_requests().await?;
    // On a slow machine the limit is asked about more than once, each time when it is allowed again.
    let limit = SignedDuration::from_secs(4);
    let refused = |entry: &&JournalEntry| entry.status == 429;
    ensure!(
        requests.iter().any(|entry| refused(&entry)),
        "never limited"
    );
    for (entry, next) in requests.iter().zip(requests.iter().skip(1)) {
        if refused(&entry) {
            ensure!(ended(next)? >= ended(entry)? + limit, "too early: {next:?}");
        }
    }
    Ok(())
}

/// The vault of a lane gives secret `s` only to a token that was asked for with these claims.
async fn challenge(lane: &Lane) -> Result<()> {
    let nbf = json!({"essential": true, "value": "1700000000"});
    let claims = json!({"access_token": {"nbf": nbf}}).to_string();
    let host = format!(
        "{}.{}",
        lane.kit.vault,
        lane.kit.endpoints().key_vault_suffix
    );
    let rule = FaultRule::new(&host, Fault::ClaimsChallenge { claims }).on_path("^/secrets(/s/|$)");
    lane.kit.admin().add_fault(&rule).await.map(drop)
}

async fn claims_that_a_vault_asks_for(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    challenge(&lane).await?;
    let before = lane.token_requests().await?.len();
    // The first look answers the challenge, the second one uses the token that it brought.
    for _ in 0..2 {
        lane.rotate().await?;
        lane.works_after_a_look().await?;
        let tokens = lane.token_requests().await?.len() - before;
        ensure!(tokens == 1, "{tokens} tokens");
    }
    Ok(())
}

/// Entra gives tokens without the claims: one for each look that is refused, and then the look ends.
async fn claims_that_no_token_satisfies(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let body = json!({"access_token": token(&lane).await?, "expires_in": 3599});
    lane.fault(Fault::body(200, &body)).await?;
    challenge(&lane).await?;
    let before = lane.token_requests().await?.len();
    lane.kit.look("app").await?;
    lane.fails("Unauthorized", &["does not accept tokens"])
        .await?;
    let asked = looks(&lane.kit, &lane.kit.vault).await?;
    let refused = asked.iter().filter(|entry| entry.status == 401).count();
    let tokens = lane.token_requests().await?.len() - before;
    ensure!(
        (1..refused).contains(&tokens),
        "{tokens} tokens for {refused} refusals"
    );
    Ok(())
}
