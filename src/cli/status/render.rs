//! How all objects stand, as text. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::operator::Operator;
use super::standing::{Finding, Standing, State};
use crate::cli::form::printable;
use crate::problem::Reason;

/// What stands in a cell that has nothing to say, as for kubectl.
const NOTHING: &str = "<none>";
/// Columns between two cells, as for kubectl.
const GAP: usize = 3;
const INDENT: &str = "    ";

/// The forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Lines for people.
    Table,
    /// The same with more columns.
    Wide,
    /// One object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The operators.
    pub(super) operators: Vec<Operator>,
    /// The objects.
    pub(super) objects: Vec<Standing>,
    /// What could not be read, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unread: Vec<String>,
}

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner<'a> {
    /// The form.
    pub(super) form: Form,
    /// Whether there is a column for namespaces.
    pub(super) namespaces: bool,
    /// Only what is wrong or worth a warning.
    pub(super) problems: bool,
    /// The command under the name that it was called by.
    pub(super) program: &'a str,
    /// Now.
    pub(super) now: Timestamp,
}

impl Report {
    /// Whether something does not work.
    pub(super) fn has_problem(&self) -> bool {
        let states = self.objects.iter().map(|object| object.state);
        let states = states.chain(self.operators.iter().map(|operator| operator.state));
        states.max() == Some(State::Problem) || !self.unread.is_empty()
    }
}

/// Everything. The error says why it cannot be written.
pub(super) fn render(report: &Report, manner: Manner<'_>) -> Result<String, String> {
    let mut shown = report.clone();
    if manner.problems {
        shown
            .objects
            .retain(|object| object.state >= State::Warning);
    }
    match manner.form {
        Form::Table | Form::Wide => Ok(text(&shown, report, manner)),
        Form::Json => serde_json::to_string_pretty(&shown)
            .map(|json| json + "\n")
            .map_err(|error| error.to_string()),
        Form::Yaml => serde_saphyr::to_string(&shown).map_err(|error| error.to_string()),
    }
}

