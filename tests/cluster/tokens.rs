//! Keys that hold tokens of the sync's identity; and tokens of all kinds across restarts, and when their time comes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube::Api;
use kube::api::{Patch, PatchParams};
use lakevault::azure_identity::api::ClusterAzureIdentity;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use crate::hands::version;
use crate::kit::{Kit, World, teaches};
use crate::logins::Server;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_token_of_the_identity_arrives_and_is_repaired_and_replaced,
        a_token_that_cannot_be_renewed_stays_beside_keys_that_go_on,
        an_unknown_application_is_told,
        a_lent_identity_gives_tokens_by_its_resources_alone,
        tokens_outlive_restarts_and_are_renewed_by_themselves,
    ]
}

/// Longer than any token of these tests lives.
const LIFE: Duration = Duration::from_mins(2);

fn resource(kit: &Kit) -> String {
    format!("api://{}", kit.client_id)
}

/// Key `T` of the identity.
fn of_identity(kit: &Kit) -> Value {
    json!({"key": "T", "accessToken": {"resource": resource(kit)}})
}

/// A sync `app` without a vault.
pub fn app(kit: &Kit, data: Value) -> Value {
    kit.sync("app", &[], |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["data"] = data;
    })
}

/// What a key of Secret `app` holds.
pub async fn held(kit: &Kit, key: &str) -> Result<String> {
    let mut data = kit.data("app").await?;
    data.remove(key).with_context(|| format!("no key {key}"))
}

/// Waits until a key of Secret `app` holds something other than `before`.
async fn replaced(kit: &Kit, key: &str, before: &str, within: Duration) -> Result<String> {
    until(within, &format!("{key} is replaced"), async || {
        let now = held(kit, key).await.map_err(seen)?;
        if now == before {
            Err("the old one is still there".to_owned())
        } else {
            Ok(now)
        }
    })
    .await
}

fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).context("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

async fn a_token_of_the_identity_arrives_and_is_repaired_and_replaced(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.apply(app(&kit, json!([of_identity(&kit)]))).await?;
    kit.is_synced("app").await?;
    let first = held(&kit, "T").await?;
    let told = claims(&first)?;
    ensure!(
        (&told["aud"], &told["appid"]) == (&json!(resource(&kit)), &json!(kit.client_id)),
        "{told}"
    );
    let status = kit
        .status_when("app", "has a key", |s| s.keys.len() == 1)
        .await?;
    let key = &status.keys[0];
    let ends = key
        .expires
        .as_ref()
        .context("no time of expiry")?
        .0
        .as_second();
    let exp = told["exp"].as_i64().context("no exp")?;
    // The token's own time is the server's, ours is told by ours.
    ensure!(
        key.object == resource(&kit) && (exp - ends).abs() < 60,
        "{key:?}, and the token has {told}"
    );
    // A repair puts the same token back, and a look has nothing to write.
    let secret = kit.secret("app").await?;
    kit.damage("app", json!({"stringData": {"T": "damaged"}}))
        .await?;
    kit.holds("app", &[("T", &first)]).await?;
    ensure!(asked_for_tokens(&kit).await? == 1, "a repair cost a token");
    kit.marker().await?;
    let repaired = kit.secret("app").await?;
    kit.edit("app", json!({"metadata": {"labels": {"touched": "yes"}}}))
        .await?;
    kit.marker().await?;
    ensure!(
        version(&kit.secret("app").await?) == version(&repaired),
        "it was written without a reason"
    );
    // Who asks for a look gets a new one.
    kit.look("app").await?;
    let second = held(&kit, "T").await?;
    ensure!(second != first, "the old token was given again");
    let metadata = serde_json::to_string(&[&secret.metadata, &kit.secret("app").await?.metadata])?;
    let signature = first.rsplit('.').next().context("no signature")?;
    ensure!(!metadata.contains(signature), "the token is in metadata");
    Ok(())
}

async fn a_token_that_cannot_be_renewed_stays_beside_keys_that_go_on(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["data"].as_array_mut().unwrap().push(of_identity(&kit));
    });
    kit.apply(sync).await?;
    kit.is_synced("app").await?;
    let token = held(&kit, "T").await?;
    // The vault's token lives; only new ones cannot be had.
    kit.admin()
        .delete_application(crate::kit::TENANT, &kit.client_id)
        .await?;
    let (value, _) = kit.plant("s", "second").await?;
    kit.look("app").await?;
    let message = kit
        .says("app", "Synced", "False", "ApplicationNotFound")
        .await?;
    teaches(&message, &["T: "])?;
    kit.holds("app", &[("K", &value), ("T", &token)]).await?;
    kit.says("app", "Ready", "True", "AllKeysPresent")
        .await
        .map(drop)
}

async fn an_unknown_application_is_told(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let unknown = json!({"key": "U", "accessToken": {"resource": "api://unknown"}});
    kit.apply(app(&kit, json!([of_identity(&kit), unknown])))
        .await?;
    let message = kit
        .says("app", "Synced", "False", "ResourceNotFound")
        .await?;
    teaches(&message, &["U: ", "api://unknown"])?;
    ensure!(held(&kit, "T").await?.starts_with("eyJ"), "no token");
    Ok(())
}

