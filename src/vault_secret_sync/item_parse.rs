//! The items of a spec. Pure.

use std::collections::BTreeSet;

use super::api::{AccessTokenSource, DataEntry, MlServerSource, SecretSource};
use super::item::{Item, Located, Login, SecretPart, Source, TokenOf};
use crate::azure::auth::Resource;
use crate::azure::key_vault::{Kind, Object};
use crate::azure::ml_server::Server;
use crate::azure_identity::valid::IdentityKey;
use crate::names::{NameError, SecretKey, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// What entries depend on besides what stands in them.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The identity of the sync.
    pub identity: &'a IdentityKey,
    /// Its vault.
    pub vault: Option<&'a VaultUri>,
}

impl Around<'_> {
    /// The vault of an entry; none where it is the sync's own.
    fn vault(self, at: &str, named: Option<&str>) -> Result<Option<VaultUri>, Problem> {
        let named = named.map(str::parse).transpose();
        let named = named.map_err(|error| invalid(format!("{at}.vaultUri: {error}")))?;
        if named.is_none() && self.vault.is_none() {
            return Err(invalid(format!(
                "spec.vaultUri: it must be set, since {at} names no vault of its own"
            )));
        }
        Ok(named.filter(|named| self.vault != Some(named)))
    }
}

/// Parses the items of a sync.
pub fn parse(data: &[DataEntry], around: Around<'_>) -> Result<Vec<Item>, Problem> {
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
                (Some(secret), None) => Source::Secret {
                    key,
                    part: secret_part(&at, secret, around.vault(&at, entry.vault_uri.as_deref())?)?,
                },
                (None, Some(token)) => Source::Token {
                    key,
                    of: token_of(&format!("{at}.accessToken"), token, around.identity)?,
                },
                (Some(_), Some(_)) | (None, None) => {
                    return Err(invalid(format!(
                        "{at}: exactly one of secret and accessToken must be set"
                    )));
                }
            };
            Ok(Item { at, source })
        })
        .collect()
}

fn secret_part(
    at: &str,
    secret: &SecretSource,
    vault: Option<VaultUri>,
) -> Result<SecretPart, Problem> {
    let named = |name: &str, error: &NameError| invalid(format!("{at}.secret.{name}: {error}"));
    let version = secret.version.as_deref().map(str::parse).transpose();
    Ok(SecretPart {
        id: Located {
            vault,
            object: Object {
                kind: Kind::Secret,
                // A vault takes names in any case for the same.
                name: secret
                    .name
                    .to_ascii_lowercase()
                    .parse()
                    .map_err(|error| named("name", &error))?,
                version: version.map_err(|error| named("version", &error))?,
            },
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

    fn only(entry: &serde_json::Value) -> Result<Item, Problem> {
        let sync = sync_with(|spec| spec["data"] = serde_json::json!([entry]));
        valid::parse(&sync).map(|valid| valid.items.into_iter().next().unwrap())
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
