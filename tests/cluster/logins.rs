//! Keys that hold tokens of a Machine Learning Server's own login.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, FaultRule, until};

use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::scene::requests;
use crate::tokens::{app, held};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_login_is_renewed_and_ended_with_the_sync,
        a_login_ends_with_its_entry,
        a_refused_renewal_is_followed_by_a_login,
        a_refused_password_is_not_repeated_until_it_changes,
        a_server_that_is_away_holds_no_deletion_up,
    ]
}

/// A Machine Learning Server with user `ada`, whose password is in Secret `ada`.
pub struct Server {
    kit: Kit,
    host: String,
    password: String,
}

impl Server {
    pub fn of(kit: Kit) -> Self {
        let suffix = kit.endpoints().key_vault_suffix.clone();
        let suffix = suffix.trim_start_matches("vault.");
        Self {
            host: format!("mls-{}.{suffix}", kit.vault),
            password: format!("{PLANTED}{}-ada", kit.vault),
            kit,
        }
    }

    pub async fn start(kit: Kit) -> Result<Self> {
        let server = Self::of(kit);
        server.seed(3600).await?;
        server.give(&server.password).await?;
        Ok(server)
    }

    /// Its tokens live so many seconds from now on.
    pub async fn seed(&self, life: i64) -> Result<()> {
        let users = json!([{"username": "ada", "password": self.password}]);
        let server = json!({"host": self.host, "users": users, "tokenLifetimeSeconds": life});
        self.kit.admin().seed(&json!({"mlServers": [server]})).await
    }

    /// Puts a password into the Secret.
    async fn give(&self, password: &str) -> Result<()> {
        self.kit.make_credential("ada", password).await
    }

    /// Key `M` of this server.
    pub fn entry(&self) -> Value {
        json!({"key": "M", "accessToken": {"mlServer": {
            "url": format!("https://{}/", self.host), "username": "ada",
            "passwordFrom": {"name": "ada", "key": "secret"}
        }}})
    }

    /// How often it was asked for this.
    pub async fn asked(&self, operation: &str) -> Result<usize> {
        Ok(requests(&self.kit, &self.host, operation).await?.len())
    }

    async fn asked_once(&self, operation: &str) -> Result<()> {
        until(SOON, operation, async || {
            match self.asked(operation).await.map_err(seen)? {
                1 => Ok(()),
                other => Err(format!("{other}")),
            }
        })
        .await
    }

    /// The status of a call with a token.
    pub async fn takes(&self, token: &str) -> Result<u16> {
        let endpoints = self.kit.endpoints();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&endpoints.ca_file)?)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, endpoints.port));
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([ca])
            .resolve(&self.host, address)
            .build()?;
        let request = client.get(format!("https://{}/services", self.host));
        Ok(request.bearer_auth(token).send().await?.status().as_u16())
    }

    /// Sync `app` with key `M` and no identity at all. Gives back the token.
    async fn synced(&self) -> Result<String> {
        let mut sync = app(&self.kit, json!([self.entry()]));
        sync["spec"].as_object_mut().unwrap().remove("identityRef");
        self.kit.apply(sync).await?;
        self.kit.is_synced("app").await?;
        held(&self.kit, "M").await
    }
}

async fn a_login_is_renewed_and_ended_with_the_sync(kit: Kit) -> Result<()> {
    let server = Server::start(kit.clone()).await?;
    let first = server.synced().await?;
    ensure!(
        server.takes(&first).await? == 200,
        "the server takes it not"
    );
    kit.damage("app", json!({"stringData": {"M": "damaged"}}))
        .await?;
    kit.holds("app", &[("M", &first)]).await?;
    kit.look("app").await?;
    let second = held(&kit, "M").await?;
    ensure!(second != first, "the old token was given again");
    ensure!(
        server.takes(&second).await? == 200,
        "the server takes it not"
    );
    let asked = (
        server.asked("Login").await?,
        server.asked("RefreshLogin").await?,
    );
    ensure!(asked == (1, 1), "logins and renewals: {asked:?}");
    kit.remove("app").await?;
    server.asked_once("Logout").await?;
    ensure!(
        server.takes(&second).await? == 401,
        "the login has not ended"
    );
    Ok(())
}

async fn a_login_ends_with_its_entry(kit: Kit) -> Result<()> {
    let server = Server::start(kit.clone()).await?;
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["data"].as_array_mut().unwrap().push(server.entry());
    });
    kit.apply(sync).await?;
    kit.is_synced("app").await?;
    ensure!(held(&kit, "M").await?.starts_with("eyJ"), "no token");
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    kit.holds("app", &[("K", &value)]).await?;
    server.asked_once("Logout").await
}

async fn a_refused_renewal_is_followed_by_a_login(kit: Kit) -> Result<()> {
    let server = Server::start(kit.clone()).await?;
    let first = server.synced().await?;
    let refused = FaultRule::new(&server.host, Fault::status(401)).on_path("^/login/refreshToken");
    let fault = kit.admin().add_fault(&refused).await?;
    kit.look("app").await?;
    kit.admin().remove_fault(&fault).await?;
    ensure!(
        held(&kit, "M").await? != first,
        "the old token was given again"
    );
    let asked = (
        server.asked("Login").await?,
        server.asked("RefreshLogin").await?,
    );
    ensure!(asked == (2, 1), "logins and renewals: {asked:?}");
    Ok(())
}

async fn a_refused_password_is_not_repeated_until_it_changes(kit: Kit) -> Result<()> {
    let server = Server::start(kit.clone()).await?;
    server.give(&format!("{PLANTED}wrong")).await?;
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["data"].as_array_mut().unwrap().push(server.entry());
    });
    kit.apply(sync).await?;
    let message = kit.says("app", "Synced", "False", "LoginRefused").await?;
    teaches(&message, &["M: ", "ada", &server.host, "401"])?;
    kit.holds("app", &[("K", &value)]).await?;
    // Looks for other reasons: the Secret is damaged, and the spec is edited.
    kit.damage("app", json!({"stringData": {"K": "damaged"}}))
        .await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.edit("app", json!({"spec": {"refreshInterval": "1h"}}))
        .await?;
    kit.says("app", "Synced", "False", "LoginRefused").await?;
    ensure!(
        server.asked("Login").await? == 1,
        "a refused password was repeated"
    );
    server.give(&server.password).await?;
    kit.is_synced("app").await?;
    ensure!(
        server.takes(&held(&kit, "M").await?).await? == 200,
        "the server takes it not"
    );
    ensure!(
        server.asked("Login").await? == 2,
        "it logged in more than once"
    );
    Ok(())
}

async fn a_server_that_is_away_holds_no_deletion_up(kit: Kit) -> Result<()> {
    let server = Server::start(kit.clone()).await?;
    server.synced().await?;
    let hangs = FaultRule::new(&server.host, Fault::Hang(true));
    let fault = kit.admin().add_fault(&hangs).await?;
    kit.remove("app").await?;
    kit.admin().remove_fault(&fault).await
}
