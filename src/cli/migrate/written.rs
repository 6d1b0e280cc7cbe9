//! What was made, as YAML with remarks and commands in comments, and as lines for a person. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Migration;
use super::handover::Handover;
use super::input::Input;
use super::made::{Made, Remark};

/// All objects, as one file.
pub(super) fn all(migration: &Migration) -> Result<String, String> {
    let mut head: String = migration
        .left
        .iter()
        .map(|remark| comment(&said(remark)))
        .collect();
    if !head.is_empty() {
        head.insert_str(0, "# What nothing was made of:\n");
    }
    let consents = consents(&migration.made);
    let documents = migration.made.iter().map(|made| one(made, &consents));
    let documents: Vec<String> = documents.collect::<Result<_, _>>()?;
    Ok(head + &documents.join("---\n"))
}

/// Namespace, Secret and annotation, and the syncs that it names.
type Consents<'a> = BTreeMap<(&'a str, &'a str, &'static str), BTreeSet<&'a str>>;

/// A Secret may let several in, and says so at once.
fn consents(made: &[Made]) -> Consents<'_> {
    let mut all = Consents::new();
    for handover in made.iter().filter_map(|made| made.handover.as_ref()) {
        let names = all.entry(key(handover)).or_default();
        names.insert(handover.sync.as_str());
    }
    all
}

fn key(handover: &Handover) -> (&str, &str, &'static str) {
    (&handover.namespace, &handover.secret, handover.consent())
}

/// One object with what has to be said of it before.
fn one(made: &Made, consents: &Consents<'_>) -> Result<String, String> {
    let mut text = comment(&format!("From {}", made.from.join(", ")));
    for remark in &made.remarks {
        text += &comment(&match made.from.as_slice() {
            [only] if *only == remark.of => remark.note.to_string(),
            _ => said(remark),
        });
    }
    if let Some(handover) = &made.handover {
        let names = consents.get(&key(handover)).into_iter().flatten().copied();
        text += &comment(&handover.title());
        for step in handover.steps(&names.collect::<Vec<_>>().join(",")) {
            text += &comment(&format!("  {step}"));
        }
        text += &handover.after().map(comment).unwrap_or_default();
    }
    let yaml = serde_saphyr::to_string(&made.object).map_err(|error| error.to_string())?;
    Ok(text + &yaml)
}

/// A line of comment. It quotes somebody else's text, and ends with its line.
fn comment(text: &str) -> String {
    format!("# {}\n", plain(text))
}

fn plain(text: &str) -> String {
    let ends = |c: char| c.is_control() || "\u{85}\u{2028}\u{2029}".contains(c);
    let plain = text.chars().map(|c| if ends(c) { ' ' } else { c });
    plain.collect()
}

fn said(remark: &Remark) -> String {
    format!("{}: {}", remark.of, remark.note)
}

/// All remarks, and how much was made.
pub(super) fn told(migration: &Migration, input: &Input) -> Vec<String> {
    let made = migration.made.iter().flat_map(|made| &made.remarks);
    let mut lines: Vec<String> = migration
        .left
        .iter()
        .chain(made)
        .map(|remark| plain(&said(remark)))
        .collect();
    let remarks = lines.len();
    let others: Vec<&str> = input
        .kinds()
        .into_iter()
        .filter(|(group, _)| !super::check::is_peers(group))
        .map(|(_, kind)| kind)
        .collect();
    if !others.is_empty() {
        let others = plain(&others.join(", "));
        lines.push(format!(
            "not converted, and read only for what they tell of the others: {others}"
        ));
    }
    lines.push(format!(
        "objects made: {}, remarks: {remarks}; read these, then lakevault plan -f on what was printed",
        migration.made.len()
    ));
    lines
}
