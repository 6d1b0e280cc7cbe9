//! Waiting for something to become true, without fixed sleeps.

use std::fmt::{Debug, Display};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::Process;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What a look at the world found: the awaited thing, or why it is not there yet.
pub type Look<T> = std::result::Result<T, String>;

/// Looks again and again, with pauses from 5 to 200 ms, until `look` gives `Ok` or `within` has passed. The error tells what was
/// awaited and what the last look saw.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
/// let mut looks = 0;
/// let seen = testbed::until(Duration::from_secs(5), "three looks", async || {
///     looks += 1;
///     if looks == 3 { Ok(looks) } else { Err(format!("{looks} looks")) }
/// })
/// .await;
/// assert_eq!(seen.unwrap(), 3);
/// # });
/// ```
///
/// # Errors
/// When the time is up. A look that hangs is cut off at the deadline.
pub async fn until<T>(
    within: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Look<T>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut last = "nothing: the first look did not end".to_owned();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left.max(FIRST_PAUSE), look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(seen)) => last = seen,
            Err(_) => last = format!("a look that did not end; before it: {last}"),
        }
        if Instant::now() + pause >= deadline {
            bail!("waited {within:?} for {what}; last seen: {last}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Turns the error of a call within a look into what was seen, with its sources where the error has them (`anyhow`).
pub fn seen<E: Display>(error: E) -> String {
    format!("{error:#}")
}

/// A look that compares: `Ok` when equal, else what was found instead.
///
/// # Errors
/// When the two differ.
pub fn expect<T: PartialEq + Debug>(found: &T, wanted: &T) -> Look<()> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{found:?}"))
    }
}

/// Waits until a URL answers with success, or fails at once when the process has ended.
pub(crate) async fn wait_healthy(
    process: &Process,
    http: &reqwest::Client,
    url: &str,
    within: Duration,
) -> Result<()> {
    let look = async || match http.get(url).send().await {
        _ if !process.is_alive() => Ok(Err(process.failure("ended at its start"))),
        Ok(answer) if answer.status().is_success() => Ok(Ok(())),
        Ok(answer) => Err(format!(
            "{} {}",
            answer.status(),
            answer.text().await.unwrap_or_default()
        )),
        Err(error) => Err(seen(error)),
    };
    until(within, &format!("{url} of {}", process.name()), look)
        .await
        .map_err(|error| process.failure(&seen(error)))?
}
