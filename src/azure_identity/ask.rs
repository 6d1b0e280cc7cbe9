//! Asks for one token of one identity: reads the credential, and presents it where the identity's cloud says.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::observe::{self, Presented};
use super::throttles::Throttles;
use super::valid::{Method, Usable};
use crate::azure::auth::assertion::{self, Form};
use crate::azure::auth::azure_cli;
use crate::azure::auth::certificate::ClientCertificate;
use crate::azure::auth::chain::{self, Attempt, Candidate, Link, Missing, Outcome};
use crate::azure::auth::environment::Environment;
use crate::azure::auth::managed::{self, Patience, Which};
use crate::azure::auth::token_proxy::Proxy;
use crate::azure::auth::{Claims, Credential, Profile, Token, Want, entra};
use crate::azure::http::Http;
use crate::azure_identity::api::TokenEndpoint;
use crate::k8s::api::Kube;
use crate::names::{ClientId, TenantId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// What asking needs of the world.
#[derive(Clone)]
pub struct Doors {
    /// The door to the API server.
    pub kube: Kube,
    /// The HTTP client.
    pub http: Http,
    /// The operator's environment, as it was at its start.
    pub environment: Arc<Environment>,
    /// Tenants that limit us.
    pub throttles: Arc<Throttles>,
}

/// What is learned besides the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// resourceVersion of the Secret that the credential was read from.
    pub read_from: Option<String>,
    /// Each credential of the default chain, and what became of it.
    pub attempts: Vec<Attempt>,
    /// When the certificate ends.
    pub credential_expires_at: Option<Timestamp>,
}

impl Report {
    /// The credential of the chain that gave the token.
    pub fn winner(&self) -> Option<Link> {
        let won = |attempt: &&Attempt| attempt.outcome == Outcome::Won;
        self.attempts.iter().find(won).map(|attempt| attempt.link)
    }
}

/// Asks for a token. `stay_with` is the credential of the default chain that has won before.
pub async fn token(
    doors: &Doors,
    identity: &Usable,
    want: &Want,
    claims: Option<&Claims>,
    stay_with: Option<Link>,
) -> (Result<Token, Problem>, Report) {
    let mut report = Report::default();
    let asking = Asking {
        doors,
        identity,
        want,
        claims,
    };
    let outcome = asking.token(&mut report, stay_with).await;
    let named = |problem: Problem| {
        let key = identity.valid.key.to_string();
        if problem.message.starts_with(&key) {
            return problem;
        }
        Problem {
            message: format!("{key}: {}", problem.message),
            ..problem
        }
    };
    (outcome.map_err(named), report)
}

struct Asking<'a> {
    doors: &'a Doors,
    identity: &'a Usable,
    want: &'a Want,
    claims: Option<&'a Claims>,
}

