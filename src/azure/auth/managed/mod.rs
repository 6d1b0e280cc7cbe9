//! Managed identities: the machine itself, or what hosts the program, gives tokens (Microsoft's "Managed identities for
//! Azure resources"). Which endpoint there is and how it is asked is decided by pure functions ([`sources`]), as is what
//! its answers mean ([`answers`], [`expiry`]) and what Azure Arc's challenge may make us read ([`arc`]).
//!
//! No proxy is ever asked: the endpoints are the machine's own, and their answers are tokens.

pub mod answers;
pub mod arc;
pub mod expiry;
pub mod sources;

use jiff::Timestamp;

use self::arc::KeyFolder;
pub use self::sources::{Source, Which};
use super::environment::Environment;
use super::{Resource, Token};
use crate::azure::http::{Answer, Http, Request};
use crate::problem::Problem;
use crate::secret::SecretValue;

/// The operation in metrics.
const OPERATION: &str = "GetManagedIdentityToken";

/// How long a source may take to show that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// An identity asks for it by name: as long as any request to Azure.
    Book,
    /// The default chain tries whether there is one: a second to connect to the instance metadata service.
    Probe,
}

/// A token of the machine's identity `which` for `resource`.
///
/// One try, two requests with Azure Arc. Azure's book asks for pauses between tries (404, 429 and 5xx: doubling; 410: at
/// least 70 s): they are the problem's class of retry, and whoever schedules keeps them while nobody sleeps here.
pub async fn token(
    http: &Http,
    environment: &Environment,
    which: &Which,
    resource: &Resource,
    patience: Patience,
) -> Result<Token, Problem> {
    let folder = KeyFolder::default();
    token_with(http, environment, which, resource, patience, &folder).await
}

/// The same with another folder for Azure Arc's keys. It is an argument, which the environment cannot change: whoever may
/// name the folder decides which files are read and sent.
pub async fn token_with(
    http: &Http,
    environment: &Environment,
    which: &Which,
    resource: &Resource,
    patience: Patience,
    folder: &KeyFolder,
) -> Result<Token, Problem> {
    let source = Source::from(environment)?;
    let ask = || sources::request(&source, which, resource, patience);
    let mut answer = send(http, &source, ask()?).await?;
    if matches!(source, Source::Arc { .. })
        && let Some(name) = arc::challenge(&answer, folder)?
    {
        let key = key(folder, name).await?;
        answer = send(http, &source, arc::answered(ask()?, &key)?).await?;
    }
    answers::read(&source, which, &answer, Timestamp::now())
}

async fn send(http: &Http, source: &Source, request: Request) -> Result<Answer, Problem> {
    http.send(OPERATION, &source.what(), request)
        .await
        .map_err(|problem| answers::lost(source, problem))
}

/// Reads a key in a thread of its own, since a file can block.
async fn key(folder: &KeyFolder, name: arc::KeyName) -> Result<SecretValue, Problem> {
    let in_thread = folder.clone();
    let read = tokio::task::spawn_blocking(move || arc::key_file::read(&in_thread, &name)).await;
    read.unwrap_or_else(|error| Err(folder.unreadable(&error.to_string())))
}
