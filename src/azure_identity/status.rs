//! What an identity's status says. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::api::{AttemptStatus, AzureIdentityStatus, CloudStatus, TokenEndpoint};
use super::ask::Report;
use super::valid::Method;
use crate::azure::auth::Token;
use crate::azure::auth::chain::{Attempt, Outcome};
use crate::azure::cloud::Cloud;
use crate::k8s::conditions::{self, Says};
use crate::problem::Problem;

/// Conditions that are there only while they have something to say.
const AT_TIMES: [&str; 2] = [EXPIRING, "Discouraged"];
/// The condition that tells of a certificate's end ahead of time.
pub const EXPIRING: &str = "Expiring";
/// How long ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was seen of an identity.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// What it authenticates with.
    pub method: Option<&'a Method>,
    /// Its cloud, where that had to be discovered.
    pub discovered: Option<&'a Cloud>,
    /// Its token for Key Vault, or why there is none.
    pub outcome: Result<&'a Token, &'a Problem>,
    /// What else was learned.
    pub report: Option<&'a Report>,
}

/// The status after a token was had, or was not.
pub fn status(
    old: &AzureIdentityStatus,
    generation: Option<i64>,
    look: &Look<'_>,
    now: Timestamp,
) -> AzureIdentityStatus {
    let says: Vec<Says> = [Some(ready(look)), expiring(look, now), discouraged(look)]
        .into_iter()
        .flatten()
        .collect();
    let mut kept = old.conditions.clone();
    kept.retain(|condition| {
        !AT_TIMES.contains(&condition.type_.as_str())
            || says.iter().any(|says| says.type_ == condition.type_)
    });
    AzureIdentityStatus {
        observed_generation: generation,
        conditions: conditions::set(&kept, says, generation, now),
        credential: credential(look),
        attempts: look
            .report
            .map(|report| report.attempts.iter().map(attempt).collect())
            .unwrap_or_default(),
        // While a new token cannot be had the old one may still live: its end stays shown.
        token_expires_at: look.outcome.map_or_else(
            |_| old.token_expires_at.clone(),
            |token| Some(Time(whole_seconds(token.expires_at))),
        ),
        credential_expires_at: look
            .report
            .and_then(|report| report.credential_expires_at)
            .map(|end| Time(whole_seconds(end))),
        cloud: look.discovered.map(cloud),
    }
}

fn ready(look: &Look<'_>) -> Says {
    match look.outcome {
        Ok(_) => Says {
            type_: "Ready",
            status: Some(true),
            reason: "TokenAcquired",
            message: "tokens for Key Vault are issued to this identity".to_owned(),
        },
        Err(problem) => Says {
            type_: "Ready",
            status: Some(false),
            reason: problem.reason.as_str(),
            message: problem.message.clone(),
        },
    }
}

fn expiring(look: &Look<'_>, now: Timestamp) -> Option<Says> {
    let end = look.report?.credential_expires_at?;
    let soon = end.duration_since(now) < AHEAD;
    let (reason, message) = if soon {
        (
            "CertificateEnds",
            format!(
                "the certificate ends at {}: register a new one with the application, then put it into the Secret",
                whole_seconds(end)
            ),
        )
    } else {
        (
            "CertificateValid",
            format!("the certificate ends at {}", whole_seconds(end)),
        )
    };
    Some(Says {
        type_: EXPIRING,
        status: Some(soon),
        reason,
        message,
    })
}

/// Microsoft's own words on the password grant: do not use it where anything else will do ("Microsoft identity platform and
/// OAuth 2.0 Resource Owner Password Credentials").
fn discouraged(look: &Look<'_>) -> Option<Says> {
    matches!(look.method?, Method::UsernamePassword { .. }).then(|| Says {
        type_: "Discouraged",
        status: Some(true),
        reason: "PasswordGrant",
        message: "Microsoft advises against signing in by name and password: it asks for more trust than other ways, does not work with a second factor or federated accounts, and Entra is making second factors mandatory. Use workloadIdentity, clientCertificate or managedIdentity".to_owned(),
    })
}

/// The field of the spec that chose the credential; with the default chain the one that won.
fn credential(look: &Look<'_>) -> Option<String> {
    let method = look.method?;
    let winner = look.report.and_then(Report::winner);
    let word = match (method, winner) {
        (Method::Default, Some(link)) => link.name(),
        (Method::Default, None) => return None,
        _ => method.word(),
    };
    Some(word.to_owned())
}

fn attempt(attempt: &Attempt) -> AttemptStatus {
    let (outcome, message) = match &attempt.outcome {
        Outcome::PassedOver(why) => ("PassedOver", Some(why.clone())),
        Outcome::Refused(problem) => ("Refused", Some(problem.message.clone())),
        Outcome::Won => ("Won", None),
    };
    AttemptStatus {
        credential: attempt.link.name().to_owned(),
        outcome: outcome.to_owned(),
        message,
    }
}

