//! The items of a spec. Pure.

use std::collections::BTreeMap;

use aws_lc_rs::digest;

use crate::azure::key_vault::{Kind, Object};
use crate::azure::ml_server::Server;
use crate::azure::resource::Resource;
use crate::azure_identity::valid::IdentityKey;
use crate::certificate::bundle::Chain;
use crate::certificate::keystore::Ciphers;
use crate::names::{NameError, SecretKey, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::certificates::{
    CertificateSource, ChainSpec, CiphersSpec, KeystoreFormat, PublicKeyFormat,
};
use crate::vault_secret_sync::api::sources::{DataFromEntry, ExpandSource};
use crate::vault_secret_sync::api::{AccessTokenSource, DataEntry, MlServerSource, SecretSource};
use crate::vault_secret_sync::items::expand::Expander;
use crate::vault_secret_sync::items::find::Finder;
use crate::vault_secret_sync::items::found::Find;
use crate::vault_secret_sync::items::item::{
    CertificatePart, ExpandPart, Given, Item, Keystore, Located, Login, SecretPart, Source,
    StoreFormat, TokenOf,
};

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
                "spec.vaultUri: it or vaultRef must be set, since {at} names no vault of its own"
            )));
        }
        Ok(named.filter(|named| self.vault != Some(named)))
    }
}

/// Parses the items of a sync.
pub fn parse(data: &[DataEntry], around: Around<'_>) -> Result<Vec<Item>, Problem> {
    let items = data.iter().enumerate();
    let items: Vec<Item> = items
        .map(|(place, entry)| {
            let at = format!("spec.data[{place}]");
            let source = source(&at, entry, around)?;
            let optional = entry.optional;
            let found = false;
            Ok(Item {
                at,
                source,
                optional,
                found,
            })
        })
        .collect::<Result<_, Problem>>()?;
    let mut seen: BTreeMap<SecretKey, &str> = BTreeMap::new();
    for item in &items {
        for Given { key, .. } in item.keys() {
            if let Some(first) = seen.insert(key.clone(), &item.at) {
                return Err(invalid(format!(
                    "{}.key: {key} stands twice, {first} gives it as well: each key may stand once",
                    item.at
                )));
            }
        }
    }
    Ok(items)
}

/// Parses the sources of many keys: items, and what is found by lists. `items` are those that go before.
pub fn parse_from(
    from: &[DataFromEntry],
    mut items: Vec<Item>,
    around: Around<'_>,
) -> Result<(Vec<Item>, Vec<Find>), Problem> {
    let mut finds = Vec::new();
    for (place, entry) in from.iter().enumerate() {
        let at = format!("spec.dataFrom[{place}]");
        let vault = around.vault(&at, entry.vault_uri.as_deref())?;
        match (&entry.find, &entry.expand) {
            (Some(find), None) => finds.push(Find {
                finder: Finder::parse(&at, find, entry.rename.as_ref())?,
                after: items.len(),
                spec: entry.clone(),
                vault,
                at,
            }),
            (None, Some(expand)) => items.push(Item {
                source: Source::Expand(ExpandPart {
                    part: secret_part(&format!("{at}.expand"), &expand.secret, vault)?,
                    how: how(entry, expand),
                    expander: Expander::parse(&at, expand.format, entry.rename.as_ref())?,
                }),
                optional: false,
                found: false,
                at,
            }),
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid(format!(
                    "{at}: exactly one of find and expand must be set"
                )));
            }
        }
    }
    Ok((items, finds))
}

