//! Figures that are counted when somebody asks for them: what the hub is doing, and how syncs stand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Vaults that are told by name; what more there are is told as one, since users name vaults.
const VAULTS: usize = 200;
const OTHERS: &str = "others";

/// Figures of one vault.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Vault {
    /// Calls in the lane of those that somebody waits for.
    pub urgent: u64,
    /// Calls in the lane of those that nobody waits for.
    pub routine: u64,
    /// Calls under way.
    pub under_way: u64,
    /// Objects that are wanted.
    pub objects: u64,
    /// Seconds since the object that was looked at longest ago was looked at.
    pub staleness: f64,
    /// Seconds for which it was left alone because it throttled, so far.
    pub throttled: f64,
}

/// How syncs stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Syncs {
    /// How many have a condition: its type, status and reason, all words of fixed sets.
    pub conditions: BTreeMap<(String, String, String), u64>,
    /// Seconds until the first of the synced objects expires; negative where it has.
    pub first_expiry: Option<f64>,
    /// How many keys' objects expire within so many days.
    pub expiring: BTreeMap<u32, u64>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// By vault.
    pub vaults: BTreeMap<String, Vault>,
    /// Of all syncs.
    pub syncs: Syncs,
    /// How many objects for Azure's resources have a condition: kind, type, status and reason, all words of fixed sets.
    pub resources: BTreeMap<[String; 4], u64>,
}

/// Counts the figures.
pub type Count = Box<dyn Fn() -> Figures + Send + Sync>;

/// Counts the figures when metrics are asked for. Until somebody can, there are none.
#[derive(Clone, Default)]
pub struct Source(Arc<Mutex<Option<Count>>>);

impl Source {
    /// From now on they are counted so.
    pub fn set(&self, count: Count) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
    }

    fn count(&self) -> Figures {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count
            .as_ref()
            .map_or_else(Figures::default, |count| count())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[derive(EncodeLabelSet)]
struct OfVault {
    vault: String,
}

#[derive(EncodeLabelSet)]
struct OfLane {
    vault: String,
    lane: &'static str,
}

#[derive(EncodeLabelSet)]
struct OfCondition {
    condition: String,
    status: String,
    reason: String,
}

#[derive(EncodeLabelSet)]
struct OfResource {
    kind: String,
    condition: String,
    status: String,
    reason: String,
}

#[derive(EncodeLabelSet)]
struct Within {
    days: u32,
}

/// The figures of the first so many vaults by name, and of all others together.
fn bounded(vaults: BTreeMap<String, Vault>) -> BTreeMap<String, Vault> {
    let mut bounded: BTreeMap<String, Vault> = BTreeMap::new();
    for (at, (name, figures)) in vaults.into_iter().enumerate() {
        let name = if at < VAULTS { name } else { OTHERS.to_owned() };
        let sum = bounded.entry(name).or_default();
        *sum = Vault {
            urgent: sum.urgent + figures.urgent,
            routine: sum.routine + figures.routine,
            under_way: sum.under_way + figures.under_way,
            objects: sum.objects + figures.objects,
            staleness: sum.staleness.max(figures.staleness),
            throttled: sum.throttled + figures.throttled,
        };
    }
    bounded
}

/// One metric with a value for each set of labels.
fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    values: impl Iterator<Item = (L, f64)>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

/// As many as a gauge can tell exactly.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or_else(|_| f64::from(u32::MAX), f64::from)
}