fn cloud(cloud: &Cloud) -> CloudStatus {
    let adfs = cloud.token_endpoint == TokenEndpoint::ADFS;
    let manager = cloud.resource_manager.as_ref();
    CloudStatus {
        identity_provider: if adfs { "ADFS" } else { "AAD" }.to_owned(),
        authority: cloud.authority.clone(),
        resource_manager_audience: manager
            .map(|manager| manager.audience.to_string())
            .unwrap_or_default(),
        key_vault_dns_suffix: cloud.vault_suffix.clone(),
        key_vault_audience: cloud.vault_audience.to_string(),
    }
}

/// The API server keeps whole seconds: with more, the status read back would never equal the one that was written.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::auth::chain::Link;
    use crate::problem::Reason;
    use crate::retry::Retry;
    use crate::secret::SecretValue;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn look<'a>(outcome: Result<&'a Token, &'a Problem>) -> Look<'a> {
        Look {
            method: None,
            discovered: None,
            outcome,
            report: None,
        }
    }

    #[test]
    fn a_certificate_warns_thirty_days_ahead_and_goes_with_its_credential() {
        let problem = Problem::new(Reason::TimedOut, Retry::Backoff, "x");
        let ends = |end| Report {
            credential_expires_at: Some(at(end)),
            ..Report::default()
        };
        let (month, far) = (30 * 86_400, ends(90 * 86_400));
        let seen = |old: &AzureIdentityStatus, report: Option<&Report>, now| {
            status(
                old,
                Some(1),
                &Look {
                    report,
                    ..look(Err(&problem))
                },
                at(now),
            )
        };
        let fine = seen(&AzureIdentityStatus::default(), Some(&far), 0);
        assert!(!conditions::is_true(&fine.conditions, EXPIRING));
        let soon = seen(&fine, Some(&far), 2 * month + 1);
        assert!(conditions::is_true(&soon.conditions, EXPIRING));
        assert!(conditions::alarm(&fine.conditions, &soon.conditions, EXPIRING).is_some());
        assert_eq!(
            conditions::alarm(&soon.conditions, &soon.conditions, EXPIRING),
            None
        );
        let without = seen(&soon, None, 2 * month + 1);
        assert!(conditions::find(&without.conditions, EXPIRING).is_none());
    }

    #[test]
    fn the_chain_tells_each_attempt_and_the_winner() {
        let problem = Problem::new(Reason::TimedOut, Retry::Backoff, "x");
        let report = Report {
            attempts: vec![
                Attempt {
                    link: Link::Environment,
                    outcome: Outcome::PassedOver("not set".to_owned()),
                },
                Attempt {
                    link: Link::ManagedIdentity,
                    outcome: Outcome::Won,
                },
            ],
            ..Report::default()
        };
        let look = Look {
            method: Some(&Method::Default),
            report: Some(&report),
            ..look(Err(&problem))
        };
        let new = status(&AzureIdentityStatus::default(), Some(1), &look, at(0));
        assert_eq!(new.credential.as_deref(), Some("ManagedIdentityCredential"));
        let told: Vec<_> = new
            .attempts
            .iter()
            .map(|a| (a.credential.as_str(), a.outcome.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("EnvironmentCredential", "PassedOver"),
                ("ManagedIdentityCredential", "Won")
            ]
        );
    }

    #[test]
    fn a_token_makes_ready_and_a_problem_says_why_not() {
        let token = Token {
            value: SecretValue::from("t0ken".to_owned()),
            issued_at: at(0),
            expires_at: at(3600),
            refresh_at: at(2880),
        };
        let good = status(
            &AzureIdentityStatus::default(),
            Some(1),
            &look(Ok(&token)),
            at(0),
        );
        assert!(conditions::is_true(&good.conditions, "Ready"));
        assert_eq!(good.token_expires_at, Some(Time(at(3600))));
        let problem = Problem::new(Reason::TenantNotFound, Retry::OnChange, "which tenant?");
        let bad = status(&good, Some(2), &look(Err(&problem)), at(10));
        let ready = conditions::find(&bad.conditions, "Ready").unwrap();
        assert_eq!(
            (ready.status.as_str(), ready.reason.as_str()),
            ("False", "TenantNotFound")
        );
        assert_eq!(bad.token_expires_at, Some(Time(at(3600))));
        assert!(!serde_json::to_string(&good).unwrap().contains("t0ken"));
    }

    #[test]
    fn a_status_that_was_stored_and_read_back_is_not_written_again() {
        let token = Token {
            value: SecretValue::from("t0ken".to_owned()),
            issued_at: at(0),
            expires_at: "2026-11-20T07:00:00.123456789Z".parse().unwrap(),
            refresh_at: at(2880),
        };
        let now = "2026-11-20T06:00:00.987654321Z".parse().unwrap();
        let written = status(
            &AzureIdentityStatus::default(),
            Some(1),
            &look(Ok(&token)),
            now,
        );
        let stored: AzureIdentityStatus =
            serde_json::from_value(serde_json::to_value(&written).unwrap()).unwrap();
        assert_eq!(status(&stored, Some(1), &look(Ok(&token)), at(0)), stored);
    }
}
