//! Tokens of whoever is signed in to the Azure CLI (`az account get-access-token`). Arguments and output are dealt with by
//! pure functions; [`token`] runs the program.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{Resource, Token};
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const PROGRAM: &str = "az";
/// The Azure CLI is a Python program, which may take some seconds before it even reads its arguments.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token with everything around it has a few KiB.
const LONGEST_OUTPUT: u64 = 256 << 10;
const LONGEST_MESSAGE: usize = 300;

/// Why the Azure CLI gave no token.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// There is no `az` in the `PATH`.
    NotInstalled,
    /// Nobody is signed in.
    NotSignedIn,
    /// It did not end in time.
    TimedOut,
    /// It cannot be started, or it refused for the reason that it gives.
    Failed(String),
    /// It gave something that is no token.
    NotUnderstood,
    /// A resource that would be read as an option.
    BadResource,
}

impl Failure {
    /// The failure in the form of all others. Where the Azure CLI is not there to be used, as opposed to used and refused, the
    /// reason is [`Reason::EnvironmentUnusable`]: a chain passes over it.
    fn problem(&self) -> Problem {
        let unusable =
            |message: &str| Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message);
        match self {
            Self::NotInstalled => unusable(
                "the Azure CLI (az) is not in the PATH: install it (https://aka.ms/azure-cli), or use another credential",
            ),
            Self::NotSignedIn => unusable("nobody is signed in to the Azure CLI. Mend: az login"),
            Self::TimedOut => Problem::new(
                Reason::TimedOut,
                Retry::Backoff,
                "the Azure CLI gave no token within 10 s. Mend: see whether az account get-access-token ends, and how",
            ),
            Self::Failed(said) => Problem::new(
                Reason::AuthenticationFailed,
                Retry::Backoff,
                format!("the Azure CLI gave no token: {said}"),
            ),
            Self::NotUnderstood => Problem::new(
                Reason::MalformedAnswer,
                Retry::Backoff,
                "the Azure CLI gave a token in a form that is not understood. Mend: az upgrade",
            ),
            Self::BadResource => Problem::new(
                Reason::InvalidSpec,
                Retry::OnChange,
                "the resource cannot be handed to the Azure CLI: it is empty, begins with a hyphen or holds control characters",
            ),
        }
    }
}

/// The arguments of `az`. No shell reads them, so nothing in them is special but a hyphen at the start.
fn arguments(resource: &Resource, tenant: Option<&TenantId>) -> Result<Vec<String>, Failure> {
    let resource = resource.as_str();
    if resource.is_empty() || resource.starts_with('-') || resource.contains(char::is_control) {
        return Err(Failure::BadResource);
    }
    let mut arguments: Vec<String> = [
        "account",
        "get-access-token",
        "--output",
        "json",
        "--resource",
        resource,
    ]
    .map(str::to_owned)
    .into();
    if let Some(tenant) = tenant {
        arguments.extend(["--tenant".to_owned(), tenant.to_string()]);
    }
    Ok(arguments)
}

#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "accessToken")]
    access_token: String,
    /// Seconds since 1970; since version 2.54.
    #[serde(default)]
    expires_on: Option<i64>,
    /// Local time without a zone.
    #[serde(default, rename = "expiresOn")]
    expires_on_local: Option<String>,
}

/// Reads what `az` printed. `zone` is the machine's, in which older versions say when the token ends.
fn read(stdout: &[u8], zone: &TimeZone, now: Timestamp) -> Result<Token, Failure> {
    let printed: Printed = serde_json::from_slice(stdout).map_err(|_| Failure::NotUnderstood)?;
    let value = SecretValue::from(printed.access_token);
    let local = || local_time(printed.expires_on_local.as_deref()?, zone);
    let expires_at = printed
        .expires_on
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .or_else(local)
        .ok_or(Failure::NotUnderstood)?;
    // `az` answers from its own cache, and renews what has less than five minutes left.
    let life = Duration::try_from(expires_at.duration_since(now)).unwrap_or_default();
    if value.is_empty() || life.is_zero() {
        return Err(Failure::NotUnderstood);
    }
    Token::new(value, now, life, None).ok_or(Failure::NotUnderstood)
}

fn local_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok()?;
    Some(zone.to_zoned(time).ok()?.timestamp())
}

/// Reads why `az` ended without success, from what it wrote to its standard error.
fn refusal(stderr: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(stderr);
    if text.contains("az login") || text.contains("az account set") {
        return Failure::NotSignedIn;
    }
    // A debug log may hold tokens: words that look like one, or are too long to be one's language, are left out.
    let token = |word: &str| word.contains("eyJ") || word.len() > 100;
    let stable = text.split("Trace ID:").next().unwrap_or_default();
    let words: Vec<&str> = stable
        .split_whitespace()
        .map(|word| if token(word) { "…" } else { word })
        .collect();
    let said: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_MESSAGE)
        .collect();
    Failure::Failed(if said.is_empty() {
        "it ended with an error and said nothing".to_owned()
    } else {
        said
    })
}

