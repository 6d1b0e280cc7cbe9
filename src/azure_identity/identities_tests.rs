//! Nothing of one identity is ever answered to another, whatever happens in which order.

use std::sync::Arc;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::store;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::task::{JoinHandle, yield_now};

use super::*;
use crate::azure::auth::environment::Environment;
use crate::azure::cloud::Cloud;
use crate::azure::cloud::source::CloudSource;
use crate::azure::http::{Http, HttpOptions};
use crate::azure::resource::Resource;
use crate::azure_identity::api::CloudName;
use crate::azure_identity::throttles::Throttles;
use crate::azure_identity::valid::Method;
use crate::k8s::api::Kube;
use crate::telemetry::metrics::Metrics;

/// What happens to one of the identities, by number.
#[derive(Debug, Clone)]
enum Event {
    /// Syncs ask for a token for one of two resources; Entra takes so many turns of the others to answer.
    Ask { resource: usize, turns: usize },
    /// Its spec changes: another client, tenant or cloud, which others may have as well.
    Edit { client: usize, cloud: CloudName },
    /// Its Secret changes.
    NewCredential,
    /// It is deleted and made anew under its name.
    MadeAnew,
    /// A vault refuses its newest token, with or without claims.
    Refused { resource: usize, claims: bool },
}

fn events() -> impl Strategy<Value = (usize, Event)> {
    let clouds = prop_oneof![Just(CloudName::Public), Just(CloudName::China)];
    let event = prop_oneof![
        6 => (0..2usize, 0..6usize).prop_map(|(resource, turns)| Event::Ask { resource, turns }),
        1 => (0..2usize, clouds).prop_map(|(client, cloud)| Event::Edit { client, cloud }),
        1 => Just(Event::NewCredential),
        1 => Just(Event::MadeAnew),
        1 => (0..2usize, any::<bool>())
            .prop_map(|(resource, claims)| Event::Refused { resource, claims }),
    ];
    (0..NAMES.len(), event)
}

/// Names that have much in common.
const NAMES: [(IdentityKind, Option<&str>, &str); 4] = [
    (IdentityKind::AzureIdentity, Some("a"), "main"),
    (IdentityKind::AzureIdentity, Some("b"), "main"),
    (IdentityKind::AzureIdentity, Some("a"), "other"),
    (IdentityKind::ClusterAzureIdentity, None, "main"),
];
const RESOURCES: [&str; 2] = ["https://vault.azure.net", "api://app"];

/// An identity as it is at the moment.
#[derive(Debug, Clone)]
struct Now {
    usable: Usable,
    credential: u32,
    newest: Option<SecretValue>,
}

impl Now {
    fn new(at: usize) -> Self {
        let (kind, namespace, name) = NAMES[at];
        let key = IdentityKey {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let cloud = Cloud::shared(CloudName::Public);
        let valid = Valid {
            uid: format!("{key} 1"),
            key,
            generation: 1,
            cloud: CloudSource::parse(None).unwrap(),
            names_cloud: false,
            tenant: Some(TENANT.parse().unwrap()),
            client: Some(CLIENTS[0].parse().unwrap()),
            method: Method::Default,
            credential_namespace: namespace.unwrap_or("system").to_owned(),
            grants: None,
        };
        let profile = Profile {
            cloud,
            tenant: valid.tenant.clone(),
            client: valid.client.clone(),
        };
        Self {
            usable: Usable {
                valid: Arc::new(valid),
                profile: Arc::new(profile),
            },
            credential: 1,
            newest: None,
        }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Valid, &mut Profile)) {
        let (mut valid, mut profile) = (
            self.usable.valid.as_ref().clone(),
            self.usable.profile.as_ref().clone(),
        );
        change(&mut valid, &mut profile);
        self.usable = Usable {
            valid: Arc::new(valid),
            profile: Arc::new(profile),
        };
    }

    /// What a token of this identity for `want` says: everything that decides it.
    fn says(&self, want: &Want) -> String {
        let Usable { valid, profile } = &self.usable;
        format!(
            "{} {} {} credential {} {profile} {} {}",
            valid.key,
            valid.uid,
            valid.generation,
            self.credential,
            profile.cloud.authority,
            want.resource.as_str()
        )
    }
}

const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENTS: [&str; 2] = [
    "22222222-2222-2222-2222-222222222222",
    "33333333-3333-3333-3333-333333333333",
];

/// Doors that nobody goes through. They are made once: their TLS takes its time.
fn doors() -> Doors {
    let metrics = Metrics::default();
    let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    Doors {
        kube: Kube::new(client, "test".to_owned(), metrics.clone()),
        http: Http::new(&HttpOptions::default(), metrics).unwrap(),
        environment: Arc::new(Environment::default()),
        throttles: Arc::new(Throttles::default()),
    }
}

