//! A child process that ends when its holder ends, however the holder ends.
//!
//! Dropping a [`Process`] ends the child: SIGTERM, a grace period, SIGKILL. That does not help when the holder itself is killed with
//! SIGKILL, so each child has a watchdog: a small `sh` that waits for the end of a pipe whose other end only the holder has. When
//! the holder is gone the kernel closes the pipe, and the watchdog kills the child. `PR_SET_PDEATHSIG` would not do: it follows the
//! thread that started the child, and test threads end before the process does.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Pid;

/// How long [`Process`] waits between SIGTERM and SIGKILL when dropped, unless [`Process::with_grace`] says otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// The kernel reports CPU time in these units on every Linux platform that Rust supports (`getconf CLK_TCK`).
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

/// Reads "PID START", then waits for the end of its input, then kills the process group of PID if the process of that number is
/// still the one that began at START (clock ticks since boot): a process number is used again after its process is gone.
const WATCHDOG: &str = r#"
trap '' HUP INT QUIT TERM
read -r pid start || exit 0
while read -r _; do :; done
read -r stat 2>/dev/null <"/proc/$pid/stat" || exit 0
set -- ${stat##*) }
[ "${20}" = "$start" ] && kill -KILL "-$pid"
"#;

/// What can be sent to a [`Process`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Asks it to end.
    Term,
    /// Ends it at once.
    Kill,
    /// Freezes it.
    Stop,
    /// Lets a frozen one go on.
    Cont,
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Term => Self::TERM,
            Signal::Kill => Self::KILL,
            Signal::Stop => Self::STOP,
            Signal::Cont => Self::CONT,
        }
    }
}

/// A running child process, with its output in a log file.
pub struct Process {
    name: String,
    pid: u32,
    log: PathBuf,
    grace: Duration,
    // Behind one lock so that no signal is sent to a number whose process another thread has just reaped.
    child: Mutex<Child>,
    watchdog: Child,
}

