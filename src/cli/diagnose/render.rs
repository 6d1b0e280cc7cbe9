//! Findings as text. Pure.

use super::check::{Check, Findings, Outcome};
use crate::cli::form::{Form, printable, shown};

/// Columns before the text of a step.
const INDENT: usize = 10;

/// All findings. The error says why they cannot be written.
pub(super) fn render(all: &[Findings], form: Form) -> Result<String, String> {
    shown(all, form, table)
}

fn table(findings: &Findings) -> String {
    let object = printable(&findings.object);
    let head = match &findings.identity {
        Some(identity) => format!("{object} with {}\n", printable(identity)),
        None => format!("{object}\n"),
    };
    let lines = findings.checks.iter().map(lines);
    std::iter::once(head).chain(lines).collect()
}

/// A step, each credential that was tried at it, and what mends it.
fn lines(check: &Check) -> String {
    let indent = " ".repeat(INDENT);
    let reason = check.reason.map(|reason| format!("{reason}: "));
    let step = format!(
        "{} {:<6}  {}{}\n",
        sign(check.outcome),
        check.name.word(),
        reason.unwrap_or_default(),
        printable(&check.detail)
    );
    let tried = check.attempts.iter().map(|tried| {
        let (sign, detail) = (sign(tried.outcome), printable(&tried.detail));
        format!("{indent}{sign} {}: {detail}\n", tried.credential)
    });
    let mend = check.mend.iter();
    let mend = mend.map(|mend| format!("{indent}Mend: {}\n", printable(mend)));
    std::iter::once(step).chain(tried).chain(mend).collect()
}

fn sign(outcome: Outcome) -> char {
    match outcome {
        Outcome::Passed => '✓',
        Outcome::Failed => '✗',
        Outcome::Skipped => '–',
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Step;
    use super::*;
    use crate::problem::{Problem, Reason};
    use crate::retry::Retry;

    fn findings() -> Findings {
        let mut findings = Findings::new("VaultSecretSync team/db".to_owned());
        findings.identity = Some("AzureIdentity team/sp".to_owned());
        findings.passed(Step::Spec, "right");
        let problem = Problem::new(
            Reason::HostNotFound,
            Retry::Backoff,
            "login.x has no\u{1b}[31m address. Mend: look",
        );
        findings.failed(Step::Dns, &problem);
        findings.skipped(Step::Tls, "not looked at");
        findings
    }

    #[test]
    fn a_table_has_a_line_for_each_step_and_the_mend() {
        let expected = "VaultSecretSync team/db with AzureIdentity team/sp\n\
            ✓ spec    right\n\
            ✗ DNS     HostNotFound: login.x has no [31m address.\n          Mend: look\n\
            – TLS     not looked at\n";
        assert_eq!(render(&[findings()], Form::Table).unwrap(), expected);
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&[findings()], Form::Json).unwrap()).unwrap();
        let yaml: serde_json::Value =
            serde_saphyr::from_str(&render(&[findings()], Form::Yaml).unwrap()).unwrap();
        assert_eq!(json, yaml);
        let dns = &json[0]["checks"][1];
        assert_eq!(
            (&dns["name"], &dns["outcome"], &dns["reason"], &dns["mend"]),
            (
                &"dns".into(),
                &"failed".into(),
                &"HostNotFound".into(),
                &"look".into()
            )
        );
    }
}
