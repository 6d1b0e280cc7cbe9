//! A simulator, the official clients, and ours.

use std::sync::Arc;

use http::Method;
use lakevault::azure::auth::environment::Environment;
use lakevault::azure::auth::{Claims, Credential, Granted, Profile, Token, Want, entra};
use lakevault::azure::cloud::Cloud;
use lakevault::azure::cloud::source::{CloudSource, Endpoints};
use lakevault::azure::http::{Http, HttpOptions, Request};
use lakevault::azure::resource::Resource;
use lakevault::azure_identity::api::ClusterAzureIdentity;
use lakevault::azure_identity::ask::{self, Doors};
use lakevault::azure_identity::valid::{self, Usable};
use lakevault::k8s::api::Kube;
use lakevault::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use testbed::{Endpoints as Simulated, Scratch, Simulator, SimulatorOptions};

use crate::compare::Pair;
use crate::official::{Credentials, Official};
use crate::request::{Fields, Recorded};

/// Dropped in this order.
pub(crate) struct Scene {
    official: Official,
    simulator: Simulator,
    _scratch: Scratch,
    pub(crate) credentials: Credentials,
    pub(crate) http: Http,
}

impl Scene {
    pub(crate) async fn start(test: &str, args: &[&str]) -> Self {
        let scratch = Scratch::new(&format!("same-requests-{test}")).unwrap();
        let options = SimulatorOptions {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            ..SimulatorOptions::default()
        };
        let simulator = Simulator::start(scratch.path(), options).await.unwrap();
        let endpoints = scratch.path().join("simulator/endpoints.json");
        let (official, credentials) = Official::start(&endpoints, scratch.path()).await;
        let told = simulator.endpoints();
        let http = HttpOptions {
            ca_file: Some(told.ca_file.clone()),
            hosts_file: Some(told.hosts_file.clone()),
        };
        Self {
            http: Http::new(&http, Metrics::default()).unwrap(),
            official,
            simulator,
            _scratch: scratch,
            credentials,
        }
    }

    pub(crate) fn endpoints(&self) -> &Simulated {
        self.simulator.endpoints()
    }

    /// Lets the official client ask, then `ours`, and takes what arrived.
    pub(crate) async fn both(&mut self, case: &str, ours: impl AsyncFnOnce(&Self)) -> Pair {
        self.forget().await;
        self.official.ask(case).await;
        let theirs = self.recorded().await;
        self.forget().await;
        ours(self).await;
        Pair {
            case: case.to_owned(),
            theirs,
            ours: self.recorded().await,
        }
    }

    async fn forget(&self) {
        let gone: Value = self
            .simulator
            .admin()
            .call(Method::DELETE, "/recordings", None)
            .await
            .unwrap();
        drop(gone);
    }

    async fn recorded(&self) -> Vec<Fields> {
        let list: Vec<Recorded> = self
            .simulator
            .admin()
            .call(Method::GET, "/recordings", None)
            .await
            .unwrap();
        list.iter().map(Recorded::fields).collect()
    }

    /// Plays the person at the device page.
    pub(crate) async fn approve(&self, user_code: &str) {
        let body = json!({"userCode": user_code, "username": self.credentials.username, "action": "approve"});
        let done: Value = self
            .simulator
            .admin()
            .call(Method::POST, "/devicecode", Some(&body))
            .await
            .unwrap();
        drop(done);
    }

