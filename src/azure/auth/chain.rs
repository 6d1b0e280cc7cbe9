//! The default chain: which credentials the environment offers, in which order, and why one was passed over. Pure.
//!
//! Order, names and variables are those of `DefaultAzureCredential` in Azure's SDKs, as far as they make sense for a server.

use std::path::PathBuf;

use super::environment::Environment;
use crate::names::{ClientId, NameError, TenantId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// One credential of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// Variables with a secret, a certificate, or a user's name and password.
    Environment,
    /// A federated token in a file.
    WorkloadIdentity,
    /// An endpoint of the machine.
    ManagedIdentity,
    /// Whoever has signed in with `az login`.
    AzureCli,
}

impl Link {
    /// In the order in which they are tried.
    pub const ALL: [Self; 4] = [
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::AzureCli,
    ];

    /// Its name in Azure's SDKs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "EnvironmentCredential",
            Self::WorkloadIdentity => "WorkloadIdentityCredential",
            Self::ManagedIdentity => "ManagedIdentityCredential",
            Self::AzureCli => "AzureCLICredential",
        }
    }

    /// Whether it is meant for a server (`prod`) rather than for a developer's machine (`dev`).
    fn is_for_servers(self) -> bool {
        self != Self::AzureCli
    }
}

/// What became of one credential of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub link: Link,
    /// What became of it.
    pub outcome: Outcome,
}

/// What becomes of a credential of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is not there, so the next one is tried.
    PassedOver(String),
    /// It is there and does not work, so the chain ends: nothing stronger is used in its place.
    Refused(Problem),
    /// It gave a token and is kept.
    Won,
}

/// A credential as the environment describes it.
#[derive(Debug, Clone)]
pub enum Candidate {
    /// An application with a client secret.
    Secret {
        /// Its tenant.
        tenant: TenantId,
        /// Its client id.
        client: ClientId,
        /// The secret.
        secret: SecretValue,
    },
    /// An application with a certificate in a file.
    Certificate {
        /// Its tenant.
        tenant: TenantId,
        /// Its client id.
        client: ClientId,
        /// The file.
        path: PathBuf,
        /// What opens it.
        password: Option<SecretValue>,
        /// Whether the chain is sent along.
        send_chain: bool,
    },
    /// A user.
    Password {
        /// The user's tenant.
        tenant: TenantId,
        /// The application that the user signs in to.
        client: ClientId,
        /// The user.
        username: String,
        /// With what.
        password: SecretValue,
    },
    /// A federated token in a file, which the kubelet replaces before it ends.
    TokenFile {
        /// The application's tenant.
        tenant: TenantId,
        /// Its client id.
        client: ClientId,
        /// The file.
        path: PathBuf,
    },
    /// The machine's identity.
    ManagedIdentity {
        /// The user-assigned one with this client id; none means the system-assigned one.
        client: Option<ClientId>,
    },
    /// Whoever has signed in.
    AzureCli {
        /// Signed in to this tenant; none means the default one.
        tenant: Option<TenantId>,
    },
}

/// Why a link has no candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It is not configured: the next one is tried.
    NotConfigured(String),
    /// It is configured, wrongly.
    Wrong(Problem),
}

/// The links that are tried: all, or those that `AZURE_TOKEN_CREDENTIALS` leaves (`prod`, `dev`, or one's name).
pub fn links(environment: &Environment) -> Result<Vec<Link>, Problem> {
    let Some(narrowed) = environment.get("AZURE_TOKEN_CREDENTIALS").map(str::trim) else {
        return Ok(Link::ALL.to_vec());
    };
    let chosen: Vec<Link> = Link::ALL
        .into_iter()
        .filter(|link| match narrowed.to_ascii_lowercase().as_str() {
            "prod" => link.is_for_servers(),
            "dev" => !link.is_for_servers(),
            name => link.name().eq_ignore_ascii_case(name),
        })
        .collect();
    if chosen.is_empty() {
        return Err(wrong(
            "AZURE_TOKEN_CREDENTIALS",
            &format!(
                "{narrowed:?} is neither prod nor dev nor the name of a credential that is known here ({})",
                Link::ALL.map(Link::name).join(", ")
            ),
        ));
    }
    Ok(chosen)
}

