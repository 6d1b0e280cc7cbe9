//! What an identity's status says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::api::AzureIdentityStatus;
use super::valid::Method;
use crate::azure::auth::Token;
use crate::k8s::conditions::{self, Says};
use crate::problem::Problem;

/// The status after a token was had, or was not.
pub fn status(
    old: &AzureIdentityStatus,
    generation: Option<i64>,
    method: Option<&Method>,
    outcome: Result<&Token, &Problem>,
    now: Timestamp,
) -> AzureIdentityStatus {
    let says = match outcome {
        Ok(_) => Says {
            type_: "Ready",
            status: Some(true),
            reason: "TokenAcquired",
            message: "Entra issues tokens for Key Vault to this identity".to_owned(),
        },
        Err(problem) => Says {
            type_: "Ready",
            status: Some(false),
            reason: problem.reason.as_str(),
            message: problem.message.clone(),
        },
    };
    AzureIdentityStatus {
        observed_generation: generation,
        conditions: conditions::set(&old.conditions, vec![says], generation, now),
        credential: method.map(|method| method.word().to_owned()),
        // While a new token cannot be had the old one may still live: its end stays shown.
        token_expires_at: outcome.map_or_else(
            |_| old.token_expires_at.clone(),
            |token| Some(Time(whole_seconds(token.expires_at))),
        ),
    }
}

/// The API server keeps whole seconds: with more, the status read back would never equal the one that was written.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Reason;
    use crate::retry::Retry;
    use crate::secret::SecretValue;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
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
            None,
            Ok(&token),
            at(0),
        );
        assert!(conditions::is_true(&good.conditions, "Ready"));
        assert_eq!(good.token_expires_at, Some(Time(at(3600))));
        let problem = Problem::new(Reason::TenantNotFound, Retry::OnChange, "which tenant?");
        let bad = status(&good, Some(2), None, Err(&problem), at(10));
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
            None,
            Ok(&token),
            now,
        );
        let stored: AzureIdentityStatus =
            serde_json::from_value(serde_json::to_value(&written).unwrap()).unwrap();
        assert_eq!(status(&stored, Some(1), None, Ok(&token), at(0)), stored);
    }
}
