//! Writing objects of a vault: requests and answers (Key Vault REST reference, "Set Secret", "Update Secret", "Delete Secret",
//! "Get Deleted Secret", "Recover Deleted Secret", and the same of certificates, with "Import Certificate"). Pure.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Asked, Attributes, Change, Kind, Object, call, malformed, refusal, time, unusable, version_in,
};
use crate::azure::arm::ApiVersions;
use crate::azure::auth::Profile;
use crate::azure::http::{Answer, Request};
use crate::names::{ObjectVersion, VaultUri};
use crate::problem::Problem;
use crate::secret::SecretValue;

/// Longest value of a secret, in bytes (Azure, "About Azure Key Vault secrets").
pub const LONGEST_VALUE: usize = 25 * 1024;

/// Tags of an object: at most 15, names and values of at most 256 characters each.
pub type Tags = BTreeMap<String, String>;

/// An object with everything that a push may change.
#[derive(Debug)]
pub struct Stored {
    /// Its newest version.
    pub version: ObjectVersion,
    /// The value of a secret; the certificate (DER) of a certificate.
    pub content: SecretValue,
    /// What the value is, in the words of whoever stored it.
    pub content_type: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
    /// When this version was made.
    pub created: Option<Timestamp>,
    /// Whether it is the secret of a certificate.
    pub managed: bool,
}

/// Attributes and tags. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// What the value is.
    pub content_type: Option<String>,
    /// All of its tags.
    pub tags: Tags,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
}

/// A certificate with its private key, as Azure imports it.
#[derive(Debug)]
pub struct CertificateFile {
    /// PEM, or PKCS#12 in base64.
    pub text: SecretValue,
    /// Whether it is PKCS#12.
    pub pkcs12: bool,
    /// The password of PKCS#12.
    pub password: Option<SecretValue>,
}

/// What a new version holds.
#[derive(Debug)]
pub enum Content {
    /// The text of a secret.
    Text(SecretValue),
    /// A certificate.
    Certificate(CertificateFile),
}

/// The way to one vault for one identity, which all requests share.
#[derive(Debug, Clone, Copy)]
pub struct To<'a> {
    /// The identity.
    pub profile: &'a Profile,
    /// The vault.
    pub vault: &'a VaultUri,
    /// The object; its pinned version, if any, is the one that is changed.
    pub object: &'a Object,
}

#[derive(Serialize)]
struct WireAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

#[derive(Serialize)]
struct Policy {
    secret_props: SecretProps,
}

#[derive(Serialize)]
struct SecretProps {
    #[serde(rename = "contentType")]
    content_type: &'static str,
}

#[derive(Serialize, Default)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pwd: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
    #[serde(rename = "contentType", skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<WireAttributes>,
}