/// How a value is taken apart, in short: the format, and a digest of the renaming, which may be long and stands with every key.
fn how(entry: &DataFromEntry, expand: &ExpandSource) -> String {
    let rename = entry.rename.as_ref().map(|rename| {
        let text = format!("{:?} {:?}", rename.from, rename.to);
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let digits = digest.as_ref().iter().take(4);
        digits.fold("~".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    });
    format!("{:?}{}", expand.format, rename.unwrap_or_default())
}

fn source(at: &str, entry: &DataEntry, around: Around<'_>) -> Result<Source, Problem> {
    let key: Option<SecretKey> = entry
        .key
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: NameError| invalid(format!("{at}.key: {error}")))?;
    let needed = || {
        let what = format!("{at}.key: it must be set, unless the entry has certificate");
        key.clone().ok_or_else(|| invalid(what))
    };
    let vault = || around.vault(at, entry.vault_uri.as_deref());
    Ok(
        match (
            &entry.secret,
            &entry.certificate,
            &entry.public_key,
            &entry.access_token,
        ) {
            (Some(secret), None, None, None) => Source::Secret {
                key: needed()?,
                part: secret_part(at, secret, vault()?)?,
            },
            (None, Some(certificate), None, None) => {
                let at = format!("{at}.certificate");
                Source::Certificate(certificate_part(&at, certificate, key, vault()?.as_ref())?)
            }
            (None, None, Some(public), None) => Source::PublicKey {
                key: needed()?,
                id: located(
                    &format!("{at}.publicKey"),
                    Kind::Key,
                    (&public.name, public.version.as_deref()),
                    vault()?,
                )?,
                jwk: public.format == PublicKeyFormat::Jwk,
            },
            (None, None, None, Some(token)) => Source::Token {
                key: needed()?,
                of: token_of(&format!("{at}.accessToken"), token, around.identity)?,
            },
            _ => {
                return Err(invalid(format!(
                    "{at}: exactly one of secret, certificate, publicKey and accessToken must be set"
                )));
            }
        },
    )
}

/// An object by its name, and by its version where one is pinned.
fn located(
    at: &str,
    kind: Kind,
    (name, version): (&str, Option<&str>),
    vault: Option<VaultUri>,
) -> Result<Located, Problem> {
    let wrong = |field: &str, error: &NameError| invalid(format!("{at}.{field}: {error}"));
    let version = version.map(str::parse).transpose();
    // A vault takes names in any case for the same.
    let name = name.to_ascii_lowercase().parse();
    let object = Object {
        kind,
        name: name.map_err(|error| wrong("name", &error))?,
        version: version.map_err(|error| wrong("version", &error))?,
    };
    Ok(Located { vault, object })
}

fn certificate_part(
    at: &str,
    certificate: &CertificateSource,
    prefix: Option<SecretKey>,
    vault: Option<&VaultUri>,
) -> Result<CertificatePart, Problem> {
    let CertificateSource {
        name,
        version,
        include_root,
        ..
    } = certificate;
    let chain = match certificate.chain {
        ChainSpec::LeafFirst => Chain::LeafFirst {
            include_root: *include_root,
        },
        ChainSpec::LeafOnly => Chain::LeafOnly,
    };
    let stores = certificate.keystores.iter().enumerate();
    let stores = stores.map(|(place, store)| {
        let password = &store.password_from.secret;
        let format = match store.format {
            KeystoreFormat::Jks => StoreFormat::Jks,
            KeystoreFormat::Pkcs12 => match store.ciphers.unwrap_or_default() {
                CiphersSpec::Modern => StoreFormat::Pkcs12(Ciphers::Modern),
                CiphersSpec::Legacy => StoreFormat::Pkcs12(Ciphers::Legacy),
            },
        };
        Ok(Keystore {
            format,
            password: located(
                &format!("{at}.keystores[{place}].passwordFrom.secret"),
                Kind::Secret,
                (&password.name, password.version.as_deref()),
                vault.cloned(),
            )?,
            alias: store.alias.clone().unwrap_or_else(|| name.clone()),
        })
    });
    let part = CertificatePart {
        keystores: stores.collect::<Result<_, Problem>>()?,
        id: located(at, Kind::Secret, (name, version.as_deref()), vault.cloned())?,
        prefix,
        chain,
    };
    // The longest of its keys.
    if part.key("truststore.p12").is_none() {
        return Err(invalid(format!(
            "{at}: key is too long for what keys of a certificate begin with"
        )));
    }
    Ok(part)
}

fn secret_part(
    at: &str,
    secret: &SecretSource,
    vault: Option<VaultUri>,
) -> Result<SecretPart, Problem> {
    let at = format!("{at}.secret");
    let named = (secret.name.as_str(), secret.version.as_deref());
    Ok(SecretPart {
        id: located(&at, Kind::Secret, named, vault)?,
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
#[path = "parse_tests.rs"]
mod tests;