/// Runs `az` from the `PATH` and reads its token. Where there is no `az`, or nobody is signed in to it, the reason is
/// [`Reason::EnvironmentUnusable`].
pub async fn token(resource: &Resource, tenant: Option<&TenantId>) -> Result<Token, Problem> {
    run(resource, tenant)
        .await
        .map_err(|failure| failure.problem())
}

async fn run(resource: &Resource, tenant: Option<&TenantId>) -> Result<Token, Failure> {
    let arguments = arguments(resource, tenant)?;
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env("AZURE_CORE_NO_COLOR", "true")
        // A relative entry of the PATH must not mean whatever folder we were called from.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return Failure::NotInstalled;
        }
        Failure::Failed(format!("it cannot be started: {}", error.kind()))
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async {
        let (stdout, stderr) = tokio::join!(bounded(stdout), bounded(stderr));
        (stdout, stderr, child.wait().await)
    };
    let (stdout, stderr, status) = tokio::time::timeout(TIMEOUT, all)
        .await
        .map_err(|_| Failure::TimedOut)?;
    match status {
        Ok(status) if status.success() => read(&stdout, &TimeZone::system(), Timestamp::now()),
        Ok(_) => Err(refusal(&stderr)),
        Err(error) => Err(Failure::Failed(format!(
            "its end is unknown: {}",
            error.kind()
        ))),
    }
}

/// What a pipe gives, as far as it is taken; beyond that the pipe is closed. Whatever was read is wiped.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(pipe) = pipe {
        // A pipe that breaks has given what it gave; how the program ended decides.
        drop(pipe.take(LONGEST_OUTPUT).read_to_end(&mut bytes).await);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T07:00:00Z".parse().unwrap()
    }

    fn vault() -> Resource {
        Resource::new("https://vault.azure.net/.default")
    }

    #[test]
    fn arguments_name_resource_and_tenant() {
        let expected = "account get-access-token --output json --resource https://vault.azure.net";
        assert_eq!(arguments(&vault(), None).unwrap().join(" "), expected);
        let tenant = "contoso.example".parse().unwrap();
        let with_tenant = arguments(&vault(), Some(&tenant)).unwrap().join(" ");
        assert_eq!(with_tenant, format!("{expected} --tenant contoso.example"));
    }

    #[test]
    fn a_resource_cannot_become_an_option() {
        for bad in ["--debug", "", "a\nb"] {
            let refused = arguments(&Resource::new(bad), None);
            assert_eq!(refused, Err(Failure::BadResource), "{bad:?}");
        }
    }

    #[test]
    fn the_end_is_read_as_epoch_or_local_time() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let both = br#"{"accessToken":"t","expiresOn":"2001-01-01 00:00:00.000000","expires_on":1795161600,"tokenType":"Bearer"}"#;
        let token = read(both, &zone, now()).unwrap();
        assert_eq!(token.expires_at.as_second(), 1_795_161_600);
        let local = br#"{"accessToken":"t","expiresOn":"2026-11-20 10:00:00.500000"}"#;
        let token = read(local, &zone, now()).unwrap();
        assert_eq!(token.expires_at, "2026-11-20T08:00:00.5Z".parse().unwrap());
        assert_eq!(token.value, SecretValue::from("t".to_owned()));
    }

    #[test]
    fn what_is_no_living_token_is_refused() {
        for bad in [
            "nothing",
            r#"{"accessToken":"t"}"#,
            r#"{"accessToken":"","expires_on":1795161600}"#,
            r#"{"accessToken":"t","expires_on":1700000000}"#,
            r#"{"accessToken":"t","expiresOn":"soon"}"#,
        ] {
            let failure = read(bad.as_bytes(), &TimeZone::UTC, now()).unwrap_err();
            assert_eq!(failure, Failure::NotUnderstood, "{bad}");
        }
    }

    #[test]
    fn who_is_not_signed_in_is_told_to() {
        let failure = refusal(b"ERROR: Please run 'az login' to setup account.\n");
        assert_eq!(failure, Failure::NotSignedIn);
        let problem = failure.problem();
        assert_eq!(problem.reason, Reason::EnvironmentUnusable);
        assert!(problem.message.contains("az login"), "{problem}");
    }

    #[test]
    fn a_refusal_is_told_without_tokens_and_ids() {
        let failure = refusal(
            b"DEBUG: eyJ0eXAi.x.y\nERROR: AADSTS500011: The resource was not found.\r\nTrace ID: 1 Correlation ID: 2",
        );
        let Failure::Failed(said) = &failure else {
            panic!("{failure:?}")
        };
        assert_eq!(
            said,
            "DEBUG: … ERROR: AADSTS500011: The resource was not found."
        );
        assert_eq!(failure.problem().reason, Reason::AuthenticationFailed);
    }
}
