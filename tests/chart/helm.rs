//! Running the real helm.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use testbed::binaries;

/// The namespace of the releases that are rendered.
pub const NAMESPACE: &str = "lakevault-system";

pub fn chart() -> PathBuf {
    binaries::repository().join("charts/lakevault")
}

/// Runs helm and gives back its standard output.
pub fn helm(kubeconfig: Option<&Path>, arguments: &[&str]) -> Result<String> {
    let program = binaries::kubernetes("helm")
        .context("helm is built by tests/control-plane/build.sh chart")?;
    let home = binaries::target_folder()?.join("helm");
    let mut command = Command::new(program);
    command.args(arguments);
    for (variable, folder) in [
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
    ] {
        command.env(variable, home.join(folder));
    }
    // Without one, it must find none.
    command.env(
        "KUBECONFIG",
        kubeconfig.unwrap_or_else(|| Path::new("/dev/null")),
    );
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("helm {} failed: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What the chart renders with these values, given as YAML.
pub fn render(values: &str) -> Result<Vec<Value>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), values)?;
    let (chart, values) = (chart(), file.path());
    let text = helm(
        None,
        &[
            "template",
            "lakevault",
            &chart.to_string_lossy(),
            "--namespace",
            NAMESPACE,
            "--values",
            &values.to_string_lossy(),
        ],
    )?;
    let objects = documents(&text)?;
    ensure!(!objects.is_empty(), "nothing was rendered");
    Ok(objects)
}

/// The documents of a YAML text.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let parsed = text
        .split("\n---\n")
        .map(serde_saphyr::from_str::<Option<Value>>);
    let all: Result<Vec<Option<Value>>, _> = parsed.collect();
    Ok(all?.into_iter().flatten().collect())
}

/// The objects of a kind.
pub fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    let is = |object: &&Value| object["kind"] == kind;
    objects.iter().filter(is).collect()
}

/// The only object of a kind.
pub fn the<'o>(objects: &'o [Value], kind: &str) -> Result<&'o Value> {
    match of_kind(objects, kind).as_slice() {
        [one] => Ok(one),
        several => bail!("{} objects of kind {kind}", several.len()),
    }
}

/// A part of an object as what it is.
pub fn part<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T> {
    Ok(serde_json::from_value(value.clone())?)
}
