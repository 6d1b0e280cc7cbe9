//! `spec.rollout` parsed into types that cannot be wrong. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::api::{RolloutTarget, WorkloadKind};
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kind.
    pub kind: WorkloadKind,
    /// Which of the kind.
    pub which: Which,
    /// Least time between two restarts.
    pub min_gap: Duration,
}

/// Which workloads of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one of this name.
    Named(ResourceName),
    /// All that have these labels; never empty.
    Labelled(BTreeMap<String, String>),
}

impl Which {
    /// The name, or the labels as a selector. No name has a `=`, so neither is taken for the other.
    pub fn text(&self) -> String {
        match self {
            Self::Named(name) => name.to_string(),
            Self::Labelled(labels) => {
                let pairs: Vec<String> = labels
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                pairs.join(",")
            }
        }
    }
}

impl Target {
    /// Whether a workload is meant.
    pub fn covers(
        &self,
        kind: WorkloadKind,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> bool {
        let meant = match &self.which {
            Which::Named(named) => named.as_str() == name,
            Which::Labelled(wanted) => wanted
                .iter()
                .all(|(name, value)| labels.get(name) == Some(value)),
        };
        self.kind == kind && meant
    }
}

/// Parses the entries.
pub fn parse(entries: &[RolloutTarget]) -> Result<Vec<Target>, Problem> {
    let entries = entries.iter().enumerate();
    entries
        .map(|(at, entry)| {
            let refused = |message: String| {
                let message = format!("spec.rollout[{at}]{message}");
                Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
            };
            let which = match (&entry.name, entry.match_labels.is_empty()) {
                (Some(name), true) => Which::Named(
                    name.parse()
                        .map_err(|error| refused(format!(".name: {error}")))?,
                ),
                (None, false) => Which::Labelled(labels(&entry.match_labels).map_err(refused)?),
                (Some(_), false) | (None, true) => {
                    let message = ": exactly one of name and matchLabels must be set";
                    return Err(refused(message.to_owned()));
                }
            };
            if entry.min_gap.is_some_and(|gap| gap.is_negative()) {
                return Err(refused(".minGap: it must not be negative".to_owned()));
            }
            Ok(Target {
                kind: entry.kind,
                which,
                min_gap: entry.min_gap.map(Duration::from).unwrap_or_default(),
            })
        })
        .collect()
}

/// Labels that can stand in a selector (Kubernetes, "Labels and Selectors", syntax and character set).
fn labels(labels: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let word = |text: &str| {
        let mut bytes = text.bytes();
        let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        text.len() <= 63
            && ends(text.bytes().next())
            && ends(text.bytes().next_back())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let domain = |text: &str| {
        let mut bytes = text.bytes();
        !text.is_empty()
            && text.len() <= 253
            && bytes.all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)
            })
    };
    for (name, value) in labels {
        let named = match name.split_once('/') {
            Some((prefix, name)) => domain(prefix) && word(name),
            None => word(name),
        };
        if !named {
            return Err(format!(".matchLabels: {name:?} is no name of a label"));
        }
        if !value.is_empty() && !word(value) {
            return Err(format!(
                ".matchLabels: {value:?} is no value of a label ({name})"
            ));
        }
    }
    Ok(labels.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(entry: serde_json::Value) -> Result<Vec<Target>, Problem> {
        parse(&[serde_json::from_value(entry).unwrap()])
    }

    #[test]
    fn entries_name_one_workload_or_those_of_labels() {
        let named = parsed(json!({"kind": "Deployment", "name": "api"})).unwrap();
        assert_eq!(named[0].which.text(), "api");
        assert_eq!(named[0].min_gap, Duration::ZERO);
        let labels = json!({"app": "x", "example.com/tier": ""});
        let entry = json!({"kind": "Rollout", "matchLabels": labels, "minGap": "10m"});
        let labelled = parsed(entry).unwrap();
        assert_eq!(labelled[0].which.text(), "app=x,example.com/tier=");
        assert_eq!(labelled[0].min_gap, Duration::from_mins(10));
    }

    #[test]
    fn what_cannot_be_is_refused_by_field() {
        for (entry, named) in [
            (json!({"kind": "Deployment"}), "rollout[0]: exactly one"),
            (
                json!({"kind": "Deployment", "name": "a", "matchLabels": {"a": "b"}}),
                "rollout[0]: exactly one",
            ),
            (
                json!({"kind": "Deployment", "name": "../a"}),
                "rollout[0].name",
            ),
            (
                json!({"kind": "Deployment", "matchLabels": {"a,b": "c"}}),
                "rollout[0].matchLabels",
            ),
            (
                json!({"kind": "Deployment", "matchLabels": {"a": "b,c!=d"}}),
                "rollout[0].matchLabels",
            ),
            (
                json!({"kind": "Deployment", "name": "a", "minGap": "-1s"}),
                "rollout[0].minGap",
            ),
        ] {
            let problem = parsed(entry).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(problem.message.contains(named), "{problem}");
        }
    }

    #[test]
    fn a_workload_is_meant_by_kind_and_name_or_by_all_labels() {
        let entry = json!({"kind": "Deployment", "matchLabels": {"a": "1", "b": "2"}});
        let target = &parsed(entry).unwrap()[0];
        let labels = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let both = labels(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert!(target.covers(WorkloadKind::Deployment, "x", &both));
        assert!(!target.covers(WorkloadKind::DaemonSet, "x", &both));
        assert!(!target.covers(WorkloadKind::Deployment, "x", &labels(&[("a", "1")])));
    }
}