fn text(shown: &Report, all: &Report, manner: Manner<'_>) -> String {
    let mut parts = vec![
        shown
            .operators
            .iter()
            .map(|operator| operator_line(operator, manner))
            .collect::<String>(),
    ];
    if !shown.objects.is_empty() {
        parts.push(table(&shown.objects, manner));
    }
    let troubled = shown.objects.iter();
    let troubled = troubled.filter(|object| object.state >= State::Waiting);
    parts.extend(troubled.map(|object| detail(object, manner)));
    let unread = shown
        .unread
        .iter()
        .map(|line| format!("✗ {}\n", printable(line)));
    parts.push(unread.collect());
    if !all.objects.is_empty() {
        parts.push(sum(&all.objects));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// Which version runs, how many replicas, and who leads.
fn operator_line(operator: &Operator, manner: Manner<'_>) -> String {
    let name = match &operator.deployment {
        Some(name) => format!("{}/{name}", operator.namespace),
        None => format!("in {}", operator.namespace),
    };
    let version = operator.version.as_ref();
    let version = version.map(|version| format!("version {version}"));
    let ready = operator.ready.zip(operator.replicas);
    let ready = ready.map(|(ready, wanted)| format!("{ready}/{wanted} ready"));
    let leader = operator.leader.as_ref().map(|leader| {
        let renewed = operator.renewed.map(|at| ago(at, manner.now));
        format!("{leader} leads (renewed {})", renewed.unwrap_or_default())
    });
    let known: Vec<String> = [version, ready, leader].into_iter().flatten().collect();
    let known = if known.is_empty() {
        String::new()
    } else {
        format!(": {}", known.join(", "))
    };
    let findings = operator.findings.iter();
    let findings = findings.map(|finding| said(finding, manner.now));
    let head = format!(
        "{} Operator {}{}\n",
        operator.state.sign(),
        printable(&name),
        printable(&known)
    );
    std::iter::once(head).chain(findings).collect()
}

/// A line for each object, in columns.
fn table(objects: &[Standing], manner: Manner<'_>) -> String {
    let wide = manner.form == Form::Wide;
    let mut heads = vec!["KIND", "NAME", "STATE", "REASON", "LOOKED", "AGE"];
    if wide {
        heads.extend(["READY", "SYNCED", "NEXT", "IDENTITY"]);
    }
    if manner.namespaces {
        heads.insert(0, "NAMESPACE");
    }
    let cell = |text: Option<&str>| match text {
        Some(text) if !text.is_empty() => printable(text),
        _ => NOTHING.to_owned(),
    };
    let row = |object: &Standing| {
        let looked = object.last_looked.map(|at| ago(at, manner.now));
        let age = object.created.map(|at| span(manner.now.duration_since(at)));
        let mut cells = vec![
            cell(Some(object.kind)),
            cell(Some(&object.name)),
            cell(Some(object.state.word())),
            cell(Some(&object.reason)),
            cell(looked.as_deref()),
            cell(age.as_deref()),
        ];
        if wide {
            let next = object.next_look.map(|at| ahead(at, manner.now));
            cells.push(cell(object.ready.as_deref()));
            cells.push(cell(object.synced.as_deref()));
            cells.push(cell(next.as_deref()));
            cells.push(cell(object.identity.as_deref()));
        }
        if manner.namespaces {
            cells.insert(0, cell(object.namespace.as_deref()));
        }
        cells
    };
    let heads = heads.into_iter().map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads)
        .chain(objects.iter().map(row))
        .collect();
    columns(&rows)
}

/// Cells below each other. Names, words and times are ASCII, so that a character is a column.
fn columns(rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}", width = width + GAP));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

/// What is to be known of an object, and where there is more.
fn detail(object: &Standing, manner: Manner<'_>) -> String {
    let head = format!("{} {}\n", object.state.sign(), printable(&object.title()));
    let findings = object.findings.iter();
    let findings = findings.map(|finding| said(finding, manner.now));
    let more = if object.state == State::Problem {
        format!("{INDENT}More: {}\n", more(object, manner.program))
    } else {
        String::new()
    };
    std::iter::once(head)
        .chain(findings)
        .chain([more])
        .collect()
}

fn said(finding: &Finding, now: Timestamp) -> String {
    let since = finding.since;
    let since = since.map(|since| format!(" for {}", span(now.duration_since(since))));
    let condition = finding.condition.as_deref().unwrap_or_default();
    let condition = if condition.is_empty() {
        String::new()
    } else {
        format!("{condition}, ")
    };
    let mend = finding.mend.as_ref();
    let mend = mend.map(|mend| format!("{INDENT}Mend: {}\n", printable(mend)));
    format!(
        "{INDENT}{}{}{}: {}\n{}",
        printable(&condition),
        printable(&finding.reason),
        since.unwrap_or_default(),
        printable(&finding.message),
        mend.unwrap_or_default()
    )
}

/// Where the reason is explained, and what tries more than a condition tells.
fn more(object: &Standing, program: &str) -> String {
    let place = object.namespace.as_ref();
    let place = place.map(|namespace| format!(" -n {namespace}"));
    let place = place.unwrap_or_default();
    let name = &object.name;
    let command = match object.kind {
        "VaultSecretSync" => format!("{program} diagnose{place} sync/{name}"),
        "AzureIdentity" => format!("{program} diagnose{place} identity/{name}"),
        "ClusterAzureIdentity" => format!("{program} diagnose clusteridentity/{name}"),
        kind => format!("kubectl{place} describe {} {name}", kind.to_lowercase()),
    };
    let known = Reason::ALL.iter();
    let entry = known.map(|reason| reason.as_str());
    let entry = entry.filter(|reason| *reason == object.reason);
    let entry = entry.map(|reason| format!("docs/troubleshooting.md#{}; ", reason.to_lowercase()));
    format!("{}{command}", printable(&entry.collect::<String>()))
}

/// How many stand how.
fn sum(objects: &[Standing]) -> String {
    let count = |state| {
        objects
            .iter()
            .filter(|object| object.state == state)
            .count()
    };
    let parts = [
        (State::Ok, "ok"),
        (State::Suspended, "suspended"),
        (State::Waiting, "waiting"),
        (State::Warning, "with a warning"),
        (State::Problem, "with a problem"),
    ];
    let parts = parts
        .into_iter()
        .map(|(state, word)| (count(state), state, word));
    let told =
        parts.filter(|(count, state, _)| *count > 0 || matches!(state, State::Ok | State::Problem));
    let told: Vec<String> = told
        .map(|(count, _, word)| format!("{count} {word}"))
        .collect();
    format!("{}\n", told.join(", "))
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.duration_since(at)))
}

fn ahead(at: Timestamp, now: Timestamp) -> String {
    let left = at.duration_since(now);
    if left.is_negative() {
        "due".to_owned()
    } else {
        format!("in {}", span(left))
    }
}

/// A time span in its largest unit, as kubectl tells ages.
fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
