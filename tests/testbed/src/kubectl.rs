//! Running the real kubectl.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::binaries;

/// No call of kubectl in a test is meant to take longer.
const LIMIT: Duration = Duration::from_mins(2);

/// The field manager of what tests apply by [`Kubectl::apply_yaml`] and [`Kubectl::apply_dir`].
pub const FIELD_MANAGER: &str = "testbed";

/// kubectl with a kubeconfig and a cache folder of its own.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// `cache` is where kubectl keeps what it learned about the API.
    ///
    /// # Errors
    /// When kubectl is missing.
    pub fn new(kubeconfig: &Path, cache: &Path) -> Result<Self> {
        Ok(Self {
            program: binaries::kubernetes("kubectl")?,
            kubeconfig: kubeconfig.into(),
            cache: cache.into(),
        })
    }

    /// Runs kubectl and returns its standard output.
    ///
    /// # Errors
    /// When it exits with another code than 0; the error holds its standard error.
    pub async fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Result<String> {
        self.run_with_input(args, "").await
    }

    /// As [`Self::run`], with a text on standard input (for `-f -`).
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_with_input<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        args: I,
        input: &str,
    ) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .arg("--cache-dir")
            .arg(&self.cache)
            .env("KUBECONFIG", &self.kubeconfig);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let line = format!("{:?}", command.as_std());
        let mut child = command.spawn().context("cannot start kubectl")?;
        let mut stdin = child
            .stdin
            .take()
            .context("kubectl has no standard input")?;
        let talk = async {
            // kubectl may end without reading its input; its exit code tells more than the broken pipe does.
            drop(stdin.write_all(input.as_bytes()).await);
            drop(stdin);
            child.wait_with_output().await
        };
        let output = tokio::time::timeout(LIMIT, talk)
            .await
            .with_context(|| format!("{line} took longer than {LIMIT:?}"))??;
        if !output.status.success() {
            bail!(
                "{line} failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Server-side applies a text of one or more YAML documents.
    ///
    /// # Errors
    /// When one of them is refused; the others are applied.
    pub async fn apply_yaml(&self, yaml: &str) -> Result<String> {
        self.run_with_input(apply(OsStr::new("-")), yaml).await
    }

    /// Server-side applies a file, or the YAML and JSON files of a folder (not of folders in it), in the order of their names.
    ///
    /// # Errors
    /// As [`Self::apply_yaml`].
    pub async fn apply_dir(&self, path: &Path) -> Result<String> {
        self.run(apply(path.as_os_str())).await
    }
}

fn apply(file: &OsStr) -> impl Iterator<Item = &OsStr> {
    [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager",
        FIELD_MANAGER,
        "-f",
    ]
    .map(OsStr::new)
    .into_iter()
    .chain([file])
}