impl To<'_> {
    /// The newest version with its content.
    pub fn look(self, token: &SecretValue) -> Result<Request, Problem> {
        let path = format!("{}/{}/", self.object.kind.plural(), self.object.name);
        self.request(Method::GET, &path, token, None)
    }

    /// Whether the vault's cloud keeps what is deleted. One that does not may answer a look there with any error.
    pub fn keeps_deleted(self) -> bool {
        ApiVersions::of(&self.profile.cloud).has_soft_delete
    }

    /// The object among the softly deleted ones.
    pub fn look_deleted(self, token: &SecretValue) -> Result<Request, Problem> {
        self.request(Method::GET, &self.deleted(), token, None)
    }

    /// A new version.
    pub fn put(
        self,
        content: &Content,
        shape: &Shape,
        token: &SecretValue,
    ) -> Result<Request, Problem> {
        let named = format!("{}/{}", self.object.kind.plural(), self.object.name);
        let not_text = || unusable(self.vault, "the value is no text");
        match content {
            Content::Text(value) => {
                let body = Body {
                    value: Some(value.expose_str().ok_or_else(not_text)?),
                    ..shape.body()
                };
                self.request(Method::PUT, &named, token, Some(&body))
            }
            Content::Certificate(file) => {
                let content_type = if file.pkcs12 {
                    "application/x-pkcs12"
                } else {
                    "application/x-pem-file"
                };
                let password = file.password.as_ref();
                let body = Body {
                    value: Some(file.text.expose_str().ok_or_else(not_text)?),
                    pwd: password.and_then(SecretValue::expose_str),
                    policy: Some(Policy {
                        secret_props: SecretProps { content_type },
                    }),
                    tags: Some(&shape.tags),
                    ..Body::default()
                };
                self.request(Method::POST, &format!("{named}/import"), token, Some(&body))
            }
        }
    }

    /// Other attributes and tags of the version that the object names.
    pub fn update(self, shape: &Shape, token: &SecretValue) -> Result<Request, Problem> {
        let Object {
            kind,
            name,
            version,
        } = self.object;
        let version = version.as_ref().map_or("", ObjectVersion::as_str);
        let path = format!("{}/{name}/{version}", kind.plural());
        self.request(Method::PATCH, &path, token, Some(&shape.body()))
    }

    /// Soft deletion.
    pub fn delete(self, token: &SecretValue) -> Result<Request, Problem> {
        let path = format!("{}/{}", self.object.kind.plural(), self.object.name);
        self.request(Method::DELETE, &path, token, None)
    }

    /// Back from soft deletion. It takes the vault some seconds.
    pub fn recover(self, token: &SecretValue) -> Result<Request, Problem> {
        let mut request = self.request(
            Method::POST,
            &format!("{}/recover", self.deleted()),
            token,
            None,
        )?;
        // Azure refuses a POST without a length.
        request.body = Some(Zeroizing::default());
        Ok(request)
    }

    fn deleted(self) -> String {
        format!("deleted{}/{}", self.object.kind.plural(), self.object.name)
    }

    fn request(
        self,
        method: Method,
        path: &str,
        token: &SecretValue,
        body: Option<&Body<'_>>,
    ) -> Result<Request, Problem> {
        let text = format!(
            "{}/{path}?api-version={}",
            self.vault.origin(),
            self.profile.cloud.vault_api_version
        );
        let url =
            Url::parse(&text).map_err(|_| unusable(self.vault, "no URL can be made of it"))?;
        let mut request = call(self.profile, self.vault, (method, url), token)?;
        if let Some(body) = body {
            request.headers.push((
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ));
            request.body = Some(self.json(body)?);
        }
        Ok(request)
    }

    /// The body in a buffer that never grows, so that no copy of the value stays behind.
    fn json(self, body: &Body<'_>) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let unfit = || unusable(self.vault, "no body can be made for it");
        let long = body.value.map_or(0, str::len) + body.pwd.map_or(0, str::len);
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 * long + (64 << 10)));
        serde_json::to_writer(&mut *bytes, body).map_err(|_| unfit())?;
        Ok(bytes)
    }

    /// Reads the answer to [`Self::look`]; none where there is no such object.
    pub fn read(self, answer: &Answer, now: Timestamp) -> Result<Option<Stored>, Problem> {
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.succeeded(Change::Look, answer, now)?;
        let found = stored(self.object, answer);
        found.map(Some).ok_or_else(|| self.malformed(answer))
    }

    /// Reads the answer to [`Self::look_deleted`]: the tags of the deleted object; none where there is none. Who may not look
    /// there sees none either, and an old vault without soft deletion has none.
    pub fn read_deleted(self, answer: &Answer, now: Timestamp) -> Result<Option<Tags>, Problem> {
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            return Ok(None);
        }
        if let Err(problem) = self.succeeded(Change::Look, answer, now) {
            let without = problem.azure_code.as_deref() == Some("NotSupported");
            return if without { Ok(None) } else { Err(problem) };
        }
        let wire: Wire =
            serde_json::from_slice(answer.body.bytes()).map_err(|_| self.malformed(answer))?;
        Ok(Some(wire.tags.unwrap_or_default()))
    }

    /// Reads the answer to [`Self::put`] or [`Self::update`]: the version that was written.
    pub fn read_written(self, answer: &Answer, now: Timestamp) -> Result<ObjectVersion, Problem> {
        self.succeeded(Change::Write, answer, now)?;
        let wire: Option<Wire> = serde_json::from_slice(answer.body.bytes()).ok();
        let version = wire.and_then(|wire| version_in(&wire.id?, self.object));
        version.ok_or_else(|| self.malformed(answer))
    }

    /// Reads the answer to [`Self::delete`]. That it is gone already is success.
    pub fn read_gone(self, answer: &Answer, now: Timestamp) -> Result<(), Problem> {
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.succeeded(Change::Delete, answer, now)
    }

    /// Reads the answer to [`Self::recover`]. That it is back already is success.
    pub fn read_recovered(self, answer: &Answer, now: Timestamp) -> Result<(), Problem> {
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT) {
            return Ok(());
        }
        self.succeeded(Change::Recover, answer, now)
    }

    fn succeeded(self, change: Change, answer: &Answer, now: Timestamp) -> Result<(), Problem> {
        if answer.status.is_success() {
            return Ok(());
        }
        let asked = Asked::Change(change, self.object);
        Err(refusal::problem(
            self.profile,
            self.vault,
            asked,
            answer,
            now,
        ))
    }

    fn malformed(self, answer: &Answer) -> Problem {
        malformed(self.vault, Asked::Object(self.object), answer)
    }
}

impl Shape {
    fn body(&self) -> Body<'_> {
        Body {
            content_type: self.content_type.as_deref(),
            tags: Some(&self.tags),
            attributes: self.expires.map(|expires| WireAttributes {
                exp: Some(expires.as_second()),
            }),
            ..Body::default()
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    id: Option<String>,
    value: Option<String>,
    cer: Option<String>,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
    tags: Option<Tags>,
    managed: Option<bool>,
    #[serde(default)]
    attributes: Attributes,
}

fn stored(object: &Object, answer: &Answer) -> Option<Stored> {
    let wire: Wire = serde_json::from_slice(answer.body.bytes()).ok()?;
    let content = match object.kind {
        Kind::Secret => SecretValue::from(wire.value?),
        Kind::Certificate => SecretValue::new(STANDARD.decode(wire.cer?).ok()?),
        Kind::Key => return None,
    };
    Some(Stored {
        version: version_in(&wire.id?, object)?,
        content,
        content_type: wire.content_type,
        tags: wire.tags.unwrap_or_default(),
        expires: time(wire.attributes.exp),
        created: time(wire.attributes.created),
        managed: wire.managed.unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