/// What the environment says of one link.
pub fn candidate(link: Link, environment: &Environment) -> Result<Candidate, Missing> {
    match link {
        Link::Environment => application(environment),
        Link::WorkloadIdentity => token_file(environment),
        Link::ManagedIdentity => Ok(Candidate::ManagedIdentity {
            client: optional(environment, "AZURE_CLIENT_ID")?,
        }),
        Link::AzureCli => Ok(Candidate::AzureCli {
            tenant: optional(environment, "AZURE_TENANT_ID")?,
        }),
    }
}

fn application(environment: &Environment) -> Result<Candidate, Missing> {
    let (tenant, client) = (
        needed(environment, "AZURE_TENANT_ID")?,
        needed(environment, "AZURE_CLIENT_ID")?,
    );
    let secret = |name: &str| {
        environment
            .get(name)
            .map(|text| SecretValue::from(text.to_owned()))
    };
    if let Some(secret) = secret("AZURE_CLIENT_SECRET") {
        return Ok(Candidate::Secret {
            tenant,
            client,
            secret,
        });
    }
    if let Some(path) = environment.get("AZURE_CLIENT_CERTIFICATE_PATH") {
        let send_chain = environment.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
        return Ok(Candidate::Certificate {
            tenant,
            client,
            path: path.into(),
            password: secret("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            send_chain: send_chain
                .is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "1" | "true")),
        });
    }
    if let (Some(username), Some(password)) =
        (environment.get("AZURE_USERNAME"), secret("AZURE_PASSWORD"))
    {
        return Ok(Candidate::Password {
            tenant,
            client,
            username: username.to_owned(),
            password,
        });
    }
    Err(Missing::NotConfigured(
        "none of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_USERNAME with AZURE_PASSWORD is set".to_owned(),
    ))
}

/// The operator's own workload identity, as the Azure workload identity webhook describes it to a pod.
pub fn token_file(environment: &Environment) -> Result<Candidate, Missing> {
    let path = environment
        .get("AZURE_FEDERATED_TOKEN_FILE")
        .ok_or_else(|| not_set("AZURE_FEDERATED_TOKEN_FILE"))?;
    Ok(Candidate::TokenFile {
        tenant: needed(environment, "AZURE_TENANT_ID")?,
        client: needed(environment, "AZURE_CLIENT_ID")?,
        path: path.into(),
    })
}

fn not_set(name: &str) -> Missing {
    Missing::NotConfigured(format!("{name} is not set"))
}

fn needed<T: std::str::FromStr<Err = NameError>>(
    environment: &Environment,
    name: &str,
) -> Result<T, Missing> {
    optional(environment, name)?.ok_or_else(|| not_set(name))
}

fn optional<T: std::str::FromStr<Err = NameError>>(
    environment: &Environment,
    name: &str,
) -> Result<Option<T>, Missing> {
    let parsed = environment.get(name).map(|text| text.trim().parse());
    parsed
        .transpose()
        .map_err(|error: NameError| Missing::Wrong(wrong(name, &error.to_string())))
}

/// A variable of the operator's environment that cannot be used.
pub fn wrong(name: &str, what: &str) -> Problem {
    Problem::new(
        Reason::EnvironmentUnusable,
        Retry::OnChange,
        format!("the operator's environment variable {name}: {what}"),
    )
}

