//! A simulator in this process, and clients that reach it by name as a client of Azure would.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod assertions;
pub(crate) mod issuer;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use azure_simulator::{Endpoints, Options, Simulator};
use reqwest::{
    Certificate, Method, RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const OBJECT: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const SECRET: &str = "s3cret";
pub(crate) const VAULT: &str = "kv-demo";
pub(crate) const VAULT_URL: &str = "https://kv-demo.vault.sim.test";
pub(crate) const LOGIN_URL: &str = "https://login.sim.test";
pub(crate) const SCOPE: &str = "https://vault.sim.test/.default";

/// How long a test waits for something that shall come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One tenant, one application with a secret, one vault that it may do everything in.
pub(crate) fn seed() -> Value {
    json!({
        "settings": {"deletionDelayMs": 0},
        "tenants": [{
            "id": TENANT,
            "name": "contoso.onmicrosoft.com",
            "applications": [{"clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}]}],
        }],
        "vaults": [{
            "name": VAULT,
            "tenantId": TENANT,
            "roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Secrets Officer"}],
        }],
    })
}

/// A simulator and where it keeps its files.
pub(crate) struct Sim {
    pub(crate) simulator: Simulator,
    pub(crate) dir: TempDir,
    admin: reqwest::Client,
}

impl Sim {
    /// With [`seed`].
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With [`seed`] and changed options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::new(dir.path().join("sim"));
        change(&mut options);
        let simulator = Simulator::start(options).await.unwrap();
        let admin = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let sim = Self {
            simulator,
            dir,
            admin,
        };
        sim.admin(Method::POST, "/seed", &seed()).await;
        sim
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        self.simulator.endpoints()
    }

    /// An admin call that must succeed.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.try_admin(method, path, body).await;
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.unwrap()
        );
        answer.json().await.unwrap()
    }

    pub(crate) async fn try_admin(&self, method: Method, path: &str, body: &Value) -> Response {
        let url = format!("{}{path}", self.endpoints().admin);
        let mut request = self.admin.request(method, url);
        if !body.is_null() {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        self.admin(Method::GET, path, &Value::Null).await
    }

    /// Adds a fault and gives its id.
    pub(crate) async fn fault(&self, spec: Value) -> u64 {
        self.admin(Method::POST, "/faults", &spec).await["id"]
            .as_u64()
            .unwrap()
    }

    /// A client that trusts the CA and resolves by the hosts file, with connections of its own.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client_builder().build().unwrap()
    }

    pub(crate) fn client_builder(&self) -> reqwest::ClientBuilder {
        let ca = Certificate::from_pem(&std::fs::read(&self.endpoints().ca_file).unwrap()).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .tls_certs_only([ca])
            .dns_resolver(Arc::new(HostsFile(self.endpoints().hosts_file.clone())))
    }

    /// A token for the vault, by client secret.
    pub(crate) async fn token(&self) -> String {
        self.token_for(SCOPE).await
    }

    pub(crate) async fn token_for(&self, scope: &str) -> String {
        let form = secret_form(scope);
        let answer = self
            .client()
            .post(token_url())
            .form(&form)
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        body["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{body}"))
            .to_owned()
    }

    /// A caller of the vault with a token.
    pub(crate) async fn caller(&self) -> Caller {
        Caller {
            client: self.client(),
            token: self.token().await,
        }
    }
}

pub(crate) fn token_url() -> String {
    format!("{LOGIN_URL}/{TENANT}/oauth2/v2.0/token")
}

pub(crate) fn secret_form(scope: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".into()),
        ("client_id", CLIENT.into()),
        ("client_secret", SECRET.into()),
        ("scope", scope.into()),
    ]
}

/// Calls the vault with a token.
pub(crate) struct Caller {
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl Caller {
    /// A request to a path of the vault, with the api-version.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let sign = if path.contains('?') { '&' } else { '?' };
        let url = format!("{VAULT_URL}{path}{sign}api-version=7.5");
        self.client.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        split(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn set(&self, name: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, &format!("/secrets/{name}"), body)
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Value::Null).await
    }
}

/// Status and JSON (null when empty).
pub(crate) async fn split(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    (status, body)
}

/// Code and inner code of a Key Vault error.
pub(crate) fn codes(body: &Value) -> (&str, Option<&str>) {
    let error = &body["error"];
    (
        error["code"].as_str().unwrap_or_default(),
        error["innererror"]["code"].as_str(),
    )
}

/// Resolves by the simulator's hosts file and nothing else, as it is at that time.
#[derive(Debug)]
pub(crate) struct HostsFile(pub(crate) PathBuf);

impl HostsFile {
    pub(crate) fn find(&self, name: &str) -> Option<SocketAddr> {
        let text = std::fs::read_to_string(&self.0).ok()?;
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, host)| *host == name)
            .and_then(|(address, _)| address.parse().ok())
    }
}

impl Resolve for HostsFile {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.find(name.as_str());
        Box::pin(async move {
            let address = found.ok_or("no such host")?;
            Ok(Box::new(std::iter::once(address)) as Addrs)
        })
    }
}
