//! What was looked at, and how it stands. Pure data: [`super::render`] shows it, [`super::steps`] finds it out.

use serde::Serialize;

use crate::azure::auth::chain::{Attempt, Outcome as ChainOutcome};
use crate::problem::{Problem, Reason};

/// The steps, in the order in which one builds upon the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// The object says something that can be, and what it refers to exists and is lent to it.
    Spec,
    /// The cloud's endpoints are known.
    Cloud,
    /// The authority's host has an address.
    Dns,
    /// The authority answers, with a certificate that is trusted.
    Tls,
    /// The credential gives a token.
    Token,
    /// The vault answers.
    Vault,
    /// The identity may read the first object of the sync.
    Role,
}

impl Step {
    /// In their order.
    pub(super) const ALL: [Self; 7] = [
        Self::Spec,
        Self::Cloud,
        Self::Dns,
        Self::Tls,
        Self::Token,
        Self::Vault,
        Self::Role,
    ];

    /// Its name in a table.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Cloud => "cloud",
            Self::Dns => "DNS",
            Self::Tls => "TLS",
            Self::Token => "token",
            Self::Vault => "vault",
            Self::Role => "role",
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed,
    /// Not looked at.
    Skipped,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Which.
    pub(super) name: Step,
    /// How it stands.
    pub(super) outcome: Outcome,
    /// What was seen, or why it was not looked at.
    pub(super) detail: String,
    /// The reason that conditions would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// Each credential of the default chain, and what became of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<Tried>,
}

/// A credential of the default chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tried {
    /// Its name in Azure's SDKs.
    pub(super) credential: &'static str,
    /// How it stands: skipped means that it is not there, failed that it is there and was refused.
    pub(super) outcome: Outcome,
    /// Why.
    pub(super) detail: String,
}

impl From<&Attempt> for Tried {
    fn from(attempt: &Attempt) -> Self {
        let (outcome, detail) = match &attempt.outcome {
            ChainOutcome::Won => (Outcome::Passed, "gave the token".to_owned()),
            ChainOutcome::PassedOver(why) => (Outcome::Skipped, why.clone()),
            ChainOutcome::Refused(problem) => (Outcome::Failed, problem.to_string()),
        };
        Self {
            credential: attempt.link.name(),
            outcome,
            detail,
        }
    }
}

/// All steps of one object. Once a step has failed, none is added: the later ones build upon it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Findings {
    /// Kind, namespace and name.
    pub(super) object: String,
    /// The identity that a sync uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    /// The steps.
    pub(super) checks: Vec<Check>,
}

impl Findings {
    /// Nothing looked at yet.
    pub(super) fn new(object: String) -> Self {
        Self {
            object,
            identity: None,
            checks: Vec::new(),
        }
    }

    fn add(&mut self, name: Step, outcome: Outcome, detail: &str, mend: Option<(Reason, String)>) {
        let (reason, mend) = mend.unzip();
        self.checks.push(Check {
            name,
            outcome,
            detail: detail.to_owned(),
            reason: reason.map(Reason::as_str),
            mend,
            attempts: Vec::new(),
        });
    }

    /// A step is as it must be.
    pub(super) fn passed(&mut self, step: Step, detail: &str) {
        self.add(step, Outcome::Passed, detail, None);
    }

    /// A step means nothing here.
    pub(super) fn skipped(&mut self, step: Step, why: &str) {
        self.add(step, Outcome::Skipped, why, None);
    }

    /// A step is not as it must be. Problems carry their mend at the end of the message.
    pub(super) fn failed(&mut self, step: Step, problem: &Problem) {
        let (detail, mend) = match problem.message.split_once(" Mend: ") {
            Some((seen, mend)) => (seen, mend.to_owned()),
            None => (
                problem.message.as_str(),
                format!("see {} in docs/troubleshooting.md", problem.reason),
            ),
        };
        self.add(step, Outcome::Failed, detail, Some((problem.reason, mend)));
    }

    /// Tells what became of each credential of the chain.
    pub(super) fn attempted(&mut self, attempts: &[Attempt]) {
        if let Some(check) = self.checks.last_mut() {
            check.attempts = attempts.iter().map(Tried::from).collect();
        }
    }

    /// Whether no step failed.
    pub(super) fn well(&self) -> bool {
        let failed = |check: &Check| check.outcome == Outcome::Failed;
        !self.checks.iter().any(failed)
    }

    /// With the steps that were not come to.
    #[must_use]
    pub(super) fn whole(mut self) -> Self {
        let failed = self
            .checks
            .iter()
            .find(|check| check.outcome == Outcome::Failed)
            .map(|check| check.name);
        let why = failed.map_or_else(
            || "not looked at".to_owned(),
            |step| format!("not looked at: {} comes first", step.word()),
        );
        for step in Step::ALL {
            if !self.checks.iter().any(|check| check.name == step) {
                self.skipped(step, &why);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::auth::chain::Link;
    use crate::retry::Retry;

    fn problem(message: &str) -> Problem {
        Problem::new(Reason::InvalidClientSecret, Retry::OnChange, message)
    }

    #[test]
    fn the_mend_is_told_apart_from_what_was_seen() {
        let mut findings = Findings::new("x".to_owned());
        findings.failed(
            Step::Token,
            &problem("Entra refused. Mend: az ad app credential reset"),
        );
        findings.failed(Step::Vault, &problem("it is so"));
        let told: Vec<_> = findings
            .checks
            .iter()
            .map(|check| (check.detail.as_str(), check.mend.as_deref().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                ("Entra refused.", "az ad app credential reset"),
                (
                    "it is so",
                    "see InvalidClientSecret in docs/troubleshooting.md"
                ),
            ]
        );
    }

    #[test]
    fn what_comes_after_a_failure_is_not_looked_at() {
        let mut findings = Findings::new("x".to_owned());
        findings.passed(Step::Spec, "right");
        findings.failed(Step::Cloud, &problem("unknown"));
        let findings = findings.whole();
        assert!(!findings.well());
        let steps: Vec<Step> = findings.checks.iter().map(|check| check.name).collect();
        assert_eq!(steps, Step::ALL);
        let later = findings.checks.iter().skip(2);
        for check in later {
            assert_eq!(check.outcome, Outcome::Skipped);
            assert!(check.detail.contains("cloud comes first"), "{check:?}");
        }
    }

    #[test]
    fn a_step_that_means_nothing_here_is_no_failure() {
        let mut findings = Findings::new("x".to_owned());
        findings.skipped(Step::Vault, "no vault");
        assert!(findings.whole().well());
    }

    #[test]
    fn every_credential_of_the_chain_is_told() {
        let mut findings = Findings::new("x".to_owned());
        findings.passed(Step::Token, "t");
        let attempt = |link, outcome| Attempt { link, outcome };
        findings.attempted(&[
            attempt(
                Link::Environment,
                ChainOutcome::PassedOver("not set".to_owned()),
            ),
            attempt(Link::AzureCli, ChainOutcome::Won),
        ]);
        let told: Vec<_> = findings.checks[0]
            .attempts
            .iter()
            .map(|tried| (tried.credential, tried.outcome))
            .collect();
        assert_eq!(
            told,
            [
                ("EnvironmentCredential", Outcome::Skipped),
                ("AzureCLICredential", Outcome::Passed),
            ]
        );
    }
}
