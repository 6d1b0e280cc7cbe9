//! What goes into the Secret: items, each of which needs objects and gives keys. Pure.

use std::fmt;

use crate::azure::key_vault::Object;
use crate::azure::ml_server::Server;
use crate::azure::resource::Resource;
use crate::azure_identity::valid::IdentityKey;
use crate::certificate::bundle::Chain;
use crate::certificate::keystore::Ciphers;
use crate::names::{ResourceName, SecretKey, VaultUri};
use crate::vault_secret_sync::api::Decode;
use crate::vault_secret_sync::items::expand::Expander;

/// A part of the spec that gives keys of the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands, such as `spec.data[0]`. No two have the same.
    pub at: String,
    /// What it gives.
    pub source: Source,
    /// Whether its object may be absent.
    pub optional: bool,
    /// Whether a `find` gave it.
    pub found: bool,
}

/// What an item gives, and what of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One key with a secret of the vault.
    Secret {
        /// The key.
        key: SecretKey,
        /// The secret, and what of it is taken.
        part: SecretPart,
    },
    /// The keys of a certificate.
    Certificate(CertificatePart),
    /// Keys that stand in a secret of the vault.
    Expand(ExpandPart),
    /// One key with the public half of a key.
    PublicKey {
        /// The key of the Secret.
        key: SecretKey,
        /// The key of the vault.
        id: Located,
        /// Whether it is written as a JSON Web Key.
        jwk: bool,
    },
    /// One key with a bearer token.
    Token {
        /// The key.
        key: SecretKey,
        /// Whose, and for what.
        of: TokenOf,
    },
}

/// An object of a vault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located {
    /// The vault; none is the sync's own.
    pub vault: Option<VaultUri>,
    /// The object.
    pub object: Object,
}

/// A secret of the vault, and what of it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPart {
    /// The secret.
    pub id: Located,
    /// The part of a JSON value that is taken.
    pub property: Option<String>,
    /// How it is decoded.
    pub decode: Decode,
}

/// A secret of the vault with many values.
#[derive(Debug, Clone)]
pub struct ExpandPart {
    /// The secret.
    pub part: SecretPart,
    /// How it is taken apart, in short.
    pub how: String,
    /// What takes it apart.
    pub expander: Expander,
}

impl PartialEq for ExpandPart {
    fn eq(&self, other: &Self) -> bool {
        self.part == other.part && self.how == other.how
    }
}

impl Eq for ExpandPart {}

/// A certificate, and what is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePart {
    /// The secret of the certificate's name, which has the key as well.
    pub id: Located,
    /// What the keys begin with, where it is not `tls`.
    pub prefix: Option<SecretKey>,
    /// What stands behind the certificate.
    pub chain: Chain,
    /// Keystores.
    pub keystores: Vec<Keystore>,
}

/// A keystore that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keystore {
    /// Its form.
    pub format: StoreFormat,
    /// The secret with its password.
    pub password: Located,
    /// The name of its entry.
    pub alias: String,
}

/// The form of a keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFormat {
    /// PKCS#12.
    Pkcs12(Ciphers),
    /// Java's own.
    Jks,
}

impl StoreFormat {
    /// The names of the files: keystore and truststore.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Self::Pkcs12(_) => ["keystore.p12", "truststore.p12"],
            Self::Jks => ["keystore.jks", "truststore.jks"],
        }
    }
}

impl CertificatePart {
    /// The name of the certificate.
    pub fn name(&self) -> &str {
        self.id.object.name.as_str()
    }

    /// The key of one of its files; with a prefix that stands in the place of `tls`, or before the name.
    pub fn key(&self, file: &str) -> Option<SecretKey> {
        let Some(prefix) = &self.prefix else {
            return file.parse().ok();
        };
        let rest = file.strip_prefix("tls.").unwrap_or(file);
        format!("{prefix}.{rest}").parse().ok()
    }

    fn keys(&self) -> Vec<Given> {
        let given = |file, always| {
            let key = self.key(file)?;
            Some(Given { key, always })
        };
        let stores = self.keystores.iter().flat_map(|store| {
            let [key, trust] = store.format.files();
            [given(key, true), given(trust, false)]
        });
        [
            given("tls.crt", true),
            given("tls.key", true),
            given("ca.crt", false),
        ]
        .into_iter()
        .chain(stores)
        .flatten()
        .collect()
    }
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

/// What is asked for. Items that need the same object ask for it once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectId {
    /// An object of a vault.
    Object(Located),
    /// A token.
    Token(TokenOf),
}

impl ObjectId {
    /// Short, for the status: the object's name, or what the token is for.
    pub fn name(&self) -> &str {
        match self {
            Self::Object(id) => id.object.name.as_str(),
            Self::Token(TokenOf::Identity { resource, .. }) => resource.as_str(),
            Self::Token(TokenOf::MlServer(login)) => login.server.as_str(),
        }
    }

    /// The object, where it is one of a vault.
    pub fn located(&self) -> Option<&Located> {
        match self {
            Self::Object(id) => Some(id),
            Self::Token(_) => None,
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(id) => id.fmt(f),
            Self::Token(token) => token.fmt(f),
        }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.vault {
            None => self.object.fmt(f),
            Some(vault) => write!(f, "{} of {vault}", self.object),
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

/// A key that an item gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The key.
    pub key: SecretKey,
    /// Whether it is there whenever the item is; others depend on the value.
    pub always: bool,
}

impl Item {
    /// What is asked for, the one first that the status names.
    pub fn needs(&self) -> Vec<ObjectId> {
        match &self.source {
            Source::Secret { part, .. } | Source::Expand(ExpandPart { part, .. }) => {
                vec![ObjectId::Object(part.id.clone())]
            }
            Source::Certificate(part) => {
                let mut needs = vec![ObjectId::Object(part.id.clone())];
                for store in &part.keystores {
                    let password = ObjectId::Object(store.password.clone());
                    if !needs.contains(&password) {
                        needs.push(password);
                    }
                }
                needs
            }
            Source::PublicKey { id, .. } => vec![ObjectId::Object(id.clone())],
            Source::Token { of, .. } => vec![ObjectId::Token(of.clone())],
        }
    }

    /// The name of what comes first, for the status.
    pub fn object_name(&self) -> String {
        let needs = self.needs();
        needs.first().map_or("", ObjectId::name).to_owned()
    }

    /// What it needs, in words.
    pub fn names(&self) -> String {
        let needs: Vec<String> = self.needs().iter().map(ToString::to_string).collect();
        needs.join(", ")
    }

    /// Whether only its value tells which keys it gives.
    pub fn is_open(&self) -> bool {
        matches!(self.source, Source::Expand(_))
    }

    /// The keys that it gives, where that is known without a value.
    pub fn keys(&self) -> Vec<Given> {
        match &self.source {
            Source::Secret { key, .. }
            | Source::PublicKey { key, .. }
            | Source::Token { key, .. } => vec![Given {
                key: key.clone(),
                always: true,
            }],
            Source::Certificate(part) => part.keys(),
            Source::Expand(_) => Vec::new(),
        }
    }

    /// The token, where it is one.
    pub fn token(&self) -> Option<&TokenOf> {
        match &self.source {
            Source::Secret { .. }
            | Source::Certificate(_)
            | Source::Expand(_)
            | Source::PublicKey { .. } => None,
            Source::Token { of, .. } => Some(of),
        }
    }

    /// The login, where the token is one of a Machine Learning Server.
    pub fn login(&self) -> Option<&Login> {
        match self.token()? {
            TokenOf::Identity { .. } => None,
            TokenOf::MlServer(login) => Some(login),
        }
    }
}