impl Asking<'_> {
    /// By the credential that the spec names.
    async fn token(&self, report: &mut Report, stay_with: Option<Link>) -> Result<Token, Problem> {
        let (kube, valid) = (&self.doors.kube, self.identity.valid.as_ref());
        let profile = &self.identity.profile;
        match &valid.method {
            Method::ClientSecret(at) => {
                let secret = observe::secret(kube, valid, at.secret.as_str()).await?;
                report.read_from.clone_from(&secret.version);
                let value = secret.text(&at.key, "the client secret", "clientSecret.key")?;
                self.exchange(profile, &Credential::Secret(value)).await
            }
            Method::ClientCertificate {
                content,
                password_key,
                send_chain,
            } => {
                let secret = observe::secret(kube, valid, content.secret.as_str()).await?;
                report.read_from.clone_from(&secret.version);
                let bytes = secret.bytes(
                    &content.key,
                    "the certificate with its private key",
                    "clientCertificate.key",
                )?;
                let password = password_key.as_ref().map(|key| {
                    secret.text(
                        key,
                        "the certificate's password",
                        "clientCertificate.passwordKey",
                    )
                });
                let at = |problem: Problem| secret.at(&content.key, problem);
                let certificate = opened(bytes, password.transpose()?).await.map_err(at)?;
                report.credential_expires_at = Some(certificate.not_after());
                certificate.check(Timestamp::now()).map_err(at)?;
                self.certificate(profile, &certificate, *send_chain).await
            }
            Method::WorkloadIdentity { service_account } => {
                let token = observe::service_account_token(kube, valid, service_account).await?;
                self.federated(profile, token, None).await
            }
            Method::OwnWorkloadIdentity => match chain::token_file(&self.doors.environment) {
                Ok(candidate) => self.candidate(candidate).await.1,
                Err(Missing::NotConfigured(what)) => Err(observe::no_own_workload_identity(&what)),
                Err(Missing::Wrong(problem)) => Err(problem),
            },
            Method::UsernamePassword { username, password } => {
                let secret = observe::secret(kube, valid, password.secret.as_str()).await?;
                report.read_from.clone_from(&secret.version);
                let credential = Credential::Password {
                    username: username.clone(),
                    password: secret.text(
                        &password.key,
                        "the password",
                        "usernamePassword.passwordFrom.key",
                    )?,
                };
                self.exchange(profile, &credential).await
            }
            Method::ManagedIdentity(which) => self.managed(which, Patience::Book).await,
            Method::Default => self.chain(report, stay_with).await,
        }
    }

    /// By the first credential of the chain that is there.
    async fn chain(&self, report: &mut Report, stay_with: Option<Link>) -> Result<Token, Problem> {
        let environment = self.doors.environment.as_ref();
        let links = match stay_with {
            Some(winner) => vec![winner],
            None => chain::links(environment)?,
        };
        for link in links {
            let (unavailable, outcome) = match chain::candidate(link, environment) {
                Ok(candidate) => self.candidate(candidate).await,
                Err(Missing::NotConfigured(what)) => {
                    report.attempts.push(Attempt {
                        link,
                        outcome: Outcome::PassedOver(what),
                    });
                    continue;
                }
                Err(Missing::Wrong(problem)) => (false, Err(problem)),
            };
            let (attempt, ends) = match outcome {
                Ok(token) => (Outcome::Won, Some(Ok(token))),
                // Who has won once is kept: its outage is waited out, and nothing else acts in its place.
                Err(problem) if unavailable && stay_with.is_none() => {
                    (Outcome::PassedOver(problem.message), None)
                }
                Err(problem) => (Outcome::Refused(problem.clone()), Some(Err(problem))),
            };
            report.attempts.push(Attempt {
                link,
                outcome: attempt,
            });
            if let Some(end) = ends {
                return end;
            }
        }
        Err(chain::exhausted(&report.attempts))
    }

    /// A token by a credential of the environment, and whether a failure means that there is no such credential.
    async fn candidate(&self, candidate: Candidate) -> (bool, Result<Token, Problem>) {
        let profile = |tenant: TenantId, client: ClientId| Profile {
            cloud: Arc::clone(&self.identity.profile.cloud),
            tenant: Some(tenant),
            client: Some(client),
        };
        match candidate {
            Candidate::Secret {
                tenant,
                client,
                secret,
            } => {
                let credential = Credential::Secret(secret);
                (
                    false,
                    self.exchange(&profile(tenant, client), &credential).await,
                )
            }
            Candidate::Password {
                tenant,
                client,
                username,
                password,
            } => {
                let credential = Credential::Password { username, password };
                (
                    false,
                    self.exchange(&profile(tenant, client), &credential).await,
                )
            }
            Candidate::Certificate {
                tenant,
                client,
                path,
                password,
                send_chain,
            } => {
                let outcome = async {
                    let bytes = observe::file("AZURE_CLIENT_CERTIFICATE_PATH", &path).await?;
                    let certificate = opened(bytes, password)
                        .await
                        .and_then(|certificate| {
                            certificate.check(Timestamp::now()).map(|()| certificate)
                        })
                        .map_err(|problem| observe::at_file(&path, problem))?;
                    self.certificate(&profile(tenant, client), &certificate, send_chain)
                        .await
                };
                (false, outcome.await)
            }
            Candidate::TokenFile {
                tenant,
                client,
                path,
            } => {
                let outcome = async {
                    let token = observe::file("AZURE_FEDERATED_TOKEN_FILE", &path).await?;
                    let proxy = Proxy::from(&self.doors.environment)?;
                    self.federated(
                        &profile(tenant, client),
                        observe::trimmed(&token),
                        proxy.as_ref(),
                    )
                    .await
                };
                (false, outcome.await)
            }
            Candidate::ManagedIdentity { client } => {
                let which = client.map_or(Which::System, Which::ClientId);
                let outcome = self.managed(&which, Patience::Probe).await;
                // One that is named and not assigned is configured and refused; one that nobody named is just not there.
                let absent = outcome.as_ref().is_err_and(|Problem { reason, .. }| {
                    *reason == Reason::ManagedIdentityUnavailable
                        || *reason == Reason::ManagedIdentityNotAssigned && which == Which::System
                });
                (absent, outcome)
            }
            Candidate::AzureCli { tenant } => {
                let outcome = azure_cli::token(&self.want.resource, tenant.as_ref()).await;
                let absent = outcome
                    .as_ref()
                    .is_err_and(|problem| problem.reason == Reason::EnvironmentUnusable);
                (absent, outcome)
            }
        }
    }

    async fn managed(&self, which: &Which, patience: Patience) -> Result<Token, Problem> {
        managed::token(
            &self.doors.http,
            &self.doors.environment,
            which,
            &self.want.resource,
            patience,
        )
        .await
    }

    /// By an assertion that is signed with the application's certificate.
    async fn certificate(
        &self,
        profile: &Profile,
        certificate: &ClientCertificate,
        send_chain: bool,
    ) -> Result<Token, Problem> {
        let url = entra::token_url(profile)?;
        let claims = assertion::Claims {
            audience: url.as_str(),
            client_id: profile.client.as_ref().map_or("", ClientId::as_str),
            now: Timestamp::now(),
            id: &Uuid::new_v4().to_string(),
        };
        let form = match profile.cloud.token_endpoint {
            TokenEndpoint::V2 => Form::Ps256,
            TokenEndpoint::V1 | TokenEndpoint::ADFS => Form::Rs256,
        };
        let assertion = certificate.assertion(&claims, form, send_chain)?;
        self.exchange(profile, &Credential::Assertion(assertion))
            .await
    }

    /// By a token of an issuer that the application trusts. Where it does not, what was presented is told.
    async fn federated(
        &self,
        profile: &Profile,
        token: SecretValue,
        proxy: Option<&Proxy>,
    ) -> Result<Token, Problem> {
        let presented = Presented::read(&token);
        let outcome = self
            .exchange_by(profile, &Credential::Assertion(token), proxy)
            .await;
        outcome.map_err(|problem| {
            observe::explain_federation(
                problem,
                profile,
                &self.identity.valid.key.name,
                presented.as_ref(),
            )
        })
    }

    async fn exchange(&self, profile: &Profile, credential: &Credential) -> Result<Token, Problem> {
        self.exchange_by(profile, credential, None).await
    }

    async fn exchange_by(
        &self,
        profile: &Profile,
        credential: &Credential,
        proxy: Option<&Proxy>,
    ) -> Result<Token, Problem> {
        let Doors {
            http, throttles, ..
        } = self.doors;
        throttles.admit(profile, Timestamp::now())?;
        let request = entra::request(profile, credential, self.want, self.claims)?;
        let request = match proxy {
            Some(proxy) => proxy.redirect(request).await?,
            None => request,
        };
        let answer = http
            .send("GetToken", &profile.cloud.authority, request)
            .await?;
        let now = Timestamp::now();
        let granted = entra::read(profile, &answer, now);
        throttles.saw(profile, granted.as_ref().err(), now);
        Ok(granted?.token)
    }
}

/// Reads a certificate in a thread of its own: what a password costs is chosen by whoever stored the file.
async fn opened(
    content: SecretValue,
    password: Option<SecretValue>,
) -> Result<ClientCertificate, Problem> {
    let read = move || ClientCertificate::parse(&content, password.as_ref());
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| {
        Err(Problem::new(
            Reason::CertificateUnreadable,
            Retry::Backoff,
            "reading it was broken off",
        ))
    })
}
