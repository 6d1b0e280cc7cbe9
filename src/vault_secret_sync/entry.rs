//! One key of the Secret, and what its value comes from. Pure.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use super::api::{AccessTokenSource, DataEntry, Decode, MlServerSource, SecretSource};
use crate::azure::auth::Resource;
use crate::azure::key_vault::{Bundle, Kind, Object};
use crate::azure::ml_server::Server;
use crate::azure_identity::valid::IdentityKey;
use crate::hub::want::Held;
use crate::names::{NameError, ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// One key of the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: SecretKey,
    /// Where its value comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A secret of the vault.
    Secret(SecretPart),
    /// A bearer token.
    Token(TokenOf),
}

/// A secret of the vault, and what of it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPart {
    /// The secret.
    pub id: Object,
    /// The part of a JSON value that is taken.
    pub property: Option<String>,
    /// How it is decoded.
    pub decode: Decode,
}

/// Whose token it is, and for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenOf {
    /// A token of the sync's identity.
    Identity {
        /// The identity.
        identity: IdentityKey,
        /// What it is for.
        resource: Resource,
    },
    /// A token of a Machine Learning Server's own login.
    MlServer(Login),
}

/// A user of a Machine Learning Server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login {
    /// The server.
    pub server: Server,
    /// The user.
    pub username: String,
    /// The Secret of the sync's namespace that has the password.
    pub secret: ResourceName,
    /// The key in it.
    pub key: SecretKey,
}

/// What is asked for. Entries that want the same object ask for it once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectId {
    /// A secret of the vault.
    Secret(Object),
    /// A token.
    Token(TokenOf),
}

impl ObjectId {
    /// Short, for the status: the secret's name, or what the token is for.
    pub fn name(&self) -> &str {
        match self {
            Self::Secret(id) => id.name.as_str(),
            Self::Token(TokenOf::Identity { resource, .. }) => resource.as_str(),
            Self::Token(TokenOf::MlServer(login)) => login.server.as_str(),
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(id) => id.fmt(f),
            Self::Token(token) => token.fmt(f),
        }
    }
}

impl fmt::Display for TokenOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity { identity, resource } => {
                write!(f, "token of {identity} for {resource}")
            }
            Self::MlServer(login) => {
                write!(f, "token of user {:?} of {}", login.username, login.server)
            }
        }
    }
}

impl Entry {
    /// What is asked for.
    pub fn object(&self) -> ObjectId {
        match &self.source {
            Source::Secret(part) => ObjectId::Secret(part.id.clone()),
            Source::Token(token) => ObjectId::Token(token.clone()),
        }
    }

    /// The token, where it is one.
    pub fn token(&self) -> Option<&TokenOf> {
        match &self.source {
            Source::Secret(_) => None,
            Source::Token(token) => Some(token),
        }
    }

    /// The login, where the token is one of a Machine Learning Server.
    pub fn login(&self) -> Option<&Login> {
        match self.token()? {
            TokenOf::Identity { .. } => None,
            TokenOf::MlServer(login) => Some(login),
        }
    }

    /// Where a value comes from: object, version, when that was updated, and what was done with it. Nothing of the value is
    /// in it. It is recorded on the Secret, and the value is written only where this differs. No secret's name has a colon,
    /// so a token's record is never taken for one.
    pub fn recorded(&self, bundle: &Bundle) -> String {
        let Held { version, updated } = Held::of(&bundle.facts());
        self.record(version.as_str(), updated)
    }

    /// Which version a record tells of, where it is one of this entry.
    pub fn held(&self, recorded: &str) -> Option<Held> {
        let (version, updated) = state_in(recorded);
        (self.record(version, updated) == recorded).then(|| {
            Some(Held {
                version: version.parse().ok()?,
                updated,
            })
        })?
    }

    fn record(&self, version: &str, updated: Option<Timestamp>) -> String {
        match &self.source {
            Source::Secret(SecretPart {
                id,
                property,
                decode,
            }) => {
                let mut source = format!("{}/{version}", id.name);
                if let Some(updated) = updated {
                    source = format!("{source}@{}", updated.as_second());
                }
                if let Some(property) = property {
                    source = format!("{source}#{property}");
                }
                match decode {
                    Decode::None => source,
                    Decode::Base64 => format!("{source}|Base64"),
                    Decode::Base64Url => format!("{source}|Base64Url"),
                }
            }
            Source::Token(token) => format!("token:/{version}#{token}"),
        }
    }
}

/// The version in a record.
pub fn version_of(recorded: &str) -> &str {
    state_in(recorded).0
}