fn identities(doors: Doors) -> Identities {
    let stores = Stores {
        identities: store().0,
        cluster_identities: store().0,
        namespaces: store().0,
    };
    Identities::new(stores, doors, "system".to_owned())
}

/// An hour's token that says whose it is, after so many turns.
async fn granted(says: String, turns: usize) -> Result<Token, Problem> {
    for _ in 0..turns {
        yield_now().await;
    }
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    Ok(Token {
        value: SecretValue::from(says),
        // Old enough to be dropped where a vault refuses it.
        issued_at: now - SignedDuration::from_secs(60),
        expires_at: now + hour,
        refresh_at: now + hour,
    })
}

/// An ask under way: whose it is, what its answer must say, and the answer.
type Asked = JoinHandle<(usize, String, SecretValue)>;

/// Asks. The first step is made at once, so that the slot is the one of this moment; the rest beside whatever happens next.
async fn ask(
    identities: &Arc<Identities>,
    at: usize,
    now: &Now,
    want: Want,
    turns: usize,
) -> Asked {
    let (identities, usable, says) = (Arc::clone(identities), now.usable.clone(), now.says(&want));
    let mut answer = Box::pin(async move {
        let expected = says.clone();
        let asker = |_| granted(says, turns);
        let token = identities.token_by(&usable, &want, |_| true, asker).await;
        (at, expected, token.unwrap().value.clone())
    });
    match futures::poll!(&mut answer) {
        Poll::Ready(answer) => tokio::spawn(async { answer }),
        Poll::Pending => tokio::spawn(answer),
    }
}

async fn play(doors: Doors, events: Vec<(usize, Event)>) {
    let identities = Arc::new(identities(doors));
    let mut all: Vec<Now> = (0..NAMES.len()).map(Now::new).collect();
    let mut asked: Vec<Asked> = Vec::new();
    for (at, event) in events {
        let now = &mut all[at];
        let key = now.usable.valid.key.clone();
        match event {
            Event::Ask { resource, turns } => {
                let want = Want::ours(Resource::new(RESOURCES[resource]));
                asked.push(ask(&identities, at, now, want, turns).await);
                yield_now().await;
            }
            Event::Edit { client, cloud } => {
                now.edit(|valid, profile| {
                    valid.generation += 1;
                    valid.client = Some(CLIENTS[client].parse().unwrap());
                    profile.client.clone_from(&valid.client);
                    profile.cloud = Cloud::shared(cloud);
                });
                let valid = &now.usable.valid;
                identities.changed(&key, Some((&valid.uid, valid.generation)));
            }
            Event::NewCredential => {
                now.credential += 1;
                let version = now.credential.to_string();
                assert!(identities.credential_seen(&key, Some(&version)));
            }
            Event::MadeAnew => {
                now.credential += 1;
                identities.changed(&key, None);
                now.edit(|valid, _| {
                    valid.uid.push('+');
                    valid.generation = 1;
                });
                identities.changed(&key, Some((&now.usable.valid.uid, 1)));
            }
            Event::Refused { resource, claims } => {
                let want = Want::ours(Resource::new(RESOURCES[resource]));
                let claims = claims.then(|| Claims("{}".to_owned()));
                if let Some(newest) = &now.newest {
                    identities.refused(&now.usable, &want, newest, claims);
                }
            }
        }
        let (done, waiting): (Vec<Asked>, Vec<Asked>) =
            asked.into_iter().partition(JoinHandle::is_finished);
        asked = waiting;
        for task in done {
            let (at, expected, value) = task.await.unwrap();
            assert_eq!(value.expose_str(), Some(expected.as_str()));
            all[at].newest = Some(value);
        }
    }
    for task in asked {
        let (_, expected, value) = task.await.unwrap();
        assert_eq!(value.expose_str(), Some(expected.as_str()));
    }
}

#[test]
fn nothing_of_one_identity_is_answered_to_another() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let doors = runtime.block_on(async { doors() });
    let happens = proptest::collection::vec(events(), 1..80);
    let outcome = TestRunner::new(ProptestConfig::with_cases(256)).run(&happens, |happens| {
        runtime.block_on(play(doors.clone(), happens));
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn an_operator_of_some_namespaces_says_why_it_knows_no_lent_identity() {
    let reference = IdentityRef {
        kind: IdentityKind::ClusterAzureIdentity,
        name: "lent".to_owned(),
    };
    for (identities, says) in [
        (identities(doors()), "create it"),
        (identities(doors()).without_cluster(), "--watch-namespaces"),
    ] {
        let outcome = identities.resolve("team", Some(&reference)).await;
        let problem = outcome.err().unwrap();
        assert_eq!(problem.reason, Reason::IdentityNotFound);
        assert!(problem.message.contains(says), "{}", problem.message);
    }
}