async fn a_lent_identity_gives_tokens_by_its_resources_alone(kit: Kit) -> Result<()> {
    let name = format!("lent-{}", kit.namespace);
    let system = Kit {
        namespace: "lakevault-system".to_owned(),
        ..kit.clone()
    };
    let credential = format!("sp-{}", kit.namespace);
    system
        .make_credential(&credential, &kit.client_secret)
        .await?;
    let by_secret = json!({"clientSecret": {"name": credential, "key": "secret"}});
    let mut identity = kit.identity(&name, by_secret);
    identity["kind"] = json!("ClusterAzureIdentity");
    identity["metadata"] = json!({"name": name});
    identity["spec"]["allow"] = json!([{"namespaces": {"names": [kit.namespace]}}]);
    kit.apply(identity).await?;
    let mut sync = app(&kit, json!([of_identity(&kit)]));
    sync["spec"]["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": name});
    kit.apply(sync).await?;
    let message = kit
        .says("app", "Synced", "False", "IdentityNotAllowed")
        .await?;
    teaches(&message, &["spec.allow[].resources", &resource(&kit)])?;
    ensure!(
        asked_for_tokens(&kit).await? == 0,
        "a token was asked for that is not lent"
    );
    let allow = json!([{"namespaces": {"names": [kit.namespace]}, "resources": ["api://*"]}]);
    let identities: Api<ClusterAzureIdentity> = Api::all(kit.client());
    let patch = Patch::Merge(json!({"spec": {"allow": allow}}));
    identities
        .patch(&name, &PatchParams::default(), &patch)
        .await?;
    kit.is_synced("app").await?;
    ensure!(claims(&held(&kit, "T").await?)?["aud"] == json!(resource(&kit)));
    Ok(())
}

async fn tokens_outlive_restarts_and_are_renewed_by_themselves(_: Kit) -> Result<()> {
    let world = Arc::new(World::start().await?);
    let mut kit = Kit::new(world, "tokens").await?;
    kit.make_identity().await?;
    let (planted, _) = kit.plant("s", "first").await?;
    // From then on nothing is written just because a time has settled.
    kit.apply(kit.sync("probe", &[("K", "s")], |_| ())).await?;
    kit.settled("probe", "probe").await?;
    kit.remove("probe").await?;
    let once = {
        let server = Server::start(kit.clone()).await?;
        kit.sync("app", &[("K", "s")], |spec| {
            spec["refreshInterval"] = json!("0s");
            let data = spec["data"].as_array_mut().unwrap();
            data.extend([of_identity(&kit), server.entry()]);
        })
    };
    let mut often = once.clone();
    often["metadata"]["name"] = json!("often");
    often["spec"]["refreshInterval"] = json!("10s");
    for sync in [once, often] {
        let name = sync["metadata"]["name"].as_str().unwrap().to_owned();
        kit.apply(sync).await?;
        kit.is_synced(&name).await?;
    }
    a_restart_asks_for_nothing(&mut kit).await?;
    kit.remove("often").await?;
    // Tokens that end soon, asked for once by hand.
    let server = Server::of(kit.clone());
    kit.admin()
        .settings(&json!({"tokenLifetimeSeconds": 40}))
        .await?;
    server.seed(40).await?;
    kit.look("app").await?;
    let (token, login) = (held(&kit, "T").await?, held(&kit, "M").await?);
    let asked = kit.asked().await?;
    replaced(&kit, "T", &token, LIFE).await?;
    let renewed = replaced(&kit, "M", &login, LIFE).await?;
    ensure!(
        server.takes(&renewed).await? == 200,
        "the server takes it not"
    );
    kit.is_synced("app").await?;
    ensure!(held(&kit, "K").await? == planted, "the vault's key changed");
    ensure!(
        kit.asked().await? == asked,
        "a renewal looked at the vault, which was to be looked at once"
    );
    Ok(())
}

/// How often tokens for the application itself were asked for.
async fn asked_for_tokens(kit: &Kit) -> Result<usize> {
    let recorded: Value = kit
        .admin()
        .call(reqwest::Method::GET, "/recordings", None)
        .await?;
    let scope = format!("{}/.default", resource(kit));
    let all = recorded.as_array().context("no list")?.iter();
    Ok(all.filter(|entry| entry["form"]["scope"] == scope).count())
}

async fn a_restart_asks_for_nothing(kit: &mut Kit) -> Result<()> {
    let state = async |kit: &Kit| -> Result<(String, String, usize, usize)> {
        let (app, often) = (kit.secret("app").await?, kit.secret("often").await?);
        let logins = Server::of(kit.clone()).asked("Login").await?;
        let versions = (version(&app).to_owned(), version(&often).to_owned());
        Ok((versions.0, versions.1, asked_for_tokens(kit).await?, logins))
    };
    let before = state(kit).await?;
    ensure!(
        (before.2, before.3) == (1, 2),
        "tokens and logins: {before:?}"
    );
    let world = Arc::get_mut(&mut kit.world).context("the world is shared")?;
    world.operator.terminate(Duration::from_secs(10)).await?;
    let asked = kit.asked().await?;
    let world = Arc::get_mut(&mut kit.world).context("the world is shared")?;
    world.operator.restart().await?;
    kit.marker().await?;
    // `often` has been looked at, and then again after its interval.
    kit.asked_at_least(asked + 2).await?;
    let after = state(kit).await?;
    ensure!(after == before, "{before:?} became {after:?}");
    Ok(())
}