impl Process {
    /// Starts `command` in a process group of its own (Ctrl-C in a terminal then reaches only the holder, which ends its children in
    /// order), with standard input empty and both outputs appended to `log`.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be started.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, &format!("watchdog-of-{name}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start sh as a watchdog")?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let started = command
            .spawn()
            .with_context(|| format!("cannot start {name} ({program})"))
            .and_then(|mut child| {
                let guarded = guard(&mut watchdog, child.id());
                if guarded.is_err() {
                    end_now(&mut child);
                }
                guarded.map(|()| child)
            });
        match started {
            Ok(child) => Ok(Self {
                name: name.into(),
                pid: child.id(),
                log: log.into(),
                grace: DEFAULT_GRACE,
                child: Mutex::new(child),
                watchdog,
            }),
            Err(error) => {
                end_now(&mut watchdog);
                Err(error)
            }
        }
    }

    /// Sets how long a drop waits between SIGTERM and SIGKILL; zero means SIGKILL at once.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id. It stays the same after the process has ended.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where both outputs go.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The exit status if the process has ended, else nothing.
    ///
    /// # Errors
    /// When the kernel refuses to tell.
    pub fn exit_status(&self) -> Result<Option<ExitStatus>> {
        self.child()
            .try_wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Whether the process runs (a frozen one does).
    pub fn is_alive(&self) -> bool {
        matches!(self.exit_status(), Ok(None))
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let mut child = self.child();
        if let Some(status) = child.try_wait()? {
            bail!("{} has ended already ({})", self.name, describe(status));
        }
        send(self.pid, signal).with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Waits until the process has ended by itself or by a signal sent before.
    ///
    /// # Errors
    /// When it still runs after `within`; the error holds the end of its log.
    pub async fn wait_exit(&self, within: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.failure(&format!("still runs after {within:?}")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the process as a drop does and waits for it; the grace period is spent without blocking the runtime.
    ///
    /// # Errors
    /// When the process survives SIGKILL for ten seconds.
    pub async fn end(&self) -> Result<ExitStatus> {
        if let Some(status) = self.exit_status()? {
            return Ok(status);
        }
        if !self.grace.is_zero() {
            self.ask_to_end();
            if let Ok(status) = self.wait_exit(self.grace).await {
                return Ok(status);
            }
        }
        if self.exit_status()?.is_none() {
            self.signal(Signal::Kill)?;
        }
        self.wait_exit(Duration::from_secs(10)).await
    }

    /// An error that says what went wrong with this process, whether it still runs, and how its log ends.
    pub fn failure(&self, what: &str) -> anyhow::Error {
        let state = match self.exit_status() {
            Ok(Some(status)) => format!("; it has ended ({})", describe(status)),
            Ok(None) | Err(_) => String::new(),
        };
        anyhow!(
            "{}: {what}{state}; the log {} ends with\n{}",
            self.name,
            self.log.display(),
            self.log_tail(20)
        )
    }

    /// The last `lines` lines of the log; empty when it cannot be read.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        let tail = all.iter().skip(all.len().saturating_sub(lines));
        tail.flat_map(|line| ["  ", line, "\n"]).collect()
    }

    /// Resident memory in KiB (`VmRSS`).
    ///
    /// # Errors
    /// When the process has ended.
    pub fn rss_kib(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB (`VmHWM`).
    ///
    /// # Errors
    /// When the process has ended.
    pub fn peak_rss_kib(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Result<u64> {
        let status = self.proc_file("status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .with_context(|| format!("no {field} in /proc/<pid>/status"))?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// CPU time used so far, user and system, in seconds, to a hundredth.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = self.proc_file("stat")?;
        let ticks = |field| -> Result<f64> { Ok(stat_field(&stat, field)?.parse::<f64>()?) };
        Ok((ticks(14)? + ticks(15)?) / CLOCK_TICKS_PER_SECOND)
    }

    fn proc_file(&self, file: &str) -> Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid))
            .with_context(|| format!("{} does not run", self.name))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SIGTERM, and SIGCONT after it since a frozen process would not see it. Failing means that it has ended, which is what is wanted.
    fn ask_to_end(&self) {
        drop(
            self.signal(Signal::Term)
                .and_then(|()| self.signal(Signal::Cont)),
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.grace.is_zero() {
            self.ask_to_end();
        }
        let deadline = Instant::now() + self.grace;
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            // Its own children too. Failing means that none is left.
            drop(
                process_id(self.pid)
                    .map(|group| rustix::process::kill_process_group(group, Signal::Kill.into())),
            );
        }
        end_now(&mut child);
        drop(child);
        // Last, so that the child is guarded to its end; the start time keeps the watchdog off a stranger with the same number.
        end_now(&mut self.watchdog);
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// How a process ended, in words: `exit code 1`, `signal 9`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Tells the watchdog whom to guard.
fn guard(watchdog: &mut Child, pid: u32) -> Result<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let pipe = watchdog
        .stdin
        .as_mut()
        .context("the watchdog has no standard input")?;
    writeln!(pipe, "{pid} {}", stat_field(&stat, 22)?)?;
    Ok(())
}

/// A field of `/proc/<pid>/stat` by its number in proc(5), from 3 on: the second one is a name that may hold anything.
fn stat_field(stat: &str, number: usize) -> Result<&str> {
    let (_, rest) = stat
        .rsplit_once(") ")
        .context("unknown form of /proc/<pid>/stat")?;
    rest.split_whitespace()
        .nth(number - 3)
        .context("/proc/<pid>/stat is short of fields")
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    Ok(rustix::process::kill_process(
        process_id(pid)?,
        signal.into(),
    )?)
}

fn process_id(pid: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(pid)?).context("no process id")
}

/// SIGKILL and reap. Both fail only when the child is gone already.
fn end_now(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}
