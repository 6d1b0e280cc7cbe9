//! The documents' programs in Python.

use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Endpoints, binaries};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::kit::{TENANT, World};
use crate::place::USER;
use crate::program;

/// The clients of a time.
#[derive(Clone, Copy)]
pub enum Clients {
    Of2017,
    Of2021,
}

fn folder() -> PathBuf {
    binaries::repository().join("tests/scenarios")
}

/// The `python` of an environment with these clients, which is made first where need be.
pub async fn interpreter(clients: Clients) -> Result<PathBuf> {
    // Two at once would make it in one place.
    static MAKING: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
    let _making = MAKING.lock().await;
    let list = match clients {
        Clients::Of2017 => "clients-2017",
        Clients::Of2021 => "clients-2021",
    };
    let made = Command::new(folder().join("environment.sh"))
        .arg(list)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(
        made.status.success(),
        "no Python environment {list}: {said}"
    );
    Ok(String::from_utf8(made.stdout)?.trim().into())
}

/// The variables by which Python finds and trusts a simulator. Of the caller's own, only `PATH` comes along.
pub fn surroundings(endpoints: &Endpoints) -> Vec<(&'static str, String)> {
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    vec![
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("PYTHONPATH", path(&folder().join("python"))),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("SCENARIO_HOSTS_FILE", path(&endpoints.hosts_file)),
        ("REQUESTS_CA_BUNDLE", path(&endpoints.ca_file)),
        ("NO_PROXY", "*".to_owned()),
    ]
}

/// A document's program, and what its reader fills in.
pub struct Document<'a> {
    endpoints: &'a Endpoints,
    command: Command,
    input: String,
}

impl<'a> Document<'a> {
    pub async fn new(world: &'a World, clients: Clients, file: &str) -> Result<Self> {
        let endpoints = world.simulator.endpoints();
        let mut command = Command::new(interpreter(clients).await?);
        command
            .env_clear()
            .envs(surroundings(endpoints))
            .args(["-u", "-W", "ignore"])
            .arg(folder().join("documents").join(file));
        Ok(Self {
            endpoints,
            command,
            input: String::new(),
        }
        .filled_in("TENANT", TENANT))
    }

    /// The value for a FILL-IN-HERE.
    pub fn filled_in(self, name: &str, value: &str) -> Self {
        self.variable(&format!("SCENARIO_{name}"), value)
    }

    /// A variable that the document's reader exports.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// A line that the reader types.
    pub fn typed(mut self, line: &str) -> Self {
        self.input.push_str(line);
        self.input.push('\n');
        self
    }

    /// Runs it; wherever it shows a code, somebody enters it. Gives back what it printed.
    pub async fn prints(self) -> Result<String> {
        let admin = self.endpoints.admin.clone();
        program::run(self.command, &self.input, async |line| {
            approve(&admin, line).await
        })
        .await
    }

    /// Runs it, and gives back what it tells in its last line.
    pub async fn tells(self) -> Result<Value> {
        let printed = self.prints().await?;
        let last = printed.lines().last().context("it printed nothing")?;
        serde_json::from_str(last).with_context(|| format!("its last line is {last}"))
    }
}

/// Plays the person at the device page, where a line shows a code.
pub async fn approve(admin: &str, line: &str) -> Result<()> {
    // "enter the code" is Entra's wording, "type the code" that of lakevault.
    let after = line
        .split_once("enter the code ")
        .or_else(|| line.split_once("type the code "));
    let Some(code) = after.and_then(|(_, rest)| rest.split_whitespace().next()) else {
        return Ok(());
    };
    let body = json!({"userCode": code, "username": USER, "action": "approve"});
    let admin = testbed::Admin::new(admin)?;
    admin
        .call::<Value>(reqwest::Method::POST, "/devicecode", Some(&body))
        .await
        .map(drop)
}
