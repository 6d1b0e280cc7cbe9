//! After all tests: the operator ends cleanly, and no planted value is in anything but Secrets.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::kit::{PLANTED, World};

/// Gathers all that the operator said, ends it, and searches.
pub async fn afterwards(world: Arc<World>) -> Result<()> {
    let metrics = world.operator.metrics().await?;
    let kubectl = world.control_plane.kubectl();
    let mut said = vec![("metrics".to_owned(), metrics)];
    for kind in [
        "events",
        "vaultsecretsyncs",
        "azureidentities",
        "clusterazureidentities",
        "keyvaults",
        "datalakeaccounts",
    ] {
        said.push((
            kind.to_owned(),
            kubectl.run(["get", kind, "-A", "-o", "json"]).await?,
        ));
    }
    let secrets = kubectl
        .run([
            "get",
            "secrets",
            "-A",
            "-o",
            "jsonpath={.items[*].metadata}",
        ])
        .await?;
    said.push(("metadata of Secrets".to_owned(), secrets));
    let status = world.operator.terminate(Duration::from_secs(10)).await?;
    ensure!(status.success(), "the operator ended with {status}");
    let log = std::fs::read_to_string(world.operator.log()).context("the operator's log")?;
    ensure!(
        log.contains("Lakevault has stopped"),
        "the log does not tell the end"
    );
    ensure!(!log.contains("panicked"), "a panic is in the log");
    said.push(("log".to_owned(), log));
    for (what, text) in said {
        holds_no_value(&what, &text)?;
    }
    Ok(())
}

/// Fails where a planted value is in something that the operator said.
pub fn holds_no_value(what: &str, text: &str) -> Result<()> {
    for form in forms() {
        if let Some(at) = text.find(&form) {
            let around: String = text
                .chars()
                .skip(at.saturating_sub(200))
                .take(400)
                .collect();
            anyhow::bail!("a planted value is in {what}: …{around}…");
        }
    }
    Ok(())
}

/// The planted mark as it is, and as Base64 may begin with it at each of the three offsets.
fn forms() -> Vec<String> {
    use base64::Engine;
    let encoded = (0..3).map(|offset| {
        let padded = [&b"xxx"[..offset], PLANTED.as_bytes()].concat();
        let text = base64::engine::general_purpose::STANDARD.encode(padded);
        text.chars().skip(4).take(12).collect()
    });
    std::iter::once(PLANTED.to_owned()).chain(encoded).collect()
}
