//! What is taken of a secret: property, decoding. Pure.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonpath_rust::JsonPath;
use serde_json::Value;
use zeroize::Zeroize;

use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::api::Decode;
use crate::vault_secret_sync::items::item::SecretPart;

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// What an entry takes of a secret. No message quotes any part of the value.
pub fn take(
    key: &SecretKey,
    part: &SecretPart,
    value: &SecretValue,
) -> Result<SecretValue, Problem> {
    let taken = match &part.property {
        Some(path) => property(part, path, value)?,
        None => value.clone(),
    };
    match part.decode {
        Decode::None => Ok(taken),
        Decode::Base64 => decode(key, part, &STANDARD, &taken),
        Decode::Base64Url => decode(key, part, &URL_SAFE, &taken),
    }
}

fn problem(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

/// JSON whose texts are wiped when it goes.
struct Json(Value);

impl Drop for Json {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn property(part: &SecretPart, path: &str, value: &SecretValue) -> Result<SecretValue, Problem> {
    let json = serde_json::from_slice(value.expose())
        .map(Json)
        .map_err(|_| {
            let message = format!(
                "{} is not JSON, but property {path:?} of it was asked for: store JSON, or take spec.data[].secret.property out",
                part.id
            );
            problem(Reason::NotJson, message)
        })?;
    let absent = |what: &str| {
        problem(
            Reason::PropertyNotFound,
            format!(
                "{} has no property {path:?}{what}: correct spec.data[].secret.property, or the JSON in the vault",
                part.id
            ),
        )
    };
    let found = by_path(&json.0, path)?.or_else(|| json.0.get(path));
    match found {
        None => Err(absent("")),
        Some(Value::Null) => Err(absent(" (it is null)")),
        Some(Value::String(text)) => Ok(SecretValue::new(text.clone().into_bytes())),
        Some(other) => Ok(SecretValue::new(other.to_string().into_bytes())),
    }
}

/// The one value that a path finds; none where it finds nothing or is no path at all, such as a name with a dot.
fn by_path<'a>(json: &'a Value, path: &str) -> Result<Option<&'a Value>, Problem> {
    let path = if path.starts_with('$') {
        path.to_owned()
    } else {
        format!("$.{path}")
    };
    let found = json.query(&path).unwrap_or_default();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        more => {
            let message = format!(
                "property {path:?} finds {} values: it must find one; correct spec.data[].secret.property",
                more.len()
            );
            Err(problem(Reason::PropertyNotFound, message))
        }
    }
}

fn decode(
    key: &SecretKey,
    part: &SecretPart,
    engine: &GeneralPurpose,
    value: &SecretValue,
) -> Result<SecretValue, Problem> {
    let mut packed: Vec<u8> = value
        .expose()
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = engine.decode(&packed);
    packed.zeroize();
    decoded.map(SecretValue::new).map_err(|_| {
        let message = format!(
            "the value of {} for key {} is not {:?}: correct spec.data[].secret.decode, or the value in the vault",
            part.id, key, part.decode
        );
        problem(Reason::DecodeFailed, message)
    })
}
