//! Problems of somebody who signs in, told by what that person typed: the messages of tokens speak of an identity's spec. Pure.

use crate::azure::auth::Profile;
use crate::problem::{Problem, Reason};

const MEND: &str = " Mend: ";

/// The problem with the mend of a person at a terminal.
pub(super) fn told(problem: Problem, profile: &Profile) -> Problem {
    let Some(mend) = mend(&problem, profile) else {
        return problem;
    };
    let seen = problem.message.split(MEND).next().unwrap_or_default();
    Problem {
        message: format!("{seen}{MEND}{mend}"),
        ..problem
    }
}

/// Codes: Microsoft's "Microsoft Entra authentication and authorization error codes".
fn mend(problem: &Problem, profile: &Profile) -> Option<String> {
    let client = profile.client.as_ref().map_or("", |client| client.as_str());
    match problem.azure_code.as_deref() {
        Some("AADSTS50055") => {
            return Some(
                "change the password, which has expired: https://mysignins.microsoft.com"
                    .to_owned(),
            );
        }
        Some("AADSTS65001") => {
            return Some(format!(
                "ask an administrator to consent to client {client} for this resource, or choose another with --client-id"
            ));
        }
        Some("AADSTS7000218") => {
            return Some(format!(
                "make client {client} a public one: az ad app update --id {client} --is-fallback-public-client true"
            ));
        }
        _ => {}
    }
    if problem.reason == Reason::ApplicationNotFound {
        return Some(format!("check --client-id ({client}) and --tenant"));
    }
    let mut known = MENDS.iter();
    let known = known.find(|(reason, _)| *reason == problem.reason);
    known.map(|(_, mend)| (*mend).to_owned())
}

const MENDS: [(Reason, &str); 5] = [
    (
        Reason::InvalidUserPassword,
        "check --username, the password and --tenant",
    ),
    (
        Reason::MultiFactorRequired,
        "sign in by device code, which can ask for a second factor: lakevault login without --username",
    ),
    (Reason::TenantNotFound, "check --tenant and the cloud"),
    (
        Reason::ResourceNotFound,
        "check --resource: the tenant knows no such application",
    ),
    // Mostly a sign-in that has ended: too old, revoked, or of a password that was changed since.
    (
        Reason::AuthenticationFailed,
        "sign in again: lakevault login",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::Cloud;
    use crate::azure_identity::api::CloudName;
    use crate::retry::Retry;

    fn profile() -> Profile {
        Profile {
            cloud: Cloud::shared(CloudName::Public),
            tenant: Some("t".parse().unwrap()),
            client: Some("04b07795-8ddb-461a-bbee-02f9e1bf7b46".parse().unwrap()),
        }
    }

    fn shown(reason: Reason, code: Option<&str>) -> String {
        let message = "Entra refused: it is so. Mend: check spec.clientId";
        let problem = Problem::new(reason, Retry::OnChange, message).answered(400, code);
        told(problem, &profile()).message
    }

    #[test]
    fn the_mend_names_what_was_typed() {
        for (reason, code, mend) in [
            (Reason::InvalidUserPassword, "AADSTS50126", "--username"),
            (Reason::MultiFactorRequired, "AADSTS50076", "device code"),
            (Reason::TenantNotFound, "AADSTS90002", "--tenant"),
            (Reason::ApplicationNotFound, "AADSTS700016", "--client-id"),
            (Reason::ResourceNotFound, "AADSTS500011", "--resource"),
            (
                Reason::AuthenticationFailed,
                "AADSTS7000218",
                "--is-fallback-public-client",
            ),
            (
                Reason::AuthenticationFailed,
                "AADSTS700082",
                "lakevault login",
            ),
        ] {
            let message = shown(reason, Some(code));
            assert!(
                message.starts_with("Entra refused: it is so. Mend: "),
                "{message}"
            );
            assert!(
                message.contains(mend) && !message.contains("spec."),
                "{message}"
            );
        }
    }

    #[test]
    fn what_no_flag_mends_is_left_as_it_is() {
        let problem = Problem::new(Reason::TimedOut, Retry::Backoff, "no answer");
        assert_eq!(told(problem.clone(), &profile()), problem);
    }
}