/// Version and time in a record: between the first `/` and what was done with the value.
fn state_in(recorded: &str) -> (&str, Option<Timestamp>) {
    let after_name = recorded.split_once('/').map_or(recorded, |(_, rest)| rest);
    let state = after_name.split(['#', '|']).next().unwrap_or_default();
    let Some((version, seconds)) = state.split_once('@') else {
        return (state, None);
    };
    let updated = seconds
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    (version, updated)
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// Parses the entries of a sync that has this identity.
pub fn parse(data: &[DataEntry], identity: &IdentityKey) -> Result<Vec<Entry>, Problem> {
    if data.is_empty() {
        return Err(invalid(
            "spec.data: there must be at least one entry".to_owned(),
        ));
    }
    let mut seen = BTreeSet::new();
    data.iter()
        .enumerate()
        .map(|(at, entry)| {
            let at = format!("spec.data[{at}]");
            let key: SecretKey = entry
                .key
                .parse()
                .map_err(|error: NameError| invalid(format!("{at}.key: {error}")))?;
            if !seen.insert(key.clone()) {
                return Err(invalid(format!(
                    "{at}.key: {key} stands twice: each key may stand once"
                )));
            }
            let source = match (&entry.secret, &entry.access_token) {
                (Some(secret), None) => Source::Secret(secret_part(&at, secret)?),
                (None, Some(token)) => {
                    Source::Token(token_of(&format!("{at}.accessToken"), token, identity)?)
                }
                (Some(_), Some(_)) | (None, None) => {
                    return Err(invalid(format!(
                        "{at}: exactly one of secret and accessToken must be set"
                    )));
                }
            };
            Ok(Entry { key, source })
        })
        .collect()
}

fn secret_part(at: &str, secret: &SecretSource) -> Result<SecretPart, Problem> {
    let named = |name: &str, error: &NameError| invalid(format!("{at}.secret.{name}: {error}"));
    let version = secret.version.as_deref().map(str::parse).transpose();
    Ok(SecretPart {
        id: Object {
            kind: Kind::Secret,
            // A vault takes names in any case for the same.
            name: secret
                .name
                .to_ascii_lowercase()
                .parse()
                .map_err(|error| named("name", &error))?,
            version: version.map_err(|error| named("version", &error))?,
        },
        property: secret.property.clone(),
        decode: secret.decode,
    })
}

fn token_of(
    at: &str,
    token: &AccessTokenSource,
    identity: &IdentityKey,
) -> Result<TokenOf, Problem> {
    match (&token.resource, &token.ml_server) {
        (Some(resource), None) => {
            let parsed = Resource::new(resource);
            let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
            if !plain(parsed.as_str()) {
                return Err(invalid(format!(
                    "{at}.resource: {resource:?} is not the id or URI of an application, such as api://22222222-2222-2222-2222-222222222222"
                )));
            }
            Ok(TokenOf::Identity {
                identity: identity.clone(),
                resource: parsed,
            })
        }
        (None, Some(server)) => Ok(TokenOf::MlServer(login(&format!("{at}.mlServer"), server)?)),
        (Some(_), Some(_)) | (None, None) => Err(invalid(format!(
            "{at}: exactly one of resource and mlServer must be set"
        ))),
    }
}

fn login(at: &str, server: &MlServerSource) -> Result<Login, Problem> {
    let named = |name: &str, error: &NameError| invalid(format!("{at}.{name}: {error}"));
    if server.username.is_empty() {
        return Err(invalid(format!("{at}.username: it is empty")));
    }
    let password = &server.password_from;
    Ok(Login {
        server: Server::parse(&server.url)
            .map_err(|problem| invalid(format!("{at}.url: {}", problem.message)))?,
        username: server.username.clone(),
        secret: password
            .name
            .parse()
            .map_err(|error| named("passwordFrom.name", &error))?,
        key: password
            .key
            .parse()
            .map_err(|error| named("passwordFrom.key", &error))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::{ml_server, sync_with};
    use crate::vault_secret_sync::valid;

    fn only(entry: &serde_json::Value) -> Result<Entry, Problem> {
        let sync = sync_with(|spec| spec["data"] = serde_json::json!([entry]));
        valid::parse(&sync).map(|valid| valid.entries.into_iter().next().unwrap())
    }

    #[test]
    fn a_record_tells_all_that_decides_a_value() {
        let secret =
            serde_json::json!({"name": "db-password", "property": "a.b", "decode": "Base64"});
        let secret = only(&serde_json::json!({"key": "K", "secret": secret})).unwrap();
        let time = Timestamp::from_second(1_493_938_410).ok();
        assert_eq!(
            secret.record("v1", time),
            "db-password/v1@1493938410#a.b|Base64"
        );
        let token =
            only(&serde_json::json!({"key": "K", "accessToken": {"resource": "api://x/y|z#"}}));
        let recorded = token.unwrap().record("v1", None);
        assert_eq!(
            recorded,
            "token:/v1#token of AzureIdentity team/payments for api://x/y|z#"
        );
        let login = only(&serde_json::json!({"key": "K", "accessToken": ml_server()})).unwrap();
        assert_eq!(
            login.record("v1", None),
            "token:/v1#token of user \"ada\" of https://mls.example.net:12800"
        );
        for entry in [
            secret.record("v1", time),
            recorded,
            login.record("v1", None),
        ] {
            assert_eq!(version_of(&entry), "v1");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_field() {
        let token =
            |token: serde_json::Value| serde_json::json!({"key": "K", "accessToken": token});
        let server = |field: &str, value: serde_json::Value| {
            let mut server = ml_server();
            server["mlServer"][field] = value;
            token(server)
        };
        let mut both = ml_server();
        both["resource"] = "api://x".into();
        let cases = [
            (serde_json::json!({"key": "K"}), "data[0]: exactly one"),
            (
                serde_json::json!({"key": "K", "secret": {"name": "s"}, "accessToken": {"resource": "api://x"}}),
                "data[0]: exactly one",
            ),
            (token(serde_json::json!({})), "accessToken: exactly one"),
            (token(both), "accessToken: exactly one"),
            (
                token(serde_json::json!({"resource": "/.default"})),
                "accessToken.resource",
            ),
            (
                token(serde_json::json!({"resource": "api://a b"})),
                "accessToken.resource",
            ),
            (
                server("url", "http://mls.example.net".into()),
                "mlServer.url",
            ),
            (server("username", "".into()), "mlServer.username"),
            (
                server(
                    "passwordFrom",
                    serde_json::json!({"name": "A_b", "key": "k"}),
                ),
                "mlServer.passwordFrom.name",
            ),
            (
                server(
                    "passwordFrom",
                    serde_json::json!({"name": "a", "key": "a/b"}),
                ),
                "mlServer.passwordFrom.key",
            ),
        ];
        for (entry, named) in cases {
            let problem = only(&entry).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(
                problem.message.contains(named),
                "{problem} does not name {named}"
            );
        }
    }
}
