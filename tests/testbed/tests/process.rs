//! Children end when their holder lets go of them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testbed::{Process, Scratch, Signal, until};

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

async fn wait_for_line(process: &Process, line: &str) {
    let look = async || {
        let log = process.log_tail(5);
        if log.contains(line) { Ok(()) } else { Err(log) }
    };
    until(SOON, line, look).await.unwrap();
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_is_gone_after_a_drop() {
    let scratch = Scratch::new("process-stubborn").unwrap();
    let process = Process::spawn(
        "stubborn",
        shell("trap '' TERM; echo ready; while :; do sleep 0.1; done"),
        &scratch.path().join("log"),
    )
    .unwrap();
    let process = process.with_grace(Duration::from_millis(50));
    wait_for_line(&process, "ready").await;
    let pid = process.pid();
    drop(process);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn a_frozen_child_is_asked_to_end_like_any_other() {
    let scratch = Scratch::new("process-frozen").unwrap();
    let log = scratch.path().join("log");
    let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.1; done";
    let process = Process::spawn("frozen", shell(script), &log).unwrap();
    wait_for_line(&process, "ready").await;
    process.signal(Signal::Stop).unwrap();
    assert!(process.is_alive());
    drop(process);
    assert!(std::fs::read_to_string(log).unwrap().contains("asked"));
}

#[tokio::test]
async fn an_exit_code_is_told() {
    let scratch = Scratch::new("process-exit").unwrap();
    let process = Process::spawn("exit", shell("exit 7"), &scratch.path().join("log")).unwrap();
    assert_eq!(process.wait_exit(SOON).await.unwrap().code(), Some(7));
}

#[tokio::test]
async fn a_failure_shows_the_end_of_the_log() {
    let scratch = Scratch::new("process-failure").unwrap();
    let process = Process::spawn(
        "failing",
        shell("echo the reason >&2; exit 1"),
        &scratch.path().join("log"),
    )
    .unwrap();
    process.wait_exit(SOON).await.unwrap();
    let text = process.failure("did not start").to_string();
    assert!(
        text.contains("did not start; it has ended (exit code 1)") && text.contains("the reason"),
        "{text}"
    );
}

#[test]
fn a_program_that_does_not_exist_is_an_error_that_names_it() {
    let scratch = Scratch::new("process-absent").unwrap();
    let error = Process::spawn(
        "absent",
        Command::new("/nonexistent/program"),
        &scratch.path().join("log"),
    )
    .unwrap_err();
    assert!(
        format!("{error:#}").contains("/nonexistent/program"),
        "{error:#}"
    );
}

#[test]
fn measures_of_a_running_child_are_plausible() {
    let scratch = Scratch::new("process-measures").unwrap();
    let process = Process::spawn(
        "busy",
        shell("while :; do :; done"),
        &scratch.path().join("log"),
    )
    .unwrap();
    let mut used = 0.0;
    for _ in 0..1000 {
        used = process.cpu_seconds().unwrap();
        if used > 0.0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(used > 0.0);
    assert!(process.rss_kib().unwrap() > 100);
}
