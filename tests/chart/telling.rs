//! Alerts and dashboard speak of figures that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lakevault::telemetry::figures::{Figures, Syncs, Vault};
use lakevault::telemetry::metrics::Metrics;
use regex::Regex;
use serde_json::Value;

use crate::helm::{chart, render, the};
use crate::{Case, alone};

pub fn cases() -> Vec<Case> {
    alone![
        alerts_speak_of_figures_that_exist,
        the_dashboard_speaks_of_figures_that_exist,
        every_figure_is_on_the_dashboard,
        every_figure_is_in_the_documents,
        alerts_tell_of_all_that_the_product_promises,
    ]
}

/// Labels that Prometheus adds to what it scrapes.
const SCRAPED: [&str; 3] = ["namespace", "pod", "job"];

/// The operator's figures as it tells them, each at least once, with the names of their labels.
fn figures() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let metrics = Metrics::default();
    metrics.azure_call("h", "GetSecret", "200".to_owned(), Duration::from_secs(1));
    metrics.azure_spared("GetVault");
    metrics.kubernetes_call("get", "secrets", true);
    metrics.reconciled("VaultSecretSync", "written");
    metrics.objects("vaultsecretsyncs", 1);
    metrics.drift_repaired();
    metrics.rolled_out("restarted");
    metrics.leads(true);
    metrics.lease_epoch(1);
    metrics.lease_request("renew", "ok");
    metrics.figures().set(Box::new(|| Figures {
        vaults: [("kv".to_owned(), Vault::default())].into(),
        syncs: Syncs {
            conditions: [(("Ready".into(), "True".into(), "UpToDate".into()), 1)].into(),
            first_expiry: Some(1.0),
            expiring: [(30, 1)].into(),
        },
        resources: [(
            ["KeyVault", "Ready", "True", "UpToDate"].map(str::to_owned),
            1,
        )]
        .into(),
    }));
    let line = Regex::new(r"(?m)^(lakevault_\w+)(?:\{(.*)\})? ")?;
    let label = Regex::new(r#"(\w+)=""#)?;
    let text = metrics.text();
    let figures: BTreeMap<_, _> = line
        .captures_iter(&text)
        .map(|found| {
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            let labels = label.captures_iter(labels).map(|one| one[1].to_owned());
            (found[1].to_owned(), labels.collect())
        })
        .collect();
    ensure!(figures.len() > 15, "{figures:?}");
    Ok(figures)
}

/// The names of figures in a query; its selectors name labels that they have.
fn named(query: &str, known: &BTreeMap<String, BTreeSet<String>>) -> Result<BTreeSet<String>> {
    let name = Regex::new(r"\b(lakevault_\w+)(?:\{([^}]*)\})?")?;
    let label = Regex::new(r#"(\w+)\s*(?:=~|!~|!=|=)\s*""#)?;
    let mut names = BTreeSet::new();
    for found in name.captures_iter(query) {
        let labels = known
            .get(&found[1])
            .with_context(|| format!("{}: there is no such figure: {query}", &found[1]))?;
        for one in label.captures_iter(found.get(2).map_or("", |labels| labels.as_str())) {
            let one = &one[1];
            ensure!(
                labels.contains(one) || SCRAPED.contains(&one),
                "{} has no label {one}: {query}",
                &found[1]
            );
        }
        names.insert(found[1].to_owned());
    }
    ensure!(!names.is_empty(), "no figure of ours: {query}");
    Ok(names)
}

fn alerts() -> Result<Vec<Value>> {
    let objects = render("metrics: {prometheusRule: {enabled: true}}")?;
    let groups = the(&objects, "PrometheusRule")?["spec"]["groups"].clone();
    let groups = groups.as_array().context("no groups")?;
    let rules = groups.iter().filter_map(|group| group["rules"].as_array());
    Ok(rules.flatten().cloned().collect())
}

fn alerts_speak_of_figures_that_exist() -> Result<()> {
    let known = figures()?;
    for alert in alerts()? {
        named(alert["expr"].as_str().context("no expression")?, &known)?;
        let told = alert["annotations"]["summary"].as_str();
        ensure!(told.is_some_and(|told| !told.is_empty()), "{alert}");
    }
    Ok(())
}

fn alerts_tell_of_all_that_the_product_promises() -> Result<()> {
    let alerts = alerts()?;
    let names: BTreeSet<&str> = alerts.iter().filter_map(|a| a["alert"].as_str()).collect();
    for promised in [
        "LakevaultStale",
        "LakevaultFailing",
        "LakevaultResourceFailing",
        "LakevaultThrottled",
        "LakevaultExpiring",
        "LakevaultNotLeading",
        "LakevaultDown",
    ] {
        ensure!(names.contains(promised), "{promised} is not in {names:?}");
    }
    Ok(())
}

fn panels() -> Result<Vec<Value>> {
    let objects = render("metrics: {dashboard: {enabled: true}}")?;
    let text = the(&objects, "ConfigMap")?["data"]["lakevault.json"].clone();
    let dashboard: Value = serde_json::from_str(text.as_str().context("no dashboard")?)?;
    let file: Value =
        serde_json::from_str(&fs::read_to_string(chart().join("files/dashboard.json"))?)?;
    ensure!(dashboard == file, "the dashboard is not the file");
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let ids: BTreeSet<String> = panels.iter().map(|panel| panel["id"].to_string()).collect();
    ensure!(ids.len() == panels.len(), "two panels have one id");
    let shows = |panel: &&Value| panel["type"] != "row";
    Ok(panels.iter().filter(shows).cloned().collect())
}

fn shown(known: &BTreeMap<String, BTreeSet<String>>) -> Result<BTreeSet<String>> {
    let mut shown = BTreeSet::new();
    for panel in panels()? {
        let targets = panel["targets"].as_array().context("no targets")?;
        ensure!(!targets.is_empty(), "{panel}");
        for target in targets {
            shown.extend(named(target["expr"].as_str().context("no query")?, known)?);
        }
    }
    Ok(shown)
}

fn the_dashboard_speaks_of_figures_that_exist() -> Result<()> {
    shown(&figures()?).map(drop)
}

/// The name that stands for all parts of a histogram.
fn whole(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    let part = parts.iter().find_map(|part| name.strip_suffix(part));
    part.unwrap_or(name)
}

fn every_figure_is_on_the_dashboard() -> Result<()> {
    let known = figures()?;
    let shown = shown(&known)?;
    let shown: BTreeSet<&str> = shown.iter().map(|name| whole(name)).collect();
    let all: BTreeSet<&str> = known.keys().map(|name| whole(name)).collect();
    let missing: Vec<_> = all.difference(&shown).collect();
    ensure!(missing.is_empty(), "on no panel: {missing:?}");
    Ok(())
}

fn every_figure_is_in_the_documents() -> Result<()> {
    let page = testbed::binaries::repository().join("docs/operations.md");
    let text = fs::read_to_string(page)?;
    let known = figures()?;
    let absent = |name: &&str| !text.contains(&format!("`{name}`"));
    let missing: BTreeSet<&str> = known
        .keys()
        .map(|name| whole(name))
        .filter(absent)
        .collect();
    ensure!(missing.is_empty(), "not in docs/operations.md: {missing:?}");
    Ok(())
}
