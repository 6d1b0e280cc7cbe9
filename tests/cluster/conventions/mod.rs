//! That our kinds behave as Kubernetes' own do for those who have kubectl, kustomize, Flux or Argo CD in their hands.

mod applying;
mod overlay;
mod rules;
mod samples;
mod states;
mod tables;

use anyhow::Result;
use serde_json::Value;

use crate::Case;
use crate::kit::Kit;

pub fn cases() -> Vec<Case> {
    [
        applying::cases(),
        overlay::cases(),
        samples::cases(),
        states::cases(),
        tables::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs kubectl with these words in this test's namespace.
pub async fn kubectl(kit: &Kit, words: &[&str]) -> Result<String> {
    let namespace = ["-n", &kit.namespace];
    let words = namespace.iter().chain(words);
    kit.world.control_plane.kubectl().run(words).await
}

/// The same, with a manifest on standard input.
pub async fn kubectl_with(kit: &Kit, words: &[&str], manifest: &Value) -> Result<String> {
    let namespace = ["-n", &kit.namespace];
    let words = namespace.iter().chain(words);
    let kubectl = kit.world.control_plane.kubectl();
    kubectl.run_with_input(words, &manifest.to_string()).await
}
