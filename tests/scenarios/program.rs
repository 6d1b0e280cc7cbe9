//! Runs a program that may ask and show things, and hears every line that it prints.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// Python takes seconds to load its clients, and devices wait seconds between their questions.
const PATIENCE: Duration = Duration::from_mins(3);

/// Runs it to its good end with these answers on standard input. `hear` gets each line as it comes, of standard output and
/// standard error. Gives back standard output.
pub async fn run(
    mut command: Command,
    input: &str,
    hear: impl AsyncFnMut(&str) -> Result<()>,
) -> Result<String> {
    let name = format!("{:?}", command.as_std().get_args().collect::<Vec<_>>());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    tokio::time::timeout(PATIENCE, to_its_end(command, input, hear))
        .await
        .with_context(|| format!("{name} did not end within {PATIENCE:?}"))?
        .with_context(|| name)
}

async fn to_its_end(
    mut command: Command,
    input: &str,
    mut hear: impl AsyncFnMut(&str) -> Result<()>,
) -> Result<String> {
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let answer = async {
        // A program that ends without reading has said why.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
    };
    let mut output = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    let mut errors = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let (mut printed, mut all) = (String::new(), String::new());
    let listen = async {
        let (mut more_output, mut more_errors) = (true, true);
        while more_output || more_errors {
            let line = tokio::select! {
                line = output.next_line(), if more_output => {
                    let line = line?;
                    more_output = line.is_some();
                    if let Some(line) = &line {
                        printed.push_str(line);
                        printed.push('\n');
                    }
                    line
                }
                line = errors.next_line(), if more_errors => {
                    let line = line?;
                    more_errors = line.is_some();
                    line
                }
            };
            if let Some(line) = line {
                hear(&line).await?;
                all.push_str(&line);
                all.push('\n');
            }
        }
        anyhow::Ok(())
    };
    let ((), heard) = tokio::join!(answer, listen);
    heard?;
    let status = child.wait().await?;
    ensure!(status.success(), "it ended with {status}:\n{all}");
    Ok(printed)
}
