//! `lakevault login`: by device code, or by name and password.

use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::azure::{CloudArgs, Reach, resource};
use super::kept::{Kept, LoginFile};
use super::person;
use super::terminal;
use crate::azure::auth::device::{self, Pending, Poll};
use crate::azure::auth::{Credential, Granted, Profile, Want, entra};
use crate::azure::http::Http;
use crate::azure::resource::Resource;
use crate::names::{ClientId, TenantId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// The Azure CLI's own application: a public client that every tenant knows and that Azure's services accept.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Who signs in where.
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    #[command(flatten)]
    cloud: CloudArgs,

    /// The tenant: its id or one of its domain names. Default: the one that the person's name belongs to.
    #[arg(long, env = "AZURE_TENANT_ID")]
    tenant: Option<TenantId>,

    /// The application that is signed in to, a public client. Default: that of the Azure CLI.
    #[arg(long, default_value = AZURE_CLI)]
    client_id: ClientId,

    /// Sign in with this name and a password instead of a code. The password is typed, or read from standard input.
    /// Microsoft advises against it: it cannot do a second factor.
    #[arg(long)]
    username: Option<String>,

    /// What the first token is for. Later ones can be for anything. Default: Key Vault of the cloud.
    #[arg(long)]
    resource: Option<String>,

    #[command(flatten)]
    reach: Reach,
}

/// Signs in, and keeps the refresh token.
pub(super) async fn run(args: LoginArgs) -> Result<(), Failure> {
    let file = LoginFile::of_user()?;
    let http = args.reach.http()?;
    let place = args.cloud.place(&http).await?;
    let profile = place.profile(args.tenant, args.client_id)?;
    let resource = match &args.resource {
        Some(text) => resource(text)?,
        None => place.vaults(),
    };
    let granted = match &args.username {
        Some(username) => by_password(&http, &profile, username, &resource).await?,
        None => by_code(&http, &profile, &resource).await?,
    };
    let Some(refresh) = granted.refresh_token else {
        return Err(Failure::failed(format!(
            "{} gave no refresh token to {profile}, so nothing can be kept: allow the application to ask for offline access",
            profile.cloud.authority
        )));
    };
    let username = granted.username.or(args.username);
    let who = username.clone().unwrap_or_else(|| "somebody".to_owned());
    file.write(&Kept {
        profile,
        username,
        refresh,
    })?;
    terminal::tell(&format!(
        "Signed in as {who}. What was given is kept in {}; lakevault logout deletes it.",
        file.path().display()
    ))
}

async fn by_password(
    http: &Http,
    profile: &Profile,
    username: &str,
    resource: &Resource,
) -> Result<Granted, Failure> {
    let credential = Credential::Password {
        username: username.to_owned(),
        password: terminal::password(&format!("Password of {username}: "))?,
    };
    Ok(granted(http, profile, &credential, resource).await?)
}

/// A token for a person, and what gets the next one.
pub(super) async fn granted(
    http: &Http,
    profile: &Profile,
    credential: &Credential,
    resource: &Resource,
) -> Result<Granted, Problem> {
    let want = Want::handed_out(resource.clone());
    let request = entra::request(profile, credential, &want, None)?;
    let answer = http
        .send("GetToken", &profile.cloud.authority, request)
        .await?;
    entra::read(profile, &answer, Timestamp::now())
        .map_err(|problem| person::told(problem, profile))
}

async fn by_code(http: &Http, profile: &Profile, resource: &Resource) -> Result<Granted, Failure> {
    let request = device::request(profile, resource)?;
    let answer = http
        .send("DeviceCode", &profile.cloud.authority, request)
        .await?;
    let pending = device::read(profile, &answer, Timestamp::now())
        .map_err(|problem| person::told(problem, profile))?;
    // Before the code is shown: from then on the person may want to stop.
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| Failure::failed(format!("failed to listen for signals: {error}")))?;
    terminal::tell(&format!(
        "Open {} in any browser and type the code {}",
        pending.verification_uri, pending.user_code
    ))?;
    tokio::select! {
        outcome = signed_in(http, profile, &pending, resource) => outcome,
        _ = interrupt.recv() => Err(Failure::failed("stopped; nothing was kept")),
    }
}

/// Asks by the interval until the person has signed in or cannot any more.
async fn signed_in(
    http: &Http,
    profile: &Profile,
    pending: &Pending,
    resource: &Resource,
) -> Result<Granted, Failure> {
    let over = || Failure::failed("nobody typed the code in time: sign in again: lakevault login");
    let mut interval = pending.interval;
    loop {
        tokio::time::sleep(interval).await;
        if Timestamp::now() >= pending.expires_at {
            return Err(over());
        }
        match ask(http, profile, pending, resource).await {
            Ok(Poll::Granted(granted)) => return Ok(*granted),
            Ok(Poll::Waiting) => {}
            Ok(Poll::SlowDown) => interval += device::SLOW_DOWN,
            Ok(Poll::Declined) => {
                return Err(Failure::failed(
                    "the sign-in was declined; nothing was kept",
                ));
            }
            Ok(Poll::Expired) => return Err(over()),
            // The person may be typing all the while: what passes by itself is no reason to give up (RFC 8628 §3.5).
            Err(problem) => interval = interval.max(patience(problem)?),
        }
    }
}

async fn ask(
    http: &Http,
    profile: &Profile,
    pending: &Pending,
    resource: &Resource,
) -> Result<Poll, Problem> {
    let request = device::poll(profile, pending, resource)?;
    let answer = http
        .send("GetToken", &profile.cloud.authority, request)
        .await?;
    device::read_poll(profile, &answer, Timestamp::now())
        .map_err(|problem| person::told(problem, profile))
}

/// How long to wait after a problem that passes by itself; any other ends the sign-in.
fn patience(problem: Problem) -> Result<Duration, Failure> {
    let passes = matches!(
        problem.reason,
        Reason::AzureUnavailable | Reason::ConnectionFailed | Reason::Throttled | Reason::TimedOut
    );
    match problem.retry {
        Retry::After(asked) if passes => Ok(asked),
        Retry::Backoff if passes => Ok(Duration::ZERO),
        Retry::OnChange | Retry::Backoff | Retry::After(_) => Err(problem.into()),
    }
}
