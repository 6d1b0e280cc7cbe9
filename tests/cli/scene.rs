//! A simulator with people in it, and the program in an environment that holds nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Scratch, Simulator, binaries};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
/// The application that people sign in to where they name none.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const ADA: &str = "ada@contoso.onmicrosoft.com";
pub(crate) const GRACE: &str = "grace@contoso.onmicrosoft.com";
pub(crate) const PASSWORD: &str = "planted pa$$word";
pub(crate) const AUTHORITY: &str = "https://login.sim.test";
pub(crate) const VAULT_RESOURCE: &str = "https://vault.sim.test";
const WITHIN: Duration = Duration::from_mins(1);

/// What a test works with. Dropped in this order.
pub(crate) struct Scene {
    pub(crate) sim: Simulator,
    scratch: Scratch,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What it printed, where all was well.
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// What it told, where it failed with this code.
    pub(crate) fn told(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.stderr
    }
}

impl Scene {
    /// A simulator where Ada signs in with a password, and Grace needs a second factor as well.
    pub(crate) async fn new(name: &str) -> Self {
        let scratch = Scratch::new(&format!("cli-{name}")).unwrap();
        let seed = json!({
            "tenants": [{
                "id": TENANT,
                "users": [
                    {"username": ADA, "password": PASSWORD},
                    {"username": GRACE, "password": PASSWORD, "mfa": true},
                ],
                "applications": [{"clientId": AZURE_CLI, "publicClient": true}],
            }],
            "vaults": [],
        });
        let sim = Simulator::start(scratch.path(), seed).await.unwrap();
        fs::create_dir(scratch.path().join("bin")).unwrap();
        let settings = json!({"deviceCodeIntervalSeconds": 1});
        sim.admin().settings(&settings).await.unwrap();
        Self { sim, scratch }
    }

    /// A folder of the test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The file that a sign-in is kept in.
    pub(crate) fn login_file(&self) -> PathBuf {
        self.folder().join("home/.config/lakevault/login.json")
    }

    /// The program with these arguments and nothing of our own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let endpoints = self.sim.endpoints();
        let mut command = Command::new(binaries::operator().unwrap());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder().join("home"))
            .env("PATH", self.folder().join("bin"))
            .env("KUBECONFIG", self.folder().join("no-kubeconfig"))
            .env("LAKEVAULT_CA_FILE", &endpoints.ca_file)
            .env("LAKEVAULT_HOSTS_FILE", &endpoints.hosts_file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        end(self.command(arguments)).await
    }

    /// Runs the program with something to read.
    pub(crate) async fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let ended = tokio::time::timeout(WITHIN, child.wait_with_output());
        read(&ended.await.unwrap().unwrap())
    }

    /// Puts a program into the `PATH`.
    pub(crate) fn install(&self, name: &str, script: &str) {
        let path = self.folder().join("bin").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Signs Ada in by her password.
    pub(crate) async fn sign_ada_in(&self) {
        let ended = self
            .run_with_input(&login(&["--username", ADA]), &format!("{PASSWORD}\n"))
            .await;
        ended.well();
    }

    /// Starts a sign-in by device code and waits until it shows its code.
    pub(crate) async fn start_login(&self, arguments: &[&str]) -> Waiting {
        self.start_at(&login(arguments)).await
    }

    /// The same with all arguments given.
    pub(crate) async fn start_at(&self, arguments: &[&str]) -> Waiting {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let shown = tokio::time::timeout(WITHIN, stderr.read_line(&mut line));
        shown.await.unwrap().unwrap();
        assert!(line.starts_with("Open https://"), "{line}");
        let code = line.split_whitespace().next_back().unwrap().to_owned();
        Waiting {
            child,
            stderr,
            code,
        }
    }

    /// Plays the person at the device page.
    pub(crate) async fn decide(&self, waiting: &Waiting, action: &str) {
        let body = json!({"userCode": waiting.code, "username": ADA, "action": action});
        let admin = self.sim.admin();
        let answered: Value = admin
            .call(http::Method::POST, "/devicecode", Some(&body))
            .await
            .unwrap();
        drop(answered);
    }

    /// How often an operation was asked for.
    pub(crate) async fn asked(&self, operation: &str) -> usize {
        let journal = self.sim.admin().journal(0).await.unwrap();
        let entries = journal.entries.iter();
        entries.filter(|entry| entry.operation == operation).count()
    }
}

/// A sign-in that waits for its person.
pub(crate) struct Waiting {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
    pub(crate) code: String,
}

impl Waiting {
    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let all = async {
            let (mut stdout, mut stderr) = (String::new(), String::new());
            let mut out = self.child.stdout.take().unwrap();
            let (a, b) = tokio::join!(
                out.read_to_string(&mut stdout),
                self.stderr.read_to_string(&mut stderr)
            );
            a.and(b).unwrap();
            Ended {
                code: self.child.wait().await.unwrap().code(),
                stdout,
                stderr,
            }
        };
        tokio::time::timeout(WITHIN, all).await.unwrap()
    }
}

/// The arguments of a sign-in at the simulator.
pub(crate) fn login<'a>(further: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "login",
        "--authority-host",
        AUTHORITY,
        "--resource",
        VAULT_RESOURCE,
    ];
    arguments.extend(further);
    arguments
}

/// Runs a command to its end.
pub(crate) async fn end(mut command: Command) -> Ended {
    let ended = tokio::time::timeout(WITHIN, command.output());
    read(&ended.await.unwrap().unwrap())
}

fn read(output: &std::process::Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// The payload of a token.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.trim().split('.').nth(1).unwrap();
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&json).unwrap()
}
