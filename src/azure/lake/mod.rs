//! Data lakes (Azure Data Lake Storage, the dfs endpoint): requests built and answers read by pure functions ("Azure Data Lake
//! Storage REST API reference"); [`client`] carries them out.

pub mod access;
pub mod account;
pub mod acl;
pub mod client;
pub mod delegation;
pub mod files;
pub mod filesystem;
pub mod list;
pub mod names;
pub mod owner;
pub mod paths;
pub mod permissions;
mod properties;
pub mod refusal;

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

use super::auth::Profile;
use super::cloud::Storage;
use super::http::{Answer, Request};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

pub use self::acl::Acl;
pub use self::names::{AccountName, FilesystemName, LakePath, LakeUri};
pub use self::owner::{Owner, Removal};
pub use self::permissions::Permissions;
pub use self::properties::Properties;

/// The version of the interface that is spoken: that of the published description.
const VERSION: &str = "2025-01-05";
const TIMEOUT: Duration = Duration::from_secs(30);

/// An account's lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lake {
    /// Where it is.
    pub uri: LakeUri,
    /// The account's id in Resource Manager, for commands in messages.
    pub id: String,
}

impl Lake {
    /// Where a filesystem, or a path in it, is.
    pub fn at(&self, filesystem: &FilesystemName, path: Option<&LakePath>) -> Place {
        Place {
            lake: self.clone(),
            filesystem: Some(filesystem.clone()),
            path: path.cloned(),
        }
    }

    /// The account as a whole.
    pub fn whole(&self) -> Place {
        Place {
            lake: self.clone(),
            filesystem: None,
            path: None,
        }
    }
}

/// An account, a filesystem, or a path in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Of which account.
    pub lake: Lake,
    /// The filesystem; none where it is about the account as a whole.
    pub filesystem: Option<FilesystemName>,
    /// The path; none where it is about the filesystem as a whole.
    pub path: Option<LakePath>,
}

