//! What a request to the login host says, and who is asked.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{Version, errors::Denial};
use crate::{
    app::App,
    wire::call::{Call, pairs},
    world::moment::Moment,
};

/// Fields of a form; HTTP Basic may give id and secret in their place.
#[derive(Debug)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    basic: Option<(String, String)>,
}

impl Form {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            fields: pairs(&call.body),
            basic: call.header("authorization").and_then(basic),
        }
    }

    /// A field that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn need(&self, name: &str) -> Result<&str, Denial> {
        self.get(name)
            .ok_or_else(|| Denial::missing_parameter(name))
    }

    pub(crate) fn client_id(&self) -> Result<&str, Denial> {
        match &self.basic {
            Some((id, _)) => Ok(id),
            None => self.need("client_id"),
        }
    }

    pub(crate) fn secret(&self) -> Option<&str> {
        self.get("client_secret")
            .or_else(|| self.basic.as_ref().map(|(_, secret)| secret.as_str()))
    }

    /// The claims request (OpenID Connect Core, 5.5), which is one JSON object.
    pub(crate) fn claims(&self) -> Result<Option<Value>, Denial> {
        self.get("claims")
            .map(|text| match serde_json::from_str(text) {
                Ok(value @ Value::Object(_)) => Ok(value),
                _ => Err(Denial::malformed_request()),
            })
            .transpose()
    }
}

/// Id and secret of an HTTP Basic header; each part is form-encoded before it is joined (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

/// Text without its percent-encoding.
pub(crate) fn decoded(part: &str) -> Option<String> {
    pairs(format!("x={part}").as_bytes())
        .into_iter()
        .next()
        .map(|(_, value)| value)
}

/// A request as the grants see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) app: &'a App,
    pub(crate) form: &'a Form,
    /// Id or name of a tenant, or a word for all.
    pub(crate) tenant: &'a str,
    pub(crate) version: Version,
    pub(crate) now: Moment,
}

/// Whether a path's tenant leaves it to the user which one is meant.
pub(crate) fn is_any_tenant(tenant: &str) -> bool {
    ["common", "organizations", "consumers"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(tenant))
}