impl Collector for Source {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Figures {
            vaults,
            syncs,
            resources,
        } = self.count();
        let vaults = bounded(vaults);
        let of = |vault: &String| OfVault {
            vault: vault.clone(),
        };
        let lanes = vaults.iter().flat_map(|(vault, figures)| {
            let lane = |lane, count| {
                let vault = vault.clone();
                (OfLane { vault, lane }, number(count))
            };
            [
                lane("urgent", figures.urgent),
                lane("routine", figures.routine),
            ]
        });
        gauges(
            &mut encoder,
            ("hub_queue", "Calls to a vault that wait to be made"),
            lanes,
        )?;
        gauges(
            &mut encoder,
            ("hub_calls_under_way", "Calls to a vault under way"),
            vaults.iter().map(|(v, f)| (of(v), number(f.under_way))),
        )?;
        gauges(
            &mut encoder,
            ("hub_objects", "Objects of a vault that syncs want"),
            vaults.iter().map(|(v, f)| (of(v), number(f.objects))),
        )?;
        gauges(
            &mut encoder,
            (
                "vault_staleness_seconds",
                "Age of the oldest look at an object of a vault that is followed",
            ),
            vaults.iter().map(|(v, f)| (of(v), f.staleness)),
        )?;
        let mut throttled = encoder.encode_descriptor(
            "vault_throttled_seconds",
            "Seconds for which a vault was left alone because it throttled",
            None,
            MetricType::Counter,
        )?;
        for (vault, figures) in &vaults {
            let labels = of(vault);
            ConstCounter::new(figures.throttled).encode(throttled.encode_family(&labels)?)?;
        }
        let resources = resources.into_iter().map(|(words, count)| {
            let [kind, condition, status, reason] = words;
            let labels = OfResource {
                kind,
                condition,
                status,
                reason,
            };
            (labels, number(count))
        });
        gauges(
            &mut encoder,
            (
                "resource_conditions",
                "Objects for resources of Azure that have a condition",
            ),
            resources,
        )?;
        syncs.encode(&mut encoder)
    }
}

impl Syncs {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let conditions = self.conditions.iter().map(|(words, count)| {
            let (condition, status, reason) = words.clone();
            let labels = OfCondition {
                condition,
                status,
                reason,
            };
            (labels, number(*count))
        });
        gauges(
            encoder,
            ("sync_conditions", "Syncs that have a condition"),
            conditions,
        )?;
        gauges(
            encoder,
            (
                "expiring_keys",
                "Keys whose objects expire within so many days",
            ),
            self.expiring
                .iter()
                .map(|(days, count)| (Within { days: *days }, number(*count))),
        )?;
        let first = encoder.encode_descriptor(
            "seconds_to_first_expiry",
            "Seconds until the first of the synced objects expires",
            None,
            MetricType::Gauge,
        )?;
        match self.first_expiry {
            Some(seconds) => ConstGauge::new(seconds).encode(first),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn however_many_vaults_users_name_the_set_of_labels_is_bounded() {
        let metrics = Metrics::default();
        metrics.figures().set(Box::new(|| Figures {
            vaults: (0..10_000)
                .map(|at| {
                    let figures = Vault {
                        throttled: 1.0,
                        ..Vault::default()
                    };
                    (format!("kv-{at:05}"), figures)
                })
                .collect(),
            ..Figures::default()
        }));
        let text = metrics.text();
        let staleness = |line: &&str| line.starts_with("lakevault_vault_staleness_seconds{");
        assert_eq!(text.lines().filter(staleness).count(), VAULTS + 1);
        let others = "lakevault_vault_throttled_seconds_total{vault=\"others\"} 9800";
        assert!(text.contains(others), "{text}");
    }

    #[test]
    fn conditions_of_resources_are_told_by_kind() {
        let metrics = Metrics::default();
        let words = ["KeyVault", "Synced", "False", "Throttled"].map(str::to_owned);
        metrics.figures().set(Box::new(move || Figures {
            resources: [(words.clone(), 2)].into(),
            ..Figures::default()
        }));
        let line = "lakevault_resource_conditions{kind=\"KeyVault\",condition=\"Synced\",status=\"False\",reason=\"Throttled\"} 2";
        let text = metrics.text();
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn figures_of_syncs_are_told_by_words_of_fixed_sets() {
        let metrics = Metrics::default();
        metrics.figures().set(Box::new(|| Figures {
            syncs: Syncs {
                conditions: [(("Ready".into(), "True".into(), "AllKeysPresent".into()), 3)].into(),
                first_expiry: Some(60.0),
                expiring: [(30, 2)].into(),
            },
            ..Figures::default()
        }));
        let text = metrics.text();
        for line in [
            "lakevault_sync_conditions{condition=\"Ready\",status=\"True\",reason=\"AllKeysPresent\"} 3",
            "lakevault_seconds_to_first_expiry 60",
            "lakevault_expiring_keys{days=\"30\"} 2",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
