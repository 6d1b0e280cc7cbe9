//! A machine with managed identities, as the simulator shows it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakevault::azure::auth::Token;
use lakevault::azure::auth::environment::Environment;
use lakevault::azure::auth::managed::arc::KeyFolder;
use lakevault::azure::auth::managed::{self, Patience, Which};
use lakevault::azure::auth::token_proxy::Proxy;
use lakevault::azure::http::{Http, HttpOptions};
use lakevault::azure::resource::Resource;
use lakevault::problem::Problem;
use lakevault::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use testbed::{Fault, FaultRule, Scratch, Simulator, SimulatorOptions};

pub(crate) const TENANT: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const APPLICATION: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const SYSTEM: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(crate) const USER: &str = "bbbbbbbb-0000-4000-8000-000000000002";
pub(crate) const USER_OBJECT: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
pub(crate) const USER_RESOURCE: &str = "/subscriptions/44444444-4444-4444-8444-444444444444/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/user";
pub(crate) fn system_identity() -> Value {
    json!({"tenantId": TENANT, "clientId": SYSTEM, "objectId": "aaaaaaaa-0000-4000-8000-00000000000a",
        "resourceId": "/subscriptions/44444444-4444-4444-8444-444444444444/vm", "system": true})
}

pub(crate) fn user_identity() -> Value {
    json!({"tenantId": TENANT, "clientId": USER, "objectId": USER_OBJECT, "resourceId": USER_RESOURCE})
}

/// A machine with managed identities, as the simulator shows it.
pub(crate) struct Machine {
    pub(crate) simulator: Simulator,
    pub(crate) scratch: Scratch,
}

impl Machine {
    pub(crate) async fn start(test: &str, identities: &[Value]) -> Self {
        let application =
            json!({"clientId": APPLICATION, "secrets": [{"value": "right"}], "name": "app"});
        let seed = json!({
            "tenants": [{"id": TENANT, "applications": [application]}],
            "managedIdentities": identities,
        });
        let options = SimulatorOptions {
            seed: Some(seed),
            args: ["--listen-host", "login.sim.test=127.0.0.1:0"]
                .map(str::to_owned)
                .into(),
            ..SimulatorOptions::default()
        };
        let scratch = Scratch::new(&format!("managed-identity-{test}")).unwrap();
        let simulator = Simulator::start(scratch.path(), options).await.unwrap();
        Self { simulator, scratch }
    }

    /// A machine with a system-assigned and a user-assigned identity.
    pub(crate) async fn usual(test: &str) -> Self {
        Self::start(test, &[system_identity(), user_identity()]).await
    }

    pub(crate) fn http(&self) -> Http {
        let options = HttpOptions {
            ca_file: None,
            hosts_file: Some(self.simulator.endpoints().hosts_file.clone()),
        };
        Http::new(&options, Metrics::default()).unwrap()
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.scratch
            .path()
            .canonicalize()
            .unwrap()
            .join("simulator/arc-tokens")
    }

    /// The variables that a host of this kind sets.
    pub(crate) fn variables(&self, host: &str) -> Vec<(&'static str, String)> {
        let at = self.simulator.endpoints().managed_identity.clone();
        match host {
            "imds" => vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", at.imds)],
            "appservice" => vec![
                ("IDENTITY_ENDPOINT", at.app_service),
                ("IDENTITY_HEADER", at.header),
            ],
            "appservice2017" => vec![
                ("MSI_ENDPOINT", at.app_service_old),
                ("MSI_SECRET", at.header),
            ],
            "appservice2017windows" => vec![
                (
                    "MSI_ENDPOINT",
                    at.app_service_old.replace("2017", "2017windows"),
                ),
                ("MSI_SECRET", at.header),
            ],
            "azureml" => vec![
                ("MSI_ENDPOINT", at.azure_ml),
                ("MSI_SECRET", at.header),
                ("DEFAULT_IDENTITY_CLIENT_ID", USER.to_owned()),
            ],
            "cloudshell" => vec![("MSI_ENDPOINT", at.cloud_shell)],
            "arc" => vec![
                ("IDENTITY_ENDPOINT", at.arc),
                ("IMDS_ENDPOINT", at.arc_imds),
            ],
            "servicefabric" => vec![
                ("IDENTITY_ENDPOINT", at.service_fabric),
                ("IDENTITY_HEADER", at.header),
                ("IDENTITY_SERVER_THUMBPRINT", at.service_fabric_thumbprint),
            ],
            other => panic!("{other}"),
        }
    }

    pub(crate) async fn token(&self, host: &str, which: &Which) -> Result<Token, Problem> {
        let environment = environment(self.variables(host));
        let keys = KeyFolder::new(self.keys());
        let (http, patience) = (self.http(), Patience::Book);
        managed::token_with(&http, &environment, which, &resource(), patience, &keys).await
    }

    /// The proxy that AKS names in a pod with an identity binding.
    pub(crate) fn token_proxy(&self, ca: Option<&Path>) -> Proxy {
        let hosts = std::fs::read_to_string(&self.simulator.endpoints().hosts_file).unwrap();
        let mut lines = hosts.lines();
        let login = lines.find_map(|line| line.strip_suffix(" login.sim.test"));
        let url = format!("https://{}", login.unwrap());
        let mut variables = vec![
            ("AZURE_KUBERNETES_TOKEN_PROXY", url),
            ("AZURE_KUBERNETES_SNI_NAME", "login.sim.test".to_owned()),
        ];
        variables.extend(ca.map(|ca| ("AZURE_KUBERNETES_CA_FILE", ca.display().to_string())));
        Proxy::from(&environment(variables)).unwrap().unwrap()
    }

    /// How many token requests arrived, by the host's name in faults and journal.
    pub(crate) async fn requests(&self, host: &str) -> usize {
        let journal = self.simulator.admin().journal(0).await.unwrap();
        let here = journal.entries.iter().filter(|entry| entry.host == host);
        here.count()
    }

    pub(crate) async fn fault(&self, host: &str, fault: Fault) {
        let admin = self.simulator.admin();
        admin.clear_faults().await.unwrap();
        admin.add_fault(&FaultRule::new(host, fault)).await.unwrap();
    }
}

pub(crate) fn environment(variables: Vec<(&'static str, String)>) -> Environment {
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    Environment::new(variables.into_iter().map(owned))
}

pub(crate) fn resource() -> Resource {
    Resource::new("https://vault.sim.test")
}

/// A token of the machine's own identity, as the product asks for it.
pub(crate) async fn system(
    http: &Http,
    environment: &Environment,
    resource: &Resource,
    patience: Patience,
) -> Result<Token, Problem> {
    managed::token(http, environment, &Which::System, resource, patience).await
}

pub(crate) fn by_client() -> Which {
    Which::ClientId(USER.parse().unwrap())
}

/// The client id of the identity that a token is of.
pub(crate) fn client_of(token: &Token) -> String {
    let text = token.value.expose_str().unwrap();
    let payload = URL_SAFE_NO_PAD
        .decode(text.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["aud"], resource().as_str());
    claims["appid"].as_str().unwrap().to_owned()
}