/// What to say where every link was passed over.
pub fn exhausted(attempts: &[Attempt]) -> Problem {
    let told = attempts
        .iter()
        .filter_map(|attempt| match &attempt.outcome {
            Outcome::PassedOver(why) => Some(format!("{}: {why}", attempt.link.name())),
            Outcome::Refused(_) | Outcome::Won => None,
        });
    let told: Vec<String> = told.collect();
    Problem::new(
        Reason::ChainExhausted,
        Retry::Backoff,
        format!(
            "no credential of the default chain is there. Tried were {}. Give the operator one of them, or name a credential in the spec in place of default",
            told.join("; ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: (&str, &str) = ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111");
    const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222");

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment::new(variables.iter().map(owned))
    }

    #[test]
    fn the_environment_gives_a_secret_before_a_certificate_before_a_user() {
        let secret = ("AZURE_CLIENT_SECRET", "s");
        let certificate = ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem");
        let user = [("AZURE_USERNAME", "ada"), ("AZURE_PASSWORD", "pw")];
        let of = |more: &[(&str, &str)]| {
            candidate(
                Link::Environment,
                &environment(&[&[TENANT, CLIENT], more].concat()),
            )
        };
        assert!(matches!(
            of(&[secret, certificate, user[0], user[1]]),
            Ok(Candidate::Secret { .. })
        ));
        assert!(matches!(
            of(&[certificate, user[0], user[1]]),
            Ok(Candidate::Certificate {
                send_chain: false,
                ..
            })
        ));
        assert!(matches!(of(&user), Ok(Candidate::Password { .. })));
        assert!(matches!(of(&user[..1]), Err(Missing::NotConfigured(_))));
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_wrong_ends_the_chain() {
        let missing = candidate(Link::Environment, &environment(&[TENANT])).unwrap_err();
        assert_eq!(
            missing,
            Missing::NotConfigured("AZURE_CLIENT_ID is not set".to_owned())
        );
        let wrong = environment(&[
            TENANT,
            ("AZURE_CLIENT_ID", "me"),
            ("AZURE_CLIENT_SECRET", "s"),
        ]);
        assert!(matches!(
            candidate(Link::Environment, &wrong),
            Err(Missing::Wrong(problem)) if problem.message.contains("AZURE_CLIENT_ID")
        ));
    }

    #[test]
    fn a_token_file_needs_tenant_and_client() {
        let file = ("AZURE_FEDERATED_TOKEN_FILE", "/token");
        let of =
            |variables: &[(&str, &str)]| candidate(Link::WorkloadIdentity, &environment(variables));
        assert!(matches!(
            of(&[file, TENANT, CLIENT]),
            Ok(Candidate::TokenFile { .. })
        ));
        assert!(matches!(
            of(&[file, TENANT]),
            Err(Missing::NotConfigured(_))
        ));
        assert!(matches!(
            of(&[TENANT, CLIENT]),
            Err(Missing::NotConfigured(_))
        ));
    }

    #[test]
    fn the_chain_can_be_narrowed_by_class_and_by_name() {
        let of = |text: &str| links(&environment(&[("AZURE_TOKEN_CREDENTIALS", text)]));
        assert_eq!(links(&environment(&[])).unwrap(), Link::ALL);
        assert_eq!(of("prod").unwrap(), Link::ALL[..3]);
        assert_eq!(of("dev").unwrap(), [Link::AzureCli]);
        assert_eq!(
            of("managedidentitycredential").unwrap(),
            [Link::ManagedIdentity]
        );
        assert!(
            of("InteractiveBrowserCredential")
                .unwrap_err()
                .message
                .contains("AzureCLICredential")
        );
    }

    #[test]
    fn an_exhausted_chain_tells_each_reason() {
        let attempts = [
            Attempt {
                link: Link::Environment,
                outcome: Outcome::PassedOver("AZURE_TENANT_ID is not set".to_owned()),
            },
            Attempt {
                link: Link::AzureCli,
                outcome: Outcome::PassedOver("az is not installed".to_owned()),
            },
        ];
        let problem = exhausted(&attempts);
        assert!(
            problem.message.contains("EnvironmentCredential: AZURE_TENANT_ID is not set; AzureCLICredential: az is not installed"),
            "{problem}"
        );
    }
}