impl Place {
    /// What stands in a URL behind the origin.
    fn encoded(&self) -> String {
        match (&self.filesystem, &self.path) {
            (Some(filesystem), Some(path)) => format!("/{filesystem}/{}", path.encoded()),
            (Some(filesystem), None) => format!("/{filesystem}"),
            (None, _) => "/".to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.lake.uri.account().as_str();
        let Some(filesystem) = self.filesystem.as_ref().map(FilesystemName::as_str) else {
            return write!(f, "storage account {account:?}");
        };
        match &self.path {
            Some(path) if !path.is_root() => {
                write!(
                    f,
                    "path {:?} in filesystem {filesystem:?} of storage account {account:?}",
                    path.to_string()
                )
            }
            Some(_) => write!(
                f,
                "the root of filesystem {filesystem:?} of storage account {account:?}"
            ),
            None => write!(
                f,
                "filesystem {filesystem:?} of storage account {account:?}"
            ),
        }
    }
}

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name in metrics, such as `SetAccessControl`.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// What it is about.
    pub place: Place,
    /// Parameters.
    pub query: Vec<(&'static str, String)>,
    /// Headers besides those of every call.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is written; it may come from a Secret.
    pub body: Option<SecretValue>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Call {
    fn new(operation: &'static str, method: Method, place: Place) -> Self {
        Self {
            operation,
            method,
            place,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            timeout: TIMEOUT,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A value that is no header's is refused: it was parsed, or it is Azure's own word.
    fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Problem> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            let message = format!("{}: {value:?} cannot be sent as {name}", self.place);
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// Only where the thing is still the one that was seen.
    pub fn if_match(self, etag: &str) -> Result<Self, Problem> {
        self.header(header::IF_MATCH, etag)
    }

    /// Whether it goes on with something that was begun.
    fn goes_on(&self) -> bool {
        self.query.iter().any(|(name, _)| *name == "continuation")
    }
}

/// The storage of the identity's cloud.
pub fn storage(profile: &Profile) -> Result<&Storage, Problem> {
    profile.cloud.storage.as_ref().ok_or_else(|| {
        let message = "the identity's cloud does not say where its storage accounts are: set spec.cloud.custom.storage.suffix of the identity (such as core.example.net)";
        Problem::new(Reason::StorageUnknown, Retry::OnChange, message)
    })
}

/// Whether a lake is one of the identity's cloud: a token goes nowhere else.
pub fn in_cloud(profile: &Profile, uri: &LakeUri) -> Result<(), Problem> {
    let storage = storage(profile)?;
    if uri.is_in(storage) {
        return Ok(());
    }
    let message = format!(
        "{uri} is no data lake of the cloud of {profile}, whose accounts are <name>.dfs.{}: no token is sent there",
        storage.suffix
    );
    Err(Problem::new(
        Reason::LakeNotInCloud,
        Retry::OnChange,
        message,
    ))
}

/// The request of a call.
pub fn request(profile: &Profile, call: &Call, token: &SecretValue) -> Result<Request, Problem> {
    in_cloud(profile, &call.place.lake.uri)?;
    let mut headers = vec![
        (header::AUTHORIZATION, bearer(profile, token)?),
        (header::ACCEPT, HeaderValue::from_static("application/json")),
        (
            HeaderName::from_static("x-ms-version"),
            HeaderValue::from_static(VERSION),
        ),
    ];
    headers.extend(call.headers.iter().cloned());
    // Azure wants the length said where nothing is written.
    let writes = matches!(call.method, Method::PUT | Method::PATCH);
    let body = call.body.as_ref().map(|body| body.expose().to_vec());
    let body = body.or_else(|| writes.then(Vec::new));
    Ok(Request {
        route: profile.cloud.route.clone(),
        method: call.method.clone(),
        url: url(call)?,
        headers,
        body: body.map(Zeroizing::new),
        timeout: call.timeout,
    })
}

fn url(call: &Call) -> Result<Url, Problem> {
    let (origin, path) = (call.place.lake.uri.origin(), call.place.encoded());
    let mut text = format!("{origin}{path}");
    for (at, (name, value)) in call.query.iter().enumerate() {
        let between = if at == 0 { "?" } else { "&" };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        text.extend([between, name, "=", &value]);
    }
    // Names were parsed, so this holds. It is looked at all the same: what follows carries a token.
    let fits = |url: &Url| url.path() == path && text.starts_with(origin);
    Url::parse(&text).ok().filter(fits).ok_or_else(|| {
        let message = format!(
            "no request can be made for {}: its path is no URL",
            call.place
        );
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })
}

/// The header that carries a token.
pub(super) fn bearer(profile: &Profile, token: &SecretValue) -> Result<HeaderValue, Problem> {
    let bearer = Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut authorization = HeaderValue::from_bytes(&bearer).map_err(|_| {
        let message = format!("the token of {profile} is no header value");
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
    })?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

/// Reads the answer to [`request`]. What is not there is a problem with Azure's code; see [`absent`].
pub fn read(
    profile: &Profile,
    call: &Call,
    answer: Answer,
    now: Timestamp,
) -> Result<Answer, Problem> {
    if answer.status.is_success() {
        Ok(answer)
    } else {
        Err(refusal::problem(profile, call, &answer, now))
    }
}

/// Takes a 404 that says that the path or the filesystem is not there for an answer. Everything else that went wrong stays a
/// problem, so that a proxy's own page is never taken for something that is gone.
pub fn absent<T>(result: Result<T, Problem>) -> Result<Option<T>, Problem> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(problem) if is_absent(&problem) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Whether a problem says that the path, or the filesystem, is not there.
pub fn is_absent(problem: &Problem) -> bool {
    const ABSENT: [&str; 4] = [
        "PathNotFound",
        "FilesystemNotFound",
        "ContainerNotFound",
        // The first generation's.
        "FileNotFoundException",
    ];
    let code = problem.azure_code.as_deref();
    problem.http_status == Some(404) && code.is_some_and(|code| ABSENT.contains(&code))
}

/// The text of a header; none where it is not there or empty.
fn said<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let text = answer.headers.get(name)?.to_str().ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// By which the state of a thing is told from others.
fn etag(answer: &Answer) -> Option<String> {
    said(answer, "etag").map(str::to_owned)
}

/// Where what was begun goes on.
fn continuation(answer: &Answer) -> Option<String> {
    said(answer, "x-ms-continuation").map(str::to_owned)
}

/// An answer that lacks what its kind must have.
fn incomplete(place: &Place, lacks: &str, answer: &Answer) -> Problem {
    let message = format!(
        "the data lake answered for {place} without {lacks}; it is asked again. Does a proxy stand in between?"
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        .answered(answer.status.as_u16(), None)
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod mod_tests;
#[cfg(test)]
mod recordings_tests;
