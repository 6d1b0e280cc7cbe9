//! The data plane of Key Vault: an object read, a page of objects listed. Requests are built and answers read by pure
//! functions (Key Vault REST reference, "Get Secret", "Get Key", "Get Secrets", in the version that the cloud speaks).

mod list;
mod refusal;
pub mod write;

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::auth::Profile;
use super::http::{Answer, Request};
use crate::names::{ObjectName, ObjectVersion, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

pub use list::{Listed, Next, Page, list, read_page};
pub use refusal::{Remedy, remedy};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The kinds of objects that a vault holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A secret. The value of a certificate, with its key, is a secret of the certificate's name.
    Secret,
    /// A certificate.
    Certificate,
    /// A key, of which the vault gives the public part.
    Key,
}

impl Kind {
    /// The word in paths.
    fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Certificate => "certificates",
            Self::Key => "keys",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Key => "key",
        })
    }
}

/// One object of a vault, at its newest version or at a pinned one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Of which kind.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
    /// The pinned version; none means the newest.
    pub version: Option<ObjectVersion>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            version,
        } = self;
        match version {
            Some(version) => write!(f, "{kind} {:?} (version {version})", name.as_str()),
            None => write!(f, "{kind} {:?}", name.as_str()),
        }
    }
}

/// What a request is about, for messages.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    Object(&'a Object),
    List(Kind),
    /// A change of an object.
    Change(Change, &'a Object),
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is looked at by whoever may change it.
    Look,
    /// A new version, or other attributes.
    Write,
    /// It is deleted softly.
    Delete,
    /// It is brought back from soft deletion.
    Recover,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Recover => "recover",
        })
    }
}

impl Asked<'_> {
    fn kind(self) -> Kind {
        match self {
            Self::Object(object) | Self::Change(_, object) => object.kind,
            Self::List(kind) => kind,
        }
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) | Self::Change(_, object) => object.fmt(f),
            Self::List(kind) => write!(f, "the list of {}", kind.plural()),
        }
    }
}

/// An object as the vault gave it.
#[derive(Debug)]
pub struct Bundle {
    /// The version that was read.
    pub version: ObjectVersion,
    /// The value of a secret; the JSON Web Key (RFC 7517) of a key, without private members.
    pub value: SecretValue,
    /// What the value is, in the words of whoever stored it; `application/x-pkcs12` or `application/x-pem-file` of a
    /// certificate.
    pub content_type: Option<String>,
    /// When this version was last updated, in whole seconds.
    pub updated: Option<Timestamp>,
    /// From when on it is valid.
    pub not_before: Option<Timestamp>,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
    /// When the vault answered, by its own clock.
    pub answered: Option<Timestamp>,
}

impl Bundle {
    /// What it is, without its value.
    pub fn facts(&self) -> Facts {
        Facts {
            version: self.version.clone(),
            updated: self.updated,
            answered: self.answered,
        }
    }
}

/// What an object is, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The version that was read.
    pub version: ObjectVersion,
    /// When it was updated, in whole seconds.
    pub updated: Option<Timestamp>,
    /// When the vault answered, by its own clock.
    pub answered: Option<Timestamp>,
}

/// The request for one object.
pub fn request(
    profile: &Profile,
    vault: &VaultUri,
    object: &Object,
    token: &SecretValue,
) -> Result<Request, Problem> {
    let version = object.version.as_ref().map_or("", ObjectVersion::as_str);
    let text = format!(
        "{}/{}/{}/{version}?api-version={}",
        vault.origin(),
        object.kind.plural(),
        object.name,
        profile.cloud.vault_api_version
    );
    let url = Url::parse(&text).map_err(|_| unusable(vault, "no URL can be made of it"))?;
    get(profile, vault, url, token)
}

fn unusable(vault: &VaultUri, what: &str) -> Problem {
    Problem::new(
        Reason::InvalidSpec,
        Retry::OnChange,
        format!("{vault}: {what}"),
    )
}

fn get(
    profile: &Profile,
    vault: &VaultUri,
    url: Url,
    token: &SecretValue,
) -> Result<Request, Problem> {
    call(profile, vault, (Method::GET, url), token)
}

fn call(
    profile: &Profile,
    vault: &VaultUri,
    (method, url): (Method, Url),
    token: &SecretValue,
) -> Result<Request, Problem> {
    let bearer = zeroize::Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut authorization = HeaderValue::from_bytes(&bearer)
        .map_err(|_| unusable(vault, "the token is no header value"))?;
    authorization.set_sensitive(true);
    Ok(Request {
        route: profile.cloud.route.clone(),
        method,
        url,
        headers: vec![
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: None,
        timeout: TIMEOUT,
    })
}

/// A secret has `value` and `id`, a key has `key` with `kid` in it.
#[derive(Deserialize)]
struct WireBundle<'a> {
    id: Option<String>,
    value: Option<String>,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
struct WireKey {
    kid: String,
}

#[derive(Deserialize, Default)]
struct Attributes {
    enabled: Option<bool>,
    created: Option<i64>,
    updated: Option<i64>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// Seconds since 1970 as the vault writes times.
fn time(seconds: Option<i64>) -> Option<Timestamp> {
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// Reads the answer to [`request`].
pub fn read(
    profile: &Profile,
    vault: &VaultUri,
    object: &Object,
    answer: &Answer,
    now: Timestamp,
) -> Result<Bundle, Problem> {
    if !answer.status.is_success() {
        return Err(refusal::problem(
            profile,
            vault,
            Asked::Object(object),
            answer,
            now,
        ));
    }
    bundle(object, answer).ok_or_else(|| malformed(vault, Asked::Object(object), answer))
}

fn malformed(vault: &VaultUri, asked: Asked<'_>, answer: &Answer) -> Problem {
    let message = format!(
        "{vault} answered for {asked} in a form that is not understood; it is asked again. Does a proxy stand in between?"
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        .answered(answer.status.as_u16(), None)
}

fn bundle(object: &Object, answer: &Answer) -> Option<Bundle> {
    let wire: WireBundle<'_> = serde_json::from_slice(answer.body.bytes()).ok()?;
    let (id, value) = match object.kind {
        Kind::Secret | Kind::Certificate => (wire.id?, SecretValue::from(wire.value?)),
        Kind::Key => {
            let text = wire.key?.get();
            let key: WireKey = serde_json::from_str(text).ok()?;
            (key.kid, SecretValue::from(text.to_owned()))
        }
    };
    Some(Bundle {
        version: version_in(&id, object)?,
        value,
        content_type: wire.content_type,
        updated: time(wire.attributes.updated),
        not_before: time(wire.attributes.nbf),
        expires: time(wire.attributes.exp),
        answered: answer.date(),
    })
}

/// The version in an object's id. The answer must speak of what was asked for: a proxy's or a cache's answer for another object
/// is not taken.
fn version_in(id: &str, object: &Object) -> Option<ObjectVersion> {
    let url = Url::parse(id).ok()?;
    let path: Vec<&str> = url.path_segments()?.collect();
    let [plural, name, version] = path.as_slice() else {
        return None;
    };
    let version: ObjectVersion = version.parse().ok()?;
    let fits = *plural == object.kind.plural()
        && name.eq_ignore_ascii_case(object.name.as_str())
        && object
            .version
            .as_ref()
            .is_none_or(|asked| *asked == version);
    fits.then_some(version)
}

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod mod_tests;
