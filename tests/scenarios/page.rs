//! docs/scenarios.md: its YAML is applied and its commands are run as they stand there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use testbed::{Scratch, binaries};
use tokio::process::Command;

use crate::kit::World;
use crate::program;
use crate::python::approve;

/// The blocks of one language under a heading.
fn blocks(heading: &str, language: &str) -> Result<Vec<String>> {
    let path = binaries::repository().join("docs/scenarios.md");
    let text = std::fs::read_to_string(path)?;
    let (_, section) = text
        .split_once(&format!("\n## {heading}\n"))
        .with_context(|| format!("docs/scenarios.md has no heading {heading}"))?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let opening = format!("\n```{language}\n");
    let blocks: Vec<String> = section
        .split(&opening)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("\n```")?.0.to_owned()))
        .collect();
    ensure!(!blocks.is_empty(), "no {language} under {heading}");
    Ok(blocks)
}

/// The objects under a heading.
pub fn yaml(heading: &str) -> Result<String> {
    Ok(blocks(heading, "yaml")?.join("\n---\n"))
}

/// The lines of commands under a heading that hold this.
pub fn commands(heading: &str, with: &str) -> Result<Vec<String>> {
    let lines = blocks(heading, "sh")?.join("\n");
    let lines: Vec<String> = lines
        .lines()
        .filter(|line| line.contains(with))
        .map(ToOwned::to_owned)
        .collect();
    ensure!(!lines.is_empty(), "no command with {with} under {heading}");
    Ok(lines)
}

/// A terminal of somebody who administers the cluster, with `kubectl` and `lakevault`, in a folder of its own.
pub struct Terminal<'a> {
    world: &'a World,
    pub scratch: Scratch,
}

impl<'a> Terminal<'a> {
    pub fn open(world: &'a World, name: &str) -> Result<Self> {
        let scratch = Scratch::new(&format!("scenario-{name}"))?;
        Ok(Self { world, scratch })
    }

    /// Runs lines of the page, with these variables set and this on standard input. Gives back what they print. Where a code
    /// is shown, somebody enters it.
    pub async fn run(
        &self,
        lines: &str,
        variables: &[(&str, &str)],
        input: &str,
    ) -> Result<String> {
        let endpoints = self.world.simulator.endpoints();
        let folder = |program: PathBuf| program.parent().map(Path::to_owned);
        let programs = [binaries::kubernetes("kubectl")?, binaries::operator()?];
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = programs.into_iter().filter_map(folder);
        let path = std::env::join_paths(path.chain(std::env::split_paths(&own)))?;
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", lines])
            .current_dir(self.scratch.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.scratch.path())
            .env("KUBECONFIG", self.world.control_plane.kubeconfig())
            .env("LAKEVAULT_CA_FILE", &endpoints.ca_file)
            .env("LAKEVAULT_HOSTS_FILE", &endpoints.hosts_file)
            .envs(variables.iter().copied());
        program::run(command, input, async |line| {
            approve(&endpoints.admin, line).await
        })
        .await
    }
}
