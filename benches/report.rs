//! What a benchmark found: printed as a table, written as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::stage;

/// One number. The names of the fields are those of `target/bench.json`.
#[allow(clippy::struct_field_names, reason = "the JSON has this name")]
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    pub scenario: &'static str,
    pub measure: String,
    pub value: f64,
    pub unit: &'static str,
    /// What is aimed at, in words: `≤ 1.5`.
    pub aim: Option<String>,
    /// Whether the aim is reached; absent where there is none.
    pub holds: Option<bool>,
}

/// Where a value must lie.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
}

impl Aim {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::Exactly(wanted) => (value - wanted).abs() < f64::EPSILON,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", number(most)),
            Self::AtLeast(least) => format!("≥ {}", number(least)),
            Self::Exactly(wanted) => format!("= {}", number(wanted)),
        }
    }
}

/// What is told of External Secrets Operator, whose numbers are not of this run.
const ELSEWHERE: &str = "Measured elsewhere with the same work, on a machine of two CPUs; only an order of magnitude. External Secrets Operator:\n  ";

/// The measures of one scenario, in the order of the table.
#[derive(Debug)]
pub struct Report {
    scenario: &'static str,
    /// What is done, for a reader of the table. Lines are kept as they are.
    about: String,
    pub measures: Vec<Measure>,
    /// What is said below the table.
    pub note: Option<String>,
}

impl Report {
    pub fn new(scenario: &'static str, about: impl Into<String>) -> Self {
        Self {
            scenario,
            about: about.into(),
            measures: Vec::new(),
            note: None,
        }
    }

    /// A number that is only told.
    pub fn tell(&mut self, measure: impl Into<String>, value: f64, unit: &'static str) {
        self.add(measure.into(), value, unit, None);
    }

    /// A number that an aim is set for.
    pub fn judge(&mut self, measure: impl Into<String>, value: f64, unit: &'static str, aim: Aim) {
        self.add(measure.into(), value, unit, Some(aim));
    }

    /// Says what External Secrets Operator was seen to do elsewhere.
    pub fn compare(&mut self, peer: &str) {
        self.note = Some(format!("{ELSEWHERE}{peer}"));
    }

    /// Numbers of calls by what they are.
    pub fn tell_calls(&mut self, calls: &BTreeMap<String, usize>) {
        for (what, count) in calls {
            self.tell(format!("  {what}"), float(*count), "calls");
        }
    }

    fn add(&mut self, measure: String, value: f64, unit: &'static str, aim: Option<Aim>) {
        self.measures.push(Measure {
            scenario: self.scenario,
            measure,
            // A sum of nothing is -0, which is no number for readers.
            value: value + 0.0,
            unit,
            aim: aim.map(Aim::words),
            holds: aim.map(|aim| aim.holds(value)),
        });
    }

    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "\n{}: {}", self.scenario, self.about)?;
        writeln!(out, "\n  {}\n", stage::machine())?;
        writeln!(
            out,
            "  {:<58} {:>10} {:<8} {:<10}",
            "measure", "value", "unit", "aim"
        )?;
        writeln!(out, "  {}", "─".repeat(100))?;
        for measure in &self.measures {
            writeln!(out, "{}", line(measure))?;
        }
        let missed = self.measures.iter().filter(|m| m.holds == Some(false));
        let judged = self.measures.iter().filter(|m| m.holds.is_some()).count();
        match missed.count() {
            0 => writeln!(out, "\n  All {judged} aims hold.")?,
            missed => writeln!(out, "\n  {missed} of {judged} aims are MISSED.")?,
        }
        if let Some(note) = &self.note {
            writeln!(out, "\n  {note}")?;
        }
        Ok(())
    }
}

fn line(measure: &Measure) -> String {
    let aim = measure.aim.as_deref().unwrap_or_default();
    let holds = match measure.holds {
        Some(true) => "holds",
        Some(false) => "MISSED",
        None => "",
    };
    let line = format!(
        "  {:<58} {:>10} {:<8} {aim:<10} {holds}",
        measure.measure,
        number(measure.value),
        measure.unit,
    );
    line.trim_end().to_owned()
}

/// As many digits as a reader can use.
fn number(value: f64) -> String {
    if value.fract().abs() < f64::EPSILON {
        format!("{value:.0}")
    } else if value >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Writes the measures as one JSON array.
pub fn write(path: &Path, measures: &[Measure]) -> Result<()> {
    fs::write(path, serde_json::to_vec_pretty(measures)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The value below which this share of the values lies (nearest rank); no number where there are none.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (float(values.len()) * share).ceil();
    let at = (1..values.len()).take_while(|at| float(*at) < rank).count();
    values.get(at).copied().unwrap_or(f64::NAN)
}

pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// Counts are far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn float(count: usize) -> f64 {
    count as f64
}