    /// A token by what an identity's spec says, with these variables in the operator's environment.
    pub(crate) async fn token(
        &self,
        spec: Value,
        variables: &[(&str, &str)],
        want: &Want,
        claims: Option<&Claims>,
    ) -> Token {
        let object = json!({
            "apiVersion": "lakevault.dev/v1alpha1",
            "kind": "ClusterAzureIdentity",
            "metadata": {"name": "lent"},
            "spec": spec,
        });
        let object: ClusterAzureIdentity = serde_json::from_value(object).unwrap();
        let valid = valid::parse(&object, "lakevault-system").unwrap();
        let profile = Profile {
            cloud: cloud(&valid.cloud),
            tenant: valid.tenant.clone(),
            client: valid.client.clone(),
        };
        let identity = Usable {
            valid: Arc::new(valid),
            profile: Arc::new(profile),
        };
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let doors = Doors {
            kube: nobody(),
            http: self.http.clone(),
            environment: Arc::new(Environment::new(variables.iter().map(owned))),
            throttles: Arc::default(),
        };
        let (token, _) = ask::token(&doors, &identity, want, claims, None).await;
        token.unwrap()
    }

    /// What a user is granted.
    pub(crate) async fn granted(
        &self,
        profile: &Profile,
        credential: &Credential,
        want: &Want,
    ) -> Granted {
        let request = entra::request(profile, credential, want, None).unwrap();
        let answer = self.send("GetToken", request).await;
        entra::read(profile, &answer, jiff::Timestamp::now()).unwrap()
    }

    pub(crate) async fn send(
        &self,
        operation: &'static str,
        request: Request,
    ) -> lakevault::azure::http::Answer {
        self.http
            .send(operation, "the simulator", request)
            .await
            .unwrap()
    }

    /// The user's application at an authority.
    pub(crate) fn native(&self, cloud: Value) -> Profile {
        let source = CloudSource::parse(Some(&serde_json::from_value(cloud).unwrap())).unwrap();
        let cloud = self::cloud(&source);
        let tenant = self.credentials.tenant.parse().unwrap();
        Profile {
            tenant: cloud.has_tenants().then_some(tenant),
            client: Some(self.credentials.native.parse().unwrap()),
            cloud,
        }
    }

    /// The variables of an application, and how it proves itself.
    pub(crate) fn application<'a>(
        &'a self,
        proof: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let mut variables = vec![
            ("AZURE_TENANT_ID", self.credentials.tenant.as_str()),
            ("AZURE_CLIENT_ID", self.credentials.client.as_str()),
        ];
        variables.extend(proof);
        variables
    }

    pub(crate) fn vaults(&self) -> Resource {
        Resource::new(&self.credentials.vault)
    }
}

/// The clouds with Entra: the arguments that make the simulator such a one, and `spec.cloud`.
pub(crate) fn clouds() -> [(&'static str, Vec<&'static str>, Value); 4] {
    let named = |name: &str| json!({"name": name});
    [
        ("custom", vec![], entra("V2")),
        ("public", vec!["--names", "public"], named("Public")),
        (
            "us-government",
            vec!["--names", "us-government"],
            named("USGovernment"),
        ),
        ("china", vec!["--names", "china"], named("China")),
    ]
}

/// Entra as the simulator has it where its names are its own.
pub(crate) fn entra(token_endpoint: &str) -> Value {
    json!({"custom": {
        "authorityHost": "https://login.sim.test",
        "tokenEndpoint": token_endpoint,
        "keyVault": {"dnsSuffix": "vault.sim.test"},
    }})
}

/// The federation service of the simulator's Azure Stack Hub.
pub(crate) fn adfs() -> Value {
    json!({"custom": {
        "authorityHost": "https://adfs.local.azurestack.sim.test/adfs",
        "tokenEndpoint": "ADFS",
        "keyVault": {"dnsSuffix": "vault.local.azurestack.sim.test"},
    }})
}

fn cloud(source: &CloudSource) -> Arc<Cloud> {
    match &source.endpoints {
        Endpoints::Given(cloud) => Arc::clone(cloud),
        Endpoints::ToldBy(endpoint) => panic!("{endpoint} must tell the cloud first"),
    }
}

/// An API server that is not there: none of these credentials is read from it.
fn nobody() -> Kube {
    let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    Kube::new(client, "same-requests".to_owned(), Metrics::default())
}
