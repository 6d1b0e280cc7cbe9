//! The official Python clients, in a process of their own (`tests/azure-simulator/python/ask.py`).

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use testbed::binaries;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// For the longest answer, and for the start.
const WITHIN: Duration = Duration::from_mins(2);
/// For making the environment, which downloads packages the first time.
const INSTALLED_WITHIN: Duration = Duration::from_mins(10);

/// The credentials that both sides use.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) secret: String,
    /// The application that users sign in to.
    pub(crate) native: String,
    pub(crate) username: String,
    pub(crate) password: String,
    /// Resources: the vaults, another one, the vaults of the stack.
    pub(crate) vault: String,
    pub(crate) other: String,
    pub(crate) stack_vault: String,
    /// What a claims challenge asks for.
    pub(crate) challenge: String,
    /// A user-assigned identity of the machine.
    pub(crate) machine_user: String,
    pub(crate) machine_user_object: String,
    pub(crate) machine_user_resource: String,
    /// Files: a key with its certificate, one with its chain, a federated token.
    pub(crate) certificate: String,
    pub(crate) chain: String,
    pub(crate) token: String,
}

/// The running clients.
pub(crate) struct Official {
    // Killed when it is dropped.
    _process: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Official {
    /// Starts them against a simulator, which they seed.
    pub(crate) async fn start(endpoints: &Path, folder: &Path) -> (Self, Credentials) {
        let scripts = binaries::repository().join("tests/azure-simulator/python");
        let python = venv(&scripts).await.join("bin/python");
        let mut process = Command::new(python)
            .arg(scripts.join("ask.py"))
            .args([endpoints, folder])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut official = Self {
            _process: process,
            stdin,
            stdout,
        };
        let said = official.line().await;
        (official, serde_json::from_str(&said).unwrap())
    }

    /// Lets them ask for a token.
    pub(crate) async fn ask(&mut self, case: &str) {
        let line = format!("{case}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        let outcome: Option<String> = serde_json::from_str(&self.line().await).unwrap();
        assert_eq!(outcome, None, "{case}: the official client got no token");
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(WITHIN, self.stdout.next_line());
        line.await.unwrap().unwrap().unwrap()
    }
}

/// The folder of their environment, which is made when it is not there.
async fn venv(scripts: &Path) -> PathBuf {
    let target = binaries::target_folder().unwrap();
    let mut command = Command::new(scripts.join("venv.sh"));
    command.env("CARGO_TARGET_DIR", target.parent().unwrap());
    let made = tokio::time::timeout(INSTALLED_WITHIN, command.kill_on_drop(true).output());
    let made = made.await.unwrap().unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr),
    );
    assert!(made.status.success(), "{wrong}");
    PathBuf::from(said.trim())
}
